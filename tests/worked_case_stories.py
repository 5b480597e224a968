"""Tells the story of a worked case to the engine and compares it at every checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from ledger.loanmath.facts import Drawdown, Fact, Repayment
from ledger.loanmath.interest import growth_factors
from ledger.loanmath.money import Parts
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import ProjectedBill, Projection
from ledger.loanmath.terms import LoanTerms
from tests.worked_case_compare import Figures, differences
from tests.worked_case_facts import Story, story
from tests.worked_case_terms import loan_terms
from tests.worked_case_words import Case, day, flag, minor, money, word

PARTS = ("principal", "interest", "fee", "penalty")


def checkpoints(case: Case, close: Fraction) -> Iterable[str]:
    """What differs at any checkpoint, each looked at from the business day the events have reached."""
    inputs = case["inputs"]
    for point in case["checkpoints"]:
        all_events = case.get("events") or []
        events = all_events[: int(point.get("after_event", len(all_events)))]
        terms = loan_terms(inputs, case.get("engine", ""), events)
        told = story(terms, inputs, events)
        found = project(terms, told.facts, told.as_of, agreed=told.facts)
        where = f"after event {len(events)}"
        yield from _bills(point, terms, told, found, inputs, close, where)
        totals = bill_totals(told, found, inputs)
        yield from differences(point.get("totals", {}), totals, close, f"{where} total ")
        printed = _standing(point.get("transactions", []), told, inputs)
        yield from _transactions(printed, terms, told, found, inputs, close, where)


def _bills(
    point: Case, terms: LoanTerms, told: Story, found: Projection, inputs: Case, close: Fraction, where: str
) -> Iterable[str]:
    bills = {bill.number: bill for bill in found.bills}
    for printed in point.get("rows", ()):
        number = int(printed["n"])
        if number in bills:
            figures = bill_figures(bills[number], told, found, inputs) | factors(bills[number], terms, told)
            yield from differences(printed, figures, close, f"{where} bill {number} ")
        elif any(Fraction(printed.get(name, 0)) for name in (*PARTS, "due", "paid")):
            yield f"{where}: no bill {number}"


def bill_figures(bill: ProjectedBill, told: Story, found: Projection, inputs: Case) -> Figures:
    paid = bill.paid.total
    figures = {
        "due": bill.due.total,
        "instalment": bill.due.total,
        "payment": bill.due.total,
        "paid": paid,
        "outstanding": bill.open.total,
        "balance": bill.outstanding_after + drawn_on(bill, told, inputs),
        "paid_in_advance": _paid(bill, told, found, early=True),
        "paid_late": _paid(bill, told, found, early=False),
    }
    return {
        "date": bill.due_on,
        "paid_date": bill.settled_on if paid else None,
        **parts(bill.due, inputs),
        **{name: money(amount, inputs) for name, amount in figures.items()},
    }


def drawn_on(bill: ProjectedBill, told: Story, inputs: Case) -> int:
    """Drawdowns on the due date of a bill, where the balance printed beside it contains them."""
    if word(inputs.get("balance_column", "")) != "after_drawdown_on_due_date":
        return 0
    drawn = (fact for fact in live(told.facts) if isinstance(fact, Drawdown))
    return sum(fact.amount for fact in drawn if fact.effective_on == bill.due_on)


def factors(bill: ProjectedBill, terms: LoanTerms, told: Story) -> Figures:
    """By how much the balance grows in the period of a bill, and in each part between drawdowns."""
    drawn = [fact.effective_on for fact in told.facts if isinstance(fact, Drawdown)]
    return {
        "rate_factor": growth_factors(terms, bill.starts_on, bill.due_on)[0],
        "rate_factors": growth_factors(terms, bill.starts_on, bill.due_on, drawn),
    }


def _paid(bill: ProjectedBill, told: Story, found: Projection, *, early: bool) -> int:
    """What was paid against a bill before (or after) its due date."""
    on = {fact.id: fact.effective_on for fact in told.facts}
    return sum(
        allocation.parts.total
        for allocation in found.allocations
        if allocation.bill == bill.number
        and (on[allocation.repayment] < bill.due_on if early else on[allocation.repayment] > bill.due_on)
    )


def parts(amounts: Parts, inputs: Case) -> Figures:
    return {name: money(getattr(amounts, name), inputs) for name in PARTS}


def bill_totals(told: Story, found: Projection, inputs: Case) -> Figures:
    due = sum((bill.due for bill in found.bills), Parts())
    figures = {
        "due": due.total,
        "paid": sum(bill.paid.total for bill in found.bills),
        "outstanding": sum(bill.open.total for bill in found.bills),
        "paid_in_advance": sum(_paid(bill, told, found, early=True) for bill in found.bills),
        "paid_late": sum(_paid(bill, told, found, early=False) for bill in found.bills),
    }
    return parts(due, inputs) | {name: money(amount, inputs) for name, amount in figures.items()}


def _standing(printed: list[Case], told: Story, inputs: Case) -> list[Case]:
    """The printed transactions less those that were undone, some of which are printed without saying so."""
    left = [one for one in printed if not flag(one.get("reverted", False))]
    known = live(told.facts)
    undone = [fact for fact in told.facts if isinstance(fact, Repayment) and fact not in known]
    wanted = 1 + sum(isinstance(fact, Drawdown | Repayment) for fact in known)
    for fact in undone:
        alike = [
            one for one in left if day(one["date"]) == fact.effective_on and minor(one["amount"], inputs) == fact.amount
        ]
        if alike and len(left) > wanted:
            left.remove(alike[0])
    return left


def _transactions(
    printed: list[Case], terms: LoanTerms, told: Story, found: Projection, inputs: Case, close: Fraction, where: str
) -> Iterable[str]:
    """Money that moved: the first drawdown (which is in the terms), later ones and repayments, by day."""
    moved: list[Fact | None] = [None, *(fact for fact in live(told.facts) if isinstance(fact, Drawdown | Repayment))]
    if printed and len(printed) != len(moved):
        yield f"{where}: printed {len(printed)} transactions, found {len(moved)}"
        return
    for number, (said, fact) in enumerate(zip(printed, moved, strict=False), start=1):
        figures = transaction_figures(fact, terms, told, found, inputs)
        said = {name: value for name, value in said.items() if name != "type"}
        yield from differences(said, figures, close, f"{where} transaction {number} ")


def transaction_figures(
    fact: Fact | None, terms: LoanTerms, told: Story, found: Projection, inputs: Case
) -> dict[str, Any]:
    on = terms.disbursed_on if fact is None else fact.effective_on
    met = Parts()
    if fact is not None:
        met = sum((one.parts for one in found.allocations if one.repayment == fact.id), Parts())
    so_far = live(told.facts)
    so_far = [] if fact is None else so_far[: so_far.index(fact) + 1]
    amount = fact.amount if isinstance(fact, Drawdown | Repayment) else terms.principal
    figures = {
        "amount": amount,
        "balance": project(terms, so_far, on).outstanding_principal,
        "overpayment": amount - met.total if isinstance(fact, Repayment) else 0,
    }
    return {"date": on, **parts(met, inputs), **{name: money(value, inputs) for name, value in figures.items()}}
