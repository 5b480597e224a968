"""Money, rates and days as the pages show them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.translation import override

from ledger.loanmath.money import currency_sign
from ledger.templatetags.addresses import addresses
from ledger.templatetags.days import day_text, distance, moment, month, short_day
from ledger.templatetags.money import amount, money, money_text, percent

TODAY = date(2026, 12, 7)


def render(source: str, **context: object) -> str:
    return Template("{% load money days %}" + source).render(Context(context))


@pytest.mark.parametrize(
    "minor, currency, text",
    [
        (174359, "CNY", "¥1,743.59"),
        (0, "CNY", "¥0.00"),
        (5, "USD", "$0.05"),
        (-98231, "CNY", "−¥982.31"),
        (-5, "EUR", "−€0.05"),
        (1234567, "JPY", "JP¥1,234,567"),
        (1234567, "KWD", "KWD\u00a01,234.567"),
        (10**15, "GBP", "£10,000,000,000,000.00"),
        (None, "CNY", "—"),
    ],
)
def test_an_amount_reads_with_its_sign_and_thousands(minor: int | None, currency: str, text: str) -> None:
    assert money_text(minor, currency) == text


def test_the_html_of_an_amount_sets_back_its_sign_and_minor_units() -> None:
    assert render("{{ minor|money:'CNY' }}", minor=-174359) == (
        '<span class="money">−<span class="money-sign">¥</span>1,743<span class="money-minor">.59</span></span>'
    )


def test_a_currency_without_minor_units_shows_none() -> None:
    assert money(1743, "JPY") == '<span class="money"><span class="money-sign">JP¥</span>1,743</span>'


def test_an_unknown_amount_is_a_dash_and_never_a_zero() -> None:
    assert render("{{ minor|money:'CNY' }}", minor=None) == '<span class="money money-none">—</span>'


def test_a_currency_code_from_outside_is_escaped() -> None:
    assert "<b>" not in money(100, "<b>")


def test_amounts_in_columns_stand_without_the_currency() -> None:
    assert [amount(174359, "CNY"), amount(-5, "CNY"), amount(None, "CNY")] == ["1,743.59", "−0.05", "—"]


def test_a_currency_without_a_sign_of_its_own_shows_its_code() -> None:
    assert [currency_sign("CNY"), currency_sign("CHF")] == ["¥", "CHF\u00a0"]


@pytest.mark.parametrize(
    "fraction, places, text",
    [
        ("0.1303", 2, "13.03"),
        ("0.12", 2, "12"),
        ("0.0005", 2, "0.05"),
        ("0.000333", 4, "0.0333"),
        ("0.100", 2, "10"),
        ("1", 2, "100"),
        ("10", 0, "1,000"),
        ("0.130250", 2, "13.03"),
        ("-0.015", 2, "−1.5"),
        ("-0.00001", 2, "0"),
    ],
)
def test_a_fraction_reads_as_a_percentage_without_trailing_zeros(fraction: str, places: int, text: str) -> None:
    assert percent(Decimal(fraction), places) == f"{text}%"


def test_an_unknown_rate_is_a_dash() -> None:
    assert percent(None) == "—"


@pytest.mark.parametrize(
    "day, english, chinese",
    [
        (date(2026, 12, 7), "7 Dec, today", "12月7日（今天）"),
        (date(2026, 12, 8), "8 Dec, tomorrow", "12月8日（明天）"),
        (date(2026, 12, 6), "6 Dec, yesterday", "12月6日（昨天）"),
        (date(2026, 12, 10), "10 Dec, in 3 days", "12月10日（3天后）"),
        (date(2026, 11, 28), "28 Nov, 9 days ago", "11月28日（9天前）"),
        (date(2027, 1, 3), "3 Jan 2027, in 27 days", "2027年1月3日（27天后）"),
        (date(2027, 2, 7), "7 Feb 2027, in 2 months", "2027年2月7日（2个月后）"),
        (date(2026, 7, 8), "8 Jul, 5 months ago", "7月8日（5个月前）"),
        (date(2029, 5, 1), "1 May 2029, in 2 years", "2029年5月1日（2年后）"),
        (date(2023, 12, 7), "7 Dec 2023, 3 years ago", "2023年12月7日（3年前）"),
    ],
)
def test_a_day_reads_with_its_distance(day: date, english: str, chinese: str) -> None:
    with override("en"):
        assert day_text(day, TODAY) == english
    with override("zh-hans"):
        assert day_text(day, TODAY) == chinese


def test_a_moment_reads_on_the_readers_clock() -> None:
    at = datetime(2026, 12, 7, 20, 5, tzinfo=UTC)
    with override("en"):
        assert moment(at, TODAY) == "7 Dec 20:05"
        assert moment(at, date(2027, 1, 1)) == "7 Dec 2026 20:05"
        with timezone.override("Asia/Shanghai"):
            assert render("{{ at|moment:today }}", at=at, today=TODAY) == "8 Dec 04:05"
    with override("zh-hans"):
        assert moment(at, TODAY) == "12月7日 20:05"


def test_days_are_counted_as_days_up_to_two_months() -> None:
    with override("en"):
        assert [distance(date(2027, 2, 4), TODAY), distance(date(2027, 2, 5), TODAY)] == [
            "in 59 days",
            "in 2 months",
        ]


def test_the_year_shows_only_where_it_is_not_this_one() -> None:
    with override("en"):
        assert [short_day(date(2026, 1, 31), TODAY), short_day(date(2025, 12, 31), TODAY)] == [
            "31 Jan",
            "31 Dec 2025",
        ]
        assert short_day(date(2026, 1, 31)) == "31 Jan 2026"
        assert short_day(None, TODAY) == "—"


def test_a_month_is_named_with_its_year() -> None:
    with override("en"):
        assert month(date(2026, 12, 7)) == "December 2026"
    with override("zh-hans"):
        assert month(date(2026, 12, 7)) == "2026年12月"


def test_the_day_tag_gives_machines_the_date_too() -> None:
    with override("en"):
        assert render("{% day due_on today %}", due_on=date(2026, 12, 10), today=TODAY) == (
            '<time datetime="2026-12-10">10 Dec, in 3 days</time>'
        )
        assert render("{% day due_on today %}", due_on=None, today=TODAY) == "—"


def test_addresses_in_a_text_become_links_and_nothing_else_does() -> None:
    long = "https://home.example/act/" + "x" * 40 + "/?a=1&b=2"

    shown = addresses(f"已还：{long}\n<b> http://home.example/1/。")

    assert shown == (
        f'已还：<a href="{long.replace("&", "&amp;")}">https://home.example/act/xx…</a>\n'
        '&lt;b&gt; <a href="http://home.example/1/">http://home.example/1/</a>。'
    )
