"""Annual percentage rates by law: examples that regulators print."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.loanmath.legal_apr import (
    HALF_MONTH,
    UnitPeriod,
    commonest_unit_period,
    declining_payments,
    effective_rate,
    eu_apr,
    eu_interval,
    repeated,
    us_apr,
)
from ledger.loanmath.roots import NoSolution
from ledger.loanmath.terms import Unit

MONTHS, HALF_MONTHS, TWO_MONTHS = UnitPeriod(Unit.MONTH), UnitPeriod(Unit.DAY, HALF_MONTH), UnitPeriod(Unit.MONTH, 2)


def test_24_monthly_payments_cost_what_appendix_j_prints() -> None:
    paid = [(day, Decimal(230)) for day in MONTHS.dates(date(1978, 2, 10), 24)]
    assert f"{us_apr([(date(1978, 1, 10), Decimal(5000))], paid, MONTHS) * 100:.2f}" == "9.69"


def test_half_months_fall_on_two_days_of_each_month() -> None:
    assert [day.isoformat() for day in HALF_MONTHS.dates(date(1978, 3, 1), 3)] == [
        "1978-03-01",
        "1978-03-16",
        "1978-04-01",
    ]
    paid = [(day, Decimal("219.17")) for day in HALF_MONTHS.dates(date(1978, 3, 1), 24)]
    assert f"{us_apr([(date(1978, 2, 23), Decimal(5000))], paid, HALF_MONTHS) * 100:.2f}" == "10.34"


def test_half_months_that_begin_late_in_a_month_fall_15_days_sooner_in_the_next() -> None:
    assert [day.isoformat() for day in HALF_MONTHS.dates(date(2026, 1, 30), 5)] == [
        "2026-01-30",
        "2026-02-15",
        "2026-02-28",
        "2026-03-15",
        "2026-03-30",
    ]


def test_of_several_months_the_odd_part_is_counted_in_months_and_days() -> None:
    assert TWO_MONTHS.between(date(1978, 1, 10), date(1978, 3, 1)) == (0, (1 + Fraction(22, 30)) / 2)
    assert TWO_MONTHS.between(date(1978, 1, 10), date(1978, 5, 10)) == (2, Fraction(0))


@pytest.mark.parametrize(
    ("start", "end", "unit", "years"),
    [
        (date(2012, 1, 12), date(2012, 2, 15), Unit.MONTH, Fraction(1, 12) + Fraction(3, 365)),
        (date(2012, 2, 26), date(2012, 3, 29), Unit.MONTH, Fraction(1, 12) + Fraction(3, 366)),
        (date(2012, 1, 12), date(2012, 2, 15), Unit.YEAR, Fraction(34, 365)),
        (date(2012, 1, 12), date(2012, 2, 15), Unit.WEEK, Fraction(4, 52) + Fraction(6, 365)),
    ],
)
def test_european_time_is_counted_back_in_whole_units(start: date, end: date, unit: Unit, years: Fraction) -> None:
    assert eu_interval(start, end, unit) == years


def test_a_european_mortgage_costs_what_the_commission_prints() -> None:
    twelfth = Fraction(1, 12)
    paid = [(when, -amount) for when, amount in repeated(twelfth, twelfth, 240, Decimal("1432.86"))]
    assert f"{effective_rate([(Fraction(0), Decimal(196_000)), *paid]) * 100:.6f}" == "6.434412"
    days = [(day, Decimal("1432.86")) for day in MONTHS.dates(date(2026, 2, 1), 240)]
    assert f"{eu_apr([(date(2026, 1, 1), Decimal(196_000))], days) * 100:.6f}" == "6.434412"


def test_two_percent_of_what_is_owed_and_at_least_a_hundred_ends_with_the_rest() -> None:
    rule = {"share": Decimal("0.02"), "least": Decimal(100), "rate": Decimal("0.005")}
    paid = declining_payments(Decimal(200_000), **rule)
    assert (len(paid), paid[0], f"{paid[-1]:.2f}") == (233, 5_000, "59.38")
    with_balloon = declining_payments(Decimal(200_000), **rule, balloon_at=180)
    assert (len(with_balloon), f"{with_balloon[-1]:.2f}") == (180, "5403.36")


def test_payments_that_never_end_are_refused() -> None:
    with pytest.raises(NoSolution):
        declining_payments(Decimal(200_000), Decimal(0), Decimal(0), Decimal("0.005"))


def test_payments_below_the_sum_received_have_no_rate() -> None:
    with pytest.raises(NoSolution):
        us_apr([(date(2026, 1, 1), Decimal(100))], [(date(2026, 2, 1), Decimal(99))], MONTHS)


@pytest.mark.parametrize(
    ("days", "unit", "every"),
    [
        (["2026-01-31", "2026-02-28", "2026-03-31"], Unit.MONTH, 1),
        (["2026-01-08", "2026-01-22", "2026-02-05", "2026-03-05"], Unit.WEEK, 2),
        (["2026-01-01", "2027-01-01"], Unit.YEAR, 1),
        (["2026-01-01", "2026-01-11", "2026-01-21"], Unit.DAY, 10),
        (["2026-01-01"], Unit.DAY, 1),
    ],
)
def test_the_unit_period_is_the_interval_that_occurs_most_often(days: list[str], unit: Unit, every: int) -> None:
    assert commonest_unit_period([date.fromisoformat(day) for day in days]) == UnitPeriod(unit, every)


def test_days_that_only_look_like_months_are_days() -> None:
    """3 January to 15 September is 255 days, not eight months; 31 January to 28 February is a month."""
    assert commonest_unit_period([date(1978, 1, 3), date(1978, 9, 15)]) == UnitPeriod(Unit.DAY, 255)
    assert commonest_unit_period([date(2026, 1, 31), date(2026, 2, 28)]) == UnitPeriod(Unit.MONTH, 1)
