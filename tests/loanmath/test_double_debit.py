"""A repayment by hand on the day of a debit: before the windows, at their edges, between and after them."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from ledger.loanmath.debits import DebitRule
from ledger.loanmath.double_debit import Clash, clash

SHANGHAI = ZoneInfo("Asia/Shanghai")
DUE = date(2026, 3, 10)
TWO = DebitRule(retry_days=())  # 09:30 and 15:30
EVENING = DebitRule(windows=("17:00-24:00",), retry_days=(3,), retry_windows=("06:00-12:00",))


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime.combine(date(2026, 3, day), time(hour, minute, second), tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    "now, found",
    [
        (at(9, 23, 59, 59), Clash(at(10, 9, 30))),  # paid on the 10th, planned the evening before
        (at(10, 9, 29, 59), Clash(at(10, 9, 30))),
        (at(10, 9, 30), Clash(at(10, 9, 30), at(10, 10, 30))),
        (at(10, 10, 30), Clash(at(10, 9, 30), at(10, 10, 30))),
        (at(10, 10, 30, 1), Clash(at(10, 15, 30))),
        (at(10, 15, 30), Clash(at(10, 15, 30), at(10, 16, 30))),
        (at(10, 16, 30, 1), None),
    ],
)
def test_around_the_windows_of_the_due_day(now: datetime, found: Clash | None) -> None:
    assert clash([DUE], TWO, SHANGHAI, DUE, now) == found


@pytest.mark.parametrize(
    "now, found",
    [
        (at(10, 16, 59, 59), Clash(at(10, 17))),
        (at(10, 17), Clash(at(10, 17), at(10, 23, 59))),
        (at(10, 23, 59), Clash(at(10, 17), at(10, 23, 59))),
        (at(10, 23, 59, 1), None),
    ],
)
def test_around_a_span(now: datetime, found: Clash | None) -> None:
    assert clash([DUE], EVENING, SHANGHAI, DUE, now) == found


def test_the_morning_of_the_third_day_after_counts_too() -> None:
    assert clash([DUE], EVENING, SHANGHAI, date(2026, 3, 13), at(13, 7)) == Clash(at(13, 6), at(13, 12))


def test_another_day_meets_no_debit_even_while_a_window_is_open() -> None:
    assert clash([DUE], TWO, SHANGHAI, date(2026, 3, 9), at(10, 10)) is None
    assert clash([DUE], TWO, SHANGHAI, date(2026, 3, 12), at(10, 10)) is None


def test_the_earliest_of_several_bills() -> None:
    days = [date(2026, 3, 12), DUE]
    rule = DebitRule(windows=("09:30",), retry_days=(2,), retry_windows=("08:00",))
    assert clash(days, rule, SHANGHAI, date(2026, 3, 12), at(12, 7)) == Clash(at(12, 8))


def test_nothing_is_debited_in_a_pause_or_without_bills() -> None:
    paused = DebitRule(paused_on=date(2026, 3, 10))
    assert clash([DUE], paused, SHANGHAI, DUE, at(10, 9, 45)) is None
    assert clash([], TWO, SHANGHAI, DUE, at(10, 9, 45)) is None
