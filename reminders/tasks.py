"""Periodic work of the reminders app: a message only ever means "look in the database now"."""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings

from ledger import clock
from ledger.selectors.banners import late_jobs
from ledger.services import heartbeat
from ledger.services.ping import ping
from reminders.channels import Channels, mail_answers
from reminders.services import outbox, planning

WAS_AWAY = timedelta(hours=2)  # since the last good tick: then letters say that nothing was looked at


@shared_task  # type: ignore[untyped-decorator]
def tick(beaten_at: str = "") -> None:
    """Free what got stuck, plan what is called for, send what is due. May run twice, late, or next to another.
    `beaten_at` is the moment at which beat sent it."""
    now = clock.now()
    try:
        run(now, datetime.fromisoformat(beaten_at) if beaten_at else None)
    except Exception:
        ping(now, is_well=False)
        raise
    if settings.PING_URL and not late_jobs(clock.now()):  # whatever else stands still is to be noticed as well
        ping(now, is_well=True)


def run(now: datetime, beaten_at: datetime | None = None) -> int:
    """One tick at `now`; counts the messages sent."""
    last = heartbeat.begun_after(heartbeat.REMINDERS, now)
    if last is not None and now - last > WAS_AWAY:
        _note_standstill(last, now)
    outbox.sweep(now)
    channels = Channels()
    try:
        planning.plan(now)
    except BaseException:  # what is planned already goes out whatever stops the planning
        outbox.drain(now, channels)
        heartbeat.finished(heartbeat.OUTBOX, now)
        raise
    sent = outbox.drain(now, channels)
    _ended_well(now, beaten_at, channels)
    return sent


def _note_standstill(last: datetime, now: datetime) -> None:
    """Keep that nothing went out since the `last` good tick; those whose planning broke off sent what they had."""
    since = max(last, heartbeat.last_end(heartbeat.OUTBOX) or last)
    if now - since > WAS_AWAY:
        heartbeat.stood_still(since, now)


def _ended_well(now: datetime, beaten_at: datetime | None, channels: Channels) -> None:
    """Write down what is alive. Whether the mail server is, is known where it was asked; a server that was away is
    asked how it is while there is nothing to send."""
    ended = {heartbeat.REMINDERS: now, heartbeat.WORKER: now}
    if beaten_at is not None:
        ended[heartbeat.BEAT] = beaten_at
    if channels.is_mail_down:
        heartbeat.all_well(ended)
        heartbeat.failed(heartbeat.MAIL, now)
    elif channels.is_mail_open:
        heartbeat.all_well(ended | {heartbeat.MAIL: now})
    elif not heartbeat.all_well(ended | {heartbeat.MAIL: now}, unless_failing=heartbeat.MAIL) and mail_answers():
        heartbeat.finished(heartbeat.MAIL, now)
