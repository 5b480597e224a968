"""Settling one bill on stored figures alone: what a repayment of all that is open of it changes, where nothing else
of the loan moves with it. Whatever this cannot vouch for goes through the projection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from ledger.loanmath.books import Books
from ledger.loanmath.facts import Arrangement, Charge, Fact
from ledger.loanmath.terms import AheadInterest
from ledger.loanmath.working_bill import ON_TIME

FourAmounts = tuple[int, int, int, int]  # principal, interest, fee, penalty, in minor units


class Settling(StrEnum):
    """When the oldest open bill of a loan may be paid in full so that nothing but this bill changes."""

    NEVER = ""
    ON_DUE_DATE = "due_date"  # another day of payment would make another bill ask for more or less interest
    ANY_DAY = "any_day"  # up to the payable date


def settling(books: Books, facts: Sequence[Fact], as_of: date) -> Settling:
    """How the loan's bills may be settled as of a day, every bill made up; it stays so while they are, until a fact
    counts or a bill is late. `facts` live and in order.

    Never while money is held, while a bill is late or was late before it was deferred, on a day on which a fact counts
    after the repayments of the day, and where each repayment is first weighed against a payoff.
    """
    terms, ahead = books.terms, books.ahead_interest
    if books.credit or books.ahead or (terms.payoff_to_period_end and ahead is AheadInterest.TO_DATE):
        return Settling.NEVER
    if any(bill.payable_on < as_of or bill.lateness is not ON_TIME for bill in books.open.values()):
        return Settling.NEVER
    if any(fact.effective_on == as_of and _counts_after_repayments(fact) for fact in facts):
        return Settling.NEVER
    if terms.overdue_accrues or ahead is not AheadInterest.PLANNED:
        return Settling.ON_DUE_DATE
    return Settling.ANY_DAY


def _counts_after_repayments(fact: Fact) -> bool:
    return isinstance(fact, Arrangement) or (isinstance(fact, Charge) and fact.after_repayments)


class StoredLoan(NamedTuple):
    """The stored figures of a loan, as projected on `projected_on`."""

    projected_on: date
    next_change_on: date | None
    settling: str
    outstanding_principal: int


class StoredBill(NamedTuple):
    """The stored figures of an open bill; `changes_after` is `next_change_on` of the loan once this bill and all before
    it are paid."""

    starts_on: date
    due_on: date
    payable_on: date
    deferred_from: date | None
    due: FourAmounts
    paid: FourAmounts
    waived: FourAmounts
    presumed: int
    changes_after: date | None


class OtherBills(NamedTuple):
    """The loan's other bills: the first day on which an open one is asked for (the earlier of its due and payable
    date), None where no other is open; and the last day on which one that asked for anything was settled."""

    asked_on: date | None
    settled_on: date | None


class Payment(NamedTuple):
    """`amount` paid for one bill (`ApplyTo.BILL`) on a day; `presumed` until someone confirms it."""

    amount: int
    paid_on: date
    presumed: bool


class Settled(NamedTuple):
    """What is stored after the repayment: of the bill what is paid and presumed, and the day it was settled (nothing
    changes after it any more); `met` is the allocation; the rest are the loan's columns."""

    met: FourAmounts
    paid: FourAmounts
    presumed: int
    bill_settled_on: date
    outstanding_principal: int
    settled_on: date | None
    projected_on: date
    next_change_on: date | None


def settle_bill(
    loan: StoredLoan, bill: StoredBill, others: OtherBills, payment: Payment, today: date
) -> Settled | None:
    """The stored figures once `payment`, recorded later than all other facts, has met the bill, as `project` would
    give them as of `today`; None where this cannot be seen from stored figures alone.

    Holds for the loan's oldest open bill, paid in full by its payable date while no other is asked for, on books that
    no fact and no passing day has overtaken since the day of the payment.
    """
    if not _is_current(loan, payment.paid_on, today) or not _is_first(bill, others, today):
        return None
    if not _day_is_free(loan, bill, payment.paid_on):
        return None
    due, paid, waived = bill.due, bill.paid, bill.waived
    met = (
        due[0] - paid[0] - waived[0],
        due[1] - paid[1] - waived[1],
        due[2] - paid[2] - waived[2],
        due[3] - paid[3] - waived[3],
    )
    if payment.amount <= 0 or sum(met) != payment.amount or min(met) < 0:
        return None
    settled_on = None
    if others.asked_on is None:
        settled_on = max(payment.paid_on, others.settled_on or payment.paid_on)
    return Settled(
        met=met,
        paid=(paid[0] + met[0], paid[1] + met[1], paid[2] + met[2], paid[3] + met[3]),
        presumed=bill.presumed + (payment.amount if payment.presumed else 0),
        bill_settled_on=payment.paid_on,
        outstanding_principal=loan.outstanding_principal - met[0],
        settled_on=settled_on,
        projected_on=today,
        next_change_on=bill.changes_after,
    )


def _is_current(loan: StoredLoan, paid_on: date, today: date) -> bool:
    """Whether no fact counts between the payment and today, and no day has changed the books since they were made."""
    if loan.projected_on > paid_on or paid_on > today:
        return False
    return loan.next_change_on is None or loan.next_change_on > today


def _is_first(bill: StoredBill, others: OtherBills, today: date) -> bool:
    """Whether no other open bill is asked for by today, nor before this one."""
    return others.asked_on is None or (others.asked_on > today and others.asked_on > bill.due_on)


def _day_is_free(loan: StoredLoan, bill: StoredBill, paid_on: date) -> bool:
    """Whether this bill may be paid on the day without changing another one."""
    if loan.settling == Settling.NEVER or not bill.starts_on <= paid_on <= bill.payable_on:
        return False
    if paid_on == bill.due_on and bill.deferred_from is None:
        return True
    if loan.settling == Settling.ON_DUE_DATE:
        return False
    # What is agreed for a day before the due date plans the bills to come anew, but not one that is paid already.
    return paid_on >= bill.due_on or bill.changes_after is None or bill.changes_after >= bill.due_on
