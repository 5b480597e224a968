"""A month as a calendar: what is due, what is debited, what comes in, and which days are none to work on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dateutil.relativedelta import relativedelta

from ledger.loanmath.calendars import WEEKEND, Calendar
from ledger.loanmath.funding import Funding
from ledger.models import AutoRepayAttempt, FundingAccount, Household, PlannedInflow, TermsVersion
from ledger.models.autorepay import Outcome
from ledger.selectors.accounts import WORSE, BillCover, account_lines
from ledger.selectors.calendars import calendar_of
from ledger.selectors.decided import failed_after_all
from ledger.selectors.inflows import plan_of
from ledger.selectors.statements import StatementLine, statements_between

FIRST_YEAR, LAST_YEAR = 1970, 2100
FORECAST_DAYS = 400  # further ahead the bills are shown, and their debits are not
DAYS_OF_WEEK = 7


class DebitState(StrEnum):
    """What became of the debits of one account on one day, or what is going to."""

    COVERED = "covered"
    SHORT = "short"
    CAPPED = "capped"
    UNKNOWN = "unknown"
    DEBITED = "debited"
    PRESUMED = "presumed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DayDebit:
    """The debits of one account on one day that came to the same: `amount` over `bills` bills, of which `missing` is
    not there."""

    account: str
    currency: str
    state: DebitState
    amount: int
    bills: int
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Payday:
    """A planned inflow expected on a day."""

    name: str
    account: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar. `holiday_in` and `workday_in` are the codes of the calendars in which it is a holiday,
    or a working day though it falls on a weekend."""

    on: date
    in_month: bool
    is_today: bool
    is_weekend: bool
    holiday_in: tuple[str, ...]
    workday_in: tuple[str, ...]
    statements: tuple[StatementLine, ...]
    debits: tuple[DayDebit, ...]
    paydays: tuple[Payday, ...]

    @property
    def is_busy(self) -> bool:
        return bool(self.statements or self.debits or self.paydays or self.holiday_in or self.workday_in)


@dataclass(frozen=True, slots=True)
class BillCalendar:
    """A month in whole weeks. `names_places` says that more than one calendar is in use; `without_debits` that it lies
    too far ahead to say what is debited."""

    month: date
    weeks: tuple[tuple[Day, ...], ...]
    shown_day: Day | None
    before: date | None
    after: date | None
    names_places: bool
    without_debits: bool

    @property
    def days(self) -> tuple[Day, ...]:
        """The days of the month itself."""
        return tuple(day for week in self.weeks for day in week if day.in_month)


def read_month(text: str, today: date) -> date:
    """The first of the month "2026-03"; of today's for anything else."""
    try:
        month = date.fromisoformat(f"{text}-01") if len(text) == len("2026-03") else today
    except ValueError:
        month = today
    return (month if FIRST_YEAR <= month.year <= LAST_YEAR else today).replace(day=1)


def bill_calendar(household: Household, month: date, today: date, week_begins: int, asked: str = "") -> BillCalendar:
    """The month that begins on `month`, in weeks that begin on `week_begins` (0 is Monday, as `date.weekday` counts),
    with the day named by `asked`, else today if it is in it. As many queries for one loan as for thirty."""
    last = month + relativedelta(day=31)
    calendars = _calendars_in_use(household)
    statements: defaultdict[date, list[StatementLine]] = defaultdict(list)
    for one in statements_between(household, month, last):
        if one.due.total == 0:  # a coupon met it, or an arrangement asks for it elsewhere
            continue
        statements[one.payable_on].append(StatementLine(one, one.standing(today)))
    debits = _debits(household, month, last, today)
    paydays = _paydays(household, month, last)

    def day(on: date) -> Day:
        return Day(
            on=on,
            in_month=month <= on <= last,
            is_today=on == today,
            is_weekend=on.weekday() in WEEKEND,
            holiday_in=tuple(code for code, known in calendars.items() if on in known.holidays),
            workday_in=tuple(code for code, known in calendars.items() if on in known.workdays),
            statements=tuple(statements.get(on, ())),
            debits=tuple(debits.get(on, ())),
            paydays=tuple(paydays.get(on, ())),
        )

    weeks = tuple(tuple(day(on) for on in week) for week in _weeks(month, last, week_begins))
    days = [one for week in weeks for one in week if one.in_month]
    shown = next((one for one in days if one.on.isoformat() == asked), None)
    return BillCalendar(
        month=month,
        weeks=weeks,
        shown_day=shown or next((one for one in days if one.is_today), None),
        before=month - relativedelta(months=1) if (month.year, month.month) > (FIRST_YEAR, 1) else None,
        after=month + relativedelta(months=1) if (month.year, month.month) < (LAST_YEAR, 12) else None,
        names_places=len(calendars) > 1,
        without_debits=last > today + timedelta(days=FORECAST_DAYS),
    )


