"""Other terms for what is still owed: an amended agreement, or an arrangement that replaces the schedule."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from ledger.forms.facts import FactForm, count_field
from ledger.forms.fields import DayField, MoneyField, PercentField
from ledger.forms.lender_table import TableError, read_table
from ledger.forms.problem_texts import problem_text
from ledger.loanmath.checks import MOST_BILLS
from ledger.loanmath.in_force import agreement_from, problems_from
from ledger.loanmath.replan import same_plan
from ledger.loanmath.terms import Benchmark, LoanTerms, Method, Unit
from ledger.models import Amendment, Arrangement, Fact
from ledger.models.facts import FORGIVES
from ledger.selectors.desk import FactDesk
from ledger.selectors.preview import arranged_principal
from ledger.services.terms_versions import new_version

LONGEST_TABLE = 60_000
METHODS = {
    Method.LEVEL: gettext_lazy("Equal payments"),
    Method.EQUAL_PRINCIPAL: gettext_lazy("Equal principal, payments fall"),
    Method.INTEREST_ONLY: gettext_lazy("Interest first, principal at the end"),
    Method.FLAT: gettext_lazy("Flat-rate installments"),
    Method.LISTED: gettext_lazy("By the lender’s own table"),
}
PLACES = {  # where a problem of the terms is shown
    "listed": "table",
    "penalty.annual_rate": "penalty_rate",
    "penalty.grace_days": "grace_days",
    "penalty.late_fee": "late_fee",
    "prepayment_fee.fraction": "prepayment_fee",
}
OWED = [
    ("", gettext_lazy("Join what is repaid")),
    (FORGIVES, gettext_lazy("Are forgiven")),
]


class TermsForm(FactForm):
    """What both ask for. `terms` is the new agreement once the form is valid; what the form does not ask stays as it
    is."""

    offered: ClassVar[tuple[Method, ...]] = (Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY, Method.LISTED)
    annual_rate = PercentField(label=gettext_lazy("Rate a year"))
    method = forms.ChoiceField(label=gettext_lazy("How it is repaid"), widget=forms.RadioSelect)
    first_due_on = DayField(label=gettext_lazy("Next bill due on"), required=False)
    count = count_field(
        gettext_lazy("Bills still to come"),
        MOST_BILLS,
        gettext_lazy("Enter a whole number from 1 to 600."),
        required=False,
    )
    payment = MoneyField(
        label=pgettext_lazy("stated by the lender", "Payment"),
        least=1,
        required=False,
        help_text=gettext_lazy("As the lender states it. Leave it empty to have it worked out."),
    )
    table = forms.CharField(
        label=gettext_lazy("Rows"),
        required=False,
        max_length=LONGEST_TABLE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Only for the lender’s own table. On each line: day, principal, interest, fee."),
    )

    def __init__(self, *args: Any, desk: FactDesk, **options: Any) -> None:
        self.terms: LoanTerms | None = None
        now = agreement_from(desk.past.terms, desk.past.facts, desk.today)
        options["initial"] = self.begin(now) | (options.get("initial") or {})
        super().__init__(*args, desk=desk, **options)
        self.fields["method"].choices = [(one.value, METHODS[one]) for one in self.methods(now)]  # type: ignore[attr-defined]
        self.explain(now)

    def methods(self, now: LoanTerms) -> tuple[Method, ...]:
        return self.offered

    def lines(self, names: Iterable[tuple[str, ...]]) -> list[list[forms.BoundField]]:
        return [[self[name] for name in line if name in self.fields] for line in names]

    def begin(self, now: LoanTerms) -> dict[str, Any]:
        """What the form begins with, from the agreement as it is."""
        raise NotImplementedError

    def explain(self, now: LoanTerms) -> None:
        """Say beside a field what it is now."""

    @property
    def is_complete(self) -> bool:
        return super().is_complete and self.terms is not None

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        self.ask_for(said)
        if self.errors.keys() - {"key", "note"}:
            return said
        self.past = self.desk.past_of(said.get("key"))
        now = agreement_from(self.past.terms, self.past.facts, said["effective_on"])
        terms = self._listed(now, said["table"]) if said["method"] == Method.LISTED else self.agree(now, said)
        if terms is not None and self._is_possible(terms, said["effective_on"]):
            self.terms = terms
        return said

    def ask_for(self, said: dict[str, Any]) -> None:
        """Say at their fields what is missing, along with whatever else is wrong."""

    def _is_possible(self, terms: LoanTerms, day: date) -> bool:
        """Whether this can be an agreement; what cannot be is said at its field. (A bill too early is left to the
        service, which knows whether anything is owed.)"""
        found = problems_from(terms, self.past.terms_on(day), day)
        wrong = [problem for problem in found if problem.code != "before_disbursement"]
        for problem in wrong:
            place = PLACES.get(problem.field, problem.field)
            self.add_error(place if place in self.fields else None, problem_text(problem, terms.currency))
        return not wrong

    def agree(self, now: LoanTerms, said: dict[str, Any]) -> LoanTerms | None:
        """The new agreement; None with an error added where it is not one."""
        raise NotImplementedError

    def _listed(self, now: LoanTerms, table: str) -> LoanTerms | None:
        try:
            rows = read_table(table, now.currency)
        except TableError as error:
            self.add_error("table", str(error))
            return None
        return replace(
            now,
            principal=max(sum(row.parts.principal for row in rows), 1),
            annual_rate=Decimal(0),
            count=len(rows),
            first_due_on=rows[0].due_on,
            method=Method.LISTED,
            listed=rows,
            **PLAIN,
        )

    def draft(self) -> Fact:
        assert self.terms is not None, "only asked for once the form is complete"
        day: date = self.cleaned_data["effective_on"]
        return self.records(
            loan=self.loan,
            effective_on=day,
            note=self.cleaned_data.get("note") or "",
            terms_version=new_version(self.loan, self.terms, day),
            **self.more(),
        )

    def more(self) -> dict[str, Any]:
        """The fact's other columns."""
        return {}


