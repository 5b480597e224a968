"""What changes an agreement on its way: a rate, a deferral, another due day, a pause, more bills."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.forms.facts import FactForm, bill_field, count_field
from ledger.forms.fields import DayField, PercentField
from ledger.loanmath.checks import MOST_BILLS
from ledger.loanmath.facts import DeferralTreatment, RateEffect
from ledger.models import Deferral, DueDateMove, Extension, Pause, RateChange
from ledger.models.facts import values_without_day

EFFECTS = [
    (RateEffect.KEEP_TERM.value, gettext_lazy("The end date stays, payments change")),
    (RateEffect.KEEP_PAYMENT.value, gettext_lazy("The payment stays, the end date changes")),
]
TREATMENTS = [
    (DeferralTreatment.MOVE.value, gettext_lazy("This bill alone is due later")),
    (DeferralTreatment.SHIFT.value, gettext_lazy("This and all later bills move on")),
    (DeferralTreatment.CAPITALIZE.value, gettext_lazy("They move on, and the interest joins the principal")),
    (DeferralTreatment.WAIVE.value, gettext_lazy("They move on, and the days between bear no interest")),
    (DeferralTreatment.INTEREST_ONLY.value, gettext_lazy("Only its interest is due, the others repay its principal")),
    (DeferralTreatment.ADD_TO_END.value, gettext_lazy("It is left out, and one more bill follows the last")),
]


class RateForm(FactForm):
    records = RateChange
    day_label = gettext_lazy("Holds from")
    annual_rate = PercentField(label=gettext_lazy("New rate a year"))
    effect = forms.ChoiceField(
        label=gettext_lazy("What stays"), choices=EFFECTS, widget=forms.RadioSelect, initial=RateEffect.KEEP_TERM.value
    )
    field_order = ["annual_rate", "effective_on", "effect", "note"]


class DeferralForm(FactForm):
    records = Deferral
    day_label = gettext_lazy("Agreed on")
    bill = bill_field()
    effect = forms.ChoiceField(
        label=gettext_lazy("What was agreed"),
        choices=TREATMENTS,
        widget=forms.RadioSelect,
        initial=DeferralTreatment.MOVE.value,
    )
    moved_to = DayField(
        label=gettext_lazy("New due date"),
        required=False,
        help_text=gettext_lazy("Not asked for where only interest is due, or the bill is left out."),
    )
    field_order = ["bill", "effect", "moved_to", "effective_on", "note"]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("effect") in values_without_day():
            said["moved_to"] = None
            self.errors.pop("moved_to", None)
        elif said.get("moved_to") is None and not {"effect", "moved_to"} & self.errors.keys():
            self.add_error("moved_to", _("Enter the day it is due now."))
        return said


class DueDateMoveForm(FactForm):
    records = DueDateMove
    day_label = gettext_lazy("Agreed on")
    bill = bill_field()
    moved_to = DayField(
        label=gettext_lazy("Its new due date"), help_text=gettext_lazy("Later bills follow from that day.")
    )
    field_order = ["bill", "moved_to", "effective_on", "note"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["bill"].label = _("From which bill on")


class PauseForm(FactForm):
    records = Pause
    day_label = gettext_lazy("First day without interest")
    until = DayField(label=gettext_lazy("Last day without interest"))
    field_order = ["effective_on", "until", "note"]

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        return [[self["effective_on"], self["until"]], [self["note"]]]


class ExtensionForm(FactForm):
    records = Extension
    day_label = gettext_lazy("Agreed on")
    count = count_field(
        gettext_lazy("How many more bills"),
        MOST_BILLS,
        gettext_lazy("Enter how many bills are added: a whole number from 1 to 600."),
    )
    field_order = ["count", "effective_on", "note"]
