"""What the page of channels shows of each."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from ledger.models import Household, User
from reminders.deliveries import reply_words
from reminders.models import Destination, Reminder, State
from reminders.push_urls import BY_NAME
from reminders.secrets import is_readable


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel. `last` is the state of its latest message in words, "" without any; `error` what was said to it."""

    destination: Destination
    service: str
    last: str
    badge: str
    error: str
    is_readable: bool


_BADGES = {State.SENT: "ok", State.FAILED: "danger", State.UNCERTAIN: "warn", State.PLANNED: "accent"}


def channel_lines(user: User, household: Household) -> list[ChannelLine]:
    """The channels of `user` in their order, with what became of the last message of this household; one query."""
    latest = Reminder.objects.filter(destination=OuterRef("pk"), household=household).order_by("-pk")
    mine = Destination.objects.filter(user=user, removed_at=None).annotate(
        last_state=Subquery(latest.values("state")[:1]), last_error=Subquery(latest.values("error")[:1])
    )
    return [_line(one) for one in mine]


def _line(one: Destination) -> ChannelLine:
    last: str | None = one.last_state  # type: ignore[attr-defined]
    state = State(last) if last else None
    return ChannelLine(
        destination=one,
        service=str(BY_NAME[one.kind].label) if one.kind in BY_NAME else one.kind,
        last=str(state.label) if state else "",
        badge=_BADGES.get(state, "") if state else "",
        error=reply_words(one.last_error) if state and state is not State.SENT else "",  # type: ignore[attr-defined]
        is_readable=is_readable(one.secret),
    )
