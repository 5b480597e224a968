"""What is owed over time: each currency's loans, stacked, from today to the day the last of them is repaid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from dateutil.relativedelta import relativedelta
from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from ledger.models import Bill, Household, Loan
from ledger.querysets import BillQuerySet
from ledger.selectors.bills import sum_of
from ledger.selectors.charts import AreaChart, Series, area_chart
from ledger.selectors.prepared import Prepared

NAMED_LOANS = 5  # have a band of their own; the others share one
MOST_POINTS = 120
MOST_LISTED = 40  # loans of a currency, and as many repaid ones


@dataclass(frozen=True, slots=True)
class LoanLine:
    """One loan in the list below the chart; `slot` is the color of its band."""

    id: int
    name: str
    lender: str
    outstanding: int
    ends_on: date | None
    settled_on: date | None
    slot: int


@dataclass(frozen=True, slots=True)
class Level:
    """A row of the table behind the chart: what is still owed once the month's bills are paid."""

    day: date
    outstanding: int


@dataclass(frozen=True, slots=True)
class LineUse:
    """How much of a credit line its draws use."""

    name: str
    lender: str
    limit: int
    used: int

    @property
    def available(self) -> int:
        return max(self.limit - self.used, 0)


@dataclass(frozen=True, slots=True)
class Debt:
    """All that is owed in one currency."""

    currency: str
    outstanding: int
    interest_left: int
    fee_left: int
    free_on: date | None
    live_count: int
    settled_count: int
    loans: tuple[LoanLine, ...]
    lines: tuple[LineUse, ...]
    chart: AreaChart | None
    levels: tuple[Level, ...]

    @property
    def live(self) -> tuple[LoanLine, ...]:
        return tuple(loan for loan in self.loans if loan.settled_on is None)

    @property
    def settled(self) -> tuple[LoanLine, ...]:
        return tuple(loan for loan in self.loans if loan.settled_on is not None)


def current_loans(household: Household, today: date) -> list[Any]:
    """The household's loans not put away, with lender and credit line, the largest first. Each has the payable
    date of its first bill (`starts_on`), and of its last one paid late or overdue (`last_late_on`, None without)."""
    bills = Bill.objects.filter(loan=OuterRef("pk"), is_needed=True)
    late = bills.filter(Q(settled_on=None) | Q(settled_on__gt=F("payable_on")), payable_on__lt=today, is_replaced=False)
    return list(
        Loan.objects.filter(household=household)
        .current()
        .select_related("lender", "credit_line")
        .annotate(
            starts_on=Subquery(bills.order_by("payable_on").values("payable_on")[:1]),
            last_late_on=Subquery(late.order_by("-payable_on").values("payable_on")[:1]),
        )
        .order_by("-outstanding_principal", "pk")
    )


def on_time_months(loans: Sequence[Any], today: date) -> int:
    """Whole months without a late bill, up to today, of `current_loans`; 0 while one is overdue is the caller's to
    say."""
    since = max((loan.last_late_on for loan in loans if loan.last_late_on), default=None)
    if since is None:
        since = min((loan.starts_on for loan in loans if loan.starts_on), default=today)
    return _months_since(since, today)


@dataclass(frozen=True, slots=True)
class Month:
    """This month's bills in one currency: paid and confirmed, presumed paid, still due."""

    currency: str
    paid: int
    presumed: int
    due: int

    @property
    def total(self) -> int:
        return self.paid + self.presumed + self.due


@dataclass(frozen=True, slots=True)
class Owed:
    """This month, and all that is owed, by currency; and the whole months without a late bill."""

    months: tuple[Month, ...]
    debts: tuple[Debt, ...]
    on_time_months: int


def owed(household: Household, today: date) -> Owed:
    """What is owed and until when; the same seven queries, whatever the household holds, and the rows of at most
    MOST_LISTED loans of each currency."""
    loans = _largest(household)
    by_currency: defaultdict[str, list[LoanLine]] = defaultdict(list)
    for currency, line in loans:
        by_currency[currency].append(line)
    named = [line.id for group in by_currency.values() for line in group[:NAMED_LOANS]]
    falls = _falls(household, named)
    lines = _line_uses(household)
    debts = [
        _debt(sums, by_currency[sums.currency], falls[sums.currency], lines[sums.currency], today)
        for sums in _sums(household)
    ]
    return Owed(_months(household, today), tuple(debts), _on_time_months(household, today))


