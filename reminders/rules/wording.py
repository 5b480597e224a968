"""How a step of a bill is put."""

from __future__ import annotations

from enum import StrEnum


class Wording(StrEnum):
    """How a step is put; each is one mail template."""

    COMING = "coming"
    DUE_TODAY = "due_today"
    OVERDUE = "overdue"
    WILL_DEBIT = "will_debit"
    SHORT = "short"


def wording(days_left: int, *, auto_repay: bool, short: bool) -> Wording:
    """How to put it, with `days_left` until the payable day (negative: overdue)."""
    if days_left < 0:
        return Wording.OVERDUE
    if auto_repay:
        return Wording.SHORT if short else Wording.WILL_DEBIT
    return Wording.DUE_TODAY if days_left == 0 else Wording.COMING
