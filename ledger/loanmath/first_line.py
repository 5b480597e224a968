"""The overview's first sentence: which one it is, as a function of how things stand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FirstLine(StrEnum):
    """What a worried person is told first. What is overdue goes before what is due, that before what is only to be
    answered; of what is due, whatever needs doing goes before what takes care of itself."""

    OVERDUE = "overdue"
    SHORT = "short"  # the account will not cover what is due
    CAPPED = "capped"  # the debit is above its limit: to be paid by hand
    LEANING = "leaning"  # covered only if money comes in that is expected
    UNKNOWN = "unknown"  # nobody knows what is in the account
    BY_HAND = "by_hand"  # nothing debits it
    COVERED = "covered"
    PRESUMED = "presumed"  # nothing is due; a debit waits for an answer
    NOTHING_DUE = "nothing_due"  # within the days ahead
    SETTLED = "settled"  # every loan is paid off


@dataclass(frozen=True, slots=True)
class Footing:
    """How things stand: whether anything is overdue, and whether anything is due within the days ahead. `funding` is
    the worst of what is due next: "short", "capped", "unknown", "covered", or "" where nothing debits it; `leans` that
    it is unknown only for want of money expected. `presumed` counts debits without an answer, `live` loans not yet
    settled."""

    is_overdue: bool = False
    is_due: bool = False
    funding: str = ""
    leans: bool = False
    presumed: int = 0
    live: int = 1


def first_line(footing: Footing) -> FirstLine:
    """The one sentence that comes first."""
    if footing.is_overdue:
        return FirstLine.OVERDUE
    if footing.is_due:
        return _of_what_is_due(footing)
    if footing.presumed:
        return FirstLine.PRESUMED
    return FirstLine.NOTHING_DUE if footing.live else FirstLine.SETTLED


def _of_what_is_due(footing: Footing) -> FirstLine:
    if footing.funding == "unknown":
        return FirstLine.LEANING if footing.leans else FirstLine.UNKNOWN
    return FirstLine(footing.funding) if footing.funding else FirstLine.BY_HAND
