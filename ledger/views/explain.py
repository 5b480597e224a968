"""Any amount of a loan, or of several, explained: a page of its own, or the piece of it that a dialog shows."""

from __future__ import annotations

import logging

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from ledger.loanmath.explanation import NoSuchCell, Unexplained
from ledger.selectors.explain import explanation_page
from ledger.selectors.sums import household_sum, is_sum
from ledger.services.projection import refresh
from ledger.views.loan import LOANS
from loantracker.http import PageRequest, member_page, own, page

log = logging.getLogger(__name__)


@member_page
def explain_amount(request: PageRequest, loan_id: int, cell: str) -> HttpResponse:
    """The terms that add up to an amount; `?from=` names the amount one came from, `?sum=` the sum. No such amount is
    a 404."""
    mine = own(request, LOANS, pk=loan_id)
    total = request.GET.get("sum", "")
    context = {"loan": mine, "shown": None, "came_from_sum": total if is_sum(total) else ""}
    try:
        context["shown"] = explanation_page(mine, cell, request.today, request.GET.get("from", ""))
    except NoSuchCell as missing:
        raise Http404 from missing
    except Unexplained:
        log.exception("The terms of an amount do not add up.", extra={"loan": loan_id, "cell": cell})
    return page(request, "ledger/explain.html", context, pieces={"explanation": "ledger/_explanation.html"})


@member_page
def explain_sum(request: PageRequest, name: str) -> HttpResponse:
    """The amounts of several loans that add up to one, each leading on to its own terms; a single one is shown at once.
    No such sum is a 404."""
    refresh(request.household, request.now)
    shown = household_sum(request.household, request.today, name, request.GET.dict())
    if shown is None:
        raise Http404
    if len(shown.addends) == 1:
        only = shown.addends[0]
        return redirect("ledger:explain_amount", only.loan_id, only.cell.name)
    return page(request, "ledger/explain_sum.html", {"shown": shown}, pieces={"explanation": "ledger/_sum.html"})
