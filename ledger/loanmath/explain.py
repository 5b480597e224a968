"""Why an amount is what it is: `explain(projection, cell)` gives the terms of any amount a loan shows.

Nothing is kept for this while a loan is projected. The replay is run again with a witness who notes how the one
bill asked about came to its figures, and the terms are read from what it saw; they must add up exactly, or
`Unexplained` is raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ledger.loanmath.apr import annual_cost
from ledger.loanmath.books import Books
from ledger.loanmath.explain_balance import balance_terms, capital_terms, credit_terms, lent_terms
from ledger.loanmath.explain_bill import Seen, capitalized_terms, computed_terms, due_terms, waived_terms
from ledger.loanmath.explain_cost import cost_terms
from ledger.loanmath.explain_payment import payment_terms
from ledger.loanmath.explain_payoff import payoff_explained
from ledger.loanmath.explanation import (
    PARTS,
    Cell,
    Explanation,
    NoSuchCell,
    Of,
    Part,
    Subject,
    Term,
    TermKind,
    explained,
)
from ledger.loanmath.facts import Fact
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import PayoffQuote, payoff_quote
from ledger.loanmath.project import final_books, presumed_repayments
from ledger.loanmath.projection import ProjectedBill, Projection
from ledger.loanmath.schedule import schedule
from ledger.loanmath.witness import Record

__all__ = ["Explainer", "cells", "explain", "explain_payoff"]

BESIDE = {  # what a repayment that met no bill was for
    Part.PRINCIPAL: TermKind.PREPAID,
    Part.INTEREST: TermKind.INTEREST_BESIDE,
    Part.FEE: TermKind.FEE_BESIDE,
    Part.PENALTY: TermKind.FEE_BESIDE,
    Part.TOTAL: TermKind.PAID_BESIDE,
}
SIDES = (Of.DUE, Of.PAID, Of.WAIVED, Of.OPEN)


def explain(projection: Projection, cell: Cell) -> Explanation:
    """The terms of one amount of a projected loan. Raises NoSuchCell where the loan has no such amount, Unexplained
    where the terms found do not add up to it."""
    return Explainer(projection).explain(cell)


def explain_payoff(quote: PayoffQuote, part: Part = Part.TOTAL) -> Explanation:
    """The terms of one part of a payoff quote, or of its total. Raises Unexplained."""
    return payoff_explained(quote, part)


def cells(projection: Projection) -> Iterator[Cell]:
    """Every amount of a projected loan that can be explained, but payoffs: there is one for any day."""
    for bill in projection.bills:
        yield from _cells_of(bill)
    for part in (*PARTS, Part.TOTAL):
        for of in SIDES:
            yield Cell(subject=Subject.ALL, part=part, of=of)
    for of in (Of.PRESUMED, Of.CONFIRMED):
        yield Cell(subject=Subject.ALL, of=of)
    for subject in (Subject.LATE, Subject.OUTSTANDING, Subject.BORROWED, Subject.CREDIT, Subject.COST, Subject.APR):
        yield Cell(subject=subject)
    for repayment in sorted({allocation.repayment for allocation in projection.allocations}):
        for part in (*PARTS, Part.TOTAL):
            yield Cell(subject=Subject.REPAYMENT, number=repayment, part=part)


def _cells_of(bill: ProjectedBill) -> Iterator[Cell]:
    sides = SIDES if bill.computed is None else (*SIDES, Of.COMPUTED, Of.DIFFERENCE)
    for part in (*PARTS, Part.TOTAL):
        for of in sides:
            yield Cell(subject=Subject.BILL, number=bill.number, part=part, of=of)
    for of in (Of.PRESUMED, Of.CONFIRMED):
        yield Cell(subject=Subject.BILL, number=bill.number, of=of)
    for subject in (Subject.BALANCE, Subject.PAYMENT, Subject.CAPITALIZED):
        yield Cell(subject=subject, number=bill.number)


class Explainer:
    """Explains any number of amounts of one projection; the replay is run once a bill."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self._seen: dict[int, Seen] = {}

    def explain(self, cell: Cell) -> Explanation:
        """See `explain`."""
        if cell.subject is Subject.PAYOFF:
            return self._payoff(cell)
        if cell.subject is Subject.APR:
            return self._apr(cell)
        amount, terms = {
            Subject.BILL: self._bill,
            Subject.BALANCE: self._balance,
            Subject.PAYMENT: self._payment,
            Subject.CAPITALIZED: self._capitalized,
            Subject.ALL: self._all,
            Subject.LATE: self._late,
            Subject.OUTSTANDING: self._outstanding,
            Subject.BORROWED: self._borrowed,
            Subject.CREDIT: self._credit,
            Subject.COST: self._cost,
            Subject.REPAYMENT: self._repayment,
        }[cell.subject](cell)
        return explained(cell, self.projection.currency, self.projection.as_of, amount, terms)

    def books(self) -> Books:
        return self.seen(1).books if self.projection.bills else self._replayed(1)[0]

    def seen(self, number: int) -> Seen:
        """Bill `number` and how it came about. Raises NoSuchCell."""
        if number not in self._seen:
            if not 0 < number <= len(self.projection.bills):
                raise NoSuchCell(f"bill {number}")
            books, record = self._replayed(number)
            facts = counted(self.projection)
            self._seen[number] = Seen(self.projection.terms, books.bills[number - 1], books, record, facts)
        return self._seen[number]

    def _replayed(self, number: int) -> tuple[Books, Record]:
        past, record = self.projection, Record(number)
        books = final_books(past.terms, past.facts, past.as_of, past.calendar, past.agreed, record)
        record.look(books)
        return books, record

    # one bill

    def _projected(self, number: int) -> ProjectedBill:
        if not 0 < number <= len(self.projection.bills):
            raise NoSuchCell(f"bill {number}")
        return self.projection.bills[number - 1]

    def _bill(self, cell: Cell) -> tuple[int, list[Term]]:
        bill = self._projected(cell.number)
        if cell.of in (Of.PRESUMED, Of.CONFIRMED):
            return self._presumed_of(bill, cell)
        amount = amount_of(side(bill, cell.of), cell.part)
        if cell.part is Part.TOTAL:
            return amount, parts_of(side(bill, cell.of), Subject.BILL, cell)
        if cell.of in (Of.OPEN, Of.DIFFERENCE):
            return amount, _from_sides(bill, cell)
        if cell.of is Of.PAID:
            return amount, self._paid(cell)
        seen = self.seen(cell.number)
        terms = {Of.DUE: due_terms, Of.WAIVED: waived_terms, Of.COMPUTED: computed_terms}[cell.of](seen, cell.part)
        return amount, terms

    def _paid(self, cell: Cell) -> list[Term]:
        return [
            Term(
                kind=TermKind.REPAID,
                amount=Fraction(amount_of(met.parts, cell.part)),
                facts=(met.repayment,),
                cell=Cell(subject=Subject.REPAYMENT, number=met.repayment),
            )
            for met in self.projection.allocations
            if met.bill == cell.number
        ]

    def _presumed_of(self, bill: ProjectedBill, cell: Cell) -> tuple[int, list[Term]]:
        """What of a bill nobody has confirmed, or the rest of what was paid."""
        if cell.part is not Part.TOTAL:
            raise NoSuchCell(cell.name)
        unconfirmed = presumed_repayments(self.projection.facts, self.projection.as_of)
        wanted = [term for term in self._paid(cell) if (term.facts[0] in unconfirmed) == (cell.of is Of.PRESUMED)]
        return bill.presumed if cell.of is Of.PRESUMED else bill.paid.total - bill.presumed, wanted

    def _balance(self, cell: Cell) -> tuple[int, list[Term]]:
        bill = self._projected(cell.number)
        before = self.projection.bills[cell.number - 2] if cell.number > 1 else None
        return bill.outstanding_after, balance_terms(self.seen(cell.number), before)

    def _payment(self, cell: Cell) -> tuple[int, list[Term]]:
        return payment_terms(self.seen(cell.number))

    def _capitalized(self, cell: Cell) -> tuple[int, list[Term]]:
        seen = self.seen(cell.number)
        amount = seen.books.capitalized.get(cell.number, 0)
        return amount, capitalized_terms(seen, amount) if amount else []

    # the whole loan

    def _all(self, cell: Cell) -> tuple[int, list[Term]]:
        terms = [self._of_bill(bill, cell) for bill in self.projection.bills]
        return int(sum(term.amount for term in terms)), terms

    def _late(self, cell: Cell) -> tuple[int, list[Term]]:
        wanted = Cell(subject=Subject.LATE, part=cell.part, of=Of.OPEN)
        late = [bill for bill in self.projection.bills if bill.payable_on < self.projection.as_of]
        terms = [self._of_bill(bill, wanted) for bill in late]
        return int(sum(term.amount for term in terms)), terms

    def _of_bill(self, bill: ProjectedBill, cell: Cell) -> Term:
        if cell.of in (Of.PRESUMED, Of.CONFIRMED):
            amount = bill.presumed if cell.of is Of.PRESUMED else bill.paid.total - bill.presumed
        elif cell.of in SIDES:
            amount = amount_of(side(bill, cell.of), cell.part)
        else:
            raise NoSuchCell(cell.name)
        named = Cell(subject=Subject.BILL, number=bill.number, part=cell.part, of=cell.of)
        return Term(kind=TermKind.OF_BILL, amount=Fraction(amount), number=bill.number, until=bill.due_on, cell=named)

    def _outstanding(self, cell: Cell) -> tuple[int, list[Term]]:
        return self.projection.outstanding_principal, capital_terms(
            self.projection, self.books(), counted(self.projection)
        )

    def _borrowed(self, cell: Cell) -> tuple[int, list[Term]]:
        return self.projection.terms.opening, lent_terms(self.projection.terms)

    def _credit(self, cell: Cell) -> tuple[int, list[Term]]:
        return self.projection.credit, credit_terms(self.books())

    def _cost(self, cell: Cell) -> tuple[int, list[Term]]:
        terms = cost_terms(self.projection)
        return int(sum(term.amount for term in terms)), terms

    def _repayment(self, cell: Cell) -> tuple[int, list[Term]]:
        met = [one for one in self.projection.allocations if one.repayment == cell.number]
        terms = [term for term in credit_terms(self.books()) if cell.number in term.facts]
        if not (met or terms) or cell.of is not Of.DUE:
            raise NoSuchCell(cell.name)
        if cell.part is not Part.TOTAL:
            terms = []  # what is kept is for no part yet
        for one in met:
            of_bill = one.bill and Cell(subject=Subject.BILL, number=one.bill, part=cell.part, of=Of.PAID)
            amount = Fraction(amount_of(one.parts, cell.part))
            kind = TermKind.OF_BILL if one.bill else BESIDE[cell.part]
            terms.append(Term(kind=kind, amount=amount, number=one.bill, cell=of_bill or None, facts=(cell.number,)))
        kept = sum(term.amount for term in terms if term.kind is TermKind.HELD)
        return sum(amount_of(one.parts, cell.part) for one in met) + int(kept), terms

    def _apr(self, cell: Cell) -> Explanation:
        """The flows as agreed: what was received, and each payment; their sum is what the loan costs."""
        terms = self.projection.terms
        received = terms.principal - terms.upfront_fee
        flows = [Term(kind=TermKind.FLOW, amount=Fraction(-received), until=terms.disbursed_on)]
        for row in schedule(terms):
            flows.append(Term(kind=TermKind.FLOW, amount=Fraction(row.payment), until=row.due_on, number=row.number))
        cost, total = annual_cost(terms), int(sum(flow.amount for flow in flows))
        rate = None if cost is None else cost.simple
        return explained(cell, self.projection.currency, self.projection.as_of, total, flows, rate)

    def _payoff(self, cell: Cell) -> Explanation:
        if cell.on is None or cell.on < self.projection.as_of:
            raise NoSuchCell(cell.name)
        quote = payoff_quote(self.projection.terms, self.projection.facts, cell.on, self.projection.calendar)
        return payoff_explained(quote, cell.part)


