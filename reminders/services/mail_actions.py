"""What a link in a letter does: record a repayment of its bill, put reminders of it off, or stop a category."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.loanmath.facts import ApplyTo
from ledger.models import Bill, Fact, Household, User
from ledger.services.projection import lock, refresh_loan
from ledger.services.recording import Recorded, Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment
from reminders import rules
from reminders.models import Kind, Reminder, ReminderChoice, Snooze, State

SOON, LATER = timedelta(days=1), timedelta(days=3)


def repay(
    *, bill: Bill, recording: Recording, amount: int | None = None, seen: int | None = None
) -> Recorded | Refusal:
    """Record that `amount` (minor units; None: all that is open) of a bill was paid today.

    `seen` is what was open when the reader was asked; None where they name an amount. Under a key that was used
    already, whatever it recorded; refused ("paid") where nothing is open any more, and ("stale") where it is not what
    was seen.
    """
    with transaction.atomic():
        loan = lock(bill.loan)
        used = Fact.objects.filter(household_id=loan.household_id, key=recording.key).first()
        if used is not None:
            return Recorded(used, replayed=True)
        today = loan.household.today(recording.now)
        refresh_loan(loan, today)
        left = Bill.objects.get(pk=bill.pk).open.total
        if left <= 0:
            return Refusal("paid", _("Nothing is left to pay on this bill."))
        if amount is None and seen != left:
            return Refusal("stale", _("The figures have changed since you saw them. Please look again and confirm."))
        return record_repayment(
            loan=loan,
            amount=left if amount is None else amount,
            paid_on=today,
            apply_to=ApplyTo.BILL,
            bill_number=bill.number,
            recording=recording,
        )


def days_to_snooze(payable_on: date, today: date) -> list[date]:
    """Until when reminders of a bill may be put off: tomorrow, in 3 days, the day it is payable; never past that."""
    return sorted({day for day in (today + SOON, today + LATER, payable_on) if today < day <= payable_on})


def snooze(*, bill: Bill, user: User, until: date, key: str, now: datetime) -> Snooze | Refusal:
    """Let `user` hear nothing of a bill before `until`. Under a key that was used already, the day it said first."""
    used = Snooze.objects.filter(household_id=bill.loan.household_id, key=key).first()
    if used is not None:
        return used
    if not bill.is_needed or bill.open.total <= 0:
        return Refusal("paid", _("Nothing is left to pay on this bill."))
    if until not in days_to_snooze(bill.payable_on, bill.loan.household.today(now)):
        return Refusal("too_late", _("Choose one of these days."), "until")
    values = {"bill": bill, "user": user, "until": until, "created_at": now}
    with transaction.atomic():
        row, created = Snooze.objects.get_or_create(household_id=bill.loan.household_id, key=key, defaults=values)
        if created:  # what an earlier one put off further is looked at again
            late = Reminder.objects.filter(bill=bill, recipient=user, kind=Kind.STEP, state=State.PLANNED, attempts=0)
            late.filter(send_at__lte=now, next_at__gt=now).update(next_at=now)
    return row


def mute(*, household: Household, user: User, categories: Collection[rules.Category]) -> ReminderChoice:
    """Let a member hear nothing more of some categories; the others stay as they chose."""
    with transaction.atomic():
        ReminderChoice.objects.get_or_create(household=household, user=user)
        row = ReminderChoice.objects.select_for_update().get(household=household, user=user)
        muted = sorted({*row.muted, *(category.value for category in categories)})
        if muted != row.muted:
            row.muted = muted
            row.save(update_fields=["muted"])
    return row
