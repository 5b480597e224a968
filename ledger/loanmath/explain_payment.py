"""How a level payment, or an equal part of principal, came about."""

from __future__ import annotations

from fractions import Fraction

from ledger.loanmath.explain_bill import Seen
from ledger.loanmath.explanation import Term, TermKind
from ledger.loanmath.money import Rounding
from ledger.loanmath.payment import amortizes_from, exact_level_ratio
from ledger.loanmath.plan import Plan, new_plan
from ledger.loanmath.terms import Method, PaymentFit


def payment_terms(seen: Seen) -> tuple[int, list[Term]]:
    """The level payment (or the equal part) that a bill was planned with, in minor units, and its terms: stated, or
    worked out for the balance and the bills left, then rounded. Nothing for a bill without either."""
    plan = seen.record.made
    if seen.bill.row is None or plan is None or plan.terms.method in (Method.INTEREST_ONLY, Method.LISTED):
        return 0, []
    level = plan.terms.method is Method.LEVEL
    first_more = plan.first_more if plan.at == plan.first else 0
    asked = plan.level_payment(plan.at) if level else plan.part + first_more
    base = plan.payment if level else plan.part
    terms = _base_terms(plan, seen.record.solved, base)
    terms.append(Term(kind=TermKind.WEIGHT, amount=_units(plan, asked - first_more - base), share=plan.weight(plan.at)))
    terms.append(Term(kind=TermKind.FIRST_TAKES, amount=_units(plan, first_more)))
    shown = plan.shown(asked)
    terms.append(_rounding(shown - _units(plan, asked), Rounding.HALF_UP))
    return shown, terms


def _base_terms(plan: Plan, solved: Plan | None, base: int) -> list[Term]:
    terms = plan.terms
    stated = terms.payment if terms.method is Method.LEVEL else terms.principal_part
    if terms.method is Method.FLAT:
        stated = None
    if solved is None or solved.terms is not terms:
        if stated is not None:
            return [Term(kind=TermKind.STATED, amount=Fraction(stated))]
        solved = new_plan(terms)
    exact = _exact(solved)
    bills = solved.last - amortizes_from(solved) + 1
    found = Term(
        kind=TermKind.EQUAL_SHARE if exact is None else TermKind.ANNUITY,
        amount=Fraction(max(solved.balance - terms.balloon * solved.scale, 0), bills * solved.scale)
        if exact is None
        else exact / solved.scale,
        base=_units(solved, solved.balance),
        rate=solved.rates.segments[-1][1],
        number=bills,
        until=solved.due_on(amortizes_from(solved)),
        share=Fraction(terms.balloon),
    )
    return [found, *_rounded(solved, found, base)]


def _exact(solved: Plan) -> Fraction | None:
    """The payment before rounding, in units of the plan; None where shares are equal."""
    ratio = exact_level_ratio(solved) if solved.terms.method is Method.LEVEL else None
    return None if ratio is None else Fraction(*ratio)


def _rounded(solved: Plan, found: Term, base: int) -> list[Term]:
    """Rounding, and what fitting to the last bill moved. What is more than rounding is left unexplained."""
    moved = _units(solved, base) - found.amount
    rounding = solved.terms.payment_rounding or solved.terms.rounding
    exact = found.amount * solved.scale
    rounded = _units(solved, solved.round_payment(exact.numerator, exact.denominator)) - found.amount
    if found.kind is TermKind.ANNUITY and solved.terms.payment_fit is not PaymentFit.NONE:
        return [
            _rounding(rounded, rounding),
            Term(kind=TermKind.FITTED, amount=moved - rounded),
        ]
    if abs(moved) >= solved.terms.payment_unit:
        return []
    whole = found.amount.numerator // found.amount.denominator - found.amount
    return [_rounding(moved, Rounding.DOWN if moved == whole != rounded else rounding)]


def _rounding(amount: Fraction, rounding: Rounding) -> Term:
    return Term(kind=TermKind.ROUNDING, amount=amount, rounding=rounding)


def _units(plan: Plan, amount: int) -> Fraction:
    return Fraction(amount, plan.scale)
