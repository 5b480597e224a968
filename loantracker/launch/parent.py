"""Children that end when their parent ends, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
# Looked up once, before any fork: a child between fork and exec should do as little as possible.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def dies_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn` that has the kernel kill the child when the calling thread ends; None where it cannot.

    Call it, and start the child, from the main thread: the signal comes when the thread ends that forked.
    """
    if _prctl is None:
        return None
    parent = os.getpid()

    def ask_the_kernel() -> None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return ask_the_kernel


def die_with(parent: int) -> None:
    """Have the kernel kill this very process when `parent`, its parent, ends; does nothing off Linux."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
