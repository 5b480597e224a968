"""Handing a message to a channel other than mail."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import EmailMessage

from reminders.deliveries import (
    ENTER_AGAIN,
    NO_CONNECTION,
    NOT_ALLOWED,
    NOT_UNDERSTOOD,
    REMOVED,
    SAYS_NO,
    Committing,
    Delivery,
    Outcome,
)
from reminders.models import Destination
from reminders.push_urls import NotAnAddress, service_of
from reminders.secrets import Unreadable, unseal

if TYPE_CHECKING:
    from reminders.wire import Call

LONGEST_TEXT = 1500  # of what Apprise would else cut into several messages


class PushChannel:
    """One destination. Connecting comes first and has no effect; `committing` is called just before the first byte.

    2xx is accepted, unless the service says otherwise in its answer. 408, 429 and 5xx are tried again, except 504:
    what stands behind the gateway may have got it. Any other answer is a refusal. No answer is unknown.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    def deliver(self, message: EmailMessage, committing: Committing) -> Delivery:
        if self._destination.removed_at is not None:
            return Delivery(Outcome.IMPOSSIBLE, REMOVED)
        try:
            url = unseal(self._destination.secret)
            service = service_of(url)
        except Unreadable:
            return Delivery(Outcome.IMPOSSIBLE, ENTER_AGAIN)
        except NotAnAddress:
            return Delivery(Outcome.IMPOSSIBLE, NOT_UNDERSTOOD)
        wire: Any = import_module("reminders.wire")  # costs two seconds: only where something is pushed
        plugin = wire.plugin(url)
        if plugin is None:
            return Delivery(Outcome.IMPOSSIBLE, NOT_UNDERSTOOD)
        call = wire.Call(committing, service.names_host, private=settings.ALLOW_PRIVATE_CHANNELS)
        with wire.calling(call):
            try:
                is_done = plugin.notify(
                    title=str(message.subject), body=_shortened(str(message.body).strip()), body_format=wire.TEXT
                )
            except wire.Fenced:
                return Delivery(Outcome.FENCED)
            except (UnicodeError, ValueError, TypeError):  # what the address holds cannot be put on the wire
                return Delivery(Outcome.UNKNOWN if call.begun else Outcome.IMPOSSIBLE, NOT_UNDERSTOOD)
        return _delivery(call, is_done=bool(is_done))

    def quit(self) -> None:
        """Each message has its own connection."""


def _shortened(text: str) -> str:
    """Not more than fits into one message, cut at the end of a line."""
    if len(text) <= LONGEST_TEXT:
        return text
    return text[:LONGEST_TEXT].rpartition("\n")[0].rstrip() + "\n…"


def _delivery(call: Call, *, is_done: bool) -> Delivery:
    """What the answers mean for the message."""
    said = f"HTTP {call.codes[-1]}" if call.codes else call.error
    if call.is_fenced:
        return Delivery(Outcome.FENCED)
    if call.is_forbidden:
        return Delivery(Outcome.IMPOSSIBLE, NOT_ALLOWED)
    if not call.begun:
        return Delivery(Outcome.DELAYED, said or NO_CONNECTION, is_down=True)
    failed = [code for code in call.codes if not 200 <= code <= 299]
    if is_done and not failed:
        return Delivery(Outcome.ACCEPTED, said)
    if call.is_cut or (len(failed) != len(call.codes) and failed) or not call.codes or 504 in failed:
        return Delivery(Outcome.UNKNOWN, said)
    if not failed:
        return Delivery(Outcome.REFUSED, SAYS_NO)
    is_passing = failed[-1] in {408, 429} or failed[-1] >= 500
    return Delivery(Outcome.DELAYED if is_passing else Outcome.REFUSED, said)
