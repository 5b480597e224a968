"""Planning anew: moved due dates, and new terms for what is still owed."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from ledger.loanmath.facts import Deferral, DeferralTreatment, DueDateMove
from ledger.loanmath.interest import due_dates, step
from ledger.loanmath.payment import NeverAmortizes, set_payment, solve
from ledger.loanmath.plan import Plan, new_plan
from ledger.loanmath.terms import LoanTerms, Method

NOT_THE_PLAN = (
    *("penalty", "prepayment_fee", "order", "order_ahead", "spread", "excess", "upfront_fee"),
    *("minimum_share", "minimum_floor", "unbilled_fees", "unbilled_fee_share"),
)


def same_plan(a: LoanTerms, b: LoanTerms) -> bool:
    """Whether two versions of an agreement ask for the same bills."""
    return a == replace(b, **{name: getattr(a, name) for name in NOT_THE_PLAN})


def plan_from(old: Plan, terms: LoanTerms, day: date, moves: Iterable[Deferral | DueDateMove]) -> Plan:
    """The plan under new terms, for what `old` still shows as owed: their due dates after `day`, one at the least.
    A stated payment that does not cover the interest is worked out instead. Days without interest stay so. The
    interest so far is part of the next bill, unless the lender's own table says what that one asks for."""
    current = old.period(old.at)
    plan = _planned_after(old, terms, max(day, current.starts_on), current.due_on)
    plan.starts_on = current.starts_on
    for first, after in old.rates.pauses:
        plan.rates.pause(first, after)
    plan.balance = old.shown(old.balance) * plan.scale
    if not plan.skipped:
        plan.flat_base = plan.balance
    plan.ahead, plan.paid_ahead = old.ahead, old.paid_ahead // old.scale * plan.scale
    if terms.method is not Method.LISTED:
        plan.carry = old.shown(old.carry) * plan.scale
        plan.accrued, plan.accrued_to = old.accrued / old.scale * plan.scale, old.accrued_to
    _set_payment(plan)
    move_dates(plan, moves)
    return plan


def arranged_plan(old: Plan, terms: LoanTerms, day: date, owed: int, moves: Iterable[Deferral | DueDateMove]) -> Plan:
    """The plan of an arrangement: `owed` minor units from `day` on, whatever `old` says; the bills of `terms` due after
    the day, one at the least."""
    plan = _planned_after(old, terms, day, day)
    plan.starts_on, plan.balance = day, owed * plan.scale
    plan.flat_base = plan.balance
    _set_payment(plan)
    move_dates(plan, moves)
    return plan


def _planned_after(old: Plan, terms: LoanTerms, day: date, at_least_on: date) -> Plan:
    """The bills of `terms` due after `day`, numbered on from those of `old`; if none is, one for the last agreed day or
    `at_least_on`."""
    agreed = due_dates(terms)
    dates = [due for due in agreed if due > day] or [max(agreed[-1], at_least_on)]
    plan = new_plan(terms)
    plan.witness = old.witness
    plan.first = plan.at = old.at
    plan.skipped = len(agreed) - len(dates) - (1 if terms.down_payment else 0)
    plan.dates = [*(old.due_on(index) for index in range(old.at)), *dates]  # a bill of charges alone had no date
    plan.last = plan.agreed_last = len(plan.dates) - 1
    return plan


def _set_payment(plan: Plan) -> None:
    try:
        set_payment(plan)
    except NeverAmortizes:
        solve(plan)


def move_dates(plan: Plan, moves: Iterable[Deferral | DueDateMove]) -> None:
    """Edit the plan as moved due dates and deferred bills say, in the order given; a move that makes no sense any more
    (a bill already planned, an earlier day) changes nothing."""
    for move in moves:
        at = move.bill - 1
        if not plan.at <= at <= plan.last:
            continue
        if isinstance(move, DueDateMove):
            _move_due_day(plan, at, move.due_on)
        elif move.treatment is DeferralTreatment.INTEREST_ONLY:
            plan.without_principal.add(at)
        elif move.treatment is DeferralTreatment.ADD_TO_END:
            _put_off(plan, at)
        else:
            _defer(plan, at, move)


def _move_due_day(plan: Plan, at: int, due_on: date) -> None:
    """That bill and those after it, step by step from the new day; earlier, but not before its own period begins."""
    if due_on <= plan.period(at).starts_on:
        return
    plan.agreed.pop(at, None)
    plan.moved.pop(at, None)
    plan.anchor = due_on.day
    later = [step(plan.terms, due_on, n, due_on.day) for n in range(1, len(plan.dates) - at)]
    _redate(plan, at, [due_on, *later])


def _redate(plan: Plan, at: int, dates: list[date]) -> None:
    """Other due dates from bill `at` on; a later bill that had been moved stays so only where that is still later."""
    plan.dates[at:] = dates
    plan.forget_periods()
    for later in [index for index in plan.moved if index > at]:
        plan.agreed[later] = plan.due_on(later)
        if plan.moved[later] <= plan.agreed[later]:
            del plan.agreed[later], plan.moved[later]


def _put_off(plan: Plan, at: int) -> None:
    insort(plan.empty, at)
    plan.last += 1
    plan.agreed_last += 1


def _defer(plan: Plan, at: int, deferral: Deferral) -> None:
    """A moved bill is due later by itself; a shifted one takes those after it along, on the days they had if the new
    date is one of them, else step by step from it. Days that are waived bear no interest."""
    old = plan.due_on(at)
    due_on = deferral.due_on or plan.due_on(at + 1)
    if due_on <= old:
        return
    plan.agreed[at], plan.moved[at] = plan.agreed.get(at, old), due_on
    if deferral.treatment is DeferralTreatment.MOVE:
        return
    bills, steps = len(plan.dates), 1
    while plan.due_on(at + steps) < due_on:
        steps += 1
    if plan.due_on(at + steps) == due_on:
        moved = [plan.due_on(index + steps) for index in range(at + 1, bills)]
    else:
        plan.anchor = due_on.day
        moved = [step(plan.terms, due_on, n, due_on.day) for n in range(1, bills - at)]
    _redate(plan, at, [due_on, *moved])
    if deferral.treatment is DeferralTreatment.WAIVE:
        plan.rates.pause(old, due_on)
