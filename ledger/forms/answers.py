"""The answer to a presumed debit: yes, or no and why."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.models.autorepay import Reason

YES, NO = "yes", "no"


class AnswerForm(forms.Form):
    """Sent by one of two buttons; a reason left out is "other", for it need not be known."""

    answer = forms.ChoiceField(
        choices=[(YES, _("Yes, debited")), (NO, _("No, it failed"))],
        error_messages={"required": _("Press one of the two buttons."), "invalid_choice": _("Press yes or no.")},
    )
    reason = forms.ChoiceField(
        label=_("If it failed: why?"),
        choices=Reason.choices,
        initial=Reason.OTHER.value,
        required=False,
        error_messages={"invalid_choice": _("Choose one of the reasons.")},
    )

    @property
    def is_yes(self) -> bool:
        return bool(self.cleaned_data["answer"] == YES)

    @property
    def why(self) -> Reason:
        return Reason(self.cleaned_data["reason"] or Reason.OTHER)
