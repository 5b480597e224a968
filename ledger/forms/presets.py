"""The kinds of loan people have, in their words: which fields each asks for, and what it already fills in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.forms.loan_parts import REPRICED_ON
from ledger.loanmath.presets import BASIS_POINT
from ledger.loanmath.presets import PRESETS as KINDS
from ledger.loanmath.terms import Benchmark, Method, PenaltyTerms, PrepaymentFee

WHO = ("lender", "name", "amount", "currency", "disbursed_on")
LATENESS = (
    *("penalty", "penalty_per", "penalty_base", "penalty_cap", "adds_on", "grace_days"),
    *("late_fee", "late_fee_share", "late_fee_floor"),
)
ALWAYS_MORE = ("holiday_rule", "holiday_calendar", *LATENESS, "credit_line", "note")
FOLLOWING = ("series", "spread", "repricing", "cycle")
EARLY = ("prepay_share", "prepay_last_year", "prepay_free_after", "prepay_lock_in")
MINIMUM = ("minimum_share", "minimum_floor")
BANK_MORE = (
    *("due_day", "first_due_on", "first_due", "first_due_gap", "last_due_on", "day_count", "interest_free_days"),
    *FOLLOWING,
    *("payment", "balloon", "down_payment", "principal_grace", "interest_grace"),
    *("upfront_fee", "bill_fee", "bill_fee_rate"),
    *EARLY,
    *ALWAYS_MORE,
)
FLAT_MORE = ("first_due_on", "upfront_fee", "unbilled_fees", *EARLY, *MINIMUM, *ALWAYS_MORE)


@dataclass(frozen=True, slots=True)
class Preset:
    """One way into the form: the fields it shows, those it keeps under "More", and what it fills in.

    `fixed` are values of the agreement that are not asked; `labels` say a field's name in this kind's own words;
    `currencies` are those this kind comes in, the usual one first (empty: any);
    `is_secured` where something is pledged for it as a rule.
    """

    code: str
    label: str | Promise
    note: str | Promise
    shown: tuple[str, ...]
    more: tuple[str, ...] = ALWAYS_MORE
    initial: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str | Promise] = field(default_factory=dict)
    helps: dict[str, str | Promise] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    is_secured: bool = False

    def currency(self, of_household: str) -> str:
        """The currency a new loan of this kind starts in: the household's, unless the kind never comes in it."""
        return of_household if not self.currencies or of_household in self.currencies else self.currencies[0]


# Conventions that have a field of the same value on the form.
_SAME = (
    *("day_count", "first_due", "first_due_gap", "unit", "holiday_rule", "holiday_calendar", "principal_grace"),
    *("unbilled_fees", "count"),
)
_NOT_ASKED = ("method", "residue", "unit", "every")


def _kind(code: str, *, more: Iterable[str], shown: Iterable[str], **words: Any) -> Preset:
    """The preset `code` of loanmath, its conventions as what the form begins with."""
    kind = KINDS[code]
    terms = kind.terms
    initial = {name: terms[name] for name in _SAME if name in terms}
    if "anchor_day" in terms:
        initial["due_day"] = terms["anchor_day"]
    if "benchmark" in terms:
        initial |= _followed(terms["benchmark"])
    initial |= _late(terms.get("penalty", PenaltyTerms()), kind.penalty_times)
    initial |= _early(terms.get("prepayment_fee", PrepaymentFee()), kind.late_fraction)
    shown = tuple(shown)
    more = tuple(name for name in more if name not in shown)
    return Preset(
        code=code,
        shown=shown,
        more=more,
        initial=initial | words.pop("initial", {}),
        fixed={name: terms[name] for name in _NOT_ASKED if name in terms and name not in (*shown, *more)},
        **words,
    )


def _followed(benchmark: Benchmark) -> dict[str, Any]:
    repricing = next((name for name, day in REPRICED_ON.items() if day == benchmark.repriced_on), "anniversary")
    spread = (benchmark.spread / BASIS_POINT).quantize(Decimal(1))
    return {
        "series": benchmark.series,
        "spread": spread,
        "repricing": repricing,
        "cycle": str(benchmark.every_months),
    }


def _late(penalty: PenaltyTerms, times: Decimal) -> dict[str, Any]:
    said: dict[str, Any] = {"penalty_base": penalty.base, "grace_days": penalty.grace_days}
    if times:
        said |= {"penalty": times / 100, "penalty_per": "times"}
    else:
        said |= _a_day_or_a_year(penalty)
    return said | ({"late_fee_share": penalty.late_fee_share} if penalty.late_fee_share else {})


def _a_day_or_a_year(penalty: PenaltyTerms) -> dict[str, Any]:
    """A penalty as people say it: by the day where that is a short figure."""
    daily = penalty.annual_rate / penalty.year_days
    if daily and daily == daily.quantize(BASIS_POINT):
        return {"penalty": daily, "penalty_per": "day"}
    return {"penalty": penalty.annual_rate or None, "penalty_per": "year"}


