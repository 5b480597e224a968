"""Why an amount is what it is, with the facts it rests on as they stand in the history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ledger.loanmath.explain import explain
from ledger.loanmath.explanation import Cell, Explanation, NoSuchCell, Subject, cell_named
from ledger.models import Fact, Loan
from ledger.selectors.facts import FactLine, Links, fact_lines
from ledger.selectors.history import history


@dataclass(frozen=True, slots=True)
class ExplanationPage:
    """An explanation, the facts it rests on, and the amount one came from, if any."""

    loan_id: int
    loan: str
    explanation: Explanation
    facts: tuple[FactLine, ...]
    came_from: Cell | None


def explanation_page(loan: Loan, name: str, today: date, came_from: str = "") -> ExplanationPage:
    """The amount of `loan` called `name` as of today, explained, in a fixed number of queries. Raises NoSuchCell where
    the loan has no such amount (a payoff quote reaches as far ahead as any day), Unexplained where its terms do not add
    up."""
    cell = cell_named(name)
    explanation = explain(history(loan).project(today), cell)
    return ExplanationPage(
        loan_id=loan.pk,
        loan=loan.name,
        explanation=explanation,
        facts=_used(loan, explanation.facts),
        came_from=_cell_or_none(came_from),
    )


def _used(loan: Loan, ids: tuple[int, ...]) -> tuple[FactLine, ...]:
    rows = list(
        Fact.objects.filter(loan=loan, pk__in=ids)
        .select_related("loan__lender", "recorded_by", "account", "target__loan__lender", "target__recorded_by")
        .order_by("effective_on", "pk")
    )
    return tuple(fact_lines(rows, Links([])))


def _cell_or_none(name: str) -> Cell | None:
    try:
        cell = cell_named(name)
    except NoSuchCell:
        return None
    return None if cell.subject is Subject.PAYOFF else cell
