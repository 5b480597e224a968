"""Rates that follow a series: each figure can be redone from the points printed here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ledger.loanmath.benchmarks import RatePoint, Repricing, follow, next_repricing, rate_on, repricing_days, repricings
from ledger.loanmath.checks import problems
from ledger.loanmath.facts import RateChange, TermsVersion
from ledger.loanmath.money import Parts
from ledger.loanmath.project import project
from ledger.loanmath.terms import Benchmark, LoanTerms

LPR = tuple(
    RatePoint(date.fromisoformat(day), Decimal(rate))
    for day, rate in [
        ("2019-08-20", "0.0485"),
        ("2020-04-20", "0.0465"),
        ("2022-01-20", "0.046"),
        ("2022-05-20", "0.0445"),
        ("2022-08-22", "0.043"),
        ("2023-06-20", "0.042"),
        ("2024-02-20", "0.0395"),
        ("2024-07-22", "0.0385"),
        ("2024-10-21", "0.036"),
        ("2025-05-20", "0.035"),
    ]
)
NEW_YEAR = Benchmark("LPR", Decimal("0.006"), 12, date(2020, 1, 1))


def mortgage(**more: object) -> LoanTerms:
    """1,000,000.00 at LPR + 60 basis points, 5.25 % when it was lent on 20 May 2020, repriced each 1 January."""
    values: dict[str, object] = {
        "currency": "CNY",
        "principal": 100_000_000,
        "disbursed_on": date(2020, 5, 20),
        "annual_rate": Decimal("0.0525"),
        "count": 360,
        "first_due_on": date(2020, 6, 20),
        "benchmark": NEW_YEAR,
    }
    return LoanTerms(**(values | more))  # type: ignore[arg-type]


def changes(found: tuple[RateChange, ...]) -> list[tuple[str, str]]:
    return [(change.effective_on.isoformat(), f"{change.annual_rate:.4f}") for change in found]


@pytest.mark.parametrize(
    "day, rate",
    [
        (date(2019, 8, 19), None),
        (date(2019, 8, 20), Decimal("0.0485")),
        (date(2020, 4, 19), Decimal("0.0485")),
        (date(2020, 4, 20), Decimal("0.0465")),
        (date(2030, 1, 1), Decimal("0.035")),
    ],
)
def test_a_series_says_its_latest_point(day: date, rate: Decimal | None) -> None:
    assert rate_on(LPR, day) == rate


def test_a_rate_changes_on_the_repricing_days_on_which_the_series_has_moved() -> None:
    found = repricings(mortgage(), LPR, date(2027, 12, 31))
    assert changes(found) == [  # on 1 January 2021 and 2022 LPR still was 4.65 %, so 5.25 % stayed
        ("2023-01-01", "0.0490"),
        ("2024-01-01", "0.0480"),
        ("2025-01-01", "0.0420"),
        ("2026-01-01", "0.0410"),
    ]
    assert [change.id for change in found] == [-1, -2, -3, -4]


def test_the_loan_of_2020_follows_its_new_spread_after_the_cut_of_2024() -> None:
    """LPR + 60 basis points, 5.25 % in 2020. Cut to LPR - 30 on 25 October 2024: 3.95 - 0.30 = 3.65 % (the LPR of its
    last repricing); then 3.60 - 0.30 = 3.30 % from 1 January 2025."""
    cut = mortgage(annual_rate=Decimal("0.0365"), benchmark=replace(NEW_YEAR, spread=Decimal("-0.003")))
    version = TermsVersion(id=7, effective_on=date(2024, 10, 25), terms=cut)
    found = follow(mortgage(), [version], {"LPR": LPR}, date(2026, 12, 31))
    assert changes(found) == [
        ("2023-01-01", "0.0490"),
        ("2024-01-01", "0.0480"),
        ("2025-01-01", "0.0330"),
        ("2026-01-01", "0.0320"),
    ]


def test_a_rate_recorded_by_hand_holds_until_the_next_repricing() -> None:
    by_hand = RateChange(id=3, effective_on=date(2021, 6, 1), annual_rate=Decimal("0.05"))
    found = follow(mortgage(), [by_hand], {"LPR": LPR}, date(2022, 12, 31))
    assert changes(found) == [("2022-01-01", "0.0525")]
    on_the_day = RateChange(id=3, effective_on=date(2022, 1, 1), annual_rate=Decimal("0.05"))
    found = follow(mortgage(), [on_the_day], {"LPR": LPR}, date(2023, 12, 31))
    assert changes(found) == [("2023-01-01", "0.0490")]


def test_without_points_nothing_changes() -> None:
    assert repricings(mortgage(), (), date(2050, 1, 1)) == ()
    assert repricings(mortgage(benchmark=None), LPR, date(2050, 1, 1)) == ()


def test_a_spread_does_not_take_the_rate_below_zero() -> None:
    low = mortgage(benchmark=replace(NEW_YEAR, spread=Decimal("-0.05")))
    assert changes(repricings(low, LPR, date(2021, 1, 1))) == [("2021-01-01", "0.0000")]


@pytest.mark.parametrize(
    "benchmark, days",
    [
        (Benchmark("LPR"), ["2021-05-20", "2022-05-20"]),
        (Benchmark("LPR", every_months=6), ["2020-11-20", "2021-05-20", "2021-11-20", "2022-05-20"]),
        (Benchmark("LPR", every_months=12, repriced_on=date(2015, 1, 1)), ["2021-01-01", "2022-01-01"]),
        (Benchmark("LPR", every_months=12, repriced_on=date(2022, 2, 28)), ["2022-02-28"]),
    ],
)
def test_the_repricing_days_are_counted_from_the_first(benchmark: Benchmark, days: list[str]) -> None:
    disbursed_on = date(2020, 5, 20)
    found = repricing_days(benchmark, disbursed_on, disbursed_on, date(2022, 6, 30))
    assert [day.isoformat() for day in found] == days


def test_month_ends_come_back_to_their_day() -> None:
    found = repricing_days(Benchmark("LPR", every_months=3), date(2020, 11, 30), date(2020, 11, 30), date(2021, 6, 1))
    assert [day.isoformat() for day in found] == ["2021-02-28", "2021-05-30"]


def test_the_next_repricing_is_told_with_the_rate_known_today() -> None:
    terms = mortgage(benchmark=replace(NEW_YEAR, spread=Decimal("-0.003")))
    expected = Repricing(date(2027, 1, 1), Decimal("0.035"), Decimal("0.032"))
    assert next_repricing(terms, LPR, date(2026, 11, 25)) == expected
    assert next_repricing(terms, LPR, date(2026, 12, 31)) == expected
    assert next_repricing(terms, (), date(2026, 12, 31)) == Repricing(date(2027, 1, 1), None, None)
    assert next_repricing(mortgage(benchmark=None), LPR, date(2026, 12, 31)) is None


def test_the_bills_follow_the_rate_from_its_day_on() -> None:
    """12,000.00 at 3.65 % over 12 months from 1 July 2024, 1,019.88 a month; 3.30 % from 1 January 2025, when 6,054.67
    are owed: 6,054.67 × 0.033 ⁄ 12 = 16.65 interest in February, and 1,018.85 a month."""
    terms = mortgage(
        principal=1_200_000,
        disbursed_on=date(2024, 7, 1),
        annual_rate=Decimal("0.0365"),
        count=12,
        first_due_on=date(2024, 8, 1),
        benchmark=Benchmark("LPR", Decimal("-0.003"), 12, date(2024, 1, 1)),
    )
    facts = repricings(terms, LPR, date(2026, 1, 1))
    january, february = project(terms, facts, date(2025, 8, 1)).bills[5:7]
    assert (january.due, january.outstanding_after) == (Parts(principal=99_843, interest=2_145), 605_467)
    assert (february.starts_on, february.due) == (date(2025, 1, 1), Parts(principal=100_220, interest=1_665))


@pytest.mark.parametrize(
    "benchmark, field",
    [
        (Benchmark("LPR", every_months=0), "benchmark.every_months"),
        (Benchmark("LPR", Decimal("NaN")), "benchmark.spread"),
        (Benchmark("LPR", Decimal(11)), "benchmark.spread"),
    ],
)
def test_a_benchmark_that_cannot_be_is_a_problem_of_the_terms(benchmark: Benchmark, field: str) -> None:
    assert [problem.field for problem in problems(mortgage(benchmark=benchmark))] == [field]
