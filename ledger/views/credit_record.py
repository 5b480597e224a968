"""The credit record: what a lender would see, without a score."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from ledger.forms.credit_record import CreditRulesForm
from ledger.models import Role
from ledger.selectors.credit_record import credit_record as gather
from ledger.selectors.paging import read_id
from ledger.services.households import update_credit_rules
from ledger.services.projection import refresh
from loantracker.http import PageRequest, go, member_page, owner_page, page

MONTHS = [date(2000, month, 1) for month in range(1, 13)]  # for their names


@member_page
def credit_record(request: PageRequest) -> HttpResponse:
    """How punctual the household is, loan by loan and month by month; a post by an owner changes what it goes by."""
    if request.method == "POST":
        return _change(request)
    return _page(request, CreditRulesForm(household=request.household))


@owner_page
def _change(request: PageRequest) -> HttpResponse:
    form = CreditRulesForm(request.POST, household=request.household)
    if not form.is_valid():
        return _page(request, form, 422)
    update_credit_rules(household=request.household, monthly_income=form.cleaned_data["monthly_income"], rule=form.rule)
    messages.success(request, _("The page goes by these figures now."))
    return go(request, "ledger:credit_record")


def _page(request: PageRequest, form: CreditRulesForm, status: int = 200) -> HttpResponse:
    refresh(request.household, request.now)
    from_loan = read_id(request.GET.get("after", ""))
    context = {
        "shown": gather(request.household, request.today, from_loan),
        "form": form,
        "months": MONTHS,
        "is_owner": request.membership.role == Role.OWNER,
    }
    return page(request, "ledger/credit_record.html", context, status=status)
