"""Factors: rate x part of a year, added up over rate segments within one period."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import RateChange
from ledger.loanmath.interest import Rates, make_period
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.project import project
from ledger.loanmath.terms import Unit
from tests.loanmath.builders import day, loan

PERIODIC = loan(annual_rate=Decimal("0.12"))
DAILY = loan(annual_rate=Decimal("0.365"), day_count=DayCount.ACT_365F)


@pytest.mark.parametrize(
    "mode, rounded",
    [
        (Rounding.HALF_UP, [3, -3, 3, 2, 2]),
        (Rounding.HALF_EVEN, [2, -2, 3, 2, 2]),
        (Rounding.DOWN, [2, -2, 2, 2, 2]),
        (Rounding.UP, [3, -3, 3, 3, 2]),
    ],
)
def test_rounding_judges_the_exact_fraction(mode: Rounding, rounded: list[int]) -> None:
    ratios = [(5, 2), (-5, 2), (26, 10), (24, 10), (2, 1)]
    assert [round_ratio(numerator, denominator, mode) for numerator, denominator in ratios] == rounded


@pytest.mark.parametrize(
    "starts, due, part",
    [
        ("2026-01-10", "2026-02-10", Fraction(1, 12)),
        ("2026-01-31", "2026-02-28", Fraction(1, 12)),
        ("2026-02-28", "2026-03-31", Fraction(1, 12)),
        ("2025-12-10", "2026-02-10", Fraction(2, 12)),
        ("2026-01-25", "2026-02-10", Fraction(1, 12) * Fraction(16, 31)),
    ],
)
def test_a_period_that_is_no_whole_number_of_months_counts_its_days(starts: str, due: str, part: Fraction) -> None:
    assert make_period(PERIODIC, day(starts), day(due)).year_part == part


def test_two_weeks_are_two_fifty_seconds_of_a_year() -> None:
    terms = loan(unit=Unit.WEEK, every=2)
    assert make_period(terms, day("2026-01-10"), day("2026-01-24")).year_part == Fraction(2, 52)


def test_a_rate_counts_from_the_start_of_its_day() -> None:
    rates = Rates(DAILY)
    rates.change(day("2026-01-20"), Decimal("0.73"))
    period = make_period(DAILY, day("2026-01-10"), day("2026-02-10"))
    assert rates.factor(period, day("2026-01-10"), day("2026-01-20")) == Fraction(10, 1000)
    assert rates.factor(period, day("2026-01-10"), day("2026-02-10")) == Fraction(10 + 2 * 21, 1000)


def test_of_two_rates_agreed_for_one_day_the_later_one_counts() -> None:
    """12,000.00: 10 days at 0.1 % a day, then 21 at 0.05 %."""
    first = RateChange(id=1, effective_on=day("2026-01-20"), annual_rate=Decimal("0.73"))
    second = RateChange(id=2, effective_on=day("2026-01-20"), annual_rate=Decimal("0.1825"))
    assert project(DAILY, [first, second], day("2026-01-20")).bills[0].due.interest == 12_000 + 12_600
    rates = Rates(DAILY)
    rates.change(first.effective_on, first.annual_rate)
    rates.change(second.effective_on, second.annual_rate)
    period = make_period(DAILY, day("2026-01-10"), day("2026-02-10"))
    assert rates.factor(period, period.starts_on, period.due_on) == Fraction(10, 1000) + Fraction(21, 2000)


def test_the_parts_of_a_month_add_up_to_the_month() -> None:
    rates = Rates(PERIODIC)
    period = make_period(PERIODIC, day("2026-01-10"), day("2026-02-10"))
    first = rates.factor(period, day("2026-01-10"), day("2026-01-25"))
    second = rates.factor(period, day("2026-01-25"), day("2026-02-10"))
    assert first == Fraction(12, 100) * Fraction(15, 365)
    assert first + second == Fraction(1, 100)


def test_part_of_two_weeks_is_days_of_a_year_and_never_more_than_two_weeks() -> None:
    """A week of 7 days over 365; 14 days are two fifty-seconds, whatever 14 over 365 would be."""
    terms = loan(annual_rate=Decimal(1), unit=Unit.WEEK, every=2, first_due_on=day("2026-01-24"))
    period, rates = make_period(terms, day("2026-01-10"), day("2026-01-24")), Rates(terms)
    assert rates.factor(period, day("2026-01-10"), day("2026-01-17")) == Fraction(7, 365)
    assert rates.factor(period, day("2026-01-17"), day("2026-01-24")) == Fraction(2, 52) - Fraction(7, 365)
