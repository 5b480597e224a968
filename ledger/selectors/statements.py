"""Statements: all bills of one lender payable on one day, in one currency, as one sum; derived, never stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Sum

from ledger.loanmath.money import Parts
from ledger.loanmath.standing import Standing, standing
from ledger.models import Bill, Household, Lender, Loan
from ledger.models.bills import PARTS
from ledger.querysets import BillQuerySet
from ledger.selectors.bills import NEWEST_FIRST, BillFilter, in_state, narrowed, read_filter
from ledger.selectors.paging import PAGE_SIZE, Cursor, key_of, read_cursor

_KEY = ("payable_on", "loan__lender")


@dataclass(frozen=True, slots=True)
class Statement:
    """One lender's one sum for one day, in minor units of `currency`. `payable_on` is its day: where the lender's
    weekend rule moves two due dates to one day they are asked for together. `is_only` is False where the lender asks
    for other currencies on the same day."""

    lender_id: int
    lender: str
    currency: str
    payable_on: date
    count: int
    due: Parts
    paid: Parts
    waived: Parts
    presumed: int
    settled_on: date | None
    is_replaced: bool
    grace_days: int
    auto_repaid: int
    is_only: bool = True

    @property
    def due_on(self) -> date:
        return self.payable_on

    @property
    def deferred_from(self) -> date | None:
        return None

    @property
    def open(self) -> Parts:
        return self.due - self.paid - self.waived

    @property
    def is_open(self) -> bool:
        return self.open.total > 0

    @property
    def query(self) -> str:
        """What its address needs besides lender and day."""
        return "" if self.is_only else f"?currency={self.currency}"

    def standing(self, as_of: date) -> Standing:
        """As that of one bill; in grace until the first of its open bills is out of it."""
        return standing(self, as_of, self.grace_days)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A statement as lists show it on a day."""

    statement: Statement
    standing: Standing


@dataclass(frozen=True, slots=True)
class StatementsPage:
    filter: BillFilter
    lines: tuple[StatementLine, ...]
    lenders: tuple[tuple[int, str], ...]
    before_url: str
    after_url: str


def statements_page(household: Household, today: date, params: Mapping[str, str]) -> StatementsPage:
    """The statements with a bill as asked for in the URL, in three queries; each with its whole sum, also where only
    some of its bills fit."""
    asked = read_filter(params)
    keys, before, after = _keys_page(
        _in_state(narrowed(household, asked), asked.state, today),
        read_cursor(params, date),
        newest_first=asked.state in NEWEST_FIRST,
    )
    found = _by_key(keys, of_household(household)) if keys else {}
    return StatementsPage(
        filter=asked,
        lines=tuple(StatementLine(one, one.standing(today)) for key in keys for one in found.get(key, ())),
        lenders=tuple(Lender.objects.filter(household=household).order_by("name").values_list("pk", "name")),
        before_url=asked.query(before=before) if before else "",
        after_url=asked.query(after=after) if after else "",
    )


def of_household(household: Household) -> BillQuerySet[Bill]:
    """The bills that statements are made of: those that ask for something, or did."""
    bills: BillQuerySet[Bill] = Bill.objects.of_household(household).needed()
    return bills


def statements_between(household: Household, first: date, last: date) -> tuple[Statement, ...]:
    """The statements payable from `first` to `last`, both included, by day and lender; one query."""
    return _statements(of_household(household).filter(payable_on__range=(first, last)))


def statement_bills(household: Household, lender: Lender, payable_on: date) -> BillQuerySet[Bill]:
    """The bills of one lender payable on a day, in all currencies."""
    return of_household(household).filter(loan__lender=lender, payable_on=payable_on)


def statement_loans(lender: Lender, payable_on: date, currency: str) -> QuerySet[Loan]:
    """The loans whose bills one statement is made of."""
    bills = statement_bills(lender.household, lender, payable_on).filter(loan__currency=currency)
    return Loan.objects.filter(pk__in=bills.order_by().values("loan"))


class Versioned(Protocol):
    """What a form's token of figures is made from."""

    @property
    def version(self) -> int: ...


def figures_seen(loans: Collection[Versioned]) -> int:
    """The token of a statement's figures: it is another one as soon as any of its loans has changed, since the version
    of a loan only grows."""
    return sum(loan.version for loan in loans)


