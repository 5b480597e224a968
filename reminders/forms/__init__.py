"""Forms of reminders: which days, which hour."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy, ngettext

from reminders import rules
from reminders.selectors import step_words

BEFORE = (-14, -7, -5, -3, -2, -1, 0)
AFTER = (1, 3, 7)
EVERY = (0, 7, 14, 30)


def _every_words(days: int) -> str:
    if days == 0:
        return gettext("no more")
    return ngettext("every %(count)d day", "every %(count)d days", days) % {"count": days}


class PolicyForm(forms.Form):
    """A `rules.Policy`, typed by a person. Days a policy has that are not on offer stay on offer."""

    is_on = forms.BooleanField(label=gettext_lazy("Send reminders"), required=False)
    days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Counted from the day a bill is due."),
    )
    then_every = forms.TypedChoiceField(label=gettext_lazy("While a bill stays overdue"), coerce=int)
    hour = forms.TypedChoiceField(
        label=gettext_lazy("Time of day"),
        coerce=int,
        help_text=gettext_lazy(
            "In your household's time zone. Between 22:00 and 08:00 only what is due that day is sent."
        ),
    )

    def __init__(self, policy: rules.Policy, data: Any = None) -> None:
        initial = {
            "is_on": policy.is_on,
            "days": list(policy.days),
            "then_every": policy.then_every,
            "hour": policy.hour,
        }
        super().__init__(data, initial=initial)
        offered = sorted({*BEFORE, *AFTER, *policy.days})
        self._offer("days", [(step, step_words(step)) for step in offered])
        every = sorted({*EVERY, policy.then_every})
        self._offer("then_every", [(days, _every_words(days)) for days in every])
        self._offer("hour", [(hour, f"{hour:02}:00") for hour in rules.HOURS])

    def _offer(self, name: str, choices: list[tuple[int, str]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices

    @property
    def policy(self) -> rules.Policy:
        """What was chosen; only of a valid form."""
        said = self.cleaned_data
        return rules.Policy(tuple(sorted(said["days"])), said["then_every"], said["hour"], said["is_on"])


class LoanPolicyForm(PolicyForm):
    """The same for one loan, which may also follow its household."""

    OWN = "own"
    follows = forms.ChoiceField(
        label=gettext_lazy("For this loan"),
        choices=[
            ("household", gettext_lazy("As for all loans")),
            (OWN, gettext_lazy("Its own days and time")),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("follows", "is_on", "days", "then_every", "hour")

    def __init__(self, policy: rules.Policy, data: Any = None, *, is_own: bool) -> None:
        super().__init__(policy, data)
        self.initial["follows"] = self.OWN if is_own else "household"

    @property
    def is_own(self) -> bool:
        return bool(self.cleaned_data["follows"] == self.OWN)
