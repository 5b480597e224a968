"""Where the web process listens: the launcher holds the socket, so that a restart refuses nobody."""

from __future__ import annotations

import contextlib
import socket

USUAL_PORT = 8000


class PortTakenError(Exception):
    """Nothing can listen there; the message says why."""


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens on `host`: on `port`, or, with None, on 8000 or else on any that is free."""
    for wanted in [USUAL_PORT, 0] if port is None else [port]:
        with contextlib.suppress(OSError):
            return _listen(host, wanted)
    raise PortTakenError(f"Cannot listen on {host} port {port}: another program has it, or PORT or HOST is wrong.")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def reachable(listener: socket.socket) -> tuple[str, int]:
    """An address of this machine at which the socket is reached, also where it listens on all of them."""
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104


def local_url(listener: socket.socket) -> str:
    """How a browser on this machine reaches the socket."""
    host, port = reachable(listener)
    if host in {"127.0.0.1", "::1"}:
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
