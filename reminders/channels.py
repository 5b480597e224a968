"""Handing a message over: how far that got, and what surely did or did not leave."""

from __future__ import annotations

import contextlib
import select
import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import lru_cache
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address

from reminders.deliveries import Committing
from reminders.deliveries import Delivery as Delivery
from reminders.deliveries import Outcome as Outcome
from reminders.mailbox import MailboxBackend
from reminders.mime import SIMPLE_ADDRESS, wire_text
from reminders.models import Channel as ChannelKind
from reminders.models import Reminder, ReminderQuerySet
from reminders.push import PushChannel

Commands = tuple[tuple[str, int], ...]  # what is said before a message, each with the code of the answer hoped for


class _Answered(Exception):  # noqa: N818
    """The server answered something else than hoped for, before the message was complete."""

    def __init__(self, code: int, reply: bytes) -> None:
        self.code, self.reply = code, _words(code, reply)


class SmtpChannel:
    """One SMTP connection, kept for several messages, with the settings of Django's own backend.

    `committing` is called when the whole text is with the server and only the final dot is missing: what fails
    before it has surely not been sent (RFC 5321, 4.1.1.4), what is cut off after it may have been (RFC 1047).
    """

    def __init__(self, backend: EmailBackend) -> None:
        self._backend = backend
        self._used = False
        self._announced: Commands = ()

    def announce(self, sender: str, recipient: str) -> None:
        """Say for whom a message is being made, so that the server has answered by then. What goes wrong is told by
        `hand_over`; who makes no message after all calls `forget`."""
        smtp: Any = self._backend.connection
        if not self._used or smtp is None or not smtp.has_extn("pipelining"):
            return
        with contextlib.suppress(ValueError):
            commands = _commands(sender, [recipient])
            try:
                smtp.send(_joined(commands))
            except (OSError, smtplib.SMTPException):
                self.close()
            else:
                self._announced = commands

    def forget(self) -> None:
        """Nothing came of what was announced: only a new connection will do."""
        if self._announced:
            self.close()

    def deliver(self, message: EmailMessage, committing: Committing) -> Delivery:
        early = self.hand_over(message)
        if early is not None:
            return early
        try:
            ours = committing()
        except BaseException:
            self.close()
            raise
        if not ours:
            self.close()
            return Delivery(Outcome.FENCED)
        self.say_dot()
        return self.answer()

    def hand_over(self, message: EmailMessage) -> Delivery | None:
        """Everything but the final dot: None once only that is missing, else what came of it."""
        try:
            text, commands = wire_text(message), _commands(message.from_email, message.recipients())
        except ValueError as error:  # an address or header that cannot be put on the wire
            return Delivery(Outcome.IMPOSSIBLE, _text(error))
        if self._announced != commands:
            self.forget()
        return self._handed_over(commands, text)

    def say_dot(self) -> None:
        """The last byte: from now on it may have been sent. What goes wrong is told by `answer`."""
        smtp: Any = self._backend.connection
        with contextlib.suppress(OSError, smtplib.SMTPException):
            smtp.send(b".\r\n")

    def answer(self) -> Delivery:
        """What the server says to the final dot."""
        smtp: Any = self._backend.connection
        try:
            if smtp is None or smtp.sock is None:
                raise smtplib.SMTPServerDisconnected("the connection was gone before the last byte")
            code, reply = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Delivery(Outcome.UNKNOWN, _text(error), is_down=_is_silent(error))
        words = _words(code, reply)
        if 200 <= code <= 299:
            self._used = True
            return Delivery(Outcome.ACCEPTED, words)
        self.close()
        if 400 <= code <= 499:
            return Delivery(Outcome.DELAYED, words)
        return Delivery(Outcome.REFUSED if 500 <= code <= 599 else Outcome.UNKNOWN, words)

    def _handed_over(self, commands: Commands, text: bytes) -> Delivery | None:
        """A connection used before may have been closed for being idle or busy enough: then a new one is tried."""
        while True:
            was_used = self._used
            try:
                smtp = self._connected()
            except (OSError, smtplib.SMTPException, ValueError) as error:
                self.close()
                return Delivery(Outcome.DELAYED, _text(error), is_down=True)
            try:
                self._say(smtp, commands, text)
                return None
            except _Answered as answer:
                self.close()
                is_about_this = 400 <= answer.code <= 599 and answer.code != 421
                if was_used and not is_about_this:
                    continue
                outcome = Outcome.REFUSED if answer.code >= 500 else Outcome.DELAYED
                return Delivery(outcome, answer.reply, is_down=answer.code == 421)
            except (OSError, smtplib.SMTPException) as error:
                self.close()
                is_silent = _is_silent(error)
                if was_used and not is_silent:
                    continue
                return Delivery(Outcome.DELAYED, _text(error), is_down=is_silent)

    def close(self) -> None:
        """Drop the connection, without a word if need be."""
        smtp, self._backend.connection = self._backend.connection, None
        self._used, self._announced = False, ()
        if smtp is not None:
            smtp.close()

    def quit(self) -> None:
        """End the connection politely."""
        if self._backend.connection is not None:
            self._backend.close()

    def _connected(self) -> Any:
        is_new = self._backend.open()
        smtp: Any = self._backend.connection
        if smtp is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        if is_new:  # the final dot is not to wait until the text before it is acknowledged, which takes up to 40 ms
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            smtp.ehlo_or_helo_if_needed()
        return smtp

    def _say(self, smtp: Any, commands: Commands, text: bytes) -> None:
        """Everything but the final dot; the commands at one go where the server allows it (RFC 2920)."""
        if smtp.has_extn("pipelining"):
            if self._announced != commands:
                smtp.send(_joined(commands))
            self._announced = ()
            for _, hoped_for in commands:
                _expect(smtp.getreply(), hoped_for)
        else:
            for command, hoped_for in commands:
                _expect(smtp.docmd(command), hoped_for)
        smtp.sock.sendall(text)
        if _has_news(smtp.sock):  # nothing is to be said before the dot: it has given up, or hung up
            raise _Answered(*smtp.getreply())


