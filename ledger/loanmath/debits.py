"""When a lender tries to debit a bill: its windows on the debit day, and again while the bill is unpaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

RETRY_DAYS = (1, 2, 3, 4, 5)  # days after the due day on which a lender usually tries again
DAILY_FOR = 90  # a lender that tries every day while a bill is overdue is followed for so many days
OPEN_FOR = timedelta(hours=1)  # "at about 09:30": how long a window given by its beginning may take
MIDNIGHT = "24:00"


@dataclass(frozen=True, slots=True)
class DebitRule:
    """When a lender debits a bill, by the household's clock.

    `windows` are local times "HH:MM", or spans "HH:MM-HH:MM" (the end up to "24:00") in which the lender takes what
    comes in: a span is looked at when it opens and, if money lacked, once more as it closes. They apply to the payable
    day shifted by `day_offset` (0, or -1: the day before), and again on each of `retry_days` after the payable day; if
    `daily`, on every day after it. On those days `retry_windows` apply, where there are any. At most `tries_a_day`
    looks count (0: all). No debit takes place from `paused_on` to the day before `resumes_on` (None: until resumed).
    """

    windows: tuple[str, ...] = ("09:30", "15:30")
    day_offset: int = 0
    retry_days: tuple[int, ...] = RETRY_DAYS
    daily: bool = False
    retry_windows: tuple[str, ...] = ()
    tries_a_day: int = 0
    paused_on: date | None = None
    resumes_on: date | None = None

    def days(self) -> list[int]:
        """The days of debit, counted from the payable day, in order."""
        later = range(1, DAILY_FOR + 1) if self.daily else ()
        return sorted({self.day_offset, *self.retry_days, *later})

    def is_paused(self, day: date) -> bool:
        """Whether debits rest on a day."""
        if self.paused_on is None or day < self.paused_on:
            return False
        return self.resumes_on is None or day < self.resumes_on


@dataclass(frozen=True, slots=True)
class Window:
    """A span of local time in which a lender debits; the end belongs to it."""

    opens: time
    closes: time | None = None  # None: given by its beginning only

    def looks(self) -> Iterator[time]:
        yield self.opens
        if self.closes is not None:
            yield self.closes


def window(text: str) -> Window:
    """The window that "HH:MM" or "HH:MM-HH:MM" names; "24:00" is the last minute of the day. Raises ValueError."""
    opens, dash, closes = text.partition("-")
    end = time(23, 59) if closes == MIDNIGHT else time.fromisoformat(closes) if dash else None
    found = Window(time.fromisoformat(opens), end)
    if end is not None and end <= found.opens:
        raise ValueError(f"window {text} closes before it opens")
    return found


def windows_on(rule: DebitRule, days: int) -> tuple[str, ...]:
    """The windows of the day `days` after the payable day."""
    return rule.retry_windows if days != rule.day_offset and rule.retry_windows else rule.windows


def looks(rule: DebitRule, days: int) -> list[time]:
    """The local times at which a debit is looked at on the day `days` after the payable day."""
    times = sorted({at for text in windows_on(rule, days) for at in window(text).looks()})
    return times[: rule.tries_a_day or None]


def moments(payable_on: date, rule: DebitRule, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments at which a bill payable on a day is debited, in order, each once; none on days of a pause.

    A time that the clocks skip comes as much later as they were put forward; of one that they show twice the first.
    """
    for days in rule.days():
        day = payable_on + timedelta(days=days)
        if not rule.is_paused(day):
            yield from sorted({_moment(day, at, zone) for at in looks(rule, days)})


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When the clocks of a zone show a time; by way of UTC, so that it is a time they do show."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC).astimezone(zone)


def next_moment(
    days: Sequence[date], rule: DebitRule, zone: ZoneInfo, after: datetime | None = None
) -> datetime | None:
    """The first moment later than `after` (the last try) at which a bill is debited; None when the lender has given
    up. `days` are the days on which the bill is payable: its own and, where later debits take up what is overdue, those
    of the bills after it; they ascend."""
    first: datetime | None = None
    for day in days:
        if first is not None and day + timedelta(days=rule.day_offset) > first.date():
            break
        found = next((at for at in moments(day, rule, zone) if after is None or at > after), None)
        if found is not None and (first is None or found < first):
            first = found
    return first


def passed_moments(
    days: Iterable[date], rule: DebitRule, zone: ZoneInfo, after: datetime, now: datetime
) -> list[datetime]:
    """The moments later than `after` that have come by `now`, oldest first; `days` as for `next_moment`."""
    return sorted({at for day in days for at in moments(day, rule, zone) if after < at <= now})


def open_window(payable_on: date, rule: DebitRule, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime] | None:
    """From when to when the lender may be debiting a bill right `now`; None outside its windows, and in those that
    come after the tries of the day are used up."""
    local = now.astimezone(zone)
    days = (local.date() - payable_on).days
    if days not in rule.days() or rule.is_paused(local.date()):
        return None
    looked_at = looks(rule, days)
    for text in windows_on(rule, days):
        one = window(text)
        opens = _moment(local.date(), one.opens, zone)
        closes = _moment(local.date(), one.closes, zone) if one.closes else opens + OPEN_FOR
        if one.opens in looked_at and opens <= now <= closes:
            return opens, closes
    return None
