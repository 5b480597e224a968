"""What a lender asks for on a day, over all its loans: the list of statements, and one of them with its repayment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_htmx.http import HttpResponseLocation

from ledger.forms.statement import StatementForm
from ledger.loanmath.money import said_amount
from ledger.models import Lender
from ledger.selectors.bills import STATES
from ledger.selectors.preview import Change, change
from ledger.selectors.statement import Pays, StatementBill, StatementDesk, accounts_for, statement_desk
from ledger.selectors.statements import Statement, statements_page
from ledger.services.projection import refresh
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import refuse_repayment
from ledger.services.statements import OF_ALL, StatementRepaid, repay_statement
from loantracker.http import PageRequest, member_page, own, page

PIECES = {"preview": "ledger/_statement_preview.html"}
STATE_WORDS = {
    "open": gettext_lazy("Open"),
    "overdue": gettext_lazy("Overdue"),
    "upcoming": gettext_lazy("Upcoming"),
    "presumed": gettext_lazy("Presumed paid"),
    "paid": gettext_lazy("Paid"),
    "all": gettext_lazy("All"),
}
MOST_PREVIEWED = 60  # more bills than that are only summed up beside the form


@member_page
def statements(request: PageRequest) -> HttpResponse:
    """The household's statements, by state, lender, month and text."""
    refresh(request.household, request.now)
    shown = statements_page(request.household, request.today, request.GET.dict())
    asked = shown.filter
    tabs = [
        {
            "url": asked.query(state="" if state == "open" else state),
            "label": STATE_WORDS[state],
            "current": state == asked.state,
        }
        for state in STATES
    ]
    return page(request, "ledger/statements.html", {"shown": shown, "tabs": tabs})


@member_page
def statement(request: PageRequest, lender_id: int, day: str) -> HttpResponse:
    """One statement with its form. A post records, unless it asks only for the preview: by htmx's target, or by the
    button `show` without JavaScript."""
    refresh(request.household, request.now)
    lender = own(request, Lender.objects.select_related("household"), pk=lender_id)
    desk = statement_desk(request.household, lender, _day(day), request.today, request.GET.get("currency", ""))
    if desk is None:
        raise Http404
    if request.method != "POST":
        return _page(request, desk, _form(desk, initial={"paid_on": request.today, "pays": Pays.ALL.value}))
    if not request.membership.may_write:
        raise PermissionDenied
    form = _form(desk, data=request.POST)
    valid = form.is_valid()
    if request.htmx.target == "preview" or "show" in request.POST:
        return _page(request, desk, form)
    if not valid:
        return _page(request, desk, form, 422)
    said = form.cleaned_data
    recording = Recording(key=said["key"], now=request.now, by=request.user, seen=said["seen"])
    repaid = repay_statement(asked=form.asked(lender), recording=recording)
    if isinstance(repaid, Refusal):
        return _page(request, desk, form, form.refuse(repaid))
    messages.success(request, _what_happened(request, desk.statement, repaid))
    return _back(request, desk.statement)


def _day(text: str) -> date:
    """The day of the address; 404 for what is none."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise Http404 from error
    if found.isoformat() != text:
        raise Http404
    return found


def _form(desk: StatementDesk, **options: Any) -> StatementForm:
    return StatementForm(desk=desk, accounts=accounts_for(desk.household, desk.statement.currency), **options)


def _back(request: PageRequest, shown: Statement) -> HttpResponse:
    url = reverse("ledger:statement", args=[shown.lender_id, shown.payable_on.isoformat()]) + shown.query
    return HttpResponseLocation(url) if request.htmx else HttpResponseRedirect(url)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one repayment would do: to its loan, or why it cannot be."""

    line: StatementBill
    amount: int
    change: Change | None
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What all of it would do; `effects` are left out where they are too many to show."""

    effects: tuple[Effect, ...]
    count: int
    total: int
    paid_on: date
    refusal: Refusal | None
    clashes: tuple[date, ...]

    @property
    def is_refused(self) -> bool:
        return self.refusal is not None or any(one.refusal for one in self.effects)


def _preview(form: StatementForm, desk: StatementDesk) -> Preview | None:
    """What the form would record; None while it is incomplete, or asks for nothing."""
    if not form.is_bound:
        form = _form(desk, data={name: form[name].value() or "" for name in form.fields})
    if not form.is_complete:
        return None
    amounts = form.amounts
    chosen = [(line, amounts[line.row.id]) for line in desk.bills if line.row.id in amounts]
    if not chosen:
        return None
    shown = chosen if len(chosen) <= MOST_PREVIEWED else []
    effects = tuple(_effect(form, line, amount, desk) for line, amount in shown)
    refusals = [one.refusal for one in effects if one.refusal]
    days = {line.cover.debit_on for line, _ in chosen if line.cover and not line.cover.above_cap}
    return Preview(
        effects=effects,
        count=len(chosen),
        total=sum(amounts.values()),
        paid_on=form.cleaned_data["paid_on"],
        refusal=next((one for one in refusals if one.code in OF_ALL), None),
        clashes=tuple(sorted(days)),
    )


def _effect(form: StatementForm, line: StatementBill, amount: int, desk: StatementDesk) -> Effect:
    draft, past = form.draft(line, amount), desk.past[line.row.loan_id]
    refusal = refuse_repayment(draft, line.bill.loan, past, desk.today, line.bill)
    return Effect(line, amount, None if refusal else change(past, draft.value, desk.today), refusal)


def _page(request: PageRequest, desk: StatementDesk, form: StatementForm, status: int = 200) -> HttpResponse:
    context = {
        "desk": desk,
        "shown": desk.statement,
        "standing": desk.statement.standing(request.today),
        "currency": desk.statement.currency,
        "form": form,
        "preview": _preview(form, desk) if request.membership.may_write else None,
    }
    return page(request, "ledger/statement.html", context, pieces=PIECES, status=status)


def _what_happened(request: PageRequest, shown: Statement, repaid: StatementRepaid) -> str:
    count = len(repaid.facts)
    said = {
        "amount": said_amount(sum(fact.amount or 0 for fact in repaid.facts), shown.currency),
        "lender": shown.lender,
        "count": count,
    }
    if repaid.replayed:
        return _("This repayment of %(amount)s to %(lender)s was already recorded.") % said
    if repaid.facts[0].effective_on > request.today:
        return (
            ngettext(
                "%(amount)s to %(lender)s is planned, for %(count)d bill.",
                "%(amount)s to %(lender)s is planned, for %(count)d bills.",
                count,
            )
            % said
        )
    return (
        ngettext(
            "%(amount)s to %(lender)s is recorded, for %(count)d bill.",
            "%(amount)s to %(lender)s is recorded, for %(count)d bills.",
            count,
        )
        % said
    )
