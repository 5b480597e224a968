"""Versions of a loan's terms as rows: only ever added, also where the fact that brought one is undone."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import Max

from ledger.loanmath.codec import terms_to_dict
from ledger.loanmath.terms import LoanTerms
from ledger.models import Loan, TermsVersion


def new_version(loan: Loan, terms: LoanTerms, effective_on: date) -> TermsVersion:
    """A version not yet saved nor numbered: main figures as columns, other conventions beside them."""
    said = terms_to_dict(terms)
    return TermsVersion(
        loan=loan,
        effective_on=effective_on,
        **{name: getattr(terms, name) for name in TermsVersion.COLUMNS},
        conventions={name: value for name, value in said.items() if name not in TermsVersion.COLUMNS},
    )


def add_version(version: TermsVersion, loan: Loan, now: datetime) -> None:
    """Save a new version of the (locked) loan under the next number."""
    last = TermsVersion.objects.filter(loan=loan).aggregate(last=Max("number"))["last"] or 0
    version.loan = loan
    version.household_id = loan.household_id
    version.number = last + 1
    version.recorded_at = now
    version.save()
