"""What auto-repay wants to be told or answered on the overview: failures, questions, debits that will not happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, QuerySet, Subquery

from ledger.clock import zone
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Household, Loan
from ledger.models.autorepay import Outcome
from ledger.querysets import BillQuerySet
from ledger.selectors.accounts import BillCover
from ledger.selectors.bills import BillRow, bill_rows
from ledger.selectors.mandates import covered_text
from ledger.selectors.prepared import Prepared

DAYS_AHEAD = 30
MOST_SHOWN = 10  # of each kind of news
FELL_SHORT = (Outcome.FAILED.value, Outcome.PARTIAL.value)


@dataclass(frozen=True, slots=True)
class FailedDebit:
    """The last try to debit an open bill took nothing, or (`debited`) only a part; `missing` is what `account` lacked.
    `pay_by` is the last day without a penalty, None where it is past; without `tries_again_at` pay by hand."""

    row: BillRow
    missing: int
    debited: int
    requested: int
    reason: str
    account: str
    account_id: int
    debit_on: date
    pay_by: date | None
    tries_again_on: date | None
    tries_again_at: datetime | None


@dataclass(frozen=True, slots=True)
class AskedMandate:
    """A mandate whose debits failed `times` in a row; `loan` is one it covers, whose page changes it."""

    id: int
    loan: int
    what: str
    times: int


@dataclass(frozen=True, slots=True)
class AboveCap:
    """A coming debit that its mandate's cap forbids: to be paid by hand."""

    row: BillRow
    cap: int
    on: date


@dataclass(frozen=True, slots=True)
class Expiring:
    """The next bill of a loan whose mandate has ended by its debit."""

    row: BillRow
    expires_on: date


@dataclass(frozen=True, slots=True)
class PutAside:
    """A loan whose debit broke off for `reason`; it is tried again by itself."""

    loan: int
    name: str
    lender: str
    reason: str


@dataclass(frozen=True, slots=True)
class MandateNews:
    failed: tuple[FailedDebit, ...]
    asked: tuple[AskedMandate, ...]
    above_cap: tuple[AboveCap, ...]
    expiring: tuple[Expiring, ...]
    put_aside: tuple[PutAside, ...]

    def __bool__(self) -> bool:
        return bool(self.failed or self.asked or self.above_cap or self.expiring or self.put_aside)


def mandate_news(household: Household, covers: Mapping[int, BillCover], today: date, troubled: int) -> MandateNews:
    """The news of a household's loans; `troubled`: how many have a debit that broke off. Two queries, and some more for
    each kind of news there is."""
    mandates = _mandates(household)
    failed = _failed_debits(household, covers, today)
    told = {one.row.id for one in failed}
    expiring = _expiring(household, [one for one in mandates if one.expires_on is not None], today)
    return MandateNews(
        failed=failed,
        asked=_asked([one for one in mandates if one.asked_at is not None]),
        above_cap=_above_cap(covers, today),
        expiring=tuple(one for one in expiring if one.row.id not in told),
        put_aside=_put_aside(household) if troubled else (),
    )


def _mandates(household: Household) -> list[AutoRepayMandate]:
    """Those with something to say: debits that failed again and again, an end."""
    news = [pk for (pk,) in _MANDATES(household=household.pk)]
    live = AutoRepayMandate.objects.filter(pk__in=news).select_related("loan", "credit_line", "lender")
    return list(live.order_by("pk")) if news else []


def _with_news(household: int) -> QuerySet[Any]:
    news = Q(asked_at__isnull=False) | Q(expires_on__isnull=False)
    return AutoRepayMandate.objects.live().filter(news, household=household).values_list("pk")


_MANDATES = Prepared(_with_news)


def _failed_debits(household: Household, covers: Mapping[int, BillCover], today: date) -> tuple[FailedDebit, ...]:
    """The last tries that left something open, of the oldest bills; debits begin a day before the payable one."""
    tries = [pk for pk, *_ in _FAILED(household=household.pk, begun=today + timedelta(days=1))]
    if not tries:
        return ()
    found = {one.bill_id: one for one in AutoRepayAttempt.objects.filter(pk__in=tries).select_related(*OF_A_TRY)}
    rows = bill_rows(Bill.objects.filter(pk__in=found).order_by("payable_on", "pk"), today)
    local = zone(household.time_zone)
    return tuple(_failed(found[row.id], row, covers.get(row.id), today, local) for row in rows)


