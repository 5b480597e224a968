"""Due dates: counted from the anchor day, never from the date before."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from ledger.loanmath.terms import Unit


def add_months(day: date, months: int, anchor_day: int | None = None) -> date:
    """The day `months` later in the calendar, on `anchor_day` (default: the day itself) or the month's last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(anchor_day or day.day, last))


def due_date(first_due_on: date, anchor_day: int | None, unit: Unit, every: int, k: int) -> date:
    """Due date `k` (0 is the first). A month too short for the anchor day ends earlier; the next comes back to it:
    31 January, 28 February, 31 March. The first is `first_due_on` itself."""
    if k == 0:
        return first_due_on
    if unit == Unit.DAY:
        return first_due_on + timedelta(days=every * k)
    if unit == Unit.WEEK:
        return first_due_on + timedelta(weeks=every * k)
    return add_months(first_due_on, every * k * (12 if unit == Unit.YEAR else 1), anchor_day)
