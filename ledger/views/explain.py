"""Any amount of a loan, explained: a page of its own, or the piece of it that a dialog shows."""

from __future__ import annotations

import logging

from django.http import Http404, HttpResponse

from ledger.loanmath.explanation import NoSuchCell, Unexplained
from ledger.selectors.explain import explanation_page
from ledger.views.loan import LOANS
from loantracker.http import PageRequest, member_page, own, page

log = logging.getLogger(__name__)


@member_page
def explain_amount(request: PageRequest, loan_id: int, cell: str) -> HttpResponse:
    """The terms that add up to an amount; `?from=` names the amount one came from. No such amount is a 404."""
    mine = own(request, LOANS, pk=loan_id)
    context = {"loan": mine, "shown": None}
    try:
        context["shown"] = explanation_page(mine, cell, request.today, request.GET.get("from", ""))
    except NoSuchCell as missing:
        raise Http404 from missing
    except Unexplained:
        log.exception("The terms of an amount do not add up.", extra={"loan": loan_id, "cell": cell})
    return page(request, "ledger/explain.html", context, pieces={"explanation": "ledger/_explanation.html"})
