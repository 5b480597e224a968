"""Which reminders a bill calls for, and the moment each is sent. Plain Python: no Django, no clock.

A step is a number of days from the day a bill is payable: -3 is three days before, 0 the day itself, 7 a week
overdue. Steps belong to days of the household; of the steps whose day has come, the latest is the one that counts,
and the others are overtaken. So a machine that was off for a week says one thing, once, and says it as of today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

EARLIEST, LATEST = -60, 90  # steps a ladder may name, in days
QUIET_FROM, QUIET_UNTIL = 22, 8  # nobody is written to from 22:00 to 08:00 local time
HOURS = range(QUIET_UNTIL, QUIET_FROM)  # hours a reminder may be set to


class Also(StrEnum):
    """Steps of a bill that no number of days from its payable day names."""

    ISSUED = "issued"  # its statement has come out
    WORKING_DAY = "working_day"  # the last working day before, where the payable day is none
    EVENING = "evening"  # the payable day at 20:00, if it is still open
    GRACE = "grace"  # the last day of grace
    PAST_DUE = "past_due"  # the day before it is 30, 60 or 90 days past due


class Category(StrEnum):
    """What a recipient switches off as one."""

    BILLS = "bills"
    DEBITS = "debits"
    ACCOUNTS = "accounts"
    LOANS = "loans"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a household wants for its bills: the steps, every how many days after the last of them (0: no more),
    the local hour of sending, whether at all, the other steps, and the local hours between which nobody is written
    to."""

    days: tuple[int, ...] = (-7, -3, -1, 0, 1, 3, 7)
    then_every: int = 7
    hour: int = 9
    is_on: bool = True
    also: tuple[Also, ...] = tuple(Also)
    quiet_from: int = QUIET_FROM
    quiet_until: int = QUIET_UNTIL


DEFAULT = Policy()


class Reason(StrEnum):
    """Why a planned message was not sent."""

    SETTLED = "settled"  # nothing is left to pay: paid, waived or no longer needed
    MOVED = "moved"  # the bill is payable on another day now, which has reminders of its own
    OVERTAKEN = "overtaken"  # a later, more urgent one says it better
    SWITCHED_OFF = "switched_off"  # the household does not want this one
    ARCHIVED = "archived"  # the loan was put away
    LEFT = "left"  # the recipient is no longer a member
    MUTED = "muted"  # the recipient does not want this category
    DIGESTED = "digested"  # one message told of all that a standstill had kept back
    ANSWERED = "answered"  # the question was answered
    GONE = "gone"  # what it was about is no longer so, or its day is past


class Wording(StrEnum):
    """How a step is put; each is one mail template."""

    COMING = "coming"
    DUE_TODAY = "due_today"
    OVERDUE = "overdue"
    WILL_DEBIT = "will_debit"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Asked:
    """A bill as it stands now, for one recipient; `since` is the day its loan was entered."""

    payable_on: date
    open_amount: int
    since: date
    is_archived: bool = False
    is_member: bool = True


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


def step_key(step: int) -> str:
    """A step as it is stored and spoken of: "T-7", "T-0", "T+14"."""
    return f"T{step:+d}" if step else "T-0"


def step_of(key: str) -> int:
    """The step that `step_key` made `key` of."""
    return int(key[1:])


def steps(policy: Policy, until: int) -> list[int]:
    """The policy's steps up to `until` days from the payable day, in order; none if it is switched off."""
    if not policy.is_on:
        return []
    ladder = sorted({day for day in policy.days if EARLIEST <= day <= LATEST})
    if policy.then_every > 0:
        last = max(0, ladder[-1] if ladder else 0)
        ladder += range(last + policy.then_every, until + 1, policy.then_every)
    return [step for step in ladder if step <= until]


def called(policy: Policy, payable_on: date, today: date, since: date) -> int | None:
    """The step a bill calls for on `today`: the latest whose day has come; None if there is none.

    Overdue steps of days before `since`, when the loan was entered, are not caught up with: whoever types in
    an old loan has its arrears before their eyes.
    """
    come = steps(policy, (today - payable_on).days)
    if not come:
        return None
    latest = come[-1]
    if latest > 0 and payable_on + timedelta(days=latest) < since:
        return None
    return latest


def overtaken(policy: Policy, payable_on: date, after: date, today: date, since: date) -> list[int]:
    """Steps whose day came after `after`, that a later one on or before `today` has made superfluous, in order."""
    latest = called(policy, payable_on, today, since)
    first = max(after + timedelta(days=1), since)
    return [
        step
        for step in steps(policy, (today - payable_on).days)
        if latest is not None and step < latest and payable_on + timedelta(days=step) >= first
    ]


