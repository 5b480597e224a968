"""The page that records one fact about a loan, with the bills before and after shown first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from ledger.forms.facts import FactForm
from ledger.models import Bill, Loan
from ledger.selectors.desk import FactDesk
from ledger.selectors.preview import Change, change
from ledger.services.changes import record_change, refuse_change
from ledger.services.projection import refresh
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, go, own, page

LOANS = Loan.objects.select_related("lender", "household")
PIECES = {"preview": "ledger/_fact_preview.html"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact: its form, its page, what is said once it is recorded, and what the form begins with for a
    bill in the URL."""

    form: type[FactForm]
    template: str
    done: str | Promise
    begin: Callable[[Bill], dict[str, Any]] = lambda bill: {"bill": bill.number}
    only_open: bool = True


def fact_page(
    request: PageRequest, loan_id: int, kind: Kind, more: Callable[[Loan], dict[str, Any]] | None = None
) -> HttpResponse:
    """The form, for the bill `?bill=` names, else the first open one where it asks for one. A post records, unless it
    asks only for the preview: by htmx's target, or by the button `show` without JavaScript. `more` adds to what the
    template is given."""
    refresh(request.household, request.now)
    loan = own(request, LOANS, pk=loan_id)
    desk = FactDesk(loan, _bills(loan, kind), request.today)
    extra = more(loan) if more else {}
    if request.method != "POST":
        bill = _asked_bill(kind, desk.bills, request.GET.get("bill", ""))
        begin = kind.begin(bill) if bill else {}
        form = kind.form(desk=desk, initial={"effective_on": request.today} | begin)
        return _page(request, kind, form, extra)
    form = kind.form(request.POST, desk=desk)
    valid = form.is_valid()
    if request.htmx.target == "preview" or "show" in request.POST:
        return _page(request, kind, form, extra)
    if not valid:
        return _page(request, kind, form, extra, 422)
    said = form.cleaned_data
    recording = Recording(key=said["key"], now=request.now, by=request.user, seen=said["seen"])
    recorded = record_change(draft=form.draft(), recording=recording)
    if isinstance(recorded, Refusal):
        return _page(request, kind, form, extra, form.refuse(recorded))
    if recorded.replayed:
        messages.success(request, _("This was already recorded."))
    else:
        undo = reverse("ledger:reverse_fact", args=[loan.pk, recorded.fact.pk])
        messages.success(request, str(kind.done), extra_tags=undo)
    return go(request, "ledger:loan", loan.pk)


def _asked_bill(kind: Kind, bills: list[Bill], number: str) -> Bill | None:
    named = next((bill for bill in bills if str(bill.number) == number), None)
    field = kind.form.base_fields.get("bill")
    if named or field is None or not field.required:
        return named
    return next((bill for bill in bills if bill.open.total), None)


def _bills(loan: Loan, kind: Kind) -> list[Bill]:
    """Those that can be chosen: open ones, or all for what may concern a bill already paid."""
    bills = Bill.objects.filter(loan=loan).order_by("number")
    return list(bills.open() if kind.only_open else bills.needed())


def _page(request: PageRequest, kind: Kind, form: FactForm, more: dict[str, Any], status: int = 200) -> HttpResponse:
    shown, refusal = _preview(form)
    context = {
        "form": form,
        "loan": form.loan,
        "currency": form.loan.currency,
        "change": shown,
        "refusal": refusal,
        **more,
    }
    return page(request, kind.template, context, pieces=PIECES, status=status)


def _preview(form: FactForm) -> tuple[Change | None, Refusal | None]:
    """What the fact in the form would change, or why it cannot be recorded; neither while it is incomplete."""
    desk, begun = form.desk, form.is_bound
    if not begun:
        data = {name: form[name].value() or "" for name in form.fields}
        form = type(form)(data, desk=desk)
    if not form.is_complete:
        return None, None
    draft = form.draft()
    refusal = refuse_change(draft, desk.loan, desk.past)
    if refusal and refusal.code == "nothing" and not begun:  # nobody has been asked for a change yet
        return None, None
    return (None, refusal) if refusal else (change(desk.past, draft.value, desk.today), None)
