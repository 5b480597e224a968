"""Facts as lines of a history: what was recorded, by whom, what it met, and whether it still stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F

from ledger.loanmath.money import Parts
from ledger.loanmath.terms import LoanTerms
from ledger.models import Allocation, Fact
from ledger.models.facts import BY_THIRD_PARTY, FORGIVES, Kind
from ledger.selectors.presumed import said_why


@dataclass(frozen=True, slots=True)
class Met:
    """The part of a repayment that met one bill; `bill` is None for principal not yet due."""

    bill: int | None
    amount: int


@dataclass(frozen=True, slots=True)
class Paper:
    """A document about one repayment; `kind` in words, "Receipt" for one. `is_shown`: browsers show it in place."""

    id: int
    kind: str
    is_receipt: bool
    is_shown: bool


@dataclass(frozen=True, slots=True)
class FactLine:
    """One fact; amounts in minor units of `currency`. `by` is who recorded it, "" where nobody did by hand.

    `version` and `terms` are those that amended terms or an arrangement brought.
    `is_undone`: a reversal that stands undoes it. `may_undo`: nothing has undone it yet, so a reversal can.
    `needs_answer`: a presumed repayment that stands and that nobody has confirmed. `papers`: the documents about it.
    """

    id: int
    loan_id: int
    loan: str
    lender: str
    currency: str
    kind: str
    effective_on: date
    recorded_at: datetime
    by: str
    amount: int
    bill: int | None
    component: str
    apply_to: str
    source: str
    account: str
    annual_rate: Decimal | None
    effect: str
    moved_to: date | None
    count: int
    fraction: Decimal | None
    cap: int | None
    until: date | None
    version: int
    terms: LoanTerms | None
    figure: Parts
    note: str
    target: FactLine | None
    is_undone: bool
    may_undo: bool
    needs_answer: bool
    met: tuple[Met, ...] = ()
    papers: tuple[Paper, ...] = ()

    @property
    def lacks_receipt(self) -> bool:
        """A repayment that stands, and none of whose papers is its receipt."""
        return self.kind == Kind.REPAYMENT and not self.is_undone and not any(one.is_receipt for one in self.papers)

    @property
    def icon(self) -> str:
        """The name of the picture that stands for its kind."""
        return _ICONS.get(Kind(self.kind), "edit")

    @property
    def is_by_third_party(self) -> bool:
        return self.component == BY_THIRD_PARTY

    @property
    def forgives(self) -> bool:
        return self.effect == FORGIVES

    @property
    def why(self) -> str:
        """Why a debit failed after all, where that was chosen when it was undone."""
        return said_why(self.effect, "") if self.kind == Kind.REVERSAL else ""

    @property
    def is_redo(self) -> bool:
        """A reversal whose undoing brings something back, or whose recording did."""
        return self.target is not None and self.target.kind == Kind.REVERSAL


_ICONS = {
    Kind.REPAYMENT: "repay",
    Kind.REVERSAL: "undo",
    Kind.CONFIRMATION: "check-circle",
    Kind.WAIVER: "gift",
    Kind.COUPON: "gift",
    Kind.REFUND: "download",
    Kind.DRAWDOWN: "plus",
    Kind.DEFERRAL: "pause",
    Kind.PAUSE: "pause",
    Kind.DUE_DATE_MOVE: "calendar",
    Kind.EXTENSION: "calendar",
    Kind.TERMS: "document",
    Kind.ARRANGEMENT: "people",
    Kind.LENDER_FIGURE: "bank",
}

AT_HAND = (
    *("loan__lender", "recorded_by", "account", "terms_version"),
    *("target__loan__lender", "target__recorded_by", "target__terms_version"),
)


class Link(NamedTuple):
    """A reversal or a confirmation, as far as it says what it is about."""

    pk: int
    kind: Kind
    target_id: int | None


class Links:
    """Which fact undoes or confirms which, among all reversals and confirmations of some loans."""

    def __init__(self, rows: Iterable[Fact | Link]) -> None:
        links = [row for row in rows if row.target_id is not None]
        self.undone_by = {row.target_id: row.pk for row in links if row.kind == Kind.REVERSAL}
        self.confirmations: defaultdict[int | None, list[int]] = defaultdict(list)
        for row in links:
            if row.kind == Kind.CONFIRMATION:
                self.confirmations[row.target_id].append(row.pk)

    def is_undone(self, id: int) -> bool:
        """True where an odd number of reversals stand one on another above the fact."""
        undone = False
        while (id := self.undone_by.get(id, 0)) != 0:
            undone = not undone
        return undone

    def is_confirmed(self, id: int) -> bool:
        return any(not self.is_undone(confirmation) for confirmation in self.confirmations[id])


def fact_lines(rows: Sequence[Fact], links: Links) -> list[FactLine]:
    """The rows (with what `AT_HAND` names) as lines, in their order."""
    return [fact_line(row, links) for row in rows]


def fact_line(row: Fact, links: Links, with_target: bool = True) -> FactLine:
    undone = links.is_undone(row.pk)
    waits = row.kind == Kind.REPAYMENT and row.presumed and not undone and not links.is_confirmed(row.pk)
    target = row.target if with_target else None
    version = row.terms_version
    return FactLine(
        id=row.pk,
        loan_id=row.loan_id,
        loan=row.loan.name,
        lender=row.loan.lender.name,
        currency=row.loan.currency,
        kind=row.kind,
        effective_on=row.effective_on,
        recorded_at=row.recorded_at,
        by=str(row.recorded_by) if row.recorded_by else "",
        amount=row.amount or row.figure.total,
        bill=row.bill_number,
        component=row.component,
        apply_to=row.apply_to,
        source=row.source,
        account=str(row.account) if with_target and row.account else "",
        annual_rate=row.annual_rate,
        effect=row.effect,
        moved_to=row.moved_to,
        count=row.count or 0,
        fraction=row.fraction,
        cap=row.cap,
        until=row.until,
        version=version.number if version else 0,
        terms=version.value if version else None,
        figure=row.figure,
        note=row.note,
        target=fact_line(target, links, with_target=False) if target else None,
        is_undone=undone,
        may_undo=row.pk not in links.undone_by,
        needs_answer=waits,
    )


def with_met(lines: Iterable[FactLine]) -> tuple[FactLine, ...]:
    """The same lines with the bills each repayment or refund met, in one query."""
    lines = list(lines)
    met: defaultdict[int, list[Met]] = defaultdict(list)
    wanted = [line.id for line in lines if line.kind in (Kind.REPAYMENT, Kind.REFUND)]
    parts = F("principal") + F("interest") + F("fee") + F("penalty")
    rows = Allocation.objects.filter(repayment__in=wanted).order_by("bill__number", "pk") if wanted else None
    for repayment, bill, amount in rows.values_list("repayment_id", "bill__number", parts) if rows is not None else ():
        met[repayment].append(Met(bill, amount))
    return tuple(replace(line, met=tuple(met[line.id])) for line in lines)
