"""Why other terms cannot stand in place of an agreement's."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from ledger.loanmath.in_force import problems_from
from ledger.loanmath.replan import same_plan
from ledger.loanmath.terms import LoanTerms, Method
from ledger.models import Fact, Loan
from ledger.models.facts import Kind
from ledger.selectors.history import History
from ledger.services.refusal import Refusal
from ledger.services.refusing import said


def refuse_terms(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    """Amended terms or an arrangement: what they ask for from their day on has to be possible by itself, for what is
    then owed."""
    assert draft.terms_version is not None, "drafted with its terms"
    terms = draft.terms_version.value
    if terms.currency != loan.currency:
        return Refusal("currency", _("New terms are in the loan’s own currency."))
    if loan.settled_on is not None and loan.settled_on <= draft.effective_on:
        return Refusal("settled", _("This loan is settled: there is nothing left to agree on."))
    if draft.kind == Kind.TERMS and terms == past.terms_on(draft.effective_on):
        return Refusal("nothing", _("This is the agreement as it is. Change what was amended."))
    before = past.terms_on(draft.effective_on)
    refusal = _refuse_days(draft, terms, before) or _refuse_problems(draft, terms, before)
    if refusal is not None or terms.method is not Method.LISTED:
        return refusal
    return _refuse_rest(draft, loan, past)


def _refuse_days(draft: Fact, terms: LoanTerms, before: LoanTerms) -> Refusal | None:
    if draft.kind == Kind.TERMS and same_plan(terms, before):
        return None
    dues = [row.due_on for row in terms.listed] if terms.method is Method.LISTED else [terms.first_due_on]
    if dues and dues[-1] <= draft.effective_on:
        text = _("Choose a first due day after the day the new terms hold from.")
        return Refusal("first_due_on", text, "table" if terms.method is Method.LISTED else "first_due_on")
    return None


def _refuse_problems(draft: Fact, terms: LoanTerms, before: LoanTerms) -> Refusal | None:
    wrong = problems_from(terms, before, draft.effective_on)
    if not wrong:
        return None
    return Refusal(
        wrong[0].code,
        _("These terms cannot be right (%(field)s). Check them against your agreement.") % {"field": wrong[0].field},
    )


def _refuse_rest(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    """A table has to repay what is owed, no more and no less."""
    assert draft.terms_version is not None, "drafted with its terms"
    day = draft.effective_on
    listed = sum(row.parts.principal for row in draft.terms_version.value.listed if row.due_on > day)
    after = past.plus(replace(draft.value, id=past.next_id)).project(day)
    owed = sum(bill.due.principal for bill in after.bills if bill.due_on > day)
    if listed != owed:
        text = _("The principal in the rows comes to %(listed)s, but %(owed)s is owed. Check the table.")
        return Refusal("principal_differs", text % {"listed": said(listed, loan), "owed": said(owed, loan)}, "table")
    return None
