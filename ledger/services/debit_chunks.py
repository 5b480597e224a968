"""Auto-repay in the large: the debits of many households in one transaction, decided over plain values and written
set-based. It does what `services.autorepay` does one by one, for the usual case alone: a bill whose moment has come
today, not tried before, paid in full or not at all. A household with anything else among its debits goes one by one."""

from __future__ import annotations

import heapq
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import OperationalError, transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q
from django.db.models.functions import Least

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode, DebitOutcome, Source, Try, decide
from ledger.loanmath.debits import next_moment, passed_moments
from ledger.loanmath.funding import Balance
from ledger.loanmath.settling_bills import OtherBills, Payment, Settled, StoredBill, StoredLoan, settle_bill
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, FundingAccount, Household, Loan
from ledger.selectors.balances import balances_on
from ledger.selectors.coming_debits import sources_of
from ledger.selectors.decided import covered_from, fell_back_at
from ledger.services.autorepay import ask_if_failing, debit_household
from ledger.services.debit_rows import Debited, write_debits

log = logging.getLogger(__name__)

CHUNK = 500  # loans in one transaction, about
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
    done = 0
    until = monotonic() + SWEEP_LASTS
    for households in list(due_ranges(now)):
        done += debit_range(households, now)
        if monotonic() > until:
            break
    return done


def debit_range(households: HouseholdRange, now: datetime) -> int:
    """Everything auto-repay has to have done by `now` for a range of households; the number of attempts recorded."""
    due = Loan.objects.to_debit(now).filter(household_id__gte=households.first, household_id__lte=households.last)
    counts = list(due.order_by("household").values_list("household").annotate(loans=Count("pk")))
    return sum(debit_chunk(group, now) for group in _groups(counts, CHUNK))


def debit_chunk(households: Sequence[int], now: datetime) -> int:
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
    return done + sum(debit_household(household, now) for household in rest)


@dataclass(slots=True)
class _Due:
    """One loan with the one bill of it that is due."""

    loan: Any
    mandate: AutoRepayMandate
    bill: Any
    coming_asked_on: date | None
    coming_payable_on: date | None
    moments: list[datetime]


@dataclass(slots=True)
class _Home:
    """The due loans of a household; its accounts as they are on its day, changed as debits are decided."""

    today: date
    local: ZoneInfo
    due: list[_Due] = field(default_factory=list)
    decided: list[Debited] = field(default_factory=list)
    failing: list[AutoRepayMandate] = field(default_factory=list)


class _UnusualError(Exception):
    """A household whose debits need the general way."""


def _debit_together(households: Sequence[int], now: datetime) -> tuple[int, list[int]]:
    """The attempts recorded, and the households left to the general way."""
    # Locks are taken in this order everywhere: accounts, loans, each by id.
    accounts = FundingAccount.objects.filter(household__in=households).order_by("pk").select_for_update(no_key=True)
    is_open = {pk: archived_at is None for pk, archived_at in accounts.values_list("pk", "archived_at")}
    due = Loan.objects.to_debit(now).filter(household__in=households).order_by("pk")
    held = list(due.select_for_update().values_list("pk", flat=True))
    loans = list(Loan.objects.filter(pk__in=held).select_related("mandate").order_by("pk"))  # as `projection.lock` does
    zones = dict(Household.objects.filter(pk__in=households).values_list("pk", "time_zone"))
    homes = {pk: _Home(now.astimezone(zone(name)).date(), zone(name)) for pk, name in zones.items()}
    unusual = _find_due(homes, loans, now)
    sources = sources_of({loan.mandate_id for loan in loans if loan.mandate_id})
    balances = _balances(homes, loans, sources)
    for pk, home in homes.items():
        if pk in unusual:
            continue
        try:
            _decide_home(home, sources, balances, is_open)
        except _UnusualError:
            unusual.add(pk)
    usual = [home for pk, home in homes.items() if pk not in unusual]
    done = write_debits([one for home in usual for one in home.decided], now)
    for home in usual:
        for mandate in home.failing:
            ask_if_failing(mandate, now)
    return done, sorted(unusual & {loan.household_id for loan in loans})


