"""How one bill came to ask for what it asks for: principal, interest, fee and penalty, each as its terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from ledger.loanmath.allocation import SLOTS
from ledger.loanmath.books import Books
from ledger.loanmath.explain_interest import accrued_terms, began_by, interest_rounding, stretch_terms
from ledger.loanmath.explanation import Cell, Of, Part, Subject, Term, TermKind
from ledger.loanmath.facts import Charge, Fact
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.plan import Plan, PlanRow
from ledger.loanmath.terms import Component, LastRow, LoanTerms, Method, Residue
from ledger.loanmath.witness import Change, Record, planned
from ledger.loanmath.working_bill import WorkingBill


@dataclass(frozen=True, slots=True)
class Seen:
    """One bill after the replay, and what was seen of how it came about. `agreed` are the terms it began
    under, `facts` those that counted."""

    agreed: LoanTerms
    bill: WorkingBill
    books: Books
    record: Record
    facts: Sequence[Fact]

    def cell(self, part: Part, of: Of = Of.DUE) -> Cell:
        return Cell(subject=Subject.BILL, number=self.bill.number, part=part, of=of)


def due_terms(seen: Seen, part: Part) -> list[Term]:
    """What a bill asks for of one part: what we work out, or the lender's figure where there is one, and charges."""
    terms = [*planned_terms(seen, part), *charge_terms(seen, part)]
    figure = seen.books.figures.get(seen.bill.number)
    if figure is not None:
        ours = sum((term.amount for term in terms), Fraction(0)) - seen.bill.since_figure[SLOTS[Component(part)]]
        stated = Fraction(getattr(figure.parts, part))
        terms.append(Term(kind=TermKind.FIGURE, amount=stated - ours, base=stated, facts=(figure.id,)))
    return terms + (penalty_terms(seen.bill) if part is Part.PENALTY else [])


def computed_terms(seen: Seen, part: Part) -> list[Term]:
    """What we would have asked for, had the lender not said otherwise."""
    since = {fact.id for fact in seen.facts if isinstance(fact, Charge) and _is_since_figure(seen, fact)}
    charges = [term for term in charge_terms(seen, part) if not since & set(term.facts)]
    terms = [*planned_terms(seen, part), *charges, *_change_terms(TermKind.CHARGE, seen.record.ours, part)]
    return terms + (penalty_terms(seen.bill) if part is Part.PENALTY else [])


def _is_since_figure(seen: Seen, fact: Charge) -> bool:
    figure = seen.books.figures.get(seen.bill.number)
    return figure is not None and (figure.effective_on, figure.id) < (fact.effective_on, fact.id)


def charge_terms(seen: Seen, part: Part) -> list[Term]:
    """The charges on a bill, those of bills that were never made up and came to it included."""
    return _change_terms(TermKind.CHARGE, seen.record.charges.get(seen.bill.number, []), part)


def _change_terms(kind: TermKind, changes: list[Change], part: Part) -> list[Term]:
    slot = SLOTS[Component(part)]
    return [
        Term(kind=kind, amount=Fraction(amounts[slot]), facts=() if fact is None else (fact,))
        for fact, amounts in changes
    ]


def waived_terms(seen: Seen, part: Part) -> list[Term]:
    """What was let go of a bill: each waiver, and what of them there was nothing left to let go of."""
    terms = _change_terms(TermKind.WAIVER, seen.record.waivers, part)
    given = sum((term.amount for term in terms), Fraction(0))
    counted = seen.bill.waived[SLOTS[Component(part)]]
    if counted < given:
        terms.append(Term(kind=TermKind.NO_MORE_THAN, amount=counted - given))
    return terms


def planned_terms(seen: Seen, part: Part) -> list[Term]:
    """What the plan asks for, in minor units; nothing for a bill that only charges made."""
    row, plan = seen.bill.row, seen.record.made
    if row is None or plan is None:
        return []
    terms: list[Term] = []
    if part is Part.INTEREST:
        terms = _interest_terms(seen, plan)
    elif part is Part.PRINCIPAL:
        terms = _principal_terms(seen.bill.number, plan, row)
    elif part is Part.FEE:
        terms = _fee_terms(plan)
    exact = sum((term.amount for term in terms), Fraction(0))
    if plan.scale != 1:  # never rounded, and shown as whole minor units
        shown = planned(row, plan)[SLOTS[Component(part)]]
        if abs(shown - exact) < 1:
            terms.append(_rounding(shown - exact, Rounding.HALF_UP))
    return terms


def _rounding(amount: Fraction, rounding: Rounding) -> Term:
    return Term(kind=TermKind.ROUNDING, amount=amount, rounding=rounding)


# interest


