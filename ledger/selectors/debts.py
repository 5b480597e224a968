"""What is owed over time: each currency's loans, stacked, from today to the day the last of them is repaid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db.models import Case, F, IntegerField, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _

from ledger.models import Bill, Household, Loan
from ledger.selectors.charts import AreaChart, Series, area_chart

NAMED_LOANS = 5  # have a band of their own; the others share one
MOST_POINTS = 120


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
    date of its first and last bill (`starts_on`, `ends_on`) and of its last bill paid late or overdue
    (`last_late_on`, None without one)."""
    bills = Bill.objects.filter(loan=OuterRef("pk"), is_needed=True)
    late = bills.filter(Q(settled_on=None) | Q(settled_on__gt=F("payable_on")), payable_on__lt=today, is_replaced=False)
    return list(
        Loan.objects.filter(household=household)
        .current()
        .select_related("lender", "credit_line")
        .annotate(
            starts_on=Subquery(bills.order_by("payable_on").values("payable_on")[:1]),
            ends_on=Subquery(bills.order_by("-payable_on").values("payable_on")[:1]),
            last_late_on=Subquery(late.order_by("-payable_on").values("payable_on")[:1]),
        )
        .order_by("-outstanding_principal", "pk")
    )


def debts(loans: Sequence[Any], today: date) -> tuple[Debt, ...]:
    """One `Debt` for each currency among `loans` (as of `current_loans`), largest first; one query."""
    by_currency: defaultdict[str, list[Any]] = defaultdict(list)
    for loan in loans:
        by_currency[loan.currency].append(loan)
    named = [loan.pk for group in by_currency.values() for loan in group[:NAMED_LOANS]]
    falls = _falls(loans, named)
    return tuple(_debt(currency, group, falls[currency], today) for currency, group in by_currency.items())


@dataclass(frozen=True, slots=True)
class _Fall:
    """What the bills of one month repay, of one named loan or of all others (0)."""

    loan: int
    month: date
    principal: int
    interest: int
    fee: int


def _left(part: str) -> Sum:
    return Sum(F(f"{part}_due") - F(f"{part}_paid") - F(f"{part}_waived"), default=0)


def _falls(loans: Sequence[Any], named: list[int]) -> defaultdict[str, list[_Fall]]:
    band = Case(When(loan__in=named, then=F("loan_id")), default=Value(0), output_field=IntegerField())
    rows = (
        Bill.objects.filter(loan__in=[loan.pk for loan in loans])
        .open()
        .order_by()
        .annotate(band=band, month=TruncMonth("payable_on"))
        .values("loan__currency", "band", "month")
        .annotate(principal=_left("principal"), interest=_left("interest"), fee=_left("fee"))
    )
    found: defaultdict[str, list[_Fall]] = defaultdict(list)
    for row in rows:
        fall = _Fall(row["band"], row["month"], row["principal"], row["interest"], row["fee"])
        found[row["loan__currency"]].append(fall)
    return found


def _debt(currency: str, loans: list[Any], falls: list[_Fall], today: date) -> Debt:
    lines = tuple(_line(loan, min(at, NAMED_LOANS) + 1) for at, loan in enumerate(loans))
    live_ends = [line.ends_on for line in lines if line.settled_on is None and line.ends_on is not None]
    days = _days(today, max((fall.month for fall in falls), default=today))
    series = _series(loans, falls, days)
    levels = tuple(Level(day, sum(one.values[at] for one in series)) for at, day in enumerate(days))
    return Debt(
        currency=currency,
        outstanding=sum(loan.outstanding_principal for loan in loans),
        interest_left=sum(fall.interest for fall in falls),
        fee_left=sum(fall.fee for fall in falls),
        free_on=max(live_ends, default=None),
        loans=lines,
        lines=_line_uses(loans),
        chart=area_chart(series, days) if falls else None,
        levels=_yearly(levels),
    )


def _line(loan: Any, slot: int) -> LoanLine:
    return LoanLine(
        loan.pk, loan.name, loan.lender.name, loan.outstanding_principal, loan.ends_on, loan.settled_on, slot
    )


def _line_uses(loans: list[Any]) -> tuple[LineUse, ...]:
    """The credit lines that were drawn on."""
    uses: dict[int, LineUse] = {}
    for loan in loans:
        line = loan.credit_line
        if line is not None:
            before = uses[line.pk].used if line.pk in uses else 0
            uses[line.pk] = LineUse(line.name, loan.lender.name, line.limit, before + loan.outstanding_principal)
    return tuple(uses.values())


def on_time_months(loans: Sequence[Any], today: date) -> int:
    """Whole months without a late bill, up to today; 0 while one is overdue is the caller's to say."""
    since = max((loan.last_late_on for loan in loans if loan.last_late_on), default=None)
    if since is None:
        since = min((loan.starts_on for loan in loans if loan.starts_on), default=today)
    months = (today.year - since.year) * 12 + today.month - since.month - (today.day < since.day)
    return max(months, 0)


def _days(today: date, last_month: date) -> list[date]:
    """Today, then month ends up to that of the last month, thinned out to MOST_POINTS."""
    months = max((last_month.year - today.year) * 12 + last_month.month - today.month, 0)
    step = months // MOST_POINTS + 1
    ends = [today + relativedelta(months=ahead, day=31) for ahead in range(0, months, step)]
    return [today, *(end for end in ends if end > today), today + relativedelta(months=months, day=31)]


def _series(loans: list[Any], falls: list[_Fall], days: list[date]) -> list[Series]:
    """For each named loan, and for the others together, what is owed on each of `days`."""
    mine: defaultdict[int, list[_Fall]] = defaultdict(list)
    for fall in sorted(falls, key=lambda fall: fall.month):
        mine[fall.loan].append(fall)
    bands = [(loan.pk, loan.name, at + 1) for at, loan in enumerate(loans[:NAMED_LOANS])]
    if len(loans) > NAMED_LOANS:
        bands.append((0, _("Other loans"), NAMED_LOANS + 1))
    return [Series(name, slot, _owed(mine[id], days)) for id, name, slot in bands if mine[id]]


def _owed(falls: list[_Fall], days: list[date]) -> tuple[int, ...]:
    """What is owed at the beginning, then once every bill payable by each day is paid; `falls` ascend."""
    left = sum(fall.principal for fall in falls)
    owed, at = [left], 0
    for day in days[1:]:
        while at < len(falls) and falls[at].month <= day:
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
