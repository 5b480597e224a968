"""Bills as rows of a page: what each asks for, where it stands, what paid it; filtered and paged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

from dateutil.relativedelta import relativedelta
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Concat

from ledger.loanmath.money import Parts
from ledger.loanmath.standing import Standing, standing
from ledger.models import Allocation, Bill, Fact, Household, Lender, Loan, MandateSource
from ledger.models.bills import PARTS
from ledger.models.facts import Kind
from ledger.querysets import BillQuerySet
from ledger.selectors.facts import Links
from ledger.selectors.paging import Cursor, page_of, read_cursor, read_id, rows_of_page
from ledger.selectors.prepared import Prepared

STATES = ("open", "overdue", "upcoming", "presumed", "paid", "all")
NEWEST_FIRST = ("presumed", "paid", "all")
STILL_OPEN = ("open", "overdue", "upcoming")
LONGEST_TEXT = 100


@dataclass(frozen=True, slots=True)
class BillRow:
    """One bill as lists show it; amounts in minor units of `currency`. `auto_repay` names the account of the
    loan's live mandate, "" where there is none."""

    id: int
    loan_id: int
    loan: str
    lender_id: int
    lender: str
    currency: str
    number: int
    due_on: date
    payable_on: date
    settled_on: date | None
    due: Parts
    paid: Parts
    waived: Parts
    presumed: int
    standing: Standing
    days_late: int
    auto_repay: str

    @property
    def open(self) -> Parts:
        return self.due - self.paid - self.waived

    @property
    def confirmed(self) -> int:
        """What was paid and needs no one's yes any more."""
        return self.paid.total - self.presumed

    @property
    def is_open(self) -> bool:
        return self.open.total > 0

    @property
    def is_late(self) -> bool:
        return self.days_late > 0


@dataclass(frozen=True, slots=True)
class PaidBy:
    """The part of one repayment (the fact `id`) that met a bill; `needs_answer`: presumed, nobody has
    answered yet, and no bill before it asks."""

    id: int
    paid_on: date
    amount: int
    presumed: bool
    source: str
    needs_answer: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a bill."""

    component: str
    due: int
    paid: int
    waived: int

    @property
    def open(self) -> int:
        return self.due - self.paid - self.waived


@dataclass(frozen=True, slots=True)
class OpenedBill:
    """A bill with what opens below its row."""

    row: BillRow
    paid_by: tuple[PaidBy, ...]

    @property
    def to_confirm(self) -> tuple[int, ...]:
        return tuple(paid.id for paid in self.paid_by if paid.needs_answer)

    @property
    def parts(self) -> tuple[Part, ...]:
        bill = self.row
        all_parts = (
            Part(name, getattr(bill.due, name), getattr(bill.paid, name), getattr(bill.waived, name)) for name in PARTS
        )
        return tuple(part for part in all_parts if part.due)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the filtered bills of one currency come to; presumed is never counted as paid."""

    currency: str
    open: int
    paid: int
    presumed: int


@dataclass(frozen=True, slots=True)
class BillFilter:
    """What the reader asked for in the URL; whatever is no such value is left out."""

    state: str = "open"
    lender: int | None = None
    month: date | None = None
    text: str = ""

    @property
    def month_value(self) -> str:
        return self.month.strftime("%Y-%m") if self.month else ""

    @property
    def is_narrow(self) -> bool:
        return self.lender is not None or self.month is not None or bool(self.text)

    @property
    def narrow_query(self) -> str:
        """The URL query of all but the state; "" where nothing is narrowed."""
        return self.query(state="") if self.is_narrow else ""

    def query(self, **changes: Any) -> str:
        """The URL query of this filter with `changes`, values at their default left out."""
        values = {
            "state": "" if self.state == "open" else self.state,
            "lender": self.lender or "",
            "month": self.month_value,
            "q": self.text,
        } | changes
        said = urlencode({name: value for name, value in values.items() if value})
        return f"?{said}" if said else "?"


@dataclass(frozen=True, slots=True)
class BillsPage:
    filter: BillFilter
    totals: tuple[Totals, ...]
    bills: tuple[OpenedBill, ...]
    lenders: tuple[tuple[int, str], ...]
    before_url: str
    after_url: str


def read_filter(params: Mapping[str, str]) -> BillFilter:
    state = params.get("state", "")
    return BillFilter(
        state=state if state in STATES else "open",
        lender=read_id(params.get("lender", "")),
        month=_month(params.get("month", "")),
        text=params.get("q", "").replace("\0", "").strip()[:LONGEST_TEXT],
    )


def _month(text: str) -> date | None:
    if len(text) != len("2026-03"):
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def with_auto_repay(bills: QuerySet[Bill]) -> QuerySet[Bill]:
    """Adds `auto_name` and `auto_last4`: the first account of the loan's mandate, None where there is none."""
    first = MandateSource.objects.filter(mandate=OuterRef("loan__mandate")).order_by("position")
    return bills.select_related("loan__lender").annotate(
        auto_name=Subquery(first.values("account__name")[:1]), auto_last4=Subquery(first.values("account__last4")[:1])
    )


