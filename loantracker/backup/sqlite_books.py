"""Books in SQLite: read and replaced by SQLite's own backup call, which other connections see whole or not at all."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from django.db import connection

from loantracker.backup.archive import BackupError

PATIENCE = 60.0  # seconds to wait for whoever writes
TRIES = 20  # at replacing books that somebody else goes on writing
UNREADABLE = (
    "The books here cannot be read ({error}). Stop Loantracker, move {path} away together with its -wal and -shm, "
    "and restore again."
)


class _WrittenMeanwhileError(Exception):
    """Somebody wrote between the look at the books and their replacement."""


def path() -> Path:
    """The file the settings name."""
    return Path(connection.settings_dict["NAME"])


def snapshot(source: Path, target: Path) -> None:
    """A copy of the books as they stand, in one file, while others read and write."""
    with closing(_connect(source)) as live, closing(_connect(target)) as copy:
        live.backup(copy, progress=_Waiting())
        copy.execute("PRAGMA journal_mode=DELETE")


def migrations(file: Path) -> list[tuple[str, str]]:
    """What was applied to the books in `file`; none where it holds no books."""
    with closing(_connect(file)) as books:
        if not books.execute("SELECT 1 FROM sqlite_master WHERE name = 'django_migrations'").fetchone():
            return []
        rows = books.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    return [(app, name) for app, name in rows]


def check(file: Path) -> None:
    """BackupError unless SQLite finds the file whole, and every reference in it leads somewhere."""
    with closing(_connect(file)) as books:
        found = [row[0] for row in books.execute("PRAGMA integrity_check(1)")]
        lost = books.execute("PRAGMA foreign_key_check").fetchone()
    if found != ["ok"] or lost:
        raise BackupError(f"The database in it is damaged ({lost or found[0]}).")


@contextmanager
def pointed_at(file: Path) -> Iterator[None]:
    """Within this block, this thread's database is `file`."""
    connection.close()
    usual = connection.settings_dict
    connection.settings_dict = usual | {"NAME": str(file)}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = usual


def replace(new: Path, prepare: Callable[[], None]) -> None:
    """Let the books be those in the file `new`, in one go, while others read and write.

    `prepare` looks at the books as they are and finishes `new`, while nobody else can write. The lock has to be let
    go before SQLite's backup call can take it: who slips in between is noticed, and all of it is done again.
    """
    live = path()
    live.parent.mkdir(parents=True, exist_ok=True)
    connection.close()
    for _ in range(TRIES):
        with closing(_connect(live)) as watch, suppress(_WrittenMeanwhileError):
            try:
                watch.execute("PRAGMA journal_mode=WAL")
                watch.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise BackupError(f"The books are held by another program ({error}). Try again later.") from error
            except sqlite3.DatabaseError as error:
                raise BackupError(UNREADABLE.format(error=error, path=live)) from error
            prepare()
            seen = _version(watch)
            watch.execute("ROLLBACK")
            _copy_over(new, live, watch, seen)
            return
    raise BackupError("The books are written to without a pause. Stop Loantracker, and restore again.")


def _copy_over(new: Path, live: Path, watch: sqlite3.Connection, seen: int) -> None:
    waiting = _Waiting()

    def look(status: int, remaining: int, total: int) -> None:
        """Called after each page. From the first page copied on, this call holds the write lock."""
        waiting(status, remaining, total)
        if status == sqlite3.SQLITE_OK and remaining == total - 1 and _version(watch) != seen:
            raise _WrittenMeanwhileError  # what was copied is rolled back

    with closing(_connect(new)) as source, closing(_connect(live)) as target:
        target.execute("PRAGMA synchronous=FULL")
        source.backup(target, pages=1, progress=look, sleep=0.02)
        with suppress(sqlite3.OperationalError):  # somebody reads: it is done later
            target.execute("PRAGMA busy_timeout=500")
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _version(watch: sqlite3.Connection) -> int:
    """A number that changes when another connection commits."""
    return int(watch.execute("PRAGMA data_version").fetchone()[0])


class _Waiting:
    """Ends a backup call that has waited too long for a lock; by itself it would go on for ever."""

    def __init__(self) -> None:
        self._until = time.monotonic() + PATIENCE

    def __call__(self, status: int, remaining: int, total: int) -> None:
        if status not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            self._until = time.monotonic() + PATIENCE
        elif time.monotonic() > self._until:
            raise BackupError(f"The books were held by another program for {PATIENCE:.0f} seconds. Try again later.")


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=20, isolation_level=None)
