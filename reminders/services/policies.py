"""What a household wants to be reminded of, and asking for a message."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from ledger.models import Household, Loan, User
from reminders import rules
from reminders.models import Kind, LoanWatch, Reminder, ReminderPolicy, State
from reminders.services.message_ids import message_id


def set_policy(
    *, household: Household, policy: rules.Policy, now: datetime, loan: Loan | None = None
) -> ReminderPolicy:
    """Keep what the household wants for all its loans, or for one `loan`; it holds from the next tick on."""
    values = {
        "days": sorted(set(policy.days)),
        "then_every": policy.then_every,
        "hour": policy.hour,
        "is_on": policy.is_on,
    }
    with transaction.atomic():
        row, _created = ReminderPolicy.objects.update_or_create(household=household, loan=loan, defaults=values)
        _plan_anew(household, loan, now)
    return row


def forget_policy(*, loan: Loan, now: datetime) -> None:
    """Let what the household wants hold for this loan again."""
    with transaction.atomic():
        ReminderPolicy.objects.filter(loan=loan).delete()
        _plan_anew(loan.household, loan, now)


def _plan_anew(household: Household, loan: Loan | None, now: datetime) -> None:
    watches = LoanWatch.objects.filter(loan__household=household)
    (watches if loan is None else watches.filter(loan=loan)).update(next_at=now)


def ask_for_test(*, household: Household, user: User, key: str, now: datetime) -> Reminder:
    """Plan a test mail to `user`; one at a time, however often it is asked for."""
    waiting = Reminder.objects.filter(household=household, recipient=user, kind=Kind.TEST, state=State.PLANNED).first()
    if waiting is not None:
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
    values = {"state": State.PLANNED, "next_at": now, "attempts": 0, "refusals": 0, "token": "", "lease_until": None}
    return again.update(**values) == 1
