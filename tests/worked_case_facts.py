"""Translates the events of a worked case into facts; no arithmetic of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
    RateEffect,
    Repayment,
    Reversal,
    TermsVersion,
)
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import live, project
from ledger.loanmath.terms import LoanTerms
from tests.worked_case_terms import event_type
from tests.worked_case_words import (
    APPLY_TO,
    COMPONENTS,
    RATE_EFFECTS,
    Case,
    UntranslatedError,
    day,
    flag,
    minor,
    percent,
    pick,
    word,
)

FIRST_DRAWDOWN = 0  # is in the agreement and is no fact
IDS_AN_EVENT = 10  # an event may be several facts


@dataclass
class Story:
    """The agreement, the facts of the first events, and the day they are looked at from."""

    terms: LoanTerms
    inputs: Case
    facts: list[Fact]
    as_of: date
    disbursed: bool = False
    kinds: dict[int, str] = field(default_factory=dict)


def story(terms: LoanTerms, inputs: Case, events: list[Case]) -> Story:
    told = Story(terms, inputs, [], terms.disbursed_on)
    for number, event in enumerate(events, start=1):
        new = pick(EVENTS, event_type(event), "event")(told, event, number * IDS_AN_EVENT)
        told.facts += new
        told.kinds |= {fact.id: event_type(event) for fact in new}
        days = [fact.effective_on for fact in new if not isinstance(fact, Reversal | RateChange)]
        told.as_of = max([told.as_of, *days, *(day(event["date"]) for _ in range("date" in event))])
    return told


def nothing(told: Story, event: Case, number: int) -> list[Fact]:
    return []


def drawdown(told: Story, event: Case, number: int) -> list[Fact]:
    """The first is in the agreement; with it comes a down payment, if the lender takes it by itself: the bill of
    that day."""
    on = day(event["date"])
    if told.disbursed:
        return [Drawdown(id=number, effective_on=on, amount=minor(event["amount"], told.inputs))]
    if on != told.terms.disbursed_on:
        raise UntranslatedError("a first drawdown on another day")
    told.disbursed = True
    if not flag(told.inputs.get("down_payment_auto", False)):
        return []
    rows = [row for row in told.terms.listed if row.due_on == on]
    return [Repayment(id=number, effective_on=on, amount=row.parts.total) for row in rows]


def repayment(told: Story, event: Case, number: int) -> list[Fact]:
    apply_to = pick(APPLY_TO, event.get("excess_to") or "none", "excess_to")
    amount = minor(event["amount"], told.inputs)
    return [Repayment(id=number, effective_on=day(event["date"]), amount=amount, apply_to=apply_to)]


def payoff(told: Story, event: Case, number: int) -> list[Fact]:
    on = day(event["date"])
    quote = payoff_quote(told.terms, told.facts, on)
    return [Repayment(id=number, effective_on=on, amount=quote.total, apply_to=ApplyTo.PAYOFF)]


def rate_change(told: Story, event: Case, number: int) -> list[Fact]:
    since = evening_before(event.get("from") or event["date"])
    effect = pick(RATE_EFFECTS, event.get("effect", RateEffect.KEEP_TERM), "effect")
    return [RateChange(id=number, effective_on=since, annual_rate=percent(event["annual_rate_pct"]), effect=effect)]


def interest_pause(told: Story, event: Case, number: int) -> list[Fact]:
    """No interest on the days of the pause, first and last included; the payment stays."""
    keep = RateEffect.KEEP_PAYMENT
    first, last = evening_before(event["from"]), day(event["to"])
    changes = [fact for fact in live(told.facts) if isinstance(fact, RateChange) and fact.effective_on <= first]
    rate = changes[-1].annual_rate if changes else told.terms.annual_rate
    if first in {bill.starts_on for bill in project(told.terms, told.facts, told.as_of).bills}:
        first = day(event["from"])  # the first day of a period bears interest
    return [
        RateChange(id=number, effective_on=first, annual_rate=Decimal(0), effect=keep),
        RateChange(id=number + 1, effective_on=last, annual_rate=rate, effect=keep),
    ]


def evening_before(text: str) -> date:
    """These lenders count a day's interest when the day ends: day D bears interest from the evening of D - 1 on."""
    return day(text) - timedelta(days=1)


def charge(told: Story, event: Case, number: int) -> list[Fact]:
    component = pick(COMPONENTS, event.get("charge") or event["type"], "charge")
    due = day(event.get("due") or event["date"])
    known, amount = min(due, told.as_of), minor(event["amount"], told.inputs)
    after = any(isinstance(fact, Repayment) and fact.effective_on == known for fact in told.facts)
    return [
        Charge(id=number, effective_on=known, amount=amount, component=component, due_on=due, after_repayments=after)
    ]


def move_due(told: Story, event: Case, number: int) -> list[Fact]:
    bills = project(told.terms, told.facts, told.as_of, agreed=told.facts).bills
    moved = next((bill.number for bill in bills if bill.due_on == day(event["from"])), None)
    if moved is None:
        raise UntranslatedError(f"no bill is due on {event['from']}")
    known = min(day(event.get("submitted") or told.as_of), told.as_of)
    to, treatment = day(event["to"]), DeferralTreatment.SHIFT
    return [Deferral(id=number, effective_on=known, bill=moved, due_on=to, treatment=treatment)]


def extend(told: Story, event: Case, number: int) -> list[Fact]:
    """More bills from one on; the payment is worked out again."""
    versions = [fact.terms for fact in live(told.facts) if isinstance(fact, TermsVersion)]
    terms = versions[-1] if versions else told.terms
    longer = replace(terms, count=terms.count + int(event["extra_terms"]))
    # the bill due on `from` is the first of them
    agreed = min(day(event.get("submitted") or told.as_of), evening_before(event["from"]))
    return [TermsVersion(id=number, effective_on=agreed, terms=longer)]


def undo(told: Story, event: Case, number: int) -> list[Fact]:
    on = day(event.get("date") or told.as_of)
    return [Reversal(id=number, effective_on=on, of=undone(told, event))]


def undone(told: Story, event: Case) -> int:
    """The id of the fact that an undo means: of the money moved (on its day, of its kind), the latest or the nth."""
    which, kind = word(event.get("which", "latest")), event.get("kind")
    moved = [fact for fact in told.facts if isinstance(fact, Drawdown | Repayment)]
    if "date" in event:
        moved = [fact for fact in moved if fact.effective_on == day(event["date"])]
    if kind is not None:
        moved = [fact for fact in moved if told.kinds[fact.id] == event_type({"type": kind})]
    ids = [fact.id for fact in moved]
    if which.startswith("latest"):
        return next(fact.id for fact in reversed(live(told.facts)) if fact.id in ids and isinstance(fact, Repayment))
    if kind is None and day(event["date"]) == told.terms.disbursed_on:
        ids = [FIRST_DRAWDOWN, *ids]
    return ids[int(event.get("nth", 1)) - 1]


EVENTS: dict[str, Callable[[Story, Case, int], list[Fact]]] = {
    "as_of": nothing,
    "disburse": drawdown,
    **dict.fromkeys(("repay", "down_payment", "goodwill_credit", "merchant_refund", "payout_refund"), repayment),
    "payoff": payoff,
    "rate_change": rate_change,
    "interest_pause": interest_pause,
    "charge": charge,
    "move_due": move_due,
    "extend": extend,
    "undo": undo,
}
