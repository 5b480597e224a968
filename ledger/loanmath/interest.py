"""Interest: the periods of a plan, and the factor by which a balance grows between two days of a period."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ledger.loanmath.dates import add_months, due_date
from ledger.loanmath.day_count import DayCount, fraction
from ledger.loanmath.terms import LoanTerms, Method, Unit

ZERO = Fraction(0)
MONTHS_IN = {Unit.MONTH: 1, Unit.YEAR: 12}
DAYS_IN = {Unit.DAY: 1, Unit.WEEK: 7}
SHORTEST_MONTH = 28
PERIODS_A_YEAR = {Unit.DAY: 365, Unit.WEEK: 52, Unit.MONTH: 12, Unit.YEAR: 1}


def step(terms: LoanTerms, day: date, steps: int, anchor: int | None = None) -> date:
    """The day `steps` regular periods after `day`, on the agreed day of the month or on `anchor`."""
    if terms.unit in DAYS_IN:
        return day + timedelta(days=DAYS_IN[terms.unit] * terms.every * steps)
    anchor = anchor or terms.anchor_day or terms.first_due_on.day
    return add_months(day, MONTHS_IN[terms.unit] * terms.every * steps, anchor, terms.month_end)


def due_dates(terms: LoanTerms) -> list[date]:
    """The agreed due dates, in order; the day of the disbursement first where a down payment is asked for on it."""
    if terms.method is Method.LISTED:
        dates = [row.due_on for row in terms.listed]
    elif terms.due_dates:
        dates = list(terms.due_dates)
    else:
        dates = _regular_dates(terms)
    if terms.last_due_on is not None:
        dates[-1] = terms.last_due_on
    return [terms.disbursed_on, *dates] if terms.down_payment else dates


def _regular_dates(terms: LoanTerms) -> list[date]:
    first, anchor = terms.first_due_on, terms.anchor_day or terms.first_due_on.day
    if terms.unit is Unit.MONTH and anchor <= SHORTEST_MONTH:
        return [first, *_every_month(first, anchor, terms.every, terms.count - 1)]
    return [due_date(first, anchor, terms.unit, terms.every, k, terms.month_end) for k in range(terms.count)]


def _every_month(first: date, day: int, every: int, count: int) -> list[date]:
    """`day` of each month, or of every so many, after that of `first`: a day that every month has."""
    month = first.year * 12 + first.month - 1 + every
    return [date(m // 12, m % 12 + 1, day) for m in range(month, month + every * count, every)]


@lru_cache(maxsize=256)
def months_of_year(months: int) -> Fraction:
    return Fraction(months, 12)


@lru_cache(maxsize=256)
def _regular_part(unit: Unit, every: int) -> Fraction:
    return Fraction(every, PERIODS_A_YEAR[unit])


@lru_cache(maxsize=256)
def _days_of_year(unit: Unit, days: int) -> Fraction:
    """So many days in units of the year: 7 days are one week of 52."""
    return Fraction(days, DAYS_IN[unit] * PERIODS_A_YEAR[unit])


def _whole_months(a: date, b: date) -> int | None:
    """Months from `a` to `b` if both are the same day of the month, month ends clamped; else None."""
    months = (b.year - a.year) * 12 + b.month - a.month
    if a.day == b.day:
        return months
    anchor = max(a.day, b.day)
    clamped = all(d.day == min(anchor, monthrange(d.year, d.month)[1]) for d in (a, b))
    return months if clamped else None


def periodic_year_part(terms: LoanTerms, starts_on: date, due_on: date) -> Fraction:
    """What a period is of a year where every whole period counts alike: whole regular periods from its start on,
    and the days beyond them over the days of the regular period they belong to."""
    if terms.odd_period_whole:
        return _regular_part(terms.unit, terms.every)
    if terms.unit in DAYS_IN:
        return _days_of_year(terms.unit, (due_on - starts_on).days)
    months = _whole_months(starts_on, due_on)
    if months is not None:
        return months_of_year(months)
    every = MONTHS_IN[terms.unit] * terms.every
    begun, counted, regular = _whole_periods(terms, starts_on, due_on)
    ends = add_months(begun, every, starts_on.day)
    return counted + regular * Fraction((due_on - begun).days, (ends - begun).days)


class Period(NamedTuple):
    """The days one bill bears interest for: from `accrues_from` (its start, or the day after a free
    disbursement day) up to and without `due_on`. `year_part` is set where days do not count."""

    starts_on: date
    due_on: date
    accrues_from: date
    year_part: Fraction | None


def make_period(terms: LoanTerms, starts_on: date, due_on: date) -> Period:
    year_part = None
    if terms.day_count is DayCount.PERIODIC:
        year_part = periodic_year_part(terms, starts_on, due_on)
    free = terms.first_day_free and starts_on == terms.disbursed_on
    accrues_from = min(starts_on + timedelta(days=1), due_on) if free else starts_on
    return Period(starts_on, due_on, accrues_from, year_part)


@dataclass(slots=True)
class Rates:
    """The yearly rate by day, the stretches of days that bear no interest whatever the rate (`pauses`: first day, and
    the first day after), and the factors that follow from both."""

    terms: LoanTerms
    segments: list[tuple[date, Fraction]] = field(default_factory=list)
    pauses: list[tuple[date, date]] = field(default_factory=list)
    _whole: tuple[Fraction, Fraction, Fraction] = (ZERO, ZERO, ZERO)  # the last year part, rate and product

    def __post_init__(self) -> None:
        self.segments.append((date.min, Fraction(self.terms.annual_rate)))
        if self.terms.interest_free_days:
            starts_on = self.terms.disbursed_on
            free = self.terms.interest_free_days + self.terms.first_day_free
            self.pause(starts_on, starts_on + timedelta(days=free))

    def change(self, day: date, annual_rate: Decimal) -> None:
        """From the start of `day` on; days are given in order."""
        self.segments.append((day, Fraction(annual_rate)))

    def pause(self, first: date, after: date) -> None:
        """No interest from `first` up to and without `after`; stretches that touch become one."""
        if not self.pauses or self.pauses[-1][1] < first:
            self.pauses.append((first, after))
            return
        touching = [stretch for stretch in self.pauses if stretch[0] <= after and stretch[1] >= first]
        apart = [stretch for stretch in self.pauses if stretch not in touching]
        whole = (min(first, *(s[0] for s in touching)), max(after, *(s[1] for s in touching))) if touching else None
        self.pauses = sorted([*apart, whole or (first, after)])

    def pauses_within(self, a: date, b: date) -> list[tuple[date, date]]:
        """The stretches without interest that share a day with those from `a` up to and without `b`."""
        if not self.pauses:
            return []
        first = bisect_right(self.pauses, a, key=lambda stretch: stretch[1])
        last = bisect_left(self.pauses, b, key=lambda stretch: stretch[0])
        return self.pauses[first:last]

    def resumptions(self, a: date, b: date) -> list[date]:
        """The days after `a` and before `b` on which interest is counted again."""
        return [after for _, after in self.pauses_within(a, b) if after < b]

    def rate_on(self, day: date) -> Fraction:
        """The yearly rate that holds on `day`, paused or not."""
        return self.segments[bisect_right(self.segments, day, key=lambda segment: segment[0]) - 1][1]

    def factor(self, period: Period, a: date, b: date) -> Fraction:
        """The sum over rate segments between `a` and `b` of rate x part of a year; both lie in the period."""
        if not self.pauses and len(self.segments) == 1:
            return self._part(period, a, b, self.segments[0][1])
        paused = self.pauses_within(a, b)
        if not paused:
            return self._by_segment(period, a, b)
        total, since = ZERO, a
        for first, after in paused:
            if since < first:
                total += self._by_segment(period, since, first)
            since = max(since, after)
        return total + self._by_segment(period, since, b) if since < b else total

    def _by_segment(self, period: Period, a: date, b: date) -> Fraction:
        if len(self.segments) == 1 or self.segments[-1][0] <= a:
            return self._part(period, a, b, self.segments[-1][1])
        total = ZERO
        for at in range(bisect_right(self.segments, a, key=lambda segment: segment[0]) - 1, len(self.segments)):
            since, rate = self.segments[at]
            if since >= b:
                break
            until = self.segments[at + 1][0] if at + 1 < len(self.segments) else b
            first, last = max(a, since), min(b, until)
            if first < last:
                total += self._part(period, first, last, rate)
        return total

    def _part(self, period: Period, a: date, b: date, rate: Fraction) -> Fraction:
        if period.year_part is not None and a <= period.starts_on and b >= period.due_on:
            if self._whole[0] is not period.year_part or self._whole[1] is not rate:
                self._whole = (period.year_part, rate, period.year_part * rate)
            return self._whole[2]
        return rate * year_fraction(self.terms, period, a, b)


def growth_factors(terms: LoanTerms, starts_on: date, due_on: date, splits: Iterable[date] = ()) -> list[Fraction]:
    """By how much a balance grows in each part of the period of one bill, cut on the days of `splits`, at the rate
    first agreed."""
    period, rates = make_period(terms, starts_on, due_on), Rates(terms)
    cuts = [starts_on, *sorted({day for day in splits if starts_on < day < due_on}), due_on]
    return [rates.factor(period, a, b) for a, b in pairwise(cuts)]


def year_fraction(terms: LoanTerms, period: Period, a: date, b: date) -> Fraction:
    """The part of a year from `a` to `b`, both within the period."""
    if period.year_part is None:
        a = max(a, period.accrues_from)
        return Fraction(fraction(terms.day_count, a, b)) if a < b else ZERO
    return _elapsed(terms, period, b) - _elapsed(terms, period, a)


def _whole_periods(terms: LoanTerms, since: date, day: date) -> tuple[date, Fraction, Fraction]:
    """Of a period longer than the regular one: the end of the whole regular periods from `since` to `day`, what they
    are of a year, and what one is."""
    every = MONTHS_IN[terms.unit] * terms.every
    whole = ((day.year - since.year) * 12 + day.month - since.month) // every
    if add_months(since, whole * every) > day:
        whole -= 1
    return add_months(since, whole * every), months_of_year(whole * every), months_of_year(every)


def _elapsed(terms: LoanTerms, period: Period, day: date) -> Fraction:
    whole = period.year_part or ZERO
    if day >= period.due_on:
        return whole
    if day <= period.accrues_from:
        return ZERO
    if terms.part_period is DayCount.PERIODIC:
        days = (period.due_on - period.accrues_from).days
        return whole * Fraction((day - period.accrues_from).days, days)
    begun, counted, regular = period.accrues_from, ZERO, whole
    if terms.unit in MONTHS_IN and not terms.odd_period_whole:
        begun, counted, regular = _whole_periods(terms, begun, day)
    return min(counted + min(Fraction(fraction(terms.part_period, begun, day)), regular), whole)
