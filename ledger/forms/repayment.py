"""Recording a repayment: how much, on which day, from where, and what it is for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from ledger.forms.fields import MoneyField
from ledger.forms.paying import PayingForm
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.money import decimal_text, said_amount
from ledger.models import Bill, Loan, Repayment
from ledger.selectors.repayments import Suggestion

APPLY_TO = [
    (ApplyTo.DUE.value, pgettext_lazy("a repayment is for", "What is due")),
    (ApplyTo.BILL.value, pgettext_lazy("a repayment is for", "One bill")),
    (ApplyTo.NEXT.value, pgettext_lazy("a repayment is for", "The next bills ahead")),
    (ApplyTo.LAST.value, pgettext_lazy("a repayment is for", "The last bills first")),
    (ApplyTo.SHORTEN.value, pgettext_lazy("a repayment is for", "Prepay, finish sooner")),
    (ApplyTo.LOWER.value, pgettext_lazy("a repayment is for", "Prepay, lower payments")),
    (ApplyTo.HOLD.value, pgettext_lazy("a repayment is for", "What is due, the rest as credit")),
    (ApplyTo.PAYOFF.value, pgettext_lazy("a repayment is for", "Settle the loan")),
]


def bill_choices(bills: list[Bill], currency: str) -> list[tuple[str, str]]:
    """Each bill by its number, in words."""
    return [
        (
            str(bill.number),
            _("Bill %(number)d, due %(day)s: %(amount)s left")
            % {
                "number": bill.number,
                "day": date_format(bill.due_on, pgettext("date format, with year", "j M Y")),
                "amount": said_amount(bill.open.total, currency),
            },
        )
        for bill in bills
    ]


class RepaymentForm(PayingForm):
    RARE = frozenset({ApplyTo.NEXT.value, ApplyTo.LAST.value, ApplyTo.HOLD.value})  # what few payments are for

    amount = MoneyField(label=gettext_lazy("Amount"), least=1)
    apply_to = forms.ChoiceField(label=gettext_lazy("What it is for"), choices=APPLY_TO, widget=forms.RadioSelect)
    bill = forms.TypedChoiceField(
        label=gettext_lazy("Which bill"),
        coerce=int,
        empty_value=None,
        required=False,
        help_text=gettext_lazy("Only for “One bill”."),
        error_messages={"invalid_choice": gettext_lazy("Choose one of this loan’s bills.")},
    )

    field_order = ("amount", "paid_on", "apply_to", "bill")

    def __init__(self, *args: Any, loan: Loan, bills: list[Bill], **options: Any) -> None:
        super().__init__(*args, version=loan.version, **options)
        self.loan = loan
        amount = self.fields["amount"]
        assert isinstance(amount, MoneyField)
        amount.currency = loan.currency
        self.fields["bill"].choices = [("", "—"), *bill_choices(bills, loan.currency)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("apply_to") != ApplyTo.BILL:
            said["bill"] = None
        elif said.get("bill") is None and "bill" not in self.errors:
            self.add_error("bill", _("Choose which bill it pays."))
        return said

    def take(self, suggestion: Suggestion) -> None:
        """Fill in what was suggested; everything else stays as typed."""
        data = {name: self.data[name] for name in self.data}
        data["amount"] = decimal_text(suggestion.amount, self.loan.currency)
        data["apply_to"] = suggestion.apply_to.value
        data["bill"] = str(suggestion.bill or "")
        self.data = data

    def hold(self) -> None:
        """Keep what is more than the loan takes as credit; everything else stays as typed."""
        self.data = {name: self.data[name] for name in self.data} | {"apply_to": ApplyTo.HOLD.value, "bill": ""}

    @property
    def is_rare(self) -> bool:
        return self["apply_to"].value() in self.RARE

    @property
    def is_complete(self) -> bool:
        """Whether enough is right to say what the repayment would do."""
        return not {"amount", "paid_on", "apply_to", "bill"} & self.errors.keys()

    def draft(self) -> Repayment:
        """The repayment as it would be recorded; not saved."""
        said = self.cleaned_data
        return Repayment(
            loan=self.loan,
            effective_on=said["paid_on"],
            amount=said["amount"],
            apply_to=said["apply_to"],
            bill_number=said["bill"],
            account=said.get("account"),
            note=said.get("note", ""),
        )
