"""Translates the events of a worked case into facts; no arithmetic of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ledger.loanmath.facts import (
    ApplyTo,
    Charge,
    Deferral,
    DeferralTreatment,
    Drawdown,
    Fact,
    RateChange,
    Repayment,
    Reversal,
)
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import live, project
from ledger.loanmath.terms import Component, LoanTerms
from tests.worked_case_terms import Case, UntranslatedError, day, minor


@dataclass
class Story:
    """The facts of the first events, and the day they are looked at from."""

    facts: list[Fact]
    as_of: date
    disbursed: bool = False


def story(terms: LoanTerms, inputs: Case, events: list[Case]) -> Story:
    told = Story([], terms.disbursed_on)
    for number, event in enumerate(events, start=1):
        tell(told, terms, inputs, event, number)
        if "date" in event:
            told.as_of = max(told.as_of, day(event["date"]))
    return told


def tell(told: Story, terms: LoanTerms, inputs: Case, event: Case, number: int) -> None:
    kind = event["type"]
    if kind == "as_of":
        return
    if kind == "disburse" and not told.disbursed:
        if day(event["date"]) != terms.disbursed_on:
            raise UntranslatedError("a first drawdown on another day")
        told.disbursed = True
        return
    told.facts.append(fact(told, terms, inputs, event, number))


def fact(told: Story, terms: LoanTerms, inputs: Case, event: Case, number: int) -> Fact:
    kind = event["type"]
    if kind == "repay" and event.get("excess_to") in (None, "next") and "projected" not in event:
        amount = minor(event["amount"], inputs)
        return Repayment(id=number, effective_on=day(event["date"]), amount=amount)
    if kind == "disburse":
        return Drawdown(id=number, effective_on=day(event["date"]), amount=minor(event["amount"], inputs))
    if kind == "payoff":
        on = day(event["date"])
        quote = payoff_quote(terms, told.facts, on)
        return Repayment(id=number, effective_on=on, amount=quote.total, apply_to=ApplyTo.PAYOFF)
    if kind == "rate_change":
        rate = Decimal(event["annual_rate_pct"]) / 100
        return RateChange(id=number, effective_on=evening_before(event["from"]), annual_rate=rate)
    if kind == "charge":
        component = Component.FEE if event["charge"] == "fee" else Component.PENALTY
        on = day(event.get("due", event.get("date")))
        return Charge(id=number, effective_on=on, amount=minor(event["amount"], inputs), component=component)
    if kind == "move_due":
        bills = project(terms, told.facts, terms.disbursed_on).bills
        moved = next(bill.number for bill in bills if bill.due_on == day(event["from"]))
        return Deferral(
            id=number,
            effective_on=day(event["submitted"]),
            bill=moved,
            due_on=day(event["to"]),
            treatment=DeferralTreatment.SHIFT,
        )
    if kind == "undo":
        return Reversal(id=number, effective_on=day(event["date"]), of=undone(told, event).id)
    raise UntranslatedError(f"event: {kind}")


def evening_before(text: str) -> date:
    """These lenders count a day's interest when the day ends: day D bears interest from the evening of D - 1 on."""
    return day(text) - timedelta(days=1)


def undone(told: Story, event: Case) -> Fact:
    """The fact that an undo means: by its day, the latest or the nth of them."""
    on_day = [one for one in live(told.facts) if one.effective_on == day(event["date"])]
    if event["which"] == "latest_on_date":
        return on_day[-1]
    return on_day[int(event["nth"]) - 1]
