"""What became of the last message: of each channel, and of the test mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from ledger.models import Household, User
from reminders.models import Channel, Destination, Kind, Reminder, State
from reminders.push_urls import BY_NAME
from reminders.secrets import is_readable
from reminders.why import lines_why

SOON = timedelta(minutes=3)  # for so long a page asks by itself again what became of a message


@dataclass(frozen=True, slots=True)
class LastMessage:
    """How a message stands, in words; `is_awaited` while that may change at any moment."""

    state: str
    badge: str
    why: str
    is_awaited: bool


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel, with what became of the last message that went there."""

    destination: Destination
    service: str
    last: LastMessage | None
    is_readable: bool

    @property
    def id(self) -> str:
        """Of the page's element."""
        return f"last-{self.destination.pk}"


_BADGES = {State.SENT: "ok", State.FAILED: "danger", State.UNCERTAIN: "warn", State.PLANNED: "accent"}
_RELATED = ("household", "recipient", "destination", "bill__loan")


def channel_lines(user: User, household: Household, now: datetime) -> list[ChannelLine]:
    """The channels of `user` in their order, with what became of the last message of this household; as many queries
    for ten as for one."""
    mine = list(Destination.objects.filter(user=user, removed_at=None))
    told = Reminder.objects.filter(destination__in=mine, household=household)
    latest = told.order_by().values("destination").annotate(latest=Max("pk")).values("latest")
    rows = Reminder.objects.filter(pk__in=latest).select_related(*_RELATED)
    last = _told(list(rows), now)
    by_channel = {row.destination_id: last[row.pk] for row in rows}
    return [
        ChannelLine(
            destination=one,
            service=str(BY_NAME[one.kind].label) if one.kind in BY_NAME else one.kind,
            last=by_channel.get(one.pk),
            is_readable=is_readable(one.secret),
        )
        for one in mine
    ]


def last_test(user: User, household: Household, now: datetime) -> LastMessage | None:
    """What became of the last test mail `user` asked for; None without one."""
    tests = Reminder.objects.filter(household=household, recipient=user, kind=Kind.TEST, channel=Channel.EMAIL)
    row = tests.select_related(*_RELATED).order_by("-pk").first()
    return None if row is None else _told([row], now)[row.pk]


def _told(rows: list[Reminder], now: datetime) -> dict[int, LastMessage]:
    """By row, how it stands."""
    said = lines_why(rows, now)
    return {
        row.pk: LastMessage(
            state=str(State(row.state).label),
            badge=_BADGES.get(State(row.state), ""),
            why=said[row.pk],
            is_awaited=_is_awaited(row, now),
        )
        for row in rows
    }


def _is_awaited(row: Reminder, now: datetime) -> bool:
    """Whether it is a message's turn, and has not been for long."""
    is_going = row.state in {State.PLANNED, State.SENDING, State.INFLIGHT}
    return is_going and timedelta(0) <= now - row.next_at < SOON
