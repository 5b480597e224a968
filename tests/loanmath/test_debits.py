"""The moments at which lenders try to debit a bill, each kind of lender by an example."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.loanmath.debits import DebitRule, looks, moments, next_moment, open_window, passed_moments, window

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
DUE = date(2026, 3, 10)
RULE = DebitRule(windows=("20:00", "09:30"))


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


def said(rule: DebitRule, due: date = DUE, zone: ZoneInfo = SHANGHAI) -> list[str]:
    return [f"{moment:%m-%d %H:%M}" for moment in moments(due, rule, zone)]


# --- Each kind of lender (loan-rules.md)


def test_two_tries_on_the_due_day_and_none_after() -> None:
    assert said(DebitRule(windows=("09:30", "15:30"), retry_days=())) == ["03-10 09:30", "03-10 15:30"]


def test_each_window_comes_on_the_due_day_and_five_more() -> None:
    found = list(moments(DUE, RULE, SHANGHAI))
    assert found == [moment for day in range(10, 16) for moment in (at(day, 9, 30), at(day, 20))]


def test_every_day_while_it_is_overdue_for_ninety_days() -> None:
    found = said(DebitRule(windows=("11:30", "19:00"), retry_days=(), daily=True))
    assert found[:5] == ["03-10 11:30", "03-10 19:00", "03-11 11:30", "03-11 19:00", "03-12 11:30"]
    assert (len(found), found[-1]) == (2 * 91, "06-08 19:00")


def test_the_day_before_the_due_day_and_again_on_it() -> None:
    rule = DebitRule(windows=("09:00", "12:00", "18:00"), day_offset=-1, retry_days=(0,), retry_windows=("10:00",))
    assert said(rule) == ["03-09 09:00", "03-09 12:00", "03-09 18:00", "03-10 10:00"]


def test_an_evening_is_looked_at_when_it_opens_and_as_it_closes_and_topped_up_three_days_later() -> None:
    rule = DebitRule(windows=("17:00-24:00",), retry_days=(3,), retry_windows=("08:00",))
    assert said(rule) == ["03-10 17:00", "03-10 23:59", "03-13 08:00"]


def test_at_most_so_many_looks_a_day_count() -> None:
    rule = DebitRule(windows=("06:00-10:00", "13:00"), retry_days=(1,), tries_a_day=2)
    assert said(rule) == ["03-10 06:00", "03-10 10:00", "03-11 06:00", "03-11 10:00"]
    assert len(looks(DebitRule(windows=("06:00-10:00", "13:00")), 0)) == 3


def test_days_go_on_over_the_end_of_a_month_and_of_february() -> None:
    rule = DebitRule(windows=("09:30",), retry_days=(1, 2))
    assert said(rule, date(2026, 2, 28)) == ["02-28 09:30", "03-01 09:30", "03-02 09:30"]
    assert said(rule, date(2028, 2, 28)) == ["02-28 09:30", "02-29 09:30", "03-01 09:30"]
    assert said(DebitRule(windows=("09:30",), day_offset=-1, retry_days=()), date(2027, 1, 1)) == ["12-31 09:30"]


# --- Pauses


def test_no_moment_falls_into_a_pause_and_the_day_it_ends_is_none_of_it() -> None:
    rule = DebitRule(
        windows=("09:30",), retry_days=(1, 2, 3), paused_on=date(2026, 3, 11), resumes_on=date(2026, 3, 13)
    )
    assert said(rule) == ["03-10 09:30", "03-13 09:30"]
    for_good = DebitRule(windows=("09:30",), retry_days=(1, 2, 3), paused_on=date(2026, 3, 11))
    assert said(for_good) == ["03-10 09:30"]
    assert open_window(DUE, for_good, SHANGHAI, at(11, 9, 40)) is None


# --- Clocks that jump


def test_a_window_in_the_hour_that_is_missing_comes_as_much_later() -> None:
    """On 29 March 2026 Berlin's clocks go from 02:00 to 03:00: 02:30 and 03:30 are one moment, 01:30 UTC."""
    rule = DebitRule(windows=("02:30", "03:10", "03:30"), retry_days=())
    found = list(moments(date(2026, 3, 29), rule, BERLIN))
    assert [moment.astimezone(UTC) for moment in found] == [
        datetime(2026, 3, 29, 1, 10, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    ]
    assert passed_moments([date(2026, 3, 29)], rule, BERLIN, found[0], found[1]) == [found[1]]
    assert next_moment([date(2026, 3, 29)], rule, BERLIN, found[1]) is None


def test_a_window_in_the_hour_that_comes_twice_comes_once() -> None:
    """On 25 October 2026 02:30 comes at 00:30 and at 01:30 UTC."""
    rule = DebitRule(windows=("02:30", "03:00"), retry_days=())
    found = [moment.astimezone(UTC) for moment in moments(date(2026, 10, 25), rule, BERLIN)]
    assert found == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC)]


