"""What settles a loan on a day, part by part."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from ledger.loanmath.allocation import SLOTS
from ledger.loanmath.books import Books
from ledger.loanmath.coupons import off_interest_to
from ledger.loanmath.explain_interest import began_by, fixed_terms, stretch_terms
from ledger.loanmath.explanation import PARTS, Cell, Explanation, Part, Subject, Term, TermKind, explained
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.payoff import PayoffQuote, books_for_quote
from ledger.loanmath.plan import Plan
from ledger.loanmath.prepayment import Early, early, fraction_on, prepayment_fee
from ledger.loanmath.repaying import charges_to_come, payoff
from ledger.loanmath.terms import Component
from ledger.loanmath.unbilled import unbilled_fee
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
    books = books_for_quote(quote.terms, quote.facts, quote.on, quote.calendar)
    payoff(books, quote.on)
    record = Record(books.plan.at + 1)
    books = books_for_quote(quote.terms, quote.facts, quote.on, quote.calendar, record)
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
    plan = books.plan
    return Term(kind=TermKind.NOT_BILLED, amount=Fraction(plan.shown(plan.balance - plan.paid_ahead)))


def _interest_terms(quote: PayoffQuote, books: Books, record: Record) -> list[Term]:
    """Interest of the current period up to the day, what earlier bills left, less what was waived of the bill."""
    plan = books.plan
    if plan.done and not plan.ahead:
        return []
    until = books.payoff_counts_to(quote.on)
    terms = fixed_terms(plan, record.accruals, quote.facts)
    if _moves(plan, until):
        terms += stretch_terms(plan, until, quote.facts, began_by(record.accruals))
    terms += _met_ahead(plan, terms) if plan.ahead else _rounded(books, terms)
    return [*terms, *_let_go(quote, books, sum((term.amount for term in terms), Fraction(0)))]


def _rounded(books: Books, terms: list[Term]) -> list[Term]:
    """Interest rounded to pay it, and what earlier bills left over."""
    exact = sum((term.amount for term in terms), Fraction(0))
    rounded = round_ratio(exact.numerator, exact.denominator, books.interest_rounding)
    carry = Fraction(books.plan.shown(books.plan.carry))
    return [
        Term(kind=TermKind.ROUNDING, amount=rounded - exact, rounding=books.interest_rounding),
        Term(kind=TermKind.CARRIED, amount=carry),
    ]


def _met_ahead(plan: Plan, terms: list[Term]) -> list[Term]:
    """The same where bills to come were paid ahead: interest as a bill rounds it, less what that money has met."""
    exact = sum((term.amount for term in terms), Fraction(0)) * plan.scale
    rounded = plan.round_interest(exact.numerator, exact.denominator)
    met = sum(ahead.interest for index, ahead in plan.ahead.items() if index >= plan.at)
    left = max(rounded + plan.carry - met, 0)
    less, shown = left - rounded - plan.carry, plan.shown(left)
    return [
        Term(
            kind=TermKind.ROUNDING,
            amount=(rounded - exact) / plan.scale,
            rounding=plan.terms.interest_rounding or plan.terms.rounding,
        ),
        Term(kind=TermKind.CARRIED, amount=Fraction(plan.carry, plan.scale)),
        Term(kind=TermKind.PAID_AHEAD_INTEREST, amount=Fraction(less, plan.scale)),
        Term(kind=TermKind.ROUNDING, amount=shown - Fraction(left, plan.scale), rounding=Rounding.HALF_UP),
    ]


def _moves(plan: Plan, on: date) -> bool:
    """Whether interest has grown since it was last fixed."""
    period = plan.period(plan.at)
    return min(on, period.due_on) > (plan.accrued_to or period.starts_on)


def _let_go(quote: PayoffQuote, books: Books, interest: Fraction) -> list[Term]:
    """What is waived of the interest of the bill to come, and what coupons take off it."""
    plan = books.plan
    coming = books.book.get(plan.at + 1)
    waived = min(Fraction(coming.waivers[1]), interest) if coming is not None else Fraction(0)
    left = int(interest - waived)
    coupons = off_interest_to(books.coupons, plan, quote.on, left, books.interest_rounding) if books.coupons else 0
    used = tuple(coupon.fact.id for coupon in books.coupons if coupon.covers(plan.at + 1, plan.due_on(plan.at)))
    return [
        Term(kind=TermKind.LET_GO, amount=-waived),
        Term(kind=TermKind.COUPON, amount=Fraction(-coupons), facts=used),
    ]


def _fee_terms(quote: PayoffQuote, books: Books, record: Record) -> list[Term]:
    """Fees of bills that will not come, and the prepayment fee on the principal repaid early. What money for bills to
    come covers was paid as agreed."""
    principal = _not_billed(books).amount
    interest = sum((term.amount for term in _interest_terms(quote, books, record)), Fraction(0))
    unbilled = unbilled_fee(books)
    charges = sum(sum(amounts) for amounts in charges_to_come(books)) + unbilled
    ahead = sum(source[2] for source, _ in books.ahead)
    prepaid = int(max(min(principal, principal + interest + charges - ahead), Fraction(0)))
    at = early(books, quote.on, prepaid)
    terms = [Term(kind=TermKind.UNBILLED_FEES, amount=Fraction(unbilled))]
    if not prepayment_fee(books.terms, prepaid, at):
        return terms
    return terms + _prepayment_terms(books, prepaid, at)


def _prepayment_terms(books: Books, prepaid: int, at: Early) -> list[Term]:
    """A fraction of the principal, and so many months of interest on it; rounded once, and no less than the least."""
    fee, base = books.terms.prepayment_fee, Fraction(prepaid)
    share, months = Fraction(fraction_on(books.terms, at.on)), Fraction(fee.months_of_interest)
    terms = [
        Term(kind=TermKind.PREPAYMENT_FEE, amount=share * base, base=base, share=share),
        Term(
            kind=TermKind.MONTHS_OF_INTEREST,
            amount=base * at.annual_rate * months / 12,
            base=base,
            rate=at.annual_rate,
            year_part=months / 12,
        ),
    ]
    exact = sum((term.amount for term in terms), Fraction(0))
    rounded = round_ratio(exact.numerator, exact.denominator, Rounding.HALF_UP)
    terms.append(Term(kind=TermKind.ROUNDING, amount=rounded - exact, rounding=Rounding.HALF_UP))
    return [*terms, Term(kind=TermKind.AT_LEAST, amount=Fraction(max(fee.least - rounded, 0)))]
