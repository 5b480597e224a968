"""Funding accounts: will the money be there, and what is in them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from ledger.forms.accounts import AccountForm, BalanceForm
from ledger.models import FundingAccount, Loan
from ledger.selectors.accounts import accounts_page, latest_balances
from ledger.selectors.paging import read_id
from ledger.services import accounts as services
from ledger.services.projection import refresh
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, member_page, own, page


@member_page
def accounts(request: PageRequest) -> HttpResponse:
    """Each account's balance and the debits to come, the first shortfall named; mandates and their last tries."""
    refresh(request.household, request.now)
    shown = accounts_page(request.household, request.today)
    return page(request, "ledger/accounts.html", {"shown": shown})


@editor_page
def add_account(request: PageRequest) -> HttpResponse:
    """Add a card or wallet, with what is in it; `?loan=` leads back to that loan's auto-repay."""
    start = {"currency": request.household.currency, "kind": "card"}
    form = AccountForm(_posted(request), initial=start)
    loan = _loan_to_return_to(request)
    if request.method != "POST" or not form.is_valid():
        return _form_page(request, "ledger/add_account.html", form, {"loan": loan})
    said = {name: form.cleaned_data[name] for name in ("name", "institution", "currency", "kind", "last4")}
    balance = form.cleaned_data["balance"]
    if balance is None:
        added = services.add_account(household=request.household, **said)
    else:
        today, recording = request.today, _recording(request, form)
        added = services.add_account_with_balance(
            household=request.household, **said, balance=balance, stated_on=today, recording=recording
        )
    if isinstance(added, Refusal):
        status = form.refuse(added)
        return page(request, "ledger/add_account.html", {"form": form, "loan": loan}, status=status)
    messages.success(request, _("%(account)s is on the list.") % {"account": added})
    return go(request, "ledger:mandate", loan.pk) if loan else go(request, "ledger:accounts")


@editor_page
def state_balance(request: PageRequest, account_id: int) -> HttpResponse:
    """Say what is in an account on a day."""
    account = own(request, FundingAccount.objects.select_related("household"), pk=account_id)
    form = BalanceForm(_posted(request), initial={"stated_on": request.today}, currency=account.currency)
    context = {"account": account, "stated": latest_balances(account)}
    if request.method != "POST" or not form.is_valid():
        return _form_page(request, "ledger/state_balance.html", form, context)
    stated = services.state_balance(
        account=account,
        amount=form.cleaned_data["amount"],
        stated_on=form.cleaned_data["stated_on"],
        recording=_recording(request, form),
    )
    if isinstance(stated, Refusal):
        status = form.refuse(stated)
        return page(request, "ledger/state_balance.html", {"form": form, **context}, status=status)
    messages.success(request, _("Noted. The debits to come are worked out from this balance."))
    return go(request, "ledger:accounts")


def _form_page(request: PageRequest, template: str, form: Any, context: dict[str, Any]) -> HttpResponse:
    return page(request, template, {"form": form, **context}, status=422 if form.is_bound else 200)


def _recording(request: PageRequest, form: Any) -> Recording:
    return Recording(key=form.cleaned_data["key"], now=request.now, by=request.user)


def _loan_to_return_to(request: PageRequest) -> Loan | None:
    wanted = read_id(request.GET.get("loan", ""))
    if wanted is None:
        return None
    return Loan.objects.filter(household=request.household, pk=wanted).first()


def _posted(request: PageRequest) -> Any:
    return request.POST if request.method == "POST" else None
