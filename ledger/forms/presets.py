"""The kinds of loan people have, and what each already knows about its agreement."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.terms import Method, Residue

WHO = ("lender", "name", "amount", "currency", "disbursed_on")
LATENESS = ("penalty", "penalty_per", "grace_days", "late_fee")
ALWAYS_MORE = (*LATENESS, "credit_line", "note")


@dataclass(frozen=True, slots=True)
class Preset:
    """One way into the form: the fields it shows, those it keeps under "More", and what it fills in.

    `fixed` are values of the agreement that are not asked; `labels` say a field's name in this kind's own words.
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

    @property
    def is_flat(self) -> bool:
        return self.fixed.get("method") == Method.FLAT


_BANK_MORE = ("due_day", "day_count", "payment", "upfront_fee", "bill_fee", *ALWAYS_MORE)
_BANK_LATENESS = {"penalty": Decimal("0.015"), "penalty_per": "times"}

_FLAT_MORE = ("first_due_on", "upfront_fee", *ALWAYS_MORE)
_FLAT_LATENESS = {"penalty": Decimal("0.0005"), "penalty_per": "day"}

PRESETS = (
    Preset(
        code="reserve",
        label=_("Cash line"),
        note=_("A mall’s reserve credit, interest by the day"),
        shown=(*WHO, "due_day", "count", "rate", "rate_per", "method"),
        more=("first_due_on", "day_count", "upfront_fee", *ALWAYS_MORE),
        initial={
            "count": 12,
            "due_day": 10,
            "rate": Decimal("0.0005"),
            "rate_per": "day",
            "day_count": DayCount.ACT_360,
            "penalty": Decimal("0.015"),
            "penalty_per": "times",
        },
        helps={"due_day": _("The first bill comes next month on this day.")},
    ),
    Preset(
        code="bnpl",
        label=_("Buy now, pay later"),
        note=_("A purchase in equal parts with a flat fee"),
        shown=(*WHO, "due_day", "count", "fee_rate", "fee_per"),
        more=_FLAT_MORE,
        initial={"count": 12, "due_day": 10, "fee_rate": Decimal("0.006"), "fee_per": "month", **_FLAT_LATENESS},
        fixed={"method": Method.FLAT, "residue": Residue.FIRST},
        labels={"amount": _("Price"), "disbursed_on": _("Bought on")},
    ),
    Preset(
        code="card",
        label=_("Card installments"),
        note=_("A card bill or purchase paid off in parts"),
        shown=(*WHO, "due_day", "count", "fee_rate", "fee_per"),
        more=_FLAT_MORE,
        initial={"count": 12, "due_day": 25, "fee_rate": Decimal("0.0066"), "fee_per": "month", **_FLAT_LATENESS},
        fixed={"method": Method.FLAT},
        labels={"amount": _("Amount in installments"), "disbursed_on": _("Split on")},
    ),
    Preset(
        code="car",
        label=_("Car loan"),
        note=_("The same payment every month"),
        shown=(*WHO, "first_due_on", "count", "rate", "rate_per", "method"),
        more=_BANK_MORE,
        initial={"count": 36, "rate": Decimal("0.045"), "rate_per": "year", **_BANK_LATENESS},
    ),
    Preset(
        code="student",
        label=_("Student loan"),
        note=_("Monthly, or once a year"),
        shown=(*WHO, "first_due_on", "unit", "count", "rate", "rate_per", "method"),
        more=_BANK_MORE,
        initial={"count": 120, "rate": Decimal("0.028"), "rate_per": "year", **_BANK_LATENESS},
    ),
    Preset(
        code="mortgage",
        label=_("Mortgage"),
        note=_("Up to thirty years, the rate may change"),
        shown=(*WHO, "first_due_on", "count", "rate", "rate_per", "method"),
        more=_BANK_MORE,
        initial={"count": 360, "rate": Decimal("0.035"), "rate_per": "year", **_BANK_LATENESS},
    ),
)

KNOWN = Preset(
    code="known",
    label=_("What I know"),
    note=_("Three figures are enough"),
    shown=(
        "lender",
        "name",
        "currency",
        "disbursed_on",
        "first_due_on",
        "amount",
        "payment",
        "count",
        "rate",
        "rate_per",
    ),
    more=("due_day", "unit", "day_count", "upfront_fee", "bill_fee", *ALWAYS_MORE),
    initial={"rate_per": "year", **_BANK_LATENESS},
    labels={"payment": pgettext_lazy("each bill", "Payment each time")},
)

RUNNING = Preset(
    code="running",
    label=_("Already under way"),
    note=_("What is still owed, on which day"),
    shown=(*WHO, "first_due_on", "count", "rate", "rate_per", "payment", "method"),
    more=("due_day", "unit", "day_count", "bill_fee", *ALWAYS_MORE),
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
    more=("upfront_fee", *ALWAYS_MORE),
    initial=_FLAT_LATENESS,
    fixed={"method": Method.LISTED},
)

WAYS = (KNOWN, RUNNING, TABLE)
BY_CODE = {preset.code: preset for preset in (*PRESETS, *WAYS)}


def preset_of(code: str) -> Preset:
    """The preset called `code`, the first one if there is none."""
    return BY_CODE.get(code, PRESETS[0])
