"""What to say before a rate change that keeps the payment: whether that still covers the interest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.loanmath.facts import Fact, RateChange, RateEffect
from ledger.loanmath.payment import minimum_payment
from ledger.loanmath.project import live
from ledger.loanmath.replay import replay
from ledger.loanmath.terms import LoanTerms, Method


@dataclass(frozen=True, slots=True, kw_only=True)
class RateWarning:
    """The kept `payment` no longer repays the loan at the new rate; `least_payment` is the least that would, both in
    minor units. Recorded all the same, the change has the payment worked out again for the bills agreed."""

    payment: int
    least_payment: int


def rate_warning(terms: LoanTerms, facts: Iterable[Fact], change: RateChange) -> RateWarning | None:
    """The warning that `change`, not yet among `facts`, calls for; None where the payment is not kept or still
    suffices."""
    day = change.effective_on
    books = replay(terms, live(facts), day)
    if change.effect is not RateEffect.KEEP_PAYMENT or books.terms.method is not Method.LEVEL:
        return None
    books.take_back(day)
    plan = books.plan
    plan.rates.change(day, change.annual_rate)
    if plan.done:
        return None
    payment, least = plan.shown(plan.payment), minimum_payment(plan)
    return RateWarning(payment=payment, least_payment=least) if payment < least else None
