"""An SMTP server on loopback that takes every mail and keeps only what tells one from another (aiosmtpd).

Run as a process of its own: python -m benchmarks.smtp_sink PORT. `VRFY all` answers how many mails have come and how
many different ones, and counts anew from there.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

from aiosmtpd.smtp import SMTP

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

    async def handle_VRFY(self, server: Any, session: Any, envelope: Any, address: str) -> str:  # noqa: N802
        said = f"252 {self.mails} {len(self.seen)}"
        self.__init__()  # type: ignore[misc]
        return said


async def serve(port: int) -> None:
    counter = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(counter, loop=loop, hostname="sink"), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
