"""Forms about the household and the user: name, time zone, currency, language."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from ledger.forms.fields import CurrencyField

_PLACES = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def time_zone_choices() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Every time zone that is a place, by part of the world, and UTC."""
    known = sorted(name for name in available_timezones() if name.split("/")[0] in _PLACES and "/" in name)
    parts = groupby(known, key=lambda name: name.split("/")[0])
    return (
        ("UTC", (("UTC", "UTC"),)),
        *((part, tuple((name, name.partition("/")[2].replace("_", " ")) for name in names)) for part, names in parts),
    )


class TimeZoneField(forms.ChoiceField):
    """The name of a time zone, such as Asia/Shanghai."""

    default_error_messages = {"invalid_choice": _("Choose a time zone from the list.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=time_zone_choices, **options)


class HouseholdForm(forms.Form):
    """What a household is called, where its day begins, and the currency it starts new loans in."""

    name = forms.CharField(
        label=_("Name of your household"),
        max_length=100,
        error_messages={"required": _("Give it a name, such as Home.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    time_zone = TimeZoneField(
        label=_("Time zone"), help_text=_("It decides when a day begins: what is due, and when you are reminded.")
    )
    currency = CurrencyField(label=_("Currency"), help_text=_("New loans start in it; each loan keeps its own."))


class LanguageForm(forms.Form):
    """The language of pages and mails of one user."""

    language = forms.ChoiceField(
        label=_("Language"),
        choices=[(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES],
        widget=forms.RadioSelect,
        help_text=_("Of these pages and of the mails you get."),
    )
