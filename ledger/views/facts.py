"""Recording what adds to a loan's bills or takes off them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy

from ledger.forms.coupons import COUPONS
from ledger.forms.facts import ChargeForm, FigureForm, RefundForm, WaiverForm
from ledger.loanmath.facts import CouponKind
from ledger.loanmath.terms import Component
from ledger.models import Bill
from ledger.views.fact_page import Kind, fact_page
from loantracker.http import PageRequest, editor_page


def _waiver_begin(bill: Bill) -> dict[str, Any]:
    """The penalty of the bill, else its fee, else nothing in particular."""
    for component in (Component.PENALTY, Component.FEE):
        if amount := getattr(bill.open, component):
            return {"bill": bill.number, "component": component.value, "amount": amount}
    return {"bill": bill.number}


def _figure_begin(bill: Bill) -> dict[str, Any]:
    due = bill.due
    return {
        "bill": bill.number,
        "principal": due.principal,
        "interest": due.interest,
        "fee": due.fee,
        "penalty": due.penalty,
    }


CHARGE = Kind(
    ChargeForm,
    "ledger/record_charge.html",
    gettext_lazy("The charge is recorded and added to its bill."),
    only_open=False,
)
WAIVER = Kind(
    WaiverForm,
    "ledger/waive_charge.html",
    gettext_lazy("The waiver is recorded and taken off its bill."),
    _waiver_begin,
)
REFUND = Kind(
    RefundForm,
    "ledger/record_refund.html",
    gettext_lazy("The refund is recorded. It is no repayment: it makes the bills to come smaller."),
)
FIGURE = Kind(
    FigureForm,
    "ledger/state_lender_figure.html",
    gettext_lazy("The lender’s figure is recorded. It stands in place of ours."),
    _figure_begin,
    only_open=False,
)


@editor_page
def record_charge(request: PageRequest, loan_id: int) -> HttpResponse:
    """A fee or penalty the lender added."""
    return fact_page(request, loan_id, CHARGE)


@editor_page
def waive_charge(request: PageRequest, loan_id: int) -> HttpResponse:
    """Something the lender forgave."""
    return fact_page(request, loan_id, WAIVER)


@editor_page
def record_refund(request: PageRequest, loan_id: int) -> HttpResponse:
    """A purchase given back."""
    return fact_page(request, loan_id, REFUND)


@editor_page
def record_coupon(request: PageRequest, loan_id: int) -> HttpResponse:
    """A coupon or a subsidy, of the kind `?kind=` names."""
    asked = request.GET.get("kind", "")
    code = asked if asked in COUPONS else CouponKind.AMOUNT.value
    kind = Kind(
        COUPONS[code][1], "ledger/record_coupon.html", gettext_lazy("The coupon is recorded and taken off its bills.")
    )
    ways = [
        {"label": label, "url": f"?kind={other}", "current": other == code} for other, (label, _form) in COUPONS.items()
    ]
    return fact_page(request, loan_id, kind, lambda loan: {"ways": ways})


@editor_page
def state_lender_figure(request: PageRequest, loan_id: int) -> HttpResponse:
    """What the lender says a bill is."""
    return fact_page(request, loan_id, FIGURE)
