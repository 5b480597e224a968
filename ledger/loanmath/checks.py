"""What cannot be in an agreement, found before anything is computed from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.loanmath.interest import due_dates
from ledger.loanmath.money import LIMIT, Parts
from ledger.loanmath.schedule import NeverAmortizes, schedule
from ledger.loanmath.terms import Benchmark, LoanTerms, Method, Unit

MOST_BILLS = 600
HIGHEST_RATE = Decimal(10)  # 1000 % a year
HIGHEST_SHARE = Decimal(10)  # ten times what a bill asked for
LONGEST_MONTHS = 1200
LONGEST_DAYS = 366 * 100
DAYS_IN_A = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31, Unit.YEAR: 366}
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)
Ranges = dict[str, tuple[int | Decimal | None, int | Decimal, int | Decimal]]  # figure, least and most by field


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of the terms: a `code` for texts made elsewhere, with its `params`."""

    field: str
    code: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)


def problems(terms: LoanTerms) -> list[Problem]:
    """Everything impossible in `terms`, in the order of the fields; empty if a schedule can be computed.

    A payment that never repays the loan is `never_amortizes` with `minimum_payment` in minor units.
    """
    found = [*_amounts(terms), *_count_and_rate(terms), *_late(terms), *_early(terms), *_days(terms), *_listed(terms)]
    if not found:
        try:
            schedule(terms)
        except NeverAmortizes as error:
            found.append(Problem("payment", "never_amortizes", {"minimum_payment": error.minimum_payment}))
    return found


def _amounts(terms: LoanTerms) -> list[Problem]:
    found = []
    for name in ("principal", "opening_balance", "payment", "principal_part"):
        if (getattr(terms, name) or 0) > LIMIT:
            found.append(Problem(name, "too_large", {"limit": LIMIT}))
        if getattr(terms, name) is not None and getattr(terms, name) <= 0:
            found.append(Problem(name, "not_positive"))
    extras = {
        name: getattr(terms, name)
        for name in ("flat_fee", "upfront_fee", "bill_fee", "balloon", "extra_payment", "down_payment")
    }
    found += _no_amounts(extras)
    if terms.upfront_fee >= terms.principal > 0:
        found.append(Problem("upfront_fee", "above_principal"))
    for name, most in (("balloon", terms.opening), ("down_payment", terms.opening - 1)):
        if terms.opening > 0 and most < getattr(terms, name) <= LIMIT:
            found.append(Problem(name, "out_of_range", {"least": 0, "most": most}))
    return found


def _count_and_rate(terms: LoanTerms) -> list[Problem]:
    least_and_most: Ranges = {
        "count": (terms.count, 1, MOST_BILLS),
        "annual_rate": (terms.annual_rate, 0, HIGHEST_RATE),
        "every": (terms.every, 1, 366),
        "anchor_day": (terms.anchor_day, 1, 31),
        "bill_fee_rate": (terms.bill_fee_rate, 0, 1),
        "interest_free_days": (terms.interest_free_days, 0, LONGEST_DAYS),
        "first_due_gap": (terms.first_due_gap, 0, 366),
        "payment_unit": (terms.payment_unit, 1, LIMIT),
        "principal_grace": (terms.principal_grace, 0, max(terms.count - 1, 0)),
        "interest_grace": (terms.interest_grace, 0, max(terms.count - 1, 0)),
    }
    found = _outside(least_and_most)
    if any(not (weight.is_finite() and 0 <= weight <= 100) for weight in terms.weights):
        found.append(Problem("weights", "out_of_range", {"least": 0, "most": 100}))
    elif terms.weights and not any(terms.weights):
        found.append(Problem("weights", "not_positive"))
    return found


def _late(terms: LoanTerms) -> list[Problem]:
    """What being late may cost, and the minimum payment that keeps a bill from being missed."""
    penalty = terms.penalty
    ranges: Ranges = {
        "penalty.annual_rate": (penalty.annual_rate, 0, HIGHEST_RATE),
        "penalty.year_days": (penalty.year_days, 1, 366),
        "penalty.grace_days": (penalty.grace_days, 0, 366),
        "penalty.cap_share": (penalty.cap_share, 0, HIGHEST_SHARE),
        "penalty.late_fee_share": (penalty.late_fee_share, 0, 1),
        "minimum_share": (terms.minimum_share, 0, 1),
    }
    amounts = {
        "penalty.cap": penalty.cap,
        "penalty.late_fee": penalty.late_fee,
        "penalty.late_fee_floor": penalty.late_fee_floor,
        "penalty.late_fee_cap": penalty.late_fee_cap,
        "minimum_floor": terms.minimum_floor,
    }
    found = [*_outside(ranges), *_no_amounts(amounts)]
    if penalty.late_fee_cap is not None and 0 <= penalty.late_fee_cap < penalty.late_fee_floor:
        found.append(Problem("penalty.late_fee_cap", "below_floor", {"least": penalty.late_fee_floor}))
    return found


