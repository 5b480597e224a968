"""What a page behind a link in a letter asks: how much was paid, or until when to keep quiet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from ledger.loanmath.money import AmountError, parse_amount
from ledger.templatetags.days import day_text


class PaidForm(forms.Form):
    """All of a bill was paid; `seen` is what was open when the page was shown (minor units)."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @property
    def amount(self) -> int | None:
        return None


class PartForm(forms.Form):
    amount_paid = forms.CharField(
        label=gettext_lazy("How much was paid"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Enter an amount in figures, such as 1234.50.")},
    )

    def __init__(self, currency: str, data: Any = None) -> None:
        super().__init__(data)
        self._currency = currency

    def clean_amount_paid(self) -> int:
        try:
            paid = parse_amount(self.cleaned_data["amount_paid"], self._currency)
        except AmountError as error:
            raise forms.ValidationError(gettext("Enter an amount in figures, such as 1234.50.")) from error
        if paid <= 0:
            raise forms.ValidationError(gettext("Enter an amount above zero."))
        return paid

    @property
    def amount(self) -> int | None:
        """Minor units; only of a valid form."""
        paid: int = self.cleaned_data["amount_paid"]
        return paid


class SnoozeForm(forms.Form):
    until = forms.TypedChoiceField(
        label=gettext_lazy("Nothing more about this bill until"), coerce=date.fromisoformat, widget=forms.RadioSelect
    )

    def __init__(self, days: Sequence[date], payable_on: date, today: date, data: Any = None) -> None:
        first = days[0].isoformat() if days else ""
        super().__init__(data, initial={"until": first})
        due = gettext("%(day)s, the day it is due")
        field: Any = self.fields["until"]
        field.choices = [
            (day.isoformat(), due % {"day": day_text(day, today)} if day == payable_on else day_text(day, today))
            for day in days
        ]
