"""Yearly cost, annuity functions, the fourth of four figures: examples found in print or worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ledger.loanmath import tvm
from ledger.loanmath.apr import advertised_rate, annual_cost
from ledger.loanmath.dates import due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Parts
from ledger.loanmath.roots import NoSolution
from ledger.loanmath.schedule import NeverAmortizes, level_payment
from ledger.loanmath.solve import Unknown, roundest, solve_missing
from ledger.loanmath.terms import ListedRow, LoanTerms, Method, Unit

LEVEL = LoanTerms(
    currency="CNY",
    principal=1_200_000,
    disbursed_on=date(2026, 1, 10),
    annual_rate=Decimal("0.144"),
    count=12,
    first_due_on=date(2026, 2, 10),
)


def flat(percent: str, count: int) -> LoanTerms:
    fee = int(Decimal(percent) * 12_000)
    return replace(LEVEL, annual_rate=Decimal(0), method=Method.FLAT, flat_fee=fee, count=count)


@pytest.mark.parametrize(
    ("percent", "count", "simple", "compound"),
    [
        ("2.5", 3, "14.94", "16.00"),
        ("4.5", 6, "15.27", "16.38"),
        ("6.5", 9, "15.34", "16.47"),
        ("8.8", 12, "15.86", "17.07"),
        ("7.2", 12, "13.03", "13.84"),
        ("7.92", 12, "14.31", "15.29"),
    ],
)
def test_a_flat_fee_costs_about_twice_what_it_says(percent: str, count: int, simple: str, compound: str) -> None:
    cost = annual_cost(flat(percent, count))
    assert cost is not None
    assert (f"{cost.simple * 100:.2f}", f"{cost.compound * 100:.2f}") == (simple, compound)


def test_a_flat_fee_is_advertised_as_a_month_times_twelve() -> None:
    assert advertised_rate(flat("7.2", 12)) == Decimal("0.072")
    assert advertised_rate(LEVEL) == Decimal("0.144")


def test_a_fee_netted_up_front_is_part_of_the_cost() -> None:
    netted = replace(LEVEL, annual_rate=Decimal(0), upfront_fee=86_400)
    cost = annual_cost(netted)
    assert cost is not None
    assert (f"{cost.simple * 100:.2f}", f"{cost.compound * 100:.2f}") == ("14.02", "14.96")


def test_a_loan_without_interest_and_fees_costs_nothing() -> None:
    cost = annual_cost(replace(LEVEL, annual_rate=Decimal(0)))
    assert cost is not None
    assert cost.simple == cost.compound == 0


def test_payment_amount_count_and_rate_are_each_found_from_the_other_three() -> None:
    payment = level_payment(LEVEL)
    assert payment == 107_971
    blank = replace(LEVEL, annual_rate=Decimal(0))
    assert solve_missing(blank, Unknown.RATE, payment).annual_rate == Decimal("0.144")
    assert solve_missing(replace(LEVEL, principal=1), Unknown.PRINCIPAL, payment).principal == 1_200_000
    assert solve_missing(replace(LEVEL, count=1), Unknown.COUNT, payment).count == 12
    assert level_payment(solve_missing(LEVEL, Unknown.PAYMENT)) == payment


def test_cents_lost_in_rounding_do_not_ask_for_another_bill() -> None:
    mortgage = replace(LEVEL, principal=100_000_000, annual_rate=Decimal("0.033"), count=360)
    payment = level_payment(mortgage)
    assert solve_missing(mortgage, Unknown.COUNT, payment).count == 360
    assert solve_missing(mortgage, Unknown.COUNT, payment - 100).count == 361
    assert solve_missing(mortgage, Unknown.COUNT, 1_000_000).count == 118


def test_a_payment_that_only_meets_the_interest_is_refused_with_the_least_that_would_do() -> None:
    with pytest.raises(NeverAmortizes) as found:
        solve_missing(LEVEL, Unknown.COUNT, 14_400)
    assert found.value.minimum_payment > 14_400


def test_payments_below_the_amount_lent_have_no_rate() -> None:
    with pytest.raises(NoSolution):
        solve_missing(LEVEL, Unknown.RATE, 99_999)


@pytest.mark.parametrize(
    ("first", "last", "found"), [(11_999_950, 12_000_049, 12_000_000), (7, 7, 7), (1, 9, 5), (0, 3, 0)]
)
def test_the_roundest_number_is_taken(first: int, last: int, found: int) -> None:
    assert roundest(first, last) == found


def test_at_the_rate_found_fifty_years_of_dated_flows_are_worth_nothing() -> None:
    dates = [date(2026, 1, 10), *(due_date(date(2026, 2, 20), 20, Unit.MONTH, 1, k) for k in range(600))]
    flows = [Decimal(-1_200_000), *[Decimal(6_000)] * 600]
    rate = tvm.xirr(dates, flows)
    assert f"{rate:.6f}" == "0.057738"
    assert abs(tvm.xnpv(rate, dates, flows)) < Decimal("1e-15")


def test_the_rarer_functions_give_what_spreadsheets_give() -> None:
    flows = [Decimal(text) for text in "-120000 39000 30000 21000 37000 46000".split()]  # noqa: SIM905
    found = [
        tvm.mirr(flows, Decimal("0.10"), Decimal("0.12")),
        tvm.ispmt(Decimal("0.1") / 12, Decimal(1), Decimal(36), Decimal(8_000_000)),
        tvm.rri(Decimal(96), Decimal(10_000), Decimal(11_000)),
        tvm.pduration(Decimal("0.025"), Decimal(2_000), Decimal(2_200)),
    ]
    assert [f"{value:.6f}" for value in found] == ["0.126094", "-64814.814815", "0.000993", "3.859866"]


def test_a_rate_that_no_figures_meet_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(NoSolution):
        tvm.irr([Decimal(1), Decimal(1)])
    with pytest.raises(NoSolution):
        tvm.nper(Decimal("0.01"), Decimal(-10), Decimal(1000))


def test_a_first_period_that_is_no_whole_month_is_counted_by_days() -> None:
    """36 days before the first bill: 6,000.00 at 0.05 % a day is 18 % over 360 days, and 18.25 % over 365,
    a little less in twelfths of the compound year."""
    drawn = replace(
        LEVEL,
        principal=600_000,
        annual_rate=Decimal("0.18"),
        day_count=DayCount.ACT_360,
        count=6,
        disbursed_on=date(2026, 1, 5),
    )
    cost = annual_cost(drawn)
    assert cost is not None
    assert (f"{cost.simple * 100:.2f}", f"{cost.compound * 100:.2f}", cost.by_days) == ("18.24", "19.85", True)


@pytest.mark.parametrize(
    ("disbursed_on", "first_due_on", "anchor_day"),
    [
        (date(2026, 1, 31), date(2026, 2, 28), 31),
        (date(2026, 1, 30), date(2026, 2, 28), None),
        (date(2026, 2, 28), date(2026, 3, 31), 31),
    ],
)
def test_from_month_end_to_month_end_is_a_whole_month(
    disbursed_on: date, first_due_on: date, anchor_day: int | None
) -> None:
    cost = annual_cost(
        replace(flat("7.2", 12), disbursed_on=disbursed_on, first_due_on=first_due_on, anchor_day=anchor_day)
    )
    assert cost is not None
    assert (f"{cost.simple * 100:.2f}", cost.by_days) == ("13.03", False)


def test_a_table_with_monthly_dates_is_counted_in_months() -> None:
    rows = tuple(ListedRow(date(2026, n + 2, 10), Parts(400_000, 0, 7_200)) for n in range(3))
    listed = replace(LEVEL, annual_rate=Decimal(0), method=Method.LISTED, count=3, listed=rows)
    assert annual_cost(listed) == annual_cost(replace(flat("1.8", 3)))
    moved = (replace(rows[0], due_on=date(2026, 2, 11)), *rows[1:])
    cost = annual_cost(replace(listed, listed=moved))
    assert cost is not None
    assert cost.by_days


@pytest.mark.parametrize(
    ("unit", "days", "day_count", "rate"),
    [(Unit.WEEK, 14, DayCount.ACT_364, "0.26"), (Unit.DAY, 2, DayCount.ACT_365F, "1.825")],
)
def test_weeks_and_days_are_periods_too(unit: Unit, days: int, day_count: DayCount, rate: str) -> None:
    """1 % of what is owed every second week, 26 times a year, and every second day, 182.5 times."""
    terms = replace(
        LEVEL,
        principal=1_000_000,
        method=Method.INTEREST_ONLY,
        annual_rate=Decimal(rate),
        day_count=day_count,
        unit=unit,
        every=2,
        first_due_on=date(2026, 1, 10 + days),
    )
    cost = annual_cost(terms)
    assert cost is not None
    assert (cost.simple, cost.by_days) == (Decimal(rate), False)
