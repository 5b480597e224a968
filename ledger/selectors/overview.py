"""The overview: what is owed next and when, what waiting costs, what needs an answer.

A household may have a thousand loans: sums are the database's, and of bills only those that are shown are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, Min, Q, QuerySet, Sum, When

from ledger.loanmath.first_line import FirstLine, Footing, first_line
from ledger.models import Bill, Fact, Household, Loan
from ledger.models.facts import Kind
from ledger.querysets import BillQuerySet
from ledger.selectors.accounts import AccountLine, BillCover, outlook
from ledger.selectors.bills import BillRow, as_rows, bill_rows, row_values, sum_of, whole_of
from ledger.selectors.facts import Link, Links
from ledger.selectors.history import History, histories
from ledger.selectors.mandate_news import FailedDebit, MandateNews, mandate_news
from ledger.selectors.prepared import Prepared
from ledger.selectors.settlement import Unfinished, unfinished_settlements

DAYS_AHEAD = 30
MOST_LATE = 5
MOST_NEXT = 20
MOST_TO_CONFIRM = 3
MOST_ASKED = 10  # loans looked at for debits to confirm


@dataclass(frozen=True, slots=True)
class LateBill:
    """An overdue bill with its price of waiting. While the grace lasts, `grace_ends_on` is its last day and
    `after_grace` the penalty of the day after. `is_worked_out`: its price is not stored yet."""

    row: BillRow
    penalty_today: int
    penalty_tomorrow: int
    grace_ends_on: date | None
    after_grace: int
    tries_again_on: date | None
    tries_again_at: datetime | None
    failed: FailedDebit | None = None
    is_worked_out: bool = False

    @property
    def a_day(self) -> int:
        return self.penalty_tomorrow - self.penalty_today

    @property
    def a_week(self) -> int:
        """About what a week of waiting adds, at tomorrow's pace."""
        return 7 * self.a_day

    @property
    def clears_tomorrow(self) -> int:
        """What settles it tomorrow; today it is what is open."""
        return self.row.open.total + self.a_day


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

    line: FirstLine
    amount: int
    currency: str
    lender: str
    payable_on: date
    count: int
    a_day: int
    missing: int
    account: str
    leans_on: str = ""

    @property
    def is_late(self) -> bool:
        return self.line is FirstLine.OVERDUE

    @property
    def a_week(self) -> int:
        return 7 * self.a_day


@dataclass(frozen=True, slots=True)
class Overview:
    """What the overview answers; `quiet` is said where there is no headline; `more_late` and `more_to_confirm`: how
    many overdue bills and debits are not among those shown, the latter at least so many where `more_at_least`;
    `more_next`: whether there are more."""

    headlines: tuple[Headline, ...]
    quiet: FirstLine
    late: tuple[LateBill, ...]
    more_late: int
    to_confirm: tuple[PresumedDebit, ...]
    more_to_confirm: int
    more_at_least: bool
    mandates: MandateNews
    shortfalls: tuple[Shortfall, ...]
    stale: tuple[StaleBalance, ...]
    next: tuple[NextBill, ...]
    more_next: bool
    settlements: Unfinished

    @property
    def needs_you(self) -> bool:
        return bool(self.to_confirm or self.mandates or self.shortfalls or self.stale or self.settlements)


@dataclass(frozen=True, slots=True)
class Loans:
    """The household's loans not put away: how many, the first day on which a passing day overtakes one, how many wait
    for an answer to a presumed debit, of how many a debit broke off, and how many are not yet settled."""

    count: int
    overtaken_on: date | None
    presumed: int
    troubled: int
    live: int
    currencies: tuple[str, ...] = ()


def _loans(household: int) -> QuerySet[Any]:
    troubled = Q(mandate__isnull=False) & ~Q(auto_repay_trouble="")
    found = Loan.objects.filter(household=household).current().order_by("currency").values_list("currency")
    return found.annotate(
        count=Count("pk"),
        overtaken_on=Min("next_change_on"),
        presumed=Count("pk", filter=Q(presumed_total__gt=0)),
        troubled=Count("pk", filter=troubled),
        live=Count("pk", filter=Q(settled_on=None)),
    )