class _Sums(NamedTuple):
    """What the loans of one currency come to."""

    currency: str
    outstanding: int
    interest_left: int
    fee_left: int
    live: int
    settled: int
    free_on: date | None


def _sums(household: Household) -> list[_Sums]:
    """The currencies, that of the largest loan first."""
    rows = (
        Loan.objects.filter(household=household)
        .current()
        .order_by()
        .values_list("currency")
        .annotate(
            outstanding=Sum("outstanding_principal"),
            interest=Sum("interest_left"),
            fee=Sum("fee_left"),
            live=Count("pk", filter=Q(settled_on=None)),
            settled=Count("pk", filter=Q(settled_on__isnull=False)),
            free_on=Max("ends_on", filter=Q(settled_on=None)),
        )
        .annotate(largest=Max("outstanding_principal"), first=Min("pk"))
        .order_by("-largest", "first")
    )
    return [_Sums(*row[:7]) for row in rows]


def _largest(household: Household) -> list[tuple[str, LoanLine]]:
    """The largest loans of each currency that are still repaid, and those repaid last, largest first."""
    place = Window(
        RowNumber(),
        partition_by=[F("currency"), Case(When(settled_on=None, then=0), default=1)],
        order_by=[F("outstanding_principal").desc(), F("settled_on").desc(), F("pk")],
    )
    rows = (
        Loan.objects.filter(household=household, lender__household=household)  # or all lenders are read to join them
        .current()
        .annotate(place=place)
        .filter(place__lte=MOST_LISTED)
        .order_by("-outstanding_principal", "pk")
        .values_list(
            *("currency", "place", "pk", "name", "lender__name", "outstanding_principal", "ends_on", "settled_on"),
        )
    )
    return [
        (currency, LoanLine(id, name, lender, outstanding, ends_on, settled_on, min(place, NAMED_LOANS + 1)))
        for currency, place, id, name, lender, outstanding, ends_on, settled_on in rows
    ]


@dataclass(frozen=True, slots=True)
class _Fall:
    """What the bills of one day repay, of one named loan or of all others (0)."""

    loan: int
    day: date
    principal: int


def _falls(household: Household, named: list[int]) -> defaultdict[str, list[_Fall]]:
    """What is still to be repaid, by currency, loan and day, earliest first."""
    band = Case(When(loan__in=named, then=F("loan_id")), default=Value(0), output_field=IntegerField())
    rows = (
        Bill.objects.to_sum(household)
        .open()
        .order_by()
        .values_list("loan__currency")
        .annotate(band=band, day=F("payable_on"))
        .annotate(principal=Sum(F("principal_due") - F("principal_paid") - F("principal_waived"), default=0))
        .order_by("day", "band")
    )
    found: defaultdict[str, list[_Fall]] = defaultdict(list)
    for currency, loan, day, principal in rows:
        found[currency].append(_Fall(loan, day, principal))
    return found


def _debt(sums: _Sums, loans: list[LoanLine], falls: list[_Fall], lines: list[LineUse], today: date) -> Debt:
    days = _days(today, max((fall.day for fall in falls), default=today))
    live = [loan for loan in loans if loan.settled_on is None]
    series = _series(live, falls, days)
    levels = tuple(Level(day, sum(one.values[at] for one in series)) for at, day in enumerate(days))
    return Debt(
        currency=sums.currency,
        outstanding=sums.outstanding,
        interest_left=sums.interest_left,
        fee_left=sums.fee_left,
        free_on=sums.free_on,
        live_count=sums.live,
        settled_count=sums.settled,
        loans=tuple(loans),
        lines=tuple(lines),
        chart=area_chart(series, days) if falls else None,
        levels=_yearly(levels),
    )


def _line_uses(household: Household) -> defaultdict[str, list[LineUse]]:
    """The credit lines that were drawn on, by currency, and how much of each is used."""
    drawn = Loan.objects.filter(household=household, credit_line__household=household).current()
    rows = (
        drawn.order_by()
        .values_list("credit_line__currency", "credit_line__name", "credit_line__lender__name", "credit_line__limit")
        .annotate(used=Sum("outstanding_principal"), id=F("credit_line"))
        .order_by("credit_line")
    )
    found: defaultdict[str, list[LineUse]] = defaultdict(list)
    for currency, name, lender, limit, used, _id in rows:
        found[currency].append(LineUse(name, lender, limit, used))
    return found


