"""The outbox: taking what is due, looking again, handing it over, and writing down what became of it.

What is due to one person at one time goes out as one letter. A letter is taken by a conditional update with a token
and a lease. What fails before the last byte is tried again; what is cut off after it is uncertain and shown to its
recipient, and not sent twice unless the settings say so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from reminders import rules
from reminders.channels import Channel as Way
from reminders.channels import Channels, Delivery, Outcome, SmtpChannel
from reminders.deliveries import BROKE_OFF, NO_ADDRESS
from reminders.emails import Known, compose
from reminders.mime import key_of
from reminders.models import Channel, Kind, Reminder, ReminderQuerySet, State
from reminders.services.destinations import beside, fall_back
from reminders.services.mailings import Mailing, look_again, next_up, put_back, put_off, take
from reminders.services.tries import (
    BACK_OFF,
    MOST_ATTEMPTS,
    MOST_LEASES,
    MOST_REFUSALS,
    RESENT_WITHIN,
    after_silence,
)
from reminders.unsubscribing import unsubscribe_headers

logger = logging.getLogger(__name__)

DRAIN_LASTS = 45.0  # seconds after which a drain leaves the rest to the next one
FRESH = 2.0  # seconds after which what is not sent yet is looked at again
PERSIST_LASTS = 60.0  # seconds for which an outcome is tried to be written
LETTERS_A_LANE = 8  # so many at least for each connection more
BATCH = 100  # messages looked for at once; what else their households have due comes with them

# Written out: what all letters of a convoy need is one statement, and no other takes as long in all.
MARKED = """
WITH letter (pk, held_by, subject, address, name) AS (VALUES {rows})
UPDATE reminders_reminder SET state = 'inflight', subject = letter.subject, address = letter.address,
       letter = letter.name
FROM letter WHERE id = letter.pk AND token = letter.held_by AND state = 'sending' AND lease_until > %s RETURNING id"""
SENT = """
WITH letter (pk, held_by, subject, address, reply) AS (VALUES {rows})
UPDATE reminders_reminder SET state = 'sent', lease_until = NULL, subject = letter.subject, address = letter.address,
       error = letter.reply, attempts = attempts + 1, sent_at = %s
FROM letter WHERE id = letter.pk AND token = letter.held_by
       AND state IN ('sending', 'inflight', 'uncertain', 'planned') RETURNING id"""

Said = tuple[str, str]  # the subject, and to which address


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
    may have been: it is uncertain, until a late answer proves it sent or, where the settings say so, it is sent again.
    """
    stuck = Reminder.objects.stuck(now)
    failed = Reminder.objects.to_try_again(now, MOST_ATTEMPTS, MOST_REFUSALS)
    lost = Reminder.objects.to_resend(now, now - RESENT_WITHIN, len(BACK_OFF) + 1)
    if settings.UNCERTAIN_MAIL != "resend":  # only mail carries a key by which a repeat is known
        lost = lost.filter(channel=Channel.EMAIL)
    freed = 0
    if stuck.exists():  # asking first: on SQLite an update takes the write lock even if it finds nothing
        freed += stuck.filter(state=State.INFLIGHT).update(
            state=State.UNCERTAIN,
            lease_until=None,
            next_at=now,
            attempts=F("attempts") + 1,
            error="the mail server’s answer was not seen",
        )
        freed += _let_go(stuck.filter(state=State.SENDING), now)
    if failed.exists():
        freed += failed.update(state=State.PLANNED)
    if resends() and lost.exists():
        freed += lost.update(state=State.PLANNED)  # its token stays: a late answer may still prove it sent
    return freed


def _let_go(stuck: ReminderQuerySet, now: datetime) -> int:
    """Plan again what has surely not been sent; over which worker after worker was lost is put aside as failed."""
    gone: dict[str, Any] = {"token": "", "lease_until": None, "next_at": now, "lost_leases": F("lost_leases") + 1}
    with transaction.atomic():
        fatal = list(stuck.filter(lost_leases__gte=MOST_LEASES - 1).select_for_update().order_by("pk"))
        aside = Reminder.objects.filter(pk__in=[row.pk for row in fatal], state=State.SENDING)
        freed = aside.update(state=State.FAILED, refusals=MOST_REFUSALS, error=BROKE_OFF, **gone) if fatal else 0
        _next_channel(fatal, now)
        return freed + stuck.update(state=State.PLANNED, **gone)