def account_label(name: str | None, last4: str | None) -> str:
    """An account as its model writes it; "" for none."""
    if not name:
        return ""
    return f"{name} ••{last4}" if last4 else name


def bill_row(bill: Any, today: date) -> BillRow:
    """A bill (with its loan and lender at hand) as a row."""
    loan = bill.loan
    late = (today - bill.payable_on).days if bill.settled_on is None else 0
    return BillRow(
        id=bill.pk,
        loan_id=loan.pk,
        loan=loan.name,
        lender_id=loan.lender_id,
        lender=loan.lender.name,
        currency=loan.currency,
        number=bill.number,
        due_on=bill.due_on,
        payable_on=bill.payable_on,
        settled_on=bill.settled_on,
        due=bill.due,
        paid=bill.paid,
        waived=bill.waived,
        presumed=bill.presumed,
        standing=bill.standing(today),
        days_late=max(late, 0),
        auto_repay=account_label(getattr(bill, "auto_name", None), getattr(bill, "auto_last4", None)),
    )


_ROW = (
    *("pk", "number", "due_on", "payable_on", "settled_on", "deferred_from", "is_replaced", "presumed"),
    *(f"{part}_{side}" for side in ("due", "paid", "waived") for part in PARTS),
    *("loan_id", "loan__name", "loan__currency", "loan__grace_days", "loan__lender_id", "loan__lender__name"),
)


class _Figures(NamedTuple):
    """What the standing of a bill is read from."""

    due_on: date
    payable_on: date
    settled_on: date | None
    deferred_from: date | None
    is_replaced: bool
    presumed: int
    due: Parts
    paid: Parts
    waived: Parts


def bill_rows(bills: QuerySet[Bill], today: date) -> list[BillRow]:
    """Bills as rows, in one query and without making objects of the models."""
    return as_rows(row_values(bills), today)


def row_values(bills: QuerySet[Bill], *more: str, account: bool = True) -> QuerySet[Any]:
    """What `as_rows` reads, and some other columns; without the `account` that auto-repay takes a bill from, where that
    is not shown bill by bill."""
    first = MandateSource.objects.filter(mandate=OuterRef("loan__mandate")).order_by("position")
    named = first.values(said=Concat("account__name", Value(_BETWEEN), "account__last4"))
    return bills.values_list(*_ROW, Subquery(named[:1]) if account else Value(""), *more)


_BETWEEN = "\n"  # stands between an account's name and its last digits


def as_rows(found: Iterable[Sequence[Any]], today: date) -> list[BillRow]:
    """The bills read by `row_values`."""
    return [_row(values, today) for values in found]


def _row(values: Sequence[Any], today: date) -> BillRow:
    id, number, due_on, payable_on, settled_on, deferred_from, is_replaced, presumed = values[:8]
    due, paid, waived = Parts(*values[8:12]), Parts(*values[12:16]), Parts(*values[16:20])
    loan, loan_name, currency, grace_days, lender, lender_name, account = values[20:27]
    name, _, last4 = (account or "").partition(_BETWEEN)
    said = _Figures(due_on, payable_on, settled_on, deferred_from, is_replaced, presumed, due, paid, waived)
    late = (today - payable_on).days if settled_on is None else 0
    return BillRow(
        id=id,
        loan_id=loan,
        loan=loan_name,
        lender_id=lender,
        lender=lender_name,
        currency=currency,
        number=number,
        due_on=due_on,
        payable_on=payable_on,
        settled_on=settled_on,
        due=due,
        paid=paid,
        waived=waived,
        presumed=presumed,
        standing=standing(said, today, grace_days),
        days_late=max(late, 0),
        auto_repay=account_label(name, last4),
    )


def bills_page(household: Household, today: date, params: Mapping[str, str]) -> BillsPage:
    """The bills asked for in the URL: totals by currency, one page of rows, what opens below each."""
    asked = read_filter(params)
    cursor: Cursor | None = read_cursor(params, date)
    if asked.is_narrow or cursor is not None:
        rows = bill_rows(_rows(household.pk, today, asked, cursor), today)
    elif asked.state in DATED:
        rows = as_rows(_FIRST_PAGE[asked.state](household=household.pk, today=today), today)
    else:
        rows = as_rows(_FIRST_PAGE[asked.state](household=household.pk), today)
    found, before, after = page_of(rows, "payable_on", cursor)
    paid_by = repayments_of([row.id for row in found if row.paid.total])
    return BillsPage(
        filter=asked,
        totals=_totals(narrowed(household, asked)) if asked.month else _totals_of_loans(household, asked),
        bills=tuple(OpenedBill(row, paid_by[row.id]) for row in found),
        lenders=tuple((pk, name) for pk, name in _LENDERS(household=household.pk)),
        before_url=asked.query(before=before) if before else "",
        after_url=asked.query(after=after) if after else "",
    )


def _rows(household: int, today: date | None, asked: BillFilter, cursor: Cursor | None) -> QuerySet[Any]:
    """The bills of one page of what is asked for."""
    return rows_of_page(
        in_state(narrowed(household, asked), asked.state, today),
        "payable_on",
        cursor,
        newest_first=asked.state in NEWEST_FIRST,
        alike="settled_on" if asked.state in STILL_OPEN else "",
    )


