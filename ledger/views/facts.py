"""Recording what changes what is owed, each with the bills before and after shown first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.forms.facts import ChargeForm, DeferralForm, FactForm, FigureForm, RateForm, WaiverForm
from ledger.loanmath.terms import Component
from ledger.models import Bill, Loan
from ledger.selectors.history import history
from ledger.selectors.preview import Change, change
from ledger.services.changes import record_change, refuse_change
from ledger.services.projection import refresh
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, own, page

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


def _waiver_begin(bill: Bill) -> dict[str, Any]:
    """The penalty of the bill, else its fee, else nothing in particular."""
    for component in (Component.PENALTY, Component.FEE):
        if amount := getattr(bill.open, component):
            return {"bill": bill.number, "component": component.value, "amount": amount}
    return {"bill": bill.number}


def _figure_begin(bill: Bill) -> dict[str, Any]:
    due = bill.due
    return {
        "bill": bill.number,
        "principal": due.principal,
        "interest": due.interest,
        "fee": due.fee,
        "penalty": due.penalty,
    }


CHARGE = Kind(
    ChargeForm,
    "ledger/record_charge.html",
    gettext_lazy("The charge is recorded and added to its bill."),
    only_open=False,
)
WAIVER = Kind(
    WaiverForm,
    "ledger/waive_charge.html",
    gettext_lazy("The waiver is recorded and taken off its bill."),
    _waiver_begin,
)
RATE = Kind(RateForm, "ledger/change_rate.html", gettext_lazy("The new rate is recorded, and the bills follow it."))
DEFERRAL = Kind(DeferralForm, "ledger/defer_bill.html", gettext_lazy("The new due date is recorded."))
FIGURE = Kind(
    FigureForm,
    "ledger/state_lender_figure.html",
    gettext_lazy("The lender's figure is recorded. It stands in place of ours."),
    _figure_begin,
    only_open=False,
)


@editor_page
def record_charge(request: PageRequest, loan_id: int) -> HttpResponse:
    """A fee or penalty the lender added."""
    return _fact_page(request, loan_id, CHARGE)


@editor_page
def waive_charge(request: PageRequest, loan_id: int) -> HttpResponse:
    """Something the lender forgave, or a coupon."""
    return _fact_page(request, loan_id, WAIVER)


@editor_page
def change_rate(request: PageRequest, loan_id: int) -> HttpResponse:
    """A new yearly rate from a day on."""
    return _fact_page(request, loan_id, RATE)


@editor_page
def defer_bill(request: PageRequest, loan_id: int) -> HttpResponse:
    """A later date agreed for a bill."""
    return _fact_page(request, loan_id, DEFERRAL)


@editor_page
def state_lender_figure(request: PageRequest, loan_id: int) -> HttpResponse:
    """What the lender says a bill is."""
    return _fact_page(request, loan_id, FIGURE)


def _fact_page(request: PageRequest, loan_id: int, kind: Kind) -> HttpResponse:
    """The form, for the bill `?bill=` names. A post records, unless it asks only for the preview: by htmx's target,
    or by the button `show` without JavaScript."""
    refresh(request.household, request.now)
    loan = own(request, LOANS, pk=loan_id)
    bills = _bills(loan, kind)
    if request.method != "POST":
        asked = next((bill for bill in bills if str(bill.number) == request.GET.get("bill", "")), None)
        begin = kind.begin(asked) if asked else {}
        form = kind.form(loan=loan, bills=bills, initial={"effective_on": request.today} | begin)
        return _page(request, kind, form, bills)
    form = kind.form(request.POST, loan=loan, bills=bills)
    valid = form.is_valid()
    if request.htmx.target == "preview" or "show" in request.POST:
        return _page(request, kind, form, bills)
    if not valid:
        return _page(request, kind, form, bills, 422)
    said = form.cleaned_data
    recording = Recording(key=said["key"], now=request.now, by=request.user, seen=said["seen"])
    recorded = record_change(draft=form.draft(), recording=recording)
    if isinstance(recorded, Refusal):
        return _page(request, kind, form, bills, form.refuse(recorded))
    messages.success(request, _("This was already recorded.") if recorded.replayed else str(kind.done))
    return go(request, "ledger:loan", loan.pk)


def _bills(loan: Loan, kind: Kind) -> list[Bill]:
    """Those that can be chosen: open ones, or all for what may concern a bill already paid."""
    bills = Bill.objects.filter(loan=loan).order_by("number")
    return list(bills.open() if kind.only_open else bills.needed())


def _page(request: PageRequest, kind: Kind, form: FactForm, bills: list[Bill], status: int = 200) -> HttpResponse:
    shown, refusal = _preview(request, form, bills)
    context = {
        "form": form,
        "loan": form.loan,
        "currency": form.loan.currency,
        "change": shown,
        "refusal": refusal,
    }
    return page(request, kind.template, context, pieces=PIECES, status=status)


def _preview(request: PageRequest, form: FactForm, bills: list[Bill]) -> tuple[Change | None, Refusal | None]:
    """What the fact in the form would change, or why it cannot be recorded; neither while it is incomplete."""
    if not form.is_bound:
        data = {name: form[name].value() or "" for name in form.fields}
        form = type(form)(data, loan=form.loan, bills=bills)
    if not form.is_complete:
        return None, None
    past, draft = history(form.loan), form.draft()
    refusal = refuse_change(draft, form.loan, past)
    return (None, refusal) if refusal else (change(past, draft.value, request.today), None)
