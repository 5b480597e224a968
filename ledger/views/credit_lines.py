"""Credit lines: a limit, and the loans drawn on it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from ledger.forms.credit_lines import CreditLineForm
from ledger.models import Lender
from ledger.services.lenders import add_credit_line as add
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, page


@editor_page
def add_credit_line(request: PageRequest) -> HttpResponse:
    """Add a limit; then on to the first loan drawn on it."""
    start = {"currency": request.household.currency, "name": _("Reserve credit")}
    form = CreditLineForm(request.POST if request.method == "POST" else None, initial=start)
    lenders = Lender.objects.filter(household=request.household).order_by("name").values_list("name", flat=True)
    context = {"form": form, "lenders": lenders}
    if request.method != "POST":
        return page(request, "ledger/add_credit_line.html", context)
    if not form.is_valid():
        return page(request, "ledger/add_credit_line.html", context, status=422)
    said = form.cleaned_data
    added = add(
        household=request.household,
        lender_name=said["lender"],
        name=said["name"],
        currency=said["currency"],
        limit=said["limit"],
    )
    if isinstance(added, Refusal):
        form.add_error(added.field or None, str(added))
        return page(request, "ledger/add_credit_line.html", context, status=422)
    messages.success(
        request, _("%(line)s is on the list. Choose it under More when you add what you drew.") % {"line": added}
    )
    return go(request, "ledger:add_loan")
