"""What adds to a loan's bills or takes off them: charges, waivers, coupons, refunds, the lender's own figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ledger.loanmath.facts import CouponKind
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import Component
from ledger.models import Charge, Coupon, LenderFigure, Loan, Refund, Waiver
from ledger.models.facts import BY_THIRD_PARTY
from ledger.services.changes import record_change
from ledger.services.recording import Recorded, Recording
from ledger.services.refusal import Refusal


def record_charge(
    *,
    loan: Loan,
    amount: int,
    charged_on: date,
    recording: Recording,
    component: Component = Component.FEE,
    bill_number: int | None = None,
    asked_from: date | None = None,
    note: str = "",
) -> Recorded | Refusal:
    """Record a fee or penalty the lender added on a day: to a bill, or to the first one due from then, or from
    `asked_from` if it is only asked for later."""
    draft = Charge(
        loan=loan,
        effective_on=charged_on,
        amount=amount,
        component=component,
        bill_number=bill_number,
        moved_to=asked_from,
        note=note,
    )
    return record_change(draft=draft, recording=recording)


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
    """Record that the lender forgave part of a bill: never a repayment."""
    draft = Waiver(
        loan=loan, effective_on=waived_on, amount=amount, component=component, bill_number=bill_number, note=note
    )
    return record_change(draft=draft, recording=recording)


def record_coupon(
    *,
    loan: Loan,
    kind: CouponKind,
    used_on: date,
    recording: Recording,
    amount: int | None = None,
    fraction: Decimal | None = None,
    count: int | None = None,
    bill_number: int | None = None,
    until: date | None = None,
    cap: int | None = None,
    by_third_party: bool = False,
    note: str = "",
) -> Recorded | Refusal:
    """Record a coupon used, or a subsidy that somebody else pays; see `loanmath.facts.Coupon` for what each kind
    takes off. Never a repayment."""
    draft = Coupon(
        loan=loan,
        effective_on=used_on,
        effect=kind,
        amount=amount,
        fraction=fraction,
        count=count,
        bill_number=bill_number,
        until=until,
        cap=cap,
        component=BY_THIRD_PARTY if by_third_party else "",
        note=note,
    )
    return record_change(draft=draft, recording=recording)


def record_refund(
    *, loan: Loan, amount: int, refunded_on: date, recording: Recording, note: str = ""
) -> Recorded | Refusal:
    """Record that a purchase was given back, in whole or in part."""
    draft = Refund(loan=loan, effective_on=refunded_on, amount=amount, note=note)
    return record_change(draft=draft, recording=recording)


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
    return record_change(draft=draft, recording=recording)