def _in_state(bills: BillQuerySet[Bill], state: str, today: date) -> QuerySet[Bill]:
    """The bills whose statements are asked for: those with an open, a late, a presumed bill; paid: with no open one."""
    found = in_state(bills, state, today)
    if state != "paid":
        return found
    still_open = Bill.objects.open().filter(
        payable_on=OuterRef("payable_on"), loan__lender=OuterRef("loan__lender"), loan__archived_at=None
    )
    return found.filter(~Exists(still_open))


def _keys_page(
    bills: QuerySet[Bill], cursor: Cursor | None, *, newest_first: bool
) -> tuple[list[tuple[date, int]], str, str]:
    """One page of (day, lender), and the cursors (or "") for the pages before and after it."""
    back = cursor is not None and cursor.back
    upward = newest_first is back
    if cursor is not None:
        side = "gt" if upward else "lt"
        day, lender = cursor.day, cursor.id
        bills = bills.filter(Q(**{f"payable_on__{side}": day}) | Q(payable_on=day, **{f"loan__lender__{side}": lender}))
    sign = "" if upward else "-"
    order = [f"{sign}{name}" for name in _KEY]
    keys = [(day, lender) for day, lender in bills.order_by(*order).values_list(*_KEY).distinct()[: PAGE_SIZE + 1]]
    more = len(keys) > PAGE_SIZE
    keys = keys[:PAGE_SIZE]
    if back:
        keys.reverse()
    if not keys:
        return [], "", ""
    has_before = more if back else cursor is not None
    has_after = True if back else more
    return keys, key_of(*keys[0]) if has_before else "", key_of(*keys[-1]) if has_after else ""


def _by_key(keys: Collection[tuple[date, int]], bills: QuerySet[Bill]) -> dict[tuple[date, int], list[Statement]]:
    days, lenders = {day for day, _ in keys}, {lender for _, lender in keys}
    found: dict[tuple[date, int], list[Statement]] = {}
    for one in _statements(bills.filter(payable_on__in=days, loan__lender__in=lenders)):
        found.setdefault((one.payable_on, one.lender_id), []).append(one)
    return found


def _statements(bills: QuerySet[Bill]) -> tuple[Statement, ...]:
    """The statements that bills make, by day, lender and currency; one query."""
    columns = [f"{part}_{suffix}" for suffix in ("due", "paid", "waived") for part in PARTS]
    is_open = Q(settled_on=None)
    rows: list[Any] = list(
        bills.order_by()
        .values("payable_on", "loan__currency", lender=F("loan__lender"), lender_name=F("loan__lender__name"))
        .annotate(
            **{f"sum_{column}": Sum(column) for column in columns},
            sum_presumed=Sum("presumed"),
            bills=Count("pk"),
            open_bills=Count("pk", filter=is_open),
            replaced=Count("pk", filter=Q(is_replaced=True)),
            auto_repaid=Count("pk", filter=Q(loan__mandate__isnull=False)),
            grace=Min("loan__grace_days", filter=is_open),
            settled=Max("settled_on"),
        )
        .order_by("payable_on", "loan__lender__name", "loan__lender", "loan__currency")
    )
    asked: dict[tuple[date, int], int] = {}
    for row in rows:
        key = (row["payable_on"], row["lender"])
        asked[key] = asked.get(key, 0) + 1
    return tuple(_statement(row, asked[row["payable_on"], row["lender"]] == 1) for row in rows)


def _statement(row: dict[str, Any], is_only: bool) -> Statement:
    def parts(suffix: str) -> Parts:
        return Parts(*(row[f"sum_{part}_{suffix}"] for part in PARTS))

    return Statement(
        lender_id=row["lender"],
        lender=row["lender_name"],
        currency=row["loan__currency"],
        payable_on=row["payable_on"],
        count=row["bills"],
        due=parts("due"),
        paid=parts("paid"),
        waived=parts("waived"),
        presumed=row["sum_presumed"],
        settled_on=row["settled"] if not row["open_bills"] else None,
        is_replaced=row["replaced"] == row["bills"],
        grace_days=row["grace"] or 0,
        auto_repaid=row["auto_repaid"],
        is_only=is_only,
    )