class BackendChannel:
    """Any other mail backend. The local mailbox replaces what it has, so it may be asked again after any fault."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._repeatable = isinstance(backend, MailboxBackend)

    def deliver(self, message: EmailMessage, committing: Committing) -> Delivery:
        if not self._repeatable and not committing():
            return Delivery(Outcome.FENCED)
        try:
            sent = self._backend.send_messages([message])
        except Exception as error:  # a backend may raise anything
            return Delivery(Outcome.DELAYED if self._repeatable else Outcome.UNKNOWN, _text(error))
        return Delivery(Outcome.ACCEPTED if sent else Outcome.DELAYED)

    def quit(self) -> None:
        self._backend.close()


class Channel(Protocol):
    """A way to a recipient, kept open for several messages.

    `committing` is called at the last moment at which nothing has left; if it says no, nothing does.
    """

    def deliver(self, message: EmailMessage, committing: Committing) -> Delivery: ...

    def quit(self) -> None: ...


def open_mail() -> Channel:
    """The mail channel the settings name; it connects with its first message."""
    backend = get_connection()
    return SmtpChannel(backend) if isinstance(backend, EmailBackend) else BackendChannel(backend)


def mail_answers() -> bool:
    """Whether the mail server can be reached and lets us in; always where mail goes no such way."""
    backend = get_connection()
    if not isinstance(backend, EmailBackend):
        return True
    try:
        backend.open()
    except (OSError, smtplib.SMTPException, ValueError):  # the last of a host or password that cannot be written
        return False
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            backend.close()
    return True


def open_channel(row: Reminder) -> Channel:
    """The channel a message goes by; LookupError if there is none any more."""
    if row.channel == ChannelKind.EMAIL:
        return open_mail()
    if row.destination is None:
        raise LookupError("no such channel")
    channel: Channel = PushChannel(row.destination)
    return channel


@dataclass(slots=True)
class Channels:
    """The channels in use, opened when first asked for; those that are down are not asked again.

    Of the mail there may be several connections side by side, its `lanes`: as many as the settings allow, or fewer
    once the server has refused one more.
    """

    lanes: int = field(default_factory=lambda: max(1, settings.EMAIL_CONNECTIONS))
    _open: dict[tuple[int | None, int], Channel] = field(default_factory=dict)  # by destination; None for the mail
    _down: set[int | None] = field(default_factory=set)
    _answered: bool = False

    def of(self, row: Reminder, lane: int = 0) -> Channel:
        key = (row.destination_id, lane)
        if key not in self._open:
            self._open[key] = open_channel(row)
        return self._open[key]

    def opened(self, row: Reminder, lane: int) -> Channel | None:
        """The channel if it was used before."""
        return self._open.get((row.destination_id, lane))

    def is_down(self, row: Reminder) -> bool:
        return row.destination_id in self._down

    def note(self, row: Reminder, delivery: Delivery) -> None:
        if delivery.is_down:
            self._down.add(row.destination_id)
        elif row.destination_id is None and delivery.outcome in (Outcome.ACCEPTED, Outcome.REFUSED):
            self._answered = True

    @property
    def is_mail_down(self) -> bool:
        return None in self._down

    @property
    def is_mail_open(self) -> bool:
        """Whether the mail server has answered, and so is known to be there."""
        return self._answered and not self.is_mail_down

    def reachable(self, rows: ReminderQuerySet) -> ReminderQuerySet:
        """Those of `rows` whose channel is not known to be down."""
        if None in self._down:
            rows = rows.exclude(channel=ChannelKind.EMAIL)
        gone = [destination for destination in self._down if destination is not None]
        return rows.exclude(destination__in=gone) if gone else rows

    def quit(self) -> None:
        for channel in self._open.values():
            channel.quit()


def _joined(commands: Commands) -> str:
    return "".join(f"{command}\r\n" for command, _ in commands)


def _commands(sender: str, recipients: Sequence[str]) -> Commands:
    """What is said before the text. ValueError for a bad address."""
    said = [f"MAIL FROM:{smtplib.quoteaddr(_mailbox(sender))}"]
    said += [f"RCPT TO:{smtplib.quoteaddr(_mailbox(recipient))}" for recipient in recipients]
    if not recipients:
        raise ValueError("there is no address to send to")
    if any("\r" in line or "\n" in line or not line.isascii() for line in said):
        raise ValueError("an address holds what cannot be sent")
    return (*((line, 250) for line in said), ("DATA", 354))


@lru_cache(maxsize=1024)
def _mailbox(address: str) -> str:
    if SIMPLE_ADDRESS.fullmatch(address):
        return address
    if not parseaddr(address)[1].rpartition("@")[0].isascii():
        raise ValueError("letters before the @ that mail servers do not know")
    return parseaddr(str(sanitize_address(address, settings.DEFAULT_CHARSET)))[1]


def _has_news(sock: Any) -> bool:
    """Whether there is something to read on a plain connection; on a sealed one that may be part of the sealing."""
    return not isinstance(sock, ssl.SSLSocket) and bool(select.select([sock], [], [], 0)[0])


def _expect(answer: tuple[int, bytes], hoped_for: int) -> None:
    if answer[0] != hoped_for and (hoped_for, answer[0]) != (250, 251):
        raise _Answered(*answer)


def _words(code: int, reply: bytes) -> str:
    return f"{code} {reply.decode('utf-8', 'replace')}"


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _is_silent(error: Exception) -> bool:
    """Whether the server said nothing for too long; smtplib makes a lost connection of it."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
