"""What a loan truly costs a year: from its cash flows with all fees, never from the rate it advertises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext

from ledger.loanmath import tvm
from ledger.loanmath.dates import add_months, due_date
from ledger.loanmath.roots import NoSolution
from ledger.loanmath.schedule import schedule
from ledger.loanmath.terms import LoanTerms, Method, Unit

PERIODS_A_YEAR = {Unit.DAY: Decimal(365), Unit.WEEK: Decimal(52), Unit.MONTH: Decimal(12), Unit.YEAR: Decimal(1)}


@dataclass(frozen=True, slots=True)
class AnnualCost:
    """Yearly cost as fractions: `simple` is the internal rate a period × periods a year, `compound` the same with
    interest on interest. PBOC announcement 2021 no. 3 asks that a simple rate be labelled as such.

    `by_days`: no common period was there, so time was counted in days over 365 and a period is a twelfth of a year.
    """

    simple: Decimal
    compound: Decimal
    by_days: bool = False


def advertised_rate(terms: LoanTerms) -> Decimal:
    """The yearly rate as lenders put it: the agreement's, or for a flat fee the fee of one bill over the price, times
    the bills in a year. Never what the loan costs."""
    if terms.method is Method.FLAT and terms.flat_fee:
        a_year = PERIODS_A_YEAR[terms.unit] / terms.every
        return Decimal(terms.flat_fee) * a_year / (terms.principal * terms.count)
    return terms.annual_rate


def annual_cost(terms: LoanTerms) -> AnnualCost | None:
    """The yearly cost of the agreement as planned, fees included; None where no rate makes the flows meet."""
    paid = [(row.due_on, -row.payment) for row in schedule(terms)]
    return cost_of_flows(terms, [(terms.disbursed_on, terms.principal - terms.upfront_fee), *paid])


def cost_of_flows(terms: LoanTerms, flows: Iterable[tuple[date, int]]) -> AnnualCost | None:
    """The yearly cost of dated flows in minor units, received ones positive; None where no rate makes them meet.

    Where the first due date of `terms` is one period after the disbursement and every flow falls on the disbursement
    or a due date, time is counted in whole periods, as lenders and the PBOC count it; else in days.
    """
    by_day: dict[date, int] = {}
    for day, amount in flows:
        by_day[day] = by_day.get(day, 0) + amount
    days = sorted(by_day)
    places = _places(terms, days)
    try:
        if places is None:
            return dated_cost(days[0], Decimal(by_day[days[0]]), days[1:], [Decimal(-by_day[day]) for day in days[1:]])
        amounts = [Decimal(0)] * (places[-1] + 1)
        for day, place in zip(days, places, strict=True):
            amounts[place] += by_day[day]
        return periodic_cost(amounts[0], [-amount for amount in amounts[1:]], PERIODS_A_YEAR[terms.unit] / terms.every)
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
        return AnnualCost(12 * ((1 + compound) ** (Decimal(1) / 12) - 1), compound, by_days=True)


def shortcut_rate(fee_each: Decimal, n: int) -> Decimal:
    """The rule of thumb for a flat fee each period, 24 f n / (n + 1): close, and wrong; shown to be compared."""
    return 24 * fee_each * n / (n + 1)


def _places(terms: LoanTerms, days: Sequence[date]) -> list[int] | None:
    """How many whole periods after the disbursement each day is; None where one of them is no due date."""
    if not _starts_with_a_whole_period(terms):
        return None
    places, place, due = [], 0, terms.disbursed_on
    for day in days:
        while due < day:
            due = due_date(terms.first_due_on, terms.anchor_day, terms.unit, terms.every, place, terms.month_end)
            place += 1
        if due != day:
            return None
        places.append(place)
    return places


def _starts_with_a_whole_period(terms: LoanTerms) -> bool:
    if terms.unit in (Unit.MONTH, Unit.YEAR):
        months = terms.every * (12 if terms.unit is Unit.YEAR else 1)
        one_on = add_months(terms.disbursed_on, months, None, terms.month_end)
        one_back = add_months(terms.first_due_on, -months, terms.anchor_day)
        return terms.first_due_on == one_on or terms.disbursed_on == one_back
    step = timedelta(days=terms.every * (7 if terms.unit is Unit.WEEK else 1))
    return terms.first_due_on == terms.disbursed_on + step