def resends() -> bool:
    """Whether mail is sent again of which nobody knows whether it arrived."""
    return settings.UNCERTAIN_MAIL == "resend" or bool(settings.EMAIL_IDEMPOTENCY_HEADER)


def drain(now: datetime, channels: Channels | None = None) -> int:
    """Send what is due at `now`; counts the messages sent. One question to the database when nothing is. `channels`
    know afterwards which of them are down.

    Any number of these may run at once, none of them inside a transaction.
    """
    moving = Moving(now)
    channels = channels or Channels()
    seen: set[int] = set()
    sent = 0
    try:
        while moving.seconds <= DRAIN_LASTS:
            found = next_up(channels.reachable(Reminder.objects.due(now)), seen, BATCH)
            if found is None:
                break
            sent += _send_some(take(*found, moving.now()), moving, channels, seen)
    finally:
        channels.quit()
    return sent


def _send_some(mailings: list[Mailing], moving: Moving, channels: Channels, seen: set[int]) -> int:
    """Send what was taken, as long as it is fresh; `seen` learns what need not be looked at again. Counts messages."""
    sent = 0
    left = list(mailings)
    try:
        left = look_again(mailings, moving.now())
        seen |= {row.pk for mailing in mailings for row in mailing.rows}
        _beside([row for mailing in left for row in mailing.rows if not row.attempts], moving.now())
        ahead = Ahead(Known([row for mailing in left for row in mailing.rows]), moving)
        began = moving.seconds
        lanes = max(1, len(left) // LETTERS_A_LANE)
        while left:
            at_once = min(lanes, channels.lanes)
            some, left = left[:at_once], left[at_once:]
            left += (convoy := Convoy(moving, channels, ahead)).carry(some, left[:at_once])
            sent += convoy.sent
            if moving.seconds - began > FRESH:
                break
    finally:
        put_back(left)
        seen -= {row.pk for mailing in left for row in mailing.rows}
    return sent


@dataclass(slots=True)
class Ahead:
    """Letters made while the mail server is busy with those before; what is `known` is of all taken together."""

    known: Known
    moving: Moving
    _made: dict[str, EmailMessage] = field(default_factory=dict)  # by Message-ID, which says of which rows

    def make(self, mailings: Iterable[Mailing]) -> None:
        """What cannot be made is left to its turn."""
        for mailing in mailings:
            with suppress(Exception):
                self._made[mailing.letter] = self._letter(mailing)

    def letter(self, mailing: Mailing) -> EmailMessage:
        return self._made.pop(mailing.letter, None) or self._letter(mailing)

    def _letter(self, mailing: Mailing) -> EmailMessage:
        message = compose(mailing.rows, self.moving.now(), self.known)
        if mailing.first.channel == Channel.EMAIL:
            message.extra_headers |= {"Message-ID": mailing.letter, **unsubscribe_headers(mailing.rows)}
            if settings.EMAIL_IDEMPOTENCY_HEADER:
                message.extra_headers[settings.EMAIL_IDEMPOTENCY_HEADER] = key_of(mailing.letter)
        return message


@dataclass(slots=True)
class Convoy:
    """Letters that go out at once, each on a connection of its own.

    Each is handed over but for its final dot; then all are marked by one statement, all dots are said, and what
    the server answers is written down by another: the disk and the server are waited for once. Meanwhile
    those to come are made. `sent` counts messages.
    """

    moving: Moving
    channels: Channels
    ahead: Ahead
    first_lane: int = 0
    sent: int = 0
    _ready: list[tuple[Mailing, SmtpChannel, Said]] = field(default_factory=list)

    def carry(self, mailings: Sequence[Mailing], to_come: Sequence[Mailing] = ()) -> list[Mailing]:
        """Send them; what found no connection of its own is given back."""
        announced = list(self._announce(mailings))
        try:
            left = [mailing for mailing in mailings if not self._begin_or_log(mailing)]
        finally:
            for channel in announced:
                channel.forget()
        try:
            self._finish(to_come)
        except Exception:
            logger.exception("Reminders %s broke off", [mailing.first.pk for mailing, _, _ in self._ready])
        return left

    def _announce(self, mailings: Sequence[Mailing]) -> Iterator[SmtpChannel]:
        """Tell the connections that are open for whom the letters will be, before any is made."""
        for lane, mailing in enumerate(mailings, self.first_lane):
            channel = self.channels.opened(mailing.first, lane)
            if isinstance(channel, SmtpChannel):
                channel.announce(settings.DEFAULT_FROM_EMAIL, mailing.first.recipient.email)
                yield channel

    def _begin_or_log(self, mailing: Mailing) -> bool:
        """One letter that breaks does not stop the others; its lease runs out, and the sweep finds it."""
        try:
            return self._begin(mailing)
        except Exception:
            logger.exception("Reminder %s broke off", mailing.first.pk)
            return True

    def _begin(self, mailing: Mailing) -> bool:
        """Make the letter and hand it over; False if another connection was refused, and it is to wait its turn."""
        if self.channels.is_down(mailing.first):
            put_back([mailing])
            return True
        lane, said = self.first_lane + len(self._ready), ("", "")
        try:
            channel = self.channels.of(mailing.first, lane)
            message = self.ahead.letter(mailing)
        except Exception as error:
            if len(mailing.rows) > 1:  # whichever cannot be told does not keep back the others
                self._one_by_one(mailing, lane)
                return True
            logger.exception("Could not make reminder %s", mailing.first.pk)
            early: Delivery | None = Delivery(Outcome.DELAYED, f"{type(error).__name__}: {error}")
        else:
            said = _said(mailing, message)
            early = self._hand_over(mailing, channel, message, said)
        if early is None:
            return True
        if early.is_down and lane:
            self.channels.lanes = lane
            return False
        self._write_down([(mailing, early, said)])
        return True

    def _hand_over(self, mailing: Mailing, channel: Way, message: EmailMessage, said: Said) -> Delivery | None:
        """None if only the final dot is missing."""
        if not said[1]:
            return Delivery(Outcome.IMPOSSIBLE, NO_ADDRESS)
        if not isinstance(channel, SmtpChannel):
            return channel.deliver(message, lambda: _commit([(mailing, said)], self.moving.now()) == [True])
        early = channel.hand_over(message)
        if early is None:
            self._ready.append((mailing, channel, said))
        return early

    def _one_by_one(self, mailing: Mailing, lane: int) -> None:
        for row in mailing.rows:
            alone = Convoy(self.moving, self.channels, self.ahead, first_lane=lane)
            put_back(alone.carry([mailing.of([row])]))
            self.sent += alone.sent

    def _finish(self, to_come: Sequence[Mailing]) -> None:
        """Mark what is ready, say the dots, and write down the answers."""
        if not self._ready:
            return
        try:
            ours = _commit([(mailing, said) for mailing, _, said in self._ready], self.moving.now())
        except BaseException:
            for _, channel, _ in self._ready:
                channel.close()
            raise
        for (_, channel, _), is_ours in zip(self._ready, ours, strict=True):
            channel.say_dot() if is_ours else channel.close()
        self.ahead.make(to_come)
        self._write_down(
            [
                (mailing, channel.answer() if is_ours else Delivery(Outcome.FENCED), said)
                for (mailing, channel, said), is_ours in zip(self._ready, ours, strict=True)
            ]
        )

    def _write_down(self, done: Sequence[tuple[Mailing, Delivery, Said]]) -> None:
        for mailing, delivery, _said in done:
            self.channels.note(mailing.first, delivery)
        _persist(lambda: _settle(done, self.moving))
        self.sent += sum(len(mailing.rows) for mailing, delivery, _ in done if delivery.outcome is Outcome.ACCEPTED)


def _one_transaction(statements: int) -> AbstractContextManager[object]:
    """One for several statements; a single one is a transaction of its own."""
    return transaction.atomic() if statements > 1 else nullcontext()


def _said(mailing: Mailing, message: EmailMessage) -> Said:
    """The subject, and to which address."""
    row = mailing.first
    return message.subject[:250], row.recipient.email if row.channel == Channel.EMAIL else str(row.destination)


def _commit(letters: Sequence[tuple[Mailing, Said]], now: datetime) -> list[bool]:
    """The durable mark just before the last byte, of each letter; False for one of which any message's lease is lost,
    so that nothing of it may be sent."""
    rows = [(row.pk, mailing.token, *said, mailing.letter) for mailing, said in letters for row in mailing.rows]
    with _one_transaction(len(rows) - len(letters) + 1):
        marked = _update(MARKED, rows, now)
        ours = [all(row.pk in marked for row in mailing.rows) for mailing, _said in letters]
        for (mailing, _said), is_ours in zip(letters, ours, strict=True):
            if not is_ours and any(row.pk in marked for row in mailing.rows):  # all or none
                mailing.mine.filter(state=State.INFLIGHT).update(
                    state=State.SENDING, letter=mailing.letter if mailing.is_again else ""
                )
    return ours


def _update(statement: str, rows: Sequence[tuple[Any, ...]], at: datetime) -> set[int]:
    """Run one of the two statements that all letters need; the ids of what was changed."""
    places = f"({', '.join(['%s'] * len(rows[0]))})"
    moment = connection.ops.adapt_datetimefield_value(at)
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(rows=", ".join([places] * len(rows))), [*(value for row in rows for value in row), moment]
        )
        return {id for (id,) in cursor.fetchall()}


