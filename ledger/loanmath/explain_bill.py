"""How one bill came to ask for what it asks for: principal, interest, fee and penalty, each as its terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from ledger.loanmath.allocation import SLOTS
from ledger.loanmath.books import Books
from ledger.loanmath.explain_interest import began_by, fixed_terms, interest_rounding, stretch_terms
from ledger.loanmath.explanation import Cell, Of, Part, Subject, Term, TermKind, rounding_terms
from ledger.loanmath.facts import Charge, Fact
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.penalty import capped
from ledger.loanmath.plan import Ahead, Plan, PlanRow
from ledger.loanmath.terms import AheadInterest, Component, LastRow, LoanTerms, Method, Residue
from ledger.loanmath.witness import Change, Record, Replaced, planned
from ledger.loanmath.working_bill import Lateness, Stretch, WorkingBill


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
    if seen.record.replaced is not None:
        return _replaced_terms(seen, part, seen.record.replaced)
    terms = [*planned_terms(seen, part), *charge_terms(seen, part)]
    figure = seen.books.figures.get(seen.bill.number)
    if figure is not None:
        ours = sum((term.amount for term in terms), Fraction(0)) - seen.bill.since_figure[SLOTS[Component(part)]]
        stated = Fraction(getattr(figure.parts, part))
        terms.append(Term(kind=TermKind.FIGURE, amount=stated - ours, base=stated, facts=(figure.id,)))
    terms += _change_terms(TermKind.OVERPAID, seen.record.beyond, part)
    return terms + (penalty_terms(seen) if part is Part.PENALTY else [])


def _replaced_terms(seen: Seen, part: Part, found: Replaced) -> list[Term]:
    """What had met a bill when an arrangement replaced it: it asks for no more, but for charges that came later."""
    slot = SLOTS[Component(part)]
    return [
        Term(kind=TermKind.REPLACED, amount=Fraction(0), facts=(found.by,)),
        *_change_terms(TermKind.REPAID, found.met, part),
        *_let_go_terms(found.waivers, found.coupons, found.waived[slot], part),
        *charge_terms(seen, part, found.charges),
    ]


def computed_terms(seen: Seen, part: Part) -> list[Term]:
    """What we would have asked for, had the lender not said otherwise."""
    since = {fact.id for fact in seen.facts if isinstance(fact, Charge) and _is_since_figure(seen, fact)}
    charges = [term for term in charge_terms(seen, part) if not since & set(term.facts)]
    terms = [*planned_terms(seen, part), *charges, *_change_terms(TermKind.CHARGE, seen.record.ours, part)]
    return terms + (penalty_terms(seen) if part is Part.PENALTY else [])


def _is_since_figure(seen: Seen, fact: Charge) -> bool:
    figure = seen.books.figures.get(seen.bill.number)
    return figure is not None and (figure.effective_on, figure.id) < (fact.effective_on, fact.id)


def charge_terms(seen: Seen, part: Part, first: int = 0) -> list[Term]:
    """The charges on a bill, those of bills that were never made up and came to it included, from the `first` on."""
    return _change_terms(TermKind.CHARGE, seen.record.charges.get(seen.bill.number, [])[first:], part)


def _change_terms(kind: TermKind, changes: Sequence[Change], part: Part) -> list[Term]:
    slot = SLOTS[Component(part)]
    return [
        Term(kind=kind, amount=Fraction(amounts[slot]), facts=() if fact is None else (fact,))
        for fact, amounts in changes
    ]


def waived_terms(seen: Seen, part: Part) -> list[Term]:
    """What was let go of a bill: each waiver, and what of them there was nothing left to let go of."""
    coupons = [Change(coupon.fact.id, off) for coupon, off in seen.books.taken_off.get(seen.bill.number, ())]
    return _let_go_terms(seen.record.waivers, coupons, seen.bill.waived[SLOTS[Component(part)]], part)


def _let_go_terms(waivers: Sequence[Change], coupons: Sequence[Change], counted: int, part: Part) -> list[Term]:
    terms = [*_change_terms(TermKind.WAIVER, waivers, part), *_change_terms(TermKind.COUPON, coupons, part)]
    given = _sum(terms)
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
        terms += rounding_terms(shown - exact, Rounding.HALF_UP)
    return terms


def _rounding(amount: Fraction, rounding: Rounding) -> Term:
    return Term(kind=TermKind.ROUNDING, amount=amount, rounding=rounding)


# interest


def _interest_terms(seen: Seen, plan: Plan) -> list[Term]:
    """What the plan worked out for the period, what earlier bills left to this one, and what this one leaves on."""
    if plan.at < plan.first:
        return []
    if plan.at in plan.empty and plan.terms.method is Method.LISTED:  # its row comes later, its interest with it
        return [Term(kind=TermKind.PAID_AHEAD, amount=Fraction(_met_ahead(plan).interest, plan.scale))]
    record = seen.record
    terms = fixed_terms(plan, record.accruals, seen.facts)
    terms += stretch_terms(plan, plan.period(plan.at).due_on, seen.facts, began_by(record.accruals))
    exact = sum((term.amount for term in terms), Fraction(0)) * plan.scale
    rounded = plan.round_interest(exact.numerator, exact.denominator)
    terms.append(_rounding((rounded - exact) / plan.scale, interest_rounding(plan.terms)))
    terms.append(Term(kind=TermKind.CARRIED, amount=Fraction(plan.carry, plan.scale)))
    after = taken(plan)
    if _squeezes(plan, after):
        asked = max(plan.level_payment(plan.at) - plan.balance, 0)
        gives_way = Fraction(asked - rounded - plan.carry, plan.scale)
        return [*terms, Term(kind=TermKind.GIVES_WAY, amount=gives_way)]
    return [*terms, Term(kind=TermKind.CARRIED_ON, amount=Fraction(-after.carry, plan.scale))]


def taken(plan: Plan) -> Plan:
    """The plan once it has made up its next bill; asked of a copy, as an open-ended plan moves on."""
    after = plan.as_it_stands()
    after.take()
    return after


def is_last(plan: Plan, after: Plan) -> bool:
    """Whether the bill between the two is the last."""
    return after.last == plan.at


def _squeezes(plan: Plan, after: Plan) -> bool:
    squeezed = plan.terms.method is Method.LEVEL and plan.terms.last_row is LastRow.SQUEEZE_INTEREST
    return squeezed and is_last(plan, after) and not plan.ahead


def capitalized_terms(seen: Seen, amount: int) -> list[Term]:
    """Interest up to a deferred bill's old due date, which joined the principal. Its last accrual is where it did."""
    *fixed, end = seen.record.capitalized
    plan = end.plan
    terms = fixed_terms(plan, fixed, seen.facts)
    terms += stretch_terms(plan, plan.due_on(plan.at), seen.facts, began_by(fixed))
    terms.append(Term(kind=TermKind.CARRIED, amount=Fraction(plan.shown(plan.carry))))
    exact = sum((term.amount for term in terms), Fraction(0))
    return [*terms, *rounding_terms(amount - exact, Rounding.HALF_UP)]


