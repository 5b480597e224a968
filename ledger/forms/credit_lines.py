"""The form for a limit that can be borrowed again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.forms.fields import CURRENCIES, CurrencyField, MoneyField


class CreditLineForm(forms.Form):
    lender = forms.CharField(label=_("Lender"), max_length=100, widget=forms.TextInput(attrs={"list": "lenders"}))
    name = forms.CharField(label=_("Name"), max_length=100)
    limit = MoneyField(label=_("Limit"), least=1)
    currency = CurrencyField(label=_("Currency"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        currency = self.data.get("currency") if self.is_bound else self.initial.get("currency")
        limit = self.fields["limit"]
        if isinstance(limit, MoneyField) and currency in CURRENCIES:
            limit.currency = currency
