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
from ledger.loanmath.terms import Component, Excess, LoanTerms
from tests.worked_case_terms import Case, UntranslatedError, day, minor, pick

FIRST_DRAWDOWN = 0  # is in the agreement and is no fact
REPAYMENTS = {"repay", "down_payment", "goodwill_credit", "merchant_refund", "payout_refund", "credit_balance_refund"}
EXCESSES = {None: None, "next": None, "last": Excess.LAST_BILL, "equal_shares": Excess.EQUAL_SHARES}


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
        told.facts += down_payment(terms, inputs, number)
        return
    told.facts.append(fact(told, terms, inputs, event, number))


def down_payment(terms: LoanTerms, inputs: Case, number: int) -> list[Fact]:
    """The down payment that the lender takes by itself on the day of the drawdown: the bill of that day."""
    if not inputs.get("down_payment_auto"):
        return []
    return [
        Repayment(id=number, effective_on=row.due_on, amount=row.parts.total)
        for row in terms.listed
        if row.due_on == terms.disbursed_on
    ]


def fact(told: Story, terms: LoanTerms, inputs: Case, event: Case, number: int) -> Fact:
    kind = event["type"]
    if kind in REPAYMENTS:
        excess = pick(EXCESSES, event.get("excess_to"), "excess_to")
        amount = minor(event["amount"], inputs)
        return Repayment(id=number, effective_on=day(event["date"]), amount=amount, excess=excess)
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
        due = day(event.get("due", event.get("date")))
        known = min(due, told.as_of)
        amount = minor(event["amount"], inputs)
        return Charge(id=number, effective_on=known, amount=amount, component=component, due_on=due)
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
        return Reversal(id=number, effective_on=day(event["date"]), of=undone(told, terms, event))
    raise UntranslatedError(f"event: {kind}")


def evening_before(text: str) -> date:
    """These lenders count a day's interest when the day ends: day D bears interest from the evening of D - 1 on."""
    return day(text) - timedelta(days=1)


def undone(told: Story, terms: LoanTerms, event: Case) -> int:
    """The id of the fact that an undo means: of the money moved on its day, the latest or the nth."""
    on_day = [fact for fact in told.facts if fact.effective_on == day(event["date"])]
    moved: list[int] = [fact.id for fact in on_day if isinstance(fact, Repayment)]
    if event["which"] == "nth_transaction_of_date":
        first = [FIRST_DRAWDOWN] if terms.disbursed_on == day(event["date"]) else []
        moved = [*first, *(fact.id for fact in on_day if isinstance(fact, Drawdown | Repayment))]
    if event["which"] == "latest_on_date":
        return next(fact.id for fact in reversed(live(told.facts)) if fact.id in moved)
    return moved[int(event["nth"]) - 1]
