"""What can become of a message that is handed over, whatever the channel."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

Committing = Callable[[], bool]

# What we say ourselves where no server did; written down as it is, and shown in the reader's language. Never an error's
# own text: it may hold the address of a channel.
NO_ADDRESS = gettext_noop("the recipient has no e-mail address")
NOT_JUDGED = gettext_noop("it could not be judged")
REMOVED = gettext_noop("the channel was removed")
ENTER_AGAIN = gettext_noop("the address of the channel cannot be read any more: enter it again")
NOT_UNDERSTOOD = gettext_noop("the address of the channel is not understood")
NOT_ALLOWED = gettext_noop("the address leads to a machine that may not be asked")
BROKE_OFF = gettext_noop("the worker stopped each time it was at it")
NO_CONNECTION = gettext_noop("no connection")
SAYS_NO = gettext_noop("it was taken, but the service says no")
_OURS = frozenset(
    {NO_ADDRESS, NOT_JUDGED, REMOVED, ENTER_AGAIN, NOT_UNDERSTOOD, NOT_ALLOWED, BROKE_OFF, NO_CONNECTION, SAYS_NO}
)


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


_NO_KEY, _NOTHING_THERE, _TOO_OFTEN = frozenset({"401", "403"}), frozenset({"404", "410"}), "429"


def reply_words(reply: str) -> str:
    """What was said to a message, for a reader: a server's words as they are, ours in the reader's language, and what
    an answer by a mere number means."""
    code = re.fullmatch(r"HTTP ([45]\d\d)", reply)
    return _code_words(code[1]) if code else _(reply) if reply in _OURS else reply


def _code_words(code: str) -> str:
    if code in _NO_KEY:
        return _("it does not accept the key in the address (HTTP %(code)s)") % {"code": code}
    if code in _NOTHING_THERE:
        return _("there is nothing at this address (HTTP %(code)s)") % {"code": code}
    if code == _TOO_OFTEN:
        return _("it is asked too often (HTTP %(code)s)") % {"code": code}
    if code.startswith("5"):
        return _("it has a fault of its own (HTTP %(code)s)") % {"code": code}
    return _("it does not want the message (HTTP %(code)s)") % {"code": code}
