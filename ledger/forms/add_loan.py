"""Adding a loan: what people know about an agreement, made into its terms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from ledger.forms import loan_parts
from ledger.forms.fields import MoneyField
from ledger.forms.lender_table import TableError, read_table
from ledger.forms.loan_fields import GROUPS, PLACES, ROWS, LoanFields
from ledger.forms.presets import KNOWN, Preset
from ledger.forms.problem_texts import problem_text
from ledger.loanmath.checks import problems
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.presets import PRESETS as KINDS
from ledger.loanmath.presets import first_due_on, last_due_on, with_last_year
from ledger.loanmath.roots import NoSolution
from ledger.loanmath.schedule import NeverAmortizes
from ledger.loanmath.solve import Unknown, solve_missing
from ledger.loanmath.terms import FirstDue, LoanTerms, Method, Unit
from ledger.models import CreditLine, Household
from ledger.selectors.benchmarks import NAMES, Series, rates_known_to, series_name
from ledger.selectors.calendars import overrides

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
    "penalty.cap": ("penalty_cap",),
    "penalty.late_fee": ("late_fee",),
    "penalty.late_fee_share": ("late_fee_share",),
    "penalty.late_fee_floor": ("late_fee_floor",),
    "prepayment_fee.fraction": ("prepay_share",),
    "prepayment_fee.free_after_months": ("prepay_free_after",),
    "prepayment_fee.lock_in_months": ("prepay_lock_in",),
    "prepayment_fee.tiers": ("prepay_last_year",),
    "benchmark.spread": ("spread",),
    "benchmark.every_months": ("cycle",),
}
_FOUR = ("amount", "payment", "count", "rate")
_ELSEWHERE = {"lender", "name", "note", "key", "credit_line"}  # a mistake there does not hide the schedule


class MoreGroup(NamedTuple):
    """Fields under one heading; open where one of them is wrong."""

    heading: str | Promise
    rows: list[list[forms.BoundField]]
    is_open: bool


class AddLoanForm(LoanFields):
    """The fields of one preset; `terms` is the agreement they make, `worked_out` the name of the field that was
    solved for."""

    def __init__(self, *args: Any, preset: Preset, household: Household, today: date, **options: Any) -> None:
        currency = preset.currency(household.currency)
        initial = {"currency": currency, "disbursed_on": today, **_begin(preset, currency)}
        options["initial"] = initial | (options.get("initial") or {})
        super().__init__(*args, **options)
        self.preset = preset
        self.terms: LoanTerms | None = None
        self.worked_out = ""
        self.fields["credit_line"].queryset = CreditLine.objects.filter(household=household).order_by("name")  # type: ignore[attr-defined]
        self._keep({*preset.shown, *preset.more, "key", "seen", "past_paid"})
        self.rates: Series = rates_known_to(household) if "series" in self.fields else {}
        self._speak(preset)
        if "currency" in self.fields:
            self._use_currency(str(self["currency"].value() or household.currency))

    def _keep(self, names: set[str]) -> None:
        for name in [name for name in self.fields if name not in names]:
            del self.fields[name]
        if "credit_line" in self.fields and not self.fields["credit_line"].queryset.exists():  # type: ignore[attr-defined]
            del self.fields["credit_line"]

    def _speak(self, preset: Preset) -> None:
        if "series" in self.fields:
            self._offer_series()
        if "holiday_calendar" in self.fields:
            named = {code for code, _name in PLACES}
            own = [(code, code) for code in sorted(overrides()) if code not in named]
            self.fields["holiday_calendar"].choices = [*PLACES, *own]  # type: ignore[attr-defined]
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
            if name == "rate" and "series" not in preset.shown:
                continue  # only a benchmark, further down, could stand in for it
            is_choice = isinstance(field, forms.ChoiceField | forms.BooleanField)
            field.is_optional = not (field.required or is_one_of_four or is_choice)  # type: ignore[attr-defined]
        self.fields["lender"].widget.attrs |= {"list": "lenders", "autocomplete": "off"}
        if "count" in self.fields:
            self.fields["count"].widget.attrs |= {"list": "counts"}
            self.fields["count"].error_messages |= dict.fromkeys(
                ("required", "min_value", "max_value", "invalid"), _("Enter a whole number from 1 to 600.")
            )

    def _offer_series(self) -> None:
        codes = [*NAMES, *sorted(self.rates.keys() - NAMES.keys())]
        choices = [("", _("Nothing: it is fixed")), *((code, series_name(code)) for code in codes)]
        self.fields["series"].choices = choices  # type: ignore[attr-defined]
        self.fields["spread"].error_messages |= dict.fromkeys(
            ("invalid", "min_value", "max_value", "max_decimal_places"),
            _("Enter basis points from −1000 to 1000, such as -30."),
        )
        if "rate" in self.fields:
            self.fields["rate"].required = False
            if "series" in self.preset.shown:
                self.fields["rate"].help_text = _("Empty: what it follows on that day, with the basis points.")

    def _use_currency(self, currency: str) -> None:
        for field in self.fields.values():
            if isinstance(field, MoneyField):
                field.currency = currency

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        """The fields in sight, those of one line together."""
        return self._rows(ROWS, set(self.preset.shown) & self.fields.keys())

    @property
    def more_groups(self) -> list[MoreGroup]:
        """The fields under "More", by heading and line."""
        wanted = set(self.preset.more) & self.fields.keys()
        groups = [(heading, self._rows(rows, wanted)) for heading, rows in GROUPS]
        return [
            MoreGroup(heading, rows, self.is_bound and any(field.errors for row in rows for field in row))
            for heading, rows in groups
            if rows
        ]

    def _rows(self, rows: Iterable[tuple[str, ...]], wanted: set[str]) -> list[list[forms.BoundField]]:
        named = {name for row in rows for name in row}
        lines = [[self[name] for name in row if name in wanted] for row in rows]
        if rows is ROWS:  # fields that usually stand under "More" come last
            lines += [[self[name]] for name in self.preset.shown if name in wanted - named]
        return [line for line in lines if line]

    @property
    def more_is_open(self) -> bool:
        return any(group.is_open for group in self.more_groups)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if set(self.errors) - _ELSEWHERE:
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
        rate = loan_parts.annual_rate(said, self.rates) if "rate" in self.fields else Decimal(0)
        if rate is None:
            self._ask_for_rate(said)
            return None
        unit = self.preset.fixed.get("unit") or Unit(said.get("unit") or Unit.MONTH)
        values: dict[str, Any] = {
            "currency": said["currency"],
            "principal": said["amount"],
            "disbursed_on": said["disbursed_on"],
            "annual_rate": rate,
            "count": said["count"],
            "unit": unit,
            "method": Method(said.get("method") or Method.LEVEL),
            "day_count": DayCount(said.get("day_count") or DayCount.PERIODIC),
            "payment": said.get("payment"),
            "flat_fee": loan_parts.flat_fee(said),
            "penalty": loan_parts.penalty(said, rate),
            **loan_parts.extras(said),
        }
        if values["method"] != Method.LEVEL:
            values["payment"] = None
        values |= self.preset.fixed
        return self._with_ends(LoanTerms(**values, **self._first_due(said, values)), said)

    def _ask_for_rate(self, said: dict[str, Any]) -> None:
        text = _("Enter the rate.")
        if said.get("series"):
            text = _("What it follows is not known for that day. Enter the rate, or add it under Published rates.")
        self.add_error("rate", text)

    def _first_due(self, said: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """The first due date as stated, else by its rule; with the day of the month the others come on."""
        is_monthly = values["unit"] == Unit.MONTH
        anchor = said.get("due_day") if is_monthly else None
        if said.get("first_due_on") is not None:
            return {"first_due_on": said["first_due_on"], "anchor_day": anchor}
        kind = KINDS.get(self.preset.code)
        if kind is not None and kind.first_due_on is not None:
            return {"first_due_on": kind.first_due_on(said["disbursed_on"]), "anchor_day": anchor}
        rule, gap = loan_parts.first_due_rule(said), said.get("first_due_gap") or 0
        if anchor is not None and rule is FirstDue.ONE_PERIOD:
            rule = FirstDue.NEXT_MONTH  # the due day is the lender's, not that of the disbursement
        if anchor is None:
            rule = FirstDue.ONE_PERIOD
            anchor = said["disbursed_on"].day if is_monthly else None
        by = {"anchor_day": anchor, "first_due": rule, "first_due_gap": gap if rule is FirstDue.MIN_GAP else 0}
        return {"first_due_on": first_due_on(self.preset.code, values | by), **by}

    def _with_ends(self, terms: LoanTerms, said: dict[str, Any]) -> LoanTerms:
        """The same with what follows from where the loan ends."""
        kind = KINDS.get(self.preset.code)
        if kind is not None and kind.last_due is not None and terms.last_due_on is None:
            terms = replace(terms, last_due_on=last_due_on(terms, kind.last_due))
        if said.get("prepay_last_year") is not None:
            terms = replace(terms, prepayment_fee=with_last_year(terms, said["prepay_last_year"]))
        return terms

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
        rest = {"amount": said.get("amount") or 1, "count": said.get("count") or 1, "method": Method.LEVEL}
        rest["rate"] = Decimal(0) if said.get("rate") is None else said["rate"]
        agreed = self._agreement(said | rest)
        if not missing or agreed is None or problems_but_for(agreed, missing[0]):
            return agreed
        try:
            solved = solve_missing(agreed, figures[missing[0]], said.get("payment"))
        except NeverAmortizes as error:
            self.add_error("payment", problem_text(error, agreed.currency))
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
        terms = LoanTerms(
            currency=said["currency"],
            principal=sum(row.parts.principal for row in rows),
            disbursed_on=said["disbursed_on"],
            annual_rate=Decimal(0),
            count=len(rows),
            first_due_on=rows[0].due_on,
            method=Method.LISTED,
            listed=rows,
            penalty=loan_parts.penalty(said, Decimal(0)),
            **loan_parts.extras(said),
        )
        return self._with_ends(terms, said)


def _begin(preset: Preset, currency: str) -> dict[str, Any]:
    """What the form of a kind begins with: a rate that follows the LPR where that is usual, else one that is fixed."""
    initial = dict(preset.initial)
    if str(initial.get("series", "")).startswith("CN-"):
        for name in ["rate"] if currency == "CNY" else ["series", "spread"]:
            initial.pop(name, None)
    return initial


def problems_but_for(terms: LoanTerms, unknown: str) -> bool:
    """Whether anything but the figure to be worked out is impossible."""
    names = {"amount": "principal", "payment": "payment", "count": "count", "rate": "annual_rate"}
    return any(problem.field not in (names[unknown], "payment") for problem in problems(terms))