_LOANS = Prepared(_loans)


def loans_of(household: Household) -> Loans:
    """One query."""
    found = _LOANS(household=household.pk)
    if not found:
        return Loans(0, None, 0, 0, 0)
    currencies, counts, overtaken, presumed, troubled, live = zip(*found, strict=True)
    first = min((day for day in overtaken if day is not None), default=None)
    return Loans(sum(counts), first, sum(presumed), sum(troubled), sum(live), currencies)


def overview(household: Household, today: date, loans: Loans) -> Overview:
    """Everything the overview shows at once; `loans` as of `loans_of`, at least one. It costs the same few queries and
    reads as many rows, whatever the household holds."""
    home, horizon = household.pk, today + timedelta(days=DAYS_AHEAD)
    overdue = [_Overdue(*row[:4]) for row in _OVERDUE(household=home, today=today, tomorrow=today + timedelta(days=1))]
    late_values = _LATE(household=home, today=today) if overdue else []
    late_rows = as_rows(late_values, today)
    next_rows = as_rows(_NEXT(household=home, today=today, horizon=horizon), today)
    statements = [] if overdue else _statements(household, loans.currencies, next_rows, today)
    wanted = {row.id for row in (*late_rows, *next_rows)}.union(*(one.bills for one in statements))
    ahead = outlook(household, today, DAYS_AHEAD, wanted)
    news = mandate_news(household, ahead.covers, today, loans.troubled)
    failed = {debit.row.id: debit for debit in news.failed}
    late = _late_bills(late_rows, [row[-4:] for row in late_values], ahead.covers, failed, today)
    said = {one.row.id for one in late}  # an overdue bill says itself why its debit failed
    to_confirm = _to_confirm(household) if loans.presumed else []
    return Overview(
        headlines=(
            *(_late_headline(one, late, _oldest(household, one, late_rows, today)) for one in overdue),
            *(_next_headline(one, ahead.covers) for one in statements),
        ),
        quiet=first_line(Footing(presumed=len(to_confirm), live=loans.live)),
        late=late,
        more_late=sum(one.count for one in overdue) - len(late),
        to_confirm=tuple(to_confirm[:MOST_TO_CONFIRM]),
        more_to_confirm=max(len(to_confirm) - MOST_TO_CONFIRM, 0) + max(loans.presumed - MOST_ASKED, 0),
        more_at_least=loans.presumed > MOST_ASKED,
        mandates=replace(news, failed=tuple(debit for debit in news.failed if debit.row.id not in said)),
        shortfalls=_shortfalls(ahead.lines, set(failed)),
        stale=_stale(ahead.lines),
        next=tuple(_next_bill(row, ahead.covers.get(row.id)) for row in next_rows[:MOST_NEXT]),
        more_next=len(next_rows) > MOST_NEXT,
        settlements=unfinished_settlements(household, today) if loans.live < loans.count else Unfinished(),
    )


@dataclass(frozen=True, slots=True)
class _Overdue:
    """All that is overdue in one currency, and what its penalties grow by until tomorrow."""

    currency: str
    count: int
    amount: int
    a_day: int


@dataclass(frozen=True, slots=True)
class _Statement:
    """The open bills of one lender on one day: their ids, and what is open of them."""

    currency: str
    payable_on: date
    lender: str
    bills: tuple[int, ...]
    amount: int


def _open_bills(household: int) -> BillQuerySet[Bill]:
    """The household's open bills, earliest first."""
    found: BillQuerySet[Bill] = Bill.objects.of_household(household)
    return found.open().order_by("settled_on", "payable_on", "pk")  # as the index has them


