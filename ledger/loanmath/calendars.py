"""Working days: which days are none, and the last day to pay a bill whose due date is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ledger.loanmath.terms import HolidayRule

ONE_DAY = timedelta(days=1)
WEEKEND = (5, 6)  # Saturday, Sunday, as `date.weekday` counts


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of one place: every day that is neither a weekend day nor one of `holidays`, and the
    `workdays` whatever day of the week they fall on (China's shifted working Saturdays)."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    weekend: tuple[int, ...] = WEEKEND

    def is_working_day(self, day: date) -> bool:
        return day in self.workdays or (day.weekday() not in self.weekend and day not in self.holidays)


WEEKENDS = Calendar()  # nothing is known but the weekends


def payable_date(due_on: date, rule: HolidayRule, calendar: Calendar, next_due_on: date | None = None) -> date:
    """The last day to pay a bill due on `due_on`: that day if it is a working day, else as `rule` says. With
    HolidayRule.NEXT_DUE_DATE that is `next_due_on`, or the next working day where no bill follows."""
    if rule is HolidayRule.SAME_DAY or calendar.is_working_day(due_on):
        return due_on
    if rule is HolidayRule.NEXT_DUE_DATE and next_due_on is not None:
        return next_due_on
    step = -ONE_DAY if rule is HolidayRule.PREVIOUS_WORKDAY else ONE_DAY
    day = due_on
    while not calendar.is_working_day(day):
        day += step
    return day
