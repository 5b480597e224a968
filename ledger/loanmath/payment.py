"""The payment of a plan: the one agreed, or the one worked out for what is owed and the bills that are left."""

from __future__ import annotations

from datetime import date

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.fitting import fitted_payment, rate_of_payments
from ledger.loanmath.interest import ZERO
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.plan import Plan, new_plan
from ledger.loanmath.terms import LoanTerms, Method, PaymentFit, Residue

PRECISION = 10**40
LONGEST_POWER = 50_000  # bits; beyond it the growth is worked out bill by bill


class NeverAmortizes(ValueError):  # noqa: N818 a finding about the terms, not a fault
    """The stated payment does not even cover the interest; `minimum_payment` is the least that does."""

    def __init__(self, minimum_payment: int) -> None:
        super().__init__(f"a payment below {minimum_payment} minor units never repays the loan")
        self.minimum_payment = minimum_payment


def start_plan(terms: LoanTerms) -> Plan:
    """The plan of an agreement on the day of its disbursement; NeverAmortizes if the stated payment is too low."""
    plan = new_plan(terms)
    set_payment(plan)
    return plan


def set_payment(plan: Plan) -> None:
    """The payment the agreement states, or the one worked out for the bills that are left."""
    terms = plan.terms
    if terms.method is Method.LEVEL and terms.payment is not None:
        plan.payment = terms.payment * plan.scale
        least = minimum_payment(plan)
        even = not (terms.weights or terms.balloon)
        if even and plan.last != plan.at and terms.payment + terms.extra_payment < least:
            raise NeverAmortizes(least)
    elif terms.method is Method.EQUAL_PRINCIPAL and terms.principal_part is not None:
        plan.part = terms.principal_part * plan.scale
    else:
        solve(plan)
        plan.prorate_listed = False
    if terms.rate_from_payments and terms.method is Method.LEVEL and terms.annual_rate:
        plan.rates.segments[0] = (date.min, rate_of_payments(plan))


def minimum_payment(plan: Plan) -> int:
    """The least level payment, in minor units, under which the balance falls in a regular period."""
    index = plan.at if plan.last == plan.at else plan.at + 1
    period = plan.period(index)
    interest = plan.balance * plan.rates.factor(period, period.starts_on, period.due_on)
    return plan.shown(round_ratio(interest.numerator, interest.denominator, Rounding.HALF_UP)) + 1


def solve(plan: Plan) -> None:
    """Work out payment or part anew, for the balance, the rates and the bills that are left; the bill being counted
    now included."""
    if plan.done:
        return
    if plan.witness is not None:
        plan.witness.solving(plan)
    plan.first_more = 0
    plan.prorate_listed = True
    bills = plan.last - amortizes_from(plan) + 1
    if plan.terms.method in (Method.EQUAL_PRINCIPAL, Method.FLAT):
        _share(plan, bills)
    elif plan.terms.method is Method.LEVEL:
        _solve_level(plan)


def amortizes_from(plan: Plan) -> int:
    """The first bill to come that repays principal."""
    return min(max(plan.at, plan.first - plan.skipped + plan.terms.principal_grace), plan.last)


def _share(plan: Plan, bills: int) -> None:
    """Equal parts of principal over the bills left; where rounding up would leave none to the last, rounded down."""
    shared = max(plan.balance - plan.terms.balloon * plan.scale, 0)
    part = plan.round_payment(shared, bills)
    floored = plan.terms.method is Method.FLAT or plan.terms.residue is Residue.FIRST
    if floored or part * (bills - 1) >= shared:
        part = shared // plan.scale // bills * plan.scale
    plan.part = part
    if plan.terms.residue is Residue.FIRST:
        plan.first_more = shared - part * bills


def _solve_level(plan: Plan) -> None:
    exact = exact_level_ratio(plan)
    if exact is None:
        _share(plan, plan.last - amortizes_from(plan) + 1)
        plan.payment = plan.part
        return
    plan.payment = plan.round_payment(*exact)
    if plan.terms.payment_fit is not PaymentFit.NONE:
        plan.payment = fitted_payment(plan)


def exact_level_ratio(plan: Plan) -> tuple[int, int] | None:
    """The level payment before it is rounded, as numerator and denominator, in units of the plan; None where nothing
    grows and equal shares are all there is. Balance x growth over all bills = the sum of the payments, each grown over
    the bills after it."""
    start = amortizes_from(plan)
    period = plan.period(start)
    since = plan.accrued_to if start == plan.at and plan.accrued_to else period.starts_on
    first = plan.rates.factor(period, since, period.due_on)
    grown, paid, one = _even_growth(plan, start) or _growth(plan, start)
    owed = plan.accrued + plan.carry if start == plan.at else ZERO
    if grown == one and not first and not owed and not plan.terms.weights:
        return None
    owed += plan.balance * (1 + first)
    left = plan.terms.balloon * plan.scale * one * owed.denominator
    return max(owed.numerator * grown - left, 0), paid * owed.denominator


def _even_growth(plan: Plan, start: int) -> tuple[int, int, int] | None:
    """What 1 owed on the first due date, and a payment of 1 on each, have grown to on the last, and what 1 is,
    all times the same number: exact, by the annuity formula. None where the periods are not alike."""
    later = plan.last - start
    if not later or plan.terms.weights or plan.terms.day_count is not DayCount.PERIODIC:
        return None
    period = plan.period(start + 1)
    if any(plan.period(start + n).year_part is not period.year_part for n in range(2, later + 1)):
        return None
    factor = plan.rates.factor(period, period.starts_on, period.due_on)
    up, down = factor.numerator, factor.denominator
    if not up or down.bit_length() * later > LONGEST_POWER:
        return None
    grown, one = (down + up) ** later, down**later
    return grown * up, grown * up + (grown - one) * down, one * up


def _growth(plan: Plan, start: int) -> tuple[int, int, int]:
    """The same over any periods, weights and rates."""
    grown, paid = PRECISION, int(plan.weight(start) * PRECISION)
    for index in range(start + 1, plan.last + 1):
        period = plan.period(index)
        factor = plan.rates.factor(period, period.starts_on, period.due_on)
        up, down = factor.numerator, factor.denominator
        grown += grown * up // down
        paid += paid * up // down
        paid += int(plan.weight(index) * PRECISION) if plan.terms.weights else PRECISION
    return grown, paid, PRECISION
