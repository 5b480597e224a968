"""Due dates: counted from the anchor day, never from the date before."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from ledger.loanmath.terms import MonthEnd, Unit


def add_months(day: date, months: int, anchor_day: int | None = None, month_end: MonthEnd = MonthEnd.CLAMP) -> date:
    """The day `months` later in the calendar, on `anchor_day` (default: the day itself); in a shorter month on its
    last day, or as `month_end` says."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    wanted, last = anchor_day or day.day, calendar.monthrange(year, month + 1)[1]
    if wanted > last and month_end is MonthEnd.ROLL:
        return date(year, month + 1, last) + timedelta(days=1)
    return date(year, month + 1, min(wanted, last))


def due_date(
    first_due_on: date,
    anchor_day: int | None,
    unit: Unit,
    every: int,
    k: int,
    month_end: MonthEnd = MonthEnd.CLAMP,
) -> date:
    """Due date `k` (0 is the first). A month too short for the anchor day ends earlier, or as `month_end` says; the
    next comes back to it: 31 January, 28 February, 31 March. The first is `first_due_on` itself, and months are
    counted from it: where it was rolled to the 1st, from the month it was rolled from."""
    if k == 0:
        return first_due_on
    if unit == Unit.DAY:
        return first_due_on + timedelta(days=every * k)
    if unit == Unit.WEEK:
        return first_due_on + timedelta(weeks=every * k)
    if month_end is MonthEnd.ROLL and first_due_on.day == 1 and (anchor_day or 1) > 28:
        first_due_on -= timedelta(days=1)
    return add_months(first_due_on, every * k * (12 if unit == Unit.YEAR else 1), anchor_day, month_end)
