"""The agreement as it stands on a day: its version in force, and the rate that counts."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from ledger.loanmath.checks import Problem, problems
from ledger.loanmath.facts import Arrangement, Fact, RateChange, TermsVersion
from ledger.loanmath.interest import due_dates
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import ProjectedBill
from ledger.loanmath.replan import same_plan
from ledger.loanmath.terms import ListedRow, LoanTerms, Unit


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


def agreement_from(terms: LoanTerms, facts: Iterable[Fact], day: date) -> LoanTerms:
    """The agreement as it would be written down anew on `day`: the bills due after it, on the days they have now, and
    the principal they repay. On the day of the disbursement, or where no bill is to come, as it was agreed."""
    facts = tuple(facts)
    version = replace(terms_in_force(terms, facts, day), annual_rate=rate_in_force(terms, facts, day))
    bills = project(terms, facts, day).bills
    coming = [bill for bill in bills if agreed_day(bill) > day]
    if day <= version.disbursed_on or not coming:
        return version
    passed = len(bills) - len(coming)
    dues = [agreed_day(bill) for bill in coming]
    anew = replace(
        version,
        principal=max(coming[0].outstanding_after + coming[0].due.principal, 1),
        opening_balance=None,
        count=len(coming),
        first_due_on=dues[0],
        anchor_day=_anchor_day(version, dues),
        due_dates=(),
        last_due_on=None,
        payment=version.payment if any(_pays(bill) == version.payment for bill in coming) else None,
        flat_fee=sum(max(bill.due.fee - version.bill_fee, 0) for bill in coming) if version.flat_fee else 0,
        listed=tuple(ListedRow(agreed_day(bill), bill.due) for bill in coming) if version.listed else (),
        upfront_fee=0,
        down_payment=0,
        interest_free_days=0,
        principal_grace=max(version.principal_grace - passed, 0),
        interest_grace=max(version.interest_grace - passed, 0),
        weights=version.weights[-len(coming) :],
    )
    return anew if due_dates(anew) == dues else replace(anew, due_dates=tuple(dues))


def problems_from(terms: LoanTerms, before: LoanTerms, day: date) -> list[Problem]:
    """What is impossible in terms that follow `before` from `day` on: those that ask for the same bills are looked at
    as they are, others as if the loan began with them on that day."""
    if same_plan(terms, before):
        return problems(terms)
    return problems(replace(terms, disbursed_on=max(terms.disbursed_on, day)))


def agreed_day(bill: ProjectedBill) -> date:
    """The due date of a bill, without a deferral of it alone."""
    return bill.deferred_from or bill.due_on


def _pays(bill: ProjectedBill) -> int:
    return bill.due.principal + bill.due.interest


def _anchor_day(version: LoanTerms, dues: list[date]) -> int | None:
    """The day of the month on which bills fall due: the agreed one, or another one if they have moved since."""
    if version.unit is not Unit.MONTH:
        return version.anchor_day
    agreed = version.anchor_day or version.first_due_on.day
    if all(due.day == min(agreed, monthrange(due.year, due.month)[1]) for due in dues):
        return agreed
    return max(due.day for due in dues)
