"""Forms of the channels a person names."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from reminders.push_urls import LONGEST, NotAnAddress, service_of


class ChannelForm(forms.Form):
    """One more channel. The address is a key: it is never put back into the page."""

    url = forms.CharField(
        label=_("Address"),
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Kept sealed and never shown again. Whoever has it can write to you there."),
    )
    label = forms.CharField(
        label=_("What you call it"), max_length=80, required=False, help_text=_("Such as “My phone”.")
    )
    is_always = forms.BooleanField(
        label=_("Send everything here too"),
        required=False,
        help_text=_("Otherwise only what could not be delivered by mail."),
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            service_of(url)
        except NotAnAddress as error:
            raise forms.ValidationError(error.args[0]) from None
        return url
