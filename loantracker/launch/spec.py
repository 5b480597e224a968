"""What the launcher is told about one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spec:
    """One process to keep running.

    One with `ready` is a foundation: the others start when it answers, and it is stopped after them. `repair` is tried
    once when a foundation ends before it answers; it returns what it did, in words. What a `quiet` one says goes to its
    log only.
    """

    name: str
    command: Sequence[str]
    grace: float = 10  # seconds from TERM to KILL
    quiet: bool = False
    pass_fds: tuple[int, ...] = ()
    ready: Callable[[], bool] | None = None
    repair: Callable[[], str] | None = None
