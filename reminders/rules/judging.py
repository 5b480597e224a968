"""What becomes of a planned message as things stand when it is about to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum

from reminders.rules.ladder import Days, called, ladder
from reminders.rules.moments import ONE_DAY, after_quiet, moment
from reminders.rules.policy import DEFAULT, EARLIEST, LATEST, SECOND, SECOND_HOUR, Policy


class Reason(StrEnum):
    """Why a planned message was not sent."""

    SETTLED = "settled"  # nothing is left to pay: paid, waived or no longer needed
    MOVED = "moved"  # the bill is payable on another day now, which has reminders of its own
    OVERTAKEN = "overtaken"  # a later, more urgent one says it better
    SWITCHED_OFF = "switched_off"  # the household does not want this one
    ARCHIVED = "archived"  # the loan was put away
    LEFT = "left"  # the recipient is no longer a member
    MUTED = "muted"  # the recipient does not want this category
    ANSWERED = "answered"  # the question was answered
    GONE = "gone"  # what it was about is no longer so, or its day is past


@dataclass(frozen=True, slots=True)
class Asked:
    """A bill as it stands now, for one recipient; `since` is the day its loan was entered, `presumed` what was paid of
    it on the lender's word alone. `is_second` of the person the household wants told in the end, `is_muted` of one who
    does not want messages of this category, `snoozed_until` the day before which this one wants to hear nothing of it.
    """

    payable_on: date
    open_amount: int
    since: date
    is_archived: bool = False
    is_member: bool = True
    starts_on: date | None = None
    grace_days: int = 0
    working_on: date | None = None
    presumed: int = 0
    is_second: bool = False
    is_muted: bool = False
    snoozed_until: date | None = None

    @property
    def days(self) -> Days:
        return Days(self.payable_on, self.starts_on, self.grace_days, self.working_on)


@dataclass(frozen=True, slots=True)
class Send:
    """Send it now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Drop:
    """Do not send it, because of `reason`."""

    reason: Reason


Verdict = Send | Wait | Drop


def judge_step(policy: Policy, step: str, payable_on: date, bill: Asked, now: datetime, zone: tzinfo) -> Verdict:
    """What becomes of the reminder planned as `step` of a bill then payable on `payable_on`, as things stand `now`.

    Quiet hours hold it back, unless the bill is payable on this very day and would not be spoken of before it is over;
    a snooze does, but never past the payable day.
    """
    if step == SECOND:
        return _judge_second(policy, payable_on, bill, now, zone)
    reason = _reason_to_drop(policy, payable_on, bill)
    if reason is not None:
        return Drop(reason)
    wanted = called(policy, bill.days, now, zone, bill.since)
    if wanted is None or wanted.key != step:
        return _other_step(policy, step, bill, now, zone)
    today = now.astimezone(zone).date()
    snoozed_until = min(bill.snoozed_until or today, payable_on)
    start = moment(snoozed_until, policy.hour, zone) if today < snoozed_until else wanted.at(zone)
    if now < start:
        return Wait(start)
    return judge_moment(now, zone, is_due_today=payable_on == today, policy=policy)


def _judge_second(policy: Policy, payable_on: date, bill: Asked, now: datetime, zone: tzinfo) -> Verdict:
    """The second person is told on the payable day alone, from 18:00 on, of what is unpaid or only presumed."""
    reason = _reason_to_drop(policy, payable_on, bill, left=bill.open_amount + bill.presumed)
    today = now.astimezone(zone).date()
    if reason is None and not bill.is_second:
        reason = Reason.SWITCHED_OFF
    if reason is None and today > payable_on:
        reason = Reason.OVERTAKEN
    if reason is not None:
        return Drop(reason)
    start = moment(payable_on, SECOND_HOUR, zone)
    return Wait(start) if now < start else judge_moment(now, zone, is_due_today=True, policy=policy)


def judge_notice(policy: Policy, payable_on: date, bill: Asked, now: datetime, zone: tzinfo) -> Verdict:
    """What becomes of the notice that the debit of a bill payable on `payable_on` failed, as things stand `now`."""
    reason = _reason_to_drop(policy, payable_on, bill)
    if reason is not None:
        return Drop(reason)
    return judge_moment(now, zone, is_due_today=payable_on == now.astimezone(zone).date(), policy=policy)


def judge_question(policy: Policy, bill: Asked, now: datetime, zone: tzinfo, *, is_open: bool) -> Verdict:
    """What becomes of the question whether a presumed debit happened; `is_open` until somebody has answered."""
    reason = _reason_to_keep_quiet(policy, bill)
    if not is_open or reason is not None:
        return Drop(reason or Reason.ANSWERED)
    return judge_moment(now, zone, is_due_today=False, policy=policy)


def judge_moment(now: datetime, zone: tzinfo, *, is_due_today: bool, policy: Policy = DEFAULT) -> Send | Wait:
    """Now, or after the quiet hours; what is due today cannot wait for tomorrow."""
    allowed = after_quiet(now, zone, policy)
    ends_today = allowed.astimezone(zone).date() == now.astimezone(zone).date()
    if allowed <= now or (is_due_today and not ends_today):
        return Send()
    return Wait(allowed)


def _reason_to_drop(policy: Policy, payable_on: date, bill: Asked, left: int | None = None) -> Reason | None:
    if (bill.open_amount if left is None else left) <= 0:
        return Reason.SETTLED
    if bill.payable_on != payable_on:
        return Reason.MOVED
    return _reason_to_keep_quiet(policy, bill)


def _reason_to_keep_quiet(policy: Policy, bill: Asked) -> Reason | None:
    if bill.is_archived:
        return Reason.ARCHIVED
    if not bill.is_member:
        return Reason.LEFT
    if bill.is_muted:
        return Reason.MUTED
    if not policy.is_on:
        return Reason.SWITCHED_OFF
    return None


def _other_step(policy: Policy, step: str, bill: Asked, now: datetime, zone: tzinfo) -> Verdict:
    """The verdict on a step that is not the one called for: it is to come, or gone, or no longer on the ladder."""
    today = now.astimezone(zone).date()
    horizon = max(today, bill.payable_on) + ONE_DAY * (LATEST - EARLIEST)
    known = next((found for found in ladder(policy, bill.days, horizon) if found.key == step), None)
    if known is None:
        return Drop(Reason.SWITCHED_OFF)
    start = known.at(zone)
    return Wait(start) if now < start and known.on >= today else Drop(Reason.OVERTAKEN)
