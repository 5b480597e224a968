"""When each recurring job began and ended well: what /healthz and the banner go by."""

from __future__ import annotations

from datetime import datetime

from ledger.models import Heartbeat

LEDGER = "ledger"


def started(job: str, now: datetime) -> None:
    """A run of `job` begins."""
    Heartbeat.objects.update_or_create(job=job, defaults={"started_at": now})


def finished(job: str, now: datetime) -> None:
    """A run of `job` has ended well; one that broke off says nothing, and is missed."""
    Heartbeat.objects.update_or_create(job=job, defaults={"finished_at": now}, create_defaults=_whole(now))


def _whole(now: datetime) -> dict[str, datetime]:
    return {"started_at": now, "finished_at": now}
