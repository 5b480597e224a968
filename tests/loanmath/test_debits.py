"""The moments at which a lender tries to debit a bill."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from ledger.loanmath.debits import DebitRule, moments, next_moment, passed_moments

SHANGHAI = ZoneInfo("Asia/Shanghai")
DUE = date(2026, 3, 10)
RULE = DebitRule(windows=("20:00", "09:30"))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=SHANGHAI)


def test_each_window_comes_on_the_due_day_and_five_more() -> None:
    found = list(moments(DUE, RULE, SHANGHAI))
    assert found == [moment for day in range(10, 16) for moment in (at(day, 9, 30), at(day, 20))]


def test_the_next_moment_is_later_than_the_last_try() -> None:
    assert next_moment([DUE], RULE, SHANGHAI) == at(10, 9, 30)
    assert next_moment([DUE], RULE, SHANGHAI, at(10, 9, 30)) == at(10, 20)
    assert next_moment([DUE], RULE, SHANGHAI, at(15, 20)) is None


def test_moments_that_have_passed_are_those_since_the_last_try_up_to_now() -> None:
    assert passed_moments([DUE], RULE, SHANGHAI, at(10, 9, 30), at(11, 9, 30)) == [at(10, 20), at(11, 9, 30)]
