"""After the books were restored: what may have been mailed since the backup is uncertain, and is not sent again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from ledger.clock import zone
from reminders import occasion_rules, rules
from reminders.models import OCCASIONS, RESTORED, Reminder, Restore, State
from reminders.services.tries import MOST_ATTEMPTS, MOST_REFUSALS, RESENT_WITHIN


def mark_restored(*, backup_at: datetime, restored_at: datetime) -> int:
    """Write down that these are the books of `backup_at`, put back at `restored_at`; the number of messages held back.

    To be called before anybody else sees the books. What is made out of them later asks for the row written here.
    """
    restored_at = max(restored_at, backup_at)  # a clock may be wrong
    with transaction.atomic():
        Restore.objects.update_or_create(backup_at=backup_at, defaults={"restored_at": restored_at})
        doubtful = [row.pk for row in _unsent(restored_at) if _is_doubtful(row, restored_at)]
        return Reminder.objects.filter(pk__in=doubtful).update(
            state=State.UNCERTAIN, error=RESTORED, token="", lease_until=None
        )


def last_restore() -> datetime | None:
    """When the books were last restored; None if they never were."""
    moment: datetime | None = Restore.objects.aggregate(last=Max("restored_at"))["last"]
    return moment


def hold(rows: Iterable[Reminder]) -> None:
    """Make those of the planned `rows`, not yet saved, uncertain that may have left before the last restore."""
    restored_at = last_restore()
    for row in rows:
        if restored_at is not None and row.state == State.PLANNED and may_have_left(row, restored_at):
            row.state, row.error = State.UNCERTAIN, RESTORED


def may_have_left(row: Reminder, restored_at: datetime) -> bool:
    """Whether a message planned after the restore may have been sent before it, out of the books that were replaced.

    What was changed between backup and restore is not known any more, so the hour the household chose does not
    count, only the day. What is about a loan entered after the restore is new.
    """
    loan = row.bill.loan if row.bill is not None else row.loan
    if loan is not None and loan.opened_at > restored_at:
        return False
    if row.attempt is not None:
        return row.attempt.window_at <= restored_at
    local = zone(row.household.time_zone)
    if row.kind in OCCASIONS and row.about_on is not None:
        return occasion_rules.earliest(row.step, row.about_on, local) <= restored_at
    if row.bill is None or row.about_on is None:
        return row.created_at <= restored_at
    return rules.earliest(row.send_at, local) <= restored_at


def _unsent(restored_at: datetime) -> Iterable[Reminder]:
    """The messages that would be sent or tried again, those among them that are uncertain for another reason."""
    again = Q(state=State.FAILED, attempts__lt=MOST_ATTEMPTS, refusals__lt=MOST_REFUSALS)
    waiting = Q(state__in=[State.PLANNED, State.SENDING, State.INFLIGHT])
    about = ("household", "bill__loan", "attempt", "loan")
    lost = Q(state=State.UNCERTAIN, next_at__gt=restored_at - RESENT_WITHIN)
    return Reminder.objects.filter(waiting | again | lost).select_related(*about).iterator()


def _is_doubtful(row: Reminder, restored_at: datetime) -> bool:
    """All that had begun, and all whose moment has come."""
    return row.state != State.PLANNED or row.next_at <= restored_at or may_have_left(row, restored_at)
