"""What every form asks that records money paid: on which day, from where, and a note."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from ledger.forms.fields import DayField, WritingForm
from ledger.models import FundingAccount


class PayingForm(WritingForm):
    """`accounts` are those it can be paid from; to say none is as good."""

    paid_on = DayField(
        label=gettext_lazy("Paid on"),
        help_text=gettext_lazy("An earlier day counts from that day; a day to come is planned and counts from then."),
    )
    account = forms.ModelChoiceField(
        label=gettext_lazy("Paid from"),
        queryset=FundingAccount.objects.none(),
        required=False,
        empty_label=gettext_lazy("Not said"),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, accounts: QuerySet[FundingAccount], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
