"""Where else a person is told: naming channels, and what goes to them next to a mail or in its place."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from ledger.models import Household, User
from ledger.services.refusal import Refusal
from reminders import push_urls
from reminders.models import Channel, Destination, Kind, Reason, Reminder, ReminderQuerySet, State
from reminders.secrets import Unreadable, seal, unseal

MOST = 10
LISTED = timedelta(days=7)  # for so long the pages say what could not be delivered
_SUBJECT = (
    "household_id",
    "recipient_id",
    "kind",
    "bill_id",
    "about_on",
    "step",
    "attempt_id",
    "loan_id",
    "account_id",
    "send_at",
)


def add_destination(*, user: User, url: str, label: str, is_always: bool, now: datetime) -> Destination | Refusal:
    """Name one more channel of `user`, the last in order. One named already stays where it is, and takes what else is
    said of it now."""
    url = url.strip()
    try:
        service = push_urls.service_of(url)
    except push_urls.NotAnAddress as error:
        return Refusal("not_an_address", error.args[0], "url")
    with transaction.atomic():
        mine = _mine(user)
        known = next((one for one in mine if _address(one) == url), None)
        if known is not None:
            known.label, known.is_always = label or known.label, is_always
            known.save(update_fields=["label", "is_always"])
            return known
        if len(mine) >= MOST:
            return Refusal("too_many", _("You have ten channels. Remove one first."))
        return Destination.objects.create(
            user=user,
            kind=service.name,
            label=label,
            secret=seal(url),
            is_always=is_always,
            position=max((one.position for one in mine), default=-1) + 1,
            created_at=now,
        )


def remove_destination(*, destination: Destination, now: datetime) -> None:
    """Forget a channel's address, and send nothing more there."""
    with transaction.atomic():
        Destination.objects.filter(pk=destination.pk, removed_at=None).update(removed_at=now, secret="")
        waiting = Reminder.objects.filter(destination=destination, state__in=[State.PLANNED, State.FAILED])
        waiting.update(state=State.SUPERSEDED, reason=Reason.SWITCHED_OFF)


def move_destination(*, destination: Destination, up: bool) -> None:
    """Let a channel change places with the one before it, or the one after it; at the end nothing happens."""
    with transaction.atomic():
        mine = _mine(destination.user)
        place = next((place for place, one in enumerate(mine) if one.pk == destination.pk), None)
        if place is None:
            return
        other = place - 1 if up else place + 1
        if 0 <= other < len(mine):
            mine[place], mine[other] = mine[other], mine[place]
        for position, one in enumerate(mine):
            one.position = position
        Destination.objects.bulk_update(mine, ["position"])


def set_always(*, destination: Destination, is_always: bool) -> None:
    """Whether a channel gets every message, or only those whose mail could not be delivered."""
    Destination.objects.filter(pk=destination.pk, removed_at=None).update(is_always=is_always)


def ask_for_push(*, household: Household, destination: Destination, key: str, now: datetime) -> Reminder:
    """Plan a test of a channel, the way reminders go; one at a time, however often it is asked for. One that waits for
    its next try is tried at once."""
    tests = Reminder.objects.filter(household=household, destination=destination, kind=Kind.TEST)
    waiting = tests.filter(state=State.PLANNED).first()
    if waiting is not None:
        tests.filter(pk=waiting.pk, state=State.PLANNED, next_at__gt=now).update(next_at=now)
        return waiting
    values = {
        "household": household,
        "recipient": destination.user,
        "kind": Kind.TEST,
        "channel": Channel.PUSH,
        "destination": destination,
        "created_at": now,
        "send_at": now,
        "next_at": now,
    }
    id = _id_of(f"<test.{household.pk}.{key}@{destination.user_id}>", destination)
    row, _created = Reminder.objects.get_or_create(message_id=id, defaults=values)
    return row


def beside(rows: Sequence[Reminder], now: datetime) -> int:
    """Plan, for each mail that is about to be sent, the same for each channel its reader wants everything on; counts
    what was new. One query where there is no such channel."""
    mails = [row for row in rows if row.channel == Channel.EMAIL and row.kind != Kind.TEST]
    people = {row.recipient_id for row in mails}
    always: defaultdict[int, list[Destination]] = defaultdict(list)
    for one in Destination.objects.filter(user__in=people, is_always=True, removed_at=None) if people else ():
        always[one.user_id].append(one)
    return _write_down([_copy(row, one, now, now) for row in mails for one in always[row.recipient_id]])


