"""Due dates: counted from the anchor day, never from the date before."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from ledger.loanmath.terms import FirstDue, MonthEnd, Unit


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


def first_due_date(
    rule: FirstDue,
    disbursed_on: date,
    due_day: int | None = None,
    unit: Unit = Unit.MONTH,
    every: int = 1,
    gap: int = 0,
) -> date:
    """The first due date that follows from the day of the disbursement; `due_day` (1-31) is the day of the month, None
    that of the disbursement. ValueError for FirstDue.EXPLICIT, from which nothing follows.

    ONE_PERIOD: one period (`every` x `unit`) later, whatever the due day. NEXT_MONTH: the due day of the next calendar
    month. MIN_GAP: the first due day at least `gap` days later, one at the least. SKIP_ONE: the due day after the next
    one, which may be the day of the disbursement itself. Loans by the day or week have no due day: their periods count.
    """
    if rule is FirstDue.EXPLICIT:
        raise ValueError("an explicit first due date follows from nothing")
    one_period = due_date(disbursed_on, None, unit, every, 1)
    if rule is FirstDue.ONE_PERIOD:
        return one_period
    day = due_day or disbursed_on.day
    if rule is FirstDue.NEXT_MONTH:
        return add_months(disbursed_on, 1, day)
    skipped, least = (1, 0) if rule is FirstDue.SKIP_ONE else (0, max(gap, 1))
    if unit in (Unit.DAY, Unit.WEEK):
        length = (one_period - disbursed_on).days
        return disbursed_on + timedelta(days=length * (max(-(-least // length), 1) + skipped))
    earliest = disbursed_on + timedelta(days=least)
    passed = add_months(earliest, 0, day) < earliest
    return add_months(earliest, passed + skipped, day)
