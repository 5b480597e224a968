"""The headers by which a mail program offers to unsubscribe (RFC 2369, RFC 8058)."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.urls import reverse

from reminders.action_links import unsubscribe_token
from reminders.models import CATEGORIES, Reminder


def unsubscribe_headers(rows: Sequence[Reminder]) -> dict[str, str]:
    """Where the recipient of a letter about `rows` switches off what it is about: with one tap where all are of one
    category, else on the page of settings. A test was asked for; there is nothing to switch off but everything."""
    categories = {CATEGORIES.get(row.kind) for row in rows}
    category = categories.pop() if len(categories) == 1 else None
    if category is None:
        return {"List-Unsubscribe": f"<{settings.SITE_URL}{reverse('reminders:settings')}>"}
    token = unsubscribe_token(rows[0].household, rows[0].recipient, category)
    return {
        "List-Unsubscribe": f"<{settings.SITE_URL}{reverse('reminders:unsubscribe', args=[token])}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
