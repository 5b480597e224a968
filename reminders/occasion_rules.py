"""Reminders of what is no step of a bill: on which days, which of them when late, and whether they still hold.

Plain Python: no Django, no clock. An occasion is about one day; its steps are numbers of days from it, as those of a
bill are, and the latest whose day has come is the one that counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from reminders import rules
from reminders.rules import Drop, Policy, Reason, Verdict, Wait

ONE_DAY = timedelta(days=1)


class What(StrEnum):
    SHORTFALL = "shortfall"  # an account does not cover its debits of this day
    COUPON = "coupon"  # its last day
    PROMOTION = "promotion"  # the first day of the higher rate
    REPRICING = "repricing"  # the rate is set anew
    LOCK_IN = "lock_in"  # the first day on which the loan may be prepaid
    MANDATE_EXPIRING = "mandate_expiring"  # the last day of the permission
    PAID_OFF = "paid_off"  # nothing is left to pay since this day
    DIGEST = "digest"  # the first of a month


STEPS: Mapping[str, tuple[int, ...]] = {
    What.SHORTFALL: (-3, -1),
    What.COUPON: (-7, -1),
    What.PROMOTION: (-30, -7),
    What.REPRICING: (-14, -1),
    What.LOCK_IN: (0,),
    What.MANDATE_EXPIRING: (-14, -3),
    What.PAID_OFF: (0,),
    What.DIGEST: (0,),
}
LASTS: Mapping[str, int] = {  # days after its day on which an occasion is still worth telling of
    What.LOCK_IN: 7,
    What.PAID_OFF: 60,  # the last debit may have been presumed that long
    What.DIGEST: 6,
}
AHEAD = 1 - min(step for steps in STEPS.values() for step in steps)  # days; no occasion further off is planned
BEHIND = max(LASTS.values())


def step_key(what: str, step: int) -> str:
    """A step as it is stored: "T-7", and "" where there is but one."""
    return rules.step_key(step) if len(STEPS[what]) > 1 else ""


def called(what: str, on: date, today: date) -> int | None:
    """The step an occasion calls for on `today`: the latest whose day has come; None before the first, and when the
    day is past that long that nobody wants to hear of it."""
    gone = (today - on).days
    if gone > LASTS.get(what, 0):
        return None
    return max((step for step in STEPS[what] if step <= gone), default=None)


def coming(what: str, on: date, today: date) -> int | None:
    """The step whose day is tomorrow."""
    ahead = (today - on).days + 1
    return ahead if ahead in STEPS[what] else None


def overtaken(what: str, on: date, after: date, today: date) -> list[int]:
    """Steps whose day came after `after` and that a later one, or the end of it all, has made superfluous."""
    latest = called(what, on, today)
    come = [step for step in STEPS[what] if after < on + timedelta(days=step) <= today]
    return [step for step in come if latest is None or step < latest]


def send_at(policy: Policy, what: str, on: date, step: int, zone: tzinfo) -> datetime:
    """The moment a step is sent, if nothing holds it up."""
    return rules.moment(on + timedelta(days=step), policy.hour, zone)


def earliest(step: str, on: date, zone: tzinfo) -> datetime:
    """The moment before which the step stored as `step` is not sent, whatever hour the household chooses."""
    days = rules.step_of(step) if step else 0
    return rules.moment(on + timedelta(days=days or 0), rules.QUIET_UNTIL, zone)


@dataclass(frozen=True, slots=True)
class Stands:
    """An occasion as it stands now, for one recipient: the days on which there is one of the same kind and subject."""

    days: frozenset[date]
    is_archived: bool = False
    is_member: bool = True
    is_muted: bool = False


def judge(what: str, step: str, about_on: date, stands: Stands, policy: Policy, now: datetime, zone: tzinfo) -> Verdict:
    """What becomes of the message planned as `step` of an occasion then `about_on` a day, as things stand `now`."""
    reason = _reason_to_drop(what, about_on, stands, policy)
    if reason is not None:
        return Drop(reason)
    today = now.astimezone(zone).date()
    latest = called(what, about_on, today)
    if latest is None or step_key(what, latest) != step:
        later = next((days for days in STEPS[what] if step_key(what, days) == step), None)
        if later is None or about_on + timedelta(days=later) <= today:
            return Drop(Reason.OVERTAKEN if latest is not None else Reason.GONE)
        return Wait(send_at(policy, what, about_on, later, zone))
    start = send_at(policy, what, about_on, latest, zone)
    return Wait(start) if now < start else rules.judge_moment(now, zone, is_due_today=False, policy=policy)


def _reason_to_drop(what: str, about_on: date, stands: Stands, policy: Policy) -> Reason | None:
    if stands.is_archived:
        return Reason.ARCHIVED
    if not stands.is_member:
        return Reason.LEFT
    if stands.is_muted:
        return Reason.MUTED
    if not policy.is_on:
        return Reason.SWITCHED_OFF
    if not stands.days:
        return Reason.SETTLED if what == What.SHORTFALL else Reason.GONE
    return None if about_on in stands.days else Reason.MOVED
