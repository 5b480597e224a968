"""The launcher, run for real with stand-ins: it starts in order, restarts, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.processes import is_running, until

STAND_IN = Path(__file__).with_name("stand_in.py")
# Each stand-in notes its process id, so that tests can find it; `forker` has a child of its own, as gunicorn has.
SLEEPER = "echo $$ >> {name}.pid; exec sleep 300"
FORKER = "echo $$ >> {name}.pid; sleep 300 & echo $! >> grandchild.pid; wait"
DEAF = "trap '' TERM; echo $$ >> {name}.pid; while :; do sleep 1; done"


def heeding_hang_ups() -> None:
    """As in a terminal, even where the tests themselves run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Launcher:
    """One launcher in a folder of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.output = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self, *, guarded: bool = False, **scripts: str) -> None:
        arguments = [f"{name}={script.format(name=name)}" for name, script in scripts.items()]
        self._process = subprocess.Popen(
            [sys.executable, str(STAND_IN), str(self.var), *arguments],
            stdout=(self.var / "terminal").open("wb"),
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "GUARDED": "yes" if guarded else ""},
            preexec_fn=heeding_hang_ups,
        )

    def said(self) -> str:
        return (self.var / "terminal").read_text()

    def says(self, text: str) -> bool:
        return until(lambda: text in self.said())

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(timeout=10)

    def pids(self, name: str) -> list[int]:
        """All processes `name` has had, oldest first."""
        path = self.var / f"{name}.pid"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def running(self) -> set[str]:
        """Names of the stand-ins that run."""
        names = [path.stem for path in self.var.glob("*.pid")]
        return {name for name in names if any(is_running(pid) for pid in self.pids(name))}

    def clean_up(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=10)
        assert until(lambda: not self.running())


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    launcher = Launcher(tmp_path)
    yield launcher
    launcher.clean_up()


def test_foundation_and_steps_come_before_the_others(launcher: Launcher) -> None:
    launcher.start(
        redis="echo redis >> order; sleep 0.2; echo ready >> order; touch ready; exec sleep 300",
        step="echo step >> order",
        web="echo web >> order; exec sleep 300",
    )
    assert launcher.says("announced")
    assert until(lambda: (launcher.var / "order").read_text().split() == ["redis", "ready", "step", "web"])
    launcher.send(signal.SIGTERM)
    assert launcher.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_also_what_the_processes_started(launcher: Launcher, number: signal.Signals) -> None:
    launcher.start(web=FORKER, worker=SLEEPER)
    assert until(lambda: launcher.running() == {"web", "worker", "grandchild"})
    launcher.send(number)
    assert launcher.wait() == 0
    assert launcher.running() == set()
    assert launcher.said().splitlines() == ["announced", "Stopping ..."]


@pytest.mark.parametrize("guarded", [False, True])
def test_killing_the_launcher_leaves_nothing(launcher: Launcher, guarded: bool) -> None:
    launcher.start(web=SLEEPER, worker=DEAF, guarded=guarded)
    assert launcher.says("announced")
    assert until(lambda: launcher.running() == {"web", "worker"})
    launcher.send(signal.SIGKILL)
    assert until(lambda: launcher.running() == set())


def test_killing_a_guarded_launcher_reaches_what_the_processes_started(launcher: Launcher) -> None:
    launcher.start(web=FORKER, guarded=True)
    assert launcher.says("announced")
    assert until(lambda: launcher.running() == {"web", "grandchild"})
    launcher.send(signal.SIGKILL)
    assert until(lambda: launcher.running() == set())


def test_a_process_deaf_to_term_is_killed_after_its_grace(launcher: Launcher) -> None:
    launcher.start(worker=DEAF)
    assert until(lambda: launcher.running() == {"worker"})
    launcher.send(signal.SIGTERM)
    assert launcher.wait() == 0
    assert launcher.running() == set()


def test_a_second_signal_does_not_wait_for_the_grace(launcher: Launcher) -> None:
    launcher.start(worker=DEAF)
    assert until(lambda: launcher.running() == {"worker"})
    launcher.send(signal.SIGTERM)
    assert launcher.says("Stopping ...")
    asked = time.monotonic()
    launcher.send(signal.SIGTERM)
    assert launcher.wait() == 0
    assert time.monotonic() - asked < 0.9


def test_the_foundation_is_stopped_last(launcher: Launcher) -> None:
    last_word = "trap 'echo {name} >> order; exit' TERM; echo $$ >> {name}.pid; while :; do sleep 0.05; done"
    launcher.start(redis="touch ready; " + last_word, web="sleep 0.1; " + last_word)
    assert until(lambda: launcher.running() == {"redis", "web"})
    launcher.send(signal.SIGTERM)
    assert launcher.wait() == 0
    assert (launcher.var / "order").read_text().split() == ["web", "redis"]


@pytest.mark.parametrize("name", ["redis", "web", "worker"])
def test_a_killed_process_is_back_and_its_own_children_are_gone(launcher: Launcher, name: str) -> None:
    scripts = {"redis": "touch ready; " + SLEEPER, "web": SLEEPER, "worker": SLEEPER}
    launcher.start(**{**scripts, name: "touch ready; " + FORKER})
    assert until(lambda: launcher.running() == {"redis", "web", "worker", "grandchild"})
    (first,), (grandchild,) = launcher.pids(name), launcher.pids("grandchild")
    os.kill(first, signal.SIGKILL)
    assert until(lambda: len(launcher.pids(name)) == 2 and is_running(launcher.pids(name)[1]))
    assert not is_running(grandchild)
    assert f"{name} was ended by signal 9; starting it again." in launcher.said()


def test_a_process_that_keeps_ending_waits_after_five_restarts(launcher: Launcher) -> None:
    launcher.start(beat="echo $$ >> {name}.pid; [ -f broken ] || sleep 300; echo the reason; exit 3", web=SLEEPER)
    assert launcher.says("announced")
    assert until(lambda: launcher.running() == {"beat", "web"})
    (launcher.var / "broken").touch()
    os.kill(launcher.pids("beat")[0], signal.SIGKILL)
    assert launcher.says("Trying again in 60 seconds.")
    assert len(launcher.pids("beat")) == 6
    assert "beat ended with code 3, for the 6th time within a minute" in launcher.said()
    assert launcher.said().count("the reason") >= 1
    assert launcher.running() == {"web"}


def test_a_process_that_never_starts_well_ends_everything_and_shows_why(launcher: Launcher) -> None:
    launcher.start(redis="touch ready; " + SLEEPER, step="echo no such table; exit 1", web=SLEEPER)
    assert launcher.wait() == 1
    assert launcher.running() == set()
    assert f"step did not succeed ({launcher.var}/step.log):\nno such table" in launcher.said()


def test_a_foundation_that_cannot_start_is_repaired_once(launcher: Launcher) -> None:
    launcher.start(redis="[ -f mended ] || exit 1; touch ready; " + SLEEPER)
    assert launcher.says("announced")
    assert launcher.said().splitlines() == ["mended", "announced"]


def test_a_foundation_beyond_repair_ends_the_start(launcher: Launcher) -> None:
    launcher.start(redis="echo no space; exit 1")
    assert launcher.wait() == 1
    assert launcher.said() == "mended\nredis ended with code 1:\nno space\nno space\n"


def test_a_signal_during_a_step_stops_the_start(launcher: Launcher) -> None:
    launcher.start(step=SLEEPER, web=SLEEPER)
    assert until(lambda: launcher.running() == {"step"})
    launcher.send(signal.SIGINT)
    assert launcher.wait() == 0
    assert launcher.running() == set()


def test_a_second_start_says_already_running(launcher: Launcher) -> None:
    launcher.start(web=SLEEPER)
    assert until(lambda: launcher.running() == {"web"})
    second = subprocess.run(
        [sys.executable, str(STAND_IN), str(launcher.var)], capture_output=True, text=True, timeout=10, check=False
    )
    assert (second.returncode, second.stdout) == (1, "already running: http://localhost:1\n")
    assert launcher.running() == {"web"}


def test_a_killed_launcher_can_be_started_again_at_once(launcher: Launcher) -> None:
    launcher.start(web=SLEEPER)
    assert until(lambda: launcher.running() == {"web"})
    launcher.send(signal.SIGKILL)
    assert launcher.wait() == -signal.SIGKILL
    launcher.start(web=SLEEPER)
    assert launcher.says("announced")


def test_warnings_and_tracebacks_reach_the_terminal_and_everything_the_log(launcher: Launcher) -> None:
    lines = [
        "starting",
        "2026-11-23 10:00:00 INFO app: fine",
        "2026-11-23 10:00:01 ERROR app: broken",
        "Traceback (most recent call last):",
        "  ValueError: 3",
        "2026-11-23 10:00:02 INFO app: fine again",
        "last",
    ]
    (launcher.var / "lines").write_text("\n".join(lines))
    launcher.start(worker="cat lines; exec sleep 300")
    assert launcher.says("ValueError: 3")
    assert [line for line in launcher.said().splitlines() if "|" in line] == [
        "worker | 2026-11-23 10:00:01 ERROR app: broken",
        "worker | Traceback (most recent call last):",
        "worker |   ValueError: 3",
    ]
    launcher.send(signal.SIGTERM)
    assert launcher.wait() == 0
    assert (launcher.var / "worker.log").read_text().splitlines() == lines


def test_a_terminal_that_has_gone_away_stops_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(STAND_IN), str(tmp_path), f"web={SLEEPER.format(name='web')}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    process.stdout.close()
    try:
        assert until(lambda: (tmp_path / "web.pid").exists())
        first = int((tmp_path / "web.pid").read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        assert until(lambda: len((tmp_path / "web.pid").read_text().split()) == 2)
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0
