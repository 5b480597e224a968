"""The headers by which a mail program offers to unsubscribe (RFC 2369, RFC 8058)."""

from __future__ import annotations

from collections.abc import Sequence

from reminders.action_links import unsubscribe_url
from reminders.links import link
from reminders.models import CATEGORIES, Reminder


def unsubscribe_headers(rows: Sequence[Reminder]) -> dict[str, str]:
    """Where the recipient of a letter about `rows` switches off all that it is about: with one tap where mail programs
    may post there, which takes https. A test was asked for; there is nothing to switch off but everything, in the
    settings."""
    categories = {category for row in rows if (category := CATEGORIES.get(row.kind)) is not None}
    if not categories:
        return {"List-Unsubscribe": f"<{link('reminders:settings')}>"}
    url = unsubscribe_url(rows[0].household, rows[0].recipient, *categories)
    headers = {"List-Unsubscribe": f"<{url}>"}
    if url.startswith("https:"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
