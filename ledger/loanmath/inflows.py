"""Money that is going to come: on which days a planned inflow, such as a salary, is expected, and how much by when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from ledger.loanmath.calendars import ONE_DAY, WEEKENDS, Calendar, payable_date
from ledger.loanmath.dates import add_months
from ledger.loanmath.terms import HolidayRule

LONGEST_MONTH = 31
SHIFTS = (HolidayRule.SAME_DAY, HolidayRule.PREVIOUS_WORKDAY, HolidayRule.NEXT_WORKDAY)


class Repeats(StrEnum):
    """How often a planned inflow comes."""

    ONCE = "once"
    MONTHLY = "monthly"
    FORTNIGHTLY = "fortnightly"
    WEEKLY = "weekly"


_DAYS = {Repeats.FORTNIGHTLY: 14, Repeats.WEEKLY: 7}


@dataclass(frozen=True, slots=True)
class InflowPlan:
    """`amount` minor units (above zero) that come to an account from `starts_on` to `until`, both included; None: for
    good.

    Once and by the week they come on `starts_on` itself and every 7 or 14 days from it; monthly on the `day` of each
    month (1-31; a shorter month on its last day, the next comes back to it), first on the first such day not before
    `starts_on`. A day that is no working day of `calendar` is moved as `shift` says, which is asked last: `starts_on`
    and `until` are held against the planned day. `id` is the caller's. ValueError for what makes no plan.
    """

    amount: int
    repeats: Repeats
    starts_on: date
    day: int | None = None
    until: date | None = None
    shift: HolidayRule = HolidayRule.SAME_DAY
    calendar: Calendar = field(default=WEEKENDS, repr=False)
    id: int = 0

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError("an inflow is above zero")
        if (self.day is not None) != (self.repeats is Repeats.MONTHLY):
            raise ValueError("a monthly inflow, and no other, has a day of the month")
        if self.day is not None and not 1 <= self.day <= LONGEST_MONTH:
            raise ValueError("the day of a month is 1 to 31")
        if self.until is not None and self.until < self.starts_on:
            raise ValueError("an inflow ends before it begins")
        if self.shift not in SHIFTS:
            raise ValueError("an inflow has no next due date to wait for")

    def days(self, first: date, last: date) -> list[date]:
        """The days from `first` to `last`, both included, on which it is expected; earliest first. A day stands twice
        where two planned days are moved to it."""
        moved = (
            payable_date(planned, self.shift, self.calendar)
            for planned in self._planned(self._earliest(first), self._latest(last))
        )
        return [day for day in moved if first <= day <= last]

    def next_from(self, first: date) -> date | None:
        """The first day from `first` on, that day included, on which it is expected; None: it has ended."""
        for planned in self._planned(self._earliest(first), self.until):
            day = payable_date(planned, self.shift, self.calendar)
            if day >= first:
                return day
        return None

    def _earliest(self, day: date) -> date:
        """The earliest planned day that can be moved to `day` or later."""
        if self.shift is HolidayRule.NEXT_WORKDAY:
            return payable_date(day - ONE_DAY, HolidayRule.PREVIOUS_WORKDAY, self.calendar) + ONE_DAY
        return day

    def _latest(self, day: date) -> date:
        """The latest planned day that can be moved to `day` or earlier, or the end of the plan."""
        if self.shift is HolidayRule.PREVIOUS_WORKDAY:
            day = payable_date(day + ONE_DAY, HolidayRule.NEXT_WORKDAY, self.calendar) - ONE_DAY
        return day if self.until is None else min(day, self.until)

    def _planned(self, first: date, last: date | None) -> Iterator[date]:
        """The planned days from `first` to `last`, both included; without a `last` they never end, unless there is
        only one."""
        first = max(first, self.starts_on)
        if self.repeats is Repeats.ONCE:
            if first == self.starts_on and (last is None or first <= last):
                yield first
            return
        k = self._index(first)
        while last is None or self._at(k) <= last:
            yield self._at(k)
            k += 1

    def _index(self, first: date) -> int:
        """The number of the first planned day not before `first`, itself not before `starts_on`."""
        if self.repeats is Repeats.MONTHLY:
            k = (first.year - self.starts_on.year) * 12 + first.month - self.starts_on.month
            return k if self._at(k) >= first else k + 1
        return -((self.starts_on - first).days // _DAYS[self.repeats])

    def _at(self, k: int) -> date:
        """Planned day `k`, counted from the month or the day of `starts_on`, never from the one before."""
        if self.repeats is Repeats.MONTHLY:
            return add_months(self.starts_on, k, self.day)
        return self.starts_on + timedelta(days=_DAYS[self.repeats] * k)


@dataclass(frozen=True, slots=True)
class Arrival:
    """`amount` minor units of plan `id`, expected on a day."""

    on: date
    amount: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected in a span of days: the sum, and what it is made of, earliest first."""

    total: int = 0
    arrivals: tuple[Arrival, ...] = ()


def expected(plans: Iterable[InflowPlan], after: date, until: date) -> Expected:
    """All that `plans` of one currency bring after the day `after`, up to `until` included.

    After the day of a stated balance: what comes on that day itself is taken to be in it. For a debit `until` is the
    day before: an inflow counts from the end of its day, since salaries come in during the day and debits early.
    """
    arrivals = sorted(
        (Arrival(day, plan.amount, plan.id) for plan in plans for day in plan.days(after + ONE_DAY, until)),
        key=lambda arrival: (arrival.on, arrival.id),
    )
    return Expected(sum(arrival.amount for arrival in arrivals), tuple(arrivals))
