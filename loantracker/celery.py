"""The Celery app of worker and web: its tasks carry no work."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from django.conf import settings
from django.db import Error, connection

from ledger import clock
from loantracker.broker import CONFIGURATION

log = logging.getLogger(__name__)

app = Celery("loantracker")
app.conf.update(CONFIGURATION)
app.autodiscover_tasks()


@worker_ready.connect  # type: ignore[untyped-decorator]
def tell_of_worker(sender: Any, **_: Any) -> None:
    """From now on the worker says that it lives by its own clock, whether a tick comes or not."""
    sender.timer.call_after(0, worker_lives)
    sender.timer.call_repeatedly(float(settings.SWEEP_SECONDS), worker_lives)


def worker_lives() -> None:
    """Write it down. A database that is away is no reason for the worker to stop."""
    try:
        heartbeat = import_module("ledger.services.heartbeat")  # models are not there yet where this module is read
        heartbeat.all_well({heartbeat.WORKER: clock.now()})
    except Error as error:
        log.warning("The worker could not say that it lives: %s", error)
    finally:
        if not connection.in_atomic_block:
            connection.close()
