"""Carrying out a scenario in a process of its own, which takes everything it started with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loantracker.launch.parent import dies_with_parent
from loantracker.launch.product import PROJECT
from loantracker.launch.redis_server import socket_url
from tests.faults.databases import DATABASES

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")  # of our own environment
SHORT = {"SWEEP_SECONDS": "1", "VISIBILITY_TIMEOUT_SECONDS": "3", "MAIL_LEASE_SECONDS": "5"}


class ScenarioError(Exception):
    """A scenario did not come to its end; the message is what it said last."""


@dataclass(frozen=True)
class Report:
    """What came of a scenario. `faults` struck, `busy` of them while something was due and not done; of `due` bills
    `lost` were not paid and `double` too often; `broken` says which promises were not kept."""

    scenario: str
    database: str
    seed: int
    seconds: float
    faults: int
    busy: int
    due: int
    lost: int
    double: int
    acknowledged: int
    settled_after: float
    broken: list[str]
    notes: list[str]
    last_words: dict[str, str]  # of each process, where something was broken


def run_scenario(scenario: str, database: str, *, kills: int, seed: int, limit: float) -> Report:
    """Start everything on an empty database, let `kills` faults strike, and look at the books; ScenarioError where
    it takes longer than `limit` seconds or breaks off."""
    began = time.monotonic()
    with _folder() as folder:
        command = [sys.executable, "-m", "tests.faults", scenario, database, str(kills), str(seed), str(folder)]
        output = folder / "output"
        with output.open("wb") as said:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=_environment(folder, database),
                cwd=PROJECT,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )
        try:
            code = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            raise ScenarioError(f"{scenario}: not done after {limit:.0f} s\n{_last(output)}") from None
        finally:
            process.kill()  # and the kernel ends what it started
            process.wait()
        if code:
            raise ScenarioError(f"{scenario}: ended with code {code}\n{_last(output)}")
        found = json.loads((folder / "report.json").read_text())
    return Report(scenario, database, seed, round(time.monotonic() - began, 1), **found)


def _environment(folder: Path, database: str) -> dict[str, str]:
    var = folder / "var"
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "DJANGO_SETTINGS_MODULE": "loantracker.settings",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "LOANTRACKER_VAR": str(var),
        "DATABASE_URL": DATABASES[database](folder).url,
        "REDIS_URL": socket_url(var),
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "LOG_LEVEL": "WARNING",
        **SHORT,
    }


@contextmanager
def _folder() -> Iterator[Path]:
    """A short path, since sockets are made in there, into which PostgreSQL's own user may look."""
    folder = Path(tempfile.mkdtemp(prefix="loantracker-faults-", dir="/tmp"))
    folder.chmod(0o711)
    (folder / "var").mkdir()
    try:
        yield folder
    finally:
        for _ in range(50):  # processes that are just ending may still write
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)


def _last(output: Path) -> str:
    return output.read_text(errors="replace")[-4000:]
