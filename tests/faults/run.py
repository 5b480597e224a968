"""One scenario under way: the product running on a database of its own, its books, and the faults so far."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from django.core.management import call_command

from ledger.models import Heartbeat
from ledger.selectors.banners import late_jobs
from loantracker.celery import app
from tests.faults.databases import Database
from tests.faults.forms import Browser, repayment, repayment_path
from tests.faults.invariants import Acknowledged, broken, count_bills
from tests.faults.processes import NotStartedError, Process, Product, restart, wait_until
from tests.faults.world import Home, World, patiently

SETTLES = 180.0  # seconds at most until everything due is done, once nothing breaks any more
HOUSEHOLDS = 4


@dataclass
class Run:
    """What a scenario works with. `offset` is how far the product's clock is from ours, in seconds."""

    folder: Path
    database: Database
    random: Random
    jumping: Path | None = None
    offset: int = 0
    faults: int = 0
    busy: int = 0  # faults that struck while something was due and not yet done
    settled_after: float = 0
    acknowledged: list[Acknowledged] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    world: World = field(init=False)
    product: Product = field(init=False)
    _struck_at: float = field(default_factory=time.monotonic)

    def begin(self, *, unfunded: bool = True) -> None:
        """Make the database and the households, and start everything."""
        self.database.start()
        call_command("migrate", verbosity=0)
        self.world = World(self.random, self.now)
        self.world.settle_in(HOUSEHOLDS, unfunded=unfunded)
        self.product = Product(self.folder, os.environ, jumping=self.jumping)
        self.start()

    @property
    def now(self) -> datetime:
        """What the product's clock says."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def start(self) -> None:
        """Start what does not run, and wait until it ticks."""
        since = self.now
        self.product.start(CLOCK_OFFSET_SECONDS=str(self.offset))
        if not self.ticks(since):
            words = "\n".join(f"{one.name}: {one.last_words()}" for one in self.product.all)
            raise NotStartedError(f"Nothing ticks.\n{words}")

    def ticks(self, since: datetime, seconds: float = 120) -> bool:
        """Whether a tick of the ledger has ended well after that moment, within so many seconds."""
        ended = Heartbeat.objects.filter(job="ledger", finished_at__gt=since)
        return wait_until(lambda: patiently(ended.exists), seconds)

    def arrive(self, loans: int) -> None:
        """Let loans with bills due arrive, and have a worker look at once."""
        self.world.arrive(loans)
        with suppress(Exception):  # it is only a nudge: the beats are coming
            app.send_task("ledger.tasks.tick")

    def fault(self, strike: Callable[[], None]) -> None:
        """Let something happen, and count it."""
        self.busy += self.world.waiting() > 0
        strike()
        self.struck()

    def struck(self) -> None:
        """One more fault has happened."""
        self.faults += 1
        self._struck_at = time.monotonic()

    def pause(self, most: float = 0.6) -> None:
        """A moment, always another one, so that faults strike anywhere in the work."""
        time.sleep(self.random.uniform(0, most))

    def kill_any(self, processes: list[Process]) -> None:
        restart(self.random.choice(processes))

    def browser(self, home: Home, who: int = 0) -> Browser:
        return Browser(home.people[who], self.product.address)

    def send_form(self, browser: Browser, home: Home, loan: int) -> float:
        """Record one yuan by the form; the seconds until the answer came."""
        fields = repayment(100, home.household.today(self.now).isoformat())
        began = time.monotonic()
        answer = browser.post_until_answered(repayment_path(loan), fields)
        if answer.status == 302:
            self.acknowledged.append(Acknowledged(fields["key"], loan, 100))
        else:
            self.broken.append(f"a form was answered with {answer.status}")
        return time.monotonic() - began

    def settle(self) -> None:
        """Wait until everything due is done and the ticks go on; how long after the last fault is kept."""
        if not wait_until(lambda: self.world.waiting() <= 0, SETTLES):
            self.broken.append(f"{self.world.waiting()} bills are still not paid after {SETTLES:.0f} s")
        self.settled_after = round(time.monotonic() - self._struck_at, 1)
        if not wait_until(lambda: patiently(lambda: not late_jobs(self.now)), 60) or not self.ticks(self.now, 60):
            self.broken.append("the ticks do not go on")
        if self.broken:
            self._ask_where_they_stand()

    def _ask_where_they_stand(self) -> None:
        """Have workers and beats write what each of their threads is doing into their logs; it ends them."""
        for process in (*self.product.workers, *self.product.beats):
            process.send(signal.SIGABRT)
            process.wait()

    def look_at_books(self) -> None:
        """Everything is stopped, so that nobody writes meanwhile, and every promise looked at."""
        self.product.kill()
        self.broken += broken(self.world, self.acknowledged, self.now)

    def report(self) -> dict[str, object]:
        return asdict(count_bills(self.world)) | {
            "faults": self.faults,
            "busy": self.busy,
            "acknowledged": len(self.acknowledged),
            "settled_after": self.settled_after,
            "broken": self.broken[:50],
            "notes": self.notes,
            "last_words": {one.name: one.last_words() for one in self.product.all} if self.broken else {},
        }