def fall_back(rows: Sequence[Reminder], now: datetime) -> int:
    """Plan what could not be delivered for its reader's next channel; counts what was new.

    The mail comes first, then the channels that do not get everything anyway, in their order. A failure of one that
    does changes nothing: the mail goes its own way. What nobody could deliver is told by a banner. A test is a
    question about one channel, and is answered by that one.
    """
    failed = [row for row in rows if row.kind != Kind.TEST]
    chains: defaultdict[int, list[Destination]] = defaultdict(list)
    people = {row.recipient_id for row in failed}
    for one in Destination.objects.filter(user__in=people, is_always=False, removed_at=None):
        chains[one.user_id].append(one)
    following = [(row, _next(row, chains[row.recipient_id])) for row in failed]
    return _write_down([_copy(row, channel, now, now) for row, channel in following if channel is not None])


def _write_down(copies: list[Reminder]) -> int:
    if not copies:
        return 0
    known = Reminder.objects.filter(message_id__in=[row.message_id for row in copies]).count()
    Reminder.objects.bulk_create(copies, ignore_conflicts=True)
    return len(copies) - known


def _next(row: Reminder, chain: list[Destination]) -> Destination | None:
    """The channel after the one `row` went by; a channel moved since then is not asked twice: its row is there."""
    if row.channel == Channel.EMAIL:
        return chain[0] if chain else None
    ids = [one.pk for one in chain]
    if row.destination_id not in ids:
        return None
    place = ids.index(row.destination_id) + 1
    return chain[place] if place < len(chain) else None


def _copy(row: Reminder, destination: Destination, now: datetime, next_at: datetime) -> Reminder:
    """The same message for another channel, not yet saved."""
    about = {name: getattr(row, name) for name in _SUBJECT}
    return Reminder(
        **about,
        channel=Channel.PUSH,
        destination=destination,
        created_at=now,
        next_at=next_at,
        message_id=_id_of(_root(row), destination),
    )


def _root(row: Reminder) -> str:
    """What is the same for one subject and one reader on every channel."""
    return "|".join(str(getattr(row, name)) for name in _SUBJECT if name != "send_at")


def _id_of(root: str, destination: Destination) -> str:
    digest = hashlib.sha256(f"{root}|{destination.pk}".encode()).hexdigest()[:32]
    return f"<{digest}@channel.invalid>"


def _mine(user: User) -> list[Destination]:
    """The channels of `user` in their order, the user locked, so that two requests see each other."""
    User.objects.select_for_update().get(pk=user.pk)
    return list(Destination.objects.filter(user=user, removed_at=None))


def _address(destination: Destination) -> str:
    try:
        return unseal(destination.secret)
    except Unreadable:
        return ""


def failed_lately(now: datetime) -> Exists:
    """Whether a mail to a membership's person in its household failed in the last week."""
    return Exists(_failed(now).filter(household=OuterRef("household"), recipient=OuterRef("user")))


def _failed(now: datetime) -> ReminderQuerySet:
    mails = Reminder.objects.filter(channel=Channel.EMAIL, state=State.FAILED, send_at__gt=now - LISTED)
    return mails.exclude(kind=Kind.TEST)


def undelivered(user: int, household: int, now: datetime) -> int:
    """How many messages of the last week reached their reader on no channel: the mail failed, and no other got it."""
    rows = list(_failed(now).filter(household=household, recipient=user)[:100])
    if not rows:
        return 0
    ids = {row.pk: [_id_of(_root(row), one) for one in Destination.objects.filter(user=user)] for row in rows}
    every = [id for some in ids.values() for id in some]
    going = Q(state__in=[State.SENT, State.PLANNED, State.SENDING, State.INFLIGHT])
    told = set(Reminder.objects.filter(going, message_id__in=every).values_list("message_id", flat=True))
    return sum(not told.intersection(some) for some in ids.values())
