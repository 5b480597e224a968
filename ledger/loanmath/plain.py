"""The schedule of a plain level loan in one loop over whole numbers.

Most loans use none of the rarer conventions. For them these few lines give, row for row, what a `Plan` gives (a
property test holds them to it) in a tenth of the time. Anything else is left to the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from datetime import date
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import lcm
from operator import sub
from typing import NamedTuple

from ledger.loanmath.day_count import THIRTY_DAY_RULES, DayCount, days, fraction
from ledger.loanmath.interest import due_dates, make_period
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.terms import LoanTerms

PRECISION = 10**40  # as in `payment._growth`
YEAR_DAYS = {DayCount.ACT_365F: 365, DayCount.ACT_360: 360, DayCount.ACT_364: 364}
LEAP_AND_COMMON = 365 * 366  # a denominator for parts of either year

# Fields that a plain loan may set: read here, or of no consequence for a schedule. All others at their default.
_MAY_DIFFER = set(
    """
    currency principal disbursed_on annual_rate count first_due_on anchor_day every day_count payment upfront_fee
    bill_fee opening_balance order order_ahead excess spread penalty prepayment_fee part_period first_due
    first_due_gap holiday_rule holiday_calendar minimum_share minimum_floor unbilled_fees unbilled_fee_share benchmark
    """.split()  # noqa: SIM905
)
_DEFAULTS = [
    (field.name, field.default)
    for field in fields(LoanTerms)
    if field.name not in _MAY_DIFFER and field.default is not MISSING
]


class ScheduledRow(NamedTuple):
    """One planned bill, in minor units: it covers `starts_on` up to and without `due_on`; `balance` is the
    principal still owed once it is paid. `payment` is the sum of the parts, rounded on its own where the
    agreement never rounds."""

    number: int
    starts_on: date
    due_on: date
    principal: int
    interest: int
    fee: int
    balance: int
    payment: int


def plain_schedule(terms: LoanTerms) -> tuple[ScheduledRow, ...] | None:
    """The bills of a plain loan; None where the terms need a plan (another method, a rounding of their own, a payment
    that does not cover the interest)."""
    if not terms.annual_rate or terms.payment_rounding or terms.interest_rounding:
        return None
    if any(getattr(terms, name) != default for name, default in _DEFAULTS):
        return None
    dates = due_dates(terms)
    factors = _factors(terms, dates)
    if factors is None:
        return None
    ups, down = factors
    payment = terms.payment
    if payment is None:
        payment = _level_payment(terms, ups, down)
    elif len(dates) > 1 and payment <= round_ratio(terms.opening * ups[1], down, Rounding.HALF_UP):
        return None
    return _amortize(terms, payment, dates, ups, down)


def _factors(terms: LoanTerms, dates: Sequence[date]) -> tuple[list[int], int] | None:
    """By how much the balance grows in each period, as numerators over one denominator."""
    rate = Fraction(terms.annual_rate)
    if terms.day_count is DayCount.PERIODIC:
        first = make_period(terms, terms.disbursed_on, dates[0]).year_part
        later = make_period(terms, dates[0], dates[1]).year_part if len(dates) > 1 else first
        if first is None or later != Fraction(terms.every, 12):
            return None
        first, later = first * rate, later * rate
        down = lcm(first.denominator, later.denominator)
        up = later.numerator * (down // later.denominator)
        return [first.numerator * (down // first.denominator), *[up] * (len(dates) - 1)], down
    parts, whole = _year_parts(terms.day_count, [terms.disbursed_on, *dates])
    up = rate.numerator
    return [up * part for part in parts], rate.denominator * whole


def _year_parts(rule: DayCount, days_: Sequence[date]) -> tuple[list[int], int]:
    """What lies between two neighboring days of a year, as numerators over one denominator."""
    if rule in YEAR_DAYS:
        ordinals = [day.toordinal() for day in days_]
        return list(map(sub, ordinals[1:], ordinals)), YEAR_DAYS[rule]
    if rule in THIRTY_DAY_RULES:
        return [days(rule, start, end) for start, end in pairwise(days_)], 360
    years = (fraction(rule, start, end) for start, end in pairwise(days_))
    return [part.numerator * (LEAP_AND_COMMON // part.denominator) for part in years], LEAP_AND_COMMON


def _level_payment(terms: LoanTerms, ups: Sequence[int], down: int) -> int:
    """Opening balance x growth over all bills = the payments, each grown over the bills after it."""
    if terms.day_count is DayCount.PERIODIC:
        grown, paid = _even_growth(ups[-1], down, len(ups) - 1)
    else:
        grown = paid = PRECISION
        for up in ups[1:]:
            grown += grown * up // down
            paid += paid * up // down + PRECISION
    return round_ratio(terms.opening * (down + ups[0]) * grown, down * paid, Rounding.HALF_UP)


def _even_growth(up: int, down: int, later: int) -> tuple[int, int]:
    """The same two over alike periods, by the annuity formula, exactly."""
    if not later:
        return 1, 1
    grown, one = (down + up) ** later, down**later
    return grown * up, grown * up + (grown - one) * down


def _amortize(
    terms: LoanTerms, payment: int, dates: list[date], ups: Sequence[int], down: int
) -> tuple[ScheduledRow, ...] | None:
    """The loop: interest on what is owed, rounded half up, and the rest of the payment is principal; the last bill, or
    the first for which the payment is more than enough, takes all that is left."""
    rows: list[ScheduledRow] = []
    new_row, last = partial(tuple.__new__, ScheduledRow), len(dates)
    balance, fee, half, whole = terms.opening, terms.bill_fee, down, 2 * down
    asked = payment + fee
    bills = zip(range(1, last + 1), (terms.disbursed_on, *dates), dates, ups, strict=False)
    while True:
        number, starts_on, due_on, up = next(bills)
        interest = (2 * balance * up + half) // whole
        principal = payment - interest
        if number == last or principal >= balance:
            rows.append(ScheduledRow(number, starts_on, due_on, balance, interest, fee, 0, balance + interest + fee))
            return tuple(rows)
        if principal <= 0:
            return None
        balance -= principal
        rows.append(new_row((number, starts_on, due_on, principal, interest, fee, balance, asked)))
