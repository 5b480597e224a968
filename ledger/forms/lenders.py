"""How a lender is reached and paid, for whoever has to take over."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.forms.fields import WritingForm


class HowToPayForm(WritingForm):
    contact = forms.CharField(
        label=_("How it is reached"),
        max_length=200,
        required=False,
        help_text=_("A telephone number, an address, or the name of its app."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    how_to_pay = forms.CharField(
        label=_("How it is paid"),
        max_length=500,
        required=False,
        help_text=_(
            "As you would tell somebody who has never done it: where to tap, which contract to name. No password, and "
            "no whole card number: say where they are found."
        ),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
