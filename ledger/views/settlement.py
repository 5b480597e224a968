"""The settlement checklist of a loan that is paid off."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse

from ledger.models import Loan
from ledger.models.paperwork import OF_ITEM, Deed, Item
from ledger.selectors.settlement import checklist
from ledger.services.projection import refresh
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from ledger.services.settlement import mark_item
from loantracker.http import PageRequest, editor_page, go, member_page, own, page


@member_page
def settlement(request: PageRequest, loan_id: int) -> HttpResponse:
    """What is to be seen to, each ticked or waived, with who did it; a post marks one `item` as `deed`."""
    if request.method == "POST":
        return _mark(request, loan_id)
    refresh(request.household, request.now)
    mine = own(request, Loan.objects.select_related("lender"), pk=loan_id)
    return page(request, "ledger/settlement.html", {"loan": mine, "shown": checklist(mine)})


@editor_page
def _mark(request: PageRequest, loan_id: int) -> HttpResponse:
    mine = own(request, Loan.objects.all(), pk=loan_id)
    item, deed = request.POST.get("item", ""), request.POST.get("deed", "")
    if item not in Item.values or deed not in OF_ITEM:
        raise Http404
    recording = Recording(key="", now=request.now, by=request.user)
    marked = mark_item(loan=mine, item=Item(item), deed=Deed(deed), recording=recording)
    if isinstance(marked, Refusal):
        messages.error(request, str(marked))
    return go(request, "ledger:settlement", loan_id)
