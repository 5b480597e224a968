"""A real SMTP server on loopback that keeps what it accepts, and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


@dataclass
class Catcher:
    """The mails accepted, and the connections made; each list of misdeeds is used up before it is friendly again.

    `mail_replies`, `rcpt_replies` and `data_replies` are said instead of the usual, the last of them after the final
    dot; a data reply of "" cuts the line there without a word, though the mail is kept. `greetings` are seconds waited
    before a greeting, `stalls` commands after which it goes silent ("." for the final dot, where the mail is kept),
    `cuts` how often the line is cut before the final dot, `idle_cuts` how often right after a mail, and `extra`
    replies said without being asked after a mail. `strangers` are addresses it does not know.
    """

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    mail_replies: list[str] = field(default_factory=list)
    rcpt_replies: list[str] = field(default_factory=list)
    data_replies: list[str] = field(default_factory=list)
    greetings: list[float] = field(default_factory=list)
    stalls: list[str] = field(default_factory=list)
    cuts: int = 0
    idle_cuts: int = 0
    extra: list[str] = field(default_factory=list)
    connections: int = 0
    most_connections: int = 99
    strangers: set[str] = field(default_factory=set)
    pipelining: bool = False

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        await self.stall("MAIL")
        if self.mail_replies:
            return self.mail_replies.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        await self.stall("RCPT")
        if self.rcpt_replies:
            return self.rcpt_replies.pop(0)
        if address in self.strangers:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        reply = self.data_replies.pop(0) if self.data_replies else "250 2.0.0 queued"
        if not reply or reply.startswith("2"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        await self.stall(".")
        if not reply:
            server.transport.close()
        return reply or "250 never heard"

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self.pipelining else responses

    async def stall(self, at: str) -> None:
        if self.stalls and self.stalls[0] == at:
            self.stalls.pop(0)
            await asyncio.sleep(30)

    def recipients(self) -> list[str]:
        """Whom the mails accepted are for, in order of the alphabet."""
        return sorted(str(mail["To"]) for mail in self.mails)

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        controller = _Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        self.connections = 0  # the controller has tried it
        try:
            yield
        finally:
            controller.stop()


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


class _Server(SMTP):
    """One connection."""

    async def _handle_client(self) -> None:
        catcher: Catcher = self.event_handler
        catcher.connections += 1
        if catcher.connections > catcher.most_connections:
            await self.push("421 4.7.0 too many connections")
            self.transport.close()
            return
        if catcher.greetings:
            await asyncio.sleep(catcher.greetings.pop(0))
        await super()._handle_client()

    async def push(self, status: Any) -> None:
        catcher: Catcher = self.event_handler
        await super().push(status)
        said = status if isinstance(status, str) else status.decode()
        if said.startswith("354") and catcher.cuts:
            catcher.cuts -= 1
            self.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        if said.startswith("250 2.0.0 queued"):
            if catcher.extra:
                await super().push(catcher.extra.pop(0))
            if catcher.idle_cuts:
                catcher.idle_cuts -= 1
                self.transport.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
