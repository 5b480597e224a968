"""An SMTP server on loopback that takes mails, and as often as it is told refuses, stalls or hangs up instead."""

from __future__ import annotations

import socketserver
import threading
import time
from collections import Counter
from email import message_from_bytes
from enum import Enum, auto
from random import Random

REPLY_AFTER = 0.05  # seconds between the final dot and the answer, as of a server not far away


class Mood(Enum):
    """What becomes of one mail."""

    TAKE = auto()
    PUT_OFF = auto()  # 451 instead of taking the recipient
    REFUSE = auto()  # 550
    STALL = auto()  # no answer before the sender gives up, and the mail is not taken
    DROP_BEFORE = auto()  # hangs up in the middle of the text
    DROP_AFTER = auto()  # takes the mail, and hangs up without an answer


_TROUBLE = [Mood.PUT_OFF, Mood.REFUSE, Mood.STALL, Mood.DROP_BEFORE, Mood.DROP_AFTER]


class MailSink:
    """Takes mails from the moment it is made. `taken` counts them by their Message-ID; `trouble` is the share that is
    dealt with otherwise; `stall` is for how long it says nothing when it stalls, in seconds."""

    def __init__(self, random: Random, *, stall: float) -> None:
        self.taken: Counter[str] = Counter()
        self.answered: set[str] = set()
        self.trouble = 0.0
        self._random, self._stall = random, stall
        self._lock = threading.Lock()
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                sink._talk(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                """A sender that is killed hangs up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _mood(self) -> Mood:
        with self._lock:
            if self._random.random() >= self.trouble:
                return Mood.TAKE
            return self._random.choice(_TROUBLE)

    def _talk(self, rfile, wfile) -> None:  # type: ignore[no-untyped-def]
        def say(text: str) -> None:
            wfile.write(f"{text}\r\n".encode())
            wfile.flush()

        say("220 sink")
        mood = Mood.TAKE
        while line := rfile.readline():
            verb = line[:4].upper()
            if verb == b"MAIL":
                mood = self._mood()
                say("250 ok")
            elif verb == b"RCPT" and mood is Mood.PUT_OFF:
                say("451 try later")
            elif verb == b"RCPT" and mood is Mood.REFUSE:
                say("550 not here")
            elif verb == b"DATA":
                say("354 go on")
                if mood is Mood.DROP_BEFORE:
                    rfile.read(20)
                    return
                text = _until_the_dot(rfile)
                if text is None:
                    return
                if mood is Mood.STALL:
                    time.sleep(self._stall)
                    return
                self._take(text)
                if mood is Mood.DROP_AFTER:
                    return
                time.sleep(REPLY_AFTER)
                say("250 taken")
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def _take(self, text: bytes) -> None:
        name = str(message_from_bytes(text)["Message-ID"]).strip()
        with self._lock:
            self.taken[name] += 1


def _until_the_dot(rfile) -> bytes | None:  # type: ignore[no-untyped-def]
    """The text of a mail; None where the sender hung up before its end: then there is none (RFC 5321, 4.1.1.4)."""
    lines = []
    while line := rfile.readline():
        if line == b".\r\n":
            return b"".join(lines)
        lines.append(line[1:] if line.startswith(b".") else line)
    return None
