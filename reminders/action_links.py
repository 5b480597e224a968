"""Links in a letter that act with one tap: signed, expiring, and good for one bill, one person and one letter; and
those that stop a category of letters, which never expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.core.signing import BadSignature, Signer

from ledger.models import Bill, Household, User
from reminders import rules
from reminders.links import link

LINK_LASTS = timedelta(days=14)
_ACT = "reminders.action_links"
_STOP = "reminders.action_links.unsubscribe"


class Action(StrEnum):
    """What one tap in a letter about a bill does, after a page has asked once more."""

    PAID = "paid"  # all that is open on the bill was paid today
    PARTLY = "partly"  # some of it was
    SNOOZE = "snooze"  # nothing more about it for a while


@dataclass(frozen=True, slots=True)
class ActionLink:
    """What a link names: the action, the bill, whom it was written to (ids), and when it ends.

    It says nothing of who may act: that is looked up whenever it is used.
    """

    action: Action
    bill: int
    recipient: int
    expires_at: datetime

    @property
    def key(self) -> str:
        """The key what is recorded by this link is recorded under: once. No form can send it (see
        `ledger.forms.fields.is_key`)."""
        return f"mail:{self.action}:{self.bill}:{self.recipient}:{int(self.expires_at.timestamp())}"

    def is_expired(self, now: datetime) -> bool:
        return now >= self.expires_at


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """Whom (ids) a link spares the letters of some categories of a household: those one letter was about."""

    household: int
    recipient: int
    categories: tuple[rules.Category, ...]


def make_token(*, action: Action, bill: int, recipient: int, now: datetime) -> str:
    """A token for the bill and the user of these ids, good for `LINK_LASTS` from `now`; safe in a URL's path."""
    expires = int((now + LINK_LASTS).timestamp())
    return Signer(salt=_ACT).sign_object([action.value, bill, recipient, expires])


def read_token(token: str) -> ActionLink | None:
    """What a token of `make_token` says, expired ones included; None for anything this server never signed."""
    said = _read(_ACT, token)
    if said is None:
        return None
    action, bill, recipient, expires = said
    return ActionLink(Action(action), bill, recipient, datetime.fromtimestamp(expires, UTC))


def action_url(action: str, bill: Bill, user: User, now: datetime) -> str:
    """The whole address of the page on which `user` does `action` ("paid", "partly", "snooze") for `bill`."""
    token = make_token(action=Action(action), bill=bill.pk, recipient=user.pk, now=now)
    return link("reminders:act", token)


def unsubscribe_token(household: Household, user: User, *categories: rules.Category) -> str:
    """A token that stops the letters of `categories` to `user`; the same whenever it is asked for."""
    return Signer(salt=_STOP).sign_object([household.pk, user.pk, ",".join(sorted(one.value for one in categories))])


def read_unsubscribe_token(token: str) -> UnsubscribeLink | None:
    """What a token of `unsubscribe_token` says; None for anything this server never signed."""
    said = _read(_STOP, token)
    if said is None:
        return None
    return UnsubscribeLink(said[0], said[1], tuple(rules.Category(one) for one in said[2].split(",")))


def unsubscribe_url(household: Household, user: User, *categories: rules.Category) -> str:
    """The whole address for the `List-Unsubscribe` header; with "List-Unsubscribe-Post: List-Unsubscribe=One-Click" a
    mail program posts there by itself (RFC 8058)."""
    return link("reminders:unsubscribe", unsubscribe_token(household, user, *categories))


def _read(salt: str, token: str) -> Any:
    try:
        return Signer(salt=salt).unsign_object(token)
    except (BadSignature, ValueError):
        return None
