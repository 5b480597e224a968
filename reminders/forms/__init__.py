"""Forms of reminders: which steps, which hours, and who is told in the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy, ngettext

from ledger.models import User
from reminders import rules
from reminders.selectors import step_words

BEFORE = (-14, -7, -5, -3, -2, -1, 0)
AFTER = (1, 3, 7)
EVERY = (0, 7, 14, 30)
ALSO = [
    (rules.Also.ISSUED.value, gettext_lazy("when the bill comes out, three weeks before at the earliest")),
    (rules.Also.WORKING_DAY.value, gettext_lazy("on the last working day before, if the due day is a day off")),
    (rules.Also.EVENING.value, gettext_lazy("at 20:00 on the due day, if it is still unpaid")),
    (rules.Also.GRACE.value, gettext_lazy("on the last day of grace")),
    (rules.Also.PAST_DUE.value, gettext_lazy("the day before it is 30, 60 or 90 days past due")),
]

CATEGORIES = [
    (rules.Category.BILLS.value, gettext_lazy("Bills, before and after they are due")),
    (rules.Category.DEBITS.value, gettext_lazy("Debits that failed, took a part, or are to be confirmed")),
    (rules.Category.ACCOUNTS.value, gettext_lazy("Accounts that run short")),
    (rules.Category.LOANS.value, gettext_lazy("Loans: coupons, rates, early repayment, paid off")),
    (rules.Category.DIGEST.value, gettext_lazy("The monthly digest")),
]


def _every_words(days: int) -> str:
    if days == 0:
        return gettext("no more")
    return ngettext("every %(count)d day", "every %(count)d days", days) % {"count": days}


def _clock(hour: int) -> str:
    return f"{hour:02}:00"


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
    also = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Besides"),
        coerce=rules.Also,
        required=False,
        choices=ALSO,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("A day that has a reminder already gets no second one."),
    )
    then_every = forms.TypedChoiceField(label=gettext_lazy("While a bill stays overdue"), coerce=int)
    hour = forms.TypedChoiceField(
        label=gettext_lazy("Time of day"), coerce=int, help_text=gettext_lazy("In your household’s time zone.")
    )

    def __init__(self, policy: rules.Policy, data: Any = None) -> None:
        super().__init__(data, initial=self._said(policy))
        self._policy = policy
        offered = sorted({*BEFORE, *AFTER, *policy.days})
        self._offer("days", [(step, step_words(step)) for step in offered])
        every = sorted({*EVERY, policy.then_every})
        self._offer("then_every", [(days, _every_words(days)) for days in every])
        self._offer("hour", [(hour, _clock(hour)) for hour in rules.HOURS])

    @staticmethod
    def _said(policy: rules.Policy) -> dict[str, Any]:
        return {
            "is_on": policy.is_on,
            "days": list(policy.days),
            "also": [also.value for also in policy.also],
            "then_every": policy.then_every,
            "hour": policy.hour,
        }

    def _offer(self, name: str, choices: Sequence[tuple[Any, Any]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if {"hour", *self._quiet} <= said.keys() and self.policy.is_quiet(said["hour"]):
            self.add_error("hour", self._why_not(self.policy))
        return said

    _quiet: tuple[str, ...] = ()

    @staticmethod
    def _why_not(policy: rules.Policy) -> str:
        between = {"from": _clock(policy.quiet_from), "until": _clock(policy.quiet_until)}
        return gettext("Nobody is written to from %(from)s to %(until)s. Choose another hour.") % between

    @property
    def policy(self) -> rules.Policy:
        """What was chosen; only of a valid form."""
        said = self.cleaned_data
        quiet_from = said.get("quiet_from", self._policy.quiet_from)
        quiet_until = said.get("quiet_until", self._policy.quiet_until)
        days, also = tuple(sorted(said.get("days", ()))), tuple(said.get("also", ()))
        return rules.Policy(days, said.get("then_every", 0), said["hour"], said["is_on"], also, quiet_from, quiet_until)


class HouseholdPolicyForm(PolicyForm):
    """The same for all loans of a household, with what is the people's: the quiet hours, and who is told in the end."""

    quiet_from = forms.TypedChoiceField(label=gettext_lazy("Quiet from"), coerce=int)
    quiet_until = forms.TypedChoiceField(
        label=gettext_lazy("Quiet until"),
        coerce=int,
        help_text=gettext_lazy(
            "Only what is due tonight and not paid is sent in between. The same hour twice: no quiet hours."
        ),
    )
    second = forms.TypedChoiceField(
        label=gettext_lazy("Unpaid or not confirmed at 18:00 on the due day"),
        coerce=int,
        empty_value=None,
        required=False,
        help_text=gettext_lazy("This person is told as well, unless they have switched bill reminders off."),
    )
    _quiet = ("quiet_from", "quiet_until")

    def __init__(self, policy: rules.Policy, members: Sequence[User], second: int | None, data: Any = None) -> None:
        super().__init__(policy, data)
        self.initial.update(quiet_from=policy.quiet_from, quiet_until=policy.quiet_until, second=second or "")
        for name in self._quiet:
            self._offer(name, [(hour, _clock(hour)) for hour in rules.HOURS])
        told = [(user.pk, gettext("tell %(person)s too") % {"person": user.email}) for user in members]
        self._offer("second", [("", gettext("tell nobody else")), *told])

    @property
    def second_id(self) -> int | None:
        """Who is told in the end; only of a valid form."""
        chosen: int | None = self.cleaned_data["second"]
        return chosen


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
    field_order = ("follows", "is_on", "days", "also", "then_every", "hour")

    def __init__(self, policy: rules.Policy, data: Any = None, *, is_own: bool) -> None:
        super().__init__(policy, data)
        self.initial["follows"] = self.OWN if is_own else "household"

    def clean(self) -> dict[str, Any]:
        return super().clean() if self.cleaned_data.get("follows") == self.OWN else self.cleaned_data

    @property
    def is_own(self) -> bool:
        return bool(self.cleaned_data["follows"] == self.OWN)


class ChoiceForm(forms.Form):
    """What one member wants to hear of."""

    wanted = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Write to me about"),
        coerce=rules.Category,
        required=False,
        choices=CATEGORIES,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("For you alone; the other members choose for themselves."),
    )

    def __init__(self, muted: frozenset[str], data: Any = None) -> None:
        wanted = [category.value for category in rules.Category if category.value not in muted]
        super().__init__(data, initial={"wanted": wanted})

    @property
    def muted(self) -> list[rules.Category]:
        """What they want to hear nothing of; only of a valid form."""
        return [category for category in rules.Category if category not in self.cleaned_data["wanted"]]
