"""Periodic work of the reminders app: a message only ever means "look in the database now"."""

from __future__ import annotations

from datetime import datetime

from celery import shared_task

from ledger import clock
from ledger.services import heartbeat
from reminders.services import outbox, planning

JOB = "reminders"


@shared_task  # type: ignore[untyped-decorator]
def tick() -> None:
    """Free what got stuck, plan what is called for, send what is due. May run twice, late, or next to another."""
    run(clock.now())


def run(now: datetime) -> int:
    """One tick at `now`; counts the messages sent."""
    heartbeat.started(JOB, now)
    outbox.sweep(now)
    try:
        planning.plan(now)
    finally:  # what is planned already goes out whatever stops the planning
        sent = outbox.drain(now)
    heartbeat.finished(JOB, now)
    return sent
