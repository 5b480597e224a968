"""Up to when the debits of bills are decided by what somebody said or changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Max

from ledger.clock import local_day
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Fact, Loan
from ledger.models.facts import Kind


def covered_from(loan: Loan, time_zone: str) -> date:
    """The first payable day that the loan's mandate covers: since it began and since the loan was entered; what had
    come due before then is its owner's business."""
    assert loan.mandate is not None
    return max(loan.mandate.started_on, local_day(loan.opened_at, time_zone))


def fell_back_at(loans: Iterable[Loan]) -> dict[int, datetime]:
    """For loans under the mandate of a credit line or a lender: when a narrower one that held for them ended. What
    the wider one would have done before then was not the lender's to do. One query, where there are such loans."""
    wider = [loan for loan in loans if loan.mandate is not None and loan.mandate.loan_id is None]
    if not wider:
        return {}
    lines = {loan.credit_line_id for loan in wider if loan.mandate and loan.mandate.lender_id and loan.credit_line_id}
    ended = AutoRepayMandate.objects.filter(ended_at__isnull=False, lender=None).order_by()
    own = ended.filter(loan__in=[loan.pk for loan in wider])
    of_lines = ended.filter(credit_line__in=lines)
    rows = (own | of_lines).values_list("loan", "credit_line").annotate(last=Max("ended_at"))
    at = {(loan, line): last for loan, line, last in rows}
    found: dict[int, datetime] = {}
    for loan in wider:
        ends = [at.get((loan.pk, None))]
        if loan.credit_line_id in lines:
            ends.append(at.get((None, loan.credit_line_id)))
        said = [end for end in ends if end is not None]
        if said:
            found[loan.pk] = max(said)
    return found


def failed_after_all(repayments: Iterable[int]) -> set[int]:
    """Those of the repayments that are undone as things stand."""
    asked = set(repayments)
    if not asked:
        return set()
    loans = Fact.objects.filter(pk__in=asked).order_by().values("loan")
    undone: set[int | None] = set()
    reversals = Fact.objects.filter(loan__in=loans, kind=Kind.REVERSAL).order_by("-pk")
    for pk, target in reversals.values_list("pk", "target_id"):  # the newest first: one that is undone undoes nothing
        if pk not in undone:
            undone.add(target)
    return {repayment for repayment in asked if repayment in undone}


def told_to_have_failed(loans: Iterable[int]) -> dict[int, datetime]:
    """When someone last said of each bill that its debit had failed after all, or took that back."""
    loans = list(loans)
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
