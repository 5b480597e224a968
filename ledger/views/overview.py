"""The overview: the first page after signing in; and what it fetches later, a page of its own too."""

from __future__ import annotations

from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import redirect

from ledger.selectors.debts import owed as all_owed
from ledger.selectors.overview import loans_of
from ledger.selectors.overview import overview as gather
from ledger.services.projection import refresh
from loantracker.http import PageRequest, member_page, page


@member_page
def overview(request: PageRequest) -> HttpResponse:
    """What is owed next and whether the money is there; without a loan, how to begin."""
    loans = loans_of(request.household)
    if not loans.count:
        return redirect("ledger:first_run")
    if loans.overtaken_on is not None and loans.overtaken_on <= request.today:
        refresh(request.household, request.now)
        loans = loans_of(request.household)
    shown = gather(request.household, request.today, loans)
    return page(request, "ledger/overview.html", {"shown": shown, "key": uuid4().hex})


@member_page
def owed(request: PageRequest) -> HttpResponse:
    """All that is owed, over time to the debt-free date; by itself, or as the end of the overview."""
    refresh(request.household, request.now)
    shown = all_owed(request.household, request.today)
    return page(request, "ledger/owed.html", {"shown": shown}, pieces={"owed": "ledger/_owed.html"})
