"""The overview: the first page after signing in."""

from __future__ import annotations

from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import redirect

from ledger.selectors.debts import current_loans
from ledger.selectors.overview import overview as gather
from ledger.services.projection import refresh
from loantracker.http import PageRequest, member_page, page


@member_page
def overview(request: PageRequest) -> HttpResponse:
    """What is owed next and whether the money is there; without a loan, how to begin."""
    loans = current_loans(request.household, request.today)
    if not loans:
        return redirect("ledger:first_run")
    if any(loan.next_change_on and loan.next_change_on <= request.today for loan in loans):
        refresh(request.household, request.now)
        loans = current_loans(request.household, request.today)
    shown = gather(request.household, request.today, loans)
    return page(request, "ledger/overview.html", {"shown": shown, "key": uuid4().hex})
