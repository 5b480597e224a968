"""What has to be said on every page: that the clockwork stands still."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from ledger.models import Heartbeat


@dataclass(frozen=True, slots=True)
class Banner:
    level: str  # "danger", "warn" or "info"
    text: str
    url: str = ""  # where to do something about it, with `action` in words
    action: str = ""


def late_jobs(now: datetime) -> list[str]:
    """Jobs whose last good end is longer ago than HEARTBEAT_LATE_SECONDS; all of them before the first tick."""
    limit = now - timedelta(seconds=settings.HEARTBEAT_LATE_SECONDS)
    last = dict(Heartbeat.objects.values_list("job", "finished_at"))
    return [job for job in ("ledger", "reminders") if (finished := last.get(job)) is None or finished < limit]


def banners(now: datetime) -> list[Banner]:
    if not late_jobs(now):
        return []
    message = _("Auto-repay and reminders are standing still. Check that the worker and beat processes run.")
    return [Banner("danger", message)]