def _settle(done: Sequence[tuple[Mailing, Delivery, Said]], moving: Moving) -> None:
    """Write down what came of letters, all or nothing, and with what is given up as failed its next channel."""
    accepted = [one for one in done if one[1].outcome is Outcome.ACCEPTED]
    others = [(mailing, delivery) for mailing, delivery, _ in done if delivery.outcome is not Outcome.ACCEPTED]
    overtaking = [row for mailing, _, _ in accepted for row in mailing.overtaking]
    with _one_transaction(bool(accepted) + 2 * len(others) + len(overtaking)):
        if accepted:
            _settle_accepted(accepted, moving.now())
        failed = [row for mailing, delivery in others for row in _settle_other(mailing, delivery, moving)]
        _next_channel(failed, moving.now())


def _settle_accepted(done: Sequence[tuple[Mailing, Delivery, Said]], now: datetime) -> None:
    """Write down what arrived, if it is still ours: a late proof turns uncertain into sent."""
    rows = [
        (row.pk, mailing.token, *said, delivery.reply[:500]) for mailing, delivery, said in done for row in mailing.rows
    ]
    changed = _update(SENT, rows, now)
    for mailing, _delivery, _said in done:
        if any(row.pk in changed for row in mailing.rows):
            _overtake_uncertain(mailing.overtaking)


