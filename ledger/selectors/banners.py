"""What has to be said on every page: that the clockwork stands still."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from ledger.models import Heartbeat
from ledger.selectors.prepared import Prepared
from ledger.services import heartbeat


@dataclass(frozen=True, slots=True)
class Banner:
    level: str  # "danger", "warn" or "info"
    text: str
    url: str = ""  # where to do something about it, with `action` in words
    action: str = ""


_HEARTBEATS = Prepared(lambda: Heartbeat.objects.values_list("job", "finished_at"))


def late_jobs(now: datetime) -> list[str]:
    """Jobs whose last good end is longer ago than HEARTBEAT_LATE_SECONDS; all of them before the first tick."""
    limit = now - timedelta(seconds=settings.HEARTBEAT_LATE_SECONDS)
    last: dict[str, datetime | None] = dict(_HEARTBEATS())
    return [job for job in heartbeat.JOBS if (finished := last.get(job)) is None or finished < limit]


def banners(now: datetime) -> list[Banner]:
    late = late_jobs(now)
    return [Banner("danger", standing_still(late))] if late else []


def standing_still(late: Collection[str]) -> str:
    """Which of the jobs `late` is to blame, and what to do: without a worker nothing runs, without beat no tick comes,
    and a tick that breaks off leaves its reason in the log."""
    if heartbeat.WORKER in late:
        return _(
            "Auto-repay and reminders are standing still: no worker process has been heard of. Start it, or look into "
            "its log; what has come due is done as soon as it runs."
        )
    if heartbeat.BEAT in late:
        return _(
            "Auto-repay and reminders are standing still: a worker runs, but no tick comes. Check that the beat "
            "process and Redis run; what has come due is done as soon as they do."
        )
    if heartbeat.LEDGER in late and heartbeat.REMINDERS in late:
        return _("Auto-repay and reminders are standing still: their ticks break off. The worker’s log says why.")
    if heartbeat.LEDGER in late:
        return _("Auto-repay is standing still: its tick breaks off or is not done. The worker’s log says why.")
    if heartbeat.REMINDERS in late:
        return _("Reminders are standing still: their tick breaks off or is not done. The worker’s log says why.")
    return _(
        "The mail server cannot be reached, so no mail goes out. Check EMAIL_HOST and the settings beside it; what is "
        "due is sent as soon as it answers."
    )
