"""Making a backup while everything runs."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

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
)

DAY = 86_400
EMPTY = "There are no books here yet: nothing to back up."


@dataclass(frozen=True)
class Made:
    path: Path
    size: int


def make_backup(target: Path, now: datetime) -> Made:
    """Write a backup of everything to `target`, a new file, or a folder in which it gets a name made of `now`.

    BackupError where that cannot be; then nothing is left behind.
    """
    if target.is_dir():
        target = target / f"loantracker-{now:%Y%m%d-%H%M%S}.tar.gz"
    if target.exists():
        raise BackupError(f"{target} is there already. Choose another name.")
    with published(target) as file, workspace() as folder:
        if connection.vendor == "sqlite":
            manifest = collect(folder, now)
        else:
            with postgres_books.snapshot():
                manifest = collect(folder, now)
        if not manifest.migrations:
            raise BackupError(EMPTY)
        pack(folder, manifest, file)
    return Made(target, target.stat().st_size)


def collect(folder: Path, now: datetime) -> Manifest:
    """Gather what goes into a backup; PostgreSQL's books are read in the transaction that is under way.

    The books first: a document they speak of is there already.
    """
    if connection.vendor == "sqlite":
        live, copy = sqlite_books.path(), folder / DATABASE
        applied = []
        if live.exists():  # connecting would make it
            sqlite_books.snapshot(live, copy)
            applied = sqlite_books.migrations(copy)
        manifest = Manifest(now, version(), connection.vendor, applied)
    else:
        applied = postgres_books.migrations()
        tables = postgres_books.read(folder) if applied else {}
        manifest = Manifest(now, version(), connection.vendor, applied, tables)
    _private_file(folder / SECRET_KEY, settings.SECRET_KEY)
    if (settings.VAR / HOLIDAYS).is_file():
        shutil.copyfile(settings.VAR / HOLIDAYS, folder / HOLIDAYS)
    if (settings.VAR / DOCUMENTS).is_dir():
        _copy_documents(settings.VAR / DOCUMENTS, folder / DOCUMENTS)
    return manifest


def version() -> str:
    """Of this program."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    return str(project["project"]["version"])


@contextmanager
def workspace() -> Iterator[Path]:
    """A private folder beside the data, gone afterwards; what a killed one left is cleared after a day."""
    for left in settings.VAR.glob(".backup-*"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - DAY:
                shutil.rmtree(left)
    try:
        folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=settings.VAR))
    except OSError as error:
        raise BackupError(f"Nothing can be written in {settings.VAR}: {error.strerror}.") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_documents(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # deleted meanwhile
                shutil.copyfile(path, copy)


def _private_file(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
