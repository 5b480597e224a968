"""Writing messages down, once each, whoever else does the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from reminders import rules
from reminders.models import RESTORED, Reminder, State
from reminders.services.restoring import hold

BATCH = 200
_KNOWN = ("message_id", "state", "reason", "send_at", "attempts")


def write_down(rows: Sequence[Reminder], wanted: Collection[str], now: datetime) -> int:
    """Write down those of `rows` that are not there yet, and plan those of the `wanted` message ids again that were
    given up for a reason that no longer holds; counts both.

    What may have left before the books were restored is written down as uncertain. With nothing to write it asks one
    question of the database.
    """
    ids = [row.message_id for row in rows]
    known = {
        row.message_id: row
        for first in range(0, len(ids), BATCH)
        for row in Reminder.objects.filter(message_id__in=ids[first : first + BATCH]).only(*_KNOWN)
    }
    for row in rows:
        _move(known.get(row.message_id), row.send_at)
    new = [row for row in rows if row.message_id not in known]
    again = [row for row in rows if row.message_id in wanted and _is_given_up(known.get(row.message_id))]
    if not new and not again:
        return 0
    with transaction.atomic():
        hold([*new, *again])
        Reminder.objects.bulk_create(new, ignore_conflicts=True, batch_size=BATCH)
        held = [row.message_id for row in again if row.state == State.UNCERTAIN]
        given_up = Reminder.objects.filter(message_id__in=[row.message_id for row in again], state=State.SUPERSEDED)
        afresh: dict[str, Any] = {"reason": "", "attempts": 0, "refusals": 0, "lost_leases": 0, "next_at": now}
        revived = given_up.filter(message_id__in=held).update(state=State.UNCERTAIN, error=RESTORED, **afresh)
        revived += given_up.update(state=State.PLANNED, error="", **afresh)
    return len(new) + revived


def _move(known: Reminder | None, send_at: datetime) -> None:
    """Let what waits go out at its new moment: the hour or the time zone is another one now."""
    if known is not None and known.state == State.PLANNED and known.attempts == 0 and known.send_at != send_at:
        waiting = Reminder.objects.filter(pk=known.pk, state=State.PLANNED, attempts=0)
        waiting.update(send_at=send_at, next_at=send_at)


def _is_given_up(known: Reminder | None) -> bool:
    return known is not None and known.state == State.SUPERSEDED and known.reason != rules.Reason.OVERTAKEN
