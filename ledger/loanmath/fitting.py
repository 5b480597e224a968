"""Fitting: a rounded payment moved until the last bill comes close to it, and the rate at which it repays."""

from __future__ import annotations

from copy import copy
from decimal import Decimal
from fractions import Fraction

from ledger.loanmath.interest import year_fraction
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.plan import Plan
from ledger.loanmath.roots import NoSolution, root
from ledger.loanmath.terms import PaymentFit


def _gap(plan: Plan, payment: int) -> int:
    """By how much the last bill under `payment` exceeds it; bills paid whole ahead and interest on what is overdue do
    not count."""
    trial = copy(plan)
    trial.payment = payment
    trial.accrued -= trial.late
    last = None
    while not trial.done:
        row = trial.take()
        if last is None or not plan.is_whole(row.at):
            last = row
    return last.principal + last.interest - payment if last else 0


def _lowest_fitting(plan: Plan, near: int, unit: int) -> int:
    """The smallest payment whose last bill is not higher; a higher payment leaves less to the last bill."""
    reach = unit
    while _gap(plan, near + reach) > 0:
        reach *= 2
    enough, reach = near + reach, unit
    while near - reach > 0 and _gap(plan, near - reach) <= 0:
        reach *= 2
    short = max(near - reach, 0)
    while enough - short > unit:
        middle = short + (enough - short) // (2 * unit) * unit
        if _gap(plan, middle) <= 0:
            enough = middle
        else:
            short = middle
    return enough


def fitted_payment(plan: Plan) -> int:
    """The plan's level payment, corrected as the agreement says so that the last bill comes close to it."""
    unit = plan.terms.payment_unit * plan.scale
    payment, fit = plan.payment, plan.terms.payment_fit
    gap = _gap(plan, payment)
    bills = plan.last - plan.at + 1
    if fit is PaymentFit.REFIT:
        ahead = sum(plan.is_whole(index) for index in plan.ahead)
        for _ in range(3):
            if abs(gap) <= bills // 2 * plan.scale:
                break
            moved = payment + round_ratio(gap, max(bills - ahead, 1) * unit, Rounding.HALF_UP) * unit
            new_gap = _gap(plan, moved)
            if abs(new_gap) >= abs(gap):
                break
            payment, gap = moved, new_gap
        return payment
    if fit in (PaymentFit.LOWER_LAST, PaymentFit.HIGHER_LAST):
        lowest = _lowest_fitting(plan, payment, unit)
        return lowest - unit if fit is PaymentFit.HIGHER_LAST and _gap(plan, lowest) else lowest
    near = range(-2, 3)
    return min((payment + n * unit for n in near), key=lambda p: (abs(_gap(plan, p)), p))


def rate_of_payments(plan: Plan) -> Fraction:
    """The yearly rate at which the rounded payments repay the loan exactly; near the agreed one."""
    parts, payments = [], []
    for index in range(plan.at, plan.last + 1):
        period = plan.period(index)
        part = year_fraction(plan.terms, period, period.starts_on, period.due_on)
        parts.append(Decimal(part.numerator) / part.denominator)
        payments.append(plan.level_payment(index))

    def owed_at_the_end(rate: Decimal) -> Decimal:
        owed = Decimal(plan.balance)
        for part, payment in zip(parts, payments, strict=True):
            owed += owed * rate * part - payment
        return owed

    agreed = plan.terms.annual_rate
    try:
        return Fraction(root(owed_at_the_end, agreed / 2, agreed * 2))
    except NoSolution:  # payments of a few cents repay at no rate near the agreed one
        return Fraction(agreed)