def _weeks(month: date, last: date, week_begins: int) -> Iterator[list[date]]:
    """Whole weeks that hold every day from `month` to `last`."""
    monday = month - timedelta(days=(month.weekday() - week_begins) % DAYS_OF_WEEK)
    while monday <= last:
        yield [monday + timedelta(days=n) for n in range(DAYS_OF_WEEK)]
        monday += timedelta(days=DAYS_OF_WEEK)


def _calendars_in_use(household: Household) -> dict[str, Calendar]:
    """The calendars by which the household's loans and inflows tell working days, by code; two queries."""
    terms = TermsVersion.objects.filter(
        household=household, loan__archived_at=None, loan__settled_on=None, conventions__has_key="holiday_calendar"
    )
    codes = set(terms.values_list("conventions__holiday_calendar", flat=True).distinct())
    codes |= set(PlannedInflow.objects.live().filter(household=household).values_list("holiday_calendar", flat=True))
    return {code: calendar_of(code) for code in sorted(code for code in codes if code)}


def _debits(household: Household, month: date, last: date, today: date) -> dict[date, list[DayDebit]]:
    found: defaultdict[date, list[DayDebit]] = defaultdict(list)
    if month <= today:
        for on, debit in _tried(household, month, last):
            found[on].append(debit)
    if today <= last <= today + timedelta(days=FORECAST_DAYS):
        for on, debit in _coming(household, month, last, today):
            found[on].append(debit)
    return found


_TRIED = {
    Outcome.SUCCESS: DebitState.DEBITED,
    Outcome.PARTIAL: DebitState.DEBITED,
    Outcome.PRESUMED: DebitState.PRESUMED,
    Outcome.FAILED: DebitState.FAILED,
}


def _tried(household: Household, month: date, last: date) -> Iterator[tuple[date, DayDebit]]:
    """What was debited, as far as is known today; of several tries of one bill on a day the last."""
    tries = (
        AutoRepayAttempt.objects.filter(household=household, debit_on__range=(month, last))
        .exclude(outcome=Outcome.SKIPPED)
        .order_by("pk")
        .values_list(
            *("debit_on", "bill", "account__name", "account__last4", "account__currency"),
            *("outcome", "requested", "debited", "missing", "repayment"),
        )
    )
    rows = {(on, bill, name, last4): (on, name, last4, *rest) for on, bill, name, last4, *rest in tries}
    undone = failed_after_all(row[-1] for row in rows.values() if row[-1] is not None)
    groups: defaultdict[tuple[date, str, str, DebitState], list[tuple[int, int]]] = defaultdict(list)
    for on, name, last4, currency, outcome, requested, debited, missing, repayment in rows.values():
        state = DebitState.FAILED if repayment in undone else _TRIED[Outcome(outcome)]
        account = str(FundingAccount(name=name, last4=last4))
        amount = requested if state is DebitState.FAILED else debited
        groups[on, account, currency, state].append((amount, missing if state is DebitState.FAILED else 0))
    for (on, account, currency, state), amounts in groups.items():
        taken, missing = (sum(column) for column in zip(*amounts, strict=True))
        yield on, DayDebit(account, currency, state, taken, len(amounts), missing)


def _coming(household: Household, month: date, last: date, today: date) -> Iterator[tuple[date, DayDebit]]:
    """What is going to be debited, by account and day, with the worst that can be said of any of it."""
    groups: defaultdict[tuple[date, FundingAccount], list[tuple[BillCover, int]]] = defaultdict(list)
    for line in account_lines(household, today, (last - today).days):
        for step in line.steps:
            if step.cover is not None and month <= step.on <= last:
                groups[step.on, line.account].append((step.cover, step.amount))
    for (on, account), parts in groups.items():
        capped = [cover for cover, _ in parts if cover.above_cap]
        taken = [(cover, amount) for cover, amount in parts if not cover.above_cap]
        if taken:
            worst = max((cover.funding for cover, _ in taken), key=WORSE.index)
            amount, missing = sum(amount for _, amount in taken), sum(cover.missing for cover, _ in taken)
            yield on, DayDebit(str(account), account.currency, _COMING[worst], amount, len(taken), missing)
        if capped:
            amount = sum(cover.amount for cover in capped)
            yield on, DayDebit(str(account), account.currency, DebitState.CAPPED, amount, len(capped))


_COMING = {
    Funding.COVERED: DebitState.COVERED,
    Funding.SHORT: DebitState.SHORT,
    Funding.UNKNOWN: DebitState.UNKNOWN,
}


def _paydays(household: Household, month: date, last: date) -> dict[date, list[Payday]]:
    found: defaultdict[date, list[Payday]] = defaultdict(list)
    inflows = PlannedInflow.objects.live().filter(household=household, account__archived_at=None)
    for inflow in inflows.select_related("account").order_by("pk"):
        for on in plan_of(inflow).days(month, last):
            account = inflow.account
            found[on].append(Payday(inflow.name, str(account), account.currency, inflow.amount))
    return found
