"""What happened, newest first: facts, and debits that did not go through, on one line of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from ledger.models import AutoRepayAttempt, Fact, Household, Loan, Paperwork
from ledger.models.autorepay import Outcome, Reason
from ledger.models.facts import Kind
from ledger.models.paperwork import Item
from ledger.selectors.documents import with_papers
from ledger.selectors.facts import AT_HAND, FactLine, Links, fact_lines, with_met
from ledger.selectors.paging import PAGE_SIZE, Cursor, beyond, key_of, read_cursor, read_id

OPENED = "opened"
ATTEMPT = "attempt"
PAPERWORK = "paperwork"
APART = (OPENED, ATTEMPT, PAPERWORK)  # no facts
KINDS = (*(kind.value for kind in Kind), *APART)


@dataclass(frozen=True, slots=True)
class OpenedLine:
    """A loan was written down."""

    loan_id: int
    loan: str
    lender: str
    by: str


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """A debit that took nothing, or less than it asked for; what was debited is a repayment besides."""

    loan_id: int
    loan: str
    lender: str
    currency: str
    bill: int
    debit_on: date
    outcome: str
    requested: int
    debited: int
    missing: int
    reason: str
    account: str


@dataclass(frozen=True, slots=True)
class PaperworkLine:
    """A document came or went (`document` is its name), or an item of the settlement checklist was marked (`item`
    in words); `deed` is one of `models.paperwork.Deed`."""

    loan_id: int
    loan: str
    lender: str
    by: str
    deed: str
    item: str
    document: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line: exactly one of `fact`, `opened`, `attempt` and `paperwork` is there."""

    at: datetime
    rank: int
    id: int
    fact: FactLine | None = None
    opened: OpenedLine | None = None
    attempt: AttemptLine | None = None
    paperwork: PaperworkLine | None = None


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """What the reader asked for in the URL; whatever is no such value is left out."""

    loan: int | None = None
    kind: str = ""

    @property
    def is_narrow(self) -> bool:
        return self.loan is not None or bool(self.kind)

    def query(self, **changes: str) -> str:
        values = {"loan": str(self.loan or ""), "kind": self.kind} | changes
        return "?" + urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class ActivityPage:
    filter: ActivityFilter
    events: tuple[Event, ...]
    loans: tuple[tuple[int, str], ...]
    older_url: str
    is_first: bool


def read_activity_filter(params: Mapping[str, str]) -> ActivityFilter:
    kind = params.get("kind", "")
    return ActivityFilter(
        loan=read_id(params.get("loan", "")),
        kind=kind if kind in KINDS else "",
    )


def activity_page(household: Household, params: Mapping[str, str]) -> ActivityPage:
    """One page of what happened; its cursor is the moment and id of the last line shown."""
    asked = read_activity_filter(params)
    cursor = read_cursor(params, datetime)
    events = _merged(household, asked, cursor)
    more = len(events) > PAGE_SIZE
    shown = events[:PAGE_SIZE]
    after = key_of(shown[-1].at, shown[-1].id * RANKS + shown[-1].rank) if more else ""
    loans = Loan.objects.filter(household=household).order_by("name", "pk").values_list("pk", "name")
    return ActivityPage(
        filter=asked,
        events=tuple(_with_more(shown)),
        loans=tuple(loans),
        older_url=asked.query(after=after) if after else "",
        is_first=cursor is None,
    )


RANKS = 4  # a cursor's id is id * RANKS + rank, so that lines of one moment are told apart
FACT, LOAN, TRY, PAPERS = range(RANKS)


def _merged(household: Household, asked: ActivityFilter, cursor: Cursor | None) -> list[Event]:
    """The newest of each source, merged: enough for one page and one line more."""
    events: list[Event] = []
    if asked.kind not in APART:
        events += _facts(household, asked, cursor)
    if asked.kind in ("", OPENED):
        events += _opened(household, asked, cursor)
    if asked.kind in ("", ATTEMPT):
        events += _attempts(household, asked, cursor)
    if asked.kind in ("", PAPERWORK):
        events += _paperwork(household, asked, cursor)
    events.sort(key=lambda event: (event.at, event.id * RANKS + event.rank), reverse=True)
    return events[: PAGE_SIZE + 1]


