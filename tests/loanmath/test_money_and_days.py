"""Money, day counts and due dates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.loanmath.dates import add_months, due_date
from ledger.loanmath.day_count import DayCount, fraction
from ledger.loanmath.money import (
    AmountError,
    Money,
    Rounding,
    currency_sign,
    decimal_text,
    parse_amount,
    round_minor,
    said_amount,
    split,
    whole_and_minor,
)
from ledger.loanmath.terms import MonthEnd, Unit


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1234.5", "CNY", 123_450),
        ("1,234.50", "USD", 123_450),
        (" ¥ 12 ", "CNY", 1_200),
        ("１２３４．５６", "CNY", 123_456),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1_234),
        ("-3", "CNY", -300),
        ("0.10", "CNY", 10),
    ],
)
def test_an_amount_is_read_as_people_type_it(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [
        ("", "CNY", "empty"),
        ("NaN", "CNY", "invalid"),
        ("Infinity", "CNY", "invalid"),
        ("1e5", "CNY", "invalid"),
        ("12,34", "CNY", "invalid"),
        ("1.005", "CNY", "decimals"),
        ("1.00000000000000000000000000000001", "CNY", "decimals"),
        ("1.5", "JPY", "decimals"),
        ("9" * 5000, "CNY", "too_large"),
        ("x" * 5000, "CNY", "invalid"),
        ("99999999999999", "CNY", "too_large"),
        (".", "CNY", "invalid"),
    ],
)
def test_what_is_no_amount_is_refused_with_its_reason(text: str, currency: str, code: str) -> None:
    with pytest.raises(AmountError) as found:
        parse_amount(text, currency)
    assert found.value.code == code


@given(st.integers(-(10**13), 10**13), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_an_amount_written_out_is_read_back(minor: int, currency: str) -> None:
    assert parse_amount(decimal_text(minor, currency), currency) == minor


def test_amounts_of_two_currencies_never_meet() -> None:
    assert Money(1, "CNY") + Money(2, "CNY") == Money(3, "CNY")
    with pytest.raises(ValueError, match="CNY and USD"):
        Money(1, "CNY") + Money(1, "USD")


def test_the_difference_of_two_amounts_may_be_below_zero() -> None:
    assert Money(1_050, "CNY") - Money(2_000, "CNY") == Money(-950, "CNY")
    with pytest.raises(ValueError, match="JPY and CNY"):
        Money(1, "JPY") - Money(1, "CNY")


@pytest.mark.parametrize(
    ("minor", "currency", "plain", "said"),
    [
        (174_359, "CNY", "1743.59", "¥1,743.59"),
        (-5, "USD", "-0.05", "−$0.05"),
        (1_234_567, "JPY", "1234567", "JP¥1,234,567"),
        (1_002_003, "KWD", "1002.003", "KWD\u00a01,002.003"),
        (0, "PLN", "0.00", "zł\u00a00.00"),
    ],
)
def test_an_amount_is_written_plainly_and_as_people_read_it(minor: int, currency: str, plain: str, said: str) -> None:
    assert (decimal_text(minor, currency), said_amount(minor, currency)) == (plain, said)


def test_a_currency_without_a_sign_of_its_own_goes_by_its_code() -> None:
    assert [currency_sign(code) for code in ("CNY", "HKD", "CHF")] == ["¥", "HK$", "CHF\u00a0"]


def test_the_digits_of_an_amount_come_without_its_sign() -> None:
    assert whole_and_minor(-174_309, "CNY") == ("1,743", ".09")
    assert whole_and_minor(174_309, "KRW") == ("174,309", "")


@pytest.mark.parametrize(
    ("rounding", "found"),
    [
        (Rounding.HALF_UP, [3, -3, 2]),
        (Rounding.HALF_EVEN, [2, -2, 2]),
        (Rounding.DOWN, [2, -2, 2]),
        (Rounding.UP, [3, -3, 3]),
    ],
)
def test_a_half_is_rounded_as_agreed(rounding: Rounding, found: list[int]) -> None:
    assert [round_minor(Decimal(text), rounding) for text in ("2.5", "-2.5", "2.4")] == found


def test_rounding_is_exact_for_any_fraction() -> None:
    just_below = Fraction(10**40 // 2 - 1, 10**40)
    assert (round_minor(just_below), round_minor(Fraction(1, 2))) == (0, 1)


@given(st.integers(0, 10**13), st.integers(1, 600), st.booleans())
def test_a_split_hands_out_every_cent(total: int, n: int, first: bool) -> None:
    parts = split(total, n, first)
    assert sum(parts) == total
    assert len(set(parts[1:] if first else parts[:-1])) <= 1


def test_what_a_split_leaves_over_goes_to_the_last_or_to_the_first() -> None:
    assert (split(10_000, 3), split(10_000, 3, first=True)) == ([3_333, 3_333, 3_334], [3_334, 3_333, 3_333])


def test_month_ends_come_back_to_their_anchor() -> None:
    found = [due_date(date(2026, 1, 31), 31, Unit.MONTH, 1, k).isoformat() for k in range(5)]
    assert found == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]
    assert due_date(date(2026, 1, 31), 31, Unit.MONTH, 1, 25) == date(2028, 2, 29)


def test_the_30th_does_not_become_the_31st() -> None:
    assert due_date(date(2026, 4, 30), 30, Unit.MONTH, 1, 1) == date(2026, 5, 30)


def test_the_29th_is_back_after_february() -> None:
    found = [due_date(date(2026, 1, 29), 29, Unit.MONTH, 1, k) for k in (1, 2)]
    assert found == [date(2026, 2, 28), date(2026, 3, 29)]


def test_weeks_days_and_years_step_from_the_first_date() -> None:
    first = date(2024, 2, 29)
    assert due_date(first, None, Unit.WEEK, 2, 3) == date(2024, 4, 11)
    assert due_date(first, None, Unit.DAY, 14, 1) == date(2024, 3, 14)
    assert [due_date(first, 29, Unit.YEAR, 1, k).isoformat() for k in (1, 4)] == ["2025-02-28", "2028-02-29"]


def test_months_can_be_counted_back() -> None:
    assert add_months(date(2026, 3, 31), -1) == date(2026, 2, 28)


def test_month_ends_may_roll_to_the_first_of_the_next_month() -> None:
    found = [due_date(date(2026, 1, 31), 31, Unit.MONTH, 1, k, MonthEnd.ROLL).isoformat() for k in range(5)]
    assert found == ["2026-01-31", "2026-03-01", "2026-03-31", "2026-05-01", "2026-05-31"]
    rolled_first = [due_date(date(2026, 3, 1), 30, Unit.MONTH, 1, k, MonthEnd.ROLL) for k in (0, 1)]
    assert rolled_first == [date(2026, 3, 1), date(2026, 3, 30)]


def test_the_last_day_of_a_year_may_count_to_the_next() -> None:
    start, end = date(2023, 12, 12), date(2024, 1, 12)
    assert fraction(DayCount.ACT_ACT, start, end) == Fraction(20, 365) + Fraction(11, 366)
    assert fraction(DayCount.ACT_ACT_DEC31, start, end) == Fraction(19, 365) + Fraction(12, 366)


def test_the_american_year_of_360_days_takes_the_end_of_february_for_the_30th() -> None:
    """Two ends of February are twelve months of 30 days apart; from the 28th, the 30th, to 31 March is one more."""
    rule = DayCount.THIRTY_360_US
    assert fraction(rule, date(2026, 2, 28), date(2027, 2, 28)) == 1
    assert fraction(rule, date(2026, 2, 28), date(2028, 2, 29)) == 2
    assert fraction(rule, date(2026, 2, 28), date(2026, 3, 31)) == Fraction(30, 360)
    assert fraction(rule, date(2026, 1, 15), date(2026, 2, 28)) == Fraction(43, 360)


def test_only_a_leap_day_may_make_a_leap_year() -> None:
    rule = DayCount.ACT_ACT_FEB29
    assert fraction(rule, date(2024, 1, 12), date(2024, 2, 12)) == Fraction(31, 365)
    assert fraction(rule, date(2024, 2, 12), date(2024, 3, 12)) == Fraction(29, 366)
    assert fraction(rule, date(2024, 2, 29), date(2024, 3, 31)) == Fraction(31, 365)