# principal


def _principal_terms(number: int, plan: Plan, row: PlanRow) -> list[Term]:
    if plan.at < plan.first:
        return [Term(kind=TermKind.DOWN_PAYMENT, amount=Fraction(row.principal, plan.scale))]
    if plan.at in plan.empty:
        met = Term(kind=TermKind.PAID_AHEAD, amount=Fraction(_met_ahead(plan).principal, plan.scale))
        return [Term(kind=TermKind.NOT_YET, amount=Fraction(0)), met]
    after, row = taken(plan), _as_planned(plan, row)
    found = _last_principal(number, plan, row) if is_last(plan, after) else _regular_principal(number, plan, row)
    if plan.ahead:
        found = _with_ahead(plan, found, last=is_last(plan, after))
    if plan.relief and not is_last(plan, after):
        found.append(Term(kind=TermKind.RELIEF, amount=Fraction(after.relief - plan.relief, plan.scale)))
    return found


def _as_planned(plan: Plan, row: PlanRow) -> PlanRow:
    """The row principal is worked out from: with interest on the balance, the one without what was paid ahead, for the
    bill may ask for more interest since more of it was paid."""
    if not plan.ahead or plan.terms.ahead_interest is not AheadInterest.ON_BALANCE:
        return row
    alone = plan.as_it_stands()
    alone.ahead = {}  # what was paid still bears no interest
    return alone.take()


def _regular_principal(number: int, plan: Plan, row: PlanRow) -> list[Term]:
    """What a bill that is not the last asks for in principal, were nothing paid of any bill to come."""
    at, terms, scale = plan.at, plan.terms, plan.scale
    let_off = plan.place(at) < terms.principal_grace or at in plan.without_principal
    if let_off or terms.method is Method.INTEREST_ONLY:
        found = [Term(kind=TermKind.NOT_YET, amount=Fraction(0))]
    elif terms.method is Method.LEVEL:
        found = _payment_less_interest(number, plan, row)
    elif terms.method is Method.LISTED:
        found = _listed_principal(plan)
    else:
        found = _equal_part(number, plan, row)
    found.append(Term(kind=TermKind.EXTRA, amount=Fraction(terms.extra_payment)))
    return _no_more_than(found, Fraction(row.opening, scale))


def _no_more_than(found: list[Term], most: Fraction) -> list[Term]:
    wanted = _sum(found)
    if wanted <= most:
        return found
    return [*found, Term(kind=TermKind.NO_MORE_THAN, amount=most - wanted, base=most)]


def _met_ahead(plan: Plan) -> Ahead:
    """What was paid of the bill to come."""
    return plan.ahead.get(plan.at, Ahead())


def _sum(terms: Sequence[Term]) -> Fraction:
    return sum((term.amount for term in terms), Fraction(0))


