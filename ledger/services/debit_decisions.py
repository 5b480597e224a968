"""What the debits of many households come to, decided over plain values: nothing is written here.

For the usual case alone: a bill whose moment has come today, not tried before, paid in full or not at all. Whatever is
said about one household here is what `services.autorepay` would do bill by bill.
"""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast, Least

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode, DebitLimits, DebitOutcome, Source, Try, decide
from ledger.loanmath.debits import DebitRule, moments, next_moment
from ledger.loanmath.funding import Balance
from ledger.loanmath.settling_bills import OtherBills, Payment, Settled, StoredBill, StoredLoan, settle_bill
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, FundingAccount, Household, Loan
from ledger.selectors.balances import balances_on
from ledger.selectors.coming_debits import sources_of
from ledger.selectors.decided import fell_back_at
from ledger.services.debit_rows import Debited, DebitRow, debit_rows


class DueLoan(NamedTuple):
    """A loan that auto-repay has something to do for. Whatever changes its bills or its debits changes one of these."""

    household: int
    version: int
    auto_repay_at: str
    mandate: int | None


class Standing(NamedTuple):
    """What can change of a mandate that has not ended; as texts."""

    paused: str | None
    resumes: str | None
    authorized: str

    @property
    def paused_on(self) -> date | None:
        day: date | None = _day(self.paused)
        return day

    @property
    def resumes_on(self) -> date | None:
        day: date | None = _day(self.resumes)
        return day

    @property
    def authorized_at(self) -> datetime:
        return _moment(self.authorized)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the debits of some households rest on. Where it is the same as before, so is everything behind it: bills
    change with the version of their loan, which only grows, attempts move its next debit, and of a mandate nothing can
    change but what is here, from where it is read.
    """

    zones: dict[int, str]  # by household
    loans: dict[int, DueLoan]
    mandates: dict[int, Standing]
    sources: dict[int, list[int]]  # the accounts of a mandate
    is_open: dict[int, bool]  # by account
    balances: dict[int, Balance | None]  # of accounts that a due loan may be paid from, on their household's day


def look(
    households: Sequence[int], now: datetime, *, hold: bool = False, sources: dict[int, list[int]] | None = None
) -> Grounds:
    """What the debits due by `now` rest on; with `hold` accounts and due loans are held until the transaction ends.
    `sources` where they are known already: of a mandate they never change; those of one that is new are read.

    What is held is read once it is: see `projection.lock`. Locks are taken in this order everywhere: accounts, loans,
    each by id.
    """
    accounts = FundingAccount.objects.filter(household__in=households).order_by("pk")
    due = Loan.objects.to_debit(now).filter(household__in=households).order_by("pk")
    if hold:
        accounts = accounts.select_for_update(no_key=True)
    is_open = {pk: archived_at is None for pk, archived_at in accounts.values_list("pk", "archived_at")}
    found: Any = (due.select_for_update() if hold else due).annotate(next_at=_text("auto_repay_at"))
    found = found.values_list("pk", "household_id", "version", "next_at", "mandate_id")
    loans = {row[0]: DueLoan._make(row[1:]) for row in found}
    zones = dict(Household.objects.filter(pk__in=households).values_list("pk", "time_zone"))
    used = AutoRepayMandate.objects.filter(pk__in=due.order_by().values("mandate"))
    changing = {f"{name}_text": _text(name) for name in ("paused_on", "resumes_on", "authorized_at")}
    mandates = {row[0]: Standing._make(row[1:]) for row in used.annotate(**changing).values_list("pk", *changing)}
    if sources is None or not mandates.keys() <= sources.keys():
        sources = dict(sources_of(used))
    return Grounds(zones, loans, mandates, sources, is_open, _balances(zones, loans, sources, now))


def _text(name: str) -> Cast:
    return Cast(name, TextField())


def _balances(
    zones: dict[int, str], loans: dict[int, DueLoan], sources: dict[int, list[int]], now: datetime
) -> dict[int, Balance | None]:
    by_day: defaultdict[date, set[int]] = defaultdict(set)
    today = {name: now.astimezone(zone(name)).date() for name in set(zones.values())}
    for loan in loans.values():
        if loan.mandate is not None and loan.household in zones:
            by_day[today[zones[loan.household]]].update(sources.get(loan.mandate, []))
    found: dict[int, Balance | None] = {}
    for day, accounts in by_day.items():
        found |= balances_on(accounts, day)
    return found


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is to be written, the mandates under which a debit fails, and the households left to the general way."""

    rows: list[DebitRow]
    failing: set[int]
    unusual: set[int]


