"""A question to the web process that never keeps the launcher waiting."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable


class Probe:
    """Asks `path` over and over, one request at a time, and hands the status to `answered`.

    The launcher holds the listening socket, so the question waits there until a web process takes it.
    """

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        *,
        selector: selectors.BaseSelector,
        answered: Callable[[int], None],
    ) -> None:
        self._address = address
        self._path = path
        self._selector = selector
        self._answered = answered
        self._socket: socket.socket | None = None

    @property
    def waiting(self) -> bool:
        """Whether a question has been asked and not been answered."""
        return self._socket is not None

    def ask(self) -> None:
        """Asks, unless an answer is still to come."""
        if self._socket:
            return
        host, port = self._address
        try:
            client = socket.create_connection((host, port), timeout=2)
            client.sendall(f"GET {self._path} HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
            client.setblocking(False)
        except OSError:
            return
        self._socket = client
        self._selector.register(client, selectors.EVENT_READ, lambda: self._read(client))

    def give_up(self) -> None:
        """Forgets the question asked."""
        if self._socket:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _read(self, client: socket.socket) -> None:
        try:
            words = client.recv(64).split()
        except OSError:
            words = []
        self.give_up()
        if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit():
            self._answered(int(words[1]))
