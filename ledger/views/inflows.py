"""Planned inflows: expecting money in an account, and expecting it no more."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ledger.forms.inflows import InflowForm
from ledger.loanmath.inflows import Repeats
from ledger.loanmath.terms import HolidayRule
from ledger.models import FundingAccount, PlannedInflow
from ledger.services import inflows as services
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, own, page


@editor_page
def plan_inflow(request: PageRequest, account_id: int) -> HttpResponse:
    """Say what comes into an account, and when."""
    account = own(request, FundingAccount.objects.all(), pk=account_id)
    start = {
        "name": _("Salary"),
        "repeats": Repeats.MONTHLY,
        "starts_on": request.today,
        "shift": HolidayRule.PREVIOUS_WORKDAY,
        "holiday_calendar": "CN" if account.currency == "CNY" else "",
    }
    posted = request.POST if request.method == "POST" else None
    form = InflowForm(posted, initial=start, currency=account.currency)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        planned = services.plan_inflow(
            account=account,
            name=form.cleaned_data["name"],
            amount=form.cleaned_data["amount"],
            rhythm=form.rhythm(),
            recording=Recording(key=form.cleaned_data["key"], now=request.now, by=request.user),
        )
        if not isinstance(planned, Refusal):
            messages.success(request, _("%(inflow)s is expected in %(account)s.") % _said(planned))
            return go(request, "ledger:accounts")
        status = form.refuse(planned)
    return page(request, "ledger/plan_inflow.html", {"form": form, "account": account}, status=status)


@editor_page
@require_POST
def end_inflow(request: PageRequest, account_id: int, inflow_id: int) -> HttpResponse:
    """Stop expecting an inflow."""
    account = own(request, FundingAccount.objects.all(), pk=account_id)
    inflow = own(request, PlannedInflow.objects.filter(account=account), pk=inflow_id)
    ended = services.end_inflow(inflow=inflow, recording=Recording(key="", now=request.now, by=request.user))
    messages.success(request, _("%(inflow)s is no longer expected in %(account)s.") % _said(ended))
    return go(request, "ledger:accounts")


def _said(inflow: PlannedInflow) -> dict[str, object]:
    return {"inflow": inflow, "account": inflow.account}