def _this_month(household: int, first: date, last: date) -> QuerySet[Any]:
    bills: BillQuerySet[Bill] = Bill.objects.to_sum(household)
    return (
        bills.due_between(first, last)
        .order_by()
        .values_list("loan__currency")
        .annotate(all_due=sum_of("due"), all_paid=sum_of("paid"), all_waived=sum_of("waived"))
        .annotate(presumed=Sum("presumed"), first_on=Min("payable_on"), first=Min("pk"))
        .order_by("first_on", "first")
    )


_MONTHS = Prepared(_this_month, is_wide=True)


def _months(household: Household, today: date) -> tuple[Month, ...]:
    """This month in each currency; one query."""
    found = _MONTHS(household=household.pk, first=today.replace(day=1), last=today + relativedelta(day=31))
    return tuple(
        Month(currency, paid=paid - presumed, presumed=presumed, due=due - paid - waived)
        for currency, due, paid, waived, presumed, *_ in found
    )


def _on_time_months(household: Household, today: date) -> int:
    """Whole months without a late bill, up to today; 0 while one is overdue, and before the first bill. Three queries
    at most, each of which reads no further than the bill it looks for."""
    if _LATE(household=household.pk, today=today):
        return 0
    last = _LATE_LAST(household=household.pk, today=today) or _FIRST(household=household.pk)
    return _months_since(last[0][0] if last else today, today)


def _months_since(day: date, today: date) -> int:
    return max((today.year - day.year) * 12 + today.month - day.month - (today.day < day.day), 0)


def _needed(household: int) -> QuerySet[Any]:
    return Bill.objects.of_household(household).needed().filter(is_replaced=False).values_list("payable_on")


def _late(household: int, today: date) -> QuerySet[Any]:
    return _needed(household).filter(settled_on=None, payable_on__lt=today)[:1]


def _late_last(household: int, today: date) -> QuerySet[Any]:
    paid = _needed(household).filter(settled_on__gt=F("payable_on"), payable_on__lt=today)
    return paid.order_by("-payable_on", "-pk")[:1]


def _first(household: int) -> QuerySet[Any]:
    return _needed(household).order_by("payable_on", "pk")[:1]


_LATE, _LATE_LAST, _FIRST = Prepared(_late), Prepared(_late_last), Prepared(_first)


def _days(today: date, last_month: date) -> list[date]:
    """Today, then month ends up to that of the last month, thinned out to MOST_POINTS."""
    months = max((last_month.year - today.year) * 12 + last_month.month - today.month, 0)
    step = months // MOST_POINTS + 1
    ends = [today + relativedelta(months=ahead, day=31) for ahead in range(0, months, step)]
    return [today, *(end for end in ends if end > today), today + relativedelta(months=months, day=31)]


def _series(loans: list[LoanLine], falls: list[_Fall], days: list[date]) -> list[Series]:
    """For each named loan, and for the others together, what is owed on each of `days`; `falls` ascend by day."""
    mine: defaultdict[int, list[_Fall]] = defaultdict(list)
    for fall in falls:
        mine[fall.loan].append(fall)
    bands = [(loan.id, loan.name, loan.slot) for loan in loans[:NAMED_LOANS]]
    bands.append((0, _("Other loans"), NAMED_LOANS + 1))
    return [Series(name, slot, _owed(mine[id], days)) for id, name, slot in bands if mine[id]]


def _owed(falls: list[_Fall], days: list[date]) -> tuple[int, ...]:
    """What is owed at the beginning, then once every bill payable by each day is paid; `falls` ascend."""
    left = sum(fall.principal for fall in falls)
    owed, at = [left], 0
    for day in days[1:]:
        while at < len(falls) and falls[at].day <= day:
            left -= falls[at].principal
            at += 1
        owed.append(left)
    return tuple(owed)


def _yearly(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """The first, the last of each year, and the last."""
    kept = [
        level
        for at, level in enumerate(levels)
        if at in (0, len(levels) - 1) or levels[at + 1].day.year != level.day.year
    ]
    return tuple(kept)
