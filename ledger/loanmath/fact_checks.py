"""What cannot be in a fact, found before it is recorded or read from a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from ledger.loanmath.checks import FIRST_DAY, HIGHEST_RATE, LAST_DAY, LONGEST_DAYS, MOST_BILLS, Problem, problems
from ledger.loanmath.facts import (
    Arrangement,
    Charge,
    Coupon,
    CouponKind,
    Drawdown,
    Extension,
    Fact,
    LenderFigure,
    RateChange,
    Refund,
    Repayment,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.money import LIMIT
from ledger.loanmath.terms import LoanTerms

MOST_NUMBER = 2 * MOST_BILLS  # extensions and arrangements add bills to those of the first agreement


def fact_problems(terms: LoanTerms, fact: Fact) -> list[Problem]:
    """Everything impossible in a fact of a loan that began under `terms`, whatever else happened to the loan; empty if
    it can be counted. Terms it brings have their fields named from "terms." on."""
    return [*_days(fact), *_bill(fact), *_values(terms, fact)]


def _days(fact: Fact) -> Iterator[Problem]:
    for name in ("effective_on", "due_on", "until"):
        day: date | None = getattr(fact, name, None)
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            yield Problem(name, "out_of_range", {"least": FIRST_DAY, "most": LAST_DAY})
    until: date | None = getattr(fact, "until", None)
    if until is not None and until < fact.effective_on:
        yield Problem("until", "before_effective_on")


def _bill(fact: Fact) -> Iterator[Problem]:
    bill: int | None = getattr(fact, "bill", None)
    if bill is not None:
        yield from _range("bill", bill, 1, MOST_NUMBER)


def _values(terms: LoanTerms, fact: Fact) -> Iterator[Problem]:
    if isinstance(fact, Repayment | Drawdown | Charge | Waiver | Refund):
        yield from _amount("amount", fact.amount, 1)
    elif isinstance(fact, RateChange):
        yield from _range("annual_rate", fact.annual_rate, 0, HIGHEST_RATE)
    elif isinstance(fact, Extension):
        yield from _range("bills", fact.bills, 1, MOST_BILLS)
    elif isinstance(fact, Coupon):
        yield from _coupon(fact)
    elif isinstance(fact, LenderFigure):
        for name in ("principal", "interest", "fee", "penalty"):
            yield from _amount(f"parts.{name}", getattr(fact.parts, name), 0)
    elif isinstance(fact, TermsVersion | Arrangement):
        yield from _terms(terms, fact)


def _coupon(coupon: Coupon) -> Iterator[Problem]:
    if coupon.kind is CouponKind.AMOUNT:
        yield from _amount("amount", coupon.amount, 1)
    elif coupon.kind in (CouponKind.SHARE, CouponKind.RATE):
        yield from _range("fraction", coupon.fraction, 0, 1)
    else:
        most = MOST_BILLS if coupon.kind is CouponKind.FREE_BILLS else LONGEST_DAYS
        yield from _range("count", coupon.count, 1, most)
    if coupon.cap is not None:
        yield from _amount("cap", coupon.cap, 0)


def _terms(terms: LoanTerms, fact: TermsVersion | Arrangement) -> Iterator[Problem]:
    if fact.terms.currency != terms.currency:
        yield Problem("terms.currency", "other_currency", {"currency": terms.currency})
    for problem in problems(fact.terms):
        yield Problem(f"terms.{problem.field}", problem.code, problem.params)


def _range(name: str, figure: int | Decimal, least: int, most: int | Decimal) -> Iterator[Problem]:
    if not (Decimal(figure).is_finite() and least <= figure <= most):
        yield Problem(name, "out_of_range", {"least": least, "most": most})


def _amount(name: str, amount: int, least: int) -> Iterator[Problem]:
    if amount > LIMIT:
        yield Problem(name, "too_large", {"limit": LIMIT})
    elif amount < least:
        yield Problem(name, "not_positive" if least else "negative")