def decide_debits(grounds: Grounds, now: datetime) -> Decisions:
    """Decide all debits due by `now` of the households that have nothing unusual among them.

    A mandate that came while the grounds were read, over an account that is not among them, is unusual.
    """
    if not grounds.zones:
        return Decisions([], set(), set())
    known = grounds.is_open.keys() & grounds.balances.keys()
    mandates = {
        pk: standing
        for pk, standing in grounds.mandates.items()
        if pk in grounds.sources and known.issuperset(grounds.sources[pk])
    }
    homes = {pk: _Home(now.astimezone(zone(name)).date(), zone(name)) for pk, name in grounds.zones.items()}
    rows, coming, unusual = _due_bills(homes, grounds.loans, now)
    unusual |= _find_due(homes, rows, coming, mandates, now)
    balances = dict(grounds.balances)
    for pk, home in homes.items():
        if pk in unusual:
            continue
        try:
            _decide_home(home, grounds.sources, balances, grounds.is_open)
        except _UnusualError:
            unusual.add(pk)
    usual = [home for pk, home in homes.items() if pk not in unusual]
    return Decisions(
        rows=debit_rows([one for home in usual for one in home.decided]),
        failing={mandate for home in usual for mandate in home.failing},
        unusual=unusual & {loan.household for loan in grounds.loans.values()},
    )


@lru_cache(maxsize=4096)  # many bills, few days
def _day(text: Any) -> Any:
    return None if text is None else date.fromisoformat(text)


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    said = datetime.fromisoformat(text)
    return said if said.tzinfo else said.replace(tzinfo=UTC)  # SQLite keeps UTC without saying so


class _Row(NamedTuple):
    """An open bill that a lender may debit by today, with its loan and mandate, as plain values."""

    bill: int
    number: int
    starts_on: date
    due_on: date
    payable_on: date
    deferred_from: date | None
    presumed: int
    changes_after: date | None
    principal_due: int
    interest_due: int
    fee_due: int
    penalty_due: int
    principal_paid: int
    interest_paid: int
    fee_paid: int
    penalty_paid: int
    principal_waived: int
    interest_waived: int
    fee_waived: int
    penalty_waived: int
    is_tried: bool
    loan: int
    household: int
    opened_at: datetime
    projected_on: date
    next_change_on: date | None
    settling: str
    outstanding_principal: int
    bears_penalty: bool
    failures: int
    mandate: int | None
    mandate_of: int | None  # the loan, where it is that loan's own
    mode: str
    cap: int | None
    partial: bool
    priority: int
    trust_days: int | None
    started_on: date
    expires_on: date | None
    day_offset: int
    daily: bool
    tries_a_day: int
    windows: str  # these as JSON
    retry_windows: str
    retry_days: str

    def lender(self, pause: Standing, local: ZoneInfo) -> _Lender:
        return _lender(local, pause.paused_on, pause.resumes_on, *self[_RULE:])

    @property
    def asked(self) -> int:
        """What is open of the bill."""
        due = self.principal_due + self.interest_due + self.fee_due + self.penalty_due
        return due - self.waived - self.paid

    @property
    def paid(self) -> int:
        return self.principal_paid + self.interest_paid + self.fee_paid + self.penalty_paid

    @property
    def waived(self) -> int:
        return self.principal_waived + self.interest_waived + self.fee_waived + self.penalty_waived


_RULE = _Row._fields.index("day_offset")


