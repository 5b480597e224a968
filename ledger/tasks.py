"""What Celery runs for the ledger: a tick that carries nothing and asks the database what is due."""

from __future__ import annotations

from celery import shared_task

from ledger import clock
from ledger.services import heartbeat
from ledger.services.autorepay import debit_due
from ledger.services.passing_days import refresh_overtaken


@shared_task  # type: ignore[untyped-decorator]
def tick() -> None:
    """Does whatever is due by now and not yet done; any number may run at once, late or never."""
    now = clock.now()
    heartbeat.started(heartbeat.LEDGER, now)
    refresh_overtaken(now)
    debit_due(now)
    heartbeat.finished(heartbeat.LEDGER, clock.now())