def _older(rows: QuerySet[Any], field: str, rank: int, cursor: Cursor | None) -> QuerySet[Any]:
    """The newest rows of one source that come after the cursor, in the order of the merged line."""
    if cursor is not None:
        last_id = (cursor.id - rank + RANKS - 1) // RANKS  # the smallest id that is not after the cursor
        rows = rows.filter(beyond(field, cursor.moment, last_id, upward=False))
    return rows.order_by(f"-{field}", "-id")[: PAGE_SIZE + 1]


def _facts(household: Household, asked: ActivityFilter, cursor: Cursor | None) -> list[Event]:
    rows = Fact.objects.filter(household=household).select_related(*AT_HAND)
    if asked.loan is not None:
        rows = rows.filter(loan=asked.loan)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    found = list(_older(rows, "recorded_at", FACT, cursor))
    loans = {row.loan_id for row in found}
    links = Links(Fact.objects.filter(loan__in=loans, kind__in=(Kind.REVERSAL, Kind.CONFIRMATION)))
    return [Event(line.recorded_at, FACT, line.id, fact=line) for line in fact_lines(found, links)]


def _opened(household: Household, asked: ActivityFilter, cursor: Cursor | None) -> list[Event]:
    rows = Loan.objects.filter(household=household).select_related("lender", "opened_by")
    if asked.loan is not None:
        rows = rows.filter(pk=asked.loan)
    return [
        Event(
            loan.opened_at,
            LOAN,
            loan.pk,
            opened=OpenedLine(loan.pk, loan.name, loan.lender.name, str(loan.opened_by or "")),
        )
        for loan in _older(rows, "opened_at", LOAN, cursor)
    ]


def _attempts(household: Household, asked: ActivityFilter, cursor: Cursor | None) -> list[Event]:
    fell_short = Q(missing__gt=0) | Q(reason=Reason.CARD_LIMIT)
    told = Q(outcome__in=(Outcome.FAILED, Outcome.SKIPPED)) | Q(fell_short, outcome=Outcome.PARTIAL)
    rows = AutoRepayAttempt.objects.filter(told, household=household).select_related("bill__loan__lender", "account")
    if asked.loan is not None:
        rows = rows.filter(bill__loan=asked.loan)
    return [
        Event(row.recorded_at, TRY, row.pk, attempt=_attempt(row)) for row in _older(rows, "recorded_at", TRY, cursor)
    ]


def _paperwork(household: Household, asked: ActivityFilter, cursor: Cursor | None) -> list[Event]:
    rows = Paperwork.objects.filter(household=household).select_related("loan__lender", "recorded_by", "document")
    if asked.loan is not None:
        rows = rows.filter(loan=asked.loan)
    return [
        Event(row.recorded_at, PAPERS, row.pk, paperwork=_paper(row))
        for row in _older(rows, "recorded_at", PAPERS, cursor)
    ]


def _paper(row: Paperwork) -> PaperworkLine:
    return PaperworkLine(
        loan_id=row.loan_id,
        loan=row.loan.name,
        lender=row.loan.lender.name,
        by=str(row.recorded_by or ""),
        deed=row.deed,
        item=str(Item(row.item).label) if row.item else "",
        document=row.document.name if row.document else "",
    )


def _attempt(row: AutoRepayAttempt) -> AttemptLine:
    loan = row.bill.loan
    return AttemptLine(
        loan_id=loan.pk,
        loan=loan.name,
        lender=loan.lender.name,
        currency=loan.currency,
        bill=row.bill.number,
        debit_on=row.debit_on,
        outcome=row.outcome,
        requested=row.requested,
        debited=row.debited,
        missing=row.missing,
        reason=row.reason,
        account=str(row.account),
    )


def _with_more(events: Sequence[Event]) -> Iterator[Event]:
    """The same events, repayments with the bills they met and their documents."""
    lines = {line.id: line for line in with_papers(with_met(event.fact for event in events if event.fact))}
    for event in events:
        yield replace(event, fact=lines[event.fact.id]) if event.fact else event
