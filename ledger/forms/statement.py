"""Repaying a statement: all of it, the minimum, or chosen bills; on which day, from where."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ledger.forms.fields import MoneyField
from ledger.forms.paying import PayingForm
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.money import said_amount
from ledger.models import Repayment
from ledger.selectors.statement import Pays, StatementBill, StatementDesk
from ledger.services.statements import Asked, line_field


def chosen_field(bill: int) -> str:
    return f"pay-{bill}"


class StatementForm(PayingForm):
    """Besides the fields below, each open bill has a box that chooses it and an amount, filled in with what is open."""

    pays = forms.ChoiceField(label=gettext_lazy("What you paid"), widget=forms.RadioSelect)

    field_order = ("pays",)

    def __init__(self, *args: Any, desk: StatementDesk, **options: Any) -> None:
        super().__init__(*args, version=desk.seen, **options)
        self.desk = desk
        self.fields["pays"].choices = self._choices()  # type: ignore[attr-defined]
        for line in desk.bills:
            self._add_line(line)

    def _choices(self) -> list[tuple[str, Any]]:
        currency = self.desk.statement.currency
        whole = said_amount(self.desk.statement.open.total, currency)
        found = [(Pays.ALL.value, _("All of it, %(amount)s") % {"amount": whole})]
        if self.desk.has_minimum:
            least = said_amount(self.desk.least, currency)
            found.append((Pays.MINIMUM.value, _("The minimum, %(amount)s") % {"amount": least}))
        return [*found, (Pays.CHOSEN.value, pgettext_lazy("what was paid of a statement", "Chosen bills"))]

    def _add_line(self, line: StatementBill) -> None:
        name = {"loan": line.row.loan, "number": line.row.number}
        self.fields[chosen_field(line.row.id)] = forms.BooleanField(
            label=_("%(loan)s, bill %(number)d") % name, required=False
        )
        self.fields[line_field(line.row.id)] = MoneyField(
            label=_("Amount for %(loan)s, bill %(number)d") % name,
            currency=line.row.currency,
            least=1,
            required=False,
            initial=line.most or None,
        )

    @property
    def lines(self) -> list[tuple[StatementBill, Any, Any]]:
        """Each bill with its box and its amount."""
        return [(line, self[chosen_field(line.row.id)], self[line_field(line.row.id)]) for line in self.desk.bills]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("pays") != Pays.CHOSEN:
            for line in self.desk.bills:  # what is not asked for is not held against anybody
                self.errors.pop(line_field(line.row.id), None)
            return said
        chosen = [line for line in self.desk.bills if said.get(chosen_field(line.row.id))]
        if not chosen:
            self.add_error("pays", _("Choose at least one bill."))
        for line in self.desk.bills:
            field = line_field(line.row.id)
            if line not in chosen:
                self.errors.pop(field, None)
            elif field not in self.errors and said.get(field) is None:
                self.add_error(field, _("Enter an amount in figures, such as 1234.50."))
        return said

    @property
    def is_complete(self) -> bool:
        """Whether enough is right to say what the repayment would do."""
        lines = {line_field(line.row.id) for line in self.desk.bills}
        return not ({"pays", "paid_on"} | lines) & self.errors.keys()

    @property
    def amounts(self) -> dict[int, int]:
        """By bill: what would be paid on it."""
        pays = Pays(self.cleaned_data["pays"])
        if pays is not Pays.CHOSEN:
            return {line.row.id: line.amount(pays) for line in self.desk.open_bills if line.amount(pays)}
        return {
            line.row.id: self.cleaned_data[line_field(line.row.id)]
            for line in self.desk.bills
            if self.cleaned_data[chosen_field(line.row.id)]
        }

    def asked(self, lender: Any) -> Asked:
        said, statement = self.cleaned_data, self.desk.statement
        pays = Pays(said["pays"])
        return Asked(
            lender=lender,
            payable_on=statement.payable_on,
            currency=statement.currency,
            pays=pays,
            paid_on=said["paid_on"],
            chosen=self.amounts if pays is Pays.CHOSEN else {},
            account=said["account"],
            note=said["note"],
        )

    def draft(self, line: StatementBill, amount: int) -> Repayment:
        """The repayment of one bill as it would be recorded; not saved."""
        return Repayment(
            loan=line.bill.loan,
            effective_on=self.cleaned_data["paid_on"],
            amount=amount,
            apply_to=ApplyTo.BILL,
            bill_number=line.row.number,
            account=self.cleaned_data.get("account"),
        )
