"""Handing a message to a channel other than mail."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import EmailMessage

from reminders.deliveries import Committing, Delivery, Outcome
from reminders.models import Destination
from reminders.push_urls import NotAnAddress, service_of
from reminders.secrets import Unreadable, unseal

if TYPE_CHECKING:
    from reminders.wire import Call

LONGEST_TEXT = 1500  # of what Apprise would else cut into several messages

# What is written down and shown. Never an error's own text: it holds the address.
REMOVED = "the channel was removed"
ENTER_AGAIN = "the address of the channel cannot be read any more: enter it again"
NOT_UNDERSTOOD = "the address of the channel is not understood"
NOT_ALLOWED = "the address leads to a machine that may not be asked"


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
                is_done = plugin.notify(title=str(message.subject), body=str(message.body).strip()[:LONGEST_TEXT])
            except wire.Fenced:
                return Delivery(Outcome.FENCED)
        return _delivery(call, is_done=bool(is_done))

    def quit(self) -> None:
        """Each message has its own connection."""


def _delivery(call: Call, *, is_done: bool) -> Delivery:
    """What the answers mean for the message."""
    said = f"HTTP {call.codes[-1]}" if call.codes else call.error
    if call.is_fenced:
        return Delivery(Outcome.FENCED)
    if call.is_forbidden:
        return Delivery(Outcome.IMPOSSIBLE, NOT_ALLOWED)
    if not call.begun:
        return Delivery(Outcome.DELAYED, said or "no connection", is_down=True)
    failed = [code for code in call.codes if not 200 <= code <= 299]
    if is_done and not failed:
        return Delivery(Outcome.ACCEPTED, said)
    if call.is_cut or (len(failed) != len(call.codes) and failed) or not call.codes or 504 in failed:
        return Delivery(Outcome.UNKNOWN, said)
    if not failed:
        return Delivery(Outcome.REFUSED, f"{said}, but the service says no")
    is_passing = failed[-1] in {408, 429} or failed[-1] >= 500
    return Delivery(Outcome.DELAYED if is_passing else Outcome.REFUSED, said)
