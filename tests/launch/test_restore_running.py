"""Backing up and restoring while the real processes run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from loantracker.launch.product import PROJECT
from tests.launch.processes import until


class Running:
    """Loantracker under its launcher, on data of its own; on PostgreSQL where DATABASE_URL names one."""

    def __init__(self, var: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        own = {"REDIS_URL", "SECRET_KEY"}
        self.environment = {name: value for name, value in os.environ.items() if name not in own} | {
            "LOANTRACKER_VAR": str(var),
            "PORT": str(self.port),
            "SITE_URL": f"http://127.0.0.1:{self.port}",
            "SWEEP_SECONDS": "1",
        }
        self.log = var / "launcher.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(PROJECT / "loantracker" / "launch")],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def manage(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(PROJECT / "loantracker" / "launch"), "--manage", *arguments],
            env=self.environment,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def status(self, path: str = "/healthz") -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def is_well(self) -> bool:
        return self.status() == 200

    def books(self, cwd: Path) -> dict[str, object]:
        """Every household, loan, bill and fact."""
        names = ("household", "loan", "bill", "fact", "accountentry", "autorepayattempt")
        said = self.manage("dumpdata", *(f"ledger.{name}" for name in names), cwd=cwd)
        assert said.returncode == 0, said.stderr
        return {f"{row['model']} {row['pk']}": row["fields"] for row in json.loads(said.stdout)}

    def settled_books(self, cwd: Path) -> dict[str, object]:
        """The same, when the ticks have done with what they found."""
        seen = self.books(cwd)
        while (now := self.books(cwd)) != seen:
            seen = now
        return seen


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    var = tmp_path / "var"
    var.mkdir()
    product = Running(var)
    product.start()
    try:
        yield product
    finally:
        assert product.process is not None
        if product.process.poll() is None:
            product.process.kill()  # its processes end with it
            product.process.wait()


@pytest.mark.django_db
@pytest.mark.service
def test_books_are_put_back_while_everything_runs(running: Running, tmp_path: Path) -> None:
    assert until(running.is_well, 90), running.log.read_text()
    assert running.manage("demo", cwd=tmp_path).returncode == 0
    then = running.settled_books(tmp_path)
    made = running.manage("backup", "books.tar.gz", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert running.manage("demo", "--reset", cwd=tmp_path).returncode == 0
    assert running.books(tmp_path) != then

    done = running.manage("restore", "books.tar.gz", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert until(running.is_well, 30), running.log.read_text()
    assert running.status("/") == 200
    assert running.books(tmp_path) == then
    assert running.manage("check_ledger", cwd=tmp_path).returncode == 0

    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes((tmp_path / "books.tar.gz").read_bytes()[:-100])
    refused = running.manage("restore", "damaged.tar.gz", cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Nothing was restored, and nothing was changed.")
    assert "Traceback" not in refused.stderr
    assert running.books(tmp_path) == then
    assert running.stop() == 0
