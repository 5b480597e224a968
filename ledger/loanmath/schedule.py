"""The schedule: all bills of an agreement as planned on the day of its disbursement."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from ledger.loanmath.payment import NeverAmortizes, start_plan
from ledger.loanmath.plain import ScheduledRow, plain_schedule
from ledger.loanmath.terms import LoanTerms

__all__ = [
    "NeverAmortizes",
    "ScheduledRow",
    "exact_level_payment",
    "interest_before_rounding",
    "level_payment",
    "schedule",
    "unrounded_interest",
]


def schedule(terms: LoanTerms) -> tuple[ScheduledRow, ...]:
    """The planned bills in order; fewer than `count` where a stated payment or an extra repays sooner.

    Principal sums to `terms.opening` unless the agreement leaves the last row as it is or never rounds: where
    it never rounds, every figure is rounded on its own and the figures shown need not add up.
    Raises NeverAmortizes.
    """
    rows = plain_schedule(terms)
    return _by_plan(terms) if rows is None else rows


def _by_plan(terms: LoanTerms) -> tuple[ScheduledRow, ...]:
    plan = start_plan(terms)
    rows = []
    while not plan.done:
        row = plan.take()
        rows.append(
            ScheduledRow(
                number=row.at + 1,
                starts_on=row.period.starts_on,
                due_on=row.period.due_on,
                principal=plan.shown(row.principal),
                interest=plan.shown(row.interest),
                fee=plan.shown(row.fee),
                balance=plan.shown(row.closing),
                payment=plan.shown(row.principal + row.interest + row.fee),
            )
        )
    return tuple(rows)


def level_payment(terms: LoanTerms) -> int:
    """The full level payment in whole minor units, stated or worked out; fees and extras not included."""
    plan = start_plan(terms)
    return plan.shown(plan.payment)


def _exact(amount: int, scale: int) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return Decimal(amount) / scale


def exact_level_payment(terms: LoanTerms) -> Decimal:
    """The level payment in minor units before it is shown; a fraction only where the agreement never rounds."""
    plan = start_plan(terms)
    return _exact(plan.payment, plan.scale)


def interest_before_rounding(terms: LoanTerms) -> tuple[Fraction, ...]:
    """What each bill's interest is in minor units before it is rounded, on the balance that the rounded bills leave."""
    plan = start_plan(terms)
    exact = []
    while not plan.done:
        exact.append(plan.interest_to(plan.period(plan.at).due_on) / plan.scale)
        plan.take()
    return tuple(exact)


def unrounded_interest(terms: LoanTerms) -> Decimal:
    """The sum of all interest in minor units before it is shown; a fraction only where never rounded."""
    plan = start_plan(terms)
    total = 0
    while not plan.done:
        total += plan.take().interest
    return _exact(total, plan.scale)