def _first_page(state: str) -> Prepared:
    def bills(household: int, today: date | None = None) -> QuerySet[Any]:
        return row_values(_rows(household, today, BillFilter(state), None))

    return Prepared(bills, is_wide=True)


DATED = frozenset({"overdue", "upcoming"})  # the states that depend on the day
_FIRST_PAGE = {state: _first_page(state) for state in STATES}
_LENDERS = Prepared(
    lambda household: Lender.objects.filter(household=household).order_by("name").values_list("pk", "name")
)


def repayments_of(bills: Collection[int]) -> defaultdict[int, tuple[PaidBy, ...]]:
    """What paid each of these bills, oldest first, in one query; one more where any of it is presumed."""
    found: defaultdict[int, tuple[PaidBy, ...]] = defaultdict(tuple)
    if not bills:
        return found
    rows = list(
        Allocation.objects.filter(bill__in=bills)
        .order_by("repayment__effective_on", "repayment_id", "bill__number")
        .values_list("bill_id", "loan_id", *PARTS, *(f"repayment__{name}" for name in _OF_A_REPAYMENT))
    )
    links = _answers({loan for _, loan, *_, presumed, _source in rows if presumed})
    asked: set[int] = set()
    for bill, _, principal, interest, fee, penalty, fact, paid_on, presumed, source in rows:
        waits = presumed and fact not in asked and not links.is_confirmed(fact)
        asked.add(fact)
        found[bill] += (PaidBy(fact, paid_on, principal + interest + fee + penalty, presumed, source, waits),)
    return found


_OF_A_REPAYMENT = ("pk", "effective_on", "presumed", "source")


def _answers(loans: Collection[int]) -> Links:
    """What was said of the presumed repayments of these loans."""
    said = Fact.objects.filter(loan__in=loans, kind__in=[Kind.CONFIRMATION, Kind.REVERSAL]) if loans else []
    return Links(said)


def narrowed(household: Household | int, asked: BillFilter) -> BillQuerySet[Bill]:
    """The household's bills of the lender, the month and the text asked for, in any state."""
    bills: BillQuerySet[Bill] = Bill.objects.of_household(household).needed().filter(_of_loans(asked, "loan__"))
    if asked.month is not None:
        last = asked.month + relativedelta(day=31)
        bills = bills.filter(payable_on__range=(asked.month, last))
    return bills


def _of_loans(asked: BillFilter, loan: str = "") -> Q:
    """What is asked of the loans, seen from where `loan` leads to them."""
    wanted = Q() if asked.lender is None else Q(**{f"{loan}lender": asked.lender})
    if asked.text:
        places = ("name", "lender__name", "note")
        wanted &= Q(*(Q(**{f"{loan}{place}__icontains": asked.text}) for place in places), _connector=Q.OR)
    return wanted


def in_state(bills: BillQuerySet[Bill], state: str, today: Any) -> BillQuerySet[Bill]:
    """Those of `bills` that stand as `state` (of `STATES`) says."""
    if state == "overdue":
        return bills.overdue(today)
    if state == "upcoming":
        return bills.open().filter(payable_on__gte=today)
    if state == "presumed":
        return bills.filter(presumed__gt=0)
    if state == "paid":
        return bills.exclude(settled_on=None)
    return bills if state == "all" else bills.open()


def _totals_of_loans(household: Household, asked: BillFilter) -> tuple[Totals, ...]:
    """The same for all months, from what each loan's bills come to."""
    loans = Loan.objects.filter(_of_loans(asked), household=household).current()
    rows = (
        loans.order_by()
        .values_list("currency")
        .annotate(open=Sum("open_total"), paid=Sum("paid_total"), presumed=Sum("presumed_total"))
        .order_by("currency")
    )
    return tuple(Totals(currency, open_, paid - presumed, presumed) for currency, open_, paid, presumed in rows)


def sum_of(suffix: str) -> Sum:
    """The sum over bills of all components of a kind ("due", "paid", "waived")."""
    return Sum(whole_of(suffix), default=0)


def whole_of(suffix: str) -> Any:
    """All components of a kind of one bill."""
    return sum((F(f"{part}_{suffix}") for part in PARTS[1:]), F(f"{PARTS[0]}_{suffix}"))


def _totals(bills: QuerySet[Bill]) -> tuple[Totals, ...]:
    rows = (
        bills.order_by()
        .values("loan__currency")
        .annotate(
            sum_due=sum_of("due"), sum_paid=sum_of("paid"), sum_waived=sum_of("waived"), sum_presumed=Sum("presumed")
        )
        .order_by("loan__currency")
    )
    return tuple(
        Totals(
            currency=row["loan__currency"],
            open=row["sum_due"] - row["sum_paid"] - row["sum_waived"],
            paid=row["sum_paid"] - row["sum_presumed"],
            presumed=row["sum_presumed"],
        )
        for row in rows
    )
