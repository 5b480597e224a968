"""The agreement as it stands on a day: its version in force, and the rate that counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from ledger.loanmath.facts import Arrangement, Fact, RateChange, TermsVersion
from ledger.loanmath.project import live
from ledger.loanmath.terms import LoanTerms


def terms_in_force(terms: LoanTerms, facts: Iterable[Fact], day: date) -> LoanTerms:
    """The last version that counts by `day`, as it was agreed: rate changes after it are not in it. `terms` is the
    first version; amended terms and arrangements bring the others."""
    facts = tuple(facts)
    if not any(isinstance(fact, TermsVersion | Arrangement) for fact in facts):
        return terms
    for fact in live(facts):
        if isinstance(fact, TermsVersion | Arrangement) and fact.effective_on <= day:
            terms = fact.terms
    return terms


def rate_in_force(terms: LoanTerms, facts: Iterable[Fact], day: date) -> Decimal:
    """The yearly rate on `day`, as a fraction."""
    rate = terms.annual_rate
    for fact in live(facts):
        if fact.effective_on > day:
            break
        if isinstance(fact, RateChange):
            rate = fact.annual_rate
        elif isinstance(fact, TermsVersion | Arrangement):
            rate = fact.terms.annual_rate
    return rate
