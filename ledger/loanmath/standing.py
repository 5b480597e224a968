"""Standing: what state a bill is in as of a day, and how late the loan is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Protocol

from ledger.loanmath.money import Parts

BUCKET_DAYS = 30
LAST_BUCKET = 7


class Standing(StrEnum):
    """What a reader wants to know about a bill first."""

    UPCOMING = "upcoming"
    DUE = "due"  # today is the payable date
    IN_GRACE = "in_grace"  # late, and no penalty yet
    OVERDUE = "overdue"
    PART_PAID = "part_paid"  # something is paid, the rest is not due yet
    PRESUMED = "presumed"  # paid on the lender's word, nobody has confirmed it
    PAID = "paid"
    PAID_LATE = "paid_late"
    DEFERRED = "deferred"  # agreed to be paid later, and that day has not come
    WAIVED = "waived"  # settled without a payment
    REPLACED = "replaced"  # what was open of it is asked for under an arrangement
    NOTHING_DUE = "nothing_due"  # asks for nothing: left out, met by a coupon


class BillFigures(Protocol):
    """What is read of a bill; a projected bill has it, and so may a stored one."""

    @property
    def due(self) -> Parts: ...
    @property
    def paid(self) -> Parts: ...
    @property
    def waived(self) -> Parts: ...
    @property
    def presumed(self) -> int: ...
    @property
    def due_on(self) -> date: ...
    @property
    def payable_on(self) -> date: ...
    @property
    def settled_on(self) -> date | None: ...
    @property
    def deferred_from(self) -> date | None: ...
    @property
    def is_replaced(self) -> bool: ...


def open_amount(bill: BillFigures) -> int:
    return bill.due.total - bill.paid.total - bill.waived.total


def standing(bill: BillFigures, as_of: date, grace_days: int = 0) -> Standing:
    """The standing of one bill. Late counts from the day after the payable date; while the grace lasts the bill is
    late without a penalty. A part-paid bill that is due or late stands as due or late."""
    if open_amount(bill) <= 0:
        return _settled_standing(bill)
    late = (as_of - bill.payable_on).days
    if late > grace_days:
        return Standing.OVERDUE
    if late > 0:
        return Standing.IN_GRACE
    if late == 0:
        return Standing.DUE
    if bill.paid.total:
        return Standing.PART_PAID
    return Standing.DEFERRED if bill.deferred_from is not None else Standing.UPCOMING


def _settled_standing(bill: BillFigures) -> Standing:
    if bill.is_replaced:
        return Standing.REPLACED
    if bill.presumed:
        return Standing.PRESUMED
    if not bill.paid.total:
        return Standing.WAIVED if bill.waived.total else Standing.NOTHING_DUE
    if bill.settled_on is not None and bill.settled_on > bill.payable_on:
        return Standing.PAID_LATE
    return Standing.PAID


def days_past_due(bills: Iterable[BillFigures], as_of: date) -> int:
    """Days since the payable date of the oldest bill not yet paid; 0 if none is late. Grace days count."""
    late = (bill.payable_on for bill in bills if bill.payable_on < as_of and open_amount(bill) > 0)
    oldest = min(late, default=None)
    return 0 if oldest is None else (as_of - oldest).days


def bucket(days: int) -> str:
    """M0 while nothing is late, M1 for 1-30 days, M2 for 31-60, up to M7 for more than 180."""
    return f"M{min(-(-max(days, 0) // BUCKET_DAYS), LAST_BUCKET)}"
