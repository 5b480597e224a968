"""The credit record: a loan month by month as a credit bureau writes it, its lapses, and when they age out.

The marks are those of the personal credit report of the People's Bank of China's credit reference center: `*` nothing
to pay that month, `N` paid as agreed, `1` to `7` by days past due (1 for 1 to 30, 2 for 31 to 60 … 7 for more than
180), `C` closed. A lender reports on a day of its own choosing, which nobody else knows: so a month is marked by its
worst day, and this record is never better than the bureau's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dateutil.relativedelta import relativedelta

from ledger.loanmath.standing import BUCKET_DAYS, LAST_BUCKET

NOTHING_DUE = "*"
ON_TIME = "N"
CLOSED = "C"


class CountsFrom(StrEnum):
    """The day from which the years of an adverse mark count."""

    END = "end"  # the day what was late is paid
    START = "start"  # the day it was first missed


@dataclass(frozen=True, slots=True)
class AgingRule:
    """How long an adverse mark is kept.

    China: five years from the day the default ended (Regulation on the Credit Reporting Industry, art. 16). United
    States: seven years from the first missed payment (15 U.S.C. 1681c). United Kingdom: six years. Others differ.
    """

    years: int = 5
    counts_from: CountsFrom = CountsFrom.END


@dataclass(frozen=True, slots=True)
class RecordedBill:
    """What the record needs of a bill that asks for something: its last day to pay, and the day it was settled (None:
    open)."""

    payable_on: date
    settled_on: date | None

    def late_until(self, as_of: date) -> date:
        """The last day on which it was late; its payable date or before where it never was. The day it is paid counts,
        so that a bill paid 31 days late was 31 days past due."""
        return min(self.settled_on or as_of, as_of)

    def days_late(self, as_of: date) -> int:
        """How late it was at worst; 0 where it was in time."""
        return max((self.late_until(as_of) - self.payable_on).days, 0)


@dataclass(frozen=True, slots=True)
class MonthMark:
    """One month's mark. `days` is how late the loan was at worst in that month."""

    year: int
    month: int
    mark: str
    days: int = 0

    @property
    def is_adverse(self) -> bool:
        return self.mark.isdigit()


@dataclass(frozen=True, slots=True)
class Lapse:
    """A time in which something was late without a day between: from the first payable date missed to the day all of it
    was paid (None: it lasts); `days` is the worst of it."""

    missed_on: date
    ended_on: date | None
    days: int

    @property
    def mark(self) -> str:
        return late_mark(self.days)


def late_mark(days: int) -> str:
    """The mark for so many days past due, one or more: 1 for 1 to 30, 2 for 31 to 60, up to 7 for more than 180."""
    return str(min(-(-days // BUCKET_DAYS), LAST_BUCKET))


def month_marks(
    *, opened_on: date, closed_on: date | None, bills: Iterable[RecordedBill], as_of: date, grace_days: int = 0
) -> tuple[MonthMark, ...]:
    """A mark for each month from that of `opened_on` to that of `as_of`, or to that in which the loan was closed.

    A bill paid within its grace was in time. The month of `as_of` has no mark while nothing is late and one of its
    bills is still to be paid. Without an open month the list is gapless, oldest first.
    """
    kept = sorted(bills, key=lambda bill: bill.payable_on)
    last = min(closed_on or as_of, as_of)
    marks = []
    for first in _months(opened_on, last):
        mark = _mark(first, kept, closed_on, as_of, grace_days)
        if mark is not None:
            marks.append(mark)
    return tuple(marks)


def _months(first: date, last: date) -> Iterator[date]:
    """The first day of each month from that of `first` to that of `last`; none where `first` is later."""
    month = first.replace(day=1) if first <= last else last + relativedelta(days=1)
    while month <= last:
        yield month
        month += relativedelta(months=1)


def _mark(
    first: date, bills: Sequence[RecordedBill], closed_on: date | None, as_of: date, grace_days: int
) -> MonthMark | None:
    end = first + relativedelta(day=31)
    if closed_on is not None and closed_on <= end and closed_on <= as_of:
        return MonthMark(first.year, first.month, CLOSED)
    days = max((_days_late_in(first, end, bill, as_of, grace_days) for bill in bills), default=0)
    if days:
        return MonthMark(first.year, first.month, late_mark(days), days)
    asked = [bill for bill in bills if first <= bill.payable_on <= end]
    if as_of <= end and any(bill.settled_on is None or bill.settled_on > as_of for bill in asked):
        return None
    return MonthMark(first.year, first.month, ON_TIME if asked else NOTHING_DUE)


def _days_late_in(first: date, end: date, bill: RecordedBill, as_of: date, grace_days: int) -> int:
    """How late a bill was at worst between two days; 0 in grace, and where it was paid within it."""
    if bill.days_late(as_of) <= grace_days:
        return 0
    day = min(bill.late_until(as_of), end)
    return (day - bill.payable_on).days if day >= first and day > bill.payable_on else 0


def lapses(bills: Iterable[RecordedBill], as_of: date, grace_days: int = 0) -> tuple[Lapse, ...]:
    """When the loan was late beyond its grace, oldest first. A bill missed before the one before it was paid carries
    the lapse on; one missed on that very day, or later, begins another."""
    late = sorted(
        (bill for bill in bills if bill.days_late(as_of) > grace_days),
        key=lambda bill: (bill.payable_on, bill.days_late(as_of)),
    )
    found: list[Lapse] = []
    for bill in late:
        ended_on = bill.settled_on if bill.settled_on is not None and bill.settled_on <= as_of else None
        days = bill.days_late(as_of)
        if found and (found[-1].ended_on is None or bill.payable_on < found[-1].ended_on):
            found[-1] = _joined(found[-1], ended_on, days)
        else:
            found.append(Lapse(bill.payable_on, ended_on, days))
    return tuple(found)


def _joined(lapse: Lapse, ended_on: date | None, days: int) -> Lapse:
    end = None if lapse.ended_on is None or ended_on is None else max(lapse.ended_on, ended_on)
    return Lapse(lapse.missed_on, end, max(lapse.days, days))


def ages_out_on(lapse: Lapse, rule: AgingRule) -> date | None:
    """The day from which a lapse is no longer kept; None while its years have not begun to count."""
    counts_from = lapse.missed_on if rule.counts_from is CountsFrom.START else lapse.ended_on
    return None if counts_from is None else counts_from + relativedelta(years=rule.years)
