"""What a loan truly costs a year: from its cash flows with all fees, never from the rate it advertises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext

from ledger.loanmath import tvm
from ledger.loanmath.dates import add_months
from ledger.loanmath.roots import NoSolution
from ledger.loanmath.schedule import schedule
from ledger.loanmath.terms import LoanTerms, Method, Unit

PERIODS_A_YEAR = {Unit.DAY: Decimal(365), Unit.WEEK: Decimal(52), Unit.MONTH: Decimal(12), Unit.YEAR: Decimal(1)}


@dataclass(frozen=True, slots=True)
class AnnualCost:
    """Yearly cost as fractions: `simple` is the internal rate a period × periods a year, `compound` the same with
    interest on interest. PBOC announcement 2021 no. 3 asks that a simple rate be labelled as such."""

    simple: Decimal
    compound: Decimal


def advertised_rate(terms: LoanTerms) -> Decimal:
    """The yearly rate as lenders put it: the agreement's, or for a flat fee the fee of one bill over the price, times
    the bills in a year. Never what the loan costs."""
    if terms.method is Method.FLAT and terms.flat_fee:
        a_year = PERIODS_A_YEAR[terms.unit] / terms.every
        return Decimal(terms.flat_fee) * a_year / (terms.principal * terms.count)
    return terms.annual_rate


def annual_cost(terms: LoanTerms) -> AnnualCost | None:
    """The yearly cost of the agreement as planned, fees included; None where no rate makes the flows meet."""
    rows = schedule(terms)[1 if terms.down_payment else 0 :]  # what is paid down at once was never received
    received = Decimal(terms.principal - terms.upfront_fee - terms.down_payment)
    paid = [Decimal(row.payment) for row in rows]
    days = [row.due_on for row in rows]
    try:
        if _is_regular(terms, days):
            return periodic_cost(received, paid, PERIODS_A_YEAR[terms.unit] / terms.every)
        return dated_cost(terms.disbursed_on, received, days, paid)
    except NoSolution:
        return None


def periodic_cost(received: Decimal, paid: Sequence[Decimal], periods_a_year: Decimal) -> AnnualCost:
    """From one sum received and equal-spaced payments, the first one period later."""
    a_period = tvm.irr([received, *(-amount for amount in paid)])
    with localcontext() as context:
        context.prec = 40
        return AnnualCost(a_period * periods_a_year, (1 + a_period) ** periods_a_year - 1)


def dated_cost(received_on: date, received: Decimal, days: Sequence[date], paid: Sequence[Decimal]) -> AnnualCost:
    """From dated flows; the simple rate is that of a twelfth of a year × 12."""
    compound = tvm.xirr([received_on, *days], [received, *(-amount for amount in paid)])
    with localcontext() as context:
        context.prec = 40
        return AnnualCost(12 * ((1 + compound) ** (Decimal(1) / 12) - 1), compound)


def shortcut_rate(fee_each: Decimal, n: int) -> Decimal:
    """The rule of thumb for a flat fee each period, 24 f n / (n + 1): close, and wrong; shown to be compared."""
    return 24 * fee_each * n / (n + 1)


def _is_regular(terms: LoanTerms, days: Sequence[date]) -> bool:
    if len(days) == 0 or terms.due_dates or terms.listed or terms.last_due_on:
        return False
    anchor = terms.anchor_day or terms.first_due_on.day
    if terms.unit in (Unit.MONTH, Unit.YEAR):
        months = terms.every * (12 if terms.unit is Unit.YEAR else 1)
        return terms.first_due_on == add_months(terms.disbursed_on, months, anchor)
    step = timedelta(days=terms.every * (7 if terms.unit is Unit.WEEK else 1))
    return terms.first_due_on == terms.disbursed_on + step
