"""How often and when a message is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reminders.channels import Outcome
from reminders.models import State

BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
LATER = timedelta(hours=1)  # how often a failed message is tried once more, in case the server is back
MOST_ATTEMPTS = 28  # about a day
MOST_REFUSALS = 3
ROW_ALONE = 2  # so often a worker was lost over it, and a message is taken without the others of its letter
MOST_LEASES = 6  # and so often, and it is put aside
RESENT_WITHIN = timedelta(days=1)  # an uncertain message is not sent again later than that


@dataclass(frozen=True, slots=True)
class Try:
    """Where a message stands after a try that surely failed."""

    state: State
    next_at: datetime
    attempts: int
    refusals: int


def after_failure(outcome: Outcome, attempts: int, refusals: int, now: datetime) -> Try:
    """Put off by 1, 5 and 30 minutes; then failed, with a try each hour for about a day unless it was refused for good.

    `attempts` and `refusals` are those before this try, at `now`.
    """
    attempts += 1
    if outcome is Outcome.IMPOSSIBLE:
        refusals = MOST_REFUSALS
    elif outcome is Outcome.REFUSED:
        refusals += 1
    failed = attempts > len(BACK_OFF) or refusals >= MOST_REFUSALS
    wait = LATER if failed else BACK_OFF[attempts - 1]
    return Try(State.FAILED if failed else State.PLANNED, now + wait, attempts, refusals)


def after_silence(attempts: int, now: datetime) -> datetime:
    """When a message that may have been sent would be sent again, if that is wanted at all."""
    return now + BACK_OFF[min(attempts, len(BACK_OFF) - 1)]