OF_A_TRY = ("account", "bill__loan")


def _last_tries(household: int, begun: date) -> QuerySet[Any]:
    """Of bills payable by `begun`."""
    bills: BillQuerySet[Bill] = Bill.objects.of_household(household)
    last = AutoRepayAttempt.objects.filter(bill=OuterRef("bill")).order_by("-number").values("pk")[:1]
    return (
        AutoRepayAttempt.objects.filter(bill__in=bills.open().filter(payable_on__lte=begun).order_by().values("pk"))
        .filter(outcome__in=FELL_SHORT, pk=Subquery(last))
        .exclude(outcome=Outcome.PARTIAL, missing=0, reason="")
        .order_by("bill__payable_on", "bill_id")
        .values_list("pk", "bill__payable_on", "bill_id")[:MOST_SHOWN]
    )


_FAILED = Prepared(_last_tries)


def _above_cap(covers: Mapping[int, BillCover], today: date) -> tuple[AboveCap, ...]:
    capped = {bill: cover for bill, cover in covers.items() if cover.above_cap}
    if not capped:
        return ()
    near = Bill.objects.filter(pk__in=capped).order_by("payable_on", "pk")[:MOST_SHOWN]
    caps = dict(Bill.objects.filter(pk__in=capped).values_list("pk", "loan__mandate__cap"))
    return tuple(AboveCap(row, caps[row.id] or 0, capped[row.id].debit_on) for row in bill_rows(near, today))


def _put_aside(household: Household) -> tuple[PutAside, ...]:
    troubled = Loan.objects.filter(household=household, mandate__isnull=False).current().exclude(auto_repay_trouble="")
    rows = troubled.order_by("pk").values_list("pk", "name", "lender__name", "auto_repay_trouble")
    return tuple(PutAside(*row) for row in rows[:MOST_SHOWN])


def _failed(
    attempt: AutoRepayAttempt, row: BillRow, cover: BillCover | None, today: date, local: ZoneInfo
) -> FailedDebit:
    pay_by = row.payable_on + timedelta(days=attempt.bill.loan.grace_days)
    return FailedDebit(
        row=row,
        missing=attempt.missing,
        debited=attempt.debited,
        requested=attempt.requested,
        reason=attempt.reason,
        account=str(attempt.account),
        account_id=attempt.account_id,
        debit_on=attempt.debit_on,
        pay_by=pay_by if pay_by >= today else None,
        tries_again_on=cover.debit_on if cover and not cover.above_cap else None,
        tries_again_at=cover.debit_at.astimezone(local) if cover and not cover.above_cap else None,
    )


def _asked(mandates: Sequence[AutoRepayMandate]) -> tuple[AskedMandate, ...]:
    if not mandates:
        return ()
    covered = Loan.objects.current().filter(mandate__in=mandates).order_by("-outstanding_principal", "pk")
    first: dict[int, int] = {}
    for loan, mandate in covered.values_list("pk", "mandate_id"):
        first.setdefault(mandate, loan)
    return tuple(
        AskedMandate(one.pk, first[one.pk], covered_text(one), one.ask_after) for one in mandates if one.pk in first
    )


def _expiring(household: Household, mandates: Sequence[AutoRepayMandate], today: date) -> tuple[Expiring, ...]:
    """The earliest open bill of each loan, of those payable soon, where its mandate does not last until then."""
    if not mandates:
        return ()
    ending = {one.pk: one for one in mandates}
    bills: BillQuerySet[Bill] = Bill.objects.of_household(household)
    horizon = today + timedelta(days=DAYS_AHEAD)
    soon = bills.open().filter(loan__mandate__in=ending, payable_on__lte=horizon).order_by("payable_on", "pk")
    of_bills: dict[int, int] = {}
    seen: set[int] = set()
    for bill, loan, mandate, payable_on in soon.values_list("pk", "loan_id", "loan__mandate_id", "payable_on"):
        one = ending[mandate]
        is_first = loan not in seen
        seen.add(loan)
        if is_first and one.expires_on and payable_on + timedelta(days=one.day_offset) > one.expires_on:
            of_bills[bill] = mandate
    rows = (
        bill_rows(Bill.objects.filter(pk__in=of_bills).order_by("payable_on", "pk")[:MOST_SHOWN], today)
        if of_bills
        else []
    )
    return tuple(Expiring(row, ending[of_bills[row.id]].expires_on or date.max) for row in rows)
