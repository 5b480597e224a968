"""The days and moments of reminders, walked through the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from reminders import rules
from reminders.rules import DEFAULT, Asked, Calls, Days, Drop, Policy, Reason, Send, Step, Wait, Wording

SHANGHAI = ZoneInfo("Asia/Shanghai")
DUE = date(2026, 3, 10)
LONG_AGO = date(2025, 1, 1)
BARE = Days(DUE)
NUMBERS = Policy(also=())  # the numbered steps alone

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


def test_a_numbered_step_is_known_by_its_number() -> None:
    assert [rules.step_key(step) for step in (-7, 0, 14)] == ["T-7", "T-0", "T+14"]
    assert [rules.step_of(key) for key in ("T-7", "T-0", "T+14")] == [-7, 0, 14]
    assert [rules.is_numbered(key) for key in ("T-7", "issued", "second")] == [True, False, False]


def test_a_ladder_without_overdue_steps_still_nags_weekly_unless_told_not_to() -> None:
    assert rules.steps(Policy(days=(-3,)), 15) == [-3, 7, 14]
    assert rules.steps(Policy(days=(-3, 0), then_every=0), 15) == [-3, 0]
    assert rules.steps(Policy(is_on=False), 15) == []


def called(now: datetime, days: Days = BARE, since: date = LONG_AGO, policy: Policy = DEFAULT) -> str | None:
    step = rules.called(policy, days, now, SHANGHAI, since)
    return step and step.key


@pytest.mark.parametrize(
    "days, expected",
    [
        *((-8, None), (-7, "T-7"), (-4, "T-7"), (-3, "T-3"), (-2, "T-3"), (-1, "T-1"), (0, "T-0"), (2, "T+1")),
        *((6, "T+3"), (13, "T+7"), (14, "T+14")),
    ],
)
def test_the_latest_step_whose_day_has_come_is_the_one_called_for(days: int, expected: str | None) -> None:
    midnight = rules.moment(DUE + timedelta(days=days), 0, SHANGHAI)
    assert called(midnight) == expected


def test_the_evening_takes_the_place_of_the_morning_at_eight() -> None:
    assert called(at("2026-03-10T19:59")) == "T-0"
    assert called(at("2026-03-10T20:00")) == "evening"
    assert called(at("2026-03-10T00:00"), policy=Policy(days=(-1,))) == "evening"
    assert called(at("2026-03-10T23:59"), policy=Policy(hour=20)) == "T-0"  # which is the evening then


def keys(days: Days, policy: Policy = DEFAULT, until: date = date(2026, 6, 8)) -> list[tuple[str, date]]:
    return [(step.key, step.on) for step in rules.ladder(policy, days, until)]


def test_the_whole_ladder_of_a_bill_payable_on_a_sunday() -> None:
    sunday = Days(date(2026, 3, 8), date(2026, 2, 8), grace_days=5, working_on=date(2026, 3, 6))
    assert keys(sunday) == [
        ("issued", date(2026, 2, 15)),  # three weeks before; its period began a week earlier
        ("T-7", date(2026, 3, 1)),
        ("T-3", date(2026, 3, 5)),
        ("working_day", date(2026, 3, 6)),
        ("T-1", date(2026, 3, 7)),
        ("T-0", date(2026, 3, 8)),
        ("evening", date(2026, 3, 8)),
        ("T+1", date(2026, 3, 9)),
        ("T+3", date(2026, 3, 11)),
        ("grace", date(2026, 3, 13)),
        ("T+7", date(2026, 3, 15)),
        ("T+14", date(2026, 3, 22)),
        ("T+21", date(2026, 3, 29)),
        ("T+28", date(2026, 4, 5)),
        ("past_due-30", date(2026, 4, 6)),
        *((f"T+{days}", date(2026, 3, 8) + timedelta(days=days)) for days in (35, 42, 49, 56)),
        ("past_due-60", date(2026, 5, 6)),
        *((f"T+{days}", date(2026, 3, 8) + timedelta(days=days)) for days in (63, 70, 77, 84)),
        ("past_due-90", date(2026, 6, 5)),
        ("T+91", date(2026, 6, 7)),
    ]


def test_a_ladder_reaches_as_far_ahead_as_its_first_step() -> None:
    assert rules.reach(DEFAULT) == timedelta(days=21)
    assert rules.reach(Policy(days=(-60, -1))) == timedelta(days=60)
    assert rules.reach(Policy(is_on=False)) == timedelta(days=21)


def test_a_day_that_has_a_step_gets_no_second_one() -> None:
    saturday = Days(date(2026, 3, 14), grace_days=3, working_on=date(2026, 3, 13))
    expected = ["T-7", "T-3", "T-1", "T-0", "evening", "T+1", "T+3", "T+7", "T+14"]
    assert [key for key, _ in keys(saturday, until=date(2026, 3, 28))] == expected
    assert [key for key, _ in keys(saturday, Policy(days=(), then_every=0), until=date(2026, 3, 28))] == [
        *("working_day", "evening", "grace")
    ]
    assert keys(saturday, Policy(is_on=False)) == []


def test_a_bill_that_was_spoken_of_before_it_comes_out_is_not_announced() -> None:
    assert keys(Days(DUE, DUE - timedelta(days=5)), until=DUE - timedelta(days=4)) == [("T-7", date(2026, 3, 3))]
    weekly = Days(DUE, DUE - timedelta(days=7))
    assert keys(weekly, until=DUE - timedelta(days=4)) == [("T-7", date(2026, 3, 3))]
    assert keys(Days(DUE, DUE - timedelta(days=8)), until=DUE - timedelta(days=7)) == [
        ("issued", date(2026, 3, 2)),
        ("T-7", date(2026, 3, 3)),
    ]


def test_what_is_old_news_when_a_loan_is_typed_in_is_not_caught_up_with() -> None:
    since = DUE + timedelta(days=5)
    assert called(at("2026-03-15T00:00"), since=since) is None
    assert called(at("2026-03-17T00:00"), since=since) == "T+7"
    issued = Days(DUE, date(2026, 2, 10))
    assert called(at("2026-02-20T00:00"), issued, since=date(2026, 2, 17)) is None
    assert called(at("2026-02-20T00:00"), issued, since=date(2026, 2, 16)) == "issued"


def test_after_downtime_the_steps_between_are_overtaken_by_the_latest() -> None:
    last_looked = DUE - timedelta(days=4)
    calls = rules.calls(DEFAULT, BARE, at("2026-03-11T00:00"), SHANGHAI, LONG_AGO, last_looked)
    assert [step.key for step in calls.overtaken] == ["T-3", "T-1", "T-0", "evening"]
    assert [step.key for step in calls.wanted] == ["T+1"]
    assert calls.next_on == date(2026, 3, 13)


def test_the_day_and_the_next_are_written_down_ahead() -> None:
    assert rules.calls(DEFAULT, BARE, at("2026-03-09T12:00"), SHANGHAI, LONG_AGO, date(2026, 3, 9)) == Calls(
        (Step("T-1", date(2026, 3, 9), 9), Step("T-0", DUE, 9), Step("evening", DUE, 20)), (), date(2026, 3, 11)
    )
    evening = rules.calls(DEFAULT, BARE, at("2026-03-10T21:00"), SHANGHAI, LONG_AGO, date(2026, 3, 9))
    assert evening.wanted == (Step("evening", DUE, 20), Step("T+1", date(2026, 3, 11), 9))
    assert evening.overtaken == (Step("T-0", DUE, 9),)
    assert rules.calls(Policy(is_on=False), BARE, at("2026-03-10T21:00"), SHANGHAI, LONG_AGO, DUE) == ((), (), None)


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


def test_a_step_waits_for_its_moment_and_is_dropped_once_a_later_day_has_come() -> None:
    assert judge("T-1", at("2026-03-09T08:59")) == Wait(at("2026-03-09T09:00"))
    assert judge("T-1", at("2026-03-08T12:00")) == Wait(at("2026-03-09T09:00"))
    assert judge("T-1", at("2026-03-09T09:00")) == Send()
    assert judge("T-1", at("2026-03-10T00:30")) == Drop(Reason.OVERTAKEN)
    assert judge("evening", at("2026-03-10T09:00")) == Wait(at("2026-03-10T20:00"))
    assert judge("T-0", at("2026-03-10T20:00")) == Drop(Reason.OVERTAKEN)
    assert judge("evening", at("2026-03-10T20:00")) == Send()
    assert judge("evening", at("2026-03-11T00:00")) == Drop(Reason.OVERTAKEN)


def test_a_late_reminder_waits_for_the_end_of_the_quiet_hours() -> None:
    assert judge("T-3", at("2026-03-07T22:00")) == Wait(at("2026-03-08T08:00"))
    assert judge("T-3", at("2026-03-08T07:59")) == Wait(at("2026-03-08T08:00"))
    assert judge("T-3", at("2026-03-08T08:00")) == Send()


def test_what_is_due_tonight_does_not_wait_for_tomorrow() -> None:
    assert judge("evening", at("2026-03-10T23:15")) == Send()
    assert judge("T-0", at("2026-03-10T23:15"), NUMBERS) == Send()


def test_what_is_due_today_does_not_wake_anybody() -> None:
    early = Policy(hour=5)  # chosen before the quiet hours were made longer
    assert judge("T-0", at("2026-03-10T05:00"), early) == Wait(at("2026-03-10T08:00"))
    assert judge("T-0", at("2026-03-10T08:00"), early) == Send()


def test_a_household_has_quiet_hours_of_its_own() -> None:
    siesta = Policy(quiet_from=13, quiet_until=16)
    for clock, until in (("12:59", "12:59"), ("13:00", "16:00"), ("15:59", "16:00"), ("16:00", "16:00")):
        now, free = at(f"2026-03-07T{clock}"), at(f"2026-03-07T{until}")
        assert rules.after_quiet(now, SHANGHAI, siesta) == free
    never = Policy(quiet_from=0, quiet_until=0)
    assert rules.after_quiet(at("2026-03-07T00:30"), SHANGHAI, never) == at("2026-03-07T00:30")
    assert [hour for hour in range(24) if Policy().is_quiet(hour)] == [*range(8), 22, 23]


def test_a_snooze_holds_a_reminder_back_until_its_day_and_never_past_the_payable_day() -> None:
    def snoozed(step: str, now: str, until: int) -> rules.Verdict:
        return judge(step, at(now), snoozed_until=date(2026, 3, until))

    assert snoozed("T-3", "2026-03-07T09:00", 8) == Wait(at("2026-03-08T09:00"))
    assert snoozed("T-3", "2026-03-08T09:00", 8) == Send()
    assert snoozed("T-3", "2026-03-09T09:00", 10) == Drop(Reason.OVERTAKEN)
    assert snoozed("T-1", "2026-03-09T09:00", 10) == Wait(at("2026-03-10T09:00"))
    assert snoozed("T-1", "2026-03-09T09:00", 25) == Wait(at("2026-03-10T09:00"))
    assert snoozed("T-0", "2026-03-10T09:00", 25) == Send()
    assert snoozed("T+1", "2026-03-11T09:00", 25) == Send()


def second(now: str, **more: object) -> rules.Verdict:
    return judge("second", at(now), **({"is_second": True} | more))


def test_the_second_person_is_told_at_six_of_what_nobody_has_paid_or_confirmed() -> None:
    assert second("2026-03-10T17:59") == Wait(at("2026-03-10T18:00"))
    assert second("2026-03-10T18:00") == Send()
    assert second("2026-03-10T18:00", open_amount=0, presumed=100) == Send()
    assert second("2026-03-10T18:00", open_amount=0) == Drop(Reason.SETTLED)
    assert second("2026-03-10T23:30") == Send()  # not paid, and due tonight
    assert second("2026-03-11T08:00") == Drop(Reason.OVERTAKEN)
    assert second("2026-03-10T18:00", is_second=False) == Drop(Reason.SWITCHED_OFF)
    assert second("2026-03-10T18:00", snoozed_until=DUE) == Send()


def test_what_comes_up_and_can_wait_belongs_to_the_next_time_the_household_is_written_to() -> None:
    assert rules.slot(DEFAULT, at("2026-03-10T03:00"), SHANGHAI) == at("2026-03-10T09:00")
    assert rules.slot(DEFAULT, at("2026-03-10T09:00"), SHANGHAI) == at("2026-03-10T09:00")
    assert rules.slot(DEFAULT, at("2026-03-10T09:01"), SHANGHAI) == at("2026-03-11T09:00")


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"open_amount": 0}, Reason.SETTLED),
        ({"payable_on": date(2026, 3, 20)}, Reason.MOVED),
        ({"is_archived": True}, Reason.ARCHIVED),
        ({"is_member": False}, Reason.LEFT),
        ({"is_muted": True}, Reason.MUTED),
    ],
)
def test_what_no_longer_applies_is_dropped_with_its_reason(change: dict[str, object], reason: Reason) -> None:
    assert judge("T-1", at("2026-03-09T09:00"), **change) == Drop(reason)


def test_a_step_taken_off_the_ladder_is_dropped() -> None:
    assert judge("T-1", at("2026-03-09T09:00"), Policy(days=(-3, 0))) == Drop(Reason.SWITCHED_OFF)
    assert judge("T-1", at("2026-03-09T09:00"), Policy(is_on=False)) == Drop(Reason.SWITCHED_OFF)
    assert judge("evening", at("2026-03-10T20:00"), NUMBERS) == Drop(Reason.SWITCHED_OFF)


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
