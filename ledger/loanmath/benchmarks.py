"""Rates that follow a published series: what a series says on a day, and the rate changes that follow for a loan."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ledger.loanmath.dates import add_months
from ledger.loanmath.facts import Arrangement, Fact, RateChange, TermsVersion
from ledger.loanmath.terms import Benchmark, LoanTerms

ONE_DAY = timedelta(days=1)
LOWEST = Decimal(0)  # a spread never takes a rate below zero


@dataclass(frozen=True, slots=True, order=True)
class RatePoint:
    """A series has had this yearly rate since `day`, that day included, until its next point."""

    day: date
    annual_rate: Decimal


@dataclass(frozen=True, slots=True)
class Repricing:
    """A day on which a loan's rate is set anew, and the rate as far as it is known; None where the series says
    nothing for that day. `value` is the series alone."""

    on: date
    value: Decimal | None
    annual_rate: Decimal | None


def rate_on(points: Sequence[RatePoint], day: date) -> Decimal | None:
    """What a series says on `day`: its latest point on or before it. `points` are in order of their days; None before
    the first of them."""
    at = bisect_right(points, day, key=lambda point: point.day)
    return points[at - 1].annual_rate if at else None


def priced(benchmark: Benchmark, points: Sequence[RatePoint], day: date) -> Repricing:
    """The rate that `benchmark` gives on `day`: the value then in force plus the spread, at least 0."""
    value = rate_on(points, day)
    return Repricing(day, value, None if value is None else max(value + benchmark.spread, LOWEST))


def repricing_days(benchmark: Benchmark, disbursed_on: date, after: date, until: date) -> Iterator[date]:
    """The days after `after` (not included) through `until` on which the rate is set anew: every `every_months`,
    counted from `repriced_on` or from the disbursement, never on the day of the disbursement or before it."""
    first = benchmark.repriced_on or disbursed_on
    after = max(after, disbursed_on)
    months = (after.year - first.year) * 12 + after.month - first.month
    step = max(months // benchmark.every_months, 0)
    while (day := add_months(first, step * benchmark.every_months)) <= until:
        if day > after:
            yield day
        step += 1


def next_repricing(terms: LoanTerms, points: Sequence[RatePoint], today: date) -> Repricing | None:
    """The next day after `today` on which the rate is set anew, with the rate it would be by the points known; None
    for a loan that follows no series."""
    if terms.benchmark is None:
        return None
    far = add_months(max(today, terms.benchmark.repriced_on or today), 2 * terms.benchmark.every_months)
    day = next(repricing_days(terms.benchmark, terms.disbursed_on, today, far), None)
    return None if day is None else priced(terms.benchmark, points, day)


def repricings(terms: LoanTerms, points: Sequence[RatePoint], until: date) -> tuple[RateChange, ...]:
    """The rate changes of a loan whose terms never change: one for each repricing day through `until` on which the
    rate becomes another. Their ids are negative, so that they come before what was recorded for the same day."""
    series = {terms.benchmark.series: points} if terms.benchmark else {}
    return follow(terms, (), series, until)


def follow(
    terms: LoanTerms, facts: Iterable[Fact], series: Mapping[str, Sequence[RatePoint]], until: date
) -> tuple[RateChange, ...]:
    """The rate changes that follow from the benchmarks of `terms` and of the terms and arrangements among `facts`
    (those that stand), through `until`.

    Each agreement's `annual_rate` holds from its own day to its first repricing day. A rate recorded in between
    holds until the next repricing day; one recorded for a repricing day itself stands. No change is given where the
    rate stays or the series says nothing.
    """
    facts = list(facts)
    recorded = sorted(
        (fact for fact in facts if isinstance(fact, RateChange)), key=lambda fact: (fact.effective_on, fact.id)
    )
    found: list[RateChange] = []
    for agreed, since, before in _agreements(terms, facts, until):
        if agreed.benchmark is None:
            continue
        points, rate = series.get(agreed.benchmark.series, ()), agreed.annual_rate
        at = bisect_left(recorded, since, key=lambda fact: fact.effective_on)
        for day in repricing_days(agreed.benchmark, terms.disbursed_on, since, before):
            stands = False
            while at < len(recorded) and recorded[at].effective_on <= day:
                rate, stands = recorded[at].annual_rate, recorded[at].effective_on == day
                at += 1
            new = priced(agreed.benchmark, points, day).annual_rate
            if not stands and new is not None and new != rate:
                rate = new
                found.append(RateChange(id=-len(found) - 1, effective_on=day, annual_rate=new))
    return tuple(found)


def _agreements(terms: LoanTerms, facts: Sequence[Fact], until: date) -> Iterator[tuple[LoanTerms, date, date]]:
    """Each agreement with the day from which it holds and the last day on which it still does."""
    changes = sorted(
        (fact for fact in facts if isinstance(fact, TermsVersion | Arrangement)),
        key=lambda fact: (fact.effective_on, fact.id),
    )
    starts = [(terms.disbursed_on, terms), *((fact.effective_on, fact.terms) for fact in changes)]
    ends = [*(start - ONE_DAY for start, _ in starts[1:]), until]
    for (start, agreed), end in zip(starts, ends, strict=True):
        yield agreed, start, min(end, until)
