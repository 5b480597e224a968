"""The replay: one loan carried from fact to fact, in the order in which the facts count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from ledger.loanmath.books import Books, open_books
from ledger.loanmath.changing import change_rate, change_terms, draw
from ledger.loanmath.charging import charge, waive
from ledger.loanmath.facts import (
    Charge,
    Deferral,
    Drawdown,
    Fact,
    LenderFigure,
    RateChange,
    Repayment,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.paying import advance
from ledger.loanmath.plan import PlanWitness
from ledger.loanmath.repaying import repay
from ledger.loanmath.terms import LoanTerms


class Witness(PlanWitness, Protocol):
    """A witness of the plan who is also told which fact is about to count, and when it has."""

    def before(self, books: Books, fact: Fact) -> None: ...

    def after(self, books: Books, fact: Fact) -> None: ...


def replay(terms: LoanTerms, facts: Sequence[Fact], as_of: date, witness: Witness | None = None) -> Books:
    """The loan after all `facts` (live, in order) that count by `as_of`; every bill due by then is made up."""
    known = [fact for fact in facts if fact.effective_on <= as_of]
    terms, known = agreed_from_the_start(terms, known)
    figures = [fact for fact in known if isinstance(fact, LenderFigure)]
    deferrals = [fact for fact in known if isinstance(fact, Deferral)]
    books = open_books(terms, figures, deferrals, witness)
    for fact in known:
        if isinstance(fact, Repayment) and fact.effective_on < terms.disbursed_on:
            continue
        advance(books, fact.effective_on)
        books.accrue_overdue(fact.effective_on)
        if witness is None:
            apply(books, fact)
        else:
            witness.before(books, fact)
            apply(books, fact)
            witness.after(books, fact)
    advance(books, as_of)
    books.accrue_overdue(as_of)
    return books


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


def apply(books: Books, fact: Fact) -> None:
    """Let one fact count; figures, deferrals and confirmations are known from the beginning."""
    if isinstance(fact, Repayment):
        repay(books, fact)
    elif isinstance(fact, RateChange):
        change_rate(books, fact)
    elif isinstance(fact, Drawdown):
        draw(books, fact)
    elif isinstance(fact, Charge):
        charge(books, fact)
    elif isinstance(fact, Waiver):
        waive(books, fact)
    elif isinstance(fact, TermsVersion):
        change_terms(books, fact)
