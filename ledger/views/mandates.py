"""Auto-repay of a loan: giving a lender leave to debit, pausing it, keeping it on, ending it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBadRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from ledger.forms.mandates import MandateForm, PauseForm, rows_asked, scope_code, start_of
from ledger.models import AutoRepayMandate, FundingAccount, Loan
from ledger.selectors.mandate_page import mandate_page
from ledger.selectors.mandates import accounts_of, covered_text
from ledger.services.mandates import authorize_mandate, end_mandate, keep_mandate, pause_mandate, resume_mandate
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, member_page, own, page

LOANS = Loan.objects.select_related("lender", "household", "credit_line", "mandate")
MANDATES = AutoRepayMandate.objects.select_related("household", "loan", "credit_line", "lender")
PIECES = {"mandate-form": "ledger/_mandate_form.html"}
CHANGES = {
    "pause": gettext_lazy("Auto-repay is paused for %(loan)s."),
    "resume": gettext_lazy("Auto-repay is on again for %(loan)s."),
    "keep": gettext_lazy("Auto-repay stays on for %(loan)s."),
    "end": gettext_lazy("Auto-repay is off for %(loan)s."),
}


@member_page
def mandate(request: PageRequest, loan_id: int) -> HttpResponse:
    """Auto-repay of one loan: what it does, what it did, switching it on; without JavaScript `more` adds a row."""
    loan = own(request, LOANS, pk=loan_id)
    if request.method == "POST":
        return _authorize(request, loan)
    return _page(request, loan, _form(request, loan))


@editor_page
def _authorize(request: PageRequest, loan: Loan) -> HttpResponse:
    if "more" in request.POST:
        return _page(request, loan, _form(request, loan, as_typed=True))
    form = _form(request, loan, request.POST)
    if not form.is_valid():
        return _page(request, loan, form, 422)
    scope = form.covered()
    given = authorize_mandate(
        scope=scope,
        sources=form.sources(),
        wishes=form.wishes(),
        recording=Recording(key=form.cleaned_data["key"], now=request.now, by=request.user),
    )
    if isinstance(given, Refusal):
        return _page(request, loan, form, form.refuse(given))
    messages.success(request, _what_is_on(given, loan))
    return go(request, "ledger:mandate", loan.pk)


def _what_is_on(given: AutoRepayMandate, loan: Loan) -> str:
    said = _("Auto-repay is on for %(loan)s.") % {"loan": covered_text(given)}
    loan.refresh_from_db(fields=["mandate"])
    if loan.mandate_id in (None, given.pk):
        return said
    return said + " " + _("%(loan)s keeps its own until you end it.") % {"loan": loan}


@require_POST
@editor_page
def change_mandate(request: PageRequest, loan_id: int, mandate_id: int) -> HttpResponse:
    """Do `what` with the mandate that covers this loan: pause, resume, keep, end. Doing it twice changes nothing."""
    loan = own(request, LOANS, pk=loan_id)
    covers = Q(loan=loan) | Q(lender=loan.lender_id, currency=loan.currency)
    if loan.credit_line_id is not None:
        covers |= Q(credit_line=loan.credit_line_id)
    one = own(request, MANDATES.filter(covers), pk=mandate_id)
    what = request.POST.get("what", "")
    if what not in CHANGES:
        return HttpResponseBadRequest(_("This button is not known here. Please reload the page."))
    form = PauseForm(request.POST)
    if what == "pause" and not form.is_valid():
        return _page(request, loan, _form(request, loan), 422, form)
    changed = _change(request, one, what, form)
    if isinstance(changed, Refusal) and changed.field == "resumes_on":
        form.add_error("resumes_on", changed.message)
        return _page(request, loan, _form(request, loan), 422, form)
    if isinstance(changed, Refusal):
        messages.error(request, str(changed))
    else:
        messages.success(request, CHANGES[what] % {"loan": covered_text(changed)})
    if request.POST.get("back") == "overview":
        return go(request, "ledger:overview")
    return go(request, "ledger:mandate", loan.pk)


def _change(request: PageRequest, one: AutoRepayMandate, what: str, form: PauseForm) -> AutoRepayMandate | Refusal:
    recording = Recording(key="", now=request.now, by=request.user)
    if what == "end" and one.ended_at is not None:
        return one  # never the one that has taken its place
    if what == "end":
        return end_mandate(scope=one.scope, currency=one.currency, recording=recording)
    if what == "pause":
        return pause_mandate(mandate=one, recording=recording, resumes_on=form.cleaned_data["resumes_on"])
    return (resume_mandate if what == "resume" else keep_mandate)(mandate=one, recording=recording)


def _form(request: PageRequest, loan: Loan, data: Any = None, *, as_typed: bool = False) -> MandateForm:
    """The form: as sent; `as_typed` without judging it, with another row; else with what is in force."""
    usable = FundingAccount.objects.filter(household=request.household, currency=loan.currency, archived_at=None)
    accounts = usable.order_by("name", "pk")
    live = loan.mandate
    sources = accounts_of([live.pk])[live.pk] if live else []
    sent = request.POST if as_typed else data
    rows = rows_asked(sent, accounts.count(), len(sources))
    start = start_of(live, sources)
    form = MandateForm(data, initial=start, loan=loan, accounts=accounts, rows=rows)
    if as_typed:
        form.initial = {**form.initial, **{name: request.POST.get(name, "") for name in form.fields if name != "seen"}}
    return form


def _page(
    request: PageRequest, loan: Loan, form: MandateForm, status: int = 200, pause_form: PauseForm | None = None
) -> HttpResponse:
    shown = mandate_page(loan, request.today)
    context = {
        "loan": loan,
        "form": form,
        "pause_form": pause_form or PauseForm(),
        "shown": shown,
        "scope": scope_code(loan.mandate),
        "has_account": bool(form.fields["account"].choices),  # type: ignore[attr-defined]
    }
    return page(request, "ledger/mandate.html", context, pieces=PIECES, status=status)
