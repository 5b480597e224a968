"""What settles a loan on a day, part by part."""

from __future__ import annotations

from fractions import Fraction

from ledger.loanmath.allocation import SLOTS
from ledger.loanmath.books import Books
from ledger.loanmath.explain_interest import accrued_terms, began_by, stretch_terms
from ledger.loanmath.explanation import PARTS, Cell, Explanation, Part, Subject, Term, TermKind, explained
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.payoff import PayoffQuote
from ledger.loanmath.prepayment import prepayment_fee
from ledger.loanmath.repaying import charges_to_come, payoff
from ledger.loanmath.replay import replay
from ledger.loanmath.terms import Component
from ledger.loanmath.witness import Record


def payoff_explained(quote: PayoffQuote, part: Part) -> Explanation:
    """The terms of one part of a payoff quote, or of its total. Raises Unexplained."""
    cell = Cell(subject=Subject.PAYOFF, on=quote.on, part=part)
    currency = quote.terms.currency
    if part is Part.TOTAL:
        terms = [
            Term(
                kind=TermKind.PART,
                amount=Fraction(getattr(quote, one)),
                part=one,
                cell=Cell(subject=Subject.PAYOFF, on=quote.on, part=one),
            )
            for one in PARTS
        ]
        terms.append(Term(kind=TermKind.CREDIT, amount=Fraction(-quote.credit)))
        return explained(cell, currency, quote.on, quote.total, terms)
    books, record = _on_the_day(quote)
    return explained(cell, currency, quote.on, getattr(quote, part), _part_terms(quote, books, record, part))


def _on_the_day(quote: PayoffQuote) -> tuple[Books, Record]:
    """The books with the bills to come taken back, and how the interest of the current period came about."""
    books = replay(quote.terms, quote.facts, quote.on)
    payoff(books, quote.on)
    record = Record(books.plan.at + 1)
    books = replay(quote.terms, quote.facts, quote.on, record)
    payoff(books, quote.on)
    return books, record


def _part_terms(quote: PayoffQuote, books: Books, record: Record, part: Part) -> list[Term]:
    """What is open of the bills made up, what is in no bill yet, and charges of bills to come."""
    slot = SLOTS[Component(part)]
    terms = [
        Term(kind=TermKind.OF_BILL, amount=Fraction(bill.open()[slot]), number=bill.number, until=bill.due_on)
        for bill in books.open.values()
    ]
    charges = sum(amounts[slot] for amounts in charges_to_come(books))
    terms.append(Term(kind=TermKind.CHARGE, amount=Fraction(charges)))
    if part is Part.PRINCIPAL:
        terms.append(_not_billed(books))
    elif part is Part.INTEREST:
        terms += _interest_terms(quote, books, record)
    elif part is Part.FEE:
        terms += _fee_terms(quote, books, record)
    return terms


def _not_billed(books: Books) -> Term:
    return Term(kind=TermKind.NOT_BILLED, amount=Fraction(books.plan.shown(books.plan.balance)))


def _interest_terms(quote: PayoffQuote, books: Books, record: Record) -> list[Term]:
    """Interest of the current period up to the day, what earlier bills left, less what was waived of the bill."""
    plan = books.plan
    if plan.done:
        return []
    terms = accrued_terms(record.accruals, quote.facts) if plan.accrued_to is not None else []
    terms += stretch_terms(plan, quote.on, quote.facts, began_by(record.accruals))
    exact = sum((term.amount for term in terms), Fraction(0))
    rounded = round_ratio(exact.numerator, exact.denominator, books.interest_rounding)
    carry = plan.shown(plan.carry)
    terms.append(Term(kind=TermKind.ROUNDING, amount=rounded - exact, rounding=books.interest_rounding))
    terms.append(Term(kind=TermKind.CARRIED, amount=Fraction(carry)))
    coming = books.book.get(plan.at + 1)
    waived = min(coming.waivers[1], rounded + carry) if coming is not None else 0
    return [*terms, Term(kind=TermKind.LET_GO, amount=Fraction(-waived))]


def _fee_terms(quote: PayoffQuote, books: Books, record: Record) -> list[Term]:
    """The prepayment fee: a fraction of the principal that is repaid early. What money for bills to come covers was
    paid as agreed."""
    principal = _not_billed(books).amount
    interest = sum((term.amount for term in _interest_terms(quote, books, record)), Fraction(0))
    charges = sum(sum(amounts) for amounts in charges_to_come(books))
    ahead = sum(source[2] for source, _ in books.ahead)
    early = max(min(principal, principal + interest + charges - ahead), Fraction(0))
    fee = books.terms.prepayment_fee
    if not prepayment_fee(books.terms, int(early), quote.on):
        return []
    exact = early * Fraction(fee.fraction)
    rounded = round_ratio(exact.numerator, exact.denominator, Rounding.HALF_UP)
    share = Fraction(fee.fraction)
    return [
        Term(kind=TermKind.PREPAYMENT_FEE, amount=exact, base=early, share=share),
        Term(kind=TermKind.ROUNDING, amount=rounded - exact, rounding=Rounding.HALF_UP),
    ]
