"""The ladder of a bill: which steps it has, on which day and at which hour, and which of them counts.

A step is known by its key. "T-3" is three days before the day the bill is payable, "T-0" the day itself, "T+7" a week
overdue; the others are those of `Also`. Steps belong to days of the household; of the steps whose day has come, the
latest is the one that counts, and the others are overtaken. So a machine that was off for a week says one thing, once,
and says it as of today. A second step on one day counts from its hour on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from reminders.rules.moments import ONE_DAY, moment
from reminders.rules.policy import EARLIEST, EVENING_HOUR, LATEST, Also, Policy

PAST_DUE_DAYS = (30, 60, 90)
ISSUED_AHEAD = timedelta(days=21)  # statements come out three weeks before they are payable (12 CFR 1026.5(b)(2)(ii))


class Days(NamedTuple):
    """The days of a bill that its steps hang on: when it is payable, the first day of the period it is for (None where
    its statement was out before: it was put off), how many days of grace it has, and the last working day before it
    is payable (None where the payable day is one itself)."""

    payable_on: date
    starts_on: date | None = None
    grace_days: int = 0
    working_on: date | None = None


class Step(NamedTuple):
    """A step of one bill: its key, its day, and the hour at which it is sent."""

    key: str
    on: date
    hour: int

    def at(self, zone: tzinfo) -> datetime:
        """The moment at which it is sent, if nothing holds it up."""
        return moment(self.on, self.hour, zone)


class Calls(NamedTuple):
    """What is to be written down for a bill: the steps called for now or before tomorrow ends, those that were passed
    over, and the day of the next one after tomorrow."""

    wanted: tuple[Step, ...]
    overtaken: tuple[Step, ...]
    next_on: date | None


def step_key(step: int) -> str:
    """A number of days from the payable day as it is stored and spoken of: "T-7", "T-0", "T+14"."""
    return f"T{step:+d}" if step else "T-0"


def is_numbered(key: str) -> bool:
    """Whether `key` is one of `step_key`'s; the other steps are known by name."""
    return key.startswith("T")


def step_of(key: str) -> int:
    """The number of days that `step_key` made `key` of; ValueError for the other steps."""
    return int(key[1:])


def steps(policy: Policy, until: int) -> list[int]:
    """The policy's numbered steps up to `until` days from the payable day, in order; none if it is switched off."""
    if not policy.is_on:
        return []
    numbers = sorted({day for day in policy.days if EARLIEST <= day <= LATEST})
    if policy.then_every > 0:
        last = max(0, numbers[-1] if numbers else 0)
        numbers += range(last + policy.then_every, until + 1, policy.then_every)
    return [step for step in numbers if step <= until]


@lru_cache(maxsize=8192)
def ladder(policy: Policy, days: Days, until: date) -> tuple[Step, ...]:
    """The steps of a bill up to the day `until`, in order; none if the policy is switched off.

    A day that a number names already is not named a second time; only the payable day has a step in the evening too.
    """
    numbers = steps(policy, (until - days.payable_on).days)
    found = [Step(step_key(step), days.payable_on + timedelta(days=step), policy.hour) for step in numbers]
    if policy.is_on:
        for also, key, on in _others(days):
            if also in policy.also and on <= until and all(step.on != on for step in found):
                found.append(Step(key, on, policy.hour))
        found += _issued(policy, days, until, found)
        found += _evening(policy, days, until, found)
    return tuple(sorted(found, key=lambda step: (step.on, step.hour)))


def _others(days: Days) -> Iterator[tuple[Also, str, date]]:
    """The steps that stand on a day of their own, the most urgent first."""
    for late in PAST_DUE_DAYS:
        yield Also.PAST_DUE, f"{Also.PAST_DUE}-{late}", days.payable_on + timedelta(days=late - 1)
    if days.grace_days > 0:
        yield Also.GRACE, Also.GRACE.value, days.payable_on + timedelta(days=days.grace_days)
    if days.working_on is not None:
        yield Also.WORKING_DAY, Also.WORKING_DAY.value, days.working_on


