"""Payoff: what settles a loan on a day, worked out by the code that books it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ledger.loanmath.facts import Fact
from ledger.loanmath.money import Parts
from ledger.loanmath.project import live
from ledger.loanmath.repaying import payoff
from ledger.loanmath.replay import replay
from ledger.loanmath.terms import LoanTerms

LONGEST_GOOD = 31  # days a quote is followed into the future


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoffQuote:
    """What settles a loan when paid on `on`, in minor units; `total` is the sum of the parts less `credit`, the
    money already held. `good_through` is the last day on which the same amount still settles it. `terms` and `facts`
    (live, in order) are what it was made from, so that it can be explained."""

    on: date
    good_through: date
    principal: int
    interest: int
    fee: int
    penalty: int
    total: int
    credit: int = 0
    terms: LoanTerms = field(compare=False, repr=False)
    facts: Sequence[Fact] = field(compare=False, repr=False)


def payoff_quote(terms: LoanTerms, facts: Iterable[Fact], on: date) -> PayoffQuote:
    """What an unlimited payoff on `on` would take: bills due and unpaid, principal not yet due, interest to the
    day, penalty, charges and the prepayment fee. Never the sum of future bills."""
    known = live(facts)
    needed, held = _needed(terms, known, on)
    good_through = on
    while needed.total > held and (good_through - on).days < LONGEST_GOOD:
        later, later_held = _needed(terms, known, good_through + timedelta(days=1))
        if later.total - later_held > needed.total - held:
            break
        good_through += timedelta(days=1)
    return PayoffQuote(
        on=on,
        good_through=good_through,
        principal=needed.principal,
        interest=needed.interest,
        fee=needed.fee,
        penalty=needed.penalty,
        total=max(needed.total - held, 0),
        credit=min(held, needed.total),
        terms=terms,
        facts=known,
    )


def _needed(terms: LoanTerms, facts: list[Fact], on: date) -> tuple[Parts, int]:
    return payoff(replay(terms, facts, on), on)