def _paths() -> Iterator[str]:
    """Where each field of a _Row is found, seen from the bill."""
    of_loan, of_mandate = _Row._fields.index("household"), _Row._fields.index("mode")
    for place, name in enumerate(_Row._fields):
        if place >= of_mandate:
            yield f"loan__mandate__{name}"
        elif place >= of_loan:
            yield _ELSEWHERE.get(name, f"loan__{name}")
        else:
            yield _ELSEWHERE.get(name, name)


_ELSEWHERE = {
    "bill": "pk",
    "loan": "loan_id",
    "household": "loan__household_id",
    "failures": "loan__auto_repay_failures",
    "mandate": "loan__mandate_id",
    "mandate_of": "loan__mandate__loan_id",
}
_LISTS = ("windows", "retry_windows", "retry_days")
_DAYS = (
    *("starts_on", "due_on", "payable_on", "deferred_from", "changes_after", "projected_on", "next_change_on"),
    *("started_on", "expires_on"),
)
_MOMENTS = ("opened_at",)
_PARSED = [(_Row._fields.index(name), parse) for names, parse in ((_DAYS, _day), (_MOMENTS, _moment)) for name in names]


def _rows(bills: QuerySet[Bill]) -> Iterator[_Row]:
    """Bills with their loans and mandates. SQLite keeps days as text, and few different ones: parsing each of them, as
    Django would, took a third of the time."""
    is_text = connection.vendor == "sqlite"
    as_text = {*_LISTS, *_DAYS, *_MOMENTS} if is_text else set(_LISTS)
    columns = [
        Cast(path, TextField()) if name in as_text else (F(path) if name != "is_tried" else _IS_TRIED)
        for name, path in zip(_Row._fields, _paths(), strict=True)
    ]
    found = bills.annotate(**{f"column_{place}": column for place, column in enumerate(columns)})
    values = found.values_list(*(f"column_{place}" for place in range(len(columns))))
    return map(_parsed if is_text else _Row._make, values)


def _parsed(values: Sequence[Any]) -> _Row:
    plain = list(values)
    for place, parse in _PARSED:
        plain[place] = parse(plain[place])
    return _Row._make(plain)


_IS_TRIED = Exists(AutoRepayAttempt.objects.filter(bill=OuterRef("pk")))


@dataclass(frozen=True, eq=False, slots=True)
class _Lender:
    """When a lender debits, where the household is: one object for all bills with the same windows, so that what is
    kept by it is found at once."""

    rule: DebitRule
    local: ZoneInfo


@lru_cache(maxsize=4096)  # few lenders, few rules
def _lender(
    local: ZoneInfo,
    paused_on: date | None,
    resumes_on: date | None,
    day_offset: int,
    daily: bool,
    tries_a_day: int,
    windows: str,
    retry_windows: str,
    retry_days: str,
) -> _Lender:
    at, again, days = (tuple(json.loads(text)) for text in (windows, retry_windows, retry_days))
    return _Lender(DebitRule(at, day_offset, days, daily, again, tries_a_day, paused_on, resumes_on), local)


@dataclass(slots=True)
class _Due:
    """One loan with the one bill of it that is due: the moments that have come, and what is to come after it."""

    row: _Row
    lender: _Lender
    moments: list[datetime]
    coming: _Coming | None


@dataclass(slots=True)
class _Home:
    """The due loans of a household; its accounts as they are on its day, changed as debits are decided."""

    today: date
    local: ZoneInfo
    due: list[_Due] = field(default_factory=list)
    decided: list[Debited] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)


class _UnusualError(Exception):
    """A household whose debits need the general way."""


# --- Which loans are due, and whether in the usual way


class _Coming(NamedTuple):
    """When the first of a loan's other open bills is asked for, and when the first of them is payable."""

    asked_on: date
    payable_on: date


