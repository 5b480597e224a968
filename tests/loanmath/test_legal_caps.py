"""Legal caps: which were in force on a day, with their figure, date and source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ledger.loanmath.legal_caps import CAPS, ONE_YEAR_LPR, PLACES, CapKind, caps_on, one_year_lpr


def kinds(day: str, place: str) -> list[CapKind]:
    return [cap.kind for cap in caps_on(date.fromisoformat(day), place)]


def four_times(day: str) -> str:
    [cap] = [cap for cap in caps_on(date.fromisoformat(day), "CN") if cap.kind is CapKind.CN_PRIVATE_LPR]
    assert cap.figure is not None
    return f"{cap.figure * 100:.1f}"


def test_four_times_the_lpr_follows_each_of_its_changes() -> None:
    days = (
        "2020-08-20 2021-12-20 2022-01-20 2022-08-22 2023-06-20 2023-08-21 2024-07-22 2024-10-21 2025-05-20 2026-04-20"
    )
    found = [four_times(day) for day in days.split()]
    assert found == ["15.4", "15.2", "14.8", "14.6", "14.2", "13.8", "13.4", "12.4", "12.0", "12.0"]


@pytest.mark.parametrize(
    ("day", "rate"),
    [("2019-08-19", None), ("2019-08-20", "0.0425"), ("2020-04-19", "0.0405"), ("2030-01-01", "0.03")],
)
def test_the_lpr_holds_from_its_day_on(day: str, rate: str | None) -> None:
    assert one_year_lpr(date.fromisoformat(day)) == (None if rate is None else Decimal(rate))


def test_rules_change_on_their_day() -> None:
    before, after = kinds("2020-08-19", "CN"), kinds("2020-08-20", "CN")
    cards = [CapKind.CN_CARD_CEILING, CapKind.CN_CARD_FLOOR]
    assert before == [CapKind.CN_PRIVATE_PROTECTED, CapKind.CN_PRIVATE_VOID, *cards]
    assert after == [CapKind.CN_PRIVATE_LPR, *cards]
    assert kinds("2025-10-01", "CN") == [
        CapKind.CN_PRIVATE_LPR,
        CapKind.CN_LICENSED_EXEMPT,
        CapKind.CN_ONLINE_BANK,
        CapKind.CN_CARD_FREE,
    ]
    assert kinds("2024-01-02", "BR") == [CapKind.BR_LATE_FEE]
    assert kinds("2024-01-03", "BR") == [CapKind.BR_CARD_TOTAL, CapKind.BR_LATE_FEE]


def test_a_place_nobody_wrote_down_has_none() -> None:
    assert caps_on(date(2026, 1, 1), "US") == ()


def test_every_cap_has_a_source_a_day_and_a_place() -> None:
    assert [day for day, _ in ONE_YEAR_LPR] == sorted(day for day, _ in ONE_YEAR_LPR)
    assert {cap.place for cap in CAPS} == set(PLACES.values())
    assert {cap.kind for cap in CAPS} == set(CapKind)
    assert all(cap.source and (cap.until is None or cap.since < cap.until) for cap in CAPS)