def _balances(
    homes: dict[int, _Home], loans: Iterable[Loan], sources: dict[int, list[int]]
) -> dict[int, Balance | None]:
    """What each account that is debited holds on its household's day."""
    by_day: defaultdict[date, set[int]] = defaultdict(set)
    for loan in loans:
        if loan.mandate_id is not None:
            by_day[homes[loan.household_id].today].update(sources[loan.mandate_id])
    found: dict[int, Balance | None] = {}
    for day, accounts in by_day.items():
        found |= balances_on(accounts, day)
    return found


# --- Which loans are due, and whether in the usual way


def _find_due(homes: dict[int, _Home], loans: Sequence[Loan], now: datetime) -> set[int]:
    """Fill in what is due of each household; the households with something unusual."""
    bills, unusual_loans = _due_bills(homes, loans)
    fell_back = fell_back_at(loans)
    coming = _coming_bills([loan.pk for loan in loans], {loan: bill.pk for loan, bill in bills.items()})
    unusual = set()
    for loan in loans:
        home, mandate, bill = homes[loan.household_id], loan.mandate, bills.get(loan.pk)
        if mandate is None or bill is None or loan.pk in unusual_loans or not _is_usual(loan, mandate, home.today):
            unusual.add(loan.household_id)
            continue
        known = max(mandate.authorized_at, loan.opened_at, fell_back.get(loan.pk, loan.opened_at))
        moments = passed_moments([bill.payable_on], mandate.rule, home.local, known, now)
        is_covered = bill.payable_on >= covered_from(loan, home.local.key)
        if not moments or moments[0].date() != home.today or not is_covered:
            unusual.add(loan.household_id)
            continue
        asked_on, payable_on = coming.get(loan.pk, (None, None))
        home.due.append(_Due(loan, mandate, bill, asked_on, payable_on, moments))
    return unusual


def _is_usual(loan: Loan, mandate: AutoRepayMandate, today: date) -> bool:
    """Whether the mandate takes all of a bill, and nothing else has to be looked after."""
    return (
        mandate.mode in (AmountMode.BILL, AmountMode.FULL)
        and (mandate.expires_on is None or today <= mandate.expires_on)
        and mandate.trust_days is None
        and loan.auto_repay_failures == 0
        and (loan.next_change_on is None or loan.next_change_on > today)
    )


def _due_bills(homes: dict[int, _Home], loans: Sequence[Loan]) -> tuple[dict[int, Any], set[int]]:
    """The one open bill of each loan that may be debited by today, and the loans that have several, or one that was
    tried or paid in part before."""
    earlier = {loan.pk: loan.mandate.day_offset if loan.mandate else 0 for loan in loans}
    until = max(home.today for home in homes.values()) - timedelta(days=min(earlier.values(), default=0))
    tried = AutoRepayAttempt.objects.filter(bill=OuterRef("pk"))
    rows = (
        Bill.objects.filter(loan__in=[loan.pk for loan in loans])
        .open()
        .filter(payable_on__lte=until)
        .annotate(is_tried=Exists(tried))
    )
    found: dict[int, Any] = {}
    unusual = set()
    today = {loan.pk: homes[loan.household_id].today for loan in loans}
    for bill in rows:
        if bill.payable_on + timedelta(days=earlier[bill.loan_id]) > today[bill.loan_id]:
            continue
        if bill.loan_id in found or bill.is_tried or bill.paid.total or bill.open.total <= 0:
            unusual.add(bill.loan_id)
        found[bill.loan_id] = bill
    return found, unusual


def _coming_bills(loans: Sequence[int], due: dict[int, int]) -> dict[int, tuple[date | None, date | None]]:
    """By loan: when the first of its other open bills is asked for, and when the first of them is payable."""
    rows = (
        Bill.objects.filter(loan__in=loans)
        .open()
        .exclude(pk__in=due.values())
        .order_by()
        .values_list("loan")
        .annotate(asked_on=Min(Least("due_on", "payable_on")), first_payable_on=Min("payable_on"))
    )
    return {loan: (asked_on, payable_on) for loan, asked_on, payable_on in rows}