def _issued(policy: Policy, days: Days, until: date, found: list[Step]) -> list[Step]:
    """The day the statement comes out, unless the bill was spoken of before: the first of its period, or three weeks
    before it is payable where that is later."""
    if Also.ISSUED not in policy.also or days.starts_on is None:
        return []
    on = max(days.starts_on, days.payable_on - ISSUED_AHEAD)
    is_first = on < days.payable_on and all(on < step.on for step in found)
    return [Step(Also.ISSUED.value, on, policy.hour)] if on <= until and is_first else []


def _evening(policy: Policy, days: Days, until: date, found: list[Step]) -> list[Step]:
    """The payable day's evening, unless something is said then or later that day in any case."""
    wanted = Also.EVENING in policy.also and days.payable_on <= until
    if not wanted or any(step.on == days.payable_on and step.hour >= EVENING_HOUR for step in found):
        return []
    return [Step(Also.EVENING.value, days.payable_on, EVENING_HOUR)]


def reach(policy: Policy) -> timedelta:
    """How long before a bill is payable its first step may come, at the most."""
    return max(ISSUED_AHEAD, timedelta(days=-min(steps(policy, 0), default=0)))


def called(policy: Policy, days: Days, now: datetime, zone: tzinfo, since: date) -> Step | None:
    """The step a bill calls for at `now`: the latest that has begun; None if there is none.

    What came before `since`, when the loan was entered, is not caught up with where it is old news: a statement that
    was out, arrears. Whoever types in an old loan has them before their eyes.
    """
    begun = _begun(policy, days, now, zone)
    return begun[-1] if begun and not is_old(begun[-1], days, since) else None


def _begun(policy: Policy, days: Days, now: datetime, zone: tzinfo) -> list[Step]:
    """The steps that count by `now`: from the beginning of their day, a second one of the same day from its hour."""
    today = now.astimezone(zone).date()
    begun: list[Step] = []
    for step in ladder(policy, days, today):
        if step.on < today or not begun or begun[-1].on < today or step.at(zone) <= now:
            begun.append(step)
    return begun


def is_old(step: Step, days: Days, since: date) -> bool:
    """Whether a step was over when its loan was entered, on the day `since`: nobody is told of it."""
    if step.key == Also.ISSUED:
        return step.on <= since
    return days.payable_on < step.on < since


def calls(policy: Policy, days: Days, now: datetime, zone: tzinfo, since: date, looked_on: date) -> Calls:
    """What is to be written down for a bill at `now`, when it was looked at on the day `looked_on` the last time."""
    oldest = days.payable_on + timedelta(days=EARLIEST) - ONE_DAY
    return _calls(policy, days, now, zone, max(since, oldest), max(looked_on, oldest))


@lru_cache(maxsize=8192)  # loans entered long ago with the same days differ in nothing
def _calls(policy: Policy, days: Days, now: datetime, zone: tzinfo, since: date, looked_on: date) -> Calls:
    today = now.astimezone(zone).date()
    begun = _begun(policy, days, now, zone)
    soon = ladder(policy, days, today + ONE_DAY)
    is_called = bool(begun) and not is_old(begun[-1], days, since)
    first = max(looked_on + ONE_DAY, since)
    passed = [step for step in begun[:-1] if is_called and step.on >= first and not is_old(step, days, since)]
    wanted = (*(begun[-1:] if is_called else ()), *soon[len(begun) :])
    return Calls(wanted, tuple(passed), following(policy, days, today + ONE_DAY))


def following(policy: Policy, days: Days, day: date) -> date | None:
    """The day of the first step after `day`; None if there is none."""
    horizon = max(day, days.payable_on + timedelta(days=LATEST)) + timedelta(days=max(policy.then_every, 0) + 1)
    return next((step.on for step in ladder(policy, days, horizon) if step.on > day), None)
