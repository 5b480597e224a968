"""How principal came to be what is left: of a bill, of the loan; and money that met nothing yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ledger.loanmath.books import Books
from ledger.loanmath.explain_bill import Seen
from ledger.loanmath.explanation import Cell, Of, Part, Subject, Term, TermKind
from ledger.loanmath.facts import Arrangement, Drawdown, Fact, Refund
from ledger.loanmath.projection import ProjectedBill, Projection
from ledger.loanmath.replay import agreed_from_the_start
from ledger.loanmath.terms import LoanTerms
from ledger.loanmath.witness import planned


def balance_terms(seen: Seen, before: ProjectedBill | None) -> list[Term]:
    """The outstanding principal once a bill is paid: what was owed before it, less the principal it asks for."""
    row, plan = seen.bill.row, seen.record.made
    if seen.record.replaced is not None:
        owed = Fraction(seen.bill.outstanding_after)
        return [Term(kind=TermKind.ARRANGED, amount=owed, facts=(seen.record.replaced.by,))]
    if row is None or plan is None:
        return []
    opening, number = plan.shown(row.opening), seen.bill.number
    figure = seen.books.figures.get(number)
    repaid = planned(row, plan)[0] if figure is None else min(figure.parts.principal, opening)
    cell = seen.cell(Part.PRINCIPAL)
    used = () if figure is None else (figure.id,)
    less = Term(kind=TermKind.LESS_PRINCIPAL, amount=Fraction(-repaid), number=number, cell=cell, facts=used)
    more = [
        Term(kind=TermKind.OVERPAID, amount=Fraction(-change.amounts[0]), facts=(change.fact,) if change.fact else ())
        for change in seen.record.beyond
    ]
    return [*_opening_terms(seen, opening, before), less, *more]


def _opening_terms(seen: Seen, opening: int, before: ProjectedBill | None) -> list[Term]:
    """What was owed before a bill: after the one before it, and what was drawn, prepaid or capitalized since. Where
    that chain is broken (bills made anew under other terms), what was owed stands by itself."""
    alone = [Term(kind=TermKind.BEFORE, amount=Fraction(opening))]
    bill = seen.bill
    if before is None:
        chain = lent_terms(agreed_from_the_start(seen.agreed, list(seen.facts))[0])
    else:
        cell = Cell(subject=Subject.BALANCE, number=before.number)
        chain = [Term(kind=TermKind.BEFORE, amount=Fraction(before.outstanding_after), number=before.number, cell=cell)]
    within = {fact.id for fact in seen.facts if bill.starts_on <= fact.effective_on <= bill.planned_on}
    chain += [term for term in moves(seen.books, seen.facts) if set(term.facts) & within or term.number == bill.number]
    return chain if sum(term.amount for term in chain) == opening else alone


def moves(books: Books, facts: Sequence[Fact]) -> Iterator[Term]:
    """What changed the principal owed beside the bills: drawn, become principal, prepaid."""
    for fact in facts:
        if isinstance(fact, Drawdown):
            yield Term(kind=TermKind.DRAWN, amount=Fraction(fact.amount), facts=(fact.id,))
    for number, amount in books.capitalized.items():
        cell = Cell(subject=Subject.CAPITALIZED, number=number)
        yield Term(kind=TermKind.CAPITALIZED, amount=Fraction(amount), number=number, cell=cell)
    refunds = {fact.id for fact in facts if isinstance(fact, Refund)}
    for repayment, parts in books.beside:
        kind = TermKind.REFUNDED if repayment in refunds else TermKind.PREPAID
        cell = Cell(subject=Subject.REPAYMENT, number=repayment, part=Part.PRINCIPAL)
        yield Term(kind=kind, amount=Fraction(-parts.principal), facts=(repayment,), cell=cell)


def lent_terms(terms: LoanTerms) -> list[Term]:
    """What is owed from the first day on: the amount borrowed, and what was financed with it."""
    return [
        Term(kind=TermKind.LENT, amount=Fraction(terms.principal), until=terms.disbursed_on),
        Term(kind=TermKind.FINANCED, amount=Fraction(terms.opening - terms.principal)),
    ]


def capital_terms(projection: Projection, books: Books, known: Sequence[Fact]) -> list[Term]:
    """The outstanding principal: what was lent, drawn and capitalized, less what was repaid or let go of."""
    terms = lent_terms(agreed_from_the_start(projection.terms, list(known))[0])
    terms += moves(books, known)
    arranged = tuple(fact.id for fact in known if isinstance(fact, Arrangement))
    terms.append(Term(kind=TermKind.JOINED, amount=Fraction(books.joined), facts=arranged))
    for bill in projection.bills:
        for of, kind in ((Of.PAID, TermKind.MET), (Of.WAIVED, TermKind.LET_GO)):
            amount = bill.paid.principal if of is Of.PAID else bill.waived.principal
            cell = Cell(subject=Subject.BILL, number=bill.number, part=Part.PRINCIPAL, of=of)
            terms.append(Term(kind=kind, amount=Fraction(-amount), number=bill.number, cell=cell))
    for working in books.bills:
        charged = Fraction(working.charges[0])
        terms.append(Term(kind=TermKind.CHARGE, amount=charged, number=working.number))
    return terms


def credit_terms(books: Books) -> list[Term]:
    """Money that met nothing: what is left of each repayment."""
    sources = [*books.credit, *(source for source, _ in books.ahead)]
    return [
        Term(
            kind=TermKind.HELD,
            amount=Fraction(amount),
            facts=(repayment,),
        )
        for repayment, _, amount in sources
    ]
