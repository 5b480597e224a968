"""Runs a program whose wall clock is wrong by as many seconds as a file says, and jumps when the file changes.

python -m tests.faults.jumping_clock FILE PROGRAM [ARGUMENT ...]; the monotonic clock stays right, as it does when a
machine's clock is set.
"""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path
from threading import Thread

import time_machine

LOOKS = 0.05  # seconds between two looks at the file


def follow(file: Path) -> None:
    """Keep the clock as wrong as the file says."""
    said, travel = "0", None
    while True:
        text = file.read_text().strip()
        if text and text != said:
            if travel is not None:
                travel.stop()
            travel = time_machine.travel(time.time() + float(text), tick=True)
            travel.start()
            said = text
        time.sleep(LOOKS)


def main() -> None:
    file = Path(sys.argv[1])
    sys.argv = sys.argv[2:]
    Thread(target=follow, args=(file,), daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