# What an agreement that is written down anew does not take over.
PLAIN: dict[str, Any] = {
    "anchor_day": None,
    "due_dates": (),
    "weights": (),
    "payment": None,
    "principal_part": None,
    "balloon": 0,
    "flat_fee": 0,
    "principal_grace": 0,
    "interest_grace": 0,
    "extra_payment": 0,
    "rate_from_payments": False,
    "benchmark": None,
}


class AmendForm(TermsForm):
    """The agreement, with what people change about it."""

    records = Amendment
    day_label = gettext_lazy("Holds from")
    optional = ("first_due_on", "count", "due_day", "payment")
    due_day = forms.IntegerField(
        label=gettext_lazy("Monthly due day"),
        required=False,
        min_value=1,
        max_value=31,
        help_text=gettext_lazy("In short months the last day."),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), gettext_lazy("Enter a day from 1 to 31.")),
    )
    bill_fee = MoneyField(label=gettext_lazy("Fee on every bill"), required=False)
    penalty_rate = PercentField(label=gettext_lazy("Penalty interest a year when late"), required=False)
    grace_days = forms.IntegerField(label=gettext_lazy("Days of grace"), required=False, min_value=0, max_value=366)
    late_fee = MoneyField(label=gettext_lazy("Late fee, once for each missed bill"), required=False)
    prepayment_fee = PercentField(
        label=gettext_lazy("Fee for prepaying, of what is prepaid"), required=False, most=Decimal(1)
    )

    def methods(self, now: LoanTerms) -> tuple[Method, ...]:
        """A flat-rate plan may stay one; others do not become one."""
        return (*self.offered[:3], now.method, Method.LISTED) if now.method is Method.FLAT else self.offered

    def begin(self, now: LoanTerms) -> dict[str, Any]:
        return {
            "annual_rate": now.annual_rate,
            "method": now.method.value,
            "payment": now.payment,
            "due_day": (now.anchor_day or now.first_due_on.day) if now.unit is Unit.MONTH else None,
            "bill_fee": now.bill_fee,
            "penalty_rate": now.penalty.annual_rate,
            "grace_days": now.penalty.grace_days,
            "late_fee": now.penalty.late_fee,
            "prepayment_fee": now.prepayment_fee.fraction,
            "table": "",
        }

    def explain(self, now: LoanTerms) -> None:
        if now.unit is not Unit.MONTH:
            del self.fields["due_day"]
        day = date_format(now.first_due_on, pgettext("date format, with year", "j M Y"))
        self.fields["first_due_on"].help_text = _("Empty: as it is, %(day)s.") % {"day": day}
        self.fields["count"].help_text = _("Empty: as it is, %(count)d.") % {"count": now.count}

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        """What is most often amended; those of one line together."""
        lines = (
            ("effective_on", "annual_rate"),
            ("payment", "count"),
            ("first_due_on", "due_day"),
            ("method",),
            ("table",),
            ("note",),
        )
        return self.lines(lines)

    @property
    def more_rows(self) -> list[list[forms.BoundField]]:
        return self.lines((("bill_fee", "prepayment_fee"), ("penalty_rate", "late_fee"), ("grace_days",)))

    def agree(self, now: LoanTerms, said: dict[str, Any]) -> LoanTerms | None:
        asked = self._plan(now, said)
        if same_plan(asked, now):
            asked = self.past.terms_on(said["effective_on"])
        return replace(
            asked,
            penalty=replace(
                asked.penalty,
                annual_rate=said["penalty_rate"] or Decimal(0),
                grace_days=said["grace_days"] or 0,
                late_fee=said["late_fee"] or 0,
            ),
            prepayment_fee=replace(asked.prepayment_fee, fraction=said["prepayment_fee"] or Decimal(0)),
        )

    def _plan(self, now: LoanTerms, said: dict[str, Any]) -> LoanTerms:
        """The agreement with the changed rate, days, number of bills, payment and bill fee."""
        method = Method(said["method"])
        asked = replace(
            now,
            annual_rate=said["annual_rate"],
            benchmark=_with_spread(now.benchmark, said["annual_rate"] - now.annual_rate),
            payment=said["payment"] if method is Method.LEVEL else None,
            bill_fee=said["bill_fee"] or 0,
        )
        if method is not now.method:
            asked = replace(asked, method=method, listed=(), weights=(), flat_fee=0, principal_part=None)
        due_day = said.get("due_day") or now.anchor_day
        days = (said["first_due_on"] or now.first_due_on, said["count"] or now.count, due_day)
        if days == (now.first_due_on, now.count, now.anchor_day):
            return asked
        if now.unit is Unit.MONTH and due_day and said["first_due_on"] is None and due_day != now.anchor_day:
            days = (_on_day(now.first_due_on, due_day), *days[1:])
        return replace(asked, first_due_on=days[0], count=days[1], anchor_day=days[2], due_dates=(), weights=())


