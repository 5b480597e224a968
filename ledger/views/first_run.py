"""The first page after signing up: a household, then its first loan."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ledger.forms.presets import preset_of
from ledger.forms.settings import HouseholdForm
from ledger.models import Loan
from ledger.services.households import start_household
from loantracker.http import PageRequest, go, page

FIRST_KINDS = ("reserve", "bnpl", "mortgage")


@login_required
def first_run(request: PageRequest) -> HttpResponse:
    """Ask for a household where there is none, then for the first loan; then there is nothing to do here."""
    if request.household is None:
        return _first_household(request)
    if Loan.objects.filter(household=request.household).exists():
        return redirect("ledger:overview")
    return page(request, "ledger/first_loan.html", {"kinds": [preset_of(code) for code in FIRST_KINDS]})


def _first_household(request: PageRequest) -> HttpResponse:
    start = {"name": _("Home"), "time_zone": settings.HOUSEHOLD_TIME_ZONE, "currency": "CNY"}
    form = HouseholdForm(request.POST if request.method == "POST" else None, initial=start)
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return page(request, "ledger/first_run.html", {"form": form}, status=status)
    start_household(owner=request.user, now=request.now, **form.cleaned_data)
    return go(request, "ledger:first_run")
