"""Auto-repay in the large: the debits of many households in one transaction, decided over plain values and written
set-based. It does what `services.autorepay` does one by one, for the usual case alone: a bill whose moment has come
today, not tried before, paid in full or not at all. A household with anything else among its debits goes one by one."""

from __future__ import annotations

import heapq
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import inf
from time import monotonic
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import OperationalError, transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, TextField
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
from ledger.services.autorepay import ask_if_failing, debit_household
from ledger.services.debit_rows import Debited, write_debits

log = logging.getLogger(__name__)

CHUNK = 1_000  # loans in one transaction, about
SWEEP_LASTS = 45.0  # seconds after which a sweep leaves the rest to the next one
RANGE = 2_000  # loans in one message, about


class HouseholdRange(NamedTuple):
    """Households by their ids, both ends included."""

    first: int
    last: int


def due_ranges(now: datetime, size: int = RANGE) -> Iterator[HouseholdRange]:
    """Ranges of households that have debits due by `now`, of about `size` loans each; one query."""
    counts = Loan.objects.to_debit(now).order_by("household").values_list("household").annotate(loans=Count("pk"))
    for group in _groups(counts.iterator(), size):
        yield HouseholdRange(group[0], group[-1])


def _groups(counts: Iterable[tuple[int, int]], size: int) -> Iterator[list[int]]:
    """Households in a row until there are `size` loans."""
    group: list[int] = []
    loans = 0
    for household, count in counts:
        group.append(household)
        loans += count
        if loans >= size:
            yield group
            group, loans = [], 0
    if group:
        yield group


def debit_due(now: datetime) -> int:
    """Do everything auto-repay has to have done by `now`, range by range; the number of attempts recorded.

    Any number may run at once. A loan that breaks off is put aside for a while and stops no other.
    """
    until = monotonic() + SWEEP_LASTS
    return sum(debit_range(households, now, until) for households in list(due_ranges(now)))


def debit_range(households: HouseholdRange, now: datetime, until: float | None = None) -> int:
    """Everything auto-repay has to have done by `now` for a range of households; the number of attempts recorded. What
    it has not got to by `until` (on the monotonic clock; SWEEP_LASTS from now) is left to the next sweep."""
    until = monotonic() + SWEEP_LASTS if until is None else until
    due = Loan.objects.to_debit(now).filter(household_id__gte=households.first, household_id__lte=households.last)
    counts = list(due.order_by("household").values_list("household").annotate(loans=Count("pk")))
    return sum(debit_chunk(group, now, until) for group in _groups(counts, CHUNK) if monotonic() < until)


def debit_chunk(households: Sequence[int], now: datetime, until: float = inf) -> int:
    """The debits of some households: together where they are of the usual kind, else one by one; the attempts recorded.

    A chunk that fails leaves nothing behind and is done one by one, where what is wrong with one loan stops no other.
    """
    try:
        with transaction.atomic():
            done, rest = _debit_together(households, now)
    except OperationalError as error:  # a busy or lost database: the next sweep finds it all as it is
        log.warning("Auto-repay of %s households is left to the next sweep: %s", len(households), error)
        return 0
    except Exception:
        log.exception("Auto-repay of households %s to %s goes one by one", households[0], households[-1])
        done, rest = 0, list(households)
    return done + sum(debit_household(household, now, until) for household in rest if monotonic() < until)


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
    authorized_at: datetime
    day_offset: int
    daily: bool
    tries_a_day: int
    paused_on: date | None
    resumes_on: date | None
    windows: str  # these as JSON
    retry_windows: str
    retry_days: str

    @property
    def rule(self) -> DebitRule:
        return _rule(*self[_Row._fields.index("day_offset") :])

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


_BILL_COLUMNS = _Row._fields[1 : _Row._fields.index("is_tried")]
_LOAN_COLUMNS = (
    *("loan_id", "loan__household_id", "loan__opened_at", "loan__projected_on", "loan__next_change_on"),
    *("loan__settling", "loan__outstanding_principal", "loan__bears_penalty", "loan__auto_repay_failures"),
    *("loan__mandate_id", "loan__mandate__loan_id"),
)
_MANDATE_COLUMNS = [
    f"loan__mandate__{name}" for name in _Row._fields[_Row._fields.index("mode") : _Row._fields.index("windows")]
]
_MANDATE_LISTS = {name: Cast(f"loan__mandate__{name}", TextField()) for name in _Row._fields[-3:]}


@lru_cache(maxsize=4096)  # few lenders, few rules
def _rule(
    day_offset: int,
    daily: bool,
    tries_a_day: int,
    paused_on: date | None,
    resumes_on: date | None,
    windows: str,
    retry_windows: str,
    retry_days: str,
) -> DebitRule:
    at, again, days = (tuple(json.loads(text)) for text in (windows, retry_windows, retry_days))
    return DebitRule(at, day_offset, days, daily, again, tries_a_day, paused_on, resumes_on)


@dataclass(slots=True)
class _Due:
    """One loan with the one bill of it that is due: the moments that have come, and what is to come after it."""

    row: _Row
    rule: DebitRule
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


