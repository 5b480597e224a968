"""What changes what is owed: charges, waivers, rate changes, deferrals, the lender's own figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from ledger.loanmath.facts import DeferralTreatment, RateEffect
from ledger.loanmath.money import LIMIT, Parts, decimal_text
from ledger.loanmath.terms import Component, Method
from ledger.models import Bill, Charge, Deferral, Fact, LenderFigure, Loan, RateChange, Waiver
from ledger.models.facts import Kind
from ledger.selectors.history import History
from ledger.services.recording import Recorded, Recording, add_fact, not_before_disbursement
from ledger.services.refusal import Refusal

HIGHEST_RATE = Decimal(10)


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
    """Record a fee or penalty the lender added on a day, to a bill or to the first one due from then."""
    draft = Charge(
        loan=loan, effective_on=charged_on, amount=amount, component=component, bill_number=bill_number, note=note
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
    """Record that the lender forgave part of a bill, or that a coupon paid it: never a repayment."""
    draft = Waiver(
        loan=loan, effective_on=waived_on, amount=amount, component=component, bill_number=bill_number, note=note
    )
    return record_change(draft=draft, recording=recording)


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
    return record_change(draft=draft, recording=recording)


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
        loan=loan, effective_on=agreed_on, bill_number=bill_number, moved_to=moved_to, effect=treatment, note=note
    )
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


def record_change(*, draft: Fact, recording: Recording) -> Recorded | Refusal:
    """Record a charge, waiver, rate change, deferral or lender's figure as drafted (not yet saved)."""
    return add_fact(draft, recording, lambda loan, past: refuse_change(draft, loan, past))


def refuse_change(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    """Why this cannot be recorded; None if it can. Also asked by the forms' previews."""
    return (
        not_before_disbursement(draft.effective_on, past)
        or _refuse_bill(draft, loan)
        or _REFUSE[Kind(draft.kind)](draft, loan, past)
    )


def _refuse_bill(draft: Fact, loan: Loan) -> Refusal | None:
    if draft.bill_number is None and draft.kind in (Kind.CHARGE, Kind.RATE_CHANGE):
        return None
    return None if _bill(draft, loan) else Refusal("no_such_bill", _("Choose one of this loan's bills."), "bill")


def _bill(draft: Fact, loan: Loan) -> Bill | None:
    return Bill.objects.filter(loan=loan, number=draft.bill_number or 0).needed().first()


def _said(minor: int, loan: Loan) -> str:
    return f"{decimal_text(minor, loan.currency)} {loan.currency}"


def _refuse_amount(amount: int | None) -> Refusal | None:
    if not amount or amount <= 0:
        return Refusal("not_positive", _("Enter an amount above zero."), "amount")
    if amount > LIMIT:
        return Refusal("too_large", _("This amount is too large to be real. Check the number of digits."), "amount")
    return None


def _refuse_charge(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if draft.component not in (Component.FEE, Component.PENALTY):
        return Refusal("component", _("A charge is a fee or a penalty."), "component")
    return _refuse_amount(draft.amount)


def _refuse_waiver(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    bill = _bill(draft, loan)
    left = int(getattr(bill.open, Component(draft.component))) if bill else 0
    if draft.amount and draft.amount > left:
        text = _("This part of the bill has %(amount)s left. Enter at most that.")
        return Refusal(
            "above_open", text % {"amount": f"{decimal_text(left, loan.currency)} {loan.currency}"}, "amount"
        )
    return _refuse_amount(draft.amount)


def _refuse_rate(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if past.terms.method in (Method.FLAT, Method.LISTED):
        text = _("This loan's bills do not follow from a rate. State the lender's figure for a bill instead.")
        return Refusal("no_rate", text)
    if draft.annual_rate is None or not 0 <= draft.annual_rate <= HIGHEST_RATE:
        return Refusal("rate", _("Enter a yearly rate between 0 and 1000 %."), "annual_rate")
    return None


def _refuse_deferral(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    bill = _bill(draft, loan)
    if bill is not None and bill.settled_on is not None:
        return Refusal("settled", _("This bill is already paid. Choose one that is open."), "bill")
    if bill is not None and (draft.moved_to is None or draft.moved_to <= bill.due_on):
        return Refusal("not_later", _("Choose a day after the bill's due date."), "moved_to")
    return None


def _refuse_figure(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    figure = draft.figure
    for name in ("principal", "interest", "fee", "penalty"):
        if not 0 <= getattr(figure, name) <= LIMIT:
            return Refusal("not_an_amount", _("Enter an amount of zero or more."), name)
    bill = _bill(draft, loan)
    most = bill.outstanding_after + bill.principal_due if bill else 0
    if figure.principal > most:
        text = _("Only %(amount)s of principal is owed then. Enter at most that.")
        return Refusal("above_principal", text % {"amount": _said(most, loan)}, "principal")
    if figure.total == 0:
        return Refusal("nothing", _("Enter what the lender asks for, by part."), "principal")
    return None


_Refuse = Callable[[Fact, Loan, History], Refusal | None]
_REFUSE: dict[Kind, _Refuse] = {
    Kind.CHARGE: _refuse_charge,
    Kind.WAIVER: _refuse_waiver,
    Kind.RATE_CHANGE: _refuse_rate,
    Kind.DEFERRAL: _refuse_deferral,
    Kind.LENDER_FIGURE: _refuse_figure,
}
