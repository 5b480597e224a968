"""What a household wants to be reminded of, and asking for a message."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from ledger.models import Household, Loan, Membership, User
from reminders import rules
from reminders.models import Channel, Kind, LoanWatch, OccasionWatch, Reminder, ReminderChoice, ReminderPolicy, State
from reminders.services.message_ids import message_id


def set_policy(
    *, household: Household, policy: rules.Policy, now: datetime, loan: Loan | None = None, second: int | None = None
) -> ReminderPolicy:
    """Keep what the household wants for all its loans, or for one `loan`; it holds from the next tick on. `second` is
    the id of the member who is told in the end, of a household only; somebody who is no member is nobody."""
    values: dict[str, Any] = {
        "days": sorted(set(policy.days)),
        "then_every": policy.then_every,
        "hour": policy.hour,
        "is_on": policy.is_on,
        "also": [also.value for also in policy.also],
        "quiet_from": policy.quiet_from,
        "quiet_until": policy.quiet_until,
    }
    with transaction.atomic():
        is_member = second is not None and Membership.objects.filter(household=household, user=second).exists()
        values["second_id"] = second if is_member and loan is None else None
        row, _created = ReminderPolicy.objects.update_or_create(household=household, loan=loan, defaults=values)
        _plan_anew(household, loan, now)
    return row


def forget_policy(*, loan: Loan, now: datetime) -> None:
    """Let what the household wants hold for this loan again."""
    with transaction.atomic():
        ReminderPolicy.objects.filter(loan=loan).delete()
        _plan_anew(loan.household, loan, now)


def choose(*, household: Household, user: User, muted: Collection[rules.Category], now: datetime) -> ReminderChoice:
    """Keep of which categories a member wants to hear nothing; what was given up because of one that is wanted again
    is planned again by the next tick."""
    values = {"muted": sorted(category.value for category in muted)}
    with transaction.atomic():
        row, _created = ReminderChoice.objects.update_or_create(household=household, user=user, defaults=values)
        _plan_anew(household, None, now)
    return row


def _plan_anew(household: Household, loan: Loan | None, now: datetime) -> None:
    watches = LoanWatch.objects.filter(loan__household=household)
    (watches if loan is None else watches.filter(loan=loan)).update(next_at=now)
    OccasionWatch.objects.filter(household=household).update(next_at=now)


def ask_for_test(*, household: Household, user: User, key: str, now: datetime) -> Reminder:
    """Plan a test mail to `user`; one at a time, however often it is asked for. One that waits for its next try is
    tried at once."""
    tests = Reminder.objects.filter(household=household, recipient=user, kind=Kind.TEST, channel=Channel.EMAIL)
    waiting = tests.filter(state=State.PLANNED).first()
    if waiting is not None:
        tests.filter(pk=waiting.pk, state=State.PLANNED, next_at__gt=now).update(next_at=now)
        return waiting
    id = message_id(Kind.TEST, household.pk, user.pk, key)
    values = {"household": household, "recipient": user, "kind": Kind.TEST}
    row, _created = Reminder.objects.get_or_create(
        message_id=id, defaults={**values, "created_at": now, "send_at": now, "next_at": now}
    )
    return row


def send_again(*, reminder: Reminder, now: datetime) -> bool:
    """Plan a failed or uncertain message once more, because somebody asks for it; False if it is neither."""
    again = Reminder.objects.filter(pk=reminder.pk, state__in=[State.FAILED, State.UNCERTAIN])
    afresh = {"attempts": 0, "refusals": 0, "lost_leases": 0, "token": "", "lease_until": None}
    return again.update(state=State.PLANNED, next_at=now, **afresh) == 1
