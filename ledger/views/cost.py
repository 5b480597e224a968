"""What a loan truly costs, item by item."""

from __future__ import annotations

from django.http import HttpResponse

from ledger.models import Loan
from ledger.selectors.cost import cost_page
from loantracker.http import PageRequest, member_page, own, page


@member_page
def loan_cost(request: PageRequest, loan_id: int) -> HttpResponse:
    """Every item and every cash flow of a loan, what may come on top, and legal caps for information."""
    mine = own(request, Loan.objects.select_related("lender"), pk=loan_id)
    return page(request, "ledger/loan_cost.html", {"shown": cost_page(mine, request.today)})
