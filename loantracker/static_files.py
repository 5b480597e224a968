"""Style sheets, scripts and pictures: which are joined into one, and under which address each is found."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.storage import FileSystemStorage

# What a page asks for, made of these in this order.
JOINED = {
    "all.css": ("css/tokens.css", "css/components.css"),
    "all.js": ("django_htmx/htmx-2.min.js", "js/app.js"),
}


class Joined(BaseFinder):
    """Files made of others, so that a page asks for one of each kind. They are kept in the data folder, made anew when
    a process first looks for them."""

    def __init__(self, *_: Any) -> None:
        self.storage = FileSystemStorage(settings.VAR / "static")

    def check(self, **_: Any) -> list[Any]:
        return []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        for name in JOINED:
            self.find(name)
            yield name, self.storage
            yield f"{name}.gz", self.storage

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        """The path of a joined file, or as Django wants it, a list of it; [] for any other."""
        if path not in JOINED:
            return []
        made, text = self.storage.path(path), joined(path).encode()
        _write(Path(made), text)
        _write(Path(f"{made}.gz"), gzip.compress(text, mtime=0))  # which WhiteNoise sends in its place
        return [made] if find_all else made


def joined(name: str) -> str:
    """The text of a joined file."""
    shorter = shorter_styles if name.endswith(".css") else shorter_script
    sources = (Path(str(finders.find(source))) for source in JOINED[name])
    return "\n".join(shorter(source.read_text(encoding="utf-8")) for source in sources)


def shorter_styles(text: str) -> str:
    """Without comments, and without spaces that mean nothing."""
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    return re.sub(r" ?([{};,]) ?", r"\1", text).replace(": ", ":").replace(";}", "}").strip()


def shorter_script(text: str) -> str:
    """Without indentation, empty lines and lines that only comment."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, since other processes read it; a file that says this already stays as old as it is."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as new:
        new.write(content)
    Path(new.name).chmod(0o644)
    Path(new.name).replace(path)


class VersionedStorage(StaticFilesStorage):
    """Files lie where they lie, and nothing has to be collected; their addresses carry what is in them, so a browser
    may keep them for long and still never shows a new page in an old dress."""

    def url(self, name: str | None) -> str:
        url: str = super().url(name)
        version = _version(name or "")
        return f"{url}?v={version}" if version else url


@lru_cache(maxsize=256)
def _version(name: str) -> str:
    """The beginning of a file's SHA-256 in hex; "" for a file that is not there."""
    found = finders.find(name)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:8] if isinstance(found, str) else ""