def _early(terms: LoanTerms) -> list[Problem]:
    """What prepaying may cost, and when it may be done."""
    fee = terms.prepayment_fee
    ranges: Ranges = {
        "prepayment_fee.fraction": (fee.fraction, 0, 1),
        "prepayment_fee.free_after_months": (fee.free_after_months, 0, LONGEST_MONTHS),
        "prepayment_fee.months_of_interest": (fee.months_of_interest, 0, 120),
        "prepayment_fee.lock_in_months": (fee.lock_in_months, 0, LONGEST_MONTHS),
        "prepayment_fee.notice_days": (fee.notice_days, 0, 366),
        "unbilled_fee_share": (terms.unbilled_fee_share, 0, 1),
    }
    amounts = {
        "prepayment_fee.least": fee.least,
        "prepayment_fee.least_amount": fee.least_amount,
        "prepayment_fee.multiple_of": fee.multiple_of,
    }
    found = [*_outside(ranges), *_no_amounts(amounts)]
    months = [tier.until_months for tier in fee.tiers]
    if any(_outside({"": (tier.fraction, 0, 1)}) for tier in fee.tiers):
        found.append(Problem("prepayment_fee.tiers", "out_of_range", {"least": 0, "most": 1}))
    if months != sorted(set(months)) or any(not 1 <= month <= LONGEST_MONTHS for month in months):
        found.append(Problem("prepayment_fee.tiers", "months_not_ascending", {"most": LONGEST_MONTHS}))
    return found


def _outside(ranges: Ranges) -> list[Problem]:
    """The figures that are less than the least or more than the most, or no number."""
    return [
        Problem(name, "out_of_range", {"least": least, "most": most})
        for name, (figure, least, most) in ranges.items()
        if figure is not None and not (Decimal(figure).is_finite() and least <= figure <= most)
    ]


def _no_amounts(amounts: Mapping[str, int | None]) -> list[Problem]:
    """The figures that are no amount of money."""
    found = []
    for name, amount in amounts.items():
        if amount is not None and amount > LIMIT:
            found.append(Problem(name, "too_large", {"limit": LIMIT}))
        if amount is not None and amount < 0:
            found.append(Problem(name, "negative"))
    return found


def _days(terms: LoanTerms) -> list[Problem]:
    found = []
    for name in ("disbursed_on", "first_due_on"):
        if not FIRST_DAY <= getattr(terms, name) <= LAST_DAY:
            found.append(Problem(name, "out_of_range", {"least": FIRST_DAY, "most": LAST_DAY}))
    if terms.first_due_on < terms.disbursed_on:
        found.append(Problem("first_due_on", "before_disbursement"))
    elif (terms.first_due_on - terms.disbursed_on).days > 366 * 5:
        found.append(Problem("first_due_on", "too_late"))
    if terms.count * terms.every * DAYS_IN_A[terms.unit] > LONGEST_DAYS:
        found.append(Problem("every", "out_of_range", {"years": LONGEST_DAYS // 366}))
    if list(terms.due_dates) != sorted(set(terms.due_dates)):
        found.append(Problem("due_dates", "not_ascending"))
    elif terms.due_dates and len(terms.due_dates) != terms.count:
        found.append(Problem("count", "not_listed", {"listed": len(terms.due_dates)}))
    if not found and terms.due_dates and terms.due_dates[0] < terms.disbursed_on:
        found.append(Problem("due_dates", "before_disbursement"))
    if not found and terms.last_due_on is not None:
        found += _last_day(terms, terms.last_due_on)
    return found if terms.benchmark is None else [*found, *_repricing(terms.benchmark)]


def _repricing(benchmark: Benchmark) -> list[Problem]:
    found = []
    if not (benchmark.spread.is_finite() and abs(benchmark.spread) <= HIGHEST_RATE):
        found.append(Problem("benchmark.spread", "out_of_range", {"least": -HIGHEST_RATE, "most": HIGHEST_RATE}))
    if not 1 <= benchmark.every_months <= 1200:
        found.append(Problem("benchmark.every_months", "out_of_range", {"least": 1, "most": 1200}))
    return found


def _last_day(terms: LoanTerms, last_due_on: date) -> list[Problem]:
    if last_due_on > LAST_DAY:
        return [Problem("last_due_on", "out_of_range", {"least": FIRST_DAY, "most": LAST_DAY})]
    before = [terms.disbursed_on, *due_dates(terms)[:-1]] if terms.count > 0 else []
    return [Problem("last_due_on", "not_last")] if before and last_due_on <= before[-1] else []


def _listed(terms: LoanTerms) -> list[Problem]:
    if terms.method is not Method.LISTED:
        return []
    days = [row.due_on for row in terms.listed]
    if not days or days != sorted(set(days)) or days[0] < terms.disbursed_on:
        return [Problem("listed", "not_ascending")]
    if any(_has_negative(row.parts) for row in terms.listed):
        return [Problem("listed", "negative")]
    if any(row.parts.total > LIMIT for row in terms.listed):
        return [Problem("listed", "too_large", {"limit": LIMIT})]
    if len(days) != terms.count:
        return [Problem("count", "not_listed", {"listed": len(days)})]
    total = sum(row.parts.principal for row in terms.listed)
    lent = terms.opening - terms.down_payment
    if total != lent:
        return [Problem("listed", "principal_differs", {"listed": total, "principal": lent})]
    return []


def _has_negative(parts: Parts) -> bool:
    return min(parts.principal, parts.interest, parts.fee, parts.penalty) < 0