def _due_bills(
    homes: dict[int, _Home], loans: dict[int, DueLoan], now: datetime
) -> tuple[dict[int, _Row], dict[int, _Coming], set[int]]:
    """The one open bill of each loan (by its id, of a household) that may be debited by today, and what comes after it;
    and the households of loans that have none or several, or one that was tried or paid in part before."""
    tomorrow = max(home.today for home in homes.values()) + timedelta(days=1)
    open_bills = Bill.objects.filter(loan__household__in=homes, loan__auto_repay_at__lte=now).open()
    coming = _first_later(open_bills.filter(payable_on__gt=tomorrow))
    found: dict[int, _Row] = {}
    unusual: set[int] = set()
    for row in _rows(open_bills.filter(payable_on__lte=tomorrow)):
        if row.loan not in loans:
            continue  # due since the others were held: the next sweep's
        if row.mandate is not None and row.payable_on + timedelta(days=row.day_offset) > homes[row.household].today:
            others = coming.get(row.loan, _Coming(row.due_on, row.payable_on))
            coming[row.loan] = _Coming(
                min(row.due_on, row.payable_on, others.asked_on), min(row.payable_on, others.payable_on)
            )
            continue
        if row.loan in found or row.is_tried or row.paid or row.asked <= 0:
            unusual.add(row.household)
        found[row.loan] = row
    return found, coming, unusual | {loan.household for pk, loan in loans.items() if pk not in found}


def _first_later(bills: QuerySet[Bill]) -> dict[int, _Coming]:
    """For each loan of these bills when the first of them is asked for, and when the first is payable."""
    is_text = connection.vendor == "sqlite"
    asked_on: Any = Min(Least("due_on", "payable_on"))
    payable_on: Any = Min("payable_on")
    if is_text:
        asked_on, payable_on = Cast(asked_on, TextField()), Cast(payable_on, TextField())
    first: Any = bills.order_by().values_list("loan").annotate(asked_on=asked_on, first_payable_on=payable_on)
    parse = _day if is_text else _as_is
    return {loan: _Coming(parse(asked_on), parse(payable_on)) for loan, asked_on, payable_on in first}


def _as_is(day: date) -> date:
    return day


def _find_due(
    homes: dict[int, _Home],
    rows: dict[int, _Row],
    coming: dict[int, _Coming],
    mandates: dict[int, Standing],
    now: datetime,
) -> set[int]:
    """Fill in what is due of each household; the households with something unusual."""
    wide = [row.loan for row in rows.values() if row.mandate is not None and row.mandate_of is None]
    fell_back = fell_back_at(Loan.objects.filter(pk__in=wide).select_related("mandate")) if wide else {}
    unusual = set()
    for loan, row in rows.items():
        home = homes[row.household]
        standing = mandates.get(row.mandate or 0)
        if standing is None or not _is_usual(row, home.today):
            unusual.add(row.household)
            continue
        lender = row.lender(standing, home.local)
        known = max(standing.authorized_at, row.opened_at, fell_back.get(loan, row.opened_at))
        looks = [look for look in _looks(row.payable_on, lender, now) if look.at > known]
        is_covered = row.payable_on >= max(row.started_on, row.opened_at.astimezone(home.local).date())
        if not looks or looks[0].on != home.today or not is_covered:
            unusual.add(row.household)
            continue
        home.due.append(_Due(row, lender, [look.at for look in looks], coming.get(loan)))
    return unusual


def _is_usual(row: _Row, today: date) -> bool:
    """Whether the mandate takes all of the bill, and nothing else has to be looked after."""
    return (
        row.mandate is not None
        and row.mode in (AmountMode.BILL, AmountMode.FULL)
        and (row.expires_on is None or today <= row.expires_on)
        and row.trust_days is None
        and row.failures == 0
        and (row.next_change_on is None or row.next_change_on > today)
    )


class _Look(NamedTuple):
    """A moment of debit (UTC), and its day where the household is."""

    at: datetime
    on: date


@lru_cache(maxsize=4096)  # most bills of a chunk share their day and their lender's windows
def _looks(payable_on: date, lender: _Lender, now: datetime) -> tuple[_Look, ...]:
    """The moments of debit of a bill that have come by `now`."""
    return tuple(
        _Look(at.astimezone(UTC), at.date()) for at in moments(payable_on, lender.rule, lender.local) if at <= now
    )


@lru_cache(maxsize=4096)
def _next_moment(days: tuple[date, ...], lender: _Lender, after: datetime) -> datetime | None:
    found = next_moment(days, lender.rule, lender.local, after)
    return found and found.astimezone(UTC)


