"""Adding a loan: what people know about an agreement, made into its terms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ledger.forms.fields import CurrencyField, DayField, MoneyField, PercentField, WritingForm
from ledger.forms.lender_table import TableError, read_table
from ledger.forms.presets import KNOWN, Preset
from ledger.forms.problem_texts import problem_text
from ledger.loanmath.checks import MOST_BILLS, problems
from ledger.loanmath.dates import due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import round_minor
from ledger.loanmath.roots import NoSolution
from ledger.loanmath.schedule import NeverAmortizes
from ledger.loanmath.solve import Unknown, solve_missing
from ledger.loanmath.terms import LoanTerms, Method, PenaltyTerms, Unit
from ledger.models import CreditLine, Household

LONGEST_TABLE = 60_000

RATE_PER = [
    ("year", pgettext_lazy("rate per", "year")),
    ("month", pgettext_lazy("rate per", "month")),
    ("day", pgettext_lazy("rate per", "day")),
]
FEE_PER = [
    ("month", pgettext_lazy("fee", "on every bill")),
    ("all", pgettext_lazy("fee", "once, shared out over all bills")),
]
PENALTY_PER = [
    ("times", gettext_lazy("times the rate")),
    ("day", gettext_lazy("% a day")),
    ("year", gettext_lazy("% a year")),
]
METHODS = [
    (Method.LEVEL.value, gettext_lazy("Equal payments")),
    (Method.EQUAL_PRINCIPAL.value, gettext_lazy("Equal principal, payments fall")),
    (Method.INTEREST_ONLY.value, gettext_lazy("Interest first, principal at the end")),
]
UNITS = [
    (Unit.MONTH.value, gettext_lazy("every month")),
    (Unit.WEEK.value, gettext_lazy("every week")),
    (Unit.YEAR.value, gettext_lazy("every year")),
]
DAY_COUNTS = [
    (DayCount.PERIODIC.value, gettext_lazy("Months of equal length: the yearly rate ÷ 12")),
    (DayCount.ACT_360.value, gettext_lazy("Actual days, year of 360")),
    (DayCount.ACT_365F.value, gettext_lazy("Actual days, year of 365")),
    (DayCount.ACT_ACT.value, gettext_lazy("Actual days, calendar year")),
    (DayCount.THIRTY_E_360.value, gettext_lazy("Months of 30 days, year of 360")),
]

# Where a problem of the terms is shown, best place first.
_PLACES = {
    "principal": ("amount", "table"),
    "opening_balance": ("amount",),
    "payment": ("payment", "rate"),
    "count": ("count", "table"),
    "annual_rate": ("rate", "fee_rate"),
    "first_due_on": ("first_due_on", "disbursed_on"),
    "anchor_day": ("due_day",),
    "flat_fee": ("fee_rate",),
    "listed": ("table",),
    "penalty.annual_rate": ("penalty",),
    "penalty.grace_days": ("grace_days",),
    "penalty.late_fee": ("late_fee",),
}


# Which fields stand on one line.
_ROWS = (
    ("lender", "name"),
    ("amount", "currency"),
    ("disbursed_on", "first_due_on", "due_day"),
    ("table",),
    ("payment", "count", "unit"),
    ("rate", "rate_per"),
    ("fee_rate", "fee_per"),
    ("method",),
    ("day_count",),
    ("upfront_fee", "bill_fee"),
    ("penalty", "penalty_per"),
    ("grace_days", "late_fee"),
    ("credit_line", "note"),
)
_FOUR = ("amount", "payment", "count", "rate")


class AddLoanForm(WritingForm):
    """The fields of one preset; `terms` is the agreement they make, `worked_out` the name of the field that was
    solved for."""

    lender = forms.CharField(label=gettext_lazy("Lender"), max_length=100)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("What you call it, such as “Laptop”."),
    )
    amount = MoneyField(label=gettext_lazy("Amount borrowed"), least=1)
    currency = CurrencyField(label=gettext_lazy("Currency"))
    disbursed_on = DayField(label=gettext_lazy("Paid out on"))
    first_due_on = DayField(
        label=gettext_lazy("First bill due on"),
        required=False,
        help_text=gettext_lazy("Empty: one month after it was paid out."),
    )
    due_day = forms.IntegerField(
        label=gettext_lazy("Due day of the month"),
        required=False,
        min_value=1,
        max_value=31,
        help_text=gettext_lazy("In short months the last day."),
    )
    unit = forms.ChoiceField(label=gettext_lazy("A bill comes"), choices=UNITS, required=False)
    count = forms.IntegerField(label=gettext_lazy("Number of bills"), min_value=1, max_value=MOST_BILLS)
    rate = PercentField(label=gettext_lazy("Interest rate"))
    rate_per = forms.ChoiceField(label=pgettext_lazy("rate", "Per"), choices=RATE_PER)
    payment = MoneyField(label=pgettext_lazy("stated by the lender", "Payment"), least=1, required=False)
    method = forms.ChoiceField(
        label=gettext_lazy("How it is repaid"), choices=METHODS, widget=forms.RadioSelect, initial=Method.LEVEL.value
    )
    fee_rate = PercentField(
        label=gettext_lazy("Fee"), help_text=gettext_lazy("Of the price. 0 for an interest-free plan.")
    )
    fee_per = forms.ChoiceField(label=pgettext_lazy("fee", "Charged"), choices=FEE_PER)
    table = forms.CharField(
        label=gettext_lazy("Rows"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        max_length=LONGEST_TABLE,
        help_text=gettext_lazy("One bill a line: day, principal, interest, and a fee if there is one."),
    )
    day_count = forms.ChoiceField(label=gettext_lazy("How days are counted"), choices=DAY_COUNTS, required=False)
    upfront_fee = MoneyField(
        label=gettext_lazy("Fee taken at the start"),
        required=False,
        help_text=gettext_lazy("Kept back from the amount, or paid beside it."),
    )
    bill_fee = MoneyField(label=gettext_lazy("Fee with every bill"), required=False)
    penalty = PercentField(
        label=gettext_lazy("Penalty interest when late"),
        required=False,
        help_text=gettext_lazy("On the overdue principal, for every day late."),
    )
    penalty_per = forms.ChoiceField(label=pgettext_lazy("penalty", "Counted in"), choices=PENALTY_PER, required=False)
    grace_days = forms.IntegerField(
        label=gettext_lazy("Days of grace"), required=False, min_value=0, max_value=366, initial=0
    )
    late_fee = MoneyField(label=gettext_lazy("Late fee, once for each missed bill"), required=False)
    credit_line = forms.ModelChoiceField(
        label=gettext_lazy("Credit line"),
        queryset=CreditLine.objects.none(),
        required=False,
        empty_label=gettext_lazy("None"),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=2000, required=False)
    past_paid = forms.BooleanField(label=gettext_lazy("All of them were paid on their days"), required=False)

    def __init__(self, *args: Any, preset: Preset, household: Household, today: date, **options: Any) -> None:
        initial = {"currency": household.currency, "disbursed_on": today, **preset.initial}
        options["initial"] = initial | (options.get("initial") or {})
        super().__init__(*args, **options)
        self.preset = preset
        self.terms: LoanTerms | None = None
        self.worked_out = ""
        self.fields["credit_line"].queryset = CreditLine.objects.filter(household=household).order_by("name")  # type: ignore[attr-defined]
        self._keep({*preset.shown, *preset.more, "key", "seen", "past_paid"})
        self._speak(preset)
        if "currency" in self.fields:
            self._use_currency(str(self["currency"].value() or household.currency))

    def _keep(self, names: set[str]) -> None:
        for name in [name for name in self.fields if name not in names]:
            del self.fields[name]
        if "credit_line" in self.fields and not self.fields["credit_line"].queryset.exists():  # type: ignore[attr-defined]
            del self.fields["credit_line"]

    def _speak(self, preset: Preset) -> None:
        for name, label in preset.labels.items():
            self.fields[name].label = label  # type: ignore[assignment]
        for name, text in preset.helps.items():
            self.fields[name].help_text = text  # type: ignore[assignment]
        for name in preset.required:
            self.fields[name].required = True
            self.fields[name].help_text = ""
        if preset is KNOWN:
            for name in _FOUR:
                self.fields[name].required = False
        if "penalty" in self.fields:
            self.fields["penalty"].suffix = ""  # type: ignore[attr-defined]
        if "method" in self.fields:
            self.fields["method"].look = "segmented"  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            is_one_of_four = preset is KNOWN and name in _FOUR
            field.is_optional = not (field.required or is_one_of_four or isinstance(field, forms.ChoiceField))  # type: ignore[attr-defined]
        self.fields["lender"].widget.attrs |= {"list": "lenders", "autocomplete": "off"}
        if "count" in self.fields:
            self.fields["count"].widget.attrs |= {"list": "counts"}
            self.fields["count"].error_messages |= dict.fromkeys(
                ("min_value", "max_value", "invalid"), _("Enter a whole number from 1 to 600.")
            )

    def _use_currency(self, currency: str) -> None:
        for field in self.fields.values():
            if isinstance(field, MoneyField):
                field.currency = currency

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        """The fields in sight, those of one line together."""
        return self._rows(self.preset.shown)

    @property
    def more_rows(self) -> list[list[forms.BoundField]]:
        return self._rows(self.preset.more)

    def _rows(self, names: Iterable[str]) -> list[list[forms.BoundField]]:
        wanted = {name for name in names if name in self.fields}
        rows = [[self[name] for name in row if name in wanted] for row in _ROWS]
        return [row for row in rows if row]

    @property
    def more_is_open(self) -> bool:
        return any(name in self.errors for name in self.preset.more) if self.is_bound else False

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if set(self.errors) - {"lender", "name", "note", "key", "credit_line"}:
            return said
        line = said.get("credit_line")
        if line is not None and line.currency != said["currency"]:
            self.add_error("credit_line", _("This line is kept in another currency than the loan."))
        terms = self._terms(said)
        if terms is None:
            return said
        wrong = problems(terms)
        for problem in wrong:
            self.add_error(self._place(problem.field), problem_text(problem, terms.currency))
        if not wrong:
            self.terms = terms
        return said

    def _place(self, field: str) -> str | None:
        return next((name for name in (*_PLACES.get(field, ()), field) if name in self.fields), None)

    def _terms(self, said: dict[str, Any]) -> LoanTerms | None:
        if self.preset.fixed.get("method") == Method.LISTED:
            return self._listed_terms(said)
        if self.preset is KNOWN:
            return self._known_terms(said)
        return self._agreement(said)

    def _agreement(self, said: dict[str, Any]) -> LoanTerms | None:
        unit = Unit(said.get("unit") or Unit.MONTH)
        anchor = said.get("due_day") or None
        first = said.get("first_due_on")
        if first is None:
            if anchor is None and unit == Unit.MONTH:
                anchor = said["disbursed_on"].day
            first = due_date(said["disbursed_on"], anchor, unit, 1, 1)
        values: dict[str, Any] = {
            "currency": said["currency"],
            "principal": said["amount"],
            "disbursed_on": said["disbursed_on"],
            "annual_rate": self._annual_rate(said),
            "count": said["count"],
            "first_due_on": first,
            "unit": unit,
            "anchor_day": anchor if unit == Unit.MONTH else None,
            "method": Method(said.get("method") or Method.LEVEL),
            "day_count": DayCount(said.get("day_count") or DayCount.PERIODIC),
            "payment": said.get("payment"),
            "flat_fee": self._flat_fee(said),
            **self._extras(said),
        }
        if values["method"] != Method.LEVEL:
            values["payment"] = None
        return LoanTerms(**(values | self.preset.fixed))

    def _extras(self, said: dict[str, Any]) -> dict[str, Any]:
        return {
            "upfront_fee": said.get("upfront_fee") or 0,
            "bill_fee": said.get("bill_fee") or 0,
            "penalty": self._penalty(said),
        }

    def _annual_rate(self, said: dict[str, Any]) -> Decimal:
        rate = said.get("rate") or Decimal(0)
        if said.get("rate_per") == "month":
            return rate * 12
        if said.get("rate_per") == "day":
            return rate * (365 if said.get("day_count") in (DayCount.ACT_365F, DayCount.ACT_ACT) else 360)
        return rate

    def _flat_fee(self, said: dict[str, Any]) -> int:
        if "fee_rate" not in self.fields:
            return 0
        times = said["count"] if said.get("fee_per") == "month" else 1
        return round_minor(said["amount"] * said["fee_rate"] * times)

    def _penalty(self, said: dict[str, Any]) -> PenaltyTerms:
        rate, per = said.get("penalty") or Decimal(0), said.get("penalty_per")
        year_days = 365 if said.get("day_count") in (DayCount.ACT_365F, DayCount.ACT_ACT) else 360
        if per == "times":
            rate = rate * 100 * self._annual_rate(said)
        elif per == "day":
            rate = rate * year_days
        return PenaltyTerms(
            annual_rate=rate,
            year_days=year_days,
            grace_days=said.get("grace_days") or 0,
            late_fee=said.get("late_fee") or 0,
        )

    def _known_terms(self, said: dict[str, Any]) -> LoanTerms | None:
        figures = {
            "amount": Unknown.PRINCIPAL,
            "payment": Unknown.PAYMENT,
            "count": Unknown.COUNT,
            "rate": Unknown.RATE,
        }
        missing = [name for name in figures if said.get(name) is None]
        if len(missing) > 1:
            self.add_error(missing[0], _("Enter three of the four: amount, payment, number of bills and rate."))
            return None
        agreement = self._agreement(
            said | {"amount": said.get("amount") or 1, "count": said.get("count") or 1, "method": Method.LEVEL}
        )
        if not missing or agreement is None or problems_but_for(agreement, missing[0]):
            return agreement
        try:
            solved = solve_missing(agreement, figures[missing[0]], said.get("payment"))
        except NeverAmortizes as error:
            self.add_error("payment", problem_text(error, agreement.currency))
            return None
        except NoSolution:
            self.add_error("payment", _("No loan has these three figures. Check each of them."))
            return None
        self.worked_out = missing[0]
        return solved

    def _listed_terms(self, said: dict[str, Any]) -> LoanTerms | None:
        try:
            rows = read_table(said["table"], said["currency"])
        except TableError as error:
            self.add_error("table", str(error))
            return None
        return LoanTerms(
            currency=said["currency"],
            principal=sum(row.parts.principal for row in rows),
            disbursed_on=said["disbursed_on"],
            annual_rate=Decimal(0),
            count=len(rows),
            first_due_on=rows[0].due_on,
            method=Method.LISTED,
            listed=rows,
            **self._extras(said),
        )


def problems_but_for(terms: LoanTerms, unknown: str) -> bool:
    """Whether anything but the figure to be worked out is impossible."""
    names = {"amount": "principal", "payment": "payment", "count": "count", "rate": "annual_rate"}
    return any(problem.field not in (names[unknown], "payment") for problem in problems(terms))
