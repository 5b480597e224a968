"""Addresses of pages within a plain text, as links."""

from __future__ import annotations

import re
from html import escape

from django import template
from django.utils.safestring import SafeString

register = template.Library()

LONGEST = 28  # letters shown of an address

_ADDRESS = re.compile(r"https?://[^\s<>\"'，。；：（）“”]+")


@register.filter
def addresses(text: str) -> SafeString:
    """The text with its http addresses as links, the long ones shown short. As `urlize`, which asks for a space before
    an address, and Chinese writes none after a colon."""
    parts, at = [], 0
    for found in _ADDRESS.finditer(text):
        url = found.group()
        shown = url if len(url) <= LONGEST else url[: LONGEST - 1] + "…"
        parts.append(f'{escape(text[at : found.start()])}<a href="{escape(url)}">{escape(shown)}</a>')
        at = found.end()
    return SafeString("".join(parts) + escape(text[at:]))
