"""What changes an agreement on its way: another rate, other days, more money, more bills, or other terms altogether."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ledger.loanmath.facts import DeferralTreatment, RateEffect
from ledger.loanmath.terms import LoanTerms
from ledger.models import (
    Amendment,
    Arrangement,
    Deferral,
    Drawdown,
    DueDateMove,
    Extension,
    Loan,
    Pause,
    RateChange,
)
from ledger.models.facts import FORGIVES
from ledger.services.changes import record_change
from ledger.services.recording import Recorded, Recording
from ledger.services.refusal import Refusal
from ledger.services.terms_versions import new_version


def change_rate(
    *,
    loan: Loan,
    annual_rate: Decimal,
    effective_on: date,
    recording: Recording,
    effect: RateEffect = RateEffect.KEEP_TERM,
    note: str = "",
) -> Recorded | Refusal:
    """Record the yearly rate (a fraction) that holds from the start of a day."""
    draft = RateChange(loan=loan, effective_on=effective_on, annual_rate=annual_rate, effect=effect, note=note)
    return record_change(draft=draft, recording=recording)


def record_drawdown(
    *, loan: Loan, amount: int, drawn_on: date, recording: Recording, note: str = ""
) -> Recorded | Refusal:
    """Record that more money was lent under the same agreement."""
    draft = Drawdown(loan=loan, effective_on=drawn_on, amount=amount, note=note)
    return record_change(draft=draft, recording=recording)


def defer_bill(
    *,
    loan: Loan,
    bill_number: int,
    agreed_on: date,
    recording: Recording,
    moved_to: date | None = None,
    treatment: DeferralTreatment = DeferralTreatment.MOVE,
    note: str = "",
) -> Recorded | Refusal:
    """Record an agreed later date for a bill; None where the treatment itself says what becomes of it."""
    draft = Deferral(
        loan=loan, effective_on=agreed_on, bill_number=bill_number, moved_to=moved_to, effect=treatment, note=note
    )
    return record_change(draft=draft, recording=recording)


def move_due_date(
    *, loan: Loan, bill_number: int, moved_to: date, agreed_on: date, recording: Recording, note: str = ""
) -> Recorded | Refusal:
    """Record that the due day is another one from a bill on: those after it follow step by step."""
    draft = DueDateMove(loan=loan, effective_on=agreed_on, bill_number=bill_number, moved_to=moved_to, note=note)
    return record_change(draft=draft, recording=recording)


def pause_interest(
    *, loan: Loan, starts_on: date, until: date, recording: Recording, note: str = ""
) -> Recorded | Refusal:
    """Record that no interest is counted from a day through another, both included."""
    draft = Pause(loan=loan, effective_on=starts_on, until=until, note=note)
    return record_change(draft=draft, recording=recording)


def extend_loan(*, loan: Loan, bills: int, agreed_on: date, recording: Recording, note: str = "") -> Recorded | Refusal:
    """Record that so many more bills were agreed."""
    draft = Extension(loan=loan, effective_on=agreed_on, count=bills, note=note)
    return record_change(draft=draft, recording=recording)


def amend_terms(
    *, loan: Loan, terms: LoanTerms, effective_on: date, recording: Recording, note: str = ""
) -> Recorded | Refusal:
    """Record other terms from a day on, as the next version; see `loanmath.facts.TermsVersion`."""
    draft = Amendment(
        loan=loan, effective_on=effective_on, terms_version=new_version(loan, terms, effective_on), note=note
    )
    return record_change(draft=draft, recording=recording)


def record_arrangement(
    *,
    loan: Loan,
    terms: LoanTerms,
    agreed_on: date,
    recording: Recording,
    forgives: bool = False,
    note: str = "",
) -> Recorded | Refusal:
    """Record that everything owed is repaid under new terms from a day on; see `loanmath.facts.Arrangement`."""
    draft = Arrangement(
        loan=loan,
        effective_on=agreed_on,
        terms_version=new_version(loan, terms, agreed_on),
        effect=FORGIVES if forgives else "",
        note=note,
    )
    return record_change(draft=draft, recording=recording)
