"""Sums over several loans, as the overview and the bills page show them, and the amounts they add up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db.models import F, Sum, Value

from ledger.loanmath.explanation import Cell, Of, Part, Subject
from ledger.models import Bill, Household, Loan
from ledger.models.bills import PARTS
from ledger.querysets import BillQuerySet
from ledger.selectors.bills import BillFilter, narrowed, read_filter
from ledger.selectors.overview import DAYS_AHEAD


@dataclass(frozen=True, slots=True)
class Addend:
    """One amount of one loan, in minor units: `cell` explains it. Without a `payable_on`, it is of the whole loan."""

    loan_id: int
    loan: str
    lender: str
    cell: Cell
    amount: int
    payable_on: date | None = None


@dataclass(frozen=True, slots=True)
class SumPage:
    """A sum in one currency and what it adds up, zeros left out. `query` is what the bills page was narrowed to."""

    kind: str
    currency: str
    query: str
    addends: tuple[Addend, ...]

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.currency}"

    @property
    def amount(self) -> int:
        return sum(addend.amount for addend in self.addends)


@dataclass(frozen=True, slots=True)
class _Asked:
    household: Household
    today: date
    currency: str
    filter: BillFilter

    def bills(self) -> BillQuerySet[Bill]:
        found: BillQuerySet[Bill] = Bill.objects.of_household(self.household)
        return found.filter(loan__currency=self.currency)

    def narrowed(self) -> BillQuerySet[Bill]:
        return narrowed(self.household, self.filter).filter(loan__currency=self.currency)


def household_sum(household: Household, today: date, name: str, params: Mapping[str, str]) -> SumPage | None:
    """The sum called `name` ("late-CNY"), with its addends in one query; None where there is no such sum. `params` are
    those of the bills page; only its own sums heed them."""
    found = _NAME.fullmatch(name)
    if found is None or found["kind"] not in SUMS:
        return None
    asked = _Asked(household, today, found["currency"], read_filter(params))
    addends = SUMS[found["kind"]](asked)
    return SumPage(
        kind=found["kind"],
        currency=asked.currency,
        query=asked.filter.narrow_query,
        addends=tuple(addend for addend in addends if addend.amount),
    )


def is_sum(name: str) -> bool:
    """Whether a sum is called so."""
    found = _NAME.fullmatch(name)
    return found is not None and found["kind"] in SUMS


def _late(asked: _Asked) -> Iterable[Addend]:
    return _each(asked.bills().overdue(asked.today), Of.OPEN)


def _next(asked: _Asked) -> Iterable[Addend]:
    """The next bills of one lender on one day."""
    horizon = asked.today + timedelta(days=DAYS_AHEAD)
    coming = list(_in_order(asked.bills().open().filter(payable_on__range=(asked.today, horizon))))
    same_day = list(takewhile(lambda bill: bill.payable_on == coming[0].payable_on, coming))
    return _addends([bill for bill in same_day if bill.loan.lender_id == coming[0].loan.lender_id], Of.OPEN)


def _month(of: Of) -> Callable[[_Asked], Iterable[Addend]]:
    def found(asked: _Asked) -> Iterable[Addend]:
        first, last = asked.today.replace(day=1), asked.today + relativedelta(day=31)
        return _each(asked.bills().due_between(first, last), of)

    return found


def _debt(asked: _Asked) -> Iterable[Addend]:
    loans = Loan.objects.filter(household=asked.household, currency=asked.currency).current().select_related("lender")
    return [
        Addend(loan.pk, loan.name, loan.lender.name, Cell(subject=Subject.OUTSTANDING), loan.outstanding_principal)
        for loan in loans.order_by("-outstanding_principal", "pk")
    ]


def _left(part: Part) -> Callable[[_Asked], Iterable[Addend]]:
    def found(asked: _Asked) -> Iterable[Addend]:
        return _by_loan(asked.bills().open(), part, Of.OPEN)

    return found


def _filtered(of: Of) -> Callable[[_Asked], Iterable[Addend]]:
    """Bill by bill within a month, else loan by loan."""

    def found(asked: _Asked) -> Iterable[Addend]:
        bills = asked.narrowed()
        return _each(bills, of) if asked.filter.month else _by_loan(bills, Part.TOTAL, of)

    return found


SUMS: dict[str, Callable[[_Asked], Iterable[Addend]]] = {
    "late": _late,
    "next": _next,
    "month_paid": _month(Of.CONFIRMED),
    "month_presumed": _month(Of.PRESUMED),
    "month_due": _month(Of.OPEN),
    "debt": _debt,
    "interest": _left(Part.INTEREST),
    "fees": _left(Part.FEE),
    "open": _filtered(Of.OPEN),
    "paid": _filtered(Of.CONFIRMED),
    "presumed": _filtered(Of.PRESUMED),
}
_NAME = re.compile(r"(?P<kind>[a-z_]+)-(?P<currency>[A-Z]{3})", re.ASCII)


def _in_order(bills: BillQuerySet[Bill]) -> BillQuerySet[Bill]:
    return bills.select_related("loan__lender").order_by("payable_on", "pk")


def _each(bills: BillQuerySet[Bill], of: Of) -> Iterable[Addend]:
    return _addends(_in_order(bills), of)


def _addends(bills: Iterable[Any], of: Of) -> Iterable[Addend]:
    for bill in bills:
        amount = {
            Of.OPEN: bill.open.total,
            Of.PRESUMED: bill.presumed,
            Of.CONFIRMED: bill.paid.total - bill.presumed,
        }[of]
        cell = Cell(subject=Subject.BILL, number=bill.number, of=of)
        yield Addend(bill.loan_id, bill.loan.name, bill.loan.lender.name, cell, amount, bill.payable_on)


def _by_loan(bills: BillQuerySet[Bill], part: Part, of: Of) -> Iterable[Addend]:
    rows: Iterable[Any] = (
        bills.order_by()
        .values("loan", "loan__name", "loan__lender__name")
        .annotate(total=Sum(_column(part, of), default=0))
        .order_by("-total", "loan")
    )
    cell = Cell(subject=Subject.ALL, part=part, of=of)
    return [Addend(row["loan"], row["loan__name"], row["loan__lender__name"], cell, row["total"]) for row in rows]


def _column(part: Part, of: Of) -> Any:
    """What a bill adds to the sum, as the database works it out."""
    if of is Of.PRESUMED:
        return F("presumed")
    parts = PARTS if part is Part.TOTAL else (part,)
    sides = {Of.OPEN: "{0}_due", Of.CONFIRMED: "{0}_paid"}
    terms: list[Any] = [F(sides[of].format(one)) for one in parts]
    if of is Of.OPEN:
        return sum(terms, -sum((F(f"{one}_paid") + F(f"{one}_waived") for one in parts), Value(0)))
    return sum(terms, -F("presumed"))
