"""Early settlement by statute: what a lender must give back."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from ledger.loanmath.money import Rounding, round_minor


def uk_rebate(
    principal: int, payment: int, count: int, apr: Decimal, settled_after: int, extra_months: Fraction = Fraction(0)
) -> int:
    """The rebate, in minor units, on settling a UK loan of `count` level monthly payments after `settled_after` of
    them and a part of a month more.

    The Consumer Credit (Early Settlement) Regulations 2004: the payments still to come, less what is owed once the
    advance and the payments made are carried forward to the settlement day, each rounded, at the monthly rate
    (1 + APR)^(1/12) - 1 taken to six decimals.
    """
    with localcontext() as context:
        context.prec = 40
        monthly = ((1 + apr) ** (Decimal(1) / 12) - 1).quantize(Decimal("0.000001"))
        part = Decimal(extra_months.numerator) / extra_months.denominator

        def carried(amount: int, months: int) -> int:
            return round_minor(amount * (1 + monthly) ** (months + part), Rounding.HALF_UP)

        made = sum(carried(payment, settled_after - k) for k in range(1, settled_after + 1))
        owed = carried(principal, settled_after) - made
    return payment * (count - settled_after) - owed
