"""Bills of 400 days walked through in ten time zones, as planner and outbox do: every step once, at its local moment.

What is expected is worked out here from the calendar alone. Bills stay open for twenty days and are then paid.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from reminders import rules
from reminders.rules import DEFAULT, Asked, Days, Drop, Reason, Send, Wait

ZONES = [
    *("Pacific/Kiritimati", "Pacific/Niue", "Asia/Shanghai", "Asia/Kolkata", "Asia/Kathmandu"),  # +14, -11, half hours
    *("America/New_York", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca"),  # DST
]
FIRST, LAST = date(2026, 1, 1), date(2027, 2, 4)  # 400 days
DUE_DAYS = (1, 28, 29, 30, 31)
GRACE = 5
OPEN_FOR = timedelta(days=20)
LONG_AGO = date(2025, 1, 1)
MINUTE, HALF_HOUR, DAY = timedelta(minutes=1), timedelta(minutes=30), timedelta(days=1)
NUMBERED = (-7, -3, -1, 0, 1, 3, 7, 14)


def due_dates(due_day: int) -> list[date]:
    """The due day of every month, in a shorter one its last day."""
    months = [(2026, month) for month in range(1, 13)] + [(2027, 1)]
    return [date(year, month, min(due_day, monthrange(year, month)[1])) for year, month in months]


def bill(due_on: date, before: date) -> Days:
    """A bill with five days of grace, due on a day off where that is a Saturday or Sunday."""
    friday = due_on - timedelta(days=due_on.weekday() - 4) if due_on.weekday() > 4 else None
    return Days(due_on, before, GRACE, friday)


def expected(days: Days) -> Counter[tuple[str, datetime]]:
    """Each step of a bill with the wall clock's time at which it is to be sent, while the walk lasts."""
    due, nine = days.payable_on, time(9)
    found = {due + timedelta(days=step): rules.step_key(step) for step in NUMBERED}
    found |= {due + timedelta(days=GRACE): "grace"}
    if days.working_on is not None and days.working_on not in found:
        found[days.working_on] = "working_day"
    found[max(days.starts_on or due, due - timedelta(days=21))] = "issued"
    steps = [(key, datetime.combine(day, nine)) for day, key in found.items()]
    evening = [("evening", datetime.combine(due, time(20))), ("second", datetime.combine(due, time(18)))]
    return Counter(step for step in steps + evening if FIRST <= step[1].date() <= LAST)


@dataclass(slots=True)
class Row:
    step: str
    next_at: datetime
    sent_at: datetime | None = None
    dropped: Reason | None = None

    @property
    def is_waiting(self) -> bool:
        return self.sent_at is None and self.dropped is None


def walk(days: Days, zone: ZoneInfo) -> list[Row]:
    """What becomes of a bill's messages when planner and outbox look each half hour, at no round local time."""
    rows: dict[str, Row] = {}
    looked_on, wake = FIRST - DAY, rules.moment(FIRST, 0, zone)
    now = rules.moment(FIRST, 0, zone) + 7 * MINUTE
    end = rules.moment(min(LAST, days.payable_on + timedelta(days=40)) + DAY, 0, zone)
    while now < end:
        today = now.astimezone(zone).date()
        is_open = today < days.payable_on + OPEN_FOR
        if wake <= now and is_open:
            calls = rules.calls(DEFAULT, days, now, zone, LONG_AGO, looked_on)
            wanted = [(step.key, step.at(zone)) for step in calls.wanted]
            if today <= days.payable_on <= today + DAY:
                wanted.append((rules.SECOND, rules.moment(days.payable_on, 18, zone)))
            for key, at in wanted:
                rows.setdefault(key, Row(key, at))
            assert calls.overtaken == ()
            coming = [day for day in (calls.next_on, days.payable_on) if day is not None and day > today + DAY]
            wake, looked_on = rules.moment(min(coming) - DAY, 0, zone), today
        for row in rows.values():
            if row.is_waiting and row.next_at <= now:
                look(row, days, now, zone, is_open=is_open)
        waiting = [row.next_at for row in rows.values() if row.is_waiting]
        now += HALF_HOUR * max(1, -(-(min([wake, end, *waiting]) - now) // HALF_HOUR))  # nothing happens in between
    return list(rows.values())


def look(row: Row, days: Days, now: datetime, zone: ZoneInfo, *, is_open: bool) -> None:
    asked = Asked(
        payable_on=days.payable_on,
        open_amount=100 if is_open else 0,
        since=LONG_AGO,
        starts_on=days.starts_on,
        grace_days=days.grace_days,
        working_on=days.working_on,
        is_second=row.step == rules.SECOND,
    )
    verdict = rules.judge_step(DEFAULT, row.step, days.payable_on, asked, now, zone)
    match verdict:
        case Send():
            row.sent_at = now
        case Wait(until):
            row.next_at = until
        case Drop(reason):
            row.dropped = reason


@pytest.mark.parametrize("due_day", DUE_DAYS)
@pytest.mark.parametrize("name", ZONES)
def test_every_step_is_sent_once_at_its_moment_and_none_in_the_quiet_hours(name: str, due_day: int) -> None:
    zone = ZoneInfo(name)
    due = due_dates(due_day)
    for before, due_on in zip([date(2025, 12, min(due_day, 31)), *due], due, strict=False):
        days = bill(due_on, before)
        sent: Counter[tuple[str, datetime]] = Counter()
        for row in walk(days, zone):
            if row.sent_at is None:  # planned for the day after the walk or the payment
                assert row.dropped is Reason.SETTLED or row.next_at.astimezone(zone).date() > LAST, (row, days)
                continue
            local = row.sent_at.astimezone(zone)
            assert not DEFAULT.is_quiet(local.hour), (row, days)
            late = row.sent_at - row.next_at
            assert timedelta(0) <= late < HALF_HOUR, (row, days)  # never early, late by no more than the walk's step
            sent[row.step, row.next_at.astimezone(zone).replace(tzinfo=None)] += 1
        assert sent == expected(days), days


@pytest.mark.parametrize("name", ZONES)
def test_on_the_days_of_a_clock_change_a_step_is_neither_early_nor_twice(name: str) -> None:
    zone = ZoneInfo(name)
    for number in range(400):
        due = FIRST + timedelta(days=number)
        asked = Asked(due, 100, LONG_AGO)
        for step, day, hour in (("T-1", due - DAY, 9), ("T-0", due, 9), ("evening", due, 20), ("second", due, 18)):
            asked_of = Asked(due, 100, LONG_AGO, is_second=True) if step == "second" else asked
            at = datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)
            early = rules.judge_step(DEFAULT, step, due, asked_of, at - MINUTE, zone)
            assert early == Wait(at), (step, due)
            assert rules.judge_step(DEFAULT, step, due, asked_of, at, zone) == Send()
            next_day = rules.moment(day + DAY, 0, zone)
            assert rules.judge_step(DEFAULT, step, due, asked_of, next_day, zone) == Drop(Reason.OVERTAKEN)
