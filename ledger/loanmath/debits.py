"""When a lender tries to debit a bill: its windows on the due day, and again each day while it is unpaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LAST_DAY = 5  # a lender gives up debiting this many days after the due day


def moments(payable_on: date, windows: Iterable[str], zone: ZoneInfo) -> Iterator[datetime]:
    """The moments at which a bill payable on a day is debited, in order: each of `windows` (local "HH:MM") on that
    day and on each of the LAST_DAY days after it."""
    times = sorted(time.fromisoformat(window) for window in windows)
    for days in range(LAST_DAY + 1):
        for at in times:
            yield datetime.combine(payable_on + timedelta(days=days), at, tzinfo=zone)


def next_moment(
    payable_on: date, windows: Iterable[str], zone: ZoneInfo, after: datetime | None = None
) -> datetime | None:
    """The first debit moment of a bill later than `after` (the last try); None when the lender has given up."""
    return next((at for at in moments(payable_on, windows, zone) if after is None or at > after), None)


def passed_moments(
    payable_on: date, windows: Iterable[str], zone: ZoneInfo, after: datetime, now: datetime
) -> list[datetime]:
    """The debit moments of a bill later than `after` that have come by `now`, oldest first."""
    return [at for at in moments(payable_on, windows, zone) if after < at <= now]
