"""Keeps stored bills at each household's own day: penalties grow, planned facts begin to count."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from time import monotonic

from django.db.models import Min

from ledger.clock import local_day
from ledger.models import Loan
from ledger.services.projection import refresh_loan

log = logging.getLogger(__name__)

FURTHEST_EAST = timedelta(hours=14)
SWEEP_LASTS = 20.0
MOST = 20_000  # loans of one time zone looked at in one sweep


def refresh_overtaken(now: datetime) -> int:
    """Bring every loan that a passing day has overtaken up to its household's day; the number brought up.

    Each in its own transaction: one with bad data is logged and stops no other. What it has not got to in
    SWEEP_LASTS seconds is left to the next sweep.
    """
    until = monotonic() + SWEEP_LASTS
    somewhere = (now + FURTHEST_EAST).date()
    zones = (
        Loan.objects.outdated(somewhere)
        .order_by()
        .values_list("household__time_zone")
        .annotate(first=Min("next_change_on"))
    )
    count = 0
    for time_zone, first in zones:
        today = local_day(now, time_zone)
        if first > today:
            continue
        overtaken = Loan.objects.outdated(today).filter(household__time_zone=time_zone).order_by("next_change_on", "pk")
        for loan in overtaken.values_list("pk", flat=True)[:MOST]:
            if monotonic() > until:
                return count
            try:
                count += refresh_loan(Loan(pk=loan), today)
            except Exception:
                log.exception("Loan %s could not be brought up to %s", loan, today)
    return count
