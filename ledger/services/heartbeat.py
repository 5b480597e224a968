"""When each recurring job began and ended well: what /healthz and the banner go by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.db.models import Case, Exists, F, Q, Value, When

from ledger.models import Heartbeat, Loan

LEDGER = "ledger"  # the tick that debits ended well
REMINDERS = "reminders"  # the tick that reminds did
WORKER = "worker"  # a worker lives, whether it has work or not
BEAT = "beat"  # a message of beat's came; its own time counts
MAIL = "mail"  # the mail server was reachable, or there was nothing to send
JOBS = (LEDGER, REMINDERS, WORKER, BEAT, MAIL)

OUTBOX = "outbox"  # no job: when mail was last looked after though the tick that reminds broke off
STANDSTILL = "standstill"  # no job: the last one began and ended


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


def failed(job: str, now: datetime) -> None:
    """A run of `job` did not do what it is for; its last good end stays."""
    changed = Heartbeat.objects.filter(job=job).update(started_at=now)
    if not changed:
        Heartbeat.objects.get_or_create(job=job, defaults={"started_at": now})


def stood_still(since: datetime, until: datetime) -> None:
    """Nothing ran from `since` until now, `until`; kept until the next time."""
    Heartbeat.objects.update_or_create(job=STANDSTILL, defaults={"started_at": since, "finished_at": until})


def last_standstill() -> tuple[datetime, datetime] | None:
    """From when until when nothing ran the last time; None if that never happened."""
    row = Heartbeat.objects.filter(job=STANDSTILL).first()
    return (row.started_at, row.finished_at) if row is not None and row.finished_at is not None else None


def last_end(job: str) -> datetime | None:
    """When a run of `job` last ended well; None if none ever did."""
    return Heartbeat.objects.filter(job=job).values_list("finished_at", flat=True).first()


def begun_after(job: str, now: datetime) -> datetime | None:
    """A run of `job` begins; when the last one had ended well, None before the first."""
    last = last_end(job)
    started(job, now) if last is None else Heartbeat.objects.filter(job=job).update(started_at=now)
    return last


def all_well(ended: Mapping[str, datetime], unless_failing: str = "") -> bool:
    """Several jobs ended well, each at its moment: one query. The job `unless_failing` only if its last run did not
    begin after its last good end; whether it was so."""
    wanted = Q(job__in=[job for job in ended if job != unless_failing])
    if unless_failing:
        wanted |= Q(job=unless_failing, finished_at__gte=F("started_at"))
    moments = Case(*(When(job=job, then=Value(at)) for job, at in ended.items()))
    if Heartbeat.objects.filter(wanted).update(finished_at=moments) == len(ended):
        return True
    known = dict(Heartbeat.objects.filter(job__in=ended).values_list("job", "finished_at"))
    Heartbeat.objects.bulk_create(
        [Heartbeat(job=job, **_whole(at)) for job, at in ended.items() if job not in known], ignore_conflicts=True
    )
    return unless_failing not in known


def _whole(now: datetime) -> dict[str, datetime]:
    return {"started_at": now, "finished_at": now}
