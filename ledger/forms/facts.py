"""What adds to bills or takes off them: a charge, a waiver, a refund, a drawdown, the lender's figure."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from ledger.forms.fields import DayField, MoneyField, WritingForm
from ledger.forms.repayment import bill_choices
from ledger.loanmath.terms import Component
from ledger.models import Charge, Drawdown, Fact, LenderFigure, Refund, Waiver
from ledger.selectors.desk import FactDesk

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


def bill_field(*, required: bool = True, empty: Any = "—") -> forms.TypedChoiceField:
    """A choice among the loan's bills; cleans to the number, None for none."""
    field = forms.TypedChoiceField(
        label=gettext_lazy("Which bill"),
        coerce=int,
        empty_value=None,
        required=required,
        error_messages={
            "required": gettext_lazy("Choose one of this loan’s bills."),
            "invalid_choice": gettext_lazy("Choose one of this loan’s bills."),
        },
    )
    field.empty = empty  # type: ignore[attr-defined]
    return field


def count_field(label: Any, most: int, message: Any, **options: Any) -> forms.IntegerField:
    """A whole number from 1 to `most`; `message` says so."""
    errors = dict.fromkeys(("required", "invalid", "min_value", "max_value"), message)
    return forms.IntegerField(label=label, min_value=1, max_value=most, error_messages=errors, **options)


class FactForm(WritingForm):
    """One fact about a loan, with the day it counts from. `day_label` says what that day is."""

    records: ClassVar[type[Fact]]
    day_label: ClassVar[str | Promise] = pgettext_lazy("a charge or waiver", "On which day")
    optional: ClassVar[tuple[str, ...]] = ()  # fields that say so beside their label
    effective_on = DayField()
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, desk: FactDesk, **options: Any) -> None:
        super().__init__(*args, version=desk.loan.version, **options)
        self.desk = desk
        self.loan = desk.loan
        self.fields["effective_on"].label = self.day_label  # type: ignore[assignment]
        for field in self.fields.values():
            if isinstance(field, MoneyField):
                field.currency = desk.loan.currency
        if "bill" in self.fields:
            choices = bill_choices(desk.bills, desk.loan.currency)
            self.fields["bill"].choices = [("", self.fields["bill"].empty), *choices]  # type: ignore[attr-defined]
        for name in ("note", *self.optional):
            self.fields[name].is_optional = True  # type: ignore[attr-defined]

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        """The fields in sight, each on its line."""
        return [[field] for field in self.visible_fields()]

    @property
    def more_rows(self) -> list[list[forms.BoundField]]:
        """The fields kept folded away; none unless a form has many."""
        return []

    @property
    def more_is_open(self) -> bool:
        return self.is_bound and any(field.errors for row in self.more_rows for field in row)

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
    optional = ("moved_to",)
    amount = MoneyField(label=gettext_lazy("Amount"), least=1)
    component = forms.ChoiceField(
        label=gettext_lazy("What was charged"),
        choices=CHARGES,
        widget=forms.RadioSelect,
        initial=Component.PENALTY.value,
    )
    bill = bill_field(required=False, empty=gettext_lazy("The next one due from that day"))
    moved_to = DayField(
        label=gettext_lazy("Asked for later"),
        required=False,
        help_text=gettext_lazy("Joins the first bill due on or after this day. Leave the bill open then."),
    )
    field_order = ["amount", "component", "effective_on", "bill", "moved_to", "note"]


class WaiverForm(FactForm):
    records = Waiver
    bill = bill_field()
    component = forms.ChoiceField(
        label=gettext_lazy("What was forgiven"), choices=COMPONENTS, initial=Component.PENALTY.value
    )
    amount = MoneyField(label=gettext_lazy("Amount"), least=1)
    field_order = ["bill", "component", "amount", "effective_on", "note"]


class RefundForm(FactForm):
    records = Refund
    day_label = gettext_lazy("Refunded on")
    amount = MoneyField(label=gettext_lazy("Amount refunded"), least=1)
    field_order = ["amount", "effective_on", "note"]


class DrawdownForm(FactForm):
    records = Drawdown
    day_label = gettext_lazy("Paid out on")
    amount = MoneyField(label=gettext_lazy("Amount borrowed on top"), least=1)
    field_order = ["amount", "effective_on", "note"]


class FigureForm(FactForm):
    records = LenderFigure
    day_label = gettext_lazy("Seen on")
    bill = bill_field()
    principal = MoneyField(label=pgettext_lazy("part of a bill", "Principal"), required=False)
    interest = MoneyField(label=pgettext_lazy("part of a bill", "Interest"), required=False)
    fee = MoneyField(label=pgettext_lazy("part of a bill", "Fee"), required=False)
    penalty = MoneyField(label=pgettext_lazy("part of a bill", "Penalty"), required=False)
    field_order = ["bill", "principal", "interest", "fee", "penalty", "effective_on", "note"]

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
