"""Which bills auto-repay still has to decide, and keeps each loan's `auto_repay_at`: the one column by which the tick
finds its work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Q

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode, asked
from ledger.loanmath.debits import next_moment, passed_moments
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Fact, Household, Loan
from ledger.models.autorepay import Reason
from ledger.models.facts import Kind, Source
from ledger.selectors.history import history
from ledger.selectors.presumed import never_answered


@dataclass(frozen=True, slots=True)
class Debitable:
    """An open bill under a mandate. It is debited as if it were payable on each of `days`; only moments later than
    `after` are still to be decided."""

    bill: Bill
    days: tuple[date, ...]
    after: datetime

    def next_at(self, mandate: AutoRepayMandate, local: ZoneInfo) -> datetime | None:
        return next_moment(self.days, mandate.rule, local, self.after)

    def passed(self, mandate: AutoRepayMandate, local: ZoneInfo, now: datetime) -> list[datetime]:
        return passed_moments(self.days, mandate.rule, local, self.after, now)


def schedule_debit(loan: Loan) -> None:
    """Set when auto-repay has to look at the loan next; `loan` is locked and has its household and mandate at hand."""
    moment = next_debit(loan)
    if moment != loan.auto_repay_at:
        loan.auto_repay_at = moment
        loan.save(update_fields=["auto_repay_at"])


def schedule_household(household: Household) -> None:
    """Set the next debit of every loan under a mandate, each held: a household has moved to another time zone."""
    loans = Loan.objects.select_for_update(of=("self",)).filter(household=household, mandate__isnull=False)
    for loan in loans.select_related("household", "mandate").order_by("pk"):
        schedule_debit(loan)


def next_debit(loan: Loan) -> datetime | None:
    """The earliest moment at which a debit of the loan's open bills is to be decided, or a presumed one is to be
    trusted; None if there is none."""
    mandate = loan.mandate
    if mandate is None:
        return None
    local = zone(loan.household.time_zone)
    first = trusted_at(loan, mandate, local)
    for one in debitable([loan])[loan.pk]:
        if first is not None and one.days[0] + timedelta(days=mandate.day_offset) > first.astimezone(local).date():
            break
        moment = one.next_at(mandate, local)
        if moment is not None and (first is None or moment < first):
            first = moment
    return first


def trusted_at(loan: Loan, mandate: AutoRepayMandate, local: ZoneInfo) -> datetime | None:
    """When the oldest presumed debit of the loan is trusted without an answer; None where the user is asked."""
    if mandate.trust_days is None:
        return None
    days = [fact.effective_on for fact in never_answered(loan)]
    if not days:
        return None
    return datetime.combine(min(days) + timedelta(days=mandate.trust_days), time.min, tzinfo=local)


def debitable(loans: Iterable[Loan], until: date | None = None) -> dict[int, list[Debitable]]:
    """By loan: its open bills payable since its mandate began (and debited by `until`), earliest first. `loans` have
    household and mandate at hand; the same few queries for any number of them.

    What came before is decided: windows before the mandate was given or the loan entered, tries already recorded,
    windows before someone said that a debit had failed, and days before the last repayment made by hand for the bill
    (whoever pays by hand on the 12th knows what the lender did on the 10th).
    """
    covered = {loan.pk: loan for loan in loans if loan.mandate is not None}
    by_hand = Q(allocations__repayment__source__in=[Source.MANUAL, Source.IMPORT])
    bills = (
        Bill.objects.filter(
            loan__in=covered, payable_on__gte=min((_start(loan) for loan in covered.values()), default=date.max)
        )
        .open()
        .annotate(
            tried_at=Max("attempts__window_at"),
            paid_by_hand_on=Max("allocations__repayment__effective_on", filter=by_hand),
        )
        .order_by("loan", "payable_on", "number")
    )
    if until is not None:
        bills = bills.filter(payable_on__lte=until + timedelta(days=1))
    rows: defaultdict[int, list[Any]] = defaultdict(list)
    for bill in bills:
        if bill.payable_on >= _start(covered[bill.loan_id]):
            rows[bill.loan_id].append(bill)
    failed = _told_to_have_failed([loan for loan, found in rows.items() if any(bill.tried_at for bill in found)])
    return defaultdict(list, {loan: _undecided(covered[loan], found, failed, until) for loan, found in rows.items()})


def _start(loan: Loan) -> date:
    assert loan.mandate is not None
    return loan.mandate.started_on


def _undecided(loan: Loan, bills: list[Any], failed: dict[int, datetime], until: date | None) -> list[Debitable]:
    mandate = loan.mandate
    assert mandate is not None
    local = zone(loan.household.time_zone)
    last = mandate.expires_on and _first_expired(loan, mandate, bills)
    found = []
    for at, bill in enumerate(bills):
        if until is not None and bill.payable_on + timedelta(days=mandate.day_offset) > until:
            break
        if last is not None and bill.payable_on > last:
            break
        if asked_of(bill, loan) == 0 and bill.open.total > 0:
            continue  # what the mandate allows of it has been taken
        later = bills[at + 1 :] if mandate.mode == AmountMode.FULL.value else []
        days = (bill.payable_on, *(other.payable_on for other in later))
        found.append(Debitable(bill, days, max(_known(bill, loan, mandate, failed, local))))
    return found


def _known(
    bill: Any, loan: Loan, mandate: AutoRepayMandate, failed: dict[int, datetime], local: ZoneInfo
) -> list[datetime]:
    """The moments up to which everything about a bill's debit is decided."""
    known = [mandate.authorized_at, loan.opened_at]
    if bill.tried_at is not None:
        known += [bill.tried_at, failed.get(bill.pk, bill.tried_at)]
    if bill.paid_by_hand_on is not None:
        known.append(datetime.combine(bill.paid_by_hand_on, time.min, tzinfo=local) - timedelta.resolution)
    return known


