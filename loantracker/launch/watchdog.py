"""Notices a worker or a beat that runs and does nothing."""

from __future__ import annotations

INTERVAL = 30.0  # seconds between two questions
PATIENCE = 600.0  # seconds between two restarts: the cause may lie elsewhere
UNWELL = 503  # /healthz?ticks says so when the last tick is too old


class Watchdog:
    """Two answers in a row that the ticks have stopped mean: restart who should have ticked."""

    def __init__(self, now: float) -> None:
        self.next_question = now + 2 * INTERVAL
        self._unwell = 0
        self._restarted: float | None = None

    def asks(self, now: float) -> bool:
        """Whether it is time for a question; if so, the next one is an interval later."""
        if now < self.next_question:
            return False
        self.next_question = now + INTERVAL
        return True

    def restarts(self, status: int, now: float) -> bool:
        """Whether this answer is the one that calls for a restart."""
        self._unwell = self._unwell + 1 if status == UNWELL else 0
        if self._unwell < 2 or (self._restarted is not None and now < self._restarted + PATIENCE):
            return False
        self._unwell, self._restarted = 0, now
        return True
