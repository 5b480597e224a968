"""An SMTP server on loopback that takes every mail and keeps only what tells one from another (aiosmtpd).

Run as a process of its own: python -m benchmarks.smtp_sink PORT [CERTIFICATE]. `VRFY all` answers how many mails have
come and how many different ones, and counts anew from there. With a certificate (its key in the same file) it asks
for STARTTLS and a login first, as the servers of mail providers do.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import sys
import warnings
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult

MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


class Counter:
    """What has arrived: mails, and how many of them are not repeats of another."""

    def __init__(self) -> None:
        self.mails = 0
        self.seen: set[bytes] = set()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        found = MESSAGE_ID.search(envelope.content)
        self.mails += 1
        self.seen.add(found[1] if found else envelope.content)
        return "250 2.0.0 queued"

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Commands may come together (RFC 2920), as with the servers in use everywhere; smtplib never does so."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_VRFY(self, server: Any, session: Any, envelope: Any, address: str) -> str:  # noqa: N802
        said = f"252 {self.mails} {len(self.seen)}"
        self.__init__()  # type: ignore[misc]
        return said


def anybody(*asked: Any) -> AuthResult:
    return AuthResult(success=True)


async def serve(port: int, certificate: str = "") -> None:
    counter = Counter()
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"loop": loop, "hostname": "sink"}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        options |= {"tls_context": context, "require_starttls": True, "authenticator": anybody, "auth_required": True}
    server = await loop.create_server(lambda: SMTP(counter, **options), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:]))
