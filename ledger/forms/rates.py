"""The form that adds or corrects one point of a published rate."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.forms.fields import DayField, PercentField, WritingForm
from ledger.selectors.benchmarks import NAMES

OTHER = ""
_CODE = re.compile(r"[A-Z0-9][A-Z0-9+.-]{1,29}", re.ASCII)


class PublishedRateForm(WritingForm):
    """What a series says from a day on. A series that is not on the list is named by a code of one's own."""

    series = forms.ChoiceField(label=gettext_lazy("Rate"), required=False)
    own_code = forms.CharField(
        label=gettext_lazy("Code of another rate"),
        required=False,
        max_length=30,
        help_text=gettext_lazy("Such as EURIBOR-3M or SOFR. Only for a rate that is not on the list."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    effective_on = DayField(label=gettext_lazy("Published on"))
    annual_rate = PercentField(
        label=gettext_lazy("Rate a year"),
        required=False,
        help_text=gettext_lazy("Leave it empty if nothing changed on this day after all."),
    )
    source = forms.CharField(
        label=gettext_lazy("Where you found it"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, codes: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["series"].choices = [*codes, (OTHER, _("Another rate"))]  # type: ignore[attr-defined]
        for name in ("own_code", "source", "annual_rate"):
            self.fields[name].is_optional = True  # type: ignore[attr-defined]

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        return [[self["series"]], [self["own_code"]], [self["effective_on"], self["annual_rate"]], [self["source"]]]

    def clean_own_code(self) -> str:
        code = str(self.cleaned_data["own_code"]).strip().upper()
        if self.cleaned_data.get("series"):
            return ""
        if not _CODE.fullmatch(code):
            raise forms.ValidationError(_("Choose a rate from the list, or give its code: letters, digits, - and +."))
        return code

    @property
    def code(self) -> str:
        """The series that was chosen or named."""
        return str(self.cleaned_data["series"] or self.cleaned_data["own_code"])


def known_codes(own: list[str]) -> list[tuple[str, str]]:
    """Those that have a name, then those the household named."""
    return [*((code, str(name)) for code, name in NAMES.items()), *((code, code) for code in own if code not in NAMES)]
