"""Schedules against figures a reader can redo by hand or find in print."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Parts, Rounding
from ledger.loanmath.schedule import (
    NeverAmortizes,
    ScheduledRow,
    exact_level_payment,
    level_payment,
    schedule,
    unrounded_interest,
)
from ledger.loanmath.terms import LastRow, ListedRow, LoanTerms, Method, PaymentFit, Residue, Unit
from tests.loanmath.builders import day, loan


def payments(terms: LoanTerms) -> list[int]:
    return [row.payment for row in schedule(terms)]


def interest(terms: LoanTerms) -> int:
    return sum(row.interest for row in schedule(terms))


def test_level_payments_leave_the_residue_to_the_last_bill() -> None:
    rows = schedule(loan())
    assert [row.payment for row in rows] == [107_971] * 11 + [107_964]
    assert [row.principal for row in rows[:3]] == [93_571, 94_694, 95_830]
    assert rows[2].balance == 915_905
    assert interest(loan()) == 95_645
    assert rows[0] == ScheduledRow(
        number=1,
        starts_on=day("2026-01-10"),
        due_on=day("2026-02-10"),
        principal=93_571,
        interest=14_400,
        fee=0,
        balance=1_106_429,
        payment=107_971,
    )


def test_a_year_at_eighteen_percent() -> None:
    rows = schedule(loan(annual_rate=Decimal("0.18")))
    assert (rows[0].interest, rows[0].principal) == (18_000, 92_016)
    assert (rows[-1].interest, rows[-1].principal, rows[-1].payment) == (1_626, 108_393, 110_019)
    assert interest(loan(annual_rate=Decimal("0.18"))) == 120_195


def test_ten_thousand_at_twelve_percent() -> None:
    terms = loan(principal=1_000_000, annual_rate=Decimal("0.12"))
    assert payments(terms) == [88_849] * 11 + [88_847]
    assert interest(terms) == 66_186


def test_a_mortgage_of_thirty_years() -> None:
    terms = loan(principal=100_000_000, annual_rate=Decimal("0.033"), count=360)
    assert level_payment(terms) == 437_955
    assert level_payment(replace(terms, principal=80_000_000)) == 350_364


@pytest.mark.parametrize(
    "rate, first, last, total_interest",
    [("0.144", 114_400, 101_200, 93_600), ("0.18", 118_000, 101_500, 117_000)],
)
def test_equal_principal_falls_by_the_interest_saved(rate: str, first: int, last: int, total_interest: int) -> None:
    terms = loan(method=Method.EQUAL_PRINCIPAL, annual_rate=Decimal(rate))
    assert (payments(terms)[0], payments(terms)[-1]) == (first, last)
    assert interest(terms) == total_interest


def test_interest_only_repays_the_principal_with_the_last_bill() -> None:
    rows = schedule(loan(method=Method.INTEREST_ONLY, annual_rate=Decimal("0.18")))
    assert [(row.principal, row.interest) for row in rows] == [(0, 18_000)] * 11 + [(1_200_000, 18_000)]


def test_flat_interest_is_counted_on_the_original_principal() -> None:
    terms = loan(method=Method.FLAT, principal=120_000, annual_rate=Decimal("0.0792"))
    assert payments(terms) == [10_792] * 12


def test_a_flat_fee_is_shared_out_and_the_first_bill_may_take_the_residue() -> None:
    terms = loan(
        method=Method.FLAT, principal=1_000_000, annual_rate=Decimal(0), count=3, flat_fee=25_000,
        residue=Residue.FIRST,
    )  # fmt: skip
    assert [(row.principal, row.fee) for row in schedule(terms)] == [
        (333_334, 8_334),
        (333_333, 8_333),
        (333_333, 8_333),
    ]


def test_without_interest_the_loan_is_split_equally() -> None:
    terms = loan(principal=1_000_000, annual_rate=Decimal(0), count=3)
    assert payments(terms) == [333_333, 333_333, 333_334]
    assert payments(replace(terms, residue=Residue.FIRST)) == [333_334, 333_333, 333_333]


def test_actual_days_make_interest_follow_the_calendar() -> None:
    """6,000 drawn on 5 January at 0.05 % a day over 360, payment rounded up to the cent."""
    terms = loan(
        principal=600_000,
        disbursed_on=day("2026-01-05"),
        annual_rate=Decimal("0.18"),
        count=6,
        day_count=DayCount.ACT_360,
        payment_rounding=Rounding.UP,
    )
    rows = schedule(terms)
    assert [row.payment for row in rows] == [105_592] * 5 + [105_588]
    assert [(row.due_on - row.starts_on).days for row in rows] == [36, 28, 31, 30, 31, 30]
    assert rows[0].interest == 10_800


def test_equal_principal_by_actual_days() -> None:
    terms = loan(
        principal=200_000, disbursed_on=day("2026-01-20"), annual_rate=Decimal("0.18"), count=3,
        method=Method.EQUAL_PRINCIPAL, day_count=DayCount.ACT_360,
    )  # fmt: skip
    first = schedule(terms)[0]
    assert (first.principal, first.interest) == (66_667, 2_100)


def test_month_lengths_show_under_actual_365() -> None:
    terms = loan(
        principal=30_000_000, disbursed_on=day("2026-01-01"), first_due_on=day("2026-02-01"),
        annual_rate=Decimal("0.06"), count=360, day_count=DayCount.ACT_365F,
    )  # fmt: skip
    assert [row.interest for row in schedule(terms)[:2]] == [152_877, 137_958]


def test_an_odd_first_period_counts_by_its_days() -> None:
    """45 days from 27 December to 10 February, where the regular period that ends with it has 31."""
    terms = loan(disbursed_on=day("2025-12-27"))
    assert schedule(terms)[0].interest == 20_903  # 12,000 x 1.2 % x 45 / 31
    assert schedule(replace(terms, odd_period_whole=True))[0].interest == 14_400


def test_the_disbursement_day_may_be_free() -> None:
    terms = loan(
        principal=1_000_000, disbursed_on=day("2015-08-11"), first_due_on=day("2015-09-11"),
        annual_rate=Decimal("0.162"), method=Method.INTEREST_ONLY, day_count=DayCount.ACT_360,
    )  # fmt: skip
    assert [row.interest for row in schedule(terms)[:2]] == [13_950, 13_500]
    assert [row.interest for row in schedule(replace(terms, first_day_free=True))[:2]] == [13_500, 13_500]


def test_month_ends_clamp_and_come_back_to_the_anchor_day() -> None:
    terms = loan(disbursed_on=day("2025-12-31"), first_due_on=day("2026-01-31"), count=5, annual_rate=Decimal(0))
    assert [str(row.due_on) for row in schedule(terms)] == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
    ]


@pytest.mark.parametrize(
    "unit, every, second, rate_part",
    [(Unit.DAY, 15, "2026-02-25", 15), (Unit.WEEK, 2, "2026-02-24", 14), (Unit.YEAR, 1, "2027-02-10", 365)],
)
def test_other_steps_than_months(unit: Unit, every: int, second: str, rate_part: int) -> None:
    terms = loan(unit=unit, every=every, method=Method.INTEREST_ONLY, day_count=DayCount.ACT_365F)
    row = schedule(terms)[1]
    assert row.due_on == day(second)
    assert row.interest == round(1_200_000 * 144 * rate_part / 365_000)


def test_rounding_down_payment_and_interest() -> None:
    """A published table: 10,000 over 12 periods at 0.345 % a period, everything rounded down."""
    terms = loan(
        principal=1_000_000,
        annual_rate=Decimal("0.0414"),
        payment_rounding=Rounding.DOWN,
        interest_rounding=Rounding.DOWN,
    )
    rows = schedule(terms)
    assert [row.payment for row in rows] == [85_213] * 11 + [85_214]
    assert [row.interest for row in rows[:4]] == [3_450, 3_167, 2_884, 2_600]


def test_a_loan_that_never_rounds_shows_every_figure_rounded_alone() -> None:
    terms = loan(
        principal=100_000_000,
        annual_rate=Decimal("0.049"),
        count=360,
        payment_rounding=Rounding.NONE,
        interest_rounding=Rounding.NONE,
    )
    row = schedule(terms)[0]
    assert (row.payment, row.interest, row.principal) == (530_727, 408_333, 122_393)
    assert round(exact_level_payment(terms) * 360) == 191_061_619
    assert round(unrounded_interest(terms)) == 91_061_619


def test_a_tie_is_judged_on_the_exact_fraction() -> None:
    """0.60 at 10 % for a month is exactly half a cent, which a rounded monthly rate would miss."""
    terms = loan(principal=60, annual_rate=Decimal("0.1"), method=Method.INTEREST_ONLY, count=1)
    assert schedule(terms)[0].interest == 1
    assert schedule(replace(terms, rounding=Rounding.HALF_EVEN))[0].interest == 0


def test_a_payment_in_whole_units() -> None:
    terms = loan(
        principal=28_000_000, annual_rate=Decimal("0.084"), count=20, payment_unit=100,
        payment_rounding=Rounding.UP, interest_rounding=Rounding.NONE,
    )  # fmt: skip
    assert level_payment(terms) == 1_505_200


def test_an_extra_in_every_payment_shortens_the_term() -> None:
    """A published example: 240,000 at 8.25 %, 500 on top of 1,803.04, ends after 184 of 360 payments."""
    terms = loan(principal=24_000_000, annual_rate=Decimal("0.0825"), count=360, payment=180_304, extra_payment=50_000)
    assert len(schedule(terms)) == 184
    assert (sum(payments(terms)), interest(terms)) == (42_365_070, 18_365_070)


def test_the_last_payment_may_stay_as_it_is() -> None:
    """A published example with a financed fee and a first period of 40 days; 0.03 stays unpaid."""
    terms = loan(
        principal=1_000_000, opening_balance=1_002_500, annual_rate=Decimal("0.045"),
        disbursed_on=day("2022-08-22"), first_due_on=day("2022-10-01"), day_count=DayCount.ACT_365F,
        last_row=LastRow.AS_IS,
    )  # fmt: skip
    rows = schedule(terms)
    assert [row.payment for row in rows] == [85_692] * 12
    assert (rows[0].interest, rows[-1].interest, rows[-1].balance) == (4_944, 326, 3)


def test_the_last_interest_may_give_way() -> None:
    terms = loan(last_row=LastRow.SQUEEZE_INTEREST)
    rows = schedule(terms)
    assert [row.payment for row in rows] == [107_971] * 12
    assert (rows[-1].interest, rows[-1].balance) == (1_287, 0)


def test_a_stated_part_of_principal_leaves_the_rest_to_the_last_bill() -> None:
    terms = loan(
        principal=1_000_000, annual_rate=Decimal("0.06"), disbursed_on=day("2022-08-24"),
        first_due_on=day("2022-10-01"), method=Method.EQUAL_PRINCIPAL, principal_part=10_000,
        day_count=DayCount.ACT_365F,
    )  # fmt: skip
    rows = schedule(terms)
    assert [row.payment for row in (rows[0], rows[1], rows[11])] == [16_247, 15_045, 894_535]
    assert interest(terms) == 58_006


def test_weights_step_the_payment_and_a_zero_skips_one() -> None:
    terms = loan(count=3, principal=300_000, weights=(Decimal(1), Decimal(0), Decimal("0.5")))
    rows = schedule(terms)
    assert rows[1].payment == 0
    assert sum(row.principal for row in rows) == 300_000
    assert rows[2].interest == 2 * 1_195  # the skipped bill's interest is asked for here, and bears none


def test_an_agreed_list_of_due_dates() -> None:
    terms = loan(
        principal=502_500, annual_rate=Decimal("0.055"), disbursed_on=day("2022-07-20"), count=1,
        due_dates=(day("2022-12-31"),), method=Method.INTEREST_ONLY, day_count=DayCount.ACT_365F,
    )  # fmt: skip
    assert [(row.due_on, row.interest) for row in schedule(terms)] == [(day("2022-12-31"), 12_418)]


def test_the_lenders_own_table_is_taken_as_it_is() -> None:
    listed = (
        ListedRow(day("2026-02-10"), Parts(principal=700_000, interest=14_999, fee=100)),
        ListedRow(day("2026-03-10"), Parts(principal=500_000, interest=5_001)),
    )
    rows = schedule(loan(method=Method.LISTED, listed=listed, count=2))
    assert [(row.due_on, row.principal, row.interest, row.fee, row.balance) for row in rows] == [
        (day("2026-02-10"), 700_000, 14_999, 100, 500_000),
        (day("2026-03-10"), 500_000, 5_001, 0, 0),
    ]


def test_the_smallest_payment_whose_last_is_not_higher() -> None:
    """A published table: 100.00 at 0.798 % a day, the first payment after 8 days."""
    terms = loan(
        principal=10_000, annual_rate=Decimal("0.00798") * 365, disbursed_on=day("2023-12-07"), count=5,
        first_due_on=day("2023-12-15"), day_count=DayCount.ACT_365F, payment_fit=PaymentFit.LOWER_LAST,
    )  # fmt: skip
    assert payments(terms) == [3_143, 3_143, 3_143, 3_143, 3_142]


def test_the_largest_payment_whose_last_is_not_lower() -> None:
    """A published table: 100.00 at 0.798 % a day, the first payment after 12 days."""
    terms = loan(
        principal=10_000, annual_rate=Decimal("0.00798") * 365, disbursed_on=day("2023-12-07"), count=4,
        first_due_on=day("2023-12-19"), day_count=DayCount.ACT_365F, payment_fit=PaymentFit.HIGHER_LAST,
    )  # fmt: skip
    assert payments(terms) == [3_694, 3_694, 3_694, 3_695]


def test_the_payment_with_the_smallest_gap_to_the_last() -> None:
    """A published table: 1,500.00 at 0.798 % a day, the first payment after 32 days."""
    terms = loan(
        principal=150_000, annual_rate=Decimal("0.00798") * 365, disbursed_on=day("2023-12-07"), count=5,
        first_due_on=day("2024-01-08"), day_count=DayCount.ACT_365F, payment_fit=PaymentFit.SIMILAR_LAST,
    )  # fmt: skip
    assert payments(terms) == [55_453] * 4 + [55_457]


def test_a_payment_below_the_interest_is_refused_with_the_least_that_would_do() -> None:
    with pytest.raises(NeverAmortizes) as refused:
        schedule(loan(payment=14_400))
    assert refused.value.minimum_payment == 14_401
    assert len(schedule(loan(payment=14_401))) == 12


@pytest.mark.parametrize("count", [1, 600])
def test_the_largest_loan_keeps_every_cent(count: int) -> None:
    rows = schedule(loan(principal=10**13, count=count))
    assert len(rows) == count
    assert sum(row.principal for row in rows) == 10**13


def test_a_balloon_is_left_for_the_last_bill() -> None:
    """6,000 of 12,000 left at the end: 72.00 interest on it each month, and the level payment on the other half."""
    rows = schedule(loan(balloon=600_000))
    assert [row.payment for row in rows[:-1]] == [7_200 + 53_985] * 11
    assert abs(rows[-1].payment - 600_000 - 61_185) <= 12
    assert sum(row.principal for row in rows) == 1_200_000


def test_a_grace_on_principal_asks_for_interest_only() -> None:
    """A published table: 5,000 at 12 % over 18 months in whole units, three of them without principal."""
    terms = loan(
        principal=500_000, annual_rate=Decimal("0.12"), count=18, principal_grace=3, payment_unit=100,
        rounding=Rounding.HALF_EVEN,
    )  # fmt: skip
    rows = schedule(terms)
    assert [(row.principal, row.interest) for row in rows[:4]] == [(0, 5_000)] * 3 + [(31_100, 5_000)]
    assert rows[-1].balance == 0


def test_interest_put_off_is_asked_for_with_the_first_bill_after() -> None:
    rows = schedule(loan(principal=300_000, annual_rate=Decimal("0.12"), count=3, interest_grace=1,
                         method=Method.INTEREST_ONLY))  # fmt: skip
    assert [(row.principal, row.interest) for row in rows] == [(0, 0), (0, 6_000), (300_000, 3_000)]


def test_a_payment_is_fitted_again_when_the_last_one_is_too_far_off() -> None:
    """A published table: 100.00 at 9.4822 % every 15 days, actual days over 365."""
    terms = loan(
        principal=10_000, annual_rate=Decimal("0.094822"), disbursed_on=day("2024-01-01"), unit=Unit.DAY,
        first_due_on=day("2024-01-16"), every=15, count=6, day_count=DayCount.ACT_365F,
        payment_fit=PaymentFit.REFIT, rounding=Rounding.HALF_EVEN,
    )  # fmt: skip
    assert payments(terms)[:5] == [1_690] * 5


def test_stepped_payments_and_the_rate_that_makes_them_exact() -> None:
    """A published table: 10,000 at 7 %, payments at 100, 60 and 40 %, the last interest cut by the cent."""
    steps = [Decimal(1)] * 4 + [Decimal("0.6")] * 4 + [Decimal("0.4")] * 4
    terms = loan(
        principal=1_000_000, annual_rate=Decimal("0.07"), weights=tuple(steps), rate_from_payments=True,
        disbursed_on=day("2026-01-05"), first_due_on=day("2026-02-05"), day_count=DayCount.THIRTY_360_US,
        last_row=LastRow.SQUEEZE_INTEREST,
    )  # fmt: skip
    rows = schedule(terms)
    assert [row.payment for row in rows] == [128_889] * 4 + [77_333] * 4 + [51_556] * 4
    assert [row.interest for row in rows] == [
        5_833, 5_115, 4_393, 3_667, 2_936, 2_503, 2_066, 1_627, 1_186, 892, 596, 298,
    ]  # fmt: skip
