"""The databases that faults are tried on: a SQLite file, and a private PostgreSQL; and what can befall them."""

from __future__ import annotations

import importlib.util
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, Protocol

from tests.faults.processes import NotStartedError, Process, wait_until

LONGER_THAN_THE_TIMEOUT = 23.0  # seconds; a writer waits 20 for SQLite's lock


class Database(Protocol):
    """A database server of our own, or a file."""

    url: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def disturb(self, random: Random, meanwhile: Callable[[], None]) -> None:
        """Let something befall it; `meanwhile` is called in the middle."""


class SqliteFile:
    """A file in `folder`; what can befall it is that somebody else holds it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "faults.sqlite3"
        self.url = f"sqlite:///{self._path}"
        self._disturbed = 0

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def disturb(self, random: Random, meanwhile: Callable[[], None]) -> None:
        """Hold it for up to two seconds, at every 20th time for longer than anybody waits."""
        self._disturbed += 1
        seconds = LONGER_THAN_THE_TIMEOUT if self._disturbed % 20 == 0 else random.uniform(0.1, 2)
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds / 2)
            meanwhile()
            time.sleep(seconds / 2)
            holder.execute("ROLLBACK")


class PostgresServer:
    """A cluster in `folder`, reached by its socket; commits wait for the log as they do by default, but nothing is
    forced to the disk, since only processes are killed here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._bin = postgres_programs()
        self.url = f"postgresql://loantracker@/loantracker?host={self._folder}"
        options = ["listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=64MB"]
        self._process = Process(
            "postgres",
            [
                *_as_owner("--pdeathsig", "QUIT"),
                *(str(self._bin / "postgres"), "-D", str(self._folder / "data"), "-k", str(self._folder)),
                *(word for option in options for word in ("-c", option)),
            ],
            environment={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            log=folder / "postgres.log",
        )

    def start(self) -> None:
        """Make the cluster where there is none, start it, and wait until it takes connections."""
        new = not self._folder.exists()
        if new:
            self._folder.mkdir()
            if os.geteuid() == 0:
                subprocess.run(["chown", "postgres:", str(self._folder)], check=True)
            initdb = [str(self._bin / "initdb"), "-D", str(self._folder / "data"), "-U", "loantracker", "-A", "trust"]
            more = ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
            subprocess.run([*_as_owner(), *initdb, *more], check=True, capture_output=True, cwd=self._folder)
        self._process.start()
        if not wait_until(self._answers, 60):
            raise NotStartedError(f"PostgreSQL: {self._process.last_words()}")
        if new:
            self._ask("CREATE DATABASE loantracker")

    def stop(self) -> None:
        """At once, without waiting for anybody: what is committed is found again at the next start."""
        if self._process.runs:
            os.kill(self._process.pid, signal.SIGQUIT)
            self._process.wait()

    def disturb(self, random: Random, meanwhile: Callable[[], None]) -> None:
        """Cut every connection, restart the server at once, or kill one of its processes, which restarts the rest."""
        how = random.choice([self._terminate, self._restart, self._crash])
        how(random)
        meanwhile()
        if not wait_until(self._answers, 60):
            raise NotStartedError(f"PostgreSQL: {self._process.last_words()}")

    def _terminate(self, random: Random) -> None:
        self._ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'loantracker'")

    def _restart(self, random: Random) -> None:
        self.stop()
        time.sleep(random.uniform(0, 2))
        self.start()

    def _crash(self, random: Random) -> None:
        backends = self._ask("SELECT pid FROM pg_stat_activity WHERE datname = 'loantracker'")
        if backends:
            os.kill(random.choice(backends)[0], signal.SIGKILL)

    def _answers(self) -> bool:
        import psycopg

        try:
            self._ask("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        import psycopg

        where = {"host": str(self._folder), "user": "loantracker", "dbname": "postgres"}
        with psycopg.connect(**where, autocommit=True, connect_timeout=5) as connection:
            answer = connection.execute(statement.encode())
            return answer.fetchall() if answer.description else []


def _as_owner(*options: str) -> list[str]:
    """PostgreSQL refuses to run as root. Changing the user takes off what was agreed about the parent's death, so
    that is agreed again by `options`."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *options, "--"]


def postgres_programs() -> Path:
    """The newest installed server's programs; FileNotFoundError where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise FileNotFoundError("There is no PostgreSQL server in /usr/lib/postgresql.")
    return found[-1].parent


def missing(database: str) -> str:
    """Why `database` ("sqlite" or "postgresql") cannot be tried here; "" where it can."""
    if database == "sqlite":
        return ""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed"
    try:
        postgres_programs()
    except FileNotFoundError as error:
        return str(error)
    return ""


DATABASES: dict[str, Callable[[Path], Database]] = {"sqlite": SqliteFile, "postgresql": PostgresServer}
