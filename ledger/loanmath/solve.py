"""What I know: of amount, payment, count and rate any three give the fourth, on the loan's own schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

from ledger.loanmath.checks import HIGHEST_RATE, MOST_BILLS
from ledger.loanmath.money import LIMIT
from ledger.loanmath.payment import start_plan
from ledger.loanmath.roots import NoSolution
from ledger.loanmath.schedule import NeverAmortizes, level_payment, schedule
from ledger.loanmath.terms import LoanTerms, Method, Residue

_RATE_STEPS = 10**8  # rates are found to 1e-8


class Unknown(StrEnum):
    """The one of four that is worked out."""

    PRINCIPAL = "principal"
    PAYMENT = "payment"
    COUNT = "count"
    RATE = "annual_rate"


def regular_payment(terms: LoanTerms) -> int:
    """What a regular bill asks for in principal, interest and its share of a flat fee, in minor units; fees that come
    with each bill are on top. LEVEL: the level payment; else the first bill that repays principal (the highest of equal
    principal), or the second where the first one takes the cents that rounding leaves over. INTEREST_ONLY: the first
    bill."""
    if terms.method is Method.LEVEL:
        return level_payment(terms)
    plan = start_plan(replace(terms, bill_fee=0, bill_fee_rate=Decimal(0)))
    later = terms.principal_grace if terms.method is Method.EQUAL_PRINCIPAL else 0
    if terms.residue is Residue.FIRST and terms.method in (Method.EQUAL_PRINCIPAL, Method.FLAT):
        later += 1
    row = plan.take()
    for _ in range(later):
        row = row if plan.done else plan.take()
    return plan.shown(row.principal + row.interest + row.fee)


def solve_missing(terms: LoanTerms, unknown: Unknown, payment: int | None = None) -> LoanTerms:
    """`terms` with the unknown one filled in (what stands there is not read); `payment` in minor units is the regular
    one (`regular_payment`), needed unless it is the unknown. Any method but LISTED, any unit.

    Of all rates or amounts that give just this payment, the one with the fewest digits is taken: 12 % rather than
    11.99999 %. A count is the least whose payment this is; of level payments else the least that suffices, the last
    bill being the smaller. A payment that was worked out is not stated in the result. Raises NoSolution, or
    NeverAmortizes with the least level payment that would do.
    """
    if unknown is Unknown.PAYMENT:
        return replace(terms, payment=None)
    if payment is None or payment <= 0:
        raise NoSolution("a payment is needed")
    if terms.method is Method.LISTED:
        raise NoSolution("a table states all four")
    if unknown is Unknown.COUNT:
        return _count(terms, payment)
    if unknown is Unknown.RATE:
        return _rate(terms, payment)
    return _principal(terms, payment)


def _count(terms: LoanTerms, payment: int) -> LoanTerms:
    if terms.due_dates or terms.method is Method.INTEREST_ONLY:
        raise NoSolution("a payment does not say how many bills there are")
    if terms.method is not Method.LEVEL:
        return _count_of_parts(terms, payment)
    most = replace(terms, payment=payment, count=MOST_BILLS)
    least = level_payment(replace(terms, payment=None, count=MOST_BILLS))
    if payment < least:
        raise NeverAmortizes(least)
    count = len(schedule(most)) - (1 if terms.down_payment else 0)
    one_less = replace(terms, payment=None, count=max(count - 1, 1))
    return replace(most, count=one_less.count if level_payment(one_less) == payment else count)


def _count_of_parts(terms: LoanTerms, payment: int) -> LoanTerms:
    """More bills make each of them smaller."""

    def asked(count: int) -> int:
        return regular_payment(replace(terms, payment=None, count=count))

    count = _least(lambda n: asked(n) <= payment, terms.principal_grace + 1, MOST_BILLS)
    if asked(count) != payment:
        raise NoSolution("these figures do not belong together")
    return replace(terms, payment=None, count=count)


def _rate(terms: LoanTerms, payment: int) -> LoanTerms:
    def asked(step: int) -> int:
        return regular_payment(replace(terms, payment=None, annual_rate=Decimal(step) / _RATE_STEPS))

    first, last = _range(asked, payment, 0, int(HIGHEST_RATE) * _RATE_STEPS)
    return replace(terms, payment=None, annual_rate=Decimal(roundest(first, last)) / _RATE_STEPS)


def _principal(terms: LoanTerms, payment: int) -> LoanTerms:
    def asked(principal: int) -> int:
        return regular_payment(replace(terms, payment=None, principal=principal))

    first, last = _range(asked, payment, 1, LIMIT)
    return replace(terms, payment=None, principal=roundest(first, last))


def _range(asked: Callable[[int], int], payment: int, low: int, high: int) -> tuple[int, int]:
    """The first and last whole number for which the growing function `asked` gives `payment`."""
    first = _least(lambda x: asked(x) >= payment, low, high)
    if asked(first) != payment:
        raise NoSolution("these figures do not belong together")
    last = _least(lambda x: asked(x) > payment, first, high)
    return first, last - 1 if asked(last) > payment else last


def _least(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The least number from `low` on for which `holds`, which stays true once it is; `high` if it never is."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def roundest(first: int, last: int) -> int:
    """The number from `first` to `last` with the most zeros at its end; nearest the middle of several."""
    unit = 1
    while last // (unit * 10) * unit * 10 >= first:
        unit *= 10
        if unit > last:
            return 0 if first <= 0 else last
    middle = (first + last) // 2
    candidates = [n for n in (middle // unit * unit, (middle // unit + 1) * unit) if first <= n <= last]
    return min(candidates or [last // unit * unit], key=lambda n: abs(n - middle))
