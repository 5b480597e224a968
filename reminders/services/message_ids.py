"""Message-IDs: the same for the same subject, recipient and channel, whoever asks and whenever."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

from reminders.models import Channel


def message_id(*subject: object) -> str:
    """The Message-ID of a message about `subject`: the same whenever it is asked for."""
    site = settings.SITE_URL
    said = "\n".join(map(str, (*subject, Channel.EMAIL, site)))
    return f"<{hashlib.sha256(said.encode()).hexdigest()[:32]}@{_host(site)}>"


@lru_cache(maxsize=8)
def _host(site: str) -> str:
    return urlsplit(site).hostname or "localhost"
