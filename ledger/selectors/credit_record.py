"""The credit record: what a lender would see of each loan, how full the credit lines are, what the bills take of the
income. No score is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from ledger.loanmath.credit_record import (
    AgingRule,
    Lapse,
    MonthMark,
    RecordedBill,
    ages_out_on,
    lapses,
    month_marks,
)
from ledger.loanmath.standing import bucket
from ledger.models import Bill, CreditLine, Household, TermsVersion
from ledger.selectors.debts import current_loans, on_time_months

YEARS_SHOWN = 5  # as on the bureau's own report
LOANS_A_PAGE = 20
MONTHS_AHEAD = 12
_DUE = F("principal_due") + F("interest_due") + F("fee_due") + F("penalty_due")


@dataclass(frozen=True, slots=True)
class YearOfMarks:
    """The twelve months of a year; None where there is no mark."""

    year: int
    months: tuple[MonthMark | None, ...]


@dataclass(frozen=True, slots=True)
class LapseLine:
    """A time in which the loan was late; `ages_out_on` is None while its years have not begun to count."""

    lapse: Lapse
    ages_out_on: date | None


@dataclass(frozen=True, slots=True)
class LoanRecord:
    """One loan: how late it is today, its months, and its lapses that are still kept."""

    id: int
    name: str
    lender: str
    settled_on: date | None
    days: int
    years: tuple[YearOfMarks, ...]
    lapses: tuple[LapseLine, ...]

    @property
    def bucket(self) -> str:
        return bucket(self.days)


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How much of a credit line is used."""

    name: str
    lender: str
    currency: str
    limit: int
    used: int

    @property
    def share(self) -> Decimal:
        return Decimal(self.used) / self.limit


@dataclass(frozen=True, slots=True)
class Burden:
    """What the bills of this month, and of the heaviest of the twelve from it on, take of the monthly income. `others`
    says that loans in other currencies are not counted."""

    currency: str
    income: int | None
    this_month: int
    heaviest: int
    heaviest_in: date
    others: bool

    @property
    def share(self) -> Decimal | None:
        return Decimal(self.this_month) / self.income if self.income else None

    @property
    def heaviest_share(self) -> Decimal | None:
        return Decimal(self.heaviest) / self.income if self.income else None


@dataclass(frozen=True, slots=True)
class CreditRecord:
    """The page. `late` loans are past due by up to `days` today; `marked` have a lapse that is still kept, the last of
    which ages out on `clean_on` (None while one lasts, or where there is none)."""

    on_time_months: int
    late: int
    days: int
    marked: int
    clean_on: date | None
    records: tuple[LoanRecord, ...]
    lines: tuple[LimitUse, ...]
    burden: Burden
    rule: AgingRule
    more_url: str
    is_first: bool

    @property
    def bucket(self) -> str:
        return bucket(self.days)


def credit_record(household: Household, today: date, after: int | None = None) -> CreditRecord:
    """The record as of a day, with LOANS_A_PAGE loans from behind the loan `after` on; in six queries, always."""
    loans = current_loans(household, today)
    rule = household.aging_rule
    late = _late_bills(household, today)
    kept = {loan.pk: _kept(loan, late[loan.pk], rule, today) for loan in loans}
    days = {loan.pk: _days_past_due(late[loan.pk], today) for loan in loans}
    loans.sort(key=lambda loan: (-days[loan.pk], loan.settled_on is not None))  # the rest as they come
    places = {loan.pk: place for place, loan in enumerate(loans, start=1)}
    start = places.get(after or 0, 0)
    shown = loans[start : start + LOANS_A_PAGE]
    ends = [line.ages_out_on for lines in kept.values() for line in lines]
    return CreditRecord(
        on_time_months=0 if any(days.values()) else on_time_months(loans, today),
        late=sum(1 for late_by in days.values() if late_by),
        days=max(days.values(), default=0),
        marked=sum(1 for lines in kept.values() if lines),
        clean_on=None if not ends or None in ends else max(end for end in ends if end),
        records=_records(shown, kept, days, today),
        lines=_lines(household),
        burden=_burden(household, loans, today),
        rule=rule,
        more_url=f"?after={shown[-1].pk}" if len(loans) > start + LOANS_A_PAGE else "",
        is_first=start == 0,
    )


def _asking(bills: QuerySet[Any]) -> QuerySet[Any]:
    """Bills that ask for something, or did until an arrangement replaced them."""
    asking = Q(asked__gt=0) | Q(is_replaced=True)
    asked: QuerySet[Any] = bills.filter(is_needed=True).annotate(asked=_DUE).filter(asking)
    return asked.order_by("payable_on", "pk")