# --- What each debit comes to


def _decide_home(
    home: _Home, sources: dict[int, list[int]], balances: dict[int, Balance | None], is_open: dict[int, bool]
) -> None:
    """Decide the debits of a household in the order the lenders get to them. Raises _UnusualError."""
    waiting = [(*_order(one), 0, n) for n, one in enumerate(home.due)]
    heapq.heapify(waiting)
    last_settled = _last_settled([one for one in home.due if one.coming_asked_on is None])
    while waiting:
        *_, nth, n = heapq.heappop(waiting)
        one = home.due[n]
        found = [Source(account, balances[account], is_open[account]) for account in sources[one.mandate.pk]]
        tries = decide(one.bill.open.total, found, one.bill.payable_on, one.mandate.limits)
        if len(tries) > 1 or tries[0].outcome is DebitOutcome.PARTIAL:
            raise _UnusualError
        if tries[0].outcome is DebitOutcome.FAILED:
            if nth + 1 < len(one.moments):
                heapq.heappush(waiting, (one.moments[nth + 1], *_order(one)[1:], nth + 1, n))
                continue
            home.failing.append(one.mandate)
        home.decided.append(_debited(one, tries[0], one.moments[nth], home, last_settled))
        _take(balances, tries[0])


def _order(one: _Due) -> tuple[datetime, bool, date, int, int]:
    """As `services.autorepay.Debit` sorts."""
    loan, bill = one.loan, one.bill
    return one.moments[0], not loan.bears_penalty, bill.payable_on, one.mandate.priority, bill.pk


def _take(balances: dict[int, Balance | None], this: Try) -> None:
    before = balances[this.account]
    if before is not None and this.taken:
        balances[this.account] = Balance(before.amount - this.taken, before.stated_on, before.expected)


def _last_settled(last: list[_Due]) -> dict[int, date]:
    """For loans of which the last open bill is due: the last day on which one that asked for anything was settled."""
    if not last:
        return {}
    asked = Q(principal_due__gt=0) | Q(interest_due__gt=0) | Q(fee_due__gt=0) | Q(penalty_due__gt=0)
    bills = Bill.objects.filter(asked, loan__in=[one.loan.pk for one in last], is_needed=True, settled_on__isnull=False)
    return dict(bills.order_by().values_list("loan").annotate(last=Max("settled_on")))


def _debited(one: _Due, this: Try, at: datetime, home: _Home, last_settled: dict[int, date]) -> Debited:
    settled = _settle(one, this, home.today, last_settled) if this.taken else None
    if this.taken and settled is None:
        raise _UnusualError
    rule, coming = one.mandate.rule, one.coming_payable_on
    days = [one.bill.payable_on] if settled is None else []
    days += [coming] if coming is not None else []
    return Debited(
        loan=one.loan,
        mandate=one.mandate.pk,
        bill=one.bill,
        at=at,
        on=home.today,
        this=this,
        settled=settled,
        next_at=next_moment(days, rule, home.local, at),
    )


def _settle(one: _Due, this: Try, today: date, last_settled: dict[int, date]) -> Settled | None:
    loan, bill = one.loan, one.bill
    stored = StoredLoan(loan.projected_on, loan.next_change_on, loan.settling, loan.outstanding_principal)
    due, paid, waived = bill.due, bill.paid, bill.waived
    return settle_bill(
        stored,
        StoredBill(
            starts_on=bill.starts_on,
            due_on=bill.due_on,
            payable_on=bill.payable_on,
            deferred_from=bill.deferred_from,
            due=(due.principal, due.interest, due.fee, due.penalty),
            paid=(paid.principal, paid.interest, paid.fee, paid.penalty),
            waived=(waived.principal, waived.interest, waived.fee, waived.penalty),
            presumed=bill.presumed,
            changes_after=bill.changes_after,
        ),
        OtherBills(one.coming_asked_on, last_settled.get(loan.pk)),
        Payment(this.taken, today, this.outcome is DebitOutcome.PRESUMED),
        today,
    )
