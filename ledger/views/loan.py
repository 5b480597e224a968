"""A loan's page; undoing a fact of its history; saying whether a presumed debit happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ledger.forms.fields import SeenField, is_key, new_key
from ledger.models import Fact, Loan
from ledger.models.facts import Kind
from ledger.selectors.choosing import loans_to_repay
from ledger.selectors.documents import with_document_count, with_papers
from ledger.selectors.loan import loan_history, loan_page, undo_preview
from ledger.selectors.prepared import Prepared
from ledger.services.projection import refresh, refresh_loan
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import confirm_repayment as confirm
from ledger.services.reversals import reverse_fact as reverse
from ledger.views.answers import answered_in_place, is_answered_in_place
from loantracker.http import PageRequest, editor_page, go, member_page, own, own_loan, page

LOANS = Loan.objects.select_related("lender", "credit_line", "household")
PIECES = {"payoff": "ledger/_payoff.html", "history-list": "ledger/_history.html", "charts": "ledger/_charts.html"}
# Where a button may lead back to.
PAGES = {"overview": "ledger:overview", "activity": "ledger:activity", "bills": "ledger:bills"}


@member_page
def loan(request: PageRequest, loan_id: int) -> HttpResponse:
    """What is left of a loan, when it ends and what it truly costs; `?payoff_on=` asks for a payoff quote, for all that
    was recorded `?history=all`, for the charts `?charts=shown`."""
    mine = own_loan(request, _LOAN, loan_id)
    if mine.next_change_on is not None and mine.next_change_on <= request.today:
        refresh_loan(mine, request.today)
        mine = own_loan(request, _LOAN, loan_id)
    asked = request.GET
    shown = loan_page(
        mine, request.today, asked.get("payoff_on"), asked.get("history") == "all", asked.get("charts") == "shown"
    )
    if mine.document_count:
        shown = replace(shown, history=with_papers(shown.history))
    context = {"shown": shown, "key": new_key(), "loan_id": loan_id, "document_count": mine.document_count}
    return page(request, "ledger/loan.html", context, pieces=PIECES)


def _loan(household: int, loan: int) -> QuerySet[Any]:
    return with_document_count(LOANS.filter(household=household, pk=loan))


_LOAN = Prepared(_loan)


@editor_page
def choose_loan(request: PageRequest) -> HttpResponse:
    """Which loan a repayment is for; with only one to choose from, straight to it."""
    refresh(request.household, request.now)
    open_loans = list(loans_to_repay(request.household))
    if not open_loans:
        return redirect("ledger:first_run")
    if len(open_loans) == 1:
        return redirect("ledger:record_repayment", open_loans[0].pk)
    return page(request, "ledger/choose_loan.html", {"loans": open_loans})


@editor_page
def reverse_fact(request: PageRequest, loan_id: int, fact_id: int) -> HttpResponse:
    """What undoing a fact would change; posting it undoes the fact."""
    mine = own(request, LOANS, pk=loan_id)
    fact = own(request, Fact.objects, pk=fact_id, loan=mine)
    if request.method != "POST":
        return _undo_page(request, mine, fact_id)
    result = reverse(fact=fact, recording=_recording(request))
    if isinstance(result, Refusal):
        if result.code == "stale":
            return _undo_page(request, mine, fact_id, str(result), 409)
        messages.error(request, str(result))
    else:
        messages.success(request, _("Undone. Everything is as if it had never been recorded."))
    return _back(request, loan_id)


@editor_page
@require_POST
def confirm_repayment(request: PageRequest, loan_id: int, fact_id: int) -> HttpResponse:
    """The debit that was presumed really happened; said in place where htmx asks from a list."""
    mine = own(request, LOANS, pk=loan_id)
    fact = own(request, Fact.objects.filter(kind=Kind.REPAYMENT), pk=fact_id, loan=mine)
    result = confirm(repayment=fact, recording=_recording(request))
    if is_answered_in_place(request, fact):
        return answered_in_place(request, fact)
    if isinstance(result, Refusal):
        messages.error(request, str(result))
    else:
        messages.success(request, _("Thank you. The debit is confirmed."))
    return _back(request, loan_id)


def _undo_page(request: PageRequest, mine: Loan, fact_id: int, problem: str = "", status: int = 200) -> HttpResponse:
    line = next(line for line in loan_history(mine) if line.id == fact_id)
    preview = undo_preview(mine, line, request.today) if line.may_undo else None
    context = {
        "loan": mine,
        "fact": line,
        "preview": preview,
        "problem": problem,
        "key": new_key(),
        "back": request.GET.get("back", request.POST.get("back", "")),
    }
    return page(request, "ledger/reverse_fact.html", context, status=status)


def _recording(request: PageRequest) -> Recording:
    key = request.POST.get("key", "")
    seen = SeenField().clean(request.POST.get("seen", ""))
    return Recording(key=key if is_key(key) else new_key(), now=request.now, by=request.user, seen=seen)


def _back(request: PageRequest, loan_id: int) -> HttpResponse:
    """To the page the button was pressed on."""
    name = PAGES.get(request.POST.get("back", ""))
    return go(request, name) if name else go(request, "ledger:loan", loan_id)
