"""One process of the launcher: started, watched, ended, started again."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from loantracker.launch.guard import Guard
from loantracker.launch.output import Output
from loantracker.launch.parent import dies_with_parent
from loantracker.launch.spec import Spec

RESTARTS = 5  # at most, within
WINDOW = 60.0  # seconds


def restart_time(restarts: list[float], now: float) -> float:
    """When a process that ended `now` may start again: at once, unless it was restarted five times within a minute."""
    return now if len(restarts) < RESTARTS else max(now, restarts[-RESTARTS] + WINDOW)


class Child:
    """The process of one `Spec`, in a session of its own so that Ctrl-C reaches only the launcher."""

    def __init__(self, spec: Spec, *, folder: Path, selector: selectors.BaseSelector, guard: Guard | None) -> None:
        self.spec = spec
        self.output = Output(spec.name, folder, quiet=spec.quiet)
        self.restarts: list[float] = []
        self.restart_at: float | None = None
        self.kill_at: float | None = None
        self._selector = selector
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs; False once `ended` has told that it does not."""
        return self._process is not None

    def start(self, environment: Mapping[str, str], cwd: Path) -> None:
        """Starts the process; from then on its output is read by the selector's callbacks."""
        process = subprocess.Popen(
            self.spec.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd,
            pass_fds=self.spec.pass_fds,
            start_new_session=True,
            preexec_fn=dies_with_parent() if self._guard is None else None,
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, lambda: self._read(process))
        self._process = process
        self.restart_at = self.kill_at = None
        if self._guard:
            self._guard.watch(process.pid)

    def ended(self) -> str | None:
        """How the process ended, in words, told once; None while it runs. Its own children end with it."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        self.kill()
        while self._read(process):  # what it said last is not lost
            pass
        self._process = None
        if self._guard:
            self._guard.forget(process.pid)
        code = process.returncode
        return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"

    @property
    def exit_code(self) -> int | None:
        """Of the process that runs, once it has ended; None before."""
        return self._process.poll() if self._process else None

    def end(self, now: float) -> None:
        """Asks the process to end, and has it killed if it is still there when its grace is over."""
        if self._process and self.kill_at is None:
            with contextlib.suppress(OSError):
                self._process.terminate()
            self.kill_at = now + self.spec.grace

    def kill(self) -> None:
        """Ends the process and all its children at once."""
        if self._process:
            self.kill_at = None
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self, process: subprocess.Popen[bytes]) -> bool:
        """Takes in what there is to read; whether there may be more."""
        pipe = process.stdout
        if pipe is None or pipe.closed:
            return False
        try:
            data = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return False
        if data:
            self.output.feed(data)
            return True
        self._selector.unregister(pipe)
        pipe.close()
        self.output.close()
        return False
