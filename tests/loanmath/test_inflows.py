"""On which days a salary is expected, and how much by when, by hand-made examples and properties."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.loanmath.calendars import WEEKENDS, Calendar
from ledger.loanmath.inflows import SHIFTS, Arrival, Expected, InflowPlan, Repeats, expected
from ledger.loanmath.terms import HolidayRule

BEFORE, AFTER = HolidayRule.PREVIOUS_WORKDAY, HolidayRule.NEXT_WORKDAY
SALARY = 1_200_000


def day(text: str) -> date:
    return date.fromisoformat(text)


def plan(repeats: Repeats = Repeats.MONTHLY, starts_on: str = "2026-01-01", **more: object) -> InflowPlan:
    if repeats is Repeats.MONTHLY:
        more = {"day": 15} | more
    return InflowPlan(SALARY, repeats, day(starts_on), **more)


def days(of: InflowPlan, first: str, last: str) -> list[str]:
    return [one.isoformat() for one in of.days(day(first), day(last))]


def test_a_salary_comes_on_the_15th_of_each_month():
    assert days(plan(), "2026-01-15", "2026-04-15") == ["2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15"]
    assert days(plan(), "2026-01-16", "2026-02-14") == []


def test_the_first_is_the_first_such_day_not_before_the_plan_begins():
    assert days(plan(starts_on="2026-01-15"), "2025-01-01", "2026-02-28") == ["2026-01-15", "2026-02-15"]
    assert days(plan(starts_on="2026-01-16"), "2025-01-01", "2026-02-28") == ["2026-02-15"]


def test_the_31st_is_the_last_day_of_each_month_and_does_not_drift():
    last = plan(day=31)
    assert days(last, "2026-01-01", "2026-05-31") == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
    ]
    assert days(last, "2028-02-01", "2028-02-29") == ["2028-02-29"]
    assert days(plan(day=30, starts_on="2026-02-28"), "2026-02-01", "2026-03-31") == ["2026-02-28", "2026-03-30"]


def test_it_ends_with_its_last_day():
    assert days(plan(until=day("2026-02-15")), "2026-01-01", "2026-12-31") == ["2026-01-15", "2026-02-15"]
    assert days(plan(until=day("2026-02-14")), "2026-01-01", "2026-12-31") == ["2026-01-15"]


def test_weekly_and_every_two_weeks_count_from_the_first_day():
    weekly, fortnightly = plan(Repeats.WEEKLY, "2026-01-02"), plan(Repeats.FORTNIGHTLY, "2026-01-02")
    assert days(weekly, "2025-12-01", "2026-01-20") == ["2026-01-02", "2026-01-09", "2026-01-16"]
    assert days(fortnightly, "2026-01-03", "2026-02-13") == ["2026-01-16", "2026-01-30", "2026-02-13"]
    assert days(fortnightly, "2026-01-16", "2026-01-16") == ["2026-01-16"]


def test_once_comes_once():
    bonus = plan(Repeats.ONCE, "2026-01-20")
    assert days(bonus, "2026-01-01", "2026-12-31") == ["2026-01-20"]
    assert days(bonus, "2026-01-21", "2026-12-31") == []
    assert days(bonus, "2026-01-01", "2026-01-19") == []


def test_what_falls_on_a_weekend_comes_the_working_day_before_or_after():
    # 15 February and 15 March 2026 are Sundays.
    assert days(plan(), "2026-02-01", "2026-03-31") == ["2026-02-15", "2026-03-15"]
    assert days(plan(shift=BEFORE), "2026-02-01", "2026-03-31") == ["2026-02-13", "2026-03-13"]
    assert days(plan(shift=AFTER), "2026-02-01", "2026-03-31") == ["2026-02-16", "2026-03-16"]


def test_a_day_moved_out_of_the_span_is_not_in_it_and_one_moved_in_is():
    assert days(plan(shift=BEFORE), "2026-02-14", "2026-02-28") == []
    assert days(plan(shift=BEFORE), "2026-02-01", "2026-02-13") == ["2026-02-13"]
    assert days(plan(shift=AFTER), "2026-02-01", "2026-02-15") == []
    assert days(plan(shift=AFTER), "2026-02-16", "2026-02-28") == ["2026-02-16"]


def test_the_end_of_a_plan_is_held_against_the_planned_day():
    assert days(plan(shift=AFTER, until=day("2026-02-15")), "2026-02-01", "2026-12-31") == ["2026-02-16"]
    assert days(plan(shift=BEFORE, starts_on="2026-02-14"), "2026-02-01", "2026-02-28") == ["2026-02-13"]


def test_two_that_are_moved_to_one_day_are_both_money():
    # From Thursday 1 to Thursday 8 October nobody works.
    golden_week = Calendar(holidays=frozenset(day("2026-10-01") + timedelta(days=n) for n in range(8)))
    weekly = plan(Repeats.WEEKLY, "2026-10-01", shift=AFTER, calendar=golden_week)
    assert days(weekly, "2026-10-01", "2026-10-15") == ["2026-10-09", "2026-10-09", "2026-10-15"]
    assert weekly.next_from(day("2026-10-02")) == day("2026-10-09")


def test_the_next_one_is_the_first_from_a_day_on():
    assert plan().next_from(day("2026-01-15")) == day("2026-01-15")
    assert plan().next_from(day("2026-01-16")) == day("2026-02-15")
    assert plan(shift=BEFORE).next_from(day("2026-02-14")) == day("2026-03-13")
    assert plan(shift=AFTER).next_from(day("2026-02-16")) == day("2026-02-16")
    assert plan(until=day("2026-01-15")).next_from(day("2026-01-16")) is None
    assert plan(Repeats.ONCE, "2026-01-20").next_from(day("2026-01-01")) == day("2026-01-20")
    assert plan(Repeats.ONCE, "2026-01-20").next_from(day("2026-01-21")) is None


def test_what_is_expected_is_the_sum_and_its_parts():
    salary = plan(id=1)
    rent = InflowPlan(30_000, Repeats.WEEKLY, day("2026-01-08"), id=2)
    assert expected([rent, salary], day("2026-01-08"), day("2026-01-22")) == Expected(
        SALARY + 60_000,
        (
            Arrival(day("2026-01-15"), SALARY, 1),
            Arrival(day("2026-01-15"), 30_000, 2),
            Arrival(day("2026-01-22"), 30_000, 2),
        ),
    )
    assert expected([salary], day("2026-01-15"), day("2026-02-14")) == Expected()
    assert expected([], day("2026-01-01"), day("2026-12-31")) == Expected()


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": -1},
        {"repeats": Repeats.MONTHLY},
        {"day": 15},
        {"repeats": Repeats.MONTHLY, "day": 0},
        {"repeats": Repeats.MONTHLY, "day": 32},
        {"until": date(2025, 12, 31)},
        {"shift": HolidayRule.NEXT_DUE_DATE},
    ],
)
def test_what_makes_no_plan_is_refused(wrong):
    said = {"amount": 1, "repeats": Repeats.WEEKLY, "starts_on": date(2026, 1, 1)}
    with pytest.raises(ValueError, match=r"inflow|month"):
        InflowPlan(**(said | wrong))


SOME_DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31))
HOLIDAYS = st.frozensets(SOME_DAYS, max_size=40)


@st.composite
def plans(draw: st.DrawFn) -> InflowPlan:
    repeats = draw(st.sampled_from(Repeats))
    starts_on = draw(SOME_DAYS)
    return InflowPlan(
        amount=draw(st.integers(1, 10**13)),
        repeats=repeats,
        starts_on=starts_on,
        day=draw(st.integers(1, 31)) if repeats is Repeats.MONTHLY else None,
        until=draw(st.none() | st.integers(0, 800).map(lambda n: starts_on + timedelta(days=n))),
        shift=draw(st.sampled_from(SHIFTS)),
        calendar=Calendar(holidays=draw(HOLIDAYS)),
    )


@given(plans(), SOME_DAYS, st.integers(0, 500), st.integers(0, 500))
def test_a_span_is_the_sum_of_its_parts(one: InflowPlan, first: date, length: int, cut: int):
    last, middle = first + timedelta(days=length), first + timedelta(days=min(cut, length))
    whole = expected([one], first, last)
    parts = [expected([one], first, middle), expected([one], middle, last)]
    assert whole == Expected(sum(part.total for part in parts), parts[0].arrivals + parts[1].arrivals)


@given(plans(), SOME_DAYS, st.integers(0, 800))
def test_it_comes_on_working_days_alone_where_it_is_moved(one: InflowPlan, first: date, length: int):
    found = one.days(first, first + timedelta(days=length))
    assert found == sorted(found)
    assert one.shift is HolidayRule.SAME_DAY or all(one.calendar.is_working_day(day) for day in found)


@given(plans(), SOME_DAYS)
def test_the_next_day_is_the_first_of_the_days_to_come(one: InflowPlan, first: date):
    horizon = max(first, one.starts_on) + timedelta(days=120)
    assert one.next_from(first) == next(iter(one.days(first, horizon)), None)


@given(plans(), st.integers(0, 400))
def test_moving_never_loses_or_adds_money(one: InflowPlan, length: int):
    """Over the whole of a plan as many come as were planned, wherever each is moved."""
    until = one.starts_on + timedelta(days=length)
    bounded = InflowPlan(one.amount, one.repeats, one.starts_on, one.day, until)
    moved = InflowPlan(one.amount, one.repeats, one.starts_on, one.day, until, one.shift, one.calendar)
    span = one.starts_on - timedelta(days=60), until + timedelta(days=60)
    assert len(moved.days(*span)) == len(bounded.days(*span))


def test_weekends_are_the_calendar_where_nothing_is_said():
    assert plan().calendar == WEEKENDS
