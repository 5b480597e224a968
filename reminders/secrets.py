"""Sealing what must not lie in the database as it is: the addresses of channels, which are keys to them.

The library that does it takes 9 MB: it is imported where something is sealed or unsealed.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.conf import settings

_PURPOSE = b"loantracker.destination.1"


class Unreadable(Exception):  # noqa: N818
    """It was sealed with another SECRET_KEY: it has to be entered again."""


def seal(text: str) -> str:
    """`text` as it may be kept, sealed with SECRET_KEY; different each time."""
    return str(_keys().encrypt(text.encode()).decode())


def unseal(sealed: str) -> str:
    """What was sealed with SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises Unreadable."""
    try:
        return str(_keys().decrypt(sealed.encode()).decode())
    except import_module("cryptography.fernet").InvalidToken:
        raise Unreadable from None


def is_readable(sealed: str) -> bool:
    """Whether `unseal` would give it."""
    try:
        unseal(sealed)
    except Unreadable:
        return False
    return True


def _keys() -> Any:
    return _derived(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _derived(*keys: str) -> Any:
    """A key of its own for this purpose from each of Django's (RFC 5869)."""
    fernet = import_module("cryptography.fernet")
    sha256 = import_module("cryptography.hazmat.primitives.hashes").SHA256()
    hkdf = import_module("cryptography.hazmat.primitives.kdf.hkdf").HKDF
    derived = [hkdf(sha256, 32, salt=None, info=_PURPOSE).derive(key.encode()) for key in keys]
    return fernet.MultiFernet([fernet.Fernet(base64.urlsafe_b64encode(key)) for key in derived])