def _with_ahead(plan: Plan, found: list[Term], *, last: bool) -> list[Term]:
    """The same where bills to come were paid ahead: one paid whole asks for what was paid, the last one not paid whole
    takes the rest, and one of which more was paid than it plans asks for that."""
    met, scale = _met_ahead(plan), plan.scale
    paid = Term(kind=TermKind.PAID_AHEAD, amount=Fraction(met.principal, scale))
    if plan.terms.ahead_interest is AheadInterest.ON_BALANCE:
        more = max(paid.amount - _sum(found), Fraction(0))
        return [*found, Term(kind=TermKind.OVERPAID, amount=more)]
    rest = Fraction(plan.balance - plan.paid_ahead + met.principal, scale)
    if plan.is_whole(plan.at) and not last:
        return _no_more_than([paid], rest)
    if all(plan.is_whole(n) for n in range(plan.at + 1, taken(plan).last + 1)):
        return [Term(kind=TermKind.REST, amount=rest)]
    if paid.amount > _sum(found):
        found = [paid]
    return _no_more_than(found, rest)


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


def _equal_part(number: int, plan: Plan, row: PlanRow) -> list[Term]:
    terms, scale = plan.terms, plan.scale
    first_more = plan.first_more if plan.at == plan.first else 0
    found = [
        Term(
            kind=TermKind.EQUAL_PART,
            amount=Fraction(plan.part + first_more, scale),
            cell=Cell(subject=Subject.PAYMENT, number=number),
        ),
    ]
    if terms.method is Method.FLAT and terms.payment_unit > 1:
        exact = plan.part + first_more + row.interest
        moved = max(plan.round_payment(exact, 1), row.interest) - exact
        found.append(_rounding(Fraction(moved, scale), terms.payment_rounding or terms.rounding))
    return found


def _listed_principal(plan: Plan) -> list[Term]:
    place = plan.place(plan.at)
    stated = plan.terms.listed[place].parts.principal if place < len(plan.terms.listed) else 0
    owed = sum(row.parts.principal for row in plan.terms.listed[place:])
    if not owed:
        return [Term(kind=TermKind.NOT_YET, amount=Fraction(0))]
    if not plan.prorate_listed:
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
    if plan.at < plan.first or plan.at in plan.empty:
        return []
    found = [Term(kind=TermKind.BILL_FEE, amount=Fraction(terms.bill_fee))]
    if terms.bill_fee_rate:
        exact, share = terms.principal * Fraction(terms.bill_fee_rate), Fraction(terms.bill_fee_rate)
        rounded = round_ratio(exact.numerator, exact.denominator, terms.rounding)
        base = Fraction(terms.principal)
        found.append(Term(kind=TermKind.BILL_FEE_SHARE, amount=exact, base=base, share=share))
        found.append(_rounding(rounded - exact, terms.rounding))
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


def penalty_terms(seen: Seen) -> list[Term]:
    """Penalty interest stretch by stretch up to its cap, rounding, and the late fee; or that the grace has not
    passed."""
    bill, late = seen.bill, seen.bill.lateness
    stretches = [_penalty_term(stretch) for stretch in _joined(late.stretches)]
    if not late.passed:
        return [Term(kind=TermKind.IN_GRACE, amount=Fraction(0), since=bill.late_from)] if stretches else []
    most = capped(seen.books.terms, bill, late)
    terms = [*stretches, Term(kind=TermKind.PENALTY_CAP, amount=min(most - _sum(stretches), Fraction(0)))]
    exact = _sum(terms)
    rounded = round_ratio(exact.numerator, exact.denominator, Rounding.HALF_UP)
    terms += [_rounding(rounded - exact, Rounding.HALF_UP), Term(kind=TermKind.LATE_FEE, amount=Fraction(late.fee))]
    if _may_fall(seen, late):
        terms.append(Term(kind=TermKind.KEPT, amount=max(bill.penalty - _sum(terms), Fraction(0))))
    return terms


def _may_fall(seen: Seen, late: Lateness) -> bool:
    """Whether what is counted now may be less than the penalty once was, which stays: where its cap is a share of what
    the bill asks for, or all of it was counted on what is paid since."""
    return seen.books.terms.penalty.cap_share is not None or not late.stretches


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Two stretches that follow one another at the same rate on the same base are one."""
    found: list[Stretch] = []
    for stretch in stretches:
        if found and found[-1].until == stretch.since and found[-1][2:] == stretch[2:]:
            stretch = stretch._replace(since=found.pop().since)
        found.append(stretch)
    return found


def _penalty_term(stretch: Stretch) -> Term:
    """The days on which a penalty grows are those after the last day to pay."""
    days = (stretch.until - stretch.since).days
    return Term(
        kind=TermKind.PENALTY,
        amount=stretch.interest,
        since=stretch.since + timedelta(days=1),
        until=stretch.until + timedelta(days=1),
        days=days,
        base=Fraction(stretch.base),
        rate=stretch.rate,
        year_part=Fraction(days, stretch.year_days),
        year_days=stretch.year_days,
    )