def counted(projection: Projection) -> list[Fact]:
    """The facts that counted: those known by the day, and those agreed for later."""
    known = [fact for fact in projection.facts if fact.effective_on <= projection.as_of]
    return known + [fact for fact in projection.agreed if fact.effective_on > projection.as_of]


def side(bill: ProjectedBill, of: Of) -> Parts:
    """One side of a bill. Raises NoSuchCell where the bill has no figure of the lender's."""
    if of in (Of.COMPUTED, Of.DIFFERENCE):
        if bill.computed is None:
            raise NoSuchCell(of)
        return bill.computed if of is Of.COMPUTED else bill.due - bill.computed
    parts: Parts = getattr(bill, of)
    return parts


def amount_of(parts: Parts, part: Part) -> int:
    amount: int = getattr(parts, part)
    return amount


def parts_of(parts: Parts, subject: Subject, cell: Cell) -> list[Term]:
    """A sum as its four parts."""
    return [
        Term(
            kind=TermKind.PART,
            amount=Fraction(amount_of(parts, part)),
            part=part,
            cell=Cell(subject=subject, number=cell.number, part=part, of=cell.of),
        )
        for part in PARTS
    ]


def _from_sides(bill: ProjectedBill, cell: Cell) -> list[Term]:
    """What is open: asked less paid less waived; how far the lender's figure is from ours: the one less the other."""
    signs = {Of.DUE: (TermKind.ASKED, 1), Of.PAID: (TermKind.MET, -1), Of.WAIVED: (TermKind.LET_GO, -1)}
    if cell.of is Of.DIFFERENCE:
        signs = {Of.DUE: (TermKind.ASKED, 1), Of.COMPUTED: (TermKind.OURS, -1)}
    return [
        Term(
            kind=kind,
            amount=Fraction(sign * amount_of(side(bill, of), cell.part)),
            cell=Cell(subject=Subject.BILL, number=cell.number, part=cell.part, of=of),
        )
        for of, (kind, sign) in signs.items()
    ]
