"""The kinds of lenders by when they debit: what each tries for a bill payable on 10 March."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from ledger.loanmath.debit_presets import BY_CODE, DEBIT_PRESETS, preset_of
from ledger.loanmath.debits import DebitRule, moments

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "code, tries",
    [
        ("due_day", ["10 09:30", "10 15:30"]),
        ("morning", [f"{day} {at}" for day in range(10, 16) for at in ("09:30", "15:30")]),
        ("daily", ["10 11:30", "10 19:00", "11 11:30", "11 19:00", "12 11:30", "12 19:00"]),
        ("halves", [f"{day} {at}" for day in (10, 11) for at in ("00:00", "12:00", "17:00", "21:00")]),
        ("evening", ["10 17:00", "10 23:59", "13 06:00", "13 12:00"]),
        ("day_before", ["09 09:00", "09 14:00", "09 20:00"]),
        ("upi", ["10 00:00", "10 10:00", "10 13:00", "10 17:00", "10 21:30", "10 23:59"]),
    ],
)
def test_when_each_kind_of_lender_tries(code: str, tries: list[str]) -> None:
    found = [at.strftime("%d %H:%M") for at in moments(date(2026, 3, 10), BY_CODE[code].rule, SHANGHAI)]
    assert found[: len(tries)] == tries
    assert len(found) == (2 * 91 if code == "daily" else len(tries))  # daily: the due day and 90 more


def test_which_take_a_part() -> None:
    assert [preset.code for preset in DEBIT_PRESETS if preset.partial] == ["daily", "evening"]


def test_a_rule_is_known_by_what_it_says() -> None:
    paused = DebitRule(retry_days=(), paused_on=date(2026, 3, 1))
    assert preset_of(paused, partial=False) == BY_CODE["due_day"]
    assert preset_of(paused, partial=True) is None
    assert all(preset_of(preset.rule, preset.partial) == preset for preset in DEBIT_PRESETS)
