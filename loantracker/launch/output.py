"""What the processes say: all of it into var/log, warnings and errors to the terminal as well."""

from __future__ import annotations

import re
import sys
from pathlib import Path

LARGEST_LOG = 5_000_000  # bytes; the one before it is kept as <name>.log.1
LONGEST_LINE = 64_000
LEVEL = re.compile(rb"^.{0,60}?\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
ALARMING = {b"WARNING", b"ERROR", b"CRITICAL"}


def say(text: str) -> None:
    """One line for the person at the terminal; a terminal that has gone away is no reason to stop."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        sys.stdout = None  # print() then says nothing


class Output:
    """The output of one process, line by line."""

    def __init__(self, name: str, folder: Path, *, quiet: bool = False) -> None:
        self.name = name
        self.quiet = quiet
        self.path = folder / f"{name}.log"
        self._rest = b""
        self._alarming = False

    def feed(self, data: bytes) -> None:
        """Takes what was read; keeps the last line until it is whole."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        if lines:
            self._keep(b"".join(line + b"\n" for line in lines))
        for line in lines:
            self._show(line)

    def close(self) -> None:
        """The process has ended: a last line without its end counts too."""
        if self._rest:
            self.feed(b"\n")
        self._alarming = False

    def last_lines(self, count: int = 15) -> str:
        """The end of the log, as it stands in the file."""
        try:
            lines = self.path.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-count:])

    def _keep(self, data: bytes) -> None:
        try:
            if self.path.exists() and self.path.stat().st_size > LARGEST_LOG:
                self.path.replace(self.path.with_suffix(".log.1"))
            with self.path.open("ab") as file:
                file.write(data)
        except OSError:
            pass  # a full disk must not end the launcher

    def _show(self, line: bytes) -> None:
        """A line without a level goes with the one before it, as the lines of a traceback do."""
        found = LEVEL.match(line)
        if found:
            self._alarming = found[1] in ALARMING
        elif line.startswith(b"Traceback "):
            self._alarming = True
        if self._alarming and line.strip() and not self.quiet:
            say(f"{self.name:<6} | {line.decode(errors='replace').rstrip()}")
