"""A real HTTP server on loopback that keeps what arrives and answers, or fails to, as told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Arrived:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class HttpCatcher:
    """`status` is what it answers; `cut` hangs up instead, and `stall` keeps silent."""

    port: int = 0
    status: int = 200
    cut: bool = False
    stall: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    arrived: list[Arrived] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def http_catcher() -> Iterator[HttpCatcher]:
    catcher = HttpCatcher()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            catcher.arrived.append(Arrived(self.path, dict(self.headers), json.loads(body)))
            if catcher.stall:
                catcher.released.wait(20)
            if catcher.cut or catcher.stall:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(catcher.status)
            for name, value in catcher.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    catcher.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield catcher
    finally:
        catcher.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