def _was_late(today: date) -> Q:
    return Q(payable_on__lt=today) & (Q(settled_on=None) | Q(settled_on__gt=F("payable_on")))


def _by_loan(bills: QuerySet[Any]) -> defaultdict[int, list[RecordedBill]]:
    found: defaultdict[int, list[RecordedBill]] = defaultdict(list)
    for loan, payable_on, settled_on in bills.values_list("loan_id", "payable_on", "settled_on"):
        found[loan].append(RecordedBill(payable_on, settled_on))
    return found


def _late_bills(household: Household, today: date) -> defaultdict[int, list[RecordedBill]]:
    """Every bill that is or was late, by loan."""
    return _by_loan(_asking(Bill.objects.of_household(household)).filter(_was_late(today)))


def _days_past_due(late: Iterable[RecordedBill], today: date) -> int:
    """Since the oldest payable date not met; grace days count."""
    return max((bill.days_late(today) for bill in late if bill.settled_on is None), default=0)


def _kept(loan: Any, late: Iterable[RecordedBill], rule: AgingRule, today: date) -> tuple[LapseLine, ...]:
    """The lapses that have not aged out, the latest first."""
    lines = [LapseLine(lapse, ages_out_on(lapse, rule)) for lapse in lapses(late, today, loan.grace_days)]
    return tuple(line for line in reversed(lines) if line.ages_out_on is None or line.ages_out_on > today)


def _records(
    loans: Sequence[Any], kept: Mapping[int, tuple[LapseLine, ...]], days: Mapping[int, int], today: date
) -> tuple[LoanRecord, ...]:
    since = date(today.year - YEARS_SHOWN + 1, 1, 1)
    shown = [loan.pk for loan in loans]
    opened = dict(TermsVersion.objects.filter(loan__in=shown, number=1).values_list("loan_id", "disbursed_on"))
    in_sight = Q(payable_on__range=(since, today + relativedelta(day=31))) | _was_late(today)
    bills = _by_loan(_asking(Bill.objects.filter(loan__in=shown)).filter(in_sight))
    return tuple(
        LoanRecord(
            id=loan.pk,
            name=loan.name,
            lender=loan.lender.name,
            settled_on=loan.settled_on,
            days=days[loan.pk],
            years=_years(
                month_marks(
                    opened_on=max(opened[loan.pk], since),
                    closed_on=loan.settled_on,
                    bills=bills[loan.pk],
                    as_of=today,
                    grace_days=loan.grace_days,
                )
            ),
            lapses=kept[loan.pk],
        )
        for loan in loans
    )


def _years(marks: Iterable[MonthMark]) -> tuple[YearOfMarks, ...]:
    """The newest year first."""
    years: defaultdict[int, dict[int, MonthMark]] = defaultdict(dict)
    for mark in marks:
        years[mark.year][mark.month] = mark
    return tuple(
        YearOfMarks(year, tuple(years[year].get(month) for month in range(1, 13)))
        for year in sorted(years, reverse=True)
    )


def _lines(household: Household) -> tuple[LimitUse, ...]:
    """Every credit line, the fullest first."""
    drawn = Sum("loans__outstanding_principal", filter=Q(loans__archived_at=None), default=0)
    rows = CreditLine.objects.filter(household=household).select_related("lender").annotate(used=drawn)
    uses = [LimitUse(row.name, row.lender.name, row.currency, row.limit, row.used) for row in rows.order_by("name")]
    return tuple(sorted(uses, key=lambda use: -use.share))


def _burden(household: Household, loans: Sequence[Any], today: date) -> Burden:
    currency = household.income_currency or household.currency
    first = today.replace(day=1)
    last = first + relativedelta(months=MONTHS_AHEAD - 1, day=31)
    rows: QuerySet[Any, Any] = (
        Bill.objects.of_household(household)
        .due_between(first, last)
        .filter(loan__currency=currency)
        .order_by()
        .annotate(month=TruncMonth("payable_on"))
        .values("month")
        .annotate(asked=Sum(_DUE))
    )
    due = {row["month"]: row["asked"] for row in rows}
    heaviest_in = max(due, key=lambda month: (due[month], -month.toordinal()), default=first)
    return Burden(
        currency=currency,
        income=household.monthly_income,
        this_month=due.get(first, 0),
        heaviest=due.get(heaviest_in, 0),
        heaviest_in=heaviest_in,
        others=any(loan.currency != currency and loan.settled_on is None for loan in loans),
    )
