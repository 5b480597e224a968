"""Why an amount cannot be added to a loan's bills, or taken off them."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from ledger.loanmath.checks import MOST_BILLS
from ledger.loanmath.facts import CouponKind
from ledger.loanmath.money import LIMIT
from ledger.loanmath.terms import Component, Method
from ledger.models import Fact, Loan
from ledger.selectors.history import History
from ledger.services.refusal import Refusal
from ledger.services.refusing import bill_of, refuse_amount, refuse_count, said

MOST_FREE_DAYS = 3660


def refuse_charge(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if draft.component not in (Component.FEE, Component.PENALTY):
        return Refusal("component", _("Choose a fee or a penalty."), "component")
    if draft.moved_to is not None and draft.bill_number is not None:
        return Refusal("bill_or_day", _("Name the bill or the day it is asked for, not both."), "moved_to")
    if draft.moved_to is not None and draft.moved_to < draft.effective_on:
        return Refusal(
            "before_charge", _("It cannot be asked for before it was charged. Choose a later day."), "moved_to"
        )
    return refuse_amount(draft.amount)


def refuse_waiver(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    bill = bill_of(draft, loan)
    left = int(getattr(bill.open, Component(draft.component))) if bill else 0
    if draft.amount and draft.amount > left:
        text = _("This part of the bill has %(amount)s left. Enter at most that.")
        return Refusal("above_open", text % {"amount": said(left, loan)}, "amount")
    return refuse_amount(draft.amount)


def refuse_figure(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    figure = draft.figure
    for name in ("principal", "interest", "fee", "penalty"):
        if not 0 <= getattr(figure, name) <= LIMIT:
            return Refusal("not_an_amount", _("Enter an amount of zero or more."), name)
    bill = bill_of(draft, loan)
    most = bill.outstanding_after + bill.principal_due if bill else 0
    if figure.principal > most:
        text = _("Only %(amount)s of principal is owed then. Enter at most that.")
        return Refusal("above_principal", text % {"amount": said(most, loan)}, "principal")
    if figure.total == 0:
        return Refusal("nothing", _("Enter what the lender asks for, by part."), "principal")
    return None


def refuse_drawdown(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if past.terms_on(draft.effective_on).method is Method.LISTED:
        text = _("This loan’s bills are the lender’s own table. Amend the agreement with the new table instead.")
        return Refusal("listed", text)
    if draft.amount and past.lent(date.max) + draft.amount > LIMIT:
        return Refusal("too_large", _("This amount is too large to be real. Check the number of digits."), "amount")
    return refuse_amount(draft.amount)


def refuse_refund(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    most = past.lent(draft.effective_on)
    if draft.amount and draft.amount > most:
        text = _("Only %(amount)s was borrowed. Enter at most that.")
        return Refusal("above_borrowed", text % {"amount": said(most, loan)}, "amount")
    return refuse_amount(draft.amount)


def refuse_coupon(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if draft.until is not None and draft.until < draft.effective_on:
        return Refusal("until", _("Choose the day it begins or a later one."), "until")
    if draft.cap is not None and (refusal := refuse_amount(draft.cap, "cap")) is not None:
        return refusal
    return _COUPONS[CouponKind(draft.effect)](draft, loan, past)


def _refuse_coupon_amount(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    bill = bill_of(draft, loan)
    if bill is None:
        return Refusal("no_such_bill", _("Choose one of this loan’s bills."), "bill")
    if draft.amount and draft.amount > bill.open.total:
        text = _("This bill has %(amount)s left to pay. Enter at most that.")
        return Refusal("above_open", text % {"amount": said(bill.open.total, loan)}, "amount")
    return refuse_amount(draft.amount)


def _refuse_coupon_share(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if draft.fraction is None or not 0 < draft.fraction <= 1:
        return Refusal("fraction", _("Enter a share above 0 and up to 100%."), "fraction")
    return None


def _refuse_free_bills(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    return refuse_count(draft.count, MOST_BILLS, _("Enter how many bills are free: a whole number from 1 to 600."))


def _refuse_free_days(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    text = _("Enter how many days are free: a whole number from 1 to 3660.")
    return _refuse_without_rate(past, draft.effective_on) or refuse_count(draft.count, MOST_FREE_DAYS, text)


def _refuse_coupon_rate(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    refusal = _refuse_without_rate(past, draft.effective_on)
    if refusal is None and (draft.fraction is None or not 0 < draft.fraction <= 1):
        text = _("Enter by how much the yearly rate is lower: above 0 and up to 100%.")
        return Refusal("fraction", text, "fraction")
    return refusal


def _refuse_without_rate(past: History, day: date) -> Refusal | None:
    if past.terms_on(day).method in (Method.FLAT, Method.LISTED):
        text = _("This loan’s bills do not follow from a rate. Choose an amount, a share or free bills instead.")
        return Refusal("no_rate", text, "effect")
    return None


_COUPONS = {
    CouponKind.AMOUNT: _refuse_coupon_amount,
    CouponKind.SHARE: _refuse_coupon_share,
    CouponKind.FREE_BILLS: _refuse_free_bills,
    CouponKind.FREE_DAYS: _refuse_free_days,
    CouponKind.RATE: _refuse_coupon_rate,
}
