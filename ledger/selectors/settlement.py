"""The settlement checklist of a paid-off loan: which items fit it, and where each stands. Its page, the overview and
the letter about a paid-off loan all read it here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from ledger.models import AutoRepayMandate, Bill, Document, Household, Loan, Paperwork
from ledger.models.documents import DocumentKind
from ledger.models.paperwork import Deed, Item

MOST_SHOWN = 3
REPORTED_WITHIN = timedelta(days=30)  # until a credit report shows that a loan is paid off
OF_USE = timedelta(days=180)  # an insurance paid in advance, a mistake in a credit report: later nobody asks again
FOR_A_WHILE = (Item.INSURANCE, Item.CREDIT_REPORT)


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item; `deed` is where it stands: "open", "done" or "waived", the latter two with who said so and when."""

    item: Item
    deed: Deed = Deed.OPEN
    at: datetime | None = None
    by: str = ""

    @property
    def is_open(self) -> bool:
        return self.deed is Deed.OPEN


@dataclass(frozen=True, slots=True)
class Checklist:
    """What is to be seen to for one paid-off loan. `may_add` are the items that do not fit it by what is known of it;
    `has_proof` says that a proof of settlement is among its documents."""

    loan_id: int
    loan: str
    lender: str
    settled_on: date
    items: tuple[ItemLine, ...]
    may_add: tuple[Item, ...]
    is_presumed: bool
    has_proof: bool

    @property
    def open(self) -> tuple[ItemLine, ...]:
        return tuple(line for line in self.items if line.is_open)

    @property
    def is_done(self) -> bool:
        return not self.open

    def asked(self, today: date) -> tuple[ItemLine, ...]:
        """What is open and can be seen to by now. What is of use for a while only is asked no longer than that, unless
        somebody put it on the list."""
        is_early, is_past = today < self.settled_on + REPORTED_WITHIN, today > self.settled_on + OF_USE
        return tuple(
            line
            for line in self.open
            if not (is_early and line.item is Item.CREDIT_REPORT)
            and not (is_past and line.item in FOR_A_WHILE and line.at is None)
        )


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Paid-off loans with something left to see to, the latest first: as many as are shown, and how many more."""

    shown: tuple[Checklist, ...] = ()
    more: int = 0

    def __bool__(self) -> bool:
        return bool(self.shown)


def checklist(loan: Loan) -> Checklist | None:
    """The checklist of one loan, None while there is something left to pay; two queries."""
    return next(iter(_checklists(Loan.objects.filter(pk=loan.pk))), None)


def unfinished_settlements(household: Household, today: date) -> Unfinished:
    """For the overview, where any loan is paid off; two queries. A loan whose last debit is only presumed is not asked
    about yet."""
    mine = Loan.objects.filter(household=household).current()
    left = [one for one in _checklists(mine) if one.asked(today) and not one.is_presumed]
    return Unfinished(tuple(left[:MOST_SHOWN]), max(len(left) - MOST_SHOWN, 0))


def _checklists(loans: QuerySet[Any]) -> list[Checklist]:
    settled = loans.filter(settled_on__isnull=False)
    said: defaultdict[int, dict[str, Paperwork]] = defaultdict(dict)
    marks = Paperwork.objects.filter(loan__in=settled.order_by().values("pk")).exclude(item="")
    for row in marks.select_related("recorded_by").order_by("pk"):
        said[row.loan_id][row.item] = row  # the latest stands
    rows = _with_what_fits(settled).select_related("lender").order_by("-settled_on", "-pk")
    return [_checklist(row, said[row.pk]) for row in rows]


def _with_what_fits(loans: QuerySet[Any]) -> QuerySet[Any]:
    """Adds what decides which items fit. A line, or an auto-repay of several loans, is not to be ended while another
    loan needs it."""
    mandates = AutoRepayMandate.objects.all()
    owing = Loan.objects.current().filter(settled_on=None, household=OuterRef("household"))
    lender = {"lender": OuterRef("lender"), "currency": OuterRef("currency")}
    found: QuerySet[Any] = loans.annotate(
        own_mandate=Exists(mandates.filter(loan=OuterRef("pk"))),
        line_mandate=Exists(mandates.filter(credit_line=OuterRef("credit_line"))),
        lender_mandate=Exists(mandates.filter(**lender)),
        line_owes=Exists(owing.filter(credit_line=OuterRef("credit_line"))),
        lender_owes=Exists(owing.filter(**lender)),
        was_late=Exists(Bill.objects.filter(loan=OuterRef("pk"), is_needed=True, settled_on__gt=F("payable_on"))),
        is_presumed=Exists(Bill.objects.filter(loan=OuterRef("pk"), presumed__gt=0)),
        has_proof=Exists(Document.objects.kept().filter(loan=OuterRef("pk"), kind=DocumentKind.PROOF)),
    )
    return found


def _fitting(row: Any) -> Iterable[Item]:
    """The items that fit by what is known: insurance is sold with a secured loan as a rule, and a credit report is
    worth a look where the loan was late, or where something is to be closed or given back."""
    yield Item.PROOF
    wide = (row.line_mandate and not row.line_owes) or (row.lender_mandate and not row.lender_owes)
    if row.own_mandate or wide:
        yield Item.AUTO_DEBIT
    closes = row.credit_line_id is not None and not row.line_owes
    if closes:
        yield Item.CREDIT_LINE
    if row.is_secured:
        yield Item.INSURANCE
        yield Item.COLLATERAL
    if row.was_late or closes or row.is_secured:
        yield Item.CREDIT_REPORT


def _checklist(row: Any, said: dict[str, Paperwork]) -> Checklist:
    fitting = {*_fitting(row), *map(Item, said)}
    return Checklist(
        loan_id=row.pk,
        loan=row.name,
        lender=row.lender.name,
        settled_on=row.settled_on,
        items=tuple(_line(item, said.get(item)) for item in Item if item in fitting),
        may_add=tuple(item for item in Item if item not in fitting),
        is_presumed=row.is_presumed,
        has_proof=row.has_proof,
    )


def _line(item: Item, mark: Paperwork | None) -> ItemLine:
    if mark is None:
        return ItemLine(item)
    return ItemLine(item, Deed(mark.deed), mark.recorded_at, str(mark.recorded_by or ""))
