"""What the debits of many households come to, decided over plain values: nothing is written here.

For the usual case alone: a bill whose moment has come today, not tried before, paid in full or not at all. Whatever is
said about one household here is what `services.autorepay` would do bill by bill.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Max, Q

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode, DebitLimits, DebitOutcome, Source, Try, decide
from ledger.loanmath.debits import moments, next_moment
from ledger.loanmath.funding import Balance
from ledger.loanmath.settling_bills import OtherBills, Payment, Settled, StoredBill, StoredLoan, settle_bill
from ledger.models import Bill, Loan
from ledger.selectors.decided import fell_back_at
from ledger.services.debit_grounds import Coming, DueBill, DueLoan, Grounds, Lender, Standing, due_bills, first_later
from ledger.services.debit_rows import Debited, DebitRow, debit_rows


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
    rows, coming, unusual = _bill_of_each(homes, grounds.loans, now)
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


@dataclass(slots=True)
class _Due:
    """One loan with the one bill of it that is due: the moments that have come, and what is to come after it."""

    row: DueBill
    lender: Lender
    moments: list[datetime]
    coming: Coming | None


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


def _bill_of_each(
    homes: dict[int, _Home], loans: dict[int, DueLoan], now: datetime
) -> tuple[dict[int, DueBill], dict[int, Coming], set[int]]:
    """The one open bill of each loan (by its id, of a household) that may be debited by today, and what comes after it;
    and the households of loans that have none or several, or one that was tried or paid in part before."""
    tomorrow = max(home.today for home in homes.values()) + timedelta(days=1)
    open_bills = Bill.objects.filter(loan__household__in=homes, loan__auto_repay_at__lte=now).open()
    coming = first_later(open_bills.filter(payable_on__gt=tomorrow))
    found: dict[int, DueBill] = {}
    unusual: set[int] = set()
    for row in due_bills(open_bills.filter(payable_on__lte=tomorrow)):
        if row.loan not in loans:
            continue  # due since the others were held: the next sweep's
        if row.mandate is not None and row.payable_on + timedelta(days=row.day_offset) > homes[row.household].today:
            others = coming.get(row.loan, Coming(row.due_on, row.payable_on))
            coming[row.loan] = Coming(
                min(row.due_on, row.payable_on, others.asked_on), min(row.payable_on, others.payable_on)
            )
            continue
        if row.loan in found or row.is_tried or row.paid or row.asked <= 0:
            unusual.add(row.household)
        found[row.loan] = row
    return found, coming, unusual | {loan.household for pk, loan in loans.items() if pk not in found}


def _find_due(
    homes: dict[int, _Home],
    rows: dict[int, DueBill],
    coming: dict[int, Coming],
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


def _is_usual(row: DueBill, today: date) -> bool:
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
def _looks(payable_on: date, lender: Lender, now: datetime) -> tuple[_Look, ...]:
    """The moments of debit of a bill that have come by `now`."""
    return tuple(
        _Look(at.astimezone(UTC), at.date()) for at in moments(payable_on, lender.rule, lender.local) if at <= now
    )


@lru_cache(maxsize=4096)
def _next_moment(days: tuple[date, ...], lender: Lender, after: datetime) -> datetime | None:
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


def _order(row: DueBill) -> tuple[bool, date, int, int]:
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
