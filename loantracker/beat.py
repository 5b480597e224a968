"""What is to be done regularly: said by a small program of its own, which trusts only the monotonic clock.

It knows the names of tasks, not the tasks: with neither models nor pages it takes half the memory.
"""

from __future__ import annotations

import time
from typing import Any

from celery import Celery
from celery.beat import BeatLazyFunc, Scheduler
from django.conf import settings

from ledger import clock
from loantracker.broker import CONFIGURATION


def every(seconds: int, task: str, **kwargs: Any) -> dict[str, Any]:
    """A beat entry that expires before its next run, so that a stopped worker finds no heap of them."""
    options = {"expires": max(1, seconds - 5)}
    return {"task": task, "schedule": float(seconds), "options": options, "kwargs": kwargs}


def beaten_at() -> str:
    """The moment at which beat sends a message: by it the tick knows that beat lives."""
    return clock.now().isoformat()


app = Celery("loantracker", fixups=[])
app.conf.update(CONFIGURATION, beat_scheduler="loantracker.beat:MonotonicScheduler")
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
