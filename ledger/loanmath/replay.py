"""The replay: one loan carried from fact to fact, in the order in which the facts count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Protocol

from ledger.loanmath.arranging import arrange
from ledger.loanmath.books import Books, open_books
from ledger.loanmath.calendars import WEEKENDS, Calendar
from ledger.loanmath.changing import change_rate, change_terms, draw, extend, pause
from ledger.loanmath.charging import charge, use_coupon, waive
from ledger.loanmath.facts import (
    Arrangement,
    Charge,
    Coupon,
    Deferral,
    Drawdown,
    DueDateMove,
    Extension,
    Fact,
    LenderFigure,
    Pause,
    RateChange,
    Refund,
    Repayment,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.paying import accrue_for_repayment, advance
from ledger.loanmath.plan import PlanWitness
from ledger.loanmath.refunding import refund
from ledger.loanmath.repaying import repay
from ledger.loanmath.terms import LoanTerms


class Witness(PlanWitness, Protocol):
    """A witness of the plan who is also told which fact is about to count, and when it has."""

    def before(self, books: Books, fact: Fact) -> None: ...

    def after(self, books: Books, fact: Fact) -> None: ...


def replay(
    terms: LoanTerms,
    facts: Sequence[Fact],
    as_of: date,
    calendar: Calendar = WEEKENDS,
    agreed: Sequence[Fact] = (),
    witness: Witness | None = None,
) -> Books:
    """The loan after all `facts` (live, in order) that count by `as_of`; every bill due by then is made up. Which days
    are working days only decides until when a bill may be paid. What is `agreed` already, though it counts from a later
    day, changes the bills to come."""
    known = [fact for fact in facts if fact.effective_on <= as_of]
    terms, known = agreed_from_the_start(terms, known)
    figures = [fact for fact in known if isinstance(fact, LenderFigure)]
    moves = [fact for fact in known if isinstance(fact, Deferral | DueDateMove)]
    books = open_books(terms, figures, moves, calendar, witness)
    for fact in known:
        if fact.effective_on < terms.disbursed_on and isinstance(fact, Repayment | Refund):
            continue
        if books.terms.overdue_accrues and isinstance(fact, Repayment):
            accrue_for_repayment(books, fact.effective_on)
        advance(books, fact.effective_on)
        books.accrue_overdue(fact.effective_on)
        _count(books, fact, witness)
    advance(books, as_of)
    if books.overdue(as_of):  # a day on which nothing is overdue does not cut the period in two
        books.accrue_overdue(as_of)
    books.looked_at = as_of
    for fact in agreed:
        if fact.effective_on > as_of:
            advance(books, fact.effective_on)
            _count(books, fact, witness)
    return books


def _count(books: Books, fact: Fact, witness: Witness | None) -> None:
    if witness is None:
        apply(books, fact)
        return
    witness.before(books, fact)
    apply(books, fact)
    witness.after(books, fact)


def agreed_from_the_start(terms: LoanTerms, facts: list[Fact]) -> tuple[LoanTerms, list[Fact]]:
    """The agreement the loan began under, and the other facts: a version that counts from the disbursement or before
    replaces the first one, principal included."""
    later: list[Fact] = []
    for fact in facts:
        since_start = isinstance(fact, TermsVersion) and fact.effective_on <= max(
            terms.disbursed_on, fact.terms.disbursed_on
        )
        if isinstance(fact, TermsVersion) and since_start:
            terms = fact.terms
        else:
            later.append(fact)
    return terms, later


HOW_IT_COUNTS: dict[type[Fact], Callable[[Books, Any], None]] = {
    Repayment: repay,
    RateChange: change_rate,
    Drawdown: draw,
    Pause: pause,
    Extension: extend,
    Refund: refund,
    Coupon: use_coupon,
    Arrangement: arrange,
    Charge: charge,
    Waiver: waive,
    TermsVersion: change_terms,
}


def apply(books: Books, fact: Fact) -> None:
    """Let one fact count; figures, deferrals and confirmations are known from the beginning."""
    count = HOW_IT_COUNTS.get(type(fact))
    if count is not None:
        count(books, fact)
