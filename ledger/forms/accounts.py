"""Forms about funding accounts: adding one, choosing one, and saying what is in it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.forms.fields import CURRENCIES, CurrencyField, DayField, MoneyField, WritingForm
from ledger.models import FundingAccount
from ledger.models.accounts import AccountKind

KINDS = [
    (AccountKind.CARD.value, _("Bank card")),
    (AccountKind.WALLET.value, _("Wallet")),
    (AccountKind.FUND.value, _("Money-market fund")),
]


class AccountForm(WritingForm):
    """A card or wallet, with what is in it today if the user knows."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        error_messages={"required": _("Give it a name you will recognize, such as the bank's.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, initial=AccountKind.CARD, widget=forms.RadioSelect)
    last4 = forms.CharField(
        label=_("Last four digits"),
        required=False,
        max_length=20,
        help_text=_("Only these four are kept, so that you can tell your cards apart."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": "4"}),
    )
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

    def clean_last4(self) -> str:
        digits = unicodedata.normalize("NFKC", self.cleaned_data["last4"]).strip()
        if digits and not re.fullmatch(r"[0-9]{4}", digits):
            raise forms.ValidationError(_("Enter the last four digits of the number, or leave this empty."))
        return digits


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
        plain = text.isascii() and text.isdigit() and len(text) < 19
        return super().to_python(value if plain or isinstance(value, FundingAccount) or not text else "0")
