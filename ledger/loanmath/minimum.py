"""The minimum payment: what keeps a bill from being missed where less than all of it will do."""

from __future__ import annotations

from ledger.loanmath.money import Parts, Rounding, round_ratio
from ledger.loanmath.terms import LoanTerms


def minimum_due(bill: Parts, terms: LoanTerms) -> int:
    """The minimum payment of a bill that asks for `bill`, in minor units: `minimum_share` of its principal and all
    else it asks for, at least `minimum_floor`, never more than the bill. Where the agreement names no share it is
    the whole bill (最低还款额)."""
    numerator, denominator = terms.minimum_share.as_integer_ratio()
    share = round_ratio(bill.principal * numerator, denominator, Rounding.HALF_UP)
    return min(max(share + bill.total - bill.principal, terms.minimum_floor), bill.total)
