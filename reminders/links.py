"""Addresses of pages, as they stand in letters: whole, and cheap enough for thousands of them."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.urls import reverse

_SLOT = 987_654_321_098_765  # stands for an argument while the pattern is found; no path holds it


def link(name: str, *args: int | str) -> str:
    """The whole address of a page. A text among `args` is put in as it is: it must be safe in a path."""
    return settings.SITE_URL + _pattern(name, len(args)).format(*args)


@lru_cache(maxsize=64)
def _pattern(name: str, args: int) -> str:
    """Looked up once: `reverse` takes longer than the rest of a letter's line."""
    return reverse(name, args=[_SLOT] * args).replace(str(_SLOT), "{}")
