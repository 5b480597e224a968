"""Forms about funding accounts: adding, renaming and choosing one, and saying what is in it."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.forms.fields import CURRENCIES, CurrencyField, DayField, MoneyField, WritingForm
from ledger.models import FundingAccount
from ledger.models.accounts import AccountKind
from ledger.selectors.paging import read_id
from ledger.services.accounts import refuse_number

KINDS = [
    (AccountKind.CARD.value, _("Bank card")),
    (AccountKind.WALLET.value, _("Wallet")),
    (AccountKind.FUND.value, _("Money-market fund")),
]


class AccountNames(WritingForm):
    """What an account is called; the name is the institution's where none is given."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=100,
        help_text=_("What you call it; left empty, the bank’s name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    institution = forms.CharField(
        label=_("Bank or app"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    # Longer than four, so that a whole number pasted here is refused and not cut to its first digits.
    last4 = forms.CharField(
        label=_("Last four digits"),
        required=False,
        max_length=100,
        help_text=_("Only these four are kept, so that you can tell your cards apart."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def clean_last4(self) -> str:
        return unicodedata.normalize("NFKC", self.cleaned_data["last4"]).strip()

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if "name" in said and "institution" in said and not said["name"]:
            if said["institution"]:
                said["name"] = said["institution"]
            else:
                self.add_error("name", _("Give it a name you will recognize, such as the bank’s."))
        if {"name", "institution", "last4"} <= said.keys():
            refusal = refuse_number(name=said["name"], institution=said["institution"], last4=said["last4"])
            if refusal is not None:
                self.add_error(refusal.field, refusal.message)
        return said


class AccountForm(AccountNames):
    """A card or wallet, with what is in it today if the user knows."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, initial=AccountKind.CARD, widget=forms.RadioSelect)
    currency = CurrencyField(label=_("Currency"))
    balance = MoneyField(
        label=_("What is in it today"),
        required=False,
        least=None,
        help_text=_("With it, you will hear in time when a debit is not covered."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        currency = self.data.get(self.add_prefix("currency")) if self.is_bound else self.initial.get("currency")
        balance = self.fields["balance"]
        if isinstance(balance, MoneyField) and currency in CURRENCIES:
            balance.currency = currency


class BalanceForm(WritingForm):
    """What is in an account on a day."""

    amount = MoneyField(label=_("Balance"), least=None)
    stated_on = DayField(label=_("Day"))

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        amount = self.fields["amount"]
        if isinstance(amount, MoneyField):
            amount.currency = currency


class AccountChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the household's own accounts."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "")
        is_one = isinstance(value, FundingAccount) or not text or read_id(text) is not None
        return super().to_python(value if is_one else "0")
