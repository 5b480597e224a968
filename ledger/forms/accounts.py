"""Forms about funding accounts: adding and renaming one, saying what is in it, and auto-repay from it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from ledger.forms.fields import CURRENCIES, CurrencyField, DayField, MoneyField, WritingForm
from ledger.models import FundingAccount
from ledger.models.accounts import AccountKind
from ledger.services.accounts import refuse_number

KINDS = [
    (AccountKind.CARD.value, _("Bank card")),
    (AccountKind.WALLET.value, _("Wallet")),
    (AccountKind.FUND.value, _("Money-market fund")),
]
OWN = "own"
PRESETS = {"morning": ("09:30", "15:30"), "midday": ("11:30", "19:00")}
LONGEST_WINDOWS = 60


class AccountNames(WritingForm):
    """What an account is called; the name is the institution's where none is given."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=100,
        help_text=_("What you call it; left empty, the bank's name."),
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
                self.add_error("name", _("Give it a name you will recognize, such as the bank's."))
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
        plain = text.isascii() and text.isdigit() and len(text) < 19
        return super().to_python(value if plain or isinstance(value, FundingAccount) or not text else "0")


class MandateForm(WritingForm):
    """Which account a lender debits for a loan, and at which times of the day."""

    account = AccountChoice(
        label=_("Account"),
        queryset=FundingAccount.objects.none(),
        empty_label=None,
        error_messages={
            "required": _("Choose one of your accounts."),
            "invalid_choice": _("Choose one of your accounts."),
        },
    )
    preset = forms.ChoiceField(
        label=_("When the lender debits"),
        widget=forms.RadioSelect,
        choices=[
            ("morning", _("At 09:30, again at 15:30")),
            ("midday", _("At 11:30, again at 19:00")),
            (OWN, _("At other times")),
        ],
        help_text=_("On the due day, by your household's clock; if it fails, again on each of the five days after."),
    )
    own_windows = forms.CharField(
        label=_("Other times"),
        required=False,
        max_length=LONGEST_WINDOWS,
        help_text=_("With a comma between them: 08:00, 20:00"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, accounts: QuerySet[FundingAccount], **options: Any) -> None:
        super().__init__(*args, **options)
        choice = self.fields["account"]
        if isinstance(choice, AccountChoice):
            choice.queryset = accounts

    def windows(self) -> list[str]:
        """The times chosen or typed, not yet checked: the service says what is wrong with them."""
        preset = self.cleaned_data["preset"]
        if preset in PRESETS:
            return list(PRESETS[preset])
        typed = unicodedata.normalize("NFKC", self.cleaned_data["own_windows"])
        return [part for part in re.split(r"[,;、\s]+", typed) if part]


def preset_of(windows: tuple[str, ...]) -> str:
    """The preset with exactly these windows, else "own"."""
    return next((name for name, times in PRESETS.items() if times == windows), OWN)
