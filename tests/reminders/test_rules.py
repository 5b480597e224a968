"""The days and moments of reminders, walked through the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from reminders import rules
from reminders.rules import DEFAULT, Asked, Drop, Policy, Reason, Send, Wait, Wording

SHANGHAI = ZoneInfo("Asia/Shanghai")
DUE = date(2026, 3, 10)
LONG_AGO = date(2025, 1, 1)

# the furthest east and west, half-hour zones, both hemispheres' summer times, a day left out (Samoa, 2011)
ZONES = [
    *("Pacific/Kiritimati", "Pacific/Niue", "Pacific/Apia", "Asia/Shanghai", "Asia/Kolkata", "UTC"),
    *("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns"),
]

LEFT_OUT = {"Pacific/Apia": date(2011, 12, 30)}


def asked(**more: object) -> Asked:
    return Asked(**({"payable_on": DUE, "open_amount": 100, "since": LONG_AGO} | more))  # type: ignore[arg-type]


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def judge(step: str, now: datetime, policy: Policy = DEFAULT, **more: object) -> rules.Verdict:
    return rules.judge_step(policy, step, DUE, asked(**more), now, SHANGHAI)


def test_the_default_ladder_goes_on_weekly_after_the_last_step() -> None:
    assert rules.steps(DEFAULT, 30) == [-7, -3, -1, 0, 1, 3, 7, 14, 21, 28]


def test_a_ladder_without_overdue_steps_still_nags_weekly_unless_told_not_to() -> None:
    assert rules.steps(Policy(days=(-3,)), 15) == [-3, 7, 14]
    assert rules.steps(Policy(days=(-3, 0), then_every=0), 15) == [-3, 0]
    assert rules.steps(Policy(is_on=False), 15) == []


@pytest.mark.parametrize(
    "days, expected",
    [(-8, None), (-7, -7), (-4, -7), (-3, -3), (-2, -3), (-1, -1), (0, 0), (2, 1), (6, 3), (13, 7), (14, 14)],
)
def test_the_latest_step_whose_day_has_come_is_the_one_called_for(days: int, expected: int | None) -> None:
    assert rules.called(DEFAULT, DUE, DUE + timedelta(days=days), LONG_AGO) == expected


def test_arrears_typed_in_with_an_old_loan_are_reminded_of_from_their_next_step_on() -> None:
    since = DUE + timedelta(days=5)
    assert rules.called(DEFAULT, DUE, since, since) is None
    assert rules.called(DEFAULT, DUE, DUE + timedelta(days=7), since) == 7


def test_after_downtime_the_steps_between_are_overtaken_by_the_latest() -> None:
    last_looked = DUE - timedelta(days=4)
    assert rules.overtaken(DEFAULT, DUE, last_looked, DUE + timedelta(days=1), LONG_AGO) == [-3, -1, 0]
    assert rules.overtaken(DEFAULT, DUE, DUE, DUE, LONG_AGO) == []


@pytest.mark.parametrize("name", ZONES)
def test_a_step_is_sent_at_the_first_moment_the_wall_clock_shows_its_hour(name: str) -> None:
    zone = ZoneInfo(name)
    for year in (2011, 2026):
        for days in range(400):
            day = date(year, 1, 1) + timedelta(days=days)
            moment = rules.moment(day, 9, zone)
            local = moment.astimezone(zone).replace(tzinfo=None)
            before = (moment - timedelta(minutes=1)).astimezone(zone).replace(tzinfo=None)
            assert local.date() == (day if day != LEFT_OUT.get(name) else day + timedelta(days=1))
            assert before.time() < time(9) == local.time()


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("anchor", [1, 28, 31])
def test_every_step_is_sent_exactly_once_in_every_zone(name: str, anchor: int) -> None:
    zone = ZoneInfo(name)
    due = date(2026, 3, anchor)
    bill = asked(payable_on=due)
    sent: list[tuple[str, date]] = []
    now = datetime.combine(due - timedelta(days=10), time(0), tzinfo=UTC)
    open_steps = {rules.step_key(step) for step in rules.steps(DEFAULT, 20)}
    while now.date() < due + timedelta(days=18):
        for step in sorted(open_steps):
            if isinstance(rules.judge_step(DEFAULT, step, due, bill, now, zone), Send):
                open_steps.discard(step)
                sent.append((step, now.astimezone(zone).date()))
        now += timedelta(minutes=30)
    assert sent == [(rules.step_key(step), due + timedelta(days=step)) for step in (-7, -3, -1, 0, 1, 3, 7, 14)]


def test_a_step_waits_for_its_moment_and_is_dropped_once_a_later_day_has_come() -> None:
    assert judge("T-1", at("2026-03-09T08:59")) == Wait(at("2026-03-09T09:00"))
    assert judge("T-1", at("2026-03-08T12:00")) == Wait(at("2026-03-09T09:00"))
    assert judge("T-1", at("2026-03-09T09:00")) == Send()
    assert judge("T-1", at("2026-03-10T00:30")) == Drop(Reason.OVERTAKEN)


def test_a_late_reminder_waits_for_the_end_of_the_quiet_hours() -> None:
    assert judge("T-3", at("2026-03-07T22:00")) == Wait(at("2026-03-08T08:00"))
    assert judge("T-3", at("2026-03-08T07:59")) == Wait(at("2026-03-08T08:00"))
    assert judge("T-3", at("2026-03-08T08:00")) == Send()


def test_what_is_due_tonight_does_not_wait_for_tomorrow() -> None:
    assert judge("T-0", at("2026-03-10T23:15")) == Send()


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"open_amount": 0}, Reason.SETTLED),
        ({"payable_on": date(2026, 3, 20)}, Reason.MOVED),
        ({"is_archived": True}, Reason.ARCHIVED),
        ({"is_member": False}, Reason.LEFT),
    ],
)
def test_what_no_longer_applies_is_dropped_with_its_reason(change: dict[str, object], reason: Reason) -> None:
    assert judge("T-1", at("2026-03-09T09:00"), **change) == Drop(reason)


def test_a_step_taken_off_the_ladder_is_dropped() -> None:
    assert judge("T-1", at("2026-03-09T09:00"), Policy(days=(-3, 0))) == Drop(Reason.SWITCHED_OFF)
    assert judge("T-1", at("2026-03-09T09:00"), Policy(is_on=False)) == Drop(Reason.SWITCHED_OFF)


def test_a_question_is_dropped_once_answered_and_a_failed_debit_once_paid() -> None:
    noon = at("2026-03-10T12:00")
    assert rules.judge_question(DEFAULT, asked(open_amount=0), noon, SHANGHAI, is_open=True) == Send()
    assert rules.judge_question(DEFAULT, asked(), noon, SHANGHAI, is_open=False) == Drop(Reason.ANSWERED)
    assert rules.judge_notice(DEFAULT, DUE, asked(open_amount=0), noon, SHANGHAI) == Drop(Reason.SETTLED)
    assert rules.judge_notice(DEFAULT, DUE, asked(), at("2026-03-10T22:30"), SHANGHAI) == Send()
    assert rules.judge_notice(DEFAULT, DUE, asked(), at("2026-03-11T22:30"), SHANGHAI) == Wait(at("2026-03-12T08:00"))


@pytest.mark.parametrize(
    "days_left, auto_repay, short, expected",
    [
        (3, False, False, Wording.COMING),
        (0, False, False, Wording.DUE_TODAY),
        (-1, True, True, Wording.OVERDUE),
        (3, True, False, Wording.WILL_DEBIT),
        (0, True, False, Wording.WILL_DEBIT),
        (1, True, True, Wording.SHORT),
    ],
)
def test_the_wording_follows_the_day_and_the_account(
    days_left: int, auto_repay: bool, short: bool, expected: Wording
) -> None:
    assert rules.wording(days_left, auto_repay=auto_repay, short=short) == expected
