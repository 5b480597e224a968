"""What changes what is owed: charges, waivers, rate changes, deferrals, the lender's own figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from ledger.loanmath.facts import DeferralTreatment, RateEffect
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import Component
from ledger.models import Bill, Charge, Deferral, LenderFigure, Loan, RateChange, Waiver
from ledger.selectors.history import History
from ledger.services.recording import Check, Recorded, Recording, add_fact, not_before_disbursement
from ledger.services.refusal import Refusal


def record_charge(
    *,
    loan: Loan,
    amount: int,
    charged_on: date,
    recording: Recording,
    component: Component = Component.FEE,
    bill_number: int | None = None,
    note: str = "",
) -> Recorded | Refusal:
    """Record a fee or penalty the lender added on a day."""
    draft = Charge(
        loan=loan,
        effective_on=charged_on,
        amount=amount,
        component=component,
        bill_number=bill_number,
        note=note,
    )
    if component not in (Component.FEE, Component.PENALTY):
        return Refusal("component", _("A charge is a fee or a penalty."), "component")
    return add_fact(draft, recording, _checks(charged_on, amount, bill_number))


def waive_charge(
    *,
    loan: Loan,
    amount: int,
    component: Component,
    bill_number: int,
    waived_on: date,
    recording: Recording,
    note: str = "",
) -> Recorded | Refusal:
    """Record that the lender forgave part of a bill, or that a coupon paid it: never a repayment."""
    draft = Waiver(
        loan=loan,
        effective_on=waived_on,
        amount=amount,
        component=component,
        bill_number=bill_number,
        note=note,
    )
    basic = _checks(waived_on, amount, bill_number)

    def check(loan: Loan, past: History) -> Refusal | None:
        refusal = basic(loan, past)
        if refusal is None and amount > _open_part(loan, bill_number, component):
            return Refusal("above_open", _("That is more than this part of the bill has left to pay."), "amount")
        return refusal

    return add_fact(draft, recording, check)


def change_rate(
    *,
    loan: Loan,
    annual_rate: Decimal,
    effective_on: date,
    recording: Recording,
    effect: RateEffect = RateEffect.KEEP_TERM,
    note: str = "",
) -> Recorded | Refusal:
    """Record the yearly rate (a fraction) that holds from the start of a day."""
    draft = RateChange(loan=loan, effective_on=effective_on, annual_rate=annual_rate, effect=effect, note=note)

    def check(loan: Loan, past: History) -> Refusal | None:
        if not 0 <= annual_rate <= 10:
            return Refusal("rate", _("Enter a yearly rate between 0 and 1000 %."), "annual_rate")
        return not_before_disbursement(effective_on, past)

    return add_fact(draft, recording, check)


def defer_bill(
    *,
    loan: Loan,
    bill_number: int,
    moved_to: date,
    agreed_on: date,
    recording: Recording,
    treatment: DeferralTreatment = DeferralTreatment.MOVE,
    note: str = "",
) -> Recorded | Refusal:
    """Record an agreed later date for a bill."""
    draft = Deferral(
        loan=loan,
        effective_on=agreed_on,
        bill_number=bill_number,
        moved_to=moved_to,
        effect=treatment,
        note=note,
    )
    basic = _checks(agreed_on, None, bill_number)

    def check(loan: Loan, past: History) -> Refusal | None:
        refusal = basic(loan, past)
        if refusal is None and moved_to <= Bill.objects.get(loan=loan, number=bill_number).due_on:
            return Refusal("not_later", _("Choose a day after the bill's due date."), "moved_to")
        return refusal

    return add_fact(draft, recording, check)


def state_lender_figure(
    *, loan: Loan, bill_number: int, parts: Parts, stated_on: date, recording: Recording, note: str = ""
) -> Recorded | Refusal:
    """Record what the lender says a bill is; it replaces ours and the difference is shown."""
    draft = LenderFigure(
        loan=loan,
        effective_on=stated_on,
        bill_number=bill_number,
        principal=parts.principal,
        interest=parts.interest,
        fee=parts.fee,
        penalty=parts.penalty,
        note=note,
    )
    return add_fact(draft, recording, _checks(stated_on, None, bill_number))


def _checks(day: date, amount: int | None, bill_number: int | None) -> Check:
    def check(loan: Loan, past: History) -> Refusal | None:
        if amount is not None and amount <= 0:
            return Refusal("not_positive", _("Enter an amount above zero."), "amount")
        if bill_number is not None and not Bill.objects.filter(loan=loan, number=bill_number).needed().exists():
            return Refusal("no_such_bill", _("Choose one of this loan's bills."), "bill")
        return not_before_disbursement(day, past)

    return check


def _open_part(loan: Loan, bill_number: int, component: Component) -> int:
    bill = Bill.objects.get(loan=loan, number=bill_number)
    return int(getattr(bill.open, component))
