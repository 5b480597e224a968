"""Recording what changes what is owed, whatever its kind: refused in words, or added once."""

from __future__ import annotations

from django.utils.translation import gettext as _

from ledger.models import Fact, Loan
from ledger.models.facts import Kind
from ledger.selectors.history import History
from ledger.services.recording import Recorded, Recording, add_fact, not_before_disbursement
from ledger.services.refusal import Refusal
from ledger.services.refusing import Refuse, bill_of
from ledger.services.refusing_agreement import (
    refuse_deferral,
    refuse_due_date_move,
    refuse_extension,
    refuse_pause,
    refuse_rate,
)
from ledger.services.refusing_amounts import (
    refuse_charge,
    refuse_coupon,
    refuse_drawdown,
    refuse_figure,
    refuse_refund,
    refuse_waiver,
)
from ledger.services.refusing_terms import refuse_terms

NEEDS_BILL = {Kind.WAIVER, Kind.DEFERRAL, Kind.LENDER_FIGURE, Kind.DUE_DATE_MOVE}

_REFUSE: dict[Kind, Refuse] = {
    Kind.CHARGE: refuse_charge,
    Kind.WAIVER: refuse_waiver,
    Kind.COUPON: refuse_coupon,
    Kind.REFUND: refuse_refund,
    Kind.LENDER_FIGURE: refuse_figure,
    Kind.DRAWDOWN: refuse_drawdown,
    Kind.RATE_CHANGE: refuse_rate,
    Kind.DEFERRAL: refuse_deferral,
    Kind.DUE_DATE_MOVE: refuse_due_date_move,
    Kind.PAUSE: refuse_pause,
    Kind.EXTENSION: refuse_extension,
    Kind.TERMS: refuse_terms,
    Kind.ARRANGEMENT: refuse_terms,
}


def record_change(*, draft: Fact, recording: Recording) -> Recorded | Refusal:
    """Record a fact of any kind above as drafted (not yet saved)."""
    return add_fact(draft, recording, lambda loan, past: refuse_change(draft, loan, past))


def refuse_change(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    """Why this cannot be recorded; None if it can. Also asked by the forms' previews."""
    return (
        not_before_disbursement(draft.effective_on, past)
        or _refuse_bill(draft, loan)
        or _REFUSE[Kind(draft.kind)](draft, loan, past)
    )


def _refuse_bill(draft: Fact, loan: Loan) -> Refusal | None:
    if draft.bill_number is None and draft.kind not in NEEDS_BILL:
        return None
    return None if bill_of(draft, loan) else Refusal("no_such_bill", _("Choose one of this loan’s bills."), "bill")
