"""Debits the lender should have made that nobody has confirmed."""

from __future__ import annotations

from ledger.models import Bill, Fact, Loan
from ledger.models.autorepay import Reason
from ledger.models.facts import Kind


def presumed_of(loan: Loan) -> list[Fact]:
    """The repayments of a loan that wait for an answer, oldest first; one query where its bills show none."""
    if not Bill.objects.filter(loan=loan, presumed__gt=0).exists():
        return []
    rows = list(
        Fact.objects.filter(loan=loan, kind__in=[Kind.REPAYMENT, Kind.CONFIRMATION, Kind.REVERSAL]).order_by("pk")
    )
    undone: set[int] = set()
    for row in reversed(rows):  # the newest first: only a reversal that stands undoes anything
        if row.kind == Kind.REVERSAL and row.pk not in undone and row.target_id is not None:
            undone.add(row.target_id)
    confirmed = {row.target_id for row in rows if row.kind == Kind.CONFIRMATION and row.pk not in undone}
    waiting = [row for row in rows if row.kind == Kind.REPAYMENT and row.presumed]
    return sorted(
        (row for row in waiting if row.pk not in undone | confirmed), key=lambda row: (row.effective_on, row.pk)
    )


def never_answered(loan: Loan) -> list[Fact]:
    """Those of `presumed_of` that nobody has ever confirmed: who took a confirmation back wants to be asked."""
    waiting = presumed_of(loan)
    answers = Fact.objects.filter(kind=Kind.CONFIRMATION, target__in=[row.pk for row in waiting])
    answered = set(answers.values_list("target_id", flat=True)) if waiting else set()
    return [row for row in waiting if row.pk not in answered]


def said_why(effect: str, note: str) -> str:
    """Why a debit failed after all, by the `effect` and `note` of the reversal that says so: the reason chosen, in the
    reader's language; without one, what was typed."""
    return str(Reason(effect).label) if effect else note
