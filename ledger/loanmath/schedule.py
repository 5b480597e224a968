"""The schedule: all bills of an agreement as planned on the day of its disbursement."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import partial
from itertools import accumulate, repeat
from operator import add, sub
from typing import NamedTuple

from ledger.loanmath.payment import NeverAmortizes, start_plan
from ledger.loanmath.plain import plain_figures
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


def schedule(terms: LoanTerms) -> tuple[ScheduledRow, ...]:
    """The planned bills in order; fewer than `count` where a stated payment or an extra repays sooner.

    Principal sums to `terms.opening` unless the agreement leaves the last row as it is or never rounds: where
    it never rounds, every figure is rounded on its own and the figures shown need not add up.
    Raises NeverAmortizes.
    """
    figures = plain_figures(terms)
    return _planned_rows(terms) if figures is None else _plain_rows(terms, *figures)


def _planned_rows(terms: LoanTerms) -> tuple[ScheduledRow, ...]:
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


def _plain_rows(
    terms: LoanTerms, dates: list[date], principals: list[int], interests: list[int]
) -> tuple[ScheduledRow, ...]:
    """Column by column, since a loop over rows would take longer than working them out."""
    balances = accumulate(principals, sub, initial=terms.opening)
    next(balances)
    payments = map(add, principals, interests)
    if fee := terms.bill_fee:
        payments = map(add, payments, repeat(fee))
    columns = zip(
        range(1, len(dates) + 1),
        (terms.disbursed_on, *dates[:-1]),
        dates,
        principals,
        interests,
        repeat(fee),
        balances,
        payments,
        strict=False,
    )
    return tuple(map(partial(tuple.__new__, ScheduledRow), columns))


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