def _first_expired(loan: Loan, mandate: AutoRepayMandate, bills: list[Bill]) -> date | None:
    """The payable day of the first bill that an expired mandate no longer covers: its debit fails and says why; later
    ones are not even tried. Where that has been said already, the last covered day."""
    expires_on = mandate.expires_on
    assert expires_on is not None
    offset = timedelta(days=mandate.day_offset)
    beyond = next((bill.payable_on for bill in bills if bill.payable_on + offset > expires_on), None)
    if beyond is None:
        return None
    said = AutoRepayAttempt.objects.filter(bill__loan=loan, mandate=mandate, reason=Reason.MANDATE_EXPIRED)
    return expires_on - offset if said.exists() else beyond


def asked_of(bill: Bill, loan: Loan) -> int:
    """What a debit under the loan's mandate asks for of a bill as it stands now, in minor units."""
    mandate = loan.mandate
    assert mandate is not None
    mode = AmountMode(mandate.mode)
    met = bill.paid.total + bill.waived.total
    terms = history(loan).terms_on(bill.payable_on) if mode is AmountMode.MINIMUM else None
    return asked(mode, bill.due, met, terms, mandate.fixed_amount or 0)


def _told_to_have_failed(loans: list[int]) -> dict[int, datetime]:
    """When someone last said of each bill that its debit had failed after all, or took that back."""
    if not loans:
        return {}
    said = Fact.objects.filter(loan__in=loans, kind=Kind.REVERSAL).values_list("pk", "target_id", "recorded_at")
    reversals = {pk: (target, recorded_at) for pk, target, recorded_at in said}
    undone: dict[int, datetime] = {}
    for target, recorded_at in reversals.values():
        while target in reversals:  # undoing an undoing: what it is about in the end
            target = reversals[target][0]
        undone[target] = max(recorded_at, undone.get(target, recorded_at))
    if not undone:
        return {}
    told: dict[int, datetime] = {}
    tried = AutoRepayAttempt.objects.filter(repayment__in=undone)
    for bill, repayment in tried.values_list("bill_id", "repayment_id"):
        told[bill] = max(undone[repayment], told.get(bill, undone[repayment]))
    return told
