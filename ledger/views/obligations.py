"""All my obligations on one page to print, and how each lender is paid, for whoever has to take over."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from ledger.forms.lenders import HowToPayForm
from ledger.models import Lender
from ledger.selectors.obligations import obligations as gather
from ledger.services import lenders as services
from ledger.services.projection import refresh
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, member_page, own, page


@member_page
def obligations(request: PageRequest) -> HttpResponse:
    """Who is owed what, when, from which account, and how it is paid."""
    refresh(request.household, request.now)
    shown = gather(request.household, request.today)
    return page(request, "ledger/obligations.html", {"shown": shown})


@editor_page
def say_how_to_pay(request: PageRequest, lender_id: int) -> HttpResponse:
    """How one lender is reached and paid."""
    lender = own(request, Lender.objects.all(), pk=lender_id)
    begin = {"contact": lender.contact, "how_to_pay": lender.how_to_pay}
    form = HowToPayForm(request.POST if request.method == "POST" else None, initial=begin)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        kept = services.say_how_to_pay(lender=lender, contact=said["contact"], how_to_pay=said["how_to_pay"])
        if not isinstance(kept, Refusal):
            messages.success(request, _("How %(lender)s is paid is written down.") % {"lender": lender})
            return go(request, "ledger:obligations")
        status = form.refuse(kept)
    return page(request, "ledger/say_how_to_pay.html", {"lender": lender, "form": form}, status=status)
