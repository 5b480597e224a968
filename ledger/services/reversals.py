"""Undoing a fact by adding its reversal, and undoing that."""

from __future__ import annotations

from django.utils.translation import gettext as _

from ledger.models import AccountEntry, Fact, Loan, Reversal
from ledger.models.autorepay import Reason
from ledger.models.facts import Kind
from ledger.selectors.history import History
from ledger.services.recording import Recorded, Recording, add_fact
from ledger.services.refusal import Refusal


def reverse_fact(
    *, fact: Fact, recording: Recording, note: str = "", reason: Reason | None = None
) -> Recorded | Refusal:
    """Undo `fact` as if it had never been recorded; reversing a reversal brings the fact back.

    A reversal counts from the day of what it undoes: "it failed after all" holds as of the debit day. `reason` says why
    a debit failed; `note` is what somebody typed.
    """
    draft = Reversal(
        loan=fact.loan, effective_on=fact.effective_on, target=fact, note=note, effect=reason.value if reason else ""
    )

    def check(loan: Loan, past: History) -> Refusal | None:
        if Fact.objects.filter(kind=Kind.REVERSAL, target=fact).exists():
            return Refusal("already_reversed", _("This has already been undone."))
        return None

    return add_fact(draft, recording, check, follow=_return_entry)


def _return_entry(reversal: Fact) -> None:
    """Give back to the account what the undone fact took from it, or take again what its undoing gave."""
    undone = AccountEntry.objects.filter(fact=reversal.target).first()
    if undone is not None:
        AccountEntry(
            household_id=undone.household_id,
            account_id=undone.account_id,
            fact=reversal,
            amount=-undone.amount,
            entry_on=undone.entry_on,
            booked_at=undone.booked_at,
        ).save()
