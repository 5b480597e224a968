"""The documents of a loan, as its page lists them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from ledger.models import Document, Fact, Loan, Repayment
from ledger.models.documents import DocumentKind
from ledger.models.facts import Kind
from ledger.selectors.facts import FactLine, Links, Paper

MOST_REPAYMENTS = 60  # offered to attach a receipt to, the latest


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One document; `paid_on` and `amount` are those of the repayment it is about."""

    id: int
    name: str
    kind: str
    type: str
    size: int
    is_shown: bool
    attached_at: datetime
    by: str
    paid_on: date | None
    amount: int | None


@dataclass(frozen=True, slots=True)
class DocumentsPage:
    """A loan's documents, the newest first, and how much room all of the household's take, in bytes."""

    lines: tuple[DocumentLine, ...]
    held: int


def documents_page(loan: Loan) -> DocumentsPage:
    """Two queries."""
    kept = Document.objects.kept()
    rows = kept.filter(loan=loan).select_related("attached_by", "fact").order_by("-attached_at", "-pk")
    held = kept.filter(household=loan.household_id).aggregate(held=Sum("size", default=0))["held"]
    return DocumentsPage(tuple(map(_line, rows)), held)


def _line(row: Document) -> DocumentLine:
    return DocumentLine(
        id=row.pk,
        name=row.name,
        kind=str(DocumentKind(row.kind).label),
        type=row.get_type_display(),
        size=row.size,
        is_shown=row.is_shown,
        attached_at=row.attached_at,
        by=str(row.attached_by or ""),
        paid_on=row.fact.effective_on if row.fact else None,
        amount=row.fact.amount if row.fact else None,
    )


def with_document_count(loans: QuerySet[Any]) -> QuerySet[Any]:
    """Adds `document_count` to each loan, in the same query."""
    counted = Document.objects.kept().filter(loan=OuterRef("pk")).order_by().values("loan").annotate(n=Count("pk"))
    count = Coalesce(Subquery(counted.values("n"), output_field=IntegerField()), 0)
    found: QuerySet[Any] = loans.annotate(document_count=count)
    return found


def repayments_to_choose(loan: Loan) -> QuerySet[Repayment]:
    """The loan's repayments that stand, the latest first: what a receipt may be about. One query to know them by."""
    links = Links(Fact.objects.filter(kind=Kind.REVERSAL, loan=loan))
    undone = [id for id in links.undone_by if id is not None and links.is_undone(id)]
    standing: QuerySet[Repayment] = Repayment.objects.filter(loan=loan).exclude(pk__in=undone)
    return standing.order_by("-effective_on", "-pk")


def with_papers(lines: Iterable[FactLine]) -> tuple[FactLine, ...]:
    """The same lines, repayments with the documents about them, the oldest first; one query where there are any."""
    lines = tuple(lines)
    wanted = [line.id for line in lines if line.kind == Kind.REPAYMENT]
    papers: defaultdict[int | None, tuple[Paper, ...]] = defaultdict(tuple)
    for row in Document.objects.kept().filter(fact__in=wanted).order_by("attached_at", "pk") if wanted else ():
        kind = DocumentKind(row.kind)
        papers[row.fact_id] += (Paper(row.pk, str(kind.label), kind is DocumentKind.RECEIPT, row.is_shown),)
    return tuple(replace(line, papers=papers[line.id]) if line.id in papers else line for line in lines)
