"""Handing a message over: how far that got, and what surely did or did not leave."""

from __future__ import annotations

import re
import smtplib
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address

from reminders.deliveries import Committing
from reminders.deliveries import Delivery as Delivery
from reminders.deliveries import Outcome as Outcome
from reminders.mailbox import MailboxBackend


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

    def deliver(self, message: EmailMessage, committing: Committing) -> Delivery:
        for again in (True, False):
            was_used = self._used
            try:
                smtp = self._connected()
            except (OSError, smtplib.SMTPException) as error:
                self.close()
                return Delivery(Outcome.DELAYED, _text(error), is_down=True)
            try:
                self._hand_over(smtp, message)
                break
            except _Answered as answer:
                self.close()
                if answer.code == 421 and was_used and again:
                    continue
                return Delivery(Outcome.REFUSED if answer.code >= 500 else Outcome.DELAYED, answer.reply)
            except (OSError, smtplib.SMTPException) as error:
                self.close()
                if was_used and again:  # the server may close a connection it finds idle or busy enough
                    continue
                return Delivery(Outcome.DELAYED, _text(error))
            except ValueError as error:  # an address or header that cannot be put on the wire
                self.close()
                return Delivery(Outcome.REFUSED, _text(error))
        try:
            ours = committing()
        except BaseException:
            self.close()
            raise
        if not ours:
            self.close()
            return Delivery(Outcome.FENCED)
        return self._finish(smtp)

    def close(self) -> None:
        """Drop the connection, without a word if need be."""
        smtp, self._backend.connection = self._backend.connection, None
        self._used = False
        if smtp is not None:
            smtp.close()

    def quit(self) -> None:
        """End the connection politely."""
        if self._backend.connection is not None:
            self._backend.close()

    def _connected(self) -> Any:
        self._backend.open()
        smtp = self._backend.connection
        if smtp is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        return smtp

    def _hand_over(self, smtp: Any, message: EmailMessage) -> None:
        """Everything but the final dot."""
        encoding = message.encoding or settings.DEFAULT_CHARSET
        mail: Any = message.message()
        body: bytes = mail.as_bytes(linesep="\r\n")
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        smtp.ehlo_or_helo_if_needed()
        _expect(smtp.mail(parseaddr(sanitize_address(message.from_email, encoding))[1]), 250)
        for recipient in message.recipients():
            _expect(smtp.rcpt(parseaddr(sanitize_address(recipient, encoding))[1]), 250, 251)
        _expect(smtp.docmd("DATA"), 354)
        smtp.sock.sendall(re.sub(rb"(?m)^\.", b"..", body))

    def _finish(self, smtp: Any) -> Delivery:
        try:
            smtp.send(b".\r\n")
            code, reply = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Delivery(Outcome.UNKNOWN, _text(error))
        self._used = True
        if code == 250:
            return Delivery(Outcome.ACCEPTED, _words(code, reply))
        self.close()
        return Delivery(Outcome.REFUSED if code >= 500 else Outcome.DELAYED, _words(code, reply))


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


Channel = SmtpChannel | BackendChannel


def open_channel() -> Channel:
    """The channel the settings name; it connects with its first message."""
    backend = get_connection()
    return SmtpChannel(backend) if isinstance(backend, EmailBackend) else BackendChannel(backend)


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    if answer[0] not in codes:
        raise _Answered(*answer)


def _words(code: int, reply: bytes) -> str:
    return f"{code} {reply.decode('utf-8', 'replace')}"


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