def _interest_terms(seen: Seen, plan: Plan) -> list[Term]:
    """What the plan worked out for the period, what earlier bills left to this one, and what this one leaves on."""
    record = seen.record
    terms = accrued_terms(record.accruals, seen.facts) if plan.accrued_to is not None else []
    terms += stretch_terms(plan, plan.period(plan.at).due_on, seen.facts, began_by(record.accruals))
    exact = sum((term.amount for term in terms), Fraction(0)) * plan.scale
    rounded = plan.round_interest(exact.numerator, exact.denominator)
    terms.append(_rounding((rounded - exact) / plan.scale, interest_rounding(plan.terms)))
    terms.append(Term(kind=TermKind.CARRIED, amount=Fraction(plan.carry, plan.scale)))
    return terms + _left_on(plan, rounded + plan.carry)


def _left_on(plan: Plan, interest: int) -> list[Term]:
    """What a bill does not ask for of its interest: none yet, no more than its payment, or what the last one may."""
    at, terms = plan.at, plan.terms
    if is_last(plan):
        squeezed = terms.method is Method.LEVEL and terms.last_row is LastRow.SQUEEZE_INTEREST
        if not squeezed:
            return []
        asked = max(plan.level_payment(at) - plan.balance, 0)
        return [Term(kind=TermKind.GIVES_WAY, amount=Fraction(asked - interest, plan.scale))]
    left = 0
    if plan.place(at) < terms.interest_grace:
        left = interest
    elif terms.method is Method.LEVEL and plan.place(at) >= terms.principal_grace:
        left = max(interest - plan.level_payment(at), 0)
    return [Term(kind=TermKind.CARRIED_ON, amount=Fraction(-left, plan.scale))]


def is_last(plan: Plan) -> bool:
    """Whether the bill the plan is about to make up is the last; asked of a copy, as an open-ended plan moves on."""
    trial = plan.as_it_stands()
    trial.take()
    return trial.last == plan.at


def capitalized_terms(seen: Seen, amount: int) -> list[Term]:
    """Interest up to a deferred bill's old due date, which joined the principal. Its last accrual is where it did."""
    *fixed, end = seen.record.capitalized
    plan = end.plan
    terms = accrued_terms(fixed, seen.facts) if plan.accrued_to is not None else []
    terms += stretch_terms(plan, plan.due_on(plan.at), seen.facts, began_by(fixed))
    terms.append(Term(kind=TermKind.CARRIED, amount=Fraction(plan.shown(plan.carry))))
    exact = sum((term.amount for term in terms), Fraction(0))
    moved = amount - exact
    if abs(moved) < 1:
        terms.append(_rounding(moved, Rounding.HALF_UP))
    return terms


# principal


def _principal_terms(number: int, plan: Plan, row: PlanRow) -> list[Term]:
    at, terms, scale = plan.at, plan.terms, plan.scale
    if is_last(plan):
        return _last_principal(number, plan, row)
    if plan.place(at) < terms.principal_grace or terms.method is Method.INTEREST_ONLY:
        found = [Term(kind=TermKind.NOT_YET, amount=Fraction(0))]
    elif terms.method is Method.LEVEL:
        found = _payment_less_interest(number, plan, row)
    elif terms.method is Method.LISTED:
        found = _listed_principal(plan)
    else:
        found = _equal_part(plan, row)
    found.append(Term(kind=TermKind.EXTRA, amount=Fraction(terms.extra_payment)))
    wanted = sum((term.amount for term in found), Fraction(0))
    if wanted * scale > row.opening:
        cut = Fraction(row.opening, scale) - wanted
        found.append(Term(kind=TermKind.NO_MORE_THAN, amount=cut, base=Fraction(row.opening, scale)))
    return found


def _payment_less_interest(number: int, plan: Plan, row: PlanRow) -> list[Term]:
    payment = Fraction(plan.level_payment(plan.at), plan.scale)
    return [
        Term(kind=TermKind.PAYMENT, amount=payment, cell=Cell(subject=Subject.PAYMENT, number=number)),
        _less_interest(number, plan, row.interest),
    ]


def _less_interest(number: int, plan: Plan, interest: int) -> Term:
    cell = Cell(subject=Subject.BILL, number=number, part=Part.INTEREST)
    return Term(kind=TermKind.LESS_INTEREST, amount=Fraction(-interest, plan.scale), cell=cell)


def _last_principal(number: int, plan: Plan, row: PlanRow) -> list[Term]:
    rest = Term(kind=TermKind.REST, amount=Fraction(row.opening, plan.scale))
    if plan.terms.method is not Method.LEVEL or plan.terms.last_row is not LastRow.AS_IS:
        return [rest]
    found = _payment_less_interest(number, plan, row)
    wanted = sum((term.amount for term in found), Fraction(0)) * plan.scale
    cut = max(min(wanted, Fraction(row.opening)), Fraction(0)) - wanted
    base = Fraction(row.opening, plan.scale)
    return [*found, Term(kind=TermKind.NO_MORE_THAN, amount=cut / plan.scale, base=base)]


