"""Recording what changes an agreement on its way."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy

from ledger.forms.changes import DeferralForm, DueDateMoveForm, ExtensionForm, PauseForm, RateForm
from ledger.forms.facts import DrawdownForm
from ledger.forms.terms import AmendForm, ArrangementForm
from ledger.views.fact_page import Kind, fact_page
from loantracker.http import PageRequest, editor_page

RATE = Kind(RateForm, "ledger/change_rate.html", gettext_lazy("The new rate is recorded, and the bills follow it."))
DRAWDOWN = Kind(
    DrawdownForm, "ledger/record_drawdown.html", gettext_lazy("The drawdown is recorded, and the bills follow it.")
)
DEFERRAL = Kind(DeferralForm, "ledger/defer_bill.html", gettext_lazy("What was agreed for the bill is recorded."))
DUE_DATE_MOVE = Kind(
    DueDateMoveForm, "ledger/move_due_date.html", gettext_lazy("The new due day is recorded. Later bills follow it.")
)
PAUSE = Kind(PauseForm, "ledger/pause_interest.html", gettext_lazy("The pause is recorded: its days bear no interest."))
EXTENSION = Kind(
    ExtensionForm, "ledger/extend_loan.html", gettext_lazy("The extension is recorded, and the bills follow it.")
)
TERMS = Kind(AmendForm, "ledger/amend_terms.html", gettext_lazy("The amended agreement is recorded as a new version."))
ARRANGEMENT = Kind(
    ArrangementForm,
    "ledger/record_arrangement.html",
    gettext_lazy("The arrangement is recorded. It replaces the schedule from its day on."),
)


@editor_page
def change_rate(request: PageRequest, loan_id: int) -> HttpResponse:
    """A new yearly rate from a day on."""
    return fact_page(request, loan_id, RATE)


@editor_page
def record_drawdown(request: PageRequest, loan_id: int) -> HttpResponse:
    """More money lent under the same agreement."""
    return fact_page(request, loan_id, DRAWDOWN)


@editor_page
def defer_bill(request: PageRequest, loan_id: int) -> HttpResponse:
    """A later date agreed for a bill, or what else becomes of it."""
    return fact_page(request, loan_id, DEFERRAL)


@editor_page
def move_due_date(request: PageRequest, loan_id: int) -> HttpResponse:
    """Another due day from a bill on."""
    return fact_page(request, loan_id, DUE_DATE_MOVE)


@editor_page
def pause_interest(request: PageRequest, loan_id: int) -> HttpResponse:
    """Days that bear no interest."""
    return fact_page(request, loan_id, PAUSE)


@editor_page
def extend_loan(request: PageRequest, loan_id: int) -> HttpResponse:
    """More bills than were agreed."""
    return fact_page(request, loan_id, EXTENSION)


@editor_page
def amend_terms(request: PageRequest, loan_id: int) -> HttpResponse:
    """Other terms from a day on."""
    return fact_page(request, loan_id, TERMS)


@editor_page
def record_arrangement(request: PageRequest, loan_id: int) -> HttpResponse:
    """An arrangement with the lender that replaces the schedule."""
    return fact_page(request, loan_id, ARRANGEMENT)
