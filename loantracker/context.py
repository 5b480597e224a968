"""What every page shows around its content."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.models import Membership
from ledger.selectors.banners import Banner, banners
from reminders.services.destinations import undelivered


def page(request: HttpRequest) -> dict[str, Any]:
    """The household, its day, the member's role, and what must be said on every page."""
    membership = getattr(request, "membership", None)
    return {
        "today": getattr(request, "today", None),
        "household": getattr(request, "household", None),
        "role": membership.role if membership else "",
        "may_write": bool(membership and membership.may_write),
        "banners": _banners(request, membership) if membership else [],
        "mail_kept_locally": settings.MAIL_KEPT_LOCALLY,
        "LANGUAGES": settings.LANGUAGES,
    }


def _banners(request: HttpRequest, membership: Membership) -> list[Banner]:
    now = request.now  # type: ignore[attr-defined]
    shown = banners(now)
    count = undelivered(membership.user_id, membership.household_id, now) if membership.has_failed else 0  # type: ignore[attr-defined]
    if count:
        words = ngettext(
            "%(count)d reminder could not be delivered to you.",
            "%(count)d reminders could not be delivered to you.",
            count,
        )
        shown.append(Banner("warn", words % {"count": count}, reverse("reminders:reminders"), _("See which")))
    return shown