def _equal_part(plan: Plan, row: PlanRow) -> list[Term]:
    terms, scale = plan.terms, plan.scale
    first_more = plan.first_more if plan.at == plan.first else 0
    found = [
        Term(kind=TermKind.EQUAL_PART, amount=Fraction(plan.part, scale)),
        Term(kind=TermKind.FIRST_TAKES, amount=Fraction(first_more, scale)),
    ]
    if terms.method is Method.FLAT and terms.payment_unit > 1:
        exact = plan.part + first_more + row.interest
        moved = max(plan.round_payment(exact, 1), row.interest) - exact
        found.append(_rounding(Fraction(moved, scale), terms.payment_rounding or terms.rounding))
    return found


def _listed_principal(plan: Plan) -> list[Term]:
    place = plan.place(plan.at)
    stated = plan.terms.listed[place].parts.principal
    owed = sum(row.parts.principal for row in plan.terms.listed[place:])
    if not plan.prorate_listed or not owed:
        return [Term(kind=TermKind.LISTED, amount=Fraction(stated), number=place + 1)]
    exact = Fraction(plan.balance * stated, owed * plan.scale)
    rounded = round_ratio(exact.numerator, exact.denominator, plan.terms.rounding)
    share = Fraction(plan.balance, owed * plan.scale)
    found = Term(kind=TermKind.LISTED, amount=exact, base=Fraction(stated), share=share, number=place + 1)
    if plan.terms.rounding is Rounding.NONE:
        return [found]
    return [found, _rounding(rounded - exact, plan.terms.rounding)]


# fee


def _fee_terms(plan: Plan) -> list[Term]:
    terms, place = plan.terms, plan.place(plan.at)
    found = [Term(kind=TermKind.BILL_FEE, amount=Fraction(terms.bill_fee))]
    if terms.method is Method.LISTED and place < len(terms.listed):
        found.append(Term(kind=TermKind.LISTED, amount=Fraction(terms.listed[place].parts.fee), number=place + 1))
    if terms.flat_fee and place < terms.count:
        found += _flat_fee_share(terms, place)
    return found


def _flat_fee_share(terms: LoanTerms, place: int) -> list[Term]:
    """The flat fee over all bills, and the cents that only one of them takes."""
    exact = Fraction(terms.flat_fee, terms.count)
    share, rest = divmod(terms.flat_fee, terms.count)
    taker = 0 if terms.residue is Residue.FIRST else terms.count - 1
    asked = share + (rest if place == taker else 0)
    base = Fraction(terms.flat_fee)
    found = Term(kind=TermKind.FLAT_FEE, amount=exact, base=base, number=terms.count)
    return [found, _rounding(asked - exact, Rounding.DOWN)]


# penalty


def penalty_terms(bill: WorkingBill) -> list[Term]:
    """Penalty interest stretch by stretch, the late fee, and rounding; or that the grace has not passed."""
    stretches = [_penalty_term(*stretch) for stretch in joined(bill)]
    if not bill.grace_passed:
        if not stretches:
            return []
        return [Term(kind=TermKind.IN_GRACE, amount=Fraction(0), since=bill.due_on)]
    exact = sum((term.amount for term in stretches), Fraction(0))
    rounding = _rounding(round_ratio(exact.numerator, exact.denominator, Rounding.HALF_UP) - exact, Rounding.HALF_UP)
    return [*stretches, rounding, Term(kind=TermKind.LATE_FEE, amount=Fraction(bill.late_fee))]


def joined(bill: WorkingBill) -> list[tuple[date, date, int, Fraction, int]]:
    """The stretches on which a penalty grew: since, until, base, yearly rate and days of the year; two that follow one
    another on the same base are one."""
    found: list[tuple[date, date, int, Fraction, int]] = []
    for since, until, base, terms in bill.stretches:
        rate = Fraction(terms.annual_rate)
        if found and found[-1][1:] == (since, base, rate, terms.year_days):
            since = found.pop()[0]
        found.append((since, until, base, rate, terms.year_days))
    return found


def _penalty_term(since: date, until: date, base: int, rate: Fraction, year_days: int) -> Term:
    days = (until - since).days
    return Term(
        kind=TermKind.PENALTY,
        amount=base * rate * days / year_days,
        since=since + timedelta(days=1),
        until=until + timedelta(days=1),
        days=days,
        base=Fraction(base),
        rate=rate,
        year_part=Fraction(days, year_days),
        year_days=year_days,
    )
