"""What Celery runs for the ledger: a tick that carries nothing and asks the database what is due."""

from __future__ import annotations

import logging
from datetime import datetime

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from ledger import clock
from ledger.services import heartbeat
from ledger.services.debit_chunks import HouseholdRange, debit_range, due_ranges
from ledger.services.passing_days import FURTHEST_EAST, refresh_overtaken
from ledger.services.ping import ping

log = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def tick() -> None:
    """Does whatever is due by now and not yet done, or hands it out; any number may run at once, late or never."""
    now = clock.now()
    try:
        run(now)
    except Exception:
        ping(now, is_well=False)
        raise


def run(now: datetime) -> None:
    """One tick at `now`."""
    if heartbeat.idle(now, (now + FURTHEST_EAST).date()):
        return
    heartbeat.started(heartbeat.LEDGER, now)
    refresh_overtaken(now)
    ranges = due_ranges(now)
    first = next(ranges, None)  # this worker's own share
    for households in ranges:
        if not _hand_out(households):
            break
    if first is not None:
        debit_range(first, now)
    heartbeat.finished(heartbeat.LEDGER, clock.now())


def _hand_out(households: HouseholdRange) -> bool:
    """Let any worker look at a range; False where the broker is away. It goes stale before the next tick hands out what
    is left, so that no heap of them grows; what could not be handed out is found again by that tick."""
    try:
        debit_households.apply_async(households, expires=max(1, settings.SWEEP_SECONDS - 5), retry=False)
    except OperationalError as error:
        log.warning("Households from %s on wait for the next tick: %s", households.first, error)
        return False
    return True


@shared_task  # type: ignore[untyped-decorator]
def debit_households(first: int, last: int) -> None:
    """Debits what is due of a range of households."""
    debit_range(HouseholdRange(first, last), clock.now())
