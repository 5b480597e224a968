"""Prepayment: what repaying principal before it is due costs."""

from __future__ import annotations

from datetime import date

from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.terms import LoanTerms


def prepayment_fee(terms: LoanTerms, principal: int, day: date) -> int:
    """The fee for prepaying `principal` on `day`."""
    fee, lent = terms.prepayment_fee, terms.disbursed_on
    months = (day.year - lent.year) * 12 + day.month - lent.month - (day.day < lent.day)
    if fee.free_after_months is not None and months >= fee.free_after_months:
        return 0
    numerator, denominator = fee.fraction.as_integer_ratio()
    return round_ratio(principal * numerator, denominator, Rounding.HALF_UP)


def split_prepayment(terms: LoanTerms, amount: int, balance: int, day: date) -> tuple[int, int]:
    """The most principal that `amount` repays with its fee, and the fee."""
    principal = min(amount, balance)
    if principal + prepayment_fee(terms, principal, day) > amount:
        enough = 0
        while principal - enough > 1:
            middle = (enough + principal) // 2
            if middle + prepayment_fee(terms, middle, day) > amount:
                principal = middle
            else:
                enough = middle
        principal = enough
    return principal, prepayment_fee(terms, principal, day)
