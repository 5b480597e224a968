"""The Celery app: tasks that carry no work, and a beat that trusts only the monotonic clock."""

from __future__ import annotations

import logging
import os
import time
from importlib import import_module
from typing import Any

from celery import Celery
from celery.beat import BeatLazyFunc, Scheduler
from celery.signals import worker_ready
from django.conf import settings
from django.db import Error, connection
from kombu.transport import redis, virtual

from ledger import clock

log = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loantracker.settings")


class QoS(redis.QoS):
    """Frees the place of a message whose acknowledgement Redis did not get.

    kombu keeps it taken; when as many have failed as a worker has places, it takes no message ever again, and does
    not notice that Redis is back. The message itself comes again after the visibility timeout.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except self.channel.connection_errors:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        except self.channel.connection_errors:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise


redis.Channel.QoS = QoS

app = Celery("loantracker")
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": int(os.environ.get("VISIBILITY_TIMEOUT_SECONDS", "300")),
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "max_retries": 2,
        "interval_max": 0.5,
    },
    worker_cancel_long_running_tasks_on_connection_loss=False,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=120,
    task_soft_time_limit=90,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_max_tasks_per_child=500,
    worker_max_memory_per_child=250_000,
    worker_soft_shutdown_timeout=30,
    worker_hijack_root_logger=False,
    timezone="UTC",
    enable_utc=True,
)
app.autodiscover_tasks()


def every(seconds: int, task: str, **kwargs: Any) -> dict[str, Any]:
    """A beat entry that expires before its next run, so that a stopped worker finds no heap of them."""
    options = {"expires": max(1, seconds - 5)}
    return {"task": task, "schedule": float(seconds), "options": options, "kwargs": kwargs}


def beaten_at() -> str:
    """The moment at which beat sends a message: by it the tick knows that beat lives."""
    return clock.now().isoformat()


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


app.conf.beat_schedule = {
    "ledger-tick": every(settings.SWEEP_SECONDS, "ledger.tasks.tick"),
    "reminders-tick": every(settings.SWEEP_SECONDS, "reminders.tasks.tick", beaten_at=BeatLazyFunc(beaten_at)),
}


class MonotonicScheduler(Scheduler):  # type: ignore[misc]
    """Interval entries on the monotonic clock, with no file: a wall clock that jumps stops nothing.

    The first run of every entry is at once, so a restart catches up without waiting.
    """

    max_interval = 5

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("schedule_filename", None)
        self._next: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        wait = float(self.max_interval)
        for name, entry in list(self.schedule.items()):
            now = time.monotonic()
            if now >= self._next.setdefault(name, now):
                self._next[name] = now + entry.schedule.run_every.total_seconds()
                try:
                    producer = self.producer
                except Exception:  # the broker is away: drop the dead producer, try at the next run
                    self.__dict__.pop("producer", None)
                    self.__dict__.pop("connection", None)
                    continue
                self.apply_entry(self.reserve(entry), producer=producer)
            wait = min(wait, self._next[name] - time.monotonic())
        return max(wait, 0.01)
