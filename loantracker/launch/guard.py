"""Ends the processes of a launcher that was killed, on systems whose kernel does not offer to.

Run as a program: it reads lines `+<group>` and `-<group>` from its input, which ends when the launcher does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys


class Guard:
    """The launcher's end of it: one small process that watches over all groups."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._process = self._start()  # before there is anything to watch, so that nothing is unwatched for long

    def watch(self, group: int) -> None:
        """From now on `group` ends when this process does."""
        self._groups.add(group)
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """The group has ended; its number may be given to somebody else."""
        self._groups.discard(group)
        self._tell(f"-{group}")

    def _tell(self, line: str) -> None:
        if self._process.poll() is not None:
            self._process = self._start()
            line = "\n".join(f"+{group}" for group in self._groups)
        with contextlib.suppress(OSError):
            print(line, file=self._process.stdin, flush=True)

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )


def main() -> None:
    """Follow the lines until they end, then kill every group that was not taken back."""
    groups: set[int] = set()
    for line in filter(str.strip, sys.stdin):
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
