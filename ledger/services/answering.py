"""Answering a presumed debit: it happened, or it failed after all; whichever comes first is the answer."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.models import Fact
from ledger.models.autorepay import Reason
from ledger.selectors.history import history
from ledger.services.projection import lock
from ledger.services.recording import Recorded, Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import confirm_repayment
from ledger.services.reversals import reverse_fact


def say_it_was_debited(*, repayment: Fact, recording: Recording) -> Recorded | Refusal:
    """Record that a presumed debit really happened; refused ("answered") if anything else was said of it first."""
    return _first(repayment, recording, lambda: confirm_repayment(repayment=repayment, recording=recording))


def say_it_failed(*, repayment: Fact, reason: Reason, recording: Recording) -> Recorded | Refusal:
    """Record that a presumed debit failed after all: it is undone as of the debit day, so that the bill is open and
    late since its own day; refused ("answered") if anything else was said of it first."""
    return _first(repayment, recording, lambda: reverse_fact(fact=repayment, recording=recording, reason=reason))


def _first(repayment: Fact, recording: Recording, record: Callable[[], Recorded | Refusal]) -> Recorded | Refusal:
    """Record an answer if the debit still waits for one, under the loan's lock; under a key that was used already,
    whatever recording it again says."""
    with transaction.atomic():
        loan = lock(repayment.loan)
        used = Fact.objects.filter(household_id=loan.household_id, key=recording.key).exists()
        if not used and repayment.pk not in {fact.id for fact in history(loan).presumed()}:
            return _answered()
        recorded = record()
    return _answered() if isinstance(recorded, Refusal) and recorded.code == "key_conflict" else recorded


def _answered() -> Refusal:
    return Refusal("answered", _("This debit was answered already. To change the answer, undo it on the loan’s page."))
