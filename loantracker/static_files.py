"""Addresses of style sheets, scripts and pictures: another one whenever the file is another one."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


class VersionedStorage(StaticFilesStorage):
    """Files lie where they lie, and nothing has to be collected; their addresses carry what is in them, so a browser
    may keep them for long and still never shows a new page in an old dress."""

    def url(self, name: str | None) -> str:
        url: str = super().url(name)
        version = _version(name or "")
        return f"{url}?v={version}" if version else url


@lru_cache(maxsize=256)
def _version(name: str) -> str:
    """The beginning of a file's SHA-256 in hex; "" for a file that is not there."""
    found = finders.find(name)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:8] if isinstance(found, str) else ""