def _with_spread(benchmark: Benchmark | None, more: Decimal) -> Benchmark | None:
    """The published series the rate follows, with the amended rate's difference to it."""
    return None if benchmark is None else replace(benchmark, spread=benchmark.spread + more)


def _on_day(due_on: date, day: int) -> date:
    """The same month's due date on another day."""
    return date(due_on.year, due_on.month, min(day, monthrange(due_on.year, due_on.month)[1]))


class ArrangementForm(TermsForm):
    """What was agreed with the lender in place of the schedule, what is overdue included."""

    records = Arrangement
    day_label = gettext_lazy("Agreed on")
    optional = ("payment",)
    effect = forms.ChoiceField(
        label=gettext_lazy("Unpaid interest and charges"),
        choices=OWED,
        widget=forms.RadioSelect,
        required=False,
        initial="",
    )

    def begin(self, now: LoanTerms) -> dict[str, Any]:
        return {"annual_rate": now.annual_rate, "method": Method.LEVEL.value}

    def explain(self, now: LoanTerms) -> None:
        self.fields["first_due_on"].label = _("First bill due on")
        self.fields["count"].label = _("Number of bills")

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        lines = (
            ("effective_on",),
            ("first_due_on", "count"),
            ("annual_rate", "payment"),
            ("effect",),
            ("method",),
            ("table",),
            ("note",),
        )
        return self.lines(lines)

    def ask_for(self, said: dict[str, Any]) -> None:
        if said.get("method") == Method.LISTED:
            return
        for name, text in (
            ("first_due_on", _("Enter the day the first bill is due.")),
            ("count", _("Enter a whole number from 1 to 600.")),
        ):
            if said.get(name) is None and not self.has_error(name):
                self.add_error(name, text)

    def agree(self, now: LoanTerms, said: dict[str, Any]) -> LoanTerms | None:
        method = Method(said["method"])
        values = PLAIN | {
            "method": method,
            "annual_rate": said["annual_rate"],
            "first_due_on": said["first_due_on"],
            "count": said["count"],
            "payment": said["payment"] if method is Method.LEVEL else None,
            "listed": (),
            "bill_fee": 0,
        }
        terms = replace(now, **values)
        owed = arranged_principal(self.past, terms, said["effective_on"], said["effect"] == FORGIVES)
        return replace(terms, principal=owed or terms.principal)

    def more(self) -> dict[str, Any]:
        return {"effect": self.cleaned_data["effect"]}
