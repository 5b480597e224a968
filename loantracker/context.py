"""What every page shows around its content."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from ledger.selectors.banners import banners


def page(request: HttpRequest) -> dict[str, Any]:
    """The household, its day, the member's role, and what must be said on every page."""
    membership = getattr(request, "membership", None)
    return {
        "today": getattr(request, "today", None),
        "household": getattr(request, "household", None),
        "role": membership.role if membership else "",
        "may_write": bool(membership and membership.may_write),
        "banners": banners(request.now) if membership else [],  # type: ignore[attr-defined]
        "mail_kept_locally": settings.MAIL_KEPT_LOCALLY,
        "LANGUAGES": settings.LANGUAGES,
    }
