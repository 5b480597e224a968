"""Keeps a list of processes running, and leaves none behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loantracker.launch.child import RESTARTS, Child, restart_time
from loantracker.launch.guard import Guard
from loantracker.launch.output import say
from loantracker.launch.probe import Probe
from loantracker.launch.spec import Spec
from loantracker.launch.watchdog import Watchdog

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Plan:
    """What to run: steps one after the other, then processes until told to stop.

    `announce` is said when `site` first answers at `address`. `ticking` names the processes that are restarted when its
    `/healthz?ticks` goes on answering 503.
    """

    processes: Sequence[Spec]
    steps: Sequence[Spec] = ()
    address: tuple[str, int] | None = None
    site: str = "localhost"
    announce: str = ""
    ticking: Sequence[str] = field(default=("worker", "beat"))


class FailedError(Exception):
    """Starting is hopeless; the message says what happened and where to read more."""


class StoppedError(Exception):
    """Somebody asked to stop before everything had started."""


class Supervisor:
    """Single-threaded on purpose: children die with the thread that made them, and one loop is easy to follow."""

    def __init__(
        self, *, environment: Mapping[str, str], cwd: Path, logs: Path, guarded: bool = sys.platform != "linux"
    ) -> None:
        """With `guarded`, a small process ends the children of a killed launcher; Linux does that by itself."""
        self._environment = environment
        self._cwd = cwd
        self._logs = logs
        self._guard = Guard() if guarded else None
        self._selector = selectors.DefaultSelector()
        self._children: list[Child] = []
        self._step: Child | None = None
        self._watchdog: Watchdog | None = None
        self._stops = 0
        self._stopping = False
        self._announced = False

    def run(self, plan: Plan) -> int:
        """Runs the plan until a signal; the exit code: 0 when asked to stop, 1 when it could not start."""
        self._listen_to_signals()
        try:
            self._start(plan)
            self._keep(plan)
        except StoppedError:
            code = 0
        except FailedError as error:
            say(str(error))
            code = 1
        self._stop()
        return code

    # ---- starting

    def _start(self, plan: Plan) -> None:
        for spec in plan.processes:
            if spec.ready:
                self._start_foundation(self._add(spec), spec)
        for step in plan.steps:
            self._run_step(step)
        for spec in plan.processes:
            if not spec.ready:
                self._launch(self._add(spec))

    def _start_foundation(self, child: Child, spec: Spec) -> None:
        self._launch(child)
        repairs = [spec.repair] if spec.repair else []
        while not (spec.ready and spec.ready()):
            self._turn(0.01)
            ended = child.ended()
            if ended is None:
                continue
            if not repairs:
                raise FailedError(f"{spec.name} {ended}:\n{child.output.last_lines()}")
            say(repairs.pop()())
            self._launch(child)

    def _run_step(self, spec: Spec) -> None:
        child = self._step = self._child(spec)
        self._launch(child)
        while (code := child.exit_code) is None:
            self._turn(0.5)
            self._look_after(time.monotonic())
        child.ended()
        if code:
            raise FailedError(f"{spec.name} did not succeed ({child.output.path}):\n{child.output.last_lines()}")

    def _child(self, spec: Spec) -> Child:
        return Child(spec, folder=self._logs, selector=self._selector, guard=self._guard)

    def _add(self, spec: Spec) -> Child:
        child = self._child(spec)
        self._children.append(child)
        return child

    def _launch(self, child: Child) -> None:
        try:
            child.start(self._environment, self._cwd)
        except OSError as error:
            raise FailedError(f"{child.spec.name} does not start: {error}") from error

    # ---- running

    def _keep(self, plan: Plan) -> None:
        """Until a signal: start again what ends, and look whether the ticks go on."""
        probe: Probe | None = None
        if plan.address:
            probe = Probe(
                plan.address,
                site=plan.site,
                selector=self._selector,
                answered=lambda status: self._answered(plan, status, time.monotonic()),
            )
        else:
            self._announce(plan)
        while True:
            now = time.monotonic()
            self._look_after(now)
            if probe and self._watchdog is None:
                probe.ask("/")
            elif probe and self._watchdog and self._watchdog.asks(now):
                probe.ask("/healthz?ticks")
            self._turn(self._until_next(now))

    def _announce(self, plan: Plan) -> None:
        self._announced = True
        say(plan.announce)

    def _answered(self, plan: Plan, status: int, now: float) -> None:
        """The first answer says that all is up; the later ones are about its health."""
        if self._watchdog is None:
            self._watchdog = Watchdog(now)
            self._announce(plan)
        elif self._watchdog.restarts(status, now):
            self._wake(plan.ticking, now)

    def _wake(self, names: Sequence[str], now: float) -> None:
        say(f"The ticks have stopped; restarting {' and '.join(names)}.")
        for child in self._children:
            if child.spec.name in names:
                child.end(now)

    def _until_next(self, now: float) -> float:
        """Seconds until there is something to do that no signal and no output announces."""
        moments = [child.restart_at for child in self._children] + [child.kill_at for child in self._children]
        moments.append(self._watchdog.next_question if self._watchdog else now + 1)
        return max(0.0, min(moment for moment in moments if moment is not None) - now)

    def _look_after(self, now: float) -> None:
        """Starts again what has ended, when its time has come."""
        for child in self._children:
            how = child.ended()
            if how is not None:
                self._plan_restart(child, how, now)
            if child.restart_at is not None and child.restart_at <= now:
                self._start_again(child, now)
            if child.kill_at is not None and child.kill_at <= now:
                child.kill()

    def _start_again(self, child: Child, now: float) -> None:
        child.restarts = [*child.restarts[-RESTARTS:], now]
        try:
            child.start(self._environment, self._cwd)
        except OSError as error:
            child.restart_at = now + 5
            say(f"{child.spec.name} does not start: {error}. Trying again in 5 seconds.")

    def _plan_restart(self, child: Child, how: str, now: float) -> None:
        name = child.spec.name
        child.restart_at = restart_time(child.restarts, now)
        if child.restart_at <= now:
            say(f"{name} {how}; starting it again.")
            return
        often = f"{name} {how}, for the {RESTARTS + 1}th time within a minute; its last words ({child.output.path}):"
        if not self._announced:
            raise FailedError(f"{often}\n{child.output.last_lines()}")
        say(f"{often}\n{child.output.last_lines(5)}\nTrying again in {child.restart_at - now:.0f} seconds.")

    # ---- stopping

    def _stop(self) -> None:
        """Ends what stands on the foundations, then the foundations; a second signal ends everything at once."""
        self._stopping = True
        asked = self._stops
        foundations = [child for child in self._children if child.spec.ready]
        others = [child for child in self._children if not child.spec.ready]
        if self._step:
            others.append(self._step)
        if any(child.alive for child in self._children):
            say("Stopping ...")
        for wave in (others, foundations):
            for child in wave:
                child.end(time.monotonic())
            while any(child.alive for child in wave):
                self._turn(0.1)
                for child in wave:
                    hopeless = child.kill_at is not None and child.kill_at <= time.monotonic()
                    if hopeless or self._stops > asked:
                        child.kill()
                    child.ended()

    # ---- the loop

    def _turn(self, timeout: float) -> None:
        """Waits for output, the end of a child or a signal, and takes it in; StoppedError when told to stop."""
        for key, _ in self._selector.select(timeout):
            key.data()
        if self._stops and not self._stopping:
            raise StoppedError

    def _listen_to_signals(self) -> None:
        """Signals become something to read, so that none is missed between a look and a wait."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._drain(reader))
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in STOPS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # started under nohup: asked to outlive the terminal
            signal.signal(number, self._asked_to_stop)

    def _asked_to_stop(self, *_: object) -> None:
        self._stops += 1

    @staticmethod
    def _drain(reader: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(reader, 1024)
