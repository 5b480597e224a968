"""What a loan costs, as it went: what its bills ask for beyond principal, what was let go, and what came beside."""

from __future__ import annotations

from fractions import Fraction

from ledger.loanmath.cost import books_of, true_cost
from ledger.loanmath.explanation import Cell, Of, Part, Subject, Term, TermKind
from ledger.loanmath.money import Parts
from ledger.loanmath.projection import Projection

COSTS = (Part.INTEREST, Part.FEE, Part.PENALTY)


def cost_terms(projection: Projection) -> list[Term]:
    """The terms of `true_cost(...).real.total`, in minor units: money paid less money received over the whole life."""
    cost = true_cost(projection.terms, projection.facts, projection.as_of, books_of(projection))
    terms = [*_of_bills(projection, Of.DUE), *_of_bills(projection, Of.WAIVED), *_beside(projection)]
    terms.append(Term(kind=TermKind.UPFRONT_FEE, amount=Fraction(cost.terms.upfront_fee)))
    financed = Fraction(cost.terms.opening - cost.terms.principal)
    terms.append(Term(kind=TermKind.FINANCED, amount=financed))
    rest = cost.real.total - sum((term.amount for term in terms), Fraction(0))
    terms.append(Term(kind=TermKind.CAPITALIZED, amount=rest))  # repaid as principal though never lent
    return terms


def _of_bills(projection: Projection, of: Of) -> list[Term]:
    """What all bills ask for of each part, or what was let go of it, principal let go included."""
    total = sum((bill.waived if of is Of.WAIVED else bill.due for bill in projection.bills), Parts())
    parts = (*COSTS, Part.PRINCIPAL) if of is Of.WAIVED else COSTS
    kind, sign = (TermKind.LET_GO, -1) if of is Of.WAIVED else (TermKind.PART, 1)
    return [
        Term(
            kind=kind,
            amount=Fraction(sign * getattr(total, part)),
            part=part,
            cell=Cell(subject=Subject.ALL, part=part, of=of),
        )
        for part in parts
    ]


def _beside(projection: Projection) -> list[Term]:
    """Interest, fees and penalty paid with an early repayment, in no bill."""
    return [
        Term(
            kind=TermKind.PREPAID,
            amount=Fraction(met.parts.total - met.parts.principal),
            facts=(met.repayment,),
            cell=Cell(subject=Subject.REPAYMENT, number=met.repayment),
        )
        for met in projection.allocations
        if met.bill is None
    ]
