"""Questions to the web process that never keep the launcher waiting."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable


class Probe:
    """Asks for paths, one request at a time, and hands the status of each answer to `answered`.

    The launcher holds the listening socket, so the question waits there until a web process takes it.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        site: str,
        selector: selectors.BaseSelector,
        answered: Callable[[int], None],
    ) -> None:
        self._address = address
        self._site = site
        self._selector = selector
        self._answered = answered
        self._socket: socket.socket | None = None

    def ask(self, path: str) -> None:
        """Asks, unless an answer is still to come."""
        if self._socket:
            return
        try:
            client = socket.create_connection(self._address, timeout=2)
            client.sendall(f"GET {path} HTTP/1.0\r\nHost: {self._site}\r\n\r\n".encode())
            client.setblocking(False)
        except OSError:
            return
        self._socket = client
        self._selector.register(client, selectors.EVENT_READ, lambda: self._read(client))

    def _read(self, client: socket.socket) -> None:
        try:
            words = client.recv(64).split()
        except OSError:
            words = []
        self._selector.unregister(client)
        client.close()
        self._socket = None
        if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit():
            self._answered(int(words[1]))
