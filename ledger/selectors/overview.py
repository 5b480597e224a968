"""The overview: what is owed next and when, what waiting costs, what needs an answer, where it all leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db.models import OuterRef, Q, QuerySet, Subquery

from ledger.models import AutoRepayAttempt, Bill, Household
from ledger.selectors.accounts import AccountLine, BillCover, account_lines, covers_of
from ledger.selectors.bills import BillRow, bill_row, with_auto_repay
from ledger.selectors.debts import Debt, debts, on_time_months
from ledger.selectors.history import History, histories
from ledger.selectors.mandate_news import FailedDebit, MandateNews, mandate_news
from ledger.selectors.settlement import Unfinished, unfinished_settlements

DAYS_AHEAD = 30
MOST_LATE = 20
MOST_NEXT = 40
MOST_TO_CONFIRM = 20


@dataclass(frozen=True, slots=True)
class LateBill:
    """An overdue bill with its price of waiting. While the grace lasts, `grace_ends_on` is its last day and
    `after_grace` the penalty of the day after."""

    row: BillRow
    penalty_today: int
    penalty_tomorrow: int
    grace_ends_on: date | None
    after_grace: int
    tries_again_on: date | None
    tries_again_at: datetime | None
    failed: FailedDebit | None = None

    @property
    def a_day(self) -> int:
        return self.penalty_tomorrow - self.penalty_today


@dataclass(frozen=True, slots=True)
class PresumedDebit:
    """A repayment recorded on the lender's word, waiting for someone's yes or no."""

    fact_id: int
    loan_id: int
    loan: str
    lender: str
    currency: str
    amount: int
    paid_on: date


@dataclass(frozen=True, slots=True)
class NextBill:
    """A bill to come; `funding` is "covered", "short", "capped" (above what one debit may take) or "unknown", "" where
    nothing debits it. `leans_on` names the inflows without which it is not covered."""

    row: BillRow
    funding: str
    missing: int
    account: str
    leans_on: str = ""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The first debit an account will not cover, and all it lacks by then."""

    account_id: int
    account: str
    currency: str
    missing: int
    on: date
    lender: str


@dataclass(frozen=True, slots=True)
class StaleBalance:
    """An account with debits to come whose balance nobody stated, or too long ago to say anything."""

    account_id: int
    account: str
    stated_on: date | None


@dataclass(frozen=True, slots=True)
class Headline:
    """The page's answer: what is overdue or due next, of one lender on one day, or of all that is overdue."""

    is_late: bool
    amount: int
    currency: str
    lender: str
    payable_on: date
    count: int
    a_day: int
    funding: str
    missing: int
    account: str
    leans_on: str = ""


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
class Overview:
    headlines: tuple[Headline, ...]
    late: tuple[LateBill, ...]
    more_late: int
    to_confirm: tuple[PresumedDebit, ...]
    mandates: MandateNews
    shortfalls: tuple[Shortfall, ...]
    stale: tuple[StaleBalance, ...]
    next: tuple[NextBill, ...]
    more_next: int
    months: tuple[Month, ...]
    debts: tuple[Debt, ...]
    on_time_months: int
    settlements: Unfinished

    @property
    def needs_you(self) -> bool:
        return bool(self.to_confirm or self.mandates or self.shortfalls or self.stale or self.settlements)


def overview(household: Household, today: date, loans: Sequence[Any]) -> Overview:
    """Everything the overview shows; `loans` as of `current_loans`, at least one. Costs the same few queries,
    whatever the household holds."""
    rows = [(bill, bill_row(bill, today)) for bill in _bills(household, today)]
    open_rows = [(bill, row) for bill, row in rows if row.is_open]
    late_rows = [row for _, row in open_rows if row.is_late]
    next_rows = [row for _, row in open_rows if today <= row.payable_on <= today + timedelta(days=DAYS_AHEAD)]
    known = _known(loans, late_rows, rows)
    lines = account_lines(household, today)
    covers = covers_of(lines)
    coming = tuple(_next_bill(row, covers.get(row.id)) for row in next_rows)
    news = mandate_news(household, loans, open_rows, covers, today)
    failed = {debit.row.id: debit for debit in news.failed}
    late = tuple(
        replace(_late_bill(row, known, covers.get(row.id), today), failed=failed.get(row.id))
        for row in late_rows[:MOST_LATE]
    )
    said = {one.row.id for one in late}  # an overdue bill says itself why its debit failed
    return Overview(
        headlines=_headlines(late_rows, late, coming),
        late=late,
        more_late=max(len(late_rows) - MOST_LATE, 0),
        to_confirm=_to_confirm(loans, known),
        mandates=replace(news, failed=tuple(debit for debit in news.failed if debit.row.id not in said)),
        shortfalls=_shortfalls(lines, set(failed)),
        stale=_stale(lines),
        next=coming[:MOST_NEXT],
        more_next=max(len(coming) - MOST_NEXT, 0),
        months=_months([row for _, row in rows], today),
        debts=debts(loans, today),
        on_time_months=0 if late_rows else on_time_months(loans, today),
        settlements=unfinished_settlements(household, loans),
    )


def _bills(household: Household, today: date) -> QuerySet[Any]:
    """Bills that are open and payable within the days ahead, this month's, and those presumed paid."""
    horizon = today + timedelta(days=DAYS_AHEAD)
    this_month = (today.replace(day=1), today + relativedelta(day=31))
    last_try = AutoRepayAttempt.objects.filter(bill=OuterRef("pk")).order_by("-number")
    wanted = Q(settled_on=None, payable_on__lte=horizon) | Q(payable_on__range=this_month) | Q(presumed__gt=0)
    return (
        with_auto_repay(Bill.objects.of_household(household).needed().filter(wanted))
        .annotate(
            last_try=Subquery(last_try.values("pk")[:1]),
            last_outcome=Subquery(last_try.values("outcome")[:1]),
        )
        .order_by("payable_on", "pk")
    )


