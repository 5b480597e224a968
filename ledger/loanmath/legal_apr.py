"""Annual percentage rates as laws define them, each with its own count of time: United States, European Union,
and, for rates the United Kingdom prints, plain fractions of a year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

from ledger.loanmath import tvm
from ledger.loanmath.dates import add_months, due_date
from ledger.loanmath.roots import NoSolution, root
from ledger.loanmath.terms import Unit
from ledger.loanmath.tvm import TimedFlow

Flow = tuple[date, Decimal]
HALF_MONTH = 15  # days; half a month is counted as unit DAY, every 15
MOST_PAYMENTS = 2400
HIGHEST_A_PERIOD = Decimal(100)


# --- United States: Regulation Z, appendix J.


@dataclass(frozen=True, slots=True)
class UnitPeriod:
    """The interval the annual percentage rate is counted in; `odd_day_divisor` turns odd days into its fraction.

    A half-month is unit DAY with 15: there are 24 of them in a year.
    """

    unit: Unit
    every: int = 1
    odd_day_divisor: int | None = None

    @property
    def periods_a_year(self) -> Fraction:
        if self.is_half_month:
            return Fraction(24)
        return Fraction({Unit.DAY: 365, Unit.WEEK: 52, Unit.MONTH: 12, Unit.YEAR: 1}[self.unit], self.every)

    def between(self, start: date, end: date) -> tuple[int, Fraction]:
        """Whole unit periods counted back from `end`, and the fraction left at `start`: of several months, whole
        months and then the days beyond them over 30."""
        single = 1 if self.unit is Unit.MONTH else self.every
        steps = 0
        while self._back(end, (steps + 1) * single) >= start:
            steps += 1
        odd = Fraction((self._back(end, steps * single) - start).days, self._divisor)
        if self.unit is not Unit.MONTH:
            return steps, odd
        return steps // self.every, (steps % self.every + odd) / self.every

    def dates(self, first: date, count: int) -> list[date]:
        """`first` and the dates that follow it, one unit period apart."""
        if self.is_half_month:
            return [_half_months_on(first, k) for k in range(count)]
        return [due_date(first, None, self.unit, self.every, k) for k in range(count)]

    @property
    def is_half_month(self) -> bool:
        return self.unit is Unit.DAY and self.every == HALF_MONTH

    @property
    def _divisor(self) -> int:
        if self.odd_day_divisor:
            return self.odd_day_divisor
        return DAYS_IN[self.unit] * (self.every if self.unit in (Unit.DAY, Unit.WEEK) else 1)

    def _back(self, day: date, units: int) -> date:
        """The day some days, weeks, months or years before; of half-months, so many halves."""
        if self.is_half_month:
            return _half_months_back(day, units // HALF_MONTH)
        if self.unit in (Unit.DAY, Unit.WEEK):
            return due_date(day, None, self.unit, -1, units)
        return add_months(day, -units * (12 if self.unit is Unit.YEAR else 1))


def _half_months_back(day: date, periods: int) -> date:
    """Half a month is 15 days from or to the same day of a month."""
    month = add_months(day, -(periods // 2))
    return month - timedelta(days=HALF_MONTH) if periods % 2 else month


def _half_months_on(first: date, k: int) -> date:
    """The 1st and the 16th, the 15th and the 30th: a day of the month and the day 15 days from it."""
    months, odd = divmod(k, 2)
    if not odd:
        return add_months(first, months)
    if first.day <= HALF_MONTH:
        return add_months(first, months, first.day + HALF_MONTH)
    return add_months(first, months + 1, first.day - HALF_MONTH)


def commonest_unit_period(dates: Sequence[date]) -> UnitPeriod:
    """The unit period of payments on `dates`: the interval that occurs most often, the shorter of two; regulation Z,
    appendix J(b)(4). One payment alone is measured in days."""
    steps = [_step(before, after) for before, after in pairwise(dates)]
    if not steps:
        return UnitPeriod(Unit.DAY)
    unit, every = max(sorted(set(steps), key=lambda step: step[1] * DAYS_IN[step[0]]), key=steps.count)
    return UnitPeriod(unit, every)


DAYS_IN = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 30, Unit.YEAR: 365}


def _step(before: date, after: date) -> tuple[Unit, int]:
    months = (after.year - before.year) * 12 + after.month - before.month
    anchor = max(before.day, after.day)  # month ends may be shorter than it
    if months and add_months(before, 0, anchor) == before and add_months(before, months, anchor) == after:
        return (Unit.YEAR, months // 12) if months % 12 == 0 else (Unit.MONTH, months)
    days = (after - before).days
    return (Unit.WEEK, days // 7) if days % 7 == 0 else (Unit.DAY, days)


def us_apr(advances: Sequence[Flow], payments: Sequence[Flow], unit: UnitPeriod) -> Decimal:
    """The nominal annual percentage rate of Regulation Z, appendix J(b): unit periods counted back from each flow to
    the first advance, a fraction of one by simple interest. Raises NoSolution."""
    start = min(day for day, _ in advances)
    placed = [(unit.between(start, day), amount) for day, amount in advances]
    placed += [(unit.between(start, day), -amount) for day, amount in payments]
    with localcontext() as context:
        context.prec = 40
        periods = [(whole, _decimal(odd), amount) for (whole, odd), amount in placed]

        def worth(rate: Decimal) -> Decimal:
            return sum(
                (amount / ((1 + odd * rate) * (1 + rate) ** whole) for whole, odd, amount in periods), Decimal(0)
            )

        return root(worth, Decimal(0), HIGHEST_A_PERIOD) * _decimal(unit.periods_a_year)


# --- European Union: directive 2008/48/EC, annex I, and directive (EU) 2023/2225, annex III.


def eu_interval(start: date, end: date, unit: Unit) -> Fraction:
    """Years between two days: whole years, months or weeks counted back from `end`, and the days left at `start`
    over the days of the year that ends where the counting back stopped."""
    whole = 0
    while _units_back(end, unit, whole + 1) >= start:
        whole += 1
    reached = _units_back(end, unit, whole)
    year = (reached - add_months(reached, -12)).days
    return Fraction(whole, EU_UNITS_A_YEAR[unit]) + Fraction((reached - start).days, year)


EU_UNITS_A_YEAR = {Unit.YEAR: 1, Unit.MONTH: 12, Unit.WEEK: 52, Unit.DAY: 365}


def _units_back(day: date, unit: Unit, n: int) -> date:
    if unit in (Unit.MONTH, Unit.YEAR):
        return add_months(day, -n * (12 if unit is Unit.YEAR else 1))
    return day - timedelta(days=n * (7 if unit is Unit.WEEK else 1))


def eu_apr(advances: Sequence[Flow], payments: Sequence[Flow], unit: Unit = Unit.MONTH) -> Decimal:
    """The effective annual percentage rate of charge; charges paid on a day are payments. Raises NoSolution."""
    start = min(day for day, _ in advances)
    flows = [(eu_interval(start, day, unit), amount) for day, amount in advances]
    flows += [(eu_interval(start, day, unit), -amount) for day, amount in payments]
    return effective_rate(flows)


# --- Flows at stated times.


def effective_rate(flows: Iterable[TimedFlow]) -> Decimal:
    """The compound yearly rate of flows after a number of years, received ones positive. Raises NoSolution."""
    return tvm.irr_by_time(tuple(flows))


def by_days(flows: Iterable[tuple[date | Fraction, Decimal]], days_a_year: Fraction) -> list[TimedFlow]:
    """Flows on dates, or after a number of days, as flows after a number of years of that many days."""
    flows = list(flows)
    start = min((when for when, _ in flows if isinstance(when, date)), default=date.min)
    return [
        (Fraction((when - start).days if isinstance(when, date) else when) / days_a_year, amount)
        for when, amount in flows
    ]


def repeated(
    first: Fraction, step: Fraction, count: int, amount: Decimal, growth: Decimal = Decimal(0), growth_every: int = 1
) -> list[TimedFlow]:
    """`count` equal flows from `first` on, `step` years apart; after each `growth_every` of them the amount grows by
    the fraction `growth`."""
    with localcontext() as context:
        context.prec = 40
        return [(first + step * k, amount * (1 + growth) ** (k // growth_every)) for k in range(count)]


def declining_payments(
    principal: Decimal, share: Decimal, least: Decimal, rate: Decimal, balloon_at: int | None = None
) -> list[Decimal]:
    """Payments, unrounded, that repay a `share` of what is owed and at least `least` each period, with interest at
    `rate` a period on top; payment number `balloon_at`, if any, repays all. Raises NoSolution if it never ends."""
    payments: list[Decimal] = []
    with localcontext() as context:
        context.prec = 40
        owed = principal
        while owed > 0:
            if len(payments) == MOST_PAYMENTS:
                raise NoSolution("these payments never repay the loan")
            all_of_it = len(payments) + 1 == balloon_at
            repaid = owed if all_of_it else min(max(owed * share, least), owed)
            payments.append(repaid + owed * rate)
            owed -= repaid
    return payments


def _decimal(exact: Fraction) -> Decimal:
    return Decimal(exact.numerator) / exact.denominator
