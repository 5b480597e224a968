"""What can become of a message that is handed over, whatever the channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

Committing = Callable[[], bool]


class Outcome(Enum):
    ACCEPTED = auto()
    REFUSED = auto()  # surely not sent, and the server says it never will be
    DELAYED = auto()  # surely not sent; worth another try
    IMPOSSIBLE = auto()  # surely not sent, and no try will change that
    UNKNOWN = auto()  # it may have left
    FENCED = auto()  # somebody else has taken over; nothing was sent


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one message, in the server's words; `is_down` if others need not be tried now."""

    outcome: Outcome
    reply: str = ""
    is_down: bool = False
