"""What cannot be in an agreement, found before anything is computed from it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.loanmath.money import LIMIT, Parts
from ledger.loanmath.schedule import NeverAmortizes, schedule
from ledger.loanmath.terms import LoanTerms, Method

MOST_BILLS = 600
HIGHEST_RATE = Decimal(10)  # 1000 % a year
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)


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
    found = [*_amounts(terms), *_count_and_rate(terms), *_days(terms), *_listed(terms)]
    if not found:
        try:
            schedule(terms)
        except NeverAmortizes as error:
            found.append(Problem("payment", "never_amortizes", {"minimum_payment": error.minimum_payment}))
    return found


def _amounts(terms: LoanTerms) -> list[Problem]:
    found = []
    if terms.principal <= 0:
        found.append(Problem("principal", "not_positive"))
    for name in ("principal", "payment", "flat_fee", "upfront_fee", "bill_fee", "extra_payment"):
        amount = getattr(terms, name) or 0
        if amount > LIMIT:
            found.append(Problem(name, "too_large", {"limit": LIMIT}))
        if amount < 0 and name != "principal":
            found.append(Problem(name, "negative"))
    if terms.upfront_fee >= terms.principal > 0:
        found.append(Problem("upfront_fee", "above_principal"))
    return found


def _count_and_rate(terms: LoanTerms) -> list[Problem]:
    found = []
    if not 1 <= terms.count <= MOST_BILLS:
        found.append(Problem("count", "out_of_range", {"least": 1, "most": MOST_BILLS}))
    if not 0 <= terms.annual_rate <= HIGHEST_RATE:
        found.append(Problem("annual_rate", "out_of_range", {"least": 0, "most": HIGHEST_RATE}))
    if not 1 <= terms.every <= 366:
        found.append(Problem("every", "out_of_range", {"least": 1, "most": 366}))
    if terms.anchor_day is not None and not 1 <= terms.anchor_day <= 31:
        found.append(Problem("anchor_day", "out_of_range", {"least": 1, "most": 31}))
    if not 0 <= terms.penalty.annual_rate <= HIGHEST_RATE:
        found.append(Problem("penalty.annual_rate", "out_of_range", {"least": 0, "most": HIGHEST_RATE}))
    if not 0 <= terms.penalty.grace_days <= 366:
        found.append(Problem("penalty.grace_days", "out_of_range", {"least": 0, "most": 366}))
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
    if list(terms.due_dates) != sorted(set(terms.due_dates)):
        found.append(Problem("due_dates", "not_ascending"))
    if not found and terms.due_dates and terms.due_dates[0] < terms.disbursed_on:
        found.append(Problem("due_dates", "before_disbursement"))
    return found


def _listed(terms: LoanTerms) -> list[Problem]:
    if terms.method is not Method.LISTED:
        return []
    days = [row.due_on for row in terms.listed]
    if not days or days != sorted(set(days)) or days[0] < terms.disbursed_on:
        return [Problem("listed", "not_ascending")]
    if any(_has_negative(row.parts) for row in terms.listed):
        return [Problem("listed", "negative")]
    if len(days) != terms.count:
        return [Problem("count", "not_listed", {"listed": len(days)})]
    total = sum(row.parts.principal for row in terms.listed)
    if total != terms.opening:
        return [Problem("listed", "principal_differs", {"listed": total, "principal": terms.opening})]
    return []


def _has_negative(parts: Parts) -> bool:
    return min(parts.principal, parts.interest, parts.fee, parts.penalty) < 0
