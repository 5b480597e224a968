"""One launcher per data folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another launcher holds the folder; the message is its URL, empty while it is starting."""


class Lock:
    """Held until this process ends, however it ends; the file says which process and which URL."""

    def __init__(self, path: Path) -> None:
        """Takes the lock; AlreadyRunningError where another process has it."""
        self._file = path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            _, _, url = self._file.read().partition("\n")
            self._file.close()
            raise AlreadyRunningError(url.strip()) from None
        self.publish("")

    def publish(self, url: str) -> None:
        """Writes down, for whoever comes second, where this one is found."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n{url}\n")
        self._file.flush()
