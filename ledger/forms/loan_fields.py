"""Every field that some way of adding a loan asks for, which stand on one line, and under which heading."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, pgettext_lazy

from ledger.forms.fields import CurrencyField, DayField, MoneyField, PercentField, WritingForm
from ledger.loanmath.checks import MOST_BILLS
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.terms import FirstDue, HolidayRule, Method, PenaltyBase, UnbilledFees, Unit
from ledger.models import CreditLine

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
FIRST_DUE = [
    (FirstDue.ONE_PERIOD.value, gettext_lazy("One month after it was paid out")),
    (FirstDue.NEXT_MONTH.value, gettext_lazy("On the due day of the next month")),
    (FirstDue.MIN_GAP.value, gettext_lazy("On the first due day after a number of days")),
    (FirstDue.SKIP_ONE.value, gettext_lazy("On the due day after the next one")),
]
HOLIDAY_RULES = [
    (HolidayRule.SAME_DAY.value, gettext_lazy("The day stays")),
    (HolidayRule.NEXT_WORKDAY.value, gettext_lazy("The next working day")),
    (HolidayRule.PREVIOUS_WORKDAY.value, gettext_lazy("The working day before")),
    (HolidayRule.NEXT_DUE_DATE.value, gettext_lazy("With the next bill")),
]
PLACES = [
    ("", gettext_lazy("Weekends alone")),
    ("CN", gettext_lazy("China")),
    ("HK", gettext_lazy("Hong Kong")),
    ("TW", gettext_lazy("Taiwan")),
    ("SG", gettext_lazy("Singapore")),
    ("JP", gettext_lazy("Japan")),
    ("KR", gettext_lazy("South Korea")),
    ("IN", gettext_lazy("India")),
    ("US", gettext_lazy("United States")),
    ("CA", gettext_lazy("Canada")),
    ("MX", gettext_lazy("Mexico")),
    ("BR", gettext_lazy("Brazil")),
    ("GB", gettext_lazy("United Kingdom")),
    ("IE", gettext_lazy("Ireland")),
    ("DE", gettext_lazy("Germany")),
    ("FR", gettext_lazy("France")),
    ("ES", gettext_lazy("Spain")),
    ("IT", gettext_lazy("Italy")),
    ("NL", gettext_lazy("Netherlands")),
    ("PL", gettext_lazy("Poland")),
    ("AU", gettext_lazy("Australia")),
    ("NZ", gettext_lazy("New Zealand")),
]
REPRICING = [
    ("new_year", gettext_lazy("On 1 January")),
    ("anniversary", gettext_lazy("On the day it was paid out")),
    ("december", gettext_lazy("On 21 December")),
]
CYCLES = [
    ("12", gettext_lazy("Every year")),
    ("6", gettext_lazy("Every six months")),
    ("3", gettext_lazy("Every three months")),
    ("1", gettext_lazy("Every month")),
]
PENALTY_BASES = [
    (PenaltyBase.PRINCIPAL.value, gettext_lazy("The overdue principal")),
    (PenaltyBase.PRINCIPAL_AND_INTEREST.value, gettext_lazy("The overdue principal and interest")),
    (PenaltyBase.BILL.value, gettext_lazy("All that is overdue, fees too")),
]
UNBILLED_FEES = [
    (UnbilledFees.WAIVED.value, gettext_lazy("Not asked")),
    (UnbilledFees.DUE.value, gettext_lazy("All asked at once")),
    (UnbilledFees.ONE_PERIOD.value, gettext_lazy("Only that of the next bill")),
]

# Which fields stand on one line.
ROWS = (
    ("lender", "name"),
    ("amount", "currency"),
    ("disbursed_on", "first_due_on", "due_day"),
    ("table",),
    ("payment", "count", "unit"),
    ("series", "spread"),
    ("rate", "rate_per"),
    ("fee_rate", "fee_per"),
    ("method",),
)
# The fields under "More", by heading and line.
GROUPS: tuple[tuple[str | Promise, tuple[tuple[str, ...], ...]], ...] = (
    (
        pgettext_lazy("of a loan", "Days"),
        (
            ("first_due_on", "due_day", "unit"),
            ("first_due", "first_due_gap"),
            ("last_due_on",),
            ("day_count",),
            ("interest_free_days",),
            ("holiday_rule", "holiday_calendar"),
        ),
    ),
    (gettext_lazy("A rate that follows another"), (("series", "spread"), ("repricing", "cycle"))),
    (
        gettext_lazy("Principal"),
        (("method",), ("payment",), ("balloon", "down_payment"), ("principal_grace", "interest_grace")),
    ),
    (gettext_lazy("Fees"), (("upfront_fee", "bill_fee"), ("bill_fee_rate",), ("unbilled_fees",))),
    (
        gettext_lazy("Paying early"),
        (("prepay_share", "prepay_last_year"), ("prepay_free_after", "prepay_lock_in")),
    ),
    (gettext_lazy("Minimum payment"), (("minimum_share", "minimum_floor"),)),
    (
        gettext_lazy("When late"),
        (
            ("penalty", "penalty_per"),
            ("penalty_base", "penalty_cap"),
            ("adds_on",),
            ("grace_days",),
            ("late_fee",),
            ("late_fee_share", "late_fee_floor"),
        ),
    ),
    (gettext_lazy("Also"), (("credit_line", "note"),)),
)


def count_field(label: Any, most: int, **options: Any) -> forms.IntegerField:
    """A whole number from 0 to `most` that may be left empty."""
    message = format_lazy(gettext_lazy("Enter a whole number from 0 to {most}."), most=most)
    errors = dict.fromkeys(("invalid", "min_value", "max_value"), message)
    return forms.IntegerField(
        label=label, required=False, min_value=0, max_value=most, error_messages=errors, **options
    )


class LoanFields(WritingForm):
    """All of them; each way of adding a loan keeps those it asks for."""

    lender = forms.CharField(
        label=gettext_lazy("Lender"),
        max_length=100,
        error_messages={"required": gettext_lazy("Enter who lent the money, such as your bank.")},
    )
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
        label=gettext_lazy("Monthly due day"),
        required=False,
        min_value=1,
        max_value=31,
        help_text=gettext_lazy("In short months the last day."),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), gettext_lazy("Enter a day from 1 to 31.")),
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
        error_messages={"required": gettext_lazy("Paste the rows of the lender’s table.")},
        help_text=gettext_lazy("One bill a line: day, principal, interest, and a fee if there is one."),
    )

    first_due = forms.ChoiceField(
        label=gettext_lazy("When the first bill is due"),
        choices=FIRST_DUE,
        required=False,
        help_text=gettext_lazy("Where you do not know the day itself."),
    )
    first_due_gap = count_field(gettext_lazy("How many days"), 366)
    last_due_on = DayField(label=gettext_lazy("Last bill due on"), required=False)
    day_count = forms.ChoiceField(label=gettext_lazy("How days are counted"), choices=DAY_COUNTS, required=False)
    interest_free_days = count_field(gettext_lazy("First days without interest"), 3660)
    holiday_rule = forms.ChoiceField(
        label=gettext_lazy("On a weekend or holiday"), choices=HOLIDAY_RULES, required=False
    )
    holiday_calendar = forms.ChoiceField(label=gettext_lazy("Holidays of"), choices=PLACES, required=False)

    series = forms.ChoiceField(label=gettext_lazy("The rate follows"), required=False)
    spread = forms.DecimalField(
        label=gettext_lazy("Basis points on top"),
        required=False,
        min_value=-1000,
        max_value=1000,
        decimal_places=2,
        help_text=gettext_lazy("A hundredth of a percent each; −30 is 0.30% below."),
        widget=forms.TextInput(attrs={"inputmode": "text", "autocomplete": "off"}),
    )
    repricing = forms.ChoiceField(label=gettext_lazy("A new rate holds from"), choices=REPRICING, required=False)
    cycle = forms.ChoiceField(label=gettext_lazy("How often"), choices=CYCLES, required=False)

    balloon = MoneyField(
        label=gettext_lazy("Left for the last bill"),
        required=False,
        help_text=gettext_lazy("Principal on top of its share (a balloon)."),
    )
    down_payment = MoneyField(
        label=gettext_lazy("Paid on the first day"),
        required=False,
        help_text=gettext_lazy("A part of the amount, as a bill of its own."),
    )
    principal_grace = count_field(gettext_lazy("First bills of interest alone"), MOST_BILLS)
    interest_grace = count_field(gettext_lazy("First bills without interest"), MOST_BILLS)

    upfront_fee = MoneyField(
        label=gettext_lazy("Fee taken at the start"),
        required=False,
        help_text=gettext_lazy("Kept back from the amount, or paid beside it."),
    )
    bill_fee = MoneyField(label=gettext_lazy("Fee with every bill"), required=False)
    bill_fee_rate = PercentField(
        label=gettext_lazy("Or a share of the amount"),
        required=False,
        most=Decimal(1),
        help_text=gettext_lazy("Added to every bill."),
    )
    unbilled_fees = forms.ChoiceField(
        label=gettext_lazy("Fees to come, when it is paid off early"), choices=UNBILLED_FEES, required=False
    )

    prepay_share = PercentField(label=gettext_lazy("Fee of what is prepaid"), required=False, most=Decimal(1))
    prepay_last_year = PercentField(label=gettext_lazy("In the last year"), required=False, most=Decimal(1))
    prepay_free_after = count_field(gettext_lazy("Free after so many months"), 1200)
    prepay_lock_in = count_field(gettext_lazy("Not before so many months"), 1200)

    minimum_share = PercentField(
        label=gettext_lazy("Least share of the principal"),
        required=False,
        most=Decimal(1),
        help_text=gettext_lazy("Interest and fees come on top."),
    )
    minimum_floor = MoneyField(label=gettext_lazy("But at least"), required=False)

    penalty = PercentField(
        label=gettext_lazy("Penalty interest when late"),
        required=False,
        help_text=gettext_lazy("For every day late."),
    )
    penalty_per = forms.ChoiceField(label=pgettext_lazy("penalty", "Counted in"), choices=PENALTY_PER, required=False)
    penalty_base = forms.ChoiceField(
        label=pgettext_lazy("penalty", "Counted on"), choices=PENALTY_BASES, required=False
    )
    penalty_cap = MoneyField(label=pgettext_lazy("penalty", "At most, on one bill"), required=False)
    adds_on = forms.BooleanField(label=gettext_lazy("The loan’s own interest goes on beside it"), required=False)
    grace_days = count_field(gettext_lazy("Days of grace"), 366, initial=0)
    late_fee = MoneyField(label=gettext_lazy("Late fee, once for each missed bill"), required=False)
    late_fee_share = PercentField(
        label=gettext_lazy("Late fee, as a share of what is unpaid"), required=False, most=Decimal(1)
    )
    late_fee_floor = MoneyField(label=pgettext_lazy("late fee", "But at least"), required=False)
    credit_line = forms.ModelChoiceField(
        label=gettext_lazy("Credit line"),
        queryset=CreditLine.objects.none(),
        required=False,
        empty_label=gettext_lazy("None"),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=2000, required=False)
    past_paid = forms.BooleanField(label=gettext_lazy("All of them were paid on their days"), required=False)
