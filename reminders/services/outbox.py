"""The outbox: taking what is due, looking again, handing it over, and writing down what became of it.

A message is taken by one conditional update with a token and a lease. What fails before the last byte is tried
again; what is cut off after it is uncertain and shown to its recipient, never sent twice on our own account.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import InterfaceError, OperationalError, connection

from ledger.models import Loan
from ledger.selectors.banners import late_jobs
from ledger.services import heartbeat
from ledger.services.projection import refresh_loan
from reminders import rules
from reminders.channels import Channel, Delivery, Outcome, open_channel
from reminders.emails import compose
from reminders.models import Kind, Reminder, State
from reminders.selectors import judge

logger = logging.getLogger(__name__)

BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
LATER = timedelta(hours=1)  # how often a failed message is tried once more, in case the server is back
MOST_ATTEMPTS = 28  # about a day
MOST_REFUSALS = 3
DRAIN_LASTS = 45.0  # seconds after which a drain leaves the rest to the next one
PERSIST_LASTS = 60.0  # seconds for which an outcome is tried to be written
BATCH = 100


@dataclass(slots=True)
class Moving:
    """The moment a piece of work began, moving on while it lasts; by the monotonic clock."""

    start: datetime
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)


def sweep(now: datetime) -> int:
    """Free what a worker took and never brought to an end, and what failed long enough ago; counts them.

    What was taken but not yet committed has surely not been sent: it is planned again. What was being handed over
    may have been: it is uncertain, until a late answer proves it sent.
    """
    freed = 0
    stuck = Reminder.objects.stuck(now)
    if stuck.exists():  # asking first: on SQLite an update takes the write lock even if it finds nothing
        freed += stuck.filter(state=State.INFLIGHT).update(
            state=State.UNCERTAIN, lease_until=None, error="the mail server's answer was not seen"
        )
        freed += stuck.filter(state=State.SENDING).update(state=State.PLANNED, token="", lease_until=None, next_at=now)
    failed = Reminder.objects.to_try_again(now, MOST_ATTEMPTS, MOST_REFUSALS)
    if failed.exists():
        freed += failed.update(state=State.PLANNED)
    return freed


def drain(now: datetime) -> int:
    """Send what is due at `now`; counts what was sent. One question to the database when nothing is.

    Any number of these may run at once, none of them inside a transaction.
    """
    moving = Moving(now)
    seen: set[int] = set()
    sent = 0
    channel = open_channel()
    try:
        while batch := [id for id in Reminder.objects.due(now).values_list("pk", flat=True)[:BATCH] if id not in seen]:
            for id in batch:
                seen.add(id)
                delivery = _deliver_or_log(id, moving, channel)
                sent += delivery is not None and delivery.outcome is Outcome.ACCEPTED
                if moving.seconds > DRAIN_LASTS or (delivery is not None and delivery.is_down):
                    return sent
    finally:
        channel.quit()
    return sent


def _deliver_or_log(id: int, moving: Moving, channel: Channel) -> Delivery | None:
    """One message that breaks does not stop the others; its lease runs out, and the sweep finds it."""
    try:
        return deliver(id, moving, channel)
    except Exception:
        logger.exception("Reminder %s broke off", id)
        return None


def deliver(id: int, moving: Moving, channel: Channel) -> Delivery | None:
    """Take one message, look again, and send it if it is still called for; None if it was not sent on purpose."""
    token = _take(id, moving.now())
    if token is None:
        return None
    row = Reminder.objects.select_related(
        "household",
        "recipient",
        "attempt__account",
        "attempt__mandate__loan",
        "attempt__mandate__credit_line",
        "attempt__mandate__lender",
        "bill__loan__household",
        "bill__loan__mandate",
        "bill__loan__lender",
    ).get(pk=id)
    try:
        if not _still_wanted(row, moving.now()):
            return None
        message = compose([row], moving.now())
    except Exception as error:  # a message that cannot be made is put off, and stops no other
        logger.exception("Could not make reminder %s", row.pk)
        _settle(row, Delivery(Outcome.DELAYED, f"{type(error).__name__}: {error}"), moving)
        return None
    delivery = channel.deliver(message, lambda: _commit(row, message, moving.now()))
    row.subject, row.address = _said(message)
    _persist(lambda: _settle(row, delivery, moving))
    return delivery


def _take(id: int, now: datetime) -> str | None:
    """Claim a planned message: the token if it is ours now."""
    token = secrets.token_hex(16)
    lease = now + timedelta(seconds=settings.MAIL_LEASE_SECONDS)
    mine = Reminder.objects.filter(pk=id, state=State.PLANNED, next_at__lte=now)
    return token if mine.update(state=State.SENDING, token=token, lease_until=lease) == 1 else None


def _still_wanted(row: Reminder, now: datetime) -> bool:
    """Look again: is it still owed, still wanted, still the most urgent? If not, write down why or when."""
    if row.bill is not None:
        loan = row.bill.loan
        today = loan.household.today(now)
        if loan.next_change_on is not None and loan.next_change_on <= today:
            refresh_loan(loan, today)
            row.bill.refresh_from_db()
    verdict = judge(row, now)
    if isinstance(verdict, rules.Send) and row.bill is not None and _is_being_debited(row.bill.loan_id, now):
        verdict = rules.Wait(now + timedelta(seconds=settings.SWEEP_SECONDS))
    mine = Reminder.objects.filter(pk=row.pk, token=row.token, state=State.SENDING)
    if isinstance(verdict, rules.Drop):
        mine.update(state=State.SUPERSEDED, reason=verdict.reason.value, token="", lease_until=None)
    elif isinstance(verdict, rules.Wait):
        mine.update(state=State.PLANNED, next_at=verdict.until, token="", lease_until=None)
    return isinstance(verdict, rules.Send)


def _is_being_debited(loan_id: int, now: datetime) -> bool:
    """The loan's debit moment has come and auto-repay, which is at work, has not decided it yet: in a minute it may be
    paid."""
    decided_soon = Loan.objects.filter(pk=loan_id).to_debit(now)
    return decided_soon.exists() and heartbeat.LEDGER not in late_jobs(now)


def _commit(row: Reminder, message: EmailMessage, now: datetime) -> bool:
    """The durable mark just before the last byte; False if the lease is lost, and nothing may be sent."""
    subject, address = _said(message)
    mine = Reminder.objects.filter(pk=row.pk, token=row.token, state=State.SENDING, lease_until__gt=now)
    return mine.update(state=State.INFLIGHT, subject=subject, address=address) == 1


def _said(message: EmailMessage) -> tuple[str, str]:
    return message.subject[:250], message.to[0]


def _settle(row: Reminder, delivery: Delivery, moving: Moving) -> None:
    """Write down what came of a delivery, if the message is still ours: a late proof turns uncertain into sent."""
    ours = Reminder.objects.filter(pk=row.pk, token=row.token)
    said = delivery.reply[:500]
    match delivery.outcome:
        case Outcome.ACCEPTED:
            changed = ours.filter(state__in=[State.SENDING, State.INFLIGHT, State.UNCERTAIN]).update(
                state=State.SENT,
                sent_at=moving.now(),
                lease_until=None,
                error=said,
                subject=row.subject,
                address=row.address,
                attempts=row.attempts + 1,
            )
            if changed:
                _overtake_uncertain(row)
        case Outcome.UNKNOWN:
            ours.filter(state=State.INFLIGHT).update(
                state=State.UNCERTAIN, lease_until=None, error=said, attempts=row.attempts + 1
            )
        case Outcome.REFUSED | Outcome.DELAYED:
            ours.filter(state__in=[State.SENDING, State.INFLIGHT]).update(
                token="", lease_until=None, error=said, **_next_try(row, delivery.outcome, moving.start)
            )


def _next_try(row: Reminder, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """Put off by 1, 5 and 30 minutes; then failed, with a try each hour for about a day unless it was refused."""
    attempts = row.attempts + 1
    refusals = row.refusals + (outcome is Outcome.REFUSED)
    failed = attempts > len(BACK_OFF) or refusals >= MOST_REFUSALS
    return {
        "state": State.FAILED if failed else State.PLANNED,
        "next_at": now + (LATER if failed else BACK_OFF[attempts - 1]),
        "attempts": attempts,
        "refusals": refusals,
    }


def _overtake_uncertain(row: Reminder) -> None:
    """A reminder that was sent speaks for the earlier ones of its bill that may or may not have arrived."""
    if row.kind == Kind.STEP:
        Reminder.objects.filter(
            kind=Kind.STEP,
            bill=row.bill_id,
            recipient=row.recipient_id,
            channel=row.channel,
            state=State.UNCERTAIN,
            send_at__lt=row.send_at,
        ).update(state=State.SUPERSEDED, reason=rules.Reason.OVERTAKEN.value)


def _persist(write: Callable[[], None]) -> None:
    """Write an outcome even if the database is away for a while: what was sent must not be forgotten."""
    until = time.monotonic() + PERSIST_LASTS
    pause = 0.1
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > until:
                raise
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
