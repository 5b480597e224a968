"""How Apprise's requests go out: to machines that may be asked, once, and with the answer seen.

Apprise says only whether it worked; an outbox has to know whether a message may have left. So its plugins get this
in place of `requests`. It loads Apprise, which takes two seconds and 28 MB: nothing but a worker that has something
to push may import it.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import apprise
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from reminders.deliveries import Committing
from reminders.push_urls import may_reach

CONNECT_LASTS = 5.0
ANSWER_LASTS = 10.0
TEXT = apprise.NotifyFormat.TEXT  # what our messages are
MOST_READ = 65_536


class Fenced(Exception):  # noqa: N818
    """Somebody else has taken over; nothing was sent."""


@dataclass(slots=True)
class Call:
    """One message on its way. `begun` from the moment its first byte may have left; `codes` are the answers' codes."""

    committing: Committing
    names_host: bool
    private: bool
    begun: bool = False
    is_fenced: bool = False
    is_forbidden: bool = False
    is_cut: bool = False
    error: str = ""
    codes: list[int] = field(default_factory=list)


_CALL: ContextVar[Call] = ContextVar("call")


@contextmanager
def calling(call: Call) -> Iterator[Call]:
    """Requests of plugins belong to `call` in here."""
    before = _CALL.set(call)
    try:
        yield call
    finally:
        _CALL.reset(before)


def plugin(url: str) -> Any:
    """Apprise's plugin for an address, sending by this wire; None if it does not understand the address."""
    found = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if found is not None:
        found.overflow_mode = apprise.OverflowMode.TRUNCATE  # one message, one request
        vars(sys.modules[type(found).__module__])["requests"] = WIRE
    return found


class _Guarded:
    """Looks at the address before it connects, so that no name can lead elsewhere in between; and asks whether the
    message is still ours between connecting and the first byte."""

    def _new_conn(self: Any) -> socket.socket:
        call = _CALL.get()
        if not call.names_host:
            return super()._new_conn()  # type: ignore[misc,no-any-return]
        name = self._dns_host
        try:
            found = socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NewConnectionError(self, "unknown host") from None
        allowed = [str(info[4][0]) for info in found if may_reach(str(info[4][0]), private=call.private)]
        if not allowed:
            call.is_forbidden = True
            raise NewConnectionError(self, "not allowed")
        try:
            self._dns_host = allowed[0]
            return super()._new_conn()  # type: ignore[misc,no-any-return]
        finally:
            self._dns_host = name

    def send(self: Any, data: Any) -> None:
        call = _CALL.get()
        if self.sock is None:
            self.connect()
        if not call.begun:
            if not call.committing():
                call.is_fenced = True
                raise Fenced
            call.begun = True
        super().send(data)  # type: ignore[misc]


class _Http(_Guarded, HTTPConnection):
    pass


class _Https(_Guarded, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager


class _Wire:
    """What a plugin takes for the module `requests`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("POST", url, **kwargs)

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        """As `requests.request`, but led nowhere else, and never longer than it may take."""
        call = _CALL.get()
        wanted = kwargs | {"timeout": (CONNECT_LASTS, ANSWER_LASTS), "allow_redirects": False, "stream": True}
        with requests.Session() as session:
            session.trust_env = not call.names_host  # a proxy would look up the name in our place
            session.mount("http://", _Adapter())
            session.mount("https://", _Adapter())
            try:
                response = session.request(method, url, **wanted)
            except requests.RequestException as error:
                call.error = call.error or type(error).__name__
                call.is_cut = call.begun
                raise
            call.codes.append(response.status_code)
            response._content = _some(response, call)
            response._content_consumed = True
            return response


def _some(response: requests.Response, call: Call) -> bytes:
    """The beginning of what was answered, as far as it comes in time."""
    said = b""
    until = time.monotonic() + ANSWER_LASTS
    try:
        for piece in response.iter_content(4096):
            said += piece
            if len(said) > MOST_READ or time.monotonic() > until:
                break
    except (requests.RequestException, OSError):
        call.is_cut = True
    return said


WIRE = _Wire()
