"""A coupon used, or a subsidy: one form for each kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from ledger.forms.facts import FactForm, bill_field, count_field
from ledger.forms.fields import DayField, MoneyField, PercentField
from ledger.loanmath.checks import MOST_BILLS
from ledger.loanmath.facts import CouponKind
from ledger.models import Coupon
from ledger.models.facts import BY_THIRD_PARTY
from ledger.services.refusing_amounts import MOST_FREE_DAYS

PAID_BY = [
    ("", gettext_lazy("The lender")),
    (BY_THIRD_PARTY, gettext_lazy("Somebody else, such as a shop or the state")),
]


class CouponForm(FactForm):
    """A coupon or a subsidy of one kind; each kind asks for its own figure, and some for the bills they cover."""

    records = Coupon
    kind: ClassVar[CouponKind]
    component = forms.ChoiceField(
        label=gettext_lazy("Who pays for it"), choices=PAID_BY, widget=forms.RadioSelect, required=False, initial=""
    )

    def values(self) -> dict[str, Any]:
        return super().values() | {"effect": self.kind.value}


class AmountCouponForm(CouponForm):
    kind = CouponKind.AMOUNT
    amount = MoneyField(
        label=gettext_lazy("Amount"), least=1, help_text=gettext_lazy("Fees and interest first, then principal.")
    )
    bill = bill_field()
    field_order = ["amount", "bill", "effective_on", "component", "note"]


class CoveringForm(CouponForm):
    """A coupon that covers one bill, or those due from its day on, for a while or for good, up to a limit."""

    day_label = gettext_lazy("Bills due from")
    optional = ("until", "cap")
    bill = bill_field(required=False, empty=gettext_lazy("All that are due then"))
    until = DayField(label=pgettext_lazy("bills due", "Through"), required=False)
    cap = MoneyField(
        label=gettext_lazy("At most, together"), least=1, required=False, help_text=gettext_lazy("Empty: no limit.")
    )

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        ends = [self["effective_on"], self["until"]]
        return [[self[self.figure]], ends, [self["bill"]], [self["cap"]], [self["component"]], [self["note"]]]

    figure: ClassVar[str]


class ShareCouponForm(CoveringForm):
    kind, figure = CouponKind.SHARE, "fraction"
    fraction = PercentField(label=gettext_lazy("Share of interest and fees taken off"), most=Decimal(1))


class FreeBillsForm(CoveringForm):
    kind, figure = CouponKind.FREE_BILLS, "count"
    count = count_field(
        gettext_lazy("How many bills are free of interest and fees"),
        MOST_BILLS,
        gettext_lazy("Enter how many bills are free: a whole number from 1 to 600."),
    )


class RateCouponForm(CoveringForm):
    kind, figure = CouponKind.RATE, "fraction"
    fraction = PercentField(
        label=gettext_lazy("Taken off the yearly rate"),
        most=Decimal(1),
        help_text=gettext_lazy("1 makes 4% a year 3%."),
    )


class FreeDaysForm(CouponForm):
    kind = CouponKind.FREE_DAYS
    day_label = gettext_lazy("First day free of interest")
    optional = ("cap",)
    count = count_field(
        gettext_lazy("How many days are free of interest"),
        MOST_FREE_DAYS,
        gettext_lazy("Enter how many days are free: a whole number from 1 to 3660."),
    )
    cap = MoneyField(
        label=gettext_lazy("At most, together"), least=1, required=False, help_text=gettext_lazy("Empty: no limit.")
    )
    field_order = ["count", "effective_on", "cap", "component", "note"]


COUPONS: dict[str, tuple[str | Promise, type[CouponForm]]] = {
    CouponKind.AMOUNT.value: (pgettext_lazy("kind of coupon", "An amount"), AmountCouponForm),
    CouponKind.SHARE.value: (pgettext_lazy("kind of coupon", "A share"), ShareCouponForm),
    CouponKind.FREE_BILLS.value: (pgettext_lazy("kind of coupon", "Free bills"), FreeBillsForm),
    CouponKind.FREE_DAYS.value: (pgettext_lazy("kind of coupon", "Free days"), FreeDaysForm),
    CouponKind.RATE.value: (pgettext_lazy("kind of coupon", "A lower rate"), RateCouponForm),
}
