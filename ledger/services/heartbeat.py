"""When each recurring job began and ended well: what /healthz and the banner go by."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import Exists

from ledger.models import Heartbeat, Loan

LEDGER = "ledger"


def idle(now: datetime, day: date) -> bool:
    """Write down a run of the ledger's tick that has nothing to do, where so it is: no loan overtaken by `day`, no
    debit due by `now`. One query asks and writes; False where there is something to do, and nothing is written then."""
    idle_now = Heartbeat.objects.filter(
        ~Exists(Loan.objects.outdated(day)), ~Exists(Loan.objects.to_debit(now)), job=LEDGER
    )
    return idle_now.update(started_at=now, finished_at=now) == 1


def started(job: str, now: datetime) -> None:
    """A run of `job` begins."""
    Heartbeat.objects.update_or_create(job=job, defaults={"started_at": now})


def finished(job: str, now: datetime) -> None:
    """A run of `job` has ended well; one that broke off says nothing, and is missed."""
    Heartbeat.objects.update_or_create(job=job, defaults={"finished_at": now}, create_defaults=_whole(now))


def _whole(now: datetime) -> dict[str, datetime]:
    return {"started_at": now, "finished_at": now}
