"""The form for an inflow that is expected in an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.forms.fields import DayField, MoneyField, WritingForm
from ledger.forms.loan_fields import PLACES
from ledger.loanmath.inflows import LONGEST_MONTH, SHIFTS, Repeats
from ledger.loanmath.terms import HolidayRule
from ledger.services.inflows import Rhythm

REPEATS = [
    (Repeats.MONTHLY.value, _("Every month")),
    (Repeats.FORTNIGHTLY.value, _("Every two weeks")),
    (Repeats.WEEKLY.value, _("Every week")),
    (Repeats.ONCE.value, _("Once")),
]
_SHIFT_WORDS = {
    HolidayRule.SAME_DAY: _("It comes all the same"),
    HolidayRule.PREVIOUS_WORKDAY: _("The working day before"),
    HolidayRule.NEXT_WORKDAY: _("The working day after"),
}
_WRONG_DAY = _("Enter a day from 1 to 31; 31 is the last day of every month.")


class InflowForm(WritingForm):
    """What comes, how often, and from when on."""

    name = forms.CharField(
        label=_("What it is"),
        max_length=100,
        error_messages={"required": _("Give it a name, such as Salary.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    amount = MoneyField(label=_("Amount"), least=1)
    repeats = forms.ChoiceField(label=_("How often it comes"), choices=REPEATS, widget=forms.RadioSelect)
    starts_on = DayField(label=_("Next on"))
    until = DayField(label=_("Last on"), required=False)
    day = forms.IntegerField(
        label=_("Day of the month"),
        required=False,
        min_value=1,
        max_value=LONGEST_MONTH,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _WRONG_DAY),
        help_text=_("Only if the next one comes on another day than usual. 31: the last day of each month."),
    )
    shift = forms.ChoiceField(
        label=_("On a weekend or holiday"), choices=[(shift.value, _SHIFT_WORDS[shift]) for shift in SHIFTS]
    )
    holiday_calendar = forms.ChoiceField(label=_("Holidays of"), choices=PLACES, required=False)

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        amount = self.fields["amount"]
        if isinstance(amount, MoneyField):
            amount.currency = currency

    def rhythm(self) -> Rhythm:
        """When it comes, as typed; the service says what does not fit together."""
        said = self.cleaned_data
        return Rhythm(
            repeats=Repeats(said["repeats"]),
            starts_on=said["starts_on"],
            day=said["day"],
            until=said["until"],
            shift=HolidayRule(said["shift"]),
            holiday_calendar=said["holiday_calendar"],
        )
