"""Keeps each mandate's `next_debit_at`: the one column by which the tick finds its work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max, Q

from ledger.clock import zone
from ledger.loanmath.debits import next_moment
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Fact, Household, Loan
from ledger.models.facts import Kind, Source


@dataclass(frozen=True, slots=True)
class Debitable:
    """An open bill under a mandate; only debit moments later than `after` are still to be decided."""

    bill: Bill
    after: datetime


def schedule_debit(loan: Loan) -> None:
    """Set when the loan's live mandate, if any, has to be looked at next."""
    mandate = AutoRepayMandate.objects.live().filter(loan=loan).first()
    if mandate is None:
        return
    moment = next_debit(mandate, loan)
    if moment != mandate.next_debit_at:
        AutoRepayMandate.objects.filter(pk=mandate.pk).update(next_debit_at=moment)


def schedule_household(household: Household) -> None:
    """Set the next debit of every live mandate, its loan held: a household has moved to another time zone."""
    live = AutoRepayMandate.objects.live().filter(household=household)
    loans = Loan.objects.select_for_update(of=("self",)).filter(pk__in=live.values("loan")).order_by("pk")
    for loan in loans.select_related("household"):
        schedule_debit(loan)


def next_debit(mandate: AutoRepayMandate, loan: Loan) -> datetime | None:
    """The earliest debit moment of the loan's open bills that is still to be decided; None if there is none."""
    local = zone(loan.household.time_zone)
    first: datetime | None = None
    for one in debitable(mandate, local):
        if first is not None and one.bill.payable_on > first.astimezone(local).date():
            break
        moment = next_moment(one.bill.payable_on, mandate.windows, local, one.after)
        if moment is not None and (first is None or moment < first):
            first = moment
    return first


def debitable(
    mandate: AutoRepayMandate, local: ZoneInfo, until: date | None = None, only: int | None = None
) -> Iterator[Debitable]:
    """The open bills payable since the mandate began (and by `until`; `only` the one with this id), earliest first.

    What came before is decided: windows before the mandate was given, tries already recorded, windows before
    someone said that a debit had failed, and days before the last repayment made by hand for the bill (whoever
    pays by hand on the 12th knows what the lender did on the 10th).
    """
    by_hand = Q(allocations__repayment__source__in=[Source.MANUAL, Source.IMPORT])
    bills = (
        Bill.objects.filter(loan=mandate.loan_id, payable_on__gte=mandate.started_on)
        .open()
        .annotate(
            tried_at=Max("attempts__window_at"),
            paid_by_hand_on=Max("allocations__repayment__effective_on", filter=by_hand),
        )
        .order_by("payable_on", "number")
    )
    if until is not None:
        bills = bills.filter(payable_on__lte=until)
    if only is not None:
        bills = bills.filter(pk=only)
    failed: dict[int, datetime] | None = None
    for bill in bills.iterator(chunk_size=50):
        known = [mandate.authorized_at]
        if bill.tried_at is not None:
            failed = _told_to_have_failed(mandate.loan_id) if failed is None else failed
            tried_at: datetime = bill.tried_at
            known += [tried_at, failed.get(bill.pk, tried_at)]
        if bill.paid_by_hand_on is not None:
            known.append(datetime.combine(bill.paid_by_hand_on, time.min, tzinfo=local) - timedelta.resolution)
        yield Debitable(bill, max(known))


def _told_to_have_failed(loan_id: int) -> dict[int, datetime]:
    """When someone last said of each bill that its debit had failed after all, or took that back."""
    reversals = {
        pk: (target, recorded_at)
        for pk, target, recorded_at in Fact.objects.filter(loan=loan_id, kind=Kind.REVERSAL).values_list(
            "pk", "target_id", "recorded_at"
        )
    }
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