def _debit_together(households: Sequence[int], now: datetime) -> tuple[int, list[int]]:
    """The attempts recorded, and the households left to the general way."""
    # Locks are taken in this order everywhere: accounts, loans, each by id.
    accounts = FundingAccount.objects.filter(household__in=households).order_by("pk").select_for_update(no_key=True)
    is_open = {pk: archived_at is None for pk, archived_at in accounts.values_list("pk", "archived_at")}
    due = Loan.objects.to_debit(now).filter(household__in=households).order_by("pk")
    loans = dict(due.select_for_update().values_list("pk", "household_id"))  # read further once held: see `lock`
    zones = dict(Household.objects.filter(pk__in=households).values_list("pk", "time_zone"))
    homes = {pk: _Home(now.astimezone(zone(name)).date(), zone(name)) for pk, name in zones.items()}
    rows, coming, unusual = _due_bills(homes, loans, now)
    unusual |= _find_due(homes, rows, coming, now)
    sources = sources_of(row.mandate for row in rows.values() if row.mandate is not None)
    balances = _balances(homes, sources)
    for pk, home in homes.items():
        if pk in unusual:
            continue
        try:
            _decide_home(home, sources, balances, is_open)
        except _UnusualError:
            unusual.add(pk)
    usual = [home for pk, home in homes.items() if pk not in unusual]
    done = write_debits([one for home in usual for one in home.decided], now)
    failing = {mandate for home in usual for mandate in home.failing}
    for mandate in AutoRepayMandate.objects.filter(pk__in=failing, asked_at=None):
        ask_if_failing(mandate, now)
    return done, sorted(unusual & set(loans.values()))


def _balances(homes: dict[int, _Home], sources: dict[int, list[int]]) -> dict[int, Balance | None]:
    """What each account that is debited holds on its household's day."""
    by_day: defaultdict[date, set[int]] = defaultdict(set)
    for home in homes.values():
        for one in home.due:
            if one.row.mandate is not None:
                by_day[home.today].update(sources[one.row.mandate])
    found: dict[int, Balance | None] = {}
    for day, accounts in by_day.items():
        found |= balances_on(accounts, day)
    return found


# --- Which loans are due, and whether in the usual way


class _Coming(NamedTuple):
    """When the first of a loan's other open bills is asked for, and when the first of them is payable."""

    asked_on: date
    payable_on: date


def _due_bills(
    homes: dict[int, _Home], loans: dict[int, int], now: datetime
) -> tuple[dict[int, _Row], dict[int, _Coming], set[int]]:
    """The one open bill of each loan (by its id, of a household) that may be debited by today, and what comes after it;
    and the households of loans that have none or several, or one that was tried or paid in part before."""
    tomorrow = max(home.today for home in homes.values()) + timedelta(days=1)
    open_bills = Bill.objects.filter(loan__household__in=homes, loan__auto_repay_at__lte=now).open()
    later = open_bills.filter(payable_on__gt=tomorrow).order_by().values_list("loan")
    first = later.annotate(first_asked_on=Min(Least("due_on", "payable_on")), first_payable_on=Min("payable_on"))
    coming = {loan: _Coming(asked_on, payable_on) for loan, asked_on, payable_on in first}
    bills = (
        open_bills.filter(payable_on__lte=tomorrow)
        .annotate(is_tried=Exists(AutoRepayAttempt.objects.filter(bill=OuterRef("pk"))))
        .annotate(**_MANDATE_LISTS)
        .values_list("pk", *_BILL_COLUMNS, "is_tried", *_LOAN_COLUMNS, *_MANDATE_COLUMNS, *_MANDATE_LISTS)
    )
    found: dict[int, _Row] = {}
    unusual: set[int] = set()
    for row in map(_Row._make, bills):
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
    return found, coming, unusual | {household for loan, household in loans.items() if loan not in found}


def _find_due(homes: dict[int, _Home], rows: dict[int, _Row], coming: dict[int, _Coming], now: datetime) -> set[int]:
    """Fill in what is due of each household; the households with something unusual."""
    wide = [row.loan for row in rows.values() if row.mandate is not None and row.mandate_of is None]
    fell_back = fell_back_at(Loan.objects.filter(pk__in=wide).select_related("mandate")) if wide else {}
    unusual = set()
    for loan, row in rows.items():
        home = homes[row.household]
        if not _is_usual(row, home.today):
            unusual.add(row.household)
            continue
        rule, known = row.rule, max(row.authorized_at, row.opened_at, fell_back.get(loan, row.opened_at))
        looks = [look for look in _looks(row.payable_on, rule, home.local, now) if look.at > known]
        is_covered = row.payable_on >= max(row.started_on, row.opened_at.astimezone(home.local).date())
        if not looks or looks[0].on != home.today or not is_covered:
            unusual.add(row.household)
            continue
        home.due.append(_Due(row, rule, [look.at for look in looks], coming.get(loan)))
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
def _looks(payable_on: date, rule: DebitRule, local: ZoneInfo, now: datetime) -> tuple[_Look, ...]:
    """The moments of debit of a bill that have come by `now`."""
    return tuple(_Look(at.astimezone(UTC), at.date()) for at in moments(payable_on, rule, local) if at <= now)


@lru_cache(maxsize=4096)
def _next_moment(days: tuple[date, ...], rule: DebitRule, local: ZoneInfo, after: datetime) -> datetime | None:
    found = next_moment(days, rule, local, after)
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
        next_at=_next_moment(days, one.rule, home.local, at),
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