# --- The next one, and those that have passed


def test_the_next_moment_is_later_than_the_last_try() -> None:
    assert next_moment([DUE], RULE, SHANGHAI) == at(10, 9, 30)
    assert next_moment([DUE], RULE, SHANGHAI, at(10, 9, 30)) == at(10, 20)
    assert next_moment([DUE], RULE, SHANGHAI, at(15, 20)) is None
    assert next_moment([], RULE, SHANGHAI) is None


def test_an_old_bill_is_taken_up_at_the_windows_of_a_later_one() -> None:
    days = [DUE, date(2026, 4, 10), date(2026, 5, 10)]
    assert next_moment(days, RULE, SHANGHAI, at(15, 20)) == at(10, 9, 30, month=4)
    once = DebitRule(windows=("09:30",), retry_days=())
    assert passed_moments(days, once, SHANGHAI, at(10, 10), at(11, 9, month=5)) == [
        at(10, 9, 30, month=4),
        at(10, 9, 30, month=5),
    ]


def test_where_tries_of_two_bills_interleave_the_earlier_moment_is_next() -> None:
    weekly = [DUE, date(2026, 3, 12)]
    late = DebitRule(windows=("20:00",), retry_days=(5,))  # 10th and 15th; 12th and 17th
    assert next_moment(weekly, late, SHANGHAI, at(10, 20)) == at(12, 20)


def test_moments_that_have_passed_are_those_since_the_last_try_up_to_now() -> None:
    assert passed_moments([DUE], RULE, SHANGHAI, at(10, 9, 30), at(11, 9, 30)) == [at(10, 20), at(11, 9, 30)]


# --- Windows


@pytest.mark.parametrize("text", ["24:00", "25:00", "9", "", "10:00-09:00", "10:00-10:00", "23:59-24:00", "09:30-"])
def test_what_is_no_window_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"."):
        window(text)


def test_a_window_is_open_from_its_beginning_for_an_hour_or_to_its_end() -> None:
    rule = DebitRule(windows=("09:30", "17:00-24:00"), retry_days=(3,), retry_windows=("08:00",))
    morning, evening = (at(10, 9, 30), at(10, 10, 30)), (at(10, 17), at(10, 23, 59))
    assert [open_window(DUE, rule, SHANGHAI, at(10, *time)) for time in ((9, 29), (9, 30), (10, 30), (10, 31))] == [
        None,
        morning,
        morning,
        None,
    ]
    assert open_window(DUE, rule, SHANGHAI, at(10, 20)) == evening
    assert open_window(DUE, rule, SHANGHAI, at(13, 8, 30)) == (at(13, 8), at(13, 9))
    assert open_window(DUE, rule, SHANGHAI, at(13, 20)) is None  # a day of other windows
    assert open_window(DUE, rule, SHANGHAI, at(12, 9, 40)) is None  # no day of debits


def test_no_window_is_open_once_the_tries_of_the_day_are_used_up() -> None:
    rule = DebitRule(windows=("09:30", "15:30"), tries_a_day=1)
    assert open_window(DUE, rule, SHANGHAI, at(10, 9, 40)) == (at(10, 9, 30), at(10, 10, 30))
    assert open_window(DUE, rule, SHANGHAI, at(10, 15, 40)) is None


RULES = st.builds(
    DebitRule,
    windows=st.lists(st.sampled_from(["01:30", "02:30", "03:00", "03:30", "17:00-24:00"]), min_size=1).map(tuple),
    day_offset=st.sampled_from([-1, 0]),
    retry_days=st.lists(st.integers(0, 6)).map(tuple),
    retry_windows=st.sampled_from([(), ("02:15",)]),
    tries_a_day=st.integers(0, 2),
    paused_on=st.one_of(st.none(), st.dates(date(2026, 3, 20), date(2026, 4, 5))),
)
DAYS = st.lists(st.dates(date(2026, 3, 15), date(2026, 4, 5)), min_size=1, max_size=3, unique=True).map(sorted)
MOMENTS = st.integers(0, 60_000).map(lambda minutes: datetime(2026, 3, 10, tzinfo=UTC) + timedelta(minutes=minutes))


@given(RULES, DAYS, MOMENTS)
def test_going_from_one_moment_to_the_next_meets_all_that_have_passed(rule, days, start) -> None:
    met = []
    moment = next_moment(days, rule, BERLIN, start)
    while moment is not None:
        met.append(moment)
        moment = next_moment(days, rule, BERLIN, moment)
    assert met == passed_moments(days, rule, BERLIN, start, datetime(2027, 1, 1, tzinfo=UTC))