def _known(
    loans: Sequence[Any], late_rows: Sequence[BillRow], rows: Iterable[tuple[Bill, BillRow]]
) -> dict[int, History]:
    """The histories of the loans with a late bill that is shown, or with something to confirm; two queries."""
    late = {row.loan_id for row in late_rows[:MOST_LATE]}
    presumed = list(dict.fromkeys(row.loan_id for _, row in rows if row.presumed))[:MOST_TO_CONFIRM]
    wanted = late.union(presumed)
    return histories([loan for loan in loans if loan.pk in wanted])


def _late_bill(row: BillRow, known: dict[int, History], cover: BillCover | None, today: date) -> LateBill:
    past = known[row.loan_id]
    grace = past.terms_on(today).penalty.grace_days
    ends_on = row.payable_on + timedelta(days=grace)
    in_grace = grace > 0 and today <= ends_on
    return LateBill(
        row=row,
        penalty_today=row.due.penalty,
        penalty_tomorrow=_penalty(past, row.number, today + timedelta(days=1)),
        grace_ends_on=ends_on if in_grace else None,
        after_grace=_penalty(past, row.number, ends_on + timedelta(days=1)) if in_grace else 0,
        tries_again_on=cover.debit_on if cover else None,
        tries_again_at=cover.debit_at if cover else None,
    )


def _penalty(past: History, number: int, day: date) -> int:
    """The penalty on a bill on a day if nothing is paid until then."""
    return next((bill.due.penalty for bill in past.project(day).bills if bill.number == number), 0)


def _to_confirm(loans: Sequence[Any], known: dict[int, History]) -> tuple[PresumedDebit, ...]:
    found = [
        PresumedDebit(fact.id, loan.pk, loan.name, loan.lender.name, loan.currency, fact.amount, fact.effective_on)
        for loan in loans
        if loan.pk in known
        for fact in known[loan.pk].presumed()
    ]
    return tuple(sorted(found, key=lambda debit: (debit.paid_on, debit.fact_id)))


def _next_bill(row: BillRow, cover: BillCover | None) -> NextBill:
    if cover is None:
        return NextBill(row, "", 0, row.auto_repay)
    funding = "capped" if cover.above_cap else cover.funding.value
    return NextBill(row, funding, cover.missing, cover.paid_from, cover.leans_on)


def _shortfalls(lines: Iterable[AccountLine], failed: set[int]) -> tuple[Shortfall, ...]:
    """One for each account that comes short, unless its failed debit already says so."""
    return tuple(
        Shortfall(
            line.account.pk,
            str(line.account),
            line.account.currency,
            short.short_by,
            short.debit_on,
            short.lender_name,
        )
        for line in lines
        if (short := line.shortfall) is not None and short.bill not in failed
    )


def _stale(lines: Iterable[AccountLine]) -> tuple[StaleBalance, ...]:
    return tuple(
        StaleBalance(line.account.pk, str(line.account), line.balance.stated_on if line.balance else None)
        for line in lines
        if not line.fresh and any(step.cover for step in line.steps)
    )


def _headlines(
    late_rows: Sequence[BillRow], late: Sequence[LateBill], coming: Sequence[NextBill]
) -> tuple[Headline, ...]:
    """The overdue ones, one line a currency; without any, the next statement of each currency."""
    if late_rows:
        return tuple(_late_headline(rows, late) for rows in _by_currency(late_rows).values())
    firsts: dict[str, list[NextBill]] = {}
    for bill in coming:
        group = firsts.setdefault(bill.row.currency, [bill])
        same = group[0].row
        if bill is not group[0] and (same.payable_on, same.lender_id) == (bill.row.payable_on, bill.row.lender_id):
            group.append(bill)
    return tuple(_next_headline(group) for group in firsts.values())


def _by_currency(rows: Iterable[BillRow]) -> dict[str, list[BillRow]]:
    groups: defaultdict[str, list[BillRow]] = defaultdict(list)
    for row in rows:
        groups[row.currency].append(row)
    return groups


def _late_headline(rows: Sequence[BillRow], late: Sequence[LateBill]) -> Headline:
    oldest = rows[0]
    return Headline(
        is_late=True,
        amount=sum(row.open.total for row in rows),
        currency=oldest.currency,
        lender=oldest.lender,
        payable_on=oldest.payable_on,
        count=len(rows),
        a_day=sum(bill.a_day for bill in late if bill.row.currency == oldest.currency),
        funding="",
        missing=0,
        account="",
    )


def _next_headline(group: Sequence[NextBill]) -> Headline:
    """One lender's bills of one day: covered only if every one of them is."""
    first = group[0]
    worst = next(
        (bill for state in ("short", "capped", "unknown", "") for bill in group if bill.funding == state), first
    )
    return Headline(
        is_late=False,
        amount=sum(bill.row.open.total for bill in group),
        currency=first.row.currency,
        lender=first.row.lender,
        payable_on=first.row.payable_on,
        count=len(group),
        a_day=0,
        funding=worst.funding,
        missing=sum(bill.missing for bill in group),
        account=worst.account,
        leans_on=worst.leans_on,
    )


def _months(rows: Iterable[BillRow], today: date) -> tuple[Month, ...]:
    this = [row for row in rows if (row.payable_on.year, row.payable_on.month) == (today.year, today.month)]
    return tuple(
        Month(
            currency,
            paid=sum(row.confirmed for row in group),
            presumed=sum(row.presumed for row in group),
            due=sum(row.open.total for row in group),
        )
        for currency, group in _by_currency(this).items()
    )