def _early(fee: PrepaymentFee, last_year: Decimal | None) -> dict[str, Any]:
    said = {
        "prepay_share": fee.fraction or None,
        "prepay_last_year": last_year,
        "prepay_free_after": fee.free_after_months,
        "prepay_lock_in": fee.lock_in_months or None,
    }
    return {name: value for name, value in said.items() if value is not None}


_PRICE = {"amount": _("Price"), "disbursed_on": _("Bought on")}
_IN_PARTS = (*WHO, "due_day", "count")
_BANK = (*WHO, "count", "rate", "rate_per", "method")

RESERVE = _kind(
    "reserve",
    label=_("Cash line"),
    note=_("A mall’s reserve credit, interest by the day"),
    shown=(*WHO, "due_day", "count", "rate", "rate_per", "method"),
    more=(
        *("first_due_on", "first_due", "first_due_gap", "day_count", "interest_free_days", "upfront_fee"),
        *EARLY,
        *MINIMUM,
        *ALWAYS_MORE,
    ),
    initial={"count": 12, "rate": Decimal("0.0005"), "rate_per": "day"},
    helps={"due_day": _("The first bill comes next month on this day.")},
)
BNPL = _kind(
    "bnpl",
    label=_("Buy now, pay later"),
    note=_("A purchase in equal parts with a flat fee"),
    shown=(*_IN_PARTS, "fee_rate", "fee_per"),
    more=FLAT_MORE,
    initial={"count": 12, "fee_rate": Decimal("0.006"), "fee_per": "month"},
    labels=_PRICE,
)
CARD = _kind(
    "card",
    label=_("Card installments"),
    note=_("A card bill or purchase paid off in parts"),
    shown=(*_IN_PARTS, "fee_rate", "fee_per"),
    more=FLAT_MORE,
    initial={"count": 12, "fee_rate": Decimal("0.0066"), "fee_per": "month"},
    labels={"amount": _("Amount in installments"), "disbursed_on": _("Split on")},
)
ONLINE = _kind(
    "online",
    label=_("Online cash loan"),
    note=_("From an app: equal payments, interest by the day"),
    shown=(*WHO, "due_day", "first_due", "count", "rate", "rate_per", "method"),
    more=BANK_MORE,
    initial={"count": 12, "rate": Decimal("0.0004"), "rate_per": "day"},
    labels={"due_day": _("Due day, if it is the lender’s own")},
)
CAR = _kind(
    "car",
    is_secured=True,
    label=_("Car loan"),
    note=_("The same payment every month"),
    shown=(*WHO, "first_due_on", "count", "rate", "rate_per", "method"),
    more=BANK_MORE,
    initial={"count": 36, "rate": Decimal("0.045"), "rate_per": "year"},
)
MORTGAGE = _kind(
    "mortgage",
    is_secured=True,
    label=_("Mortgage"),
    note=_("Up to thirty years; the rate may follow the LPR"),
    shown=(*WHO, "due_day", "count", "series", "spread", "rate", "rate_per", "method"),
    more=BANK_MORE,
    initial={"count": 360, "rate": Decimal("0.035"), "rate_per": "year"},
    helps={
        "due_day": _("The first bill comes on the next one."),
        "first_due_on": _("Empty: on the first due day after it was paid out."),
    },
)
FUND = _kind(
    "fund",
    is_secured=True,
    label=_("Provident fund loan"),
    note=_("The official rate; a new one holds from 1 January"),
    shown=(*WHO, "first_due_on", "count", "series", "rate", "rate_per", "method"),
    more=BANK_MORE,
    initial={"count": 240, "rate_per": "year"},
    currencies=("CNY",),
)
STATE_STUDENT = _kind(
    "state_student",
    label=_("State student loan"),
    note=_("Once a year on 20 December, the last time on 20 September"),
    shown=(*WHO, "count", "principal_grace", "series", "spread", "rate", "rate_per"),
    more=(*BANK_MORE, "method"),
    initial={"count": 16, "rate_per": "year"},
    labels={"disbursed_on": _("You bear the interest from")},
    helps={
        "disbursed_on": _("1 September of the year you finish."),
        "first_due_on": _("Empty: the next 20 December."),
        "last_due_on": _("Empty: 20 September of the last year."),
    },
    currencies=("CNY",),
)
STUDENT = _kind(
    "student",
    label=_("Student loan"),
    note=_("Monthly, or once a year"),
    shown=(*WHO, "first_due_on", "unit", "count", "rate", "rate_per", "method"),
    more=BANK_MORE,
    initial={"count": 120, "rate": Decimal("0.028"), "rate_per": "year"},
)
PAY_IN_4 = _kind(
    "pay_in_4",
    label=_("Pay in 4"),
    note=_("A quarter on the day, the rest every two weeks"),
    shown=(*WHO, "count"),
    more=("first_due_on", *ALWAYS_MORE),
    labels=_PRICE,
    helps={"first_due_on": _("Empty: on the day itself.")},
)
US = _kind(
    "us",
    label=_("US installment loan"),
    note=_("Simple interest by the day, a late fee after the grace"),
    shown=(*WHO, "first_due_on", "count", "rate", "rate_per"),
    more=(*BANK_MORE, "method"),
    initial={"count": 60, "rate": Decimal("0.09"), "rate_per": "year"},
    currencies=("USD",),
)
EU = _kind(
    "eu",
    label=_("UK or EU loan"),
    note=_("Equal payments; prepaying costs a little"),
    shown=(*WHO, "first_due_on", "count", "rate", "rate_per"),
    more=(*BANK_MORE, "method"),
    initial={"count": 48, "rate": Decimal("0.07"), "rate_per": "year"},
    currencies=("EUR", "GBP", "PLN", "SEK", "DKK", "CZK", "HUF", "RON"),
)
MSI = _kind(
    "msi",
    label=_("Months without interest"),
    note=_("Mexico: a purchase on the card in equal parts"),
    shown=_IN_PARTS,
    more=FLAT_MORE,
    initial={"count": 12},
    labels=_PRICE | {"due_day": _("Due day of the card")},
    currencies=("MXN",),
)
PARCELADO = _kind(
    "parcelado",
    label=_("Parcelado"),
    note=_("Brazil: a purchase on the card in equal parts"),
    shown=_IN_PARTS,
    more=FLAT_MORE,
    initial={"count": 10},
    labels=_PRICE | {"due_day": _("Due day of the card")},
    currencies=("BRL",),
)

