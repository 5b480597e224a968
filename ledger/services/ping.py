"""Telling a monitor elsewhere that the clockwork runs: when it hears nothing, it speaks up."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import HTTPErrorProcessor, OpenerDirector, build_opener

from django.conf import settings

from ledger.models import Heartbeat

log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds
WELL, BROKE = "ping", "ping-fail"  # no jobs: when each was last said


class _AsItIs(HTTPErrorProcessor):
    """Follows no redirect: an answer is an answer."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


def ping(now: datetime, *, is_well: bool) -> bool:
    """Ask the address of PING_URL, "/fail" behind its path where the tick broke; whether it was asked. Never raises,
    and does nothing where none is set or the same was said in this minute already."""
    if not settings.PING_URL:
        return False
    try:
        if not _is_first(WELL if is_well else BROKE, now):
            return False
        with _opener().open(settings.PING_URL if is_well else failing(settings.PING_URL), timeout=TIMEOUT) as answer:
            if answer.status >= 300:
                log.warning("The address of PING_URL answered %s", answer.status)
    except (OSError, HTTPException, HTTPError, ValueError) as error:  # without its words: they may hold the address
        log.warning("The address of PING_URL could not be asked: %s", type(error).__name__)
    except Exception as error:
        log.warning("No ping: %s", type(error).__name__)
    return True


def failing(url: str) -> str:
    """The address that is told of a tick that broke: "/fail" behind the path, the query kept."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))


def _opener() -> OpenerDirector:
    return build_opener(_AsItIs)


def _is_first(what: str, now: datetime) -> bool:
    """Whether nobody has said `what` in this minute of the clock; written down at once."""
    minute = now.replace(second=0, microsecond=0)
    said = Heartbeat.objects.filter(job=what)
    if said.exclude(started_at__gte=minute, started_at__lt=minute + timedelta(minutes=1)).update(started_at=now):
        return True
    if said.exists():
        return False
    _row, created = Heartbeat.objects.get_or_create(job=what, defaults={"started_at": now})
    return created
