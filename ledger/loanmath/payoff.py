"""Payoff: what settles a loan on a day, worked out by the code that books it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ledger.loanmath.books import Books
from ledger.loanmath.calendars import WEEKENDS, Calendar
from ledger.loanmath.facts import ApplyTo, Arrangement, Fact, Repayment, TermsVersion
from ledger.loanmath.money import Parts
from ledger.loanmath.prepayment import PrepaymentProblem, prepayment_problem
from ledger.loanmath.project import live, project
from ledger.loanmath.repaying import payoff
from ledger.loanmath.replay import Witness, replay
from ledger.loanmath.terms import LoanTerms, OverdueRest

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
    calendar: Calendar = field(default=WEEKENDS, compare=False, repr=False)


def payoff_quote(terms: LoanTerms, facts: Iterable[Fact], on: date, calendar: Calendar = WEEKENDS) -> PayoffQuote:
    """What an unlimited payoff on `on` would take: bills due and unpaid, principal not yet due, interest to the
    day, penalty, charges, the prepayment fee, and what the agreement asks of the fees of bills to come. Never the sum
    of future bills. An arrangement of that day would count after it."""
    known = live(facts)
    needed, held = _needed(terms, known, on, calendar)
    good_through = on
    while needed.total > held and (good_through - on).days < LONGEST_GOOD:
        later, later_held = _needed(terms, known, good_through + timedelta(days=1), calendar)
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
        calendar=calendar,
    )


def payoff_total(terms: LoanTerms, facts: Iterable[Fact], on: date, calendar: Calendar = WEEKENDS) -> int:
    """The total of `payoff_quote` alone, at less than half its cost: what holds tomorrow is not asked."""
    needed, held = _needed(terms, live(facts), on, calendar)
    return max(needed.total - held, 0)


def _needed(terms: LoanTerms, facts: list[Fact], on: date, calendar: Calendar) -> tuple[Parts, int]:
    return payoff(books_for_quote(terms, facts, on, calendar), on)


def books_for_quote(
    terms: LoanTerms, facts: Sequence[Fact], on: date, calendar: Calendar = WEEKENDS, witness: Witness | None = None
) -> Books:
    """The books on the day of a payoff, before anything is paid; `facts` live and in order."""
    facts = [fact for fact in facts if not isinstance(fact, Arrangement) or fact.effective_on < on]
    versions = [terms, *(fact.terms for fact in facts if isinstance(fact, TermsVersion | Arrangement))]
    if any(one.overdue_accrues and one.overdue_rest is not OverdueRest.DAY for one in versions):
        newest = max((fact.id for fact in facts), default=0)  # only money that comes in makes it count
        facts = live([*facts, Repayment(id=newest + 1, effective_on=on, amount=0, apply_to=ApplyTo.HOLD)])
    return replay(terms, facts, on, calendar, witness=witness)


def repayment_problem(
    terms: LoanTerms, facts: Iterable[Fact], draft: Repayment, asked_on: date
) -> PrepaymentProblem | None:
    """Why the agreement in force does not allow a repayment to prepay what it would prepay (`prepayment_problem`); None
    if it may, or prepays nothing. `draft` is not among the facts yet and has a higher id than they."""
    on = draft.effective_on
    known = [fact for fact in live(facts) if fact.effective_on <= on]
    after = project(terms, [*known, draft], on)
    prepaid = sum(met.parts.principal for met in after.allocations if met.repayment == draft.id and met.bill is None)
    if not prepaid:
        return None
    in_force = books_for_quote(terms, known, on).terms
    return prepayment_problem(in_force, prepaid, on, asked_on=asked_on, settles=after.settled_on is not None)
