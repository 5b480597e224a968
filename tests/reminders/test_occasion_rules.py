"""Which reminder of an occasion is called for on which day, and what becomes of one that is looked at again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reminders import occasion_rules, rules
from reminders.occasion_rules import Stands, What
from reminders.rules import Drop, Policy, Reason, Send, Wait

DAY = date(2026, 7, 8)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def days_before(days: int) -> date:
    return DAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("what", "first", "second"),
    [
        (What.SHORTFALL, 3, 1),
        (What.COUPON, 7, 1),
        (What.PROMOTION, 30, 7),
        (What.REPRICING, 14, 1),
        (What.MANDATE_EXPIRING, 14, 3),
    ],
)
def test_two_steps_before_the_day_and_none_after(what: What, first: int, second: int) -> None:
    walked = {days: occasion_rules.called(what, DAY, days_before(days)) for days in range(first + 1, -2, -1)}
    assert walked == {
        days: None if days > first or days < 0 else -first if days > second else -second for days in walked
    }


@pytest.mark.parametrize(("what", "lasts"), [(What.LOCK_IN, 7), (What.PAID_OFF, 60), (What.DIGEST, 6)])
def test_one_step_on_the_day_told_late_only_for_a_while(what: What, lasts: int) -> None:
    assert [occasion_rules.called(what, DAY, DAY + timedelta(days=days)) for days in (-1, 0, lasts, lasts + 1)] == [
        None,
        0,
        0,
        None,
    ]
    assert occasion_rules.step_key(what, 0) == ""


def test_tomorrows_step_is_planned_today() -> None:
    assert [occasion_rules.coming(What.COUPON, DAY, days_before(days)) for days in (9, 8, 7, 2, 1)] == [
        None,
        -7,
        None,
        -1,
        None,
    ]


def test_late_the_last_step_alone_is_called_for_and_those_before_are_overtaken() -> None:
    assert occasion_rules.called(What.COUPON, DAY, days_before(1)) == -1
    assert occasion_rules.overtaken(What.COUPON, DAY, days_before(8), days_before(1)) == [-7]
    assert occasion_rules.overtaken(What.COUPON, DAY, days_before(7), days_before(1)) == []
    assert occasion_rules.overtaken(What.COUPON, DAY, days_before(8), DAY + timedelta(days=1)) == [-7, -1]


def judged(step: str, now: datetime, stands: Stands | None = None, policy: Policy = rules.DEFAULT) -> rules.Verdict:
    stands = Stands(frozenset({DAY})) if stands is None else stands
    return occasion_rules.judge(What.SHORTFALL, step, DAY, stands, policy, now, SHANGHAI)


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)


def test_a_step_is_sent_at_the_hour_of_its_day() -> None:
    assert judged("T-3", at(days_before(4), 12)) == Wait(datetime(2026, 7, 5, 1, tzinfo=UTC))
    assert judged("T-3", at(days_before(3), 8)) == Wait(datetime(2026, 7, 5, 1, tzinfo=UTC))
    assert judged("T-3", at(days_before(3), 9)) == Send()


def test_quiet_hours_hold_it_back() -> None:
    assert judged("T-1", at(days_before(1), 23)) == Wait(datetime(2026, 7, 8, 0, tzinfo=UTC))


def test_a_step_whose_place_another_took_is_dropped() -> None:
    assert judged("T-3", at(days_before(1), 9)) == Drop(Reason.OVERTAKEN)
    assert judged("T-1", at(days_before(2), 9)) == Wait(datetime(2026, 7, 7, 1, tzinfo=UTC))
    assert judged("T-9", at(days_before(2), 9)) == Drop(Reason.OVERTAKEN)


def test_when_its_day_is_past_it_is_dropped() -> None:
    assert judged("T-1", at(DAY + timedelta(days=1), 9)) == Drop(Reason.GONE)


NOON = at(days_before(3), 12)


@pytest.mark.parametrize(
    ("stands", "reason"),
    [
        (Stands(frozenset()), Reason.SETTLED),
        (Stands(frozenset({days_before(1)})), Reason.MOVED),
        (Stands(frozenset({DAY}), is_archived=True), Reason.ARCHIVED),
        (Stands(frozenset({DAY}), is_member=False), Reason.LEFT),
        (Stands(frozenset({DAY}), is_muted=True), Reason.MUTED),
    ],
)
def test_what_no_longer_holds_is_dropped_with_the_reason(stands: Stands, reason: Reason) -> None:
    assert judged("T-3", NOON, stands) == Drop(reason)


def test_nothing_is_sent_where_reminders_are_off() -> None:
    assert judged("T-3", NOON, policy=Policy(is_on=False)) == Drop(Reason.SWITCHED_OFF)


def test_a_coupon_taken_back_is_no_longer_told_of() -> None:
    now = at(days_before(7), 12)
    verdict = occasion_rules.judge(What.COUPON, "T-7", DAY, Stands(frozenset()), rules.DEFAULT, now, SHANGHAI)
    assert verdict == Drop(Reason.GONE)


def test_before_eight_on_its_day_nothing_can_have_been_sent() -> None:
    assert occasion_rules.earliest("T-3", DAY, SHANGHAI) == datetime(2026, 7, 5, 0, tzinfo=UTC)
    assert occasion_rules.earliest("", DAY, SHANGHAI) == datetime(2026, 7, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Europe/Berlin", "UTC"])
def test_over_a_year_every_month_has_one_digest(name: str) -> None:
    zone = ZoneInfo(name)
    now, sent = datetime(2026, 1, 1, 0, tzinfo=zone), []
    while now < datetime(2027, 1, 1, 0, tzinfo=zone):
        now = (now.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)
        first = now.date().replace(day=1)
        verdict = occasion_rules.judge(What.DIGEST, "", first, Stands(frozenset({first})), rules.DEFAULT, now, zone)
        if verdict == Send() and first not in [day for day, _ in sent]:
            sent.append((first, now.hour))
    assert sent == [(date(2026, month, 1), 9) for month in range(1, 13)]