# --- What each debit comes to


def _decide_home(
    home: _Home, sources: dict[int, list[int]], balances: dict[int, Balance | None], is_open: dict[int, bool]
) -> None:
    """Decide the debits of a household in the order the lenders get to them. Raises _UnusualError."""
    waiting = [(one.moments[0], *_order(one.row), 0, n) for n, one in enumerate(home.due)]
    heapq.heapify(waiting)
    last_settled = _last_settled([one.row.loan for one in home.due if one.coming is None])
    while waiting:
        *_, nth, n = heapq.heappop(waiting)
        one, row = home.due[n], home.due[n].row
        assert row.mandate is not None
        found = [Source(account, balances[account], is_open[account]) for account in sources[row.mandate]]
        tries = decide(row.asked, found, row.payable_on, DebitLimits(row.cap, row.partial))
        if len(tries) > 1 or tries[0].outcome is DebitOutcome.PARTIAL:
            raise _UnusualError
        if tries[0].outcome is DebitOutcome.FAILED:
            if nth + 1 < len(one.moments):
                heapq.heappush(waiting, (one.moments[nth + 1], *_order(row), nth + 1, n))
                continue
            home.failing.append(row.mandate)
        home.decided.append(_debited(one, tries[0], one.moments[nth], home, last_settled))
        _take(balances, tries[0])
    if any(one.this.taken and one.mandate in home.failing for one in home.decided):
        raise _UnusualError  # whether to ask is to be seen after each failure: what was taken later ends their row


def _order(row: _Row) -> tuple[bool, date, int, int]:
    """As `services.autorepay.Debit` sorts the debits of one moment."""
    return not row.bears_penalty, row.payable_on, row.priority, row.bill


def _take(balances: dict[int, Balance | None], this: Try) -> None:
    before = balances[this.account]
    if before is not None and this.taken:
        balances[this.account] = Balance(before.amount - this.taken, before.stated_on, before.expected)


def _last_settled(loans: list[int]) -> dict[int, date]:
    """For loans of which the last open bill is due: the last day on which one that asked for anything was settled."""
    if not loans:
        return {}
    asked = Q(principal_due__gt=0) | Q(interest_due__gt=0) | Q(fee_due__gt=0) | Q(penalty_due__gt=0)
    bills = Bill.objects.filter(asked, loan__in=loans, is_needed=True, settled_on__isnull=False)
    return dict(bills.order_by().values_list("loan").annotate(last=Max("settled_on")))


def _debited(one: _Due, this: Try, at: datetime, home: _Home, last_settled: dict[int, date]) -> Debited:
    row = one.row
    assert row.mandate is not None
    settled = _settle(one, this, home.today, last_settled) if this.taken else None
    if this.taken and settled is None:
        raise _UnusualError
    days = (row.payable_on,) if settled is None else ()
    if one.coming is not None:
        days = (*days, one.coming.payable_on)
    return Debited(
        household=row.household,
        loan=row.loan,
        mandate=row.mandate,
        bill=row.bill,
        bill_number=row.number,
        at=at,
        on=home.today,
        this=this,
        settled=settled,
        next_at=_next_moment(days, one.lender, at),
    )


def _settle(one: _Due, this: Try, today: date, last_settled: dict[int, date]) -> Settled | None:
    row = one.row
    return settle_bill(
        StoredLoan(row.projected_on, row.next_change_on, row.settling, row.outstanding_principal),
        StoredBill(
            starts_on=row.starts_on,
            due_on=row.due_on,
            payable_on=row.payable_on,
            deferred_from=row.deferred_from,
            due=(row.principal_due, row.interest_due, row.fee_due, row.penalty_due),
            paid=(row.principal_paid, row.interest_paid, row.fee_paid, row.penalty_paid),
            waived=(row.principal_waived, row.interest_waived, row.fee_waived, row.penalty_waived),
            presumed=row.presumed,
            changes_after=row.changes_after,
        ),
        OtherBills(one.coming and one.coming.asked_on, last_settled.get(row.loan)),
        Payment(this.taken, today, this.outcome is DebitOutcome.PRESUMED),
        today,
    )
