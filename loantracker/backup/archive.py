"""The backup file: a gzipped tar that begins with a manifest naming every member, its size and its SHA-256."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 64_000_000  # bytes
BLOCK = 1 << 20
DATABASE = "database.sqlite3"
TABLES = "tables"
DOCUMENTS = "documents"
SECRET_KEY = "secret_key"  # noqa: S105, a file name
HOLIDAYS = "holidays.json"
SINGLE = {DATABASE, SECRET_KEY, HOLIDAYS}
DAMAGED = (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, KeyError, TypeError, AttributeError)


class BackupError(Exception):
    """It cannot be done, and nothing was changed; the message tells the person why, and what to do."""


@dataclass(frozen=True)
class Table:
    """How a table's rows are read back: the columns in order, and the next number of each that counts."""

    columns: list[str]
    next_numbers: dict[str, int]


@dataclass(frozen=True)
class Manifest:
    """What the file holds. `created_at` is before everything in it was read; `migrations` are (app, name) pairs."""

    created_at: datetime
    version: str
    vendor: str
    migrations: list[tuple[str, str]]
    tables: dict[str, Table] = field(default_factory=dict)

    def to_json(self, members: Mapping[str, tuple[int, str]]) -> bytes:
        """As it is written, with the size and the SHA-256 of each member."""
        said = {"loantracker_backup": FORMAT, **asdict(self), "created_at": self.created_at.isoformat()}
        said["members"] = {name: {"size": size, "sha256": digest} for name, (size, digest) in members.items()}
        return json.dumps(said, indent=1).encode()

    @classmethod
    def from_json(cls, said: Any) -> Manifest:
        """What `to_json` wrote; ValueError, KeyError or TypeError where it is something else."""
        created_at = datetime.fromisoformat(said["created_at"])
        if created_at.tzinfo is None:
            raise ValueError("created_at names no time zone")
        return cls(
            created_at=created_at,
            version=str(said["version"]),
            vendor=str(said["vendor"]),
            migrations=[(str(app), str(name)) for app, name in said["migrations"]],
            tables={
                str(name): Table([str(column) for column in table["columns"]], dict(table["next_numbers"]))
                for name, table in said["tables"].items()
            },
        )


# ---- writing


def pack(folder: Path, manifest: Manifest, file: IO[bytes]) -> None:
    """Write all files in `folder`, and the manifest before them."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    members = {name: _measure(folder / name) for name in names}
    with (
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        text = manifest.to_json(members)
        tar.addfile(_entry(MANIFEST, len(text), manifest), io.BytesIO(text))
        for name, (size, _) in members.items():
            with (folder / name).open("rb") as source:
                tar.addfile(_entry(name, size, manifest), source)


def _entry(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(manifest.created_at.timestamp())
    return entry


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


@contextmanager
def published(target: Path) -> Iterator[IO[bytes]]:
    """A new file that only its owner may read, and that appears as `target` when it is whole; never over another."""
    try:
        number, name = tempfile.mkstemp(prefix=f".{target.name[:100]}-", dir=target.parent)
    except OSError as error:
        raise BackupError(f"Nothing can be written in {target.parent}: {error.strerror}.") from None
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _appear(Path(name), target)
    except FileExistsError:
        raise BackupError(f"{target} is there already. Choose another name.") from None
    except OSError as error:
        raise BackupError(f"{target} could not be written: {error.strerror or error}.") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _appear(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # no hard links there
        if target.exists():
            raise FileExistsError(target) from None
        temporary.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every file system can
            os.fsync(folder)
    finally:
        os.close(folder)


# ---- reading


def unpack(file: Path, folder: Path) -> Manifest:
    """Put what `file` holds into the empty `folder`, having compared all of it with the manifest.

    BackupError where it is not there, not ours, of a newer version or damaged in any place.
    """
    try:
        with file.open("rb") as raw:
            if raw.read(2) != b"\x1f\x8b":
                raise BackupError(f"{file} is not a backup of Loantracker.")
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) as stream:
                while stream.read(BLOCK):  # to the very end, where gzip keeps a checksum of the whole
                    pass
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
                return _unpack(file, tar, folder)
    except FileNotFoundError:
        raise BackupError(f"There is no file {file}.") from None
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:  # not the file's fault: no permission, a full disk
            raise BackupError(f"{file} cannot be read or unpacked: {error.strerror}.") from error
        raise BackupError(f"{file} is damaged, or not a backup of Loantracker ({error}).") from error


def _unpack(file: Path, tar: tarfile.TarFile, folder: Path) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > LARGEST_MANIFEST:
        raise BackupError(f"{file} is not a backup of Loantracker.")
    said = json.loads(_opened(tar, first).read())
    format_ = said["loantracker_backup"]
    if type(format_) is not int or format_ < 1:
        raise ValueError("no such format")
    if format_ > FORMAT:
        raise BackupError(f"{file} was made by a newer version of Loantracker. Update this one, then try again.")
    manifest = Manifest.from_json(said)
    expected = {name: (one["size"], one["sha256"]) for name, one in said["members"].items()}
    while (member := tar.next()) is not None:
        if member.name not in expected or not member.isreg() or not is_safe(member.name):
            raise ValueError(f"it holds {member.name!r}, which does not belong there")
        if _copy(_opened(tar, member), folder / member.name) != expected.pop(member.name):
            raise ValueError(f"{member.name} is not what it was")
    if expected:
        raise ValueError(f"it lacks {min(expected)}")
    return manifest


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    opened = tar.extractfile(member)
    if opened is None:
        raise ValueError(f"{member.name} is no file")
    return opened


def is_safe(name: str) -> bool:
    """Whether a member belongs into a backup, and leads nowhere else."""
    top, *rest = name.split("/")
    if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in rest):
        return False
    if top == TABLES:
        return len(rest) == 1 and re.fullmatch(r"[a-z0-9_]+", rest[0]) is not None
    return bool(rest) if top == DOCUMENTS else top in SINGLE and not rest


def _copy(source: IO[bytes], target: Path) -> tuple[int, str]:
    """Copies, and measures what was copied."""
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
            file.write(block)
    return size, digest.hexdigest()
