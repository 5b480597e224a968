"""Funding accounts: will the money be there, what is in them, and the auto-repay that debits them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from ledger.forms.accounts import OWN, AccountForm, BalanceForm, MandateForm, preset_of
from ledger.loanmath.debits import DebitRule
from ledger.models import AutoRepayMandate, FundingAccount, Loan
from ledger.selectors.accounts import accounts_page, latest_balances
from ledger.selectors.balances import balance_on
from ledger.selectors.mandates import accounts_of, mandate_of
from ledger.services import accounts as services
from ledger.services.mandates import Wishes, authorize_mandate, end_mandate
from ledger.services.projection import refresh
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, member_page, own, page

LOANS = Loan.objects.select_related("lender", "household")


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


@member_page
def mandate(request: PageRequest, loan_id: int) -> HttpResponse:
    """Auto-repay of one loan: what it does, what it did, switching it on or off."""
    loan = own(request, LOANS, pk=loan_id)
    if request.method == "POST":
        return _change_mandate(request, loan)
    return _mandate_page(request, loan, _mandate_form(request, loan))


@editor_page
def _change_mandate(request: PageRequest, loan: Loan) -> HttpResponse:
    form = _mandate_form(request, loan, request.POST)
    if request.POST.get("switch") == "off":
        ended = end_mandate(scope=loan, recording=Recording(key="", now=request.now, by=request.user))
        if isinstance(ended, Refusal):
            messages.error(request, str(ended))
        else:
            messages.success(request, _("Auto-repay is off for %(loan)s.") % {"loan": loan})
        return go(request, "ledger:mandate", loan.pk)
    if not form.is_valid():
        return _mandate_page(request, loan, form, 422)
    given = authorize_mandate(
        scope=loan,
        sources=[form.cleaned_data["account"]],
        wishes=Wishes(rule=DebitRule(windows=tuple(form.windows()))),
        recording=_recording(request, form),
    )
    if isinstance(given, Refusal):
        if given.field == "windows":
            given = Refusal(given.code, given.message, "own_windows")
        return _mandate_page(request, loan, form, form.refuse(given))
    messages.success(request, _("Auto-repay is on for %(loan)s.") % {"loan": loan})
    return go(request, "ledger:mandate", loan.pk)


def _mandate_form(request: PageRequest, loan: Loan, data: Any = None) -> MandateForm:
    usable = FundingAccount.objects.in_use().filter(household=request.household, currency=loan.currency)
    live = AutoRepayMandate.objects.live().filter(loan=loan).first()
    first = live and accounts_of([live.pk])[live.pk][0]
    windows = tuple(live.windows) if live else ()
    preset = preset_of(windows) if live else "morning"
    start = {
        "account": first and first.pk,
        "preset": preset,
        "own_windows": ", ".join(windows) if preset == OWN else "",
    }
    return MandateForm(data, initial=start, accounts=usable)


def _mandate_page(request: PageRequest, loan: Loan, form: MandateForm, status: int = 200) -> HttpResponse:
    mandate = mandate_of(loan)
    balance = balance_on(mandate.accounts[0], request.today) if mandate else None
    context = {
        "loan": loan,
        "form": form,
        "mandate": mandate,
        "balance": balance,
        "fresh": balance is not None and balance.known_on(request.today),
        "has_account": bool(form.fields["account"].choices),  # type: ignore[attr-defined]
    }
    return page(request, "ledger/mandate.html", context, status=status)


def _form_page(request: PageRequest, template: str, form: Any, context: dict[str, Any]) -> HttpResponse:
    return page(request, template, {"form": form, **context}, status=422 if form.is_bound else 200)


def _recording(request: PageRequest, form: Any) -> Recording:
    return Recording(key=form.cleaned_data["key"], now=request.now, by=request.user)


def _loan_to_return_to(request: PageRequest) -> Loan | None:
    wanted = request.GET.get("loan", "")
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        return None
    return Loan.objects.filter(household=request.household, pk=int(wanted)).first()


def _posted(request: PageRequest) -> Any:
    return request.POST if request.method == "POST" else None
