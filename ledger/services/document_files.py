"""The files behind documents: what one is, what it is called, where it lies. Nothing here is served as it lies."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings

from ledger.models.documents import DocumentType

FOLDER = "documents"  # within VAR, as backups know it
LONGEST_NAME = 100
FIRST_BYTES = 32
ENDINGS = {
    DocumentType.PDF: (".pdf",),
    DocumentType.JPEG: (".jpg", ".jpeg"),
    DocumentType.PNG: (".png",),
    DocumentType.WEBP: (".webp",),
    DocumentType.HEIC: (".heic", ".heif"),
}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Upload(Protocol):
    """What is read of a file that comes in; Django's uploaded files have it."""

    @property
    def name(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    def chunks(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it lies in the household's folder."""

    path: Path
    size: int
    sha256: str
    first: bytes

    @property
    def storage(self) -> str:
        return self.path.name


def type_of(first: bytes) -> DocumentType | None:
    """What a file is by its first bytes, whatever its name says; None where it is nothing that is kept here.

    Signatures: ISO 32000 (PDF), ITU T.81 (JPEG), W3C PNG, RFC 9649 (WebP), ISO/IEC 23008-12 (HEIC).
    """
    if first.startswith(b"%PDF-"):
        return DocumentType.PDF
    if first.startswith(b"\xff\xd8\xff"):
        return DocumentType.JPEG
    if first.startswith(b"\x89PNG\r\n\x1a\n"):
        return DocumentType.PNG
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return DocumentType.WEBP
    if first[4:8] == b"ftyp" and first[8:12] in HEIC_BRANDS:
        return DocumentType.HEIC
    return None


def clean_name(said: str, type_: DocumentType) -> str:
    """The name a file came with, fit to be shown and to be saved under: no folders, no characters that control or turn
    text around, no leading dots, at most LONGEST_NAME characters, and an ending that says what it is."""
    text = unicodedata.normalize("NFC", re.split(r"[/\\]", said)[-1])
    text = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text)
    text = re.sub(r" +", " ", text).strip(" .") or FOLDER[:-1]
    ending = next((one for one in ENDINGS[type_] if text.lower().endswith(one)), "")
    stem = text[: len(text) - len(ending)] if ending else text
    ending = text[len(stem) :] or ENDINGS[type_][0]
    return (stem[: LONGEST_NAME - len(ending)].rstrip(" .") or FOLDER[:-1]) + ending


def folder_of(household_id: int) -> Path:
    return settings.VAR / FOLDER / str(household_id)


def path_of(household_id: int, storage: str) -> Path:
    """Where a document's file lies; `storage` is a name made here, never one that came in."""
    return folder_of(household_id) / storage


def keep(household_id: int, upload: Upload, most: int) -> Kept | None:
    """Write what comes in under a random name, on the disk before this returns; None, and nothing kept, where it is
    more than `most` bytes. OSError where the disk does not take it."""
    folder = folder_of(household_id)
    for each in (settings.VAR / FOLDER, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    path = folder / secrets.token_hex(16)
    digest, size, first = hashlib.sha256(), 0, b""
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            for chunk in upload.chunks():
                size += len(chunk)
                if size > most:
                    break
                first += chunk[: FIRST_BYTES - len(first)]
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if size <= most:
            _settle(folder)
            return Kept(path, size, digest.hexdigest(), first)
    except BaseException:
        forget(path)
        raise
    forget(path)
    return None


def _settle(folder: Path) -> None:
    """Let the disk know of a new name; not every file system can."""
    number = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(number)
    finally:
        os.close(number)


def forget(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def forget_household(household_id: int) -> None:
    """Erase all files of a household, those of no row included."""
    shutil.rmtree(folder_of(household_id), ignore_errors=True)
