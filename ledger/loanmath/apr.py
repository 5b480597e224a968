"""What a loan truly costs a year: from its cash flows with all fees, never from the rate it advertises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

from ledger.loanmath import tvm
from ledger.loanmath.dates import add_months, due_date
from ledger.loanmath.roots import NoSolution, root
from ledger.loanmath.schedule import level_payment, schedule
from ledger.loanmath.terms import LoanTerms, Unit

PERIODS_A_YEAR = {Unit.DAY: Decimal(365), Unit.WEEK: Decimal(52), Unit.MONTH: Decimal(12), Unit.YEAR: Decimal(1)}


@dataclass(frozen=True, slots=True)
class AnnualCost:
    """Yearly cost as fractions: `simple` is the internal rate a period × periods a year, `compound` the same with
    interest on interest. PBOC announcement 2021 no. 3 asks that a simple rate be labelled as such."""

    simple: Decimal
    compound: Decimal


def annual_cost(terms: LoanTerms) -> AnnualCost | None:
    """The yearly cost of the agreement as planned, fees included; None where no rate makes the flows meet."""
    rows = schedule(terms)
    received = Decimal(terms.principal - terms.upfront_fee)
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


def at_the_rate_of_its_payments(terms: LoanTerms) -> LoanTerms:
    """The same payments, with interest counted at the rate that the rounded payments really come to."""
    cost = annual_cost(terms)
    if cost is None:
        raise NoSolution("no rate makes the payments repay the loan")
    return replace(terms, annual_rate=cost.simple, payment=level_payment(terms))


def shortcut_rate(fee_each: Decimal, n: int) -> Decimal:
    """The rule of thumb for a flat fee each period, 24 f n / (n + 1): close, and wrong; shown to be compared."""
    return 24 * fee_each * n / (n + 1)


def _is_regular(terms: LoanTerms, days: Sequence[date]) -> bool:
    if len(days) == 0 or terms.due_dates or terms.listed:
        return False
    anchor = terms.anchor_day or terms.first_due_on.day
    if terms.unit in (Unit.MONTH, Unit.YEAR):
        months = terms.every * (12 if terms.unit is Unit.YEAR else 1)
        return terms.first_due_on == add_months(terms.disbursed_on, months, anchor)
    step = timedelta(days=terms.every * (7 if terms.unit is Unit.WEEK else 1))
    return terms.first_due_on == terms.disbursed_on + step


# --- United States: Regulation Z, appendix J.


@dataclass(frozen=True, slots=True)
class UnitPeriod:
    """The interval the annual percentage rate is counted in; `odd_day_divisor` turns odd days into its fraction."""

    unit: Unit
    every: int = 1
    odd_day_divisor: int | None = None

    @property
    def periods_a_year(self) -> Fraction:
        """Unit periods in a year; a half-month is unit DAY with 15."""
        if self.unit is Unit.DAY:
            return Fraction(24) if self.every == 15 else Fraction(365, self.every)
        return Fraction({Unit.WEEK: 52, Unit.MONTH: 12, Unit.YEAR: 1}[self.unit], self.every)

    def between(self, start: date, end: date) -> tuple[int, Fraction]:
        """Whole unit periods counted back from `end`, and the fraction left at `start`."""
        whole = 0
        while self._back(end, whole + 1) >= start:
            whole += 1
        return whole, Fraction((self._back(end, whole) - start).days, self._divisor)

    @property
    def _divisor(self) -> int:
        if self.odd_day_divisor:
            return self.odd_day_divisor
        days = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 30, Unit.YEAR: 365}[self.unit]
        return days * self.every

    def _back(self, day: date, periods: int) -> date:
        if self.unit is Unit.DAY and self.every == 15:
            return _half_months_back(day, periods)
        if self.unit in (Unit.DAY, Unit.WEEK):
            return due_date(day, None, self.unit, -self.every, periods)
        return add_months(day, -periods * self.every * (12 if self.unit is Unit.YEAR else 1))


def _half_months_back(day: date, periods: int) -> date:
    """Half a month is 15 days from or to the same day of a month."""
    month = add_months(day, -(periods // 2))
    return month - timedelta(days=15) if periods % 2 else month


Flow = tuple[date, Decimal]


def us_apr(advances: Sequence[Flow], payments: Sequence[Flow], unit: UnitPeriod) -> Decimal:
    """The nominal annual percentage rate of Regulation Z, appendix J(b): unit periods counted back from each flow to
    the first advance, a fraction of one by simple interest. Raises NoSolution."""
    start = min(day for day, _ in advances)
    placed = [(unit.between(start, day), amount) for day, amount in advances]
    placed += [(unit.between(start, day), -amount) for day, amount in payments]
    with localcontext() as context:
        context.prec = 40

        def worth(rate: Decimal) -> Decimal:
            return sum(
                (amount / ((1 + _decimal(odd) * rate) * (1 + rate) ** whole) for (whole, odd), amount in placed),
                Decimal(0),
            )

        return root(worth, Decimal(0), Decimal(10)) * _decimal(unit.periods_a_year)


def _decimal(exact: Fraction) -> Decimal:
    return Decimal(exact.numerator) / exact.denominator
