"""The processes of Loantracker, twice over: web, two workers, two beats and a private Redis, to be ended by force."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loantracker.launch.parent import dies_with_parent
from loantracker.launch.ports import listen, reachable
from loantracker.launch.product import PROJECT, WORKER
from loantracker.launch.redis_server import RedisServer, find_program, private_folder, socket_path


class NotStartedError(Exception):
    """A process did not come up; the message ends with what it said."""


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether `holds` came true within that time."""
    give_up = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
    return True


class Process:
    """One process in a session of its own; it and its children end together, and with the process that started it.

    Start it from the main thread: the kernel ends a child when the thread ends that forked it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._log = log
        self._pass_fds = tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **more: str) -> None:
        """Start it, with these variables added for this time."""
        assert self._process is None, f"{self.name} runs already"
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment | more,
                cwd=PROJECT,
                pass_fds=self._pass_fds,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and its children."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """End it at once; does nothing where it does not run."""
        self.send(signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        """Until it has ended."""
        if self._process is not None:
            self._process.wait(timeout=60)
            self._process = None

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-10_000:] if self._log.exists() else ""


class Redis:
    """A private Redis that keeps what is queued over a restart, as the product's own does."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        private_folder(folder)
        self.server = RedisServer(find_program(), folder, socket_path(folder))
        self.process = Process(
            "redis", self.server.command(keep=True), environment=environment, log=folder / "redis.log"
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process.start()
        if not wait_until(self.server.answers, 30):
            raise NotStartedError(f"Redis: {self.process.last_words()}")

    def restart(self, away: float = 0) -> None:
        """Kill it and start it again after `away` seconds."""
        self.process.kill()
        time.sleep(away)
        self.start()

    def wipe(self) -> None:
        """Forget every message."""
        from redis import Redis as Client

        with Client(unix_socket_path=str(self.server.socket)) as client:
            client.flushall()


class Product:
    """Web on a socket held here, so that restarting it refuses nobody; workers and beats; and their Redis."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, jumping: Path | None = None) -> None:
        """With `jumping`, the clocks of workers and beats go wrong by the seconds that file says."""
        self._listener = listen("127.0.0.1", 0)
        self.address = reachable(self._listener)
        self.redis = Redis(Path(environment["LOANTRACKER_VAR"]) / "redis", environment)
        number = self._listener.fileno()
        gunicorn = PROJECT / "loantracker" / "launch" / "gunicorn_conf.py"
        self.web = Process(
            "web",
            [sys.executable, "-m", "gunicorn", "-c", str(gunicorn), "--bind", f"fd://{number}"],
            environment=environment,
            log=folder / "web.log",
            pass_fds=(number,),
        )
        clock = ["tests.faults.jumping_clock", str(jumping)] if jumping else []
        celery = [sys.executable, "-m", *clock, "celery", "--quiet", "--skip-checks", "-A"]
        worker = ["loantracker.celery:app", "worker", *WORKER]
        beat = ["loantracker.beat:app", "beat"]

        def process(name: str, command: list[str]) -> Process:
            return Process(name, command, environment=environment, log=folder / f"{name}.log")

        self.workers = [process(f"worker {n}", [*celery, *worker, "-n", f"{n}@faults"]) for n in (1, 2)]
        self.beats = [process(f"beat {n}", [*celery, *beat]) for n in (1, 2)]

    @property
    def all(self) -> list[Process]:
        """Everything but Redis."""
        return [self.web, *self.workers, *self.beats]

    def start(self, **more: str) -> None:
        """Start everything that does not run, with these variables added."""
        if not self.redis.process.runs:
            self.redis.start()
        for process in self.all:
            if not process.runs:
                process.start(**more)

    def kill(self) -> None:
        """End everything at once, as a power cut does."""
        for process in [*self.all, self.redis.process]:
            process.send(signal.SIGKILL)
        for process in [*self.all, self.redis.process]:
            process.wait()

    def close(self) -> None:
        self.kill()
        self._listener.close()


def restart(process: Process) -> None:
    """Kill a process and start it again."""
    process.kill()
    process.start()
