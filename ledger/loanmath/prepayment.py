"""Prepayment: what repaying principal before it is due costs, and when it may be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from ledger.loanmath.books import Books
from ledger.loanmath.dates import add_months
from ledger.loanmath.money import round_minor
from ledger.loanmath.terms import LoanTerms, PrepaymentBase


@dataclass(frozen=True, slots=True)
class Early:
    """What a prepayment fee depends on beside the amount: the day, all principal not yet due before the prepayment in
    minor units, and the loan's own yearly rate that day."""

    on: date
    owed: int
    annual_rate: Fraction


class Bar(StrEnum):
    """Why an agreement does not allow a prepayment."""

    LOCKED_IN = "locked_in"  # before `earliest` nothing may be prepaid
    SHORT_NOTICE = "short_notice"  # asked for now, it may be done on `earliest`
    BELOW_LEAST = "below_least"  # it must be `amount` at least
    NOT_A_MULTIPLE = "not_a_multiple"  # it must be a multiple of `amount`


@dataclass(frozen=True, slots=True)
class PrepaymentProblem:
    """Why a prepayment is not allowed, with the day or the amount, in minor units, that would be."""

    bar: Bar
    earliest: date | None = None
    amount: int | None = None


def prepayment_problem(
    terms: LoanTerms, principal: int, on: date, *, asked_on: date, settles: bool = False
) -> PrepaymentProblem | None:
    """Why `principal`, in minor units, may not be prepaid on a day under the terms in force, if it is asked for on
    `asked_on`; None if it may. One that settles the loan may be of any amount."""
    fee = terms.prepayment_fee
    if fee.lock_in_months and on < (free := _after(terms, fee.lock_in_months)):
        return PrepaymentProblem(Bar.LOCKED_IN, earliest=free)
    if fee.notice_days and on < (ready := asked_on + timedelta(days=fee.notice_days)):
        return PrepaymentProblem(Bar.SHORT_NOTICE, earliest=ready)
    if not settles and principal < fee.least_amount:
        return PrepaymentProblem(Bar.BELOW_LEAST, amount=fee.least_amount)
    if not settles and fee.multiple_of and principal % fee.multiple_of:
        return PrepaymentProblem(Bar.NOT_A_MULTIPLE, amount=fee.multiple_of)
    return None


def early(books: Books, on: date, owed: int) -> Early:
    """The day of a prepayment when `owed` is not yet due; what is due is paid first."""
    return Early(on, owed, books.plan.rates.rate_on(on))


def prepayment_fee(terms: LoanTerms, principal: int, at: Early) -> int:
    """The fee for prepaying `principal`, in minor units, rounded once; nothing is asked for nothing."""
    fee = terms.prepayment_fee
    free = fee.free_after_months is not None and at.on >= _after(terms, fee.free_after_months)
    if principal <= 0 or free:
        return 0
    base = principal if fee.base is PrepaymentBase.PREPAID else at.owed
    exact = Fraction(fraction_on(terms, at.on)) * base
    exact += principal * at.annual_rate * Fraction(fee.months_of_interest) / 12
    return max(round_minor(exact), fee.least)


def split_prepayment(terms: LoanTerms, amount: int, balance: int, at: Early) -> tuple[int, int]:
    """The most principal that `amount` repays with its fee, and the fee."""
    principal = min(amount, balance)
    if principal + prepayment_fee(terms, principal, at) > amount:
        enough = 0
        while principal - enough > 1:
            middle = (enough + principal) // 2
            if middle + prepayment_fee(terms, middle, at) > amount:
                principal = middle
            else:
                enough = middle
        principal = enough
    return principal, prepayment_fee(terms, principal, at)


def fraction_on(terms: LoanTerms, on: date) -> Decimal:
    """The fraction asked while the loan is as old as it is on that day."""
    for tier in terms.prepayment_fee.tiers:
        if on < _after(terms, tier.until_months):
            return tier.fraction
    return terms.prepayment_fee.fraction


def _after(terms: LoanTerms, months: int) -> date:
    """The day so many months after the disbursement."""
    return add_months(terms.disbursed_on, months)
