"""An account's name, its place among the others, and putting it away."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ledger.forms.accounts import AccountNames
from ledger.models import FundingAccount
from ledger.services import accounts as services
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, own, page

LONGEST_PLACE = 5  # digits


@editor_page
def edit_account(request: PageRequest, account_id: int) -> HttpResponse:
    """Call an account something else, or put it away."""
    account = own(request, FundingAccount.objects.all(), pk=account_id)
    form = _form(account, request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        said = {name: form.cleaned_data[name] for name in ("name", "institution", "last4")}
        edited = services.edit_account(account=account, **said)
        if not isinstance(edited, Refusal):
            messages.success(request, _("It is called %(account)s now.") % {"account": edited})
            return go(request, "ledger:accounts")
        status = form.refuse(edited)
    return _edit_page(request, account, form, status=status)


@editor_page
@require_POST
def move_account(request: PageRequest, account_id: int) -> HttpResponse:
    """Give an account another `place` among those of the household."""
    account = own(request, FundingAccount.objects.all(), pk=account_id)
    place = request.POST.get("place", "")
    if not (place.isascii() and place.isdigit() and len(place) <= LONGEST_PLACE):
        raise Http404
    services.move_account(account=account, place=int(place))
    messages.success(request, _("The accounts are in the order you see here."))
    return go(request, "ledger:accounts")


@editor_page
@require_POST
def archive_account(request: PageRequest, account_id: int) -> HttpResponse:
    """Put an account away, or take it back in use (`back`)."""
    account = own(request, FundingAccount.objects.all(), pk=account_id)
    if "back" in request.POST:
        services.use_account_again(account=account)
        messages.success(request, _("%(account)s is on the list again.") % {"account": account})
        return go(request, "ledger:accounts")
    recording = Recording(key="", now=request.now, by=request.user)
    archived = services.archive_account(account=account, recording=recording)
    if isinstance(archived, Refusal):
        return _edit_page(request, account, _form(account, None), archived, status=422)
    messages.success(request, _("%(account)s is put away.") % {"account": archived})
    return go(request, "ledger:accounts")


def _form(account: FundingAccount, data: Any) -> AccountNames:
    start = {"name": account.name, "institution": account.institution, "last4": account.last4}
    return AccountNames(data, initial=start)


def _edit_page(
    request: PageRequest, account: FundingAccount, form: AccountNames, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    # A form with an error has not been saved, but the account may hold what was typed: the page is about what is kept.
    account.refresh_from_db()
    context = {"account": account, "form": form, "refusal": refusal}
    return page(request, "ledger/edit_account.html", context, status=status)