def _overdue(household: int, today: date, tomorrow: date) -> QuerySet[Any]:
    """By currency: what is overdue, and what its penalties grow by until tomorrow."""
    grows = Case(
        When(penalty_next__isnull=False, loan__next_change_on=tomorrow, then=F("penalty_next") - F("penalty_due")),
        default=0,
    )
    bills: BillQuerySet[Bill] = Bill.objects.to_sum(household)
    return (
        bills.overdue(today)
        .order_by()
        .values_list("loan__currency")
        .annotate(count=Count("pk"), left=sum_of("due") - sum_of("paid") - sum_of("waived"), a_day=Sum(grows))
        .annotate(oldest=Min("payable_on"), first=Min("pk"))
        .order_by("oldest", "first")
    )


def _late(household: int, today: date) -> QuerySet[Any]:
    waiting = ("penalty_next", "loan__next_change_on", "loan__grace_days", "loan__bears_penalty")
    return row_values(_open_bills(household).filter(payable_on__lt=today)[:MOST_LATE], *waiting)


def _next(household: int, today: date, horizon: date) -> QuerySet[Any]:
    return row_values(_open_bills(household).filter(payable_on__range=(today, horizon))[: MOST_NEXT + 1])


_OVERDUE, _LATE, _NEXT = Prepared(_overdue), Prepared(_late), Prepared(_next, is_wide=True)


def _statements(
    household: Household, currencies: Sequence[str], rows: Sequence[BillRow], today: date
) -> list[_Statement]:
    """The next statement of each currency within the days ahead, whose first bill is mostly among `rows`."""
    firsts: dict[str, BillRow] = {}
    for row in rows:
        firsts.setdefault(row.currency, row)
    for currency in currencies if len(rows) > MOST_NEXT else ():
        if currency not in firsts:
            coming = _open_bills(household.pk).filter(
                loan__currency=currency, payable_on__range=(today, today + timedelta(days=DAYS_AHEAD))
            )
            firsts |= {row.currency: row for row in bill_rows(coming[:1], today)}
    return [_statement(household, row) for row in firsts.values()]


def _statement(household: Household, first: BillRow) -> _Statement:
    """All bills of the same lender, day and currency."""
    of_day = _open_bills(household.pk).filter(payable_on=first.payable_on)
    mine = of_day.filter(loan__lender=first.lender_id, loan__currency=first.currency)
    amounts: dict[int, int] = {
        pk: due - paid - waived
        for pk, due, paid, waived in mine.values_list("pk", *(whole_of(side) for side in ("due", "paid", "waived")))
    }
    return _Statement(first.currency, first.payable_on, first.lender, tuple(amounts), sum(amounts.values()))


def _late_bills(
    rows: Sequence[BillRow],
    waiting: Sequence[Sequence[Any]],
    covers: Mapping[int, BillCover],
    failed: Mapping[int, FailedDebit],
    today: date,
) -> tuple[LateBill, ...]:
    """The rows with their price of waiting, as it is stored; worked out where it is not yet, as while a grace lasts."""
    costly = {
        row.loan_id
        for row, (penalty_next, *_, bears_penalty) in zip(rows, waiting, strict=True)
        if penalty_next is None and bears_penalty
    }
    known = histories(Loan.objects.filter(pk__in=costly)) if costly else {}
    found = []
    for row, (penalty_next, changes_on, grace, _) in zip(rows, waiting, strict=True):
        ends_on, tomorrow = row.payable_on + timedelta(days=grace), today + timedelta(days=1)
        in_grace = grace > 0 and today <= ends_on
        past, cover = known.get(row.loan_id), covers.get(row.id)

        def penalty(day: date, row: BillRow = row, past: History | None = past) -> int:
            return row.due.penalty if past is None else _penalty(past, row.number, day)

        is_next = penalty_next is not None and changes_on == tomorrow
        found.append(
            LateBill(
                row=row,
                penalty_today=row.due.penalty,
                penalty_tomorrow=penalty_next if is_next else penalty(tomorrow),
                grace_ends_on=ends_on if in_grace else None,
                after_grace=penalty(ends_on + timedelta(days=1)) if in_grace else 0,
                tries_again_on=cover.debit_on if cover else None,
                tries_again_at=cover.debit_at if cover else None,
                failed=failed.get(row.id),
                is_worked_out=past is not None and penalty_next is None,
            )
        )
    return tuple(found)


