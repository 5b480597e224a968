"""Recording a repayment, with what it will do shown before it is saved."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse

from ledger.forms.fields import DayField
from ledger.forms.repayment import RepaymentForm
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.money import AmountError, parse_amount
from ledger.models import Loan
from ledger.selectors.double_debit import DoubleDebit, double_debit
from ledger.selectors.prepared import Prepared
from ledger.selectors.preview import Change, change
from ledger.selectors.repayments import Desk, accounts_for, met_by, repayment_desk
from ledger.services.projection import refresh
from ledger.services.recording import Recorded, Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment as record
from ledger.services.repayments import refuse_repayment
from ledger.templatetags.sentences import between_sentences
from loantracker.http import PageRequest, editor_page, go, own_loan, page

LOANS = Loan.objects.select_related("lender", "household", "mandate")
_LOAN = Prepared(lambda household, loan: LOANS.filter(household=household, pk=loan))
PIECES = {"preview": "ledger/_repayment_preview.html", "repayment": "ledger/_repayment_form.html"}

OTHER_WAY = {ApplyTo.SHORTEN: ApplyTo.LOWER, ApplyTo.LOWER: ApplyTo.SHORTEN}


@editor_page
def record_repayment(request: PageRequest, loan_id: int) -> HttpResponse:
    """The form, filled in from `?bill=`, `?suggest=` or `?amount=&apply_to=`. A post records, unless it only takes
    a suggestion or asks for the preview: by htmx's target, or by the button `show` without JavaScript."""
    refresh(request.household, request.now)
    loan = own_loan(request, _LOAN, loan_id)
    desk = repayment_desk(loan, request.today, request.GET.get("bill", ""))
    if request.method != "POST":
        return _page(request, desk, _form(desk, initial=_initial(request, desk)))
    form = _form(desk, data=request.POST)
    if "suggest" in request.POST:
        return _page(request, desk, _with_suggestion(form, desk, request.POST["suggest"]))
    valid = form.is_valid()
    if request.htmx.target == "preview" or "show" in request.POST:
        return _page(request, desk, form)
    if not valid:
        return _page(request, desk, form, 422)
    said = form.cleaned_data
    recorded = record(
        loan=loan,
        amount=said["amount"],
        paid_on=said["paid_on"],
        recording=Recording(key=said["key"], now=request.now, by=request.user, seen=said["seen"]),
        apply_to=ApplyTo(said["apply_to"]),
        bill_number=said["bill"],
        account=said["account"],
        note=said["note"],
    )
    if isinstance(recorded, Refusal):
        return _page(request, desk, form, form.refuse(recorded))
    undo = "" if recorded.replayed else reverse("ledger:reverse_fact", args=[loan.pk, recorded.fact.pk])
    messages.success(request, _what_happened(request, loan, recorded), extra_tags=undo)
    return go(request, "ledger:loan", loan.pk)


def _form(desk: Desk, **options: Any) -> RepaymentForm:
    return RepaymentForm(loan=desk.loan, bills=desk.bills, accounts=accounts_for(desk.loan), **options)


def _initial(request: PageRequest, desk: Desk) -> dict[str, Any]:
    """What the URL asks for, else what is most likely meant."""
    values: dict[str, Any] = {"paid_on": request.today, "apply_to": ApplyTo.DUE.value}
    suggestions = desk.suggestions(request.today)
    asked = desk.suggestion(request.GET.get("suggest", ""), request.today)
    suggestion = asked or (suggestions[0] if suggestions else None)
    if suggestion is not None:
        values |= {"amount": suggestion.amount, "apply_to": suggestion.apply_to.value, "bill": suggestion.bill}
    if request.GET.get("apply_to") in {one.value for one in ApplyTo}:
        values["apply_to"] = request.GET["apply_to"]
    with suppress(AmountError):
        values["amount"] = parse_amount(request.GET.get("amount", ""), desk.loan.currency)
    return values


def _with_suggestion(form: RepaymentForm, desk: Desk, code: str) -> RepaymentForm:
    """The form as sent with a suggestion filled in, or with "credit" the rest held; checked, so that its preview
    shows."""
    suggestion = desk.suggestion(code, _day(form, desk.today))
    if suggestion is not None:
        form.take(suggestion)
    elif code == "credit":
        form.hold()
    form.is_valid()
    return form


def _day(form: RepaymentForm, today: date) -> date:
    try:
        return DayField(required=False).clean(form["paid_on"].value()) or today
    except ValidationError:
        return today


def _page(request: PageRequest, desk: Desk, form: RepaymentForm, status: int = 200) -> HttpResponse:
    shown, other, refusal = _preview(form, desk)
    context = {
        "form": form,
        "loan": desk.loan,
        "currency": desk.loan.currency,
        "suggestions": desk.suggestions(_day(form, desk.today)),
        "change": shown,
        "other": other,
        "refusal": refusal,
        "planned": shown is not None and shown.as_of > desk.today,
        "double": _double(request, desk, form, shown),
    }
    return page(request, "ledger/record_repayment.html", context, pieces=PIECES, status=status)


def _double(request: PageRequest, desk: Desk, form: RepaymentForm, shown: Change | None) -> DoubleDebit | None:
    """The lender's debit that the same bills may meet on the day in the form."""
    if shown is None:
        return None
    numbers = {part.number for part in shown.paid if part.number is not None}
    return double_debit(desk.loan, desk.bills, numbers, _day(form, desk.today), request.now)


def _preview(form: RepaymentForm, desk: Desk) -> tuple[Change | None, Change | None, Refusal | None]:
    """What the repayment in the form would do, and for a prepayment what the other way would; or why it cannot be
    recorded. None of them while the form is incomplete."""
    if not form.is_bound:
        form = _form(desk, data={name: form[name].value() or "" for name in form.fields})
    if not form.is_complete:
        return None, None, None
    draft = form.draft()
    refusal = refuse_repayment(draft, desk.loan, desk.past, desk.today)
    if refusal is not None:
        return None, None, refusal
    shown = change(desk.past, draft.value, desk.today)
    if draft.apply_to not in OTHER_WAY or shown.settles:
        return shown, None, None
    draft.apply_to = OTHER_WAY[ApplyTo(draft.apply_to)]
    return shown, change(desk.past, draft.value, desk.today), None


def _what_happened(request: PageRequest, loan: Loan, recorded: Recorded) -> str:
    """What was recorded and which bills it met, in words."""
    met, credit = met_by(recorded.fact)
    context = {
        "fact": recorded.fact,
        "replayed": recorded.replayed,
        "planned": recorded.fact.effective_on > request.today,
        "met": met,
        "credit": credit,
        "currency": loan.currency,
        "today": request.today,
    }
    sentences = render_to_string("ledger/_recorded.txt", context).splitlines()
    return between_sentences().join(line.strip() for line in sentences if line.strip())
