"""Putting a backup back while everything runs: the books change in one go, or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader

from ledger import clock
from ledger.models import Heartbeat
from loantracker.backup import postgres_books, sqlite_books
from loantracker.backup.archive import (
    DATABASE,
    DOCUMENTS,
    HOLIDAYS,
    SECRET_KEY,
    BackupError,
    Manifest,
    pack,
    published,
    unpack,
)
from loantracker.backup.making import collect, workspace
from loantracker.launch.redis_server import private_folder
from reminders.services.restoring import mark_restored

PATIENCE = 60.0  # seconds in which a restore tries to have the books for itself
VENDORS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass
class Restored:
    """What came of it: the moment the books are of now, where those before it are kept (None if there were none),
    how many messages are held back, whether the secret key is another one now, and what went wrong with the other
    files, if anything."""

    backup_at: datetime
    kept: Path | None = None
    held: int = 0
    key_changed: bool = False
    key_to_set: bool = False
    trouble: str = ""


@dataclass
class _Work:
    """A restore under way: the backup, unpacked in `new`; `old` takes what is there now."""

    manifest: Manifest
    new: Path
    old: Path
    done: Restored
    heartbeats: list[Heartbeat] = field(default_factory=list)


def restore_backup(file: Path) -> Restored:
    """Let everything be as it was when `file` was made; BackupError where that cannot be, and then nothing changed.

    The books that are replaced go into a backup of their own first. What was mailed since is not mailed again, and
    what was debited since is recorded again by the next tick, once.
    """
    with _alone(), workspace() as folder:
        new, old = folder / "new", folder / "old"
        new.mkdir()
        manifest = unpack(file, new)
        _refuse_unfit(file, manifest, new)
        work = _Work(manifest, new, old, Restored(manifest.created_at))
        if connection.vendor == "sqlite":
            _replace_sqlite(work)
        else:
            _replace_postgres(work)
        ContentType.objects.clear_cache()
        try:
            _place_files(work)
        except OSError as error:
            work.done.trouble = f"{error.filename}: {error.strerror}"
        return work.done


@contextmanager
def _alone() -> Iterator[None]:
    with (settings.VAR / "restore.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("Another restore is under way.") from None
        yield


def _refuse_unfit(file: Path, manifest: Manifest, new: Path) -> None:
    here, there = (VENDORS.get(vendor, vendor) for vendor in (connection.vendor, manifest.vendor))
    if here != there:
        raise BackupError(
            f"{file} holds books kept in {there}; here they are kept in {here}. "
            f"Set DATABASE_URL to a database in {there}, then try again."
        )
    known = MigrationLoader(None).disk_migrations
    if unknown := set(manifest.migrations) - set(known):
        raise BackupError(
            f"{file} was made by a newer version of Loantracker ({manifest.version}, {'.'.join(min(unknown))}). "
            "Update this one, then try again."
        )
    is_whole = (new / DATABASE).is_file() if manifest.vendor == "sqlite" else bool(manifest.tables)
    if not is_whole or not (new / SECRET_KEY).is_file() or not manifest.migrations:
        raise BackupError(f"{file} is damaged: something is missing in it.")


# ---- the books


def _replace_sqlite(work: _Work) -> None:
    copy = work.new / DATABASE
    live = sqlite_books.path()
    was_there = live.exists()
    sqlite_books.check(copy)
    with sqlite_books.pointed_at(copy):
        call_command("migrate", verbosity=0, interactive=False)

    def prepare() -> None:
        _keep(work)
        with sqlite_books.pointed_at(copy):
            _finish(work)

    try:
        sqlite_books.replace(copy, prepare)
    except BaseException:
        if not was_there:
            live.unlink(missing_ok=True)
        raise


def _replace_postgres(work: _Work) -> None:
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            with postgres_books.held():
                _keep(work)
                postgres_books.replace(work.new, work.manifest.tables, work.manifest.migrations)
                _finish(work)
            return
        except OperationalError as error:  # somebody holds a table, or waits for one as we do for theirs
            connection.close()
            _forget_kept(work)
            if time.monotonic() > give_up:
                raise BackupError(f"The database did not let it happen ({error}). Try again later.") from error
        except BaseException:
            _forget_kept(work)
            raise


def _keep(work: _Work) -> None:
    """Back up what is there now, if there is anything."""
    _forget_kept(work)
    shutil.rmtree(work.old, ignore_errors=True)
    work.old.mkdir()
    manifest = collect(work.old, clock.now())
    if not manifest.migrations:
        return
    if Heartbeat._meta.db_table in connection.introspection.table_names():
        work.heartbeats = list(Heartbeat.objects.all())
    folder = private_folder(settings.VAR / "backups")
    target = _free(folder, f"before-restore-{manifest.created_at:%Y%m%d-%H%M%S}")
    with published(target) as file:
        pack(work.old, manifest, file)
    work.done.kept = target


def _free(folder: Path, name: str) -> Path:
    number = 1
    while (path := folder / f"{name}{f'-{number}' if number > 1 else ''}.tar.gz").exists():
        number += 1
    return path


def _forget_kept(work: _Work) -> None:
    """A try that came to nothing leaves no backup behind."""
    if work.done.kept:
        work.done.kept.unlink(missing_ok=True)
        work.done.kept = None


def _finish(work: _Work) -> None:
    """The last touches to the restored books, before anybody sees them: messages that may have left are held back,
    and whether the clockwork runs is a matter of now."""
    work.done.held = mark_restored(backup_at=work.manifest.created_at, restored_at=clock.now())
    if work.heartbeats:
        Heartbeat.objects.all().delete()
        Heartbeat.objects.bulk_create(work.heartbeats)


# ---- the files


def _place_files(work: _Work) -> None:
    key = (work.new / SECRET_KEY).read_text()
    work.done.key_changed = key != settings.SECRET_KEY
    if "SECRET_KEY" in os.environ:
        work.done.key_to_set = work.done.key_changed
    elif work.done.key_changed:
        _put(work.new / SECRET_KEY, settings.VAR / SECRET_KEY)
    if (work.new / HOLIDAYS).is_file():
        _put(work.new / HOLIDAYS, settings.VAR / HOLIDAYS)
    elif work.done.kept:  # it is in there
        (settings.VAR / HOLIDAYS).unlink(missing_ok=True)
    live = settings.VAR / DOCUMENTS
    if live.is_dir():
        live.rename(work.old / f"{DOCUMENTS}-replaced")
    if (work.new / DOCUMENTS).is_dir():
        (work.new / DOCUMENTS).rename(live)


def _put(source: Path, target: Path) -> None:
    """In one go; both lie in the same file system."""
    source.chmod(0o600)
    source.replace(target)