def _penalty(past: History, number: int, day: date) -> int:
    """The penalty on a bill on a day if nothing is paid until then."""
    return next((bill.due.penalty for bill in past.project(day).bills if bill.number == number), 0)


def _to_confirm(household: Household) -> list[PresumedDebit]:
    """The presumed debits that nobody has answered, earliest first, of the loans that have waited longest."""
    rows = sorted(_PRESUMED(household=household.pk))  # by id
    links = Links(Link(pk, kind, target) for pk, kind, target, *_ in rows if kind != Kind.REPAYMENT)
    found = [
        PresumedDebit(pk, *rest)
        for pk, kind, _, *rest in rows
        if kind == Kind.REPAYMENT and not links.is_undone(pk) and not links.is_confirmed(pk)
    ]
    return sorted(found, key=lambda debit: (debit.paid_on, debit.fact_id))


def _asking(household: int) -> QuerySet[Any]:
    """The loans with a presumed debit, those first whose oldest presumed bill was payable earliest."""
    bills = Bill.objects.filter(household=household, presumed__gt=0, loan__archived_at=None)
    loans = bills.order_by().values("loan").annotate(oldest=Min("payable_on"))
    return loans.order_by("oldest", "loan").values("loan")[:MOST_ASKED]


def _presumed(household: int) -> QuerySet[Any]:
    """The presumed debits of these loans, and what was said of debits there."""
    told = Q(kind=Kind.REPAYMENT, presumed=True) | Q(kind__in=[Kind.CONFIRMATION, Kind.REVERSAL])
    return Fact.objects.filter(told, loan__in=_asking(household)).values_list(
        *("pk", "kind", "target_id"),
        *("loan_id", "loan__name", "loan__lender__name", "loan__currency", "amount", "effective_on"),
    )


_PRESUMED = Prepared(_presumed)


def _next_bill(row: BillRow, cover: BillCover | None) -> NextBill:
    if cover is None:
        return NextBill(row, "", 0, row.auto_repay)
    return NextBill(row, _funding(cover), cover.missing, cover.paid_from, cover.leans_on)


def _funding(cover: BillCover) -> str:
    return "capped" if cover.above_cap else cover.funding.value


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


def _oldest(household: Household, overdue: _Overdue, rows: Sequence[BillRow], today: date) -> BillRow:
    """The oldest overdue bill of a currency, which is mostly among `rows`."""
    shown = next((row for row in rows if row.currency == overdue.currency), None)
    if shown is not None:
        return shown
    late = _open_bills(household.pk).filter(payable_on__lt=today, loan__currency=overdue.currency)
    return bill_rows(late[:1], today)[0]


def _late_headline(overdue: _Overdue, late: Sequence[LateBill], oldest: BillRow) -> Headline:
    worked_out = sum(bill.a_day for bill in late if bill.row.currency == overdue.currency and bill.is_worked_out)
    return Headline(
        line=first_line(Footing(is_overdue=True)),
        amount=overdue.amount,
        currency=overdue.currency,
        lender=oldest.lender,
        payable_on=oldest.payable_on,
        count=overdue.count,
        a_day=overdue.a_day + worked_out,
        missing=0,
        account="",
    )


def _next_headline(statement: _Statement, covers: Mapping[int, BillCover]) -> Headline:
    """One lender's bills of one day: covered only if every one of them is."""
    found = [covers.get(bill) for bill in statement.bills]
    states = [(_funding(cover) if cover else "", cover) for cover in found]
    order = ("short", "capped", "unknown", "", "covered")
    funding, cover = min(states, key=lambda one: order.index(one[0]))
    return Headline(
        line=first_line(Footing(is_due=True, funding=funding, leans=bool(cover and cover.leans_on))),
        amount=statement.amount,
        currency=statement.currency,
        lender=statement.lender,
        payable_on=statement.payable_on,
        count=len(statement.bills),
        a_day=0,
        missing=sum(one.missing for one in found if one),
        account=cover.paid_from if cover else "",
        leans_on=cover.leans_on if cover else "",
    )
