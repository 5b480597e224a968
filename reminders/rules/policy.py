"""What a household and its members want to hear: the ladder of steps, the hours, and what is switched off."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

EARLIEST, LATEST = -60, 90  # steps a ladder may name, in days
QUIET_FROM, QUIET_UNTIL = 22, 8  # nobody is written to from 22:00 to 08:00 local time
HOURS = range(24)  # hours a reminder may be set to, quiet ones aside
EVENING_HOUR = 20
SECOND = "second"  # the step of the second person, at 18:00 of the payable day
SECOND_HOUR = 18


class Also(StrEnum):
    """Steps of a bill that no number of days from its payable day names."""

    ISSUED = "issued"  # its statement has come out
    WORKING_DAY = "working_day"  # the last working day before, where the payable day is none
    EVENING = "evening"  # the payable day at 20:00, if it is still open
    GRACE = "grace"  # the last day of grace
    PAST_DUE = "past_due"  # the day before it is 30, 60 or 90 days past due


class Category(StrEnum):
    """What a recipient switches off as one."""

    BILLS = "bills"
    DEBITS = "debits"
    ACCOUNTS = "accounts"
    LOANS = "loans"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a household wants for its bills: the steps, every how many days after the last of them (0: no more),
    the local hour of sending, whether at all, the other steps, and the local hours between which nobody is written
    to, the first included (both the same: none)."""

    days: tuple[int, ...] = (-7, -3, -1, 0, 1, 3, 7)
    then_every: int = 7
    hour: int = 9
    is_on: bool = True
    also: tuple[Also, ...] = tuple(Also)
    quiet_from: int = QUIET_FROM
    quiet_until: int = QUIET_UNTIL

    def is_quiet(self, hour: int) -> bool:
        """Whether `hour` o'clock lies in the quiet hours."""
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= hour < self.quiet_until
        return hour >= self.quiet_from or hour < self.quiet_until


DEFAULT = Policy()
