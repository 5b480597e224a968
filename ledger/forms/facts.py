"""What changes what is owed, as the lender or an agreement has it: a charge, a waiver, a rate, a deferral, a figure."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ledger.forms.fields import DayField, MoneyField, PercentField, WritingForm
from ledger.forms.repayment import bill_choices
from ledger.loanmath.facts import DeferralTreatment, RateEffect
from ledger.loanmath.terms import Component
from ledger.models import Bill, Charge, Deferral, Fact, LenderFigure, Loan, RateChange, Waiver

CHARGES = [
    (Component.FEE.value, pgettext_lazy("kind of charge", "Fee")),
    (Component.PENALTY.value, pgettext_lazy("kind of charge", "Penalty for being late")),
]
COMPONENTS = [
    (Component.PENALTY.value, pgettext_lazy("part of a bill", "Penalty")),
    (Component.FEE.value, pgettext_lazy("part of a bill", "Fee")),
    (Component.INTEREST.value, pgettext_lazy("part of a bill", "Interest")),
    (Component.PRINCIPAL.value, pgettext_lazy("part of a bill", "Principal")),
]
EFFECTS = [
    (RateEffect.KEEP_TERM.value, gettext_lazy("The end date stays, payments change")),
    (RateEffect.KEEP_PAYMENT.value, gettext_lazy("The payment stays, the end date changes")),
]
TREATMENTS = [
    (DeferralTreatment.MOVE.value, gettext_lazy("This bill alone is due later")),
    (DeferralTreatment.SHIFT.value, gettext_lazy("This and all later bills move on")),
    (DeferralTreatment.CAPITALIZE.value, gettext_lazy("They move on, and the interest joins the principal")),
]


def bill_field(*, required: bool = True, empty: Any = "—") -> forms.TypedChoiceField:
    """A choice among the loan's bills; cleans to the number, None for none."""
    field = forms.TypedChoiceField(
        label=gettext_lazy("Which bill"),
        coerce=int,
        empty_value=None,
        required=required,
        error_messages={
            "required": gettext_lazy("Choose one of this loan's bills."),
            "invalid_choice": gettext_lazy("Choose one of this loan's bills."),
        },
    )
    field.empty = empty  # type: ignore[attr-defined]
    return field


class FactForm(WritingForm):
    """One fact about a loan, with the day it counts from; `bills` are those that can be chosen."""

    records: ClassVar[type[Fact]]
    effective_on = DayField(label=pgettext_lazy("a charge or waiver", "On which day"))
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, loan: Loan, bills: list[Bill], **options: Any) -> None:
        super().__init__(*args, version=loan.version, **options)
        self.loan = loan
        for field in self.fields.values():
            if isinstance(field, MoneyField):
                field.currency = loan.currency
        if "bill" in self.fields:
            choices = bill_choices(bills, loan.currency)
            self.fields["bill"].choices = [("", self.fields["bill"].empty), *choices]  # type: ignore[attr-defined]
        self.fields["note"].is_optional = True  # type: ignore[attr-defined]

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        """The fields in sight, each on its line."""
        return [[field] for field in self.visible_fields()]

    @property
    def is_complete(self) -> bool:
        """Whether enough is right to say what the fact would do."""
        return not self.errors.keys() - {"key", "note", "__all__"}

    def values(self) -> dict[str, Any]:
        """What was said, by the fact's columns."""
        said = {field.name: self.cleaned_data.get(field.name) for field in self.visible_fields()}
        if "bill" in said:
            said["bill_number"] = said.pop("bill")
        return said | {"note": said["note"] or ""}

    def draft(self) -> Fact:
        """The fact as it would be recorded; not saved."""
        return self.records(loan=self.loan, **self.values())


class ChargeForm(FactForm):
    records = Charge
    amount = MoneyField(label=gettext_lazy("Amount"), least=1)
    component = forms.ChoiceField(
        label=gettext_lazy("What was charged"),
        choices=CHARGES,
        widget=forms.RadioSelect,
        initial=Component.PENALTY.value,
    )
    bill = bill_field(required=False, empty=gettext_lazy("The next one due from that day"))
    field_order = ["amount", "component", "effective_on", "bill", "note"]


class WaiverForm(FactForm):
    records = Waiver
    bill = bill_field()
    component = forms.ChoiceField(
        label=gettext_lazy("What was forgiven"), choices=COMPONENTS, initial=Component.PENALTY.value
    )
    amount = MoneyField(label=gettext_lazy("Amount"), least=1)
    field_order = ["bill", "component", "amount", "effective_on", "note"]


class RateForm(FactForm):
    records = RateChange
    annual_rate = PercentField(label=gettext_lazy("New rate a year"))
    effect = forms.ChoiceField(
        label=gettext_lazy("What stays"), choices=EFFECTS, widget=forms.RadioSelect, initial=RateEffect.KEEP_TERM.value
    )
    field_order = ["annual_rate", "effective_on", "effect", "note"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["effective_on"].label = _("Holds from")


class DeferralForm(FactForm):
    records = Deferral
    bill = bill_field()
    moved_to = DayField(label=gettext_lazy("New due date"))
    effect = forms.ChoiceField(
        label=gettext_lazy("What was agreed"),
        choices=TREATMENTS,
        widget=forms.RadioSelect,
        initial=DeferralTreatment.MOVE.value,
    )
    field_order = ["bill", "moved_to", "effect", "effective_on", "note"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["effective_on"].label = _("Agreed on")


class FigureForm(FactForm):
    records = LenderFigure
    bill = bill_field()
    principal = MoneyField(label=pgettext_lazy("part of a bill", "Principal"), required=False)
    interest = MoneyField(label=pgettext_lazy("part of a bill", "Interest"), required=False)
    fee = MoneyField(label=pgettext_lazy("part of a bill", "Fee"), required=False)
    penalty = MoneyField(label=pgettext_lazy("part of a bill", "Penalty"), required=False)
    field_order = ["bill", "principal", "interest", "fee", "penalty", "effective_on", "note"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["effective_on"].label = _("Seen on")

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        return [
            [self["bill"]],
            [self["principal"], self["interest"]],
            [self["fee"], self["penalty"]],
            [self["effective_on"], self["note"]],
        ]

    def values(self) -> dict[str, Any]:
        """A part left empty was nothing."""
        said = super().values()
        return said | {name: said[name] or 0 for name in ("principal", "interest", "fee", "penalty")}
