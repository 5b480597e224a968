"""The loans a repayment may be for, the most pressing first."""

from __future__ import annotations

from django.db.models import F, OuterRef, QuerySet, Subquery

from ledger.models import Bill, Household, Loan


def loans_to_repay(household: Household) -> QuerySet[Loan]:
    """Loans with something left to pay, each with the day (`next_on`) and the amount left (`next_open`, minor units) of
    its first open bill; those that have none, last."""
    first = Bill.objects.filter(loan=OuterRef("pk")).open().with_open_amount().order_by("payable_on", "number")[:1]
    left = first.values("open_amount")  # type: ignore[misc]  # added by with_open_amount
    return (
        Loan.objects.filter(household=household, settled_on=None)
        .current()
        .select_related("lender")
        .annotate(next_on=Subquery(first.values("payable_on")), next_open=Subquery(left))
        .order_by(F("next_on").asc(nulls_last=True), "lender__name", "name", "pk")
    )