PRESETS = (RESERVE, BNPL, CARD, ONLINE, CAR, MORTGAGE)  # in sight
MORE_PRESETS = (
    (_("In China"), (FUND, STATE_STUDENT)),
    (_("Anywhere"), (STUDENT, PAY_IN_4)),
    (_("By place"), (US, EU, MSI, PARCELADO)),
)

_BANK_LATENESS = {"penalty": Decimal("0.015"), "penalty_per": "times"}

KNOWN = Preset(
    code="known",
    label=_("What I know"),
    note=_("Three figures are enough"),
    shown=(
        *("lender", "name", "currency", "disbursed_on", "first_due_on", "amount"),
        *("payment", "count", "rate", "rate_per"),
    ),
    more=(
        *("due_day", "unit", "first_due", "first_due_gap", "day_count", "interest_free_days"),
        *("balloon", "upfront_fee", "bill_fee", "bill_fee_rate"),
        *EARLY,
        *ALWAYS_MORE,
    ),
    initial={"rate_per": "year", **_BANK_LATENESS},
    labels={"payment": pgettext_lazy("each bill", "Payment each time")},
)

RUNNING = Preset(
    code="running",
    label=_("Already under way"),
    note=_("What is still owed, on which day"),
    shown=(*WHO, "first_due_on", "count", "rate", "rate_per", "payment", "method"),
    more=(
        *("due_day", "unit", "last_due_on", "day_count", *FOLLOWING),
        *("balloon", "principal_grace", "bill_fee", "bill_fee_rate"),
        *EARLY,
        *MINIMUM,
        *ALWAYS_MORE,
    ),
    initial={"rate_per": "year", **_BANK_LATENESS},
    labels={
        "amount": _("Principal still owed"),
        "disbursed_on": pgettext_lazy("still owed", "On which day"),
        "first_due_on": _("Next bill due on"),
        "count": _("Bills still to come"),
    },
    helps={
        "disbursed_on": _("Best the day of your last payment: what you still owed right after it."),
        "payment": _("As the lender states it. Leave it empty to have it worked out."),
    },
    required=("first_due_on",),
)

TABLE = Preset(
    code="table",
    label=_("The lender’s table"),
    note=_("Copy it from the app, row by row"),
    shown=("lender", "name", "currency", "disbursed_on", "table"),
    more=("upfront_fee", "unbilled_fees", *EARLY, *MINIMUM, *ALWAYS_MORE),
    initial={"penalty": Decimal("0.0005"), "penalty_per": "day"},
    fixed={"method": Method.LISTED},
)

WAYS = (KNOWN, RUNNING, TABLE)
BY_CODE = {
    preset.code: preset
    for preset in (*PRESETS, *(preset for _heading, presets in MORE_PRESETS for preset in presets), *WAYS)
}


def preset_of(code: str) -> Preset:
    """The preset called `code`, the first one if there is none."""
    return BY_CODE.get(code, PRESETS[0])
