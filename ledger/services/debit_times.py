"""Keeps each mandate's `next_debit_at`: the one column by which the tick finds its work."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from ledger.clock import zone
from ledger.loanmath.debits import next_moment
from ledger.models import AutoRepayMandate, Bill, Loan


def schedule_debit(loan: Loan) -> None:
    """Set when the loan's live mandate, if any, has to be looked at next."""
    mandate = AutoRepayMandate.objects.live().filter(loan=loan).first()
    if mandate is None:
        return
    moment = next_debit(mandate, loan)
    if moment != mandate.next_debit_at:
        AutoRepayMandate.objects.filter(pk=mandate.pk).update(next_debit_at=moment)


def next_debit(mandate: AutoRepayMandate, loan: Loan) -> datetime | None:
    """The earliest debit moment of the loan's open bills that has not been tried; None if there is none."""
    local = zone(loan.household.time_zone)
    bills = (
        Bill.objects.filter(loan=loan)
        .open()
        .filter(payable_on__gte=mandate.started_on)
        .annotate(tried_at=Max("attempts__window_at"))
        .order_by("payable_on")
    )
    found: list[datetime] = []
    for bill in bills:
        if found and bill.payable_on > min(found).astimezone(local).date():
            break
        moment = next_moment(bill.payable_on, mandate.windows, local, bill.tried_at)
        if moment is not None:
            found.append(moment)
    return min(found, default=None)
