"""The kinds of loan as terms: the first, second and last bill of each, to be redone by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.loanmath.checks import problems
from ledger.loanmath.money import Parts
from ledger.loanmath.presets import PRESETS, preset_terms
from ledger.loanmath.schedule import schedule
from ledger.loanmath.terms import PrepaymentTier

YEAR = Decimal("0.12")
Row = tuple[str, Parts]


def row(due_on: str, principal: int, interest: int = 0, fee: int = 0) -> Row:
    return due_on, Parts(principal=principal, interest=interest, fee=fee)


# 12,000.00 lent on 5 January 2026. Level over twelve equal months at 12 %: 12,000 × 0.01 ⁄ (1 − 1.01⁻¹²) = 1,066.19.
LEVEL = [row("2026-02-05", 94_619, 12_000), row("2026-03-05", 95_565, 11_054), row("2027-01-05", 105_558, 1_056)]
CASES: list[tuple[str, dict[str, Any], list[Row]]] = [
    # 36 days to 10 February: 12,000.00 × 0.12 × 36 ⁄ 360 = 144.00
    (
        "reserve",
        {"annual_rate": YEAR, "count": 12},
        [row("2026-02-10", 92_460, 14_400), row("2026-03-10", 96_523, 10_337), row("2027-01-10", 105_765, 1_093)],
    ),
    # 0.6 % of the price on every bill: 72.00; 12,000.01 in twelve leaves a cent for the first
    (
        "bnpl",
        {"annual_rate": Decimal(0), "count": 12, "flat_fee": 86_400, "principal": 1_200_001},
        [
            row("2026-02-10", 100_001, 0, 7_200),
            row("2026-03-10", 100_000, 0, 7_200),
            row("2027-01-10", 100_000, 0, 7_200),
        ],
    ),
    # likewise, and the cent is in the last
    (
        "card",
        {"annual_rate": Decimal(0), "count": 12, "flat_fee": 86_400, "principal": 1_200_001},
        [
            row("2026-02-25", 100_000, 0, 7_200),
            row("2026-03-25", 100_000, 0, 7_200),
            row("2027-01-25", 100_001, 0, 7_200),
        ],
    ),
    # 31 days to 5 February: 12,000.00 × 0.12 × 31 ⁄ 360 = 124.00
    (
        "online",
        {"annual_rate": YEAR, "count": 12},
        [row("2026-02-05", 94_284, 12_400), row("2026-03-05", 96_364, 10_320), row("2027-01-05", 105_592, 1_091)],
    ),
    ("car", {"annual_rate": YEAR, "count": 12}, LEVEL),
    ("mortgage", {"annual_rate": YEAR, "count": 12}, LEVEL),
    ("fund", {"annual_rate": YEAR, "count": 12}, LEVEL),
    ("student", {"annual_rate": YEAR, "count": 12}, LEVEL),
    ("eu", {"annual_rate": YEAR, "count": 12}, LEVEL),
    # 12,000.00 × 0.12 × 31 ⁄ 365 = 122.30
    (
        "us",
        {"annual_rate": YEAR, "count": 12},
        [row("2026-02-05", 94_361, 12_230), row("2026-03-05", 96_413, 10_178), row("2027-01-05", 105_513, 1_075)],
    ),
    (
        "pay_in_4",
        {},
        [row("2026-01-05", 300_000), row("2026-01-19", 300_000), row("2026-02-16", 300_000)],
    ),
    ("msi", {"count": 12}, [row("2026-02-20", 100_000), row("2026-03-20", 100_000), row("2027-01-20", 100_000)]),
    # 12,000.00 in seven: 1,714.28, and the four cents left over in the first
    (
        "parcelado",
        {"count": 7},
        [row("2026-02-10", 171_432), row("2026-03-10", 171_428), row("2026-08-10", 171_428)],
    ),
]


def terms_of(code: str, said: dict[str, Any]) -> Any:
    return preset_terms(code, **{"currency": "CNY", "principal": 1_200_000, "disbursed_on": date(2026, 1, 5), **said})


@pytest.mark.parametrize("code, said, expected", CASES, ids=[code for code, _, _ in CASES])
def test_the_bills_of_each_kind(code: str, said: dict[str, Any], expected: list[Row]) -> None:
    terms = terms_of(code, said)
    assert problems(terms) == []
    rows = schedule(terms)
    shown = [
        (one.due_on.isoformat(), Parts(principal=one.principal, interest=one.interest, fee=one.fee))
        for one in (rows[0], rows[1], rows[-1])
    ]
    assert shown == expected
    assert sum(one.principal for one in rows) == terms.principal


def test_a_state_student_loan_asks_once_a_year_and_the_last_time_in_september() -> None:
    """20,000.00 at 2.80 % from 1 September 2026, sixteen bills, five of interest alone. 110 days to 20 December:
    20,000.00 × 0.028 × 110 ⁄ 360 = 171.11; then 365 days a year: 567.78."""
    terms = terms_of(
        "state_student",
        {"principal": 2_000_000, "disbursed_on": date(2026, 9, 1), "annual_rate": Decimal("0.028"), "count": 16},
    )
    rows = schedule(terms)
    assert terms.last_due_on == date(2041, 9, 20)
    assert [(one.due_on, one.principal, one.interest) for one in rows[:3]] == [
        (date(2026, 12, 20), 0, 17_111),
        (date(2027, 12, 20), 0, 56_778),
        (date(2028, 12, 20), 0, 56_933),  # 366 days
    ]
    assert rows[-1].due_on == date(2041, 9, 20)
    assert [one.principal > 0 for one in rows] == [False] * 5 + [True] * 11


@pytest.mark.parametrize(
    "lent, count, last",
    [
        (date(2026, 9, 1), 1, date(2026, 9, 20)),
        (date(2026, 9, 20), 1, None),  # the money came on that day
        (date(2026, 9, 1), 2, date(2027, 9, 20)),
    ],
)
def test_the_last_bill_of_a_state_student_loan(lent: date, count: int, last: date | None) -> None:
    said = {"disbursed_on": lent, "annual_rate": Decimal("0.028"), "count": count, "principal_grace": 0}
    assert terms_of("state_student", said).last_due_on == last


def test_every_kind_is_in_a_table() -> None:
    assert {code for code, _, _ in CASES} | {"state_student"} == set(PRESETS)


def test_prepaying_an_eu_loan_costs_less_in_its_last_year() -> None:
    fee = terms_of("eu", {"annual_rate": YEAR, "count": 48}).prepayment_fee
    assert (fee.tiers, fee.fraction) == ((PrepaymentTier(36, Decimal("0.01")),), Decimal("0.005"))
    short = terms_of("eu", {"annual_rate": YEAR, "count": 12}).prepayment_fee
    assert (short.tiers, short.fraction) == ((), Decimal("0.005"))


def test_what_is_said_stands_in_place_of_what_is_usual() -> None:
    said = terms_of("car", {"annual_rate": YEAR, "count": 12, "first_due_on": date(2026, 3, 1)})
    assert (said.first_due_on, said.anchor_day) == (date(2026, 3, 1), None)
    assert said.penalty.annual_rate == Decimal("0.18")
