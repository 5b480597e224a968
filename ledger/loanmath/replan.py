"""Planning anew: moved due dates, and new terms for what is still owed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from ledger.loanmath.facts import Deferral, DeferralTreatment
from ledger.loanmath.interest import due_dates, step
from ledger.loanmath.payment import NeverAmortizes, set_payment, solve
from ledger.loanmath.plan import Plan, new_plan
from ledger.loanmath.terms import LoanTerms

NOT_THE_PLAN = ("penalty", "prepayment_fee", "order", "order_ahead", "spread", "excess", "upfront_fee")


def same_plan(a: LoanTerms, b: LoanTerms) -> bool:
    """Whether two versions of an agreement ask for the same bills."""
    return a == replace(b, **{name: getattr(a, name) for name in NOT_THE_PLAN})


def plan_from(old: Plan, terms: LoanTerms, day: date, deferrals: Iterable[Deferral]) -> Plan:
    """The plan under new terms, for what `old` still shows as owed: their due dates after `day`, one at the least.
    A stated payment that does not cover the interest is worked out instead."""
    current = old.period(old.at)
    agreed = due_dates(terms)
    dates = [due for due in agreed if due > max(day, current.starts_on)]
    if not dates:
        dates = [max(agreed[-1], current.due_on)]
    plan = new_plan(terms)
    plan.witness = old.witness
    plan.first = plan.at = old.at
    plan.skipped = len(agreed) - len(dates)
    plan.starts_on = current.starts_on
    plan.dates = [*old.dates[: old.at], *dates]
    plan.last = len(plan.dates) - 1
    plan.balance = old.shown(old.balance) * plan.scale
    if not plan.skipped:
        plan.flat_base = plan.balance
    plan.carry = old.shown(old.carry) * plan.scale
    plan.accrued, plan.accrued_to = old.accrued / old.scale * plan.scale, old.accrued_to
    try:
        set_payment(plan)
    except NeverAmortizes:
        solve(plan)
    move_dates(plan, deferrals)
    return plan


def agreed_due_on(plan: Plan, number: int) -> date:
    """The due date of a bill before any deferral moved it."""
    return plan.agreed.get(number - 1) or plan.due_on(number - 1)


def move_dates(plan: Plan, deferrals: Iterable[Deferral]) -> None:
    """Edit the plan's due dates: a shifted bill takes its new date, and the ones after it follow, on the days they
    had if the new date is one of them, else step by step from the new date."""
    for deferral in sorted(deferrals, key=lambda d: (d.effective_on, d.id)):
        at = deferral.bill - 1
        if at < plan.at or at > plan.last or deferral.due_on <= plan.due_on(at):
            continue
        plan.agreed[at] = plan.due_on(at)
        if deferral.treatment is DeferralTreatment.MOVE:
            continue
        bills = len(plan.dates)
        steps = 1
        while plan.due_on(at + steps) < deferral.due_on:
            steps += 1
        if plan.due_on(at + steps) == deferral.due_on:
            moved = [plan.due_on(index + steps) for index in range(at + 1, bills)]
        else:
            moved = [step(plan.terms, deferral.due_on, n, deferral.due_on.day) for n in range(1, bills - at)]
        plan.dates[at:] = [deferral.due_on, *moved]
        plan.forget_periods()
