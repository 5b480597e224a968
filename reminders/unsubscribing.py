"""The headers by which a mail program offers to unsubscribe (RFC 2369, RFC 8058)."""

from __future__ import annotations

from collections.abc import Sequence

from reminders.action_links import unsubscribe_url
from reminders.links import link
from reminders.models import CATEGORIES, Reminder


def unsubscribe_headers(rows: Sequence[Reminder]) -> dict[str, str]:
    """Where the recipient of a letter about `rows` switches off what it is about: with one tap where all are of one
    category, else on the page of settings. A test was asked for; there is nothing to switch off but everything."""
    categories = {CATEGORIES.get(row.kind) for row in rows}
    category = categories.pop() if len(categories) == 1 else None
    if category is None:
        return {"List-Unsubscribe": f"<{link('reminders:settings')}>"}
    return {
        "List-Unsubscribe": f"<{unsubscribe_url(rows[0].household, rows[0].recipient, category)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
