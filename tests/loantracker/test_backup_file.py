"""The backup file by itself: what is packed is unpacked, and nothing damaged or strange is."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loantracker.backup.archive import FORMAT, BackupError, Manifest, Table, is_safe, pack, published, unpack

MANIFEST = Manifest(
    created_at=datetime(2026, 3, 6, 4, tzinfo=UTC),
    version="0.1.0",
    vendor="sqlite",
    migrations=[("ledger", "0001_initial")],
    tables={"ledger_loan": Table(["id", "name"], {"id": 7})},
)
CONTENT = {
    "database.sqlite3": bytes(range(256)) * 40,
    "secret_key": b"a key",
    "documents/2026/contract 合同.pdf": b"%PDF",
    "tables/ledger_loan": b"1\tLaptop\n",
}
Change = Callable[[dict[str, Any], dict[str, bytes]], None]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A sound backup file."""
    folder = tmp_path / "content"
    for name, data in CONTENT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    with published(tmp_path / "books.tar.gz") as file:
        pack(folder, MANIFEST, file)
    return tmp_path / "books.tar.gz"


def unpacked(file: Path) -> tuple[Manifest, dict[str, bytes]]:
    folder = file.parent / "unpacked"
    folder.mkdir()
    manifest = unpack(file, folder)
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return manifest, found


def refused(file: Path) -> str:
    """Why it is refused."""
    with pytest.raises(BackupError) as caught:
        unpacked(file)
    return str(caught.value)


def made_of(file: Path, change: Change) -> Path:
    """The same backup with a manifest and members that `change` has had its way with."""
    with tarfile.open(file) as tar:
        members = {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    with tarfile.open(file, "w:gz") as tar:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **members}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return file


def test_what_is_packed_is_unpacked(backup: Path) -> None:
    assert unpacked(backup) == (MANIFEST, CONTENT)


def test_only_its_owner_may_read_it(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in backup.parent.iterdir() if path.is_file()] == ["books.tar.gz"]


def test_any_tar_program_reads_it(backup: Path) -> None:
    with tarfile.open(backup) as tar:
        assert tar.getnames() == ["manifest.json", *sorted(CONTENT)]


def test_no_flipped_bit_changes_what_is_unpacked(backup: Path) -> None:
    """Nearly all are refused. The others mean nothing: a time in gzip's header, another spelling of the same bytes."""
    sound = backup.read_bytes()
    accepted = []
    for place in range(len(sound)):
        backup.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << place % 8]) + sound[place + 1 :])
        try:
            assert unpacked(backup) == (MANIFEST, CONTENT)
            accepted.append(place)
        except BackupError:
            pass
        shutil.rmtree(backup.parent / "unpacked")
    assert set(range(4, 10)) <= set(accepted)
    assert len(accepted) < len(sound) / 20


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.6, 0.99])
def test_a_part_of_it_is_refused(backup: Path, share: float) -> None:
    sound = backup.read_bytes()
    backup.write_bytes(sound[: int(len(sound) * share)])
    assert refused(backup).startswith(str(backup))


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"PK\x03\x04", id="zip"),
        pytest.param(gzip.compress(b"hello", mtime=0), id="gzip"),
        pytest.param(gzip.compress(b"\0" * 10240, mtime=0), id="empty tar"),
    ],
)
def test_anything_else_is_refused(backup: Path, what: bytes) -> None:
    backup.write_bytes(what)
    assert "not a backup of Loantracker" in refused(backup)


def test_more_after_its_end_is_refused(backup: Path) -> None:
    backup.write_bytes(backup.read_bytes() + b"more")
    assert "damaged" in refused(backup)


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing") == f"There is no file {tmp_path / 'nothing'}."
    (tmp_path / "unpacked").rmdir()
    assert "Is a directory" in refused(tmp_path)


def test_a_newer_format_is_refused(backup: Path) -> None:
    def newer(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["loantracker_backup"] = FORMAT + 1

    assert "newer version" in refused(made_of(backup, newer))


def lacking(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    del members["secret_key"]


def changed(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    members["secret_key"] = b"b key"


def added(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    members["documents/more"] = b""


def longer(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    manifest["members"]["secret_key"]["size"] = 4


def without_time(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    manifest["created_at"] = "2026-03-06T04:00:00"


def other_shape(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    manifest["members"] = []


@pytest.mark.parametrize("change", [lacking, changed, added, longer, without_time, other_shape])
def test_a_file_that_is_not_what_its_manifest_says_is_refused(backup: Path, change: Change) -> None:
    assert "damaged" in refused(made_of(backup, change))


@pytest.mark.parametrize(
    "name",
    ["../outside", "documents/../../outside", "/tmp/outside", "documents//x", "documents", "tables/a/b", "launch.lock"],
)
def test_nothing_is_written_outside(backup: Path, name: str) -> None:
    def lead_away(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members[name] = members.pop("secret_key")
        manifest["members"][name] = manifest["members"].pop("secret_key")

    assert not is_safe(name)
    assert "does not belong there" in refused(made_of(backup, lead_away))
    assert not (backup.parent / "outside").exists()


def test_a_link_is_refused(backup: Path) -> None:
    with tarfile.open(backup) as tar:
        manifest = tar.extractfile("manifest.json").read()  # type: ignore[union-attr]
    with tarfile.open(backup, "w:gz") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest))
        link = tarfile.TarInfo("secret_key")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert "does not belong there" in refused(backup)


def test_another_file_is_never_replaced(backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(BackupError, match="is there already"), published(backup) as file:
        file.write(b"other")
    assert backup.read_bytes() == before
    assert list(backup.parent.glob(".books*")) == []


def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def break_off() -> None:
        with published(tmp_path / "x") as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(BackupError, match="could not be written: No space left"):
        break_off()
    assert list(tmp_path.iterdir()) == []