def _settle_other(mailing: Mailing, delivery: Delivery, moving: Moving) -> list[Reminder]:
    """Write down what came of a letter that was not accepted, if it is still ours; what is given up as failed."""
    match delivery.outcome:
        case Outcome.UNKNOWN:
            attempts = max(row.attempts for row in mailing.rows)
            mailing.mine.filter(state=State.INFLIGHT).update(
                state=State.UNCERTAIN,
                lease_until=None,
                error=delivery.reply[:500],
                attempts=F("attempts") + 1,
                next_at=after_silence(attempts, moving.start),
            )
        case Outcome.FENCED:
            put_back([mailing])
        case outcome:
            return put_off(mailing, outcome, delivery.reply[:500], moving.start)
    return []


def _beside(rows: Sequence[Reminder], now: datetime) -> None:
    """Whoever wants to hear everything on another channel too does so when the mail is about to go."""
    try:
        beside(rows, now)
    except Exception:  # the mail goes all the same
        logger.exception("No other channel beside reminders %s", [row.pk for row in rows])


def _next_channel(rows: Sequence[Reminder], now: datetime) -> None:
    """What could not be delivered is told another way, if its recipient has named one; in the transaction that writes
    down the failure, so that no crash parts them."""
    if not rows:
        return
    try:
        with transaction.atomic():
            fall_back(rows, now)
    except (OperationalError, InterfaceError):  # the database is away: all of it is written again
        raise
    except Exception:  # that it failed is written down all the same
        logger.exception("No other channel for reminder %s", rows[0].pk)


def _overtake_uncertain(rows: Sequence[Reminder]) -> None:
    """A reminder that was sent speaks for the earlier ones of its bill that may or may not have arrived."""
    for row in rows:
        Reminder.objects.filter(
            kind=Kind.STEP,
            bill=row.bill_id,
            recipient=row.recipient_id,
            channel=row.channel,
            destination=row.destination_id,
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