def following(policy: Policy, payable_on: date, today: date) -> int | None:
    """The first step whose day is after `today`; None if there is none."""
    gone = (today - payable_on).days
    horizon = max(LATEST, gone) + max(policy.then_every, 0) + 1
    return next((step for step in steps(policy, horizon) if step > gone), None)


def moment(day: date, hour: int, zone: tzinfo) -> datetime:
    """The first moment (UTC) at which the local wall clock shows `hour` o'clock or later on or after `day`.

    An hour that a clock change leaves out comes late, not never; of an hour that comes twice the first counts.
    """
    return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)


def send_at(policy: Policy, payable_on: date, step: int, zone: tzinfo) -> datetime:
    """The moment a step is sent, if nothing holds it up."""
    return moment(payable_on + timedelta(days=step), policy.hour, zone)


def earliest(payable_on: date, step: int, zone: tzinfo) -> datetime:
    """The moment before which a step is not sent, whatever hour the household chooses."""
    return moment(payable_on + timedelta(days=step), QUIET_UNTIL, zone)


def after_quiet(now: datetime, zone: tzinfo) -> datetime:
    """`now`, or the end of the quiet hours that `now` lies in."""
    local = now.astimezone(zone)
    if local.hour >= QUIET_FROM:
        return moment(local.date() + timedelta(days=1), QUIET_UNTIL, zone)
    if local.hour < QUIET_UNTIL:
        return moment(local.date(), QUIET_UNTIL, zone)
    return now


def judge_step(policy: Policy, step: str, payable_on: date, bill: Asked, now: datetime, zone: tzinfo) -> Verdict:
    """What becomes of the reminder planned as `step` of a bill then payable on `payable_on`, as things stand `now`.

    Quiet hours hold it back, unless the bill is payable on this very day.
    """
    reason = _reason_to_drop(policy, payable_on, bill)
    if reason is not None:
        return Drop(reason)
    today = now.astimezone(zone).date()
    now_called = called(policy, payable_on, today, bill.since)
    if now_called is None or step_key(now_called) != step:
        return _other_step(policy, step, payable_on, today, zone)
    start = send_at(policy, payable_on, now_called, zone)
    if now < start:
        return Wait(start)
    return judge_moment(now, zone, is_due_today=payable_on == today)


def judge_notice(policy: Policy, payable_on: date, bill: Asked, now: datetime, zone: tzinfo) -> Verdict:
    """What becomes of the notice that the debit of a bill payable on `payable_on` failed, as things stand `now`."""
    reason = _reason_to_drop(policy, payable_on, bill)
    if reason is not None:
        return Drop(reason)
    return judge_moment(now, zone, is_due_today=payable_on == now.astimezone(zone).date())


def judge_question(policy: Policy, bill: Asked, now: datetime, zone: tzinfo, *, is_open: bool) -> Verdict:
    """What becomes of the question whether a presumed debit happened; `is_open` until somebody has answered."""
    reason = _reason_to_keep_quiet(policy, bill)
    if not is_open or reason is not None:
        return Drop(reason or Reason.ANSWERED)
    return judge_moment(now, zone, is_due_today=False)


def judge_moment(now: datetime, zone: tzinfo, *, is_due_today: bool) -> Send | Wait:
    """Now, or after the quiet hours; what is due today cannot wait for tomorrow."""
    allowed = now if is_due_today else after_quiet(now, zone)
    return Send() if allowed <= now else Wait(allowed)


def _reason_to_drop(policy: Policy, payable_on: date, bill: Asked) -> Reason | None:
    if bill.open_amount <= 0:
        return Reason.SETTLED
    if bill.payable_on != payable_on:
        return Reason.MOVED
    return _reason_to_keep_quiet(policy, bill)


def _reason_to_keep_quiet(policy: Policy, bill: Asked) -> Reason | None:
    if bill.is_archived:
        return Reason.ARCHIVED
    if not bill.is_member:
        return Reason.LEFT
    if not policy.is_on:
        return Reason.SWITCHED_OFF
    return None


def _other_step(policy: Policy, step: str, payable_on: date, today: date, zone: tzinfo) -> Verdict:
    """The verdict on a step that is not the one called for: its day is to come, or gone, or no longer on the ladder."""
    gone = (today - payable_on).days
    ladder = {step_key(known): known for known in steps(policy, gone + LATEST - EARLIEST)}
    if step not in ladder:
        return Drop(Reason.SWITCHED_OFF)
    if ladder[step] > gone:
        return Wait(send_at(policy, payable_on, ladder[step], zone))
    return Drop(Reason.OVERTAKEN)


def wording(days_left: int, *, auto_repay: bool, short: bool) -> Wording:
    """How to put it, with `days_left` until the payable day (negative: overdue)."""
    if days_left < 0:
        return Wording.OVERDUE
    if auto_repay:
        return Wording.SHORT if short else Wording.WILL_DEBIT
    return Wording.DUE_TODAY if days_left == 0 else Wording.COMING
