"""What the credit record goes by: the income, and how long adverse marks are kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.forms.fields import MoneyField
from ledger.loanmath.credit_record import AgingRule, CountsFrom
from ledger.models import Household

LONGEST = 30  # years
_YEARS = _("Enter a whole number of years from 1 to 30.")
FROM = [
    (CountsFrom.END.value, _("From the day it was paid")),
    (CountsFrom.START.value, _("From the day it was missed")),
]


class CreditRulesForm(forms.Form):
    """A household's own figures for its credit record."""

    monthly_income = MoneyField(
        label=_("What comes in each month"),
        required=False,
        least=1,
        help_text=_("After tax, of the whole household. Only used here."),
    )
    marks_kept_years = forms.IntegerField(
        label=_("Years an adverse mark is kept"),
        min_value=1,
        max_value=LONGEST,
        help_text=_("China: 5, from the day it was paid. US: 7, from the day it was missed. UK: 6."),
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), _YEARS),
    )
    marks_kept_from = forms.ChoiceField(
        label=pgettext_lazy("years of an adverse mark", "Counted"), choices=FROM, widget=forms.RadioSelect
    )

    def __init__(self, data: Any = None, *, household: Household) -> None:
        is_same = household.income_currency in {"", household.currency}
        known = {
            "monthly_income": household.monthly_income if is_same else None,
            "marks_kept_years": household.marks_kept_years,
            "marks_kept_from": household.marks_kept_from,
        }
        super().__init__(data, initial=known)
        income = self.fields["monthly_income"]
        if isinstance(income, MoneyField):
            income.currency = household.currency

    @property
    def rule(self) -> AgingRule:
        """Once valid: how long a mark is kept."""
        said = self.cleaned_data
        return AgingRule(said["marks_kept_years"], CountsFrom(said["marks_kept_from"]))
