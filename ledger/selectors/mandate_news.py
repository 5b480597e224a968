"""What auto-repay wants to be told or answered on the overview: failures, questions, debits that will not happen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ledger.clock import zone
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Household
from ledger.models.autorepay import Outcome
from ledger.selectors.accounts import BillCover
from ledger.selectors.bills import BillRow
from ledger.selectors.mandates import covered_text

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


def mandate_news(
    household: Household,
    loans: Sequence[Any],
    bills: Sequence[tuple[Any, BillRow]],
    covers: Mapping[int, BillCover],
    today: date,
) -> MandateNews:
    """The news of `loans`; `bills` are those still open within the days ahead, earliest first, with `last_try` (the id
    of the last attempt) and their rows. Two queries, however much there is."""
    mandates = {one.pk: one for one in _mandates(household)}
    tries = _tries([bill.last_try for bill, _ in bills if bill.last_outcome in FELL_SHORT])
    failed = tuple(
        _failed(tries[bill.last_try], bill, row, covers.get(row.id), today)
        for bill, row in bills
        if bill.last_try in tries
    )
    told = {one.row.id for one in failed}
    return MandateNews(
        failed=failed,
        asked=tuple(_asked(mandates.values(), loans)),
        above_cap=tuple(
            AboveCap(row, mandates[bill.loan.mandate_id].cap or 0, cover.debit_on)
            for bill, row in bills
            if (cover := covers.get(row.id)) is not None and cover.above_cap and bill.loan.mandate_id in mandates
        ),
        expiring=tuple(one for one in _expiring(bills, mandates) if one.row.id not in told),
        put_aside=tuple(
            PutAside(loan.pk, loan.name, loan.lender.name, loan.auto_repay_trouble)
            for loan in loans
            if loan.auto_repay_trouble and loan.mandate_id is not None
        ),
    )


def _mandates(household: Household) -> list[AutoRepayMandate]:
    live = AutoRepayMandate.objects.live().filter(household=household)
    return list(live.select_related("loan", "credit_line", "lender").order_by("pk"))


def _tries(ids: Collection[int]) -> dict[int, AutoRepayAttempt]:
    """The tries with these ids that left something open; one query."""
    rows = AutoRepayAttempt.objects.filter(pk__in=ids).exclude(outcome=Outcome.PARTIAL, missing=0, reason="")
    return {row.pk: row for row in rows.select_related("account", "household")}


def _failed(attempt: AutoRepayAttempt, bill: Any, row: BillRow, cover: BillCover | None, today: date) -> FailedDebit:
    pay_by = bill.payable_on + timedelta(days=bill.loan.grace_days)
    local = zone(attempt.household.time_zone)
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


def _asked(mandates: Iterable[AutoRepayMandate], loans: Sequence[Any]) -> Iterable[AskedMandate]:
    for one in mandates:
        covered = next((loan.pk for loan in loans if loan.mandate_id == one.pk), None)
        if one.asked_at is not None and covered is not None:
            yield AskedMandate(one.pk, covered, covered_text(one), one.ask_after)


def _expiring(bills: Sequence[tuple[Any, BillRow]], mandates: Mapping[int, AutoRepayMandate]) -> Iterable[Expiring]:
    """The earliest open bill of each loan, where its mandate does not last until then."""
    seen: set[int] = set()
    for bill, row in bills:
        one = mandates.get(bill.loan.mandate_id)
        if row.loan_id in seen or one is None or one.expires_on is None:
            continue
        seen.add(row.loan_id)
        if row.payable_on + timedelta(days=one.day_offset) > one.expires_on:
            yield Expiring(row, one.expires_on)
