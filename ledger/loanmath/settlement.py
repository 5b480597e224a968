"""What lenders ask or give back by rules of their own: penalty on several bills at once, statutory rebates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

from ledger.loanmath.money import round_minor


def penalty_on_bills(
    overdue: Iterable[tuple[date, int]],
    as_of: date,
    annual_rate: Decimal,
    *,
    year_days: int = 365,
    days_not_counted: int = 0,
) -> int:
    """Simple penalty interest, in minor units rounded once, on unpaid amounts since their due dates.

    Counts the days from each due date to `as_of`, less `days_not_counted` (1 leaves out the day it is asked on).
    """
    amount_days = sum(amount * max((as_of - due).days - days_not_counted, 0) for due, amount in overdue)
    return round_minor(Fraction(annual_rate) * amount_days / year_days)


def uk_rebate(
    principal: int, payment: int, count: int, apr: Decimal, settled_after: int, extra_months: Fraction = Fraction(0)
) -> int:
    """The rebate, in minor units, on settling a UK loan of `count` level monthly payments after `settled_after` of
    them and a part of a month more.

    The Consumer Credit (Early Settlement) Regulations 2004: the payments still to come, less what is owed once the
    advance and the payments made are carried forward to the settlement day at the monthly rate
    (1 + APR)^(1/12) - 1 taken to six decimals.
    """
    with localcontext() as context:
        context.prec = 40
        monthly = ((1 + apr) ** (Decimal(1) / 12) - 1).quantize(Decimal("0.000001"))
        part = Decimal(extra_months.numerator) / extra_months.denominator

        def carried(amount: int, months: int) -> Decimal:
            return amount * (1 + monthly) ** (months + part)

        made = sum((carried(payment, settled_after - k) for k in range(1, settled_after + 1)), Decimal(0))
        owed = round_minor(carried(principal, settled_after) - made)
    return payment * (count - settled_after) - owed
