"""Sealing what must not lie in the database as it is: the addresses of channels, which are keys to them.

The library that does it takes 9 MB: it is imported where something is sealed or unsealed.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_PURPOSE = b"loantracker.destination.1"


class Unreadable(Exception):  # noqa: N818
    """It was sealed with another SECRET_KEY: it has to be entered again."""


def seal(text: str) -> str:
    """`text` as it may be kept, sealed with SECRET_KEY; different each time."""
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed with SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises Unreadable."""
    from cryptography.fernet import InvalidToken

    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def is_readable(sealed: str) -> bool:
    """Whether `unseal` would give it."""
    try:
        unseal(sealed)
    except Unreadable:
        return False
    return True


def _keys() -> MultiFernet:
    return _derived(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _derived(*keys: str) -> MultiFernet:
    """A key of its own for this purpose from each of Django's (RFC 5869)."""
    from cryptography.fernet import Fernet, MultiFernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = [HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.encode()) for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])
