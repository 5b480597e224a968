"""Writes what the demo's story asks by mail into the local mailbox, though it be night where its people live."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ledger import clock
from ledger.demo_words import HOUSEHOLDS
from ledger.models import Household
from reminders import rules
from reminders.services import outbox, planning


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MAIL_KEPT_LOCALLY:  # what leaves the house waits for its hour
            return
        homes = Household.objects.filter(members__email__in=HOUSEHOLDS)
        for time_zone in homes.values_list("time_zone", flat=True).distinct():
            moment = last_waking(clock.now(), clock.zone(time_zone))
            planning.plan_notices(moment)
            outbox.drain(moment)


def last_waking(now: datetime, zone: tzinfo) -> datetime:
    """`now`, or the last full hour before the quiet hours that `now` lies in."""
    local = now.astimezone(zone)
    if local.hour >= rules.QUIET_FROM:
        return rules.moment(local.date(), rules.QUIET_FROM - 1, zone)
    if local.hour < rules.QUIET_UNTIL:
        return rules.moment(local.date() - timedelta(days=1), rules.QUIET_FROM - 1, zone)
    return now
