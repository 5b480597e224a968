"""Opening a loan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ledger.loanmath.checks import problems
from ledger.loanmath.codec import terms_to_dict
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.terms import LoanTerms, PenaltyTerms
from ledger.models import CreditLine, Household, Lender, Loan, Repayment, User
from ledger.models.facts import Source
from ledger.selectors.history import history
from ledger.services.mandates import hold_mandate, lock_scopes
from ledger.services.projection import rebuild
from ledger.services.recording import digest, fingerprint, key_conflict
from ledger.services.refusal import Refusal
from ledger.services.terms_versions import add_version, new_version


@dataclass(frozen=True, slots=True)
class Opened:
    """The loan, and whether it had been opened before under the same key."""

    loan: Loan
    replayed: bool = False


def open_loan(
    *,
    household: Household,
    lender_name: str,
    name: str,
    terms: LoanTerms,
    key: str,
    now: datetime,
    by: User | None = None,
    credit_line: CreditLine | None = None,
    note: str = "",
    paid_before: date | None = None,
    is_secured: bool = False,
) -> Opened | Refusal:
    """Write down an agreement and its bills. Terms that cannot be (`loanmath.checks`) are refused.

    Bills due before `paid_before` are recorded as paid in full, each on its due date. With `is_secured`, something is
    pledged for it that the lender gives back in the end.
    """
    wrong = problems(terms)
    if wrong:
        return Refusal(
            wrong[0].code,
            _("These terms cannot be right (%(field)s). Check them against your agreement.")
            % {"field": wrong[0].field},
        )
    said = {
        "lender": lender_name,
        "name": name,
        "terms": terms_to_dict(terms),
        "credit_line": credit_line and credit_line.pk,
        "note": note,
        "past_paid": paid_before is not None,
    }
    loan = Loan(
        household=household,
        credit_line=credit_line,
        name=name,
        currency=terms.currency,
        note=note,
        is_secured=is_secured,
        key=key,
        fingerprint=digest(said),
        opened_at=now,
        opened_by=by,
    )
    try:
        with transaction.atomic():
            return _open(loan, lender_name, terms, paid_before)
    except IntegrityError:
        if not Loan.objects.filter(household=household, key=key).exists():
            raise
        return _earlier(loan)


def _open(loan: Loan, lender_name: str, terms: LoanTerms, paid_before: date | None) -> Opened | Refusal:
    if Loan.objects.filter(household=loan.household, key=loan.key).exists():
        return _earlier(loan)
    if terms.benchmark is not None:
        Household.objects.select_for_update().get(pk=loan.household_id)  # published rates stand still meanwhile
    loan.lender, _created = Lender.objects.get_or_create(household=loan.household, name=lender_name)
    loan.save()
    add_version(new_version(loan, terms, terms.disbursed_on), loan, loan.opened_at)
    if paid_before is not None:
        _pay_past_bills(loan, terms, paid_before)
    rebuild(loan, loan.household.today(loan.opened_at))
    lock_scopes(loan)
    hold_mandate(loan)
    return Opened(loan)


def _pay_past_bills(loan: Loan, terms: LoanTerms, before: date) -> None:
    """Add the repayments of bills long past as facts, to be projected together: what each asked for when it was due,
    at the rate it then had."""
    on_time = replace(history(loan), terms=replace(terms, penalty=PenaltyTerms(), overdue_accrues=False))
    for row in on_time.project(before).bills:
        if row.due_on < before and row.due.total > 0:
            paid = Repayment(
                loan=loan,
                household_id=loan.household_id,
                effective_on=row.due_on,
                recorded_at=loan.opened_at,
                recorded_by=loan.opened_by,
                key=f"{loan.key}:{row.number}",
                amount=row.due.total,
                apply_to=ApplyTo.BILL,
                bill_number=row.number,
                source=Source.MANUAL,
            )
            paid.fingerprint = fingerprint(paid)
            paid.save()


def _earlier(loan: Loan) -> Opened | Refusal:
    earlier = Loan.objects.get(household=loan.household, key=loan.key)
    return Opened(earlier, replayed=True) if earlier.fingerprint == loan.fingerprint else key_conflict()
