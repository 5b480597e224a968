"""What the pages say of the last message to a channel, and of the last test mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from ledger import clock
from ledger.models import Household, User
from reminders.deliveries import NO_CONNECTION, reply_words
from reminders.last_messages import channel_lines, last_test
from reminders.models import Destination, Reminder, State
from reminders.services.destinations import add_destination, ask_for_push
from reminders.services.policies import ask_for_test
from tests.builders import NOW, household, user
from tests.security.world import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> User:
    return user("reader@example.com")


@pytest.fixture
def home(reader: User) -> Household:
    return household(reader)


def channel(reader: User, name: str = "Phone") -> Destination:
    made = add_destination(user=reader, url=f"ntfys://ntfy.sh/{name}", label=name, is_always=False, now=NOW)
    assert isinstance(made, Destination)
    return made


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("HTTP 401", "it does not accept the key in the address (HTTP 401)"),
        ("HTTP 403", "it does not accept the key in the address (HTTP 403)"),
        ("HTTP 404", "there is nothing at this address (HTTP 404)"),
        ("HTTP 410", "there is nothing at this address (HTTP 410)"),
        ("HTTP 429", "it is asked too often (HTTP 429)"),
        ("HTTP 400", "it does not want the message (HTTP 400)"),
        ("HTTP 503", "it has a fault of its own (HTTP 503)"),
        ("HTTP 200", "HTTP 200"),
        ("HTTP 5000", "HTTP 5000"),
        ("550 5.1.1 no such HTTP 500", "550 5.1.1 no such HTTP 500"),
        (NO_CONNECTION, "no connection"),
    ],
)
def test_what_a_server_answered_is_said_in_words(reply: str, words: str) -> None:
    assert reply_words(reply) == words


def test_a_channel_shows_its_latest_message(reader: User, home: Household) -> None:
    phone = channel(reader)
    assert [line.last for line in channel_lines(reader, home, NOW)] == [None]
    first = ask_for_push(household=home, destination=phone, key="one", now=NOW)
    Reminder.objects.filter(pk=first.pk).update(state=State.SENT, sent_at=NOW, error="HTTP 200")
    second = ask_for_push(household=home, destination=phone, key="two", now=NOW)
    Reminder.objects.filter(pk=second.pk).update(error="HTTP 500", attempts=1, next_at=NOW + timedelta(minutes=1))
    [line] = channel_lines(reader, home, NOW)
    assert line.last is not None
    assert (line.last.state, line.last.why, line.last.is_awaited) == (
        "planned",
        "The server could not take it yet: it has a fault of its own (HTTP 500). The next try is on 1 Mar 12:01.",
        False,
    )


def test_the_channels_cost_the_same_with_one_and_with_three(
    reader: User, home: Household, django_assert_num_queries: Any
) -> None:
    for names in (["one"], ["two", "three"]):
        for name in names:
            ask_for_push(household=home, destination=channel(reader, name), key=name, now=NOW)
        with django_assert_num_queries(3):  # channels, their messages, what the household wants
            lines = channel_lines(reader, home, NOW)
    assert len(lines) == 3


@pytest.mark.service
@pytest.mark.parametrize("way", ["push", "mail"])
def test_asked_for_again_a_test_does_not_wait_for_its_next_try(reader: User, home: Household, way: str) -> None:
    phone = channel(reader)

    def ask() -> Reminder:
        if way == "push":
            return ask_for_push(household=home, destination=phone, key="k", now=NOW)
        return ask_for_test(household=home, user=reader, key="k", now=NOW)

    row = ask()
    Reminder.objects.filter(pk=row.pk).update(attempts=2, next_at=NOW + timedelta(minutes=5))
    assert ask() == row
    assert list(Reminder.objects.values_list("attempts", "next_at")) == [(2, NOW)]


def test_only_the_readers_own_test_mail_is_told_of(reader: User, home: Household) -> None:
    assert last_test(reader, home, NOW) is None
    ask_for_test(household=home, user=reader, key="k", now=NOW)
    ask_for_push(household=home, destination=channel(reader), key="k", now=NOW)
    last = last_test(reader, home, NOW)
    assert last is not None
    assert (last.state, last.why) == ("planned", "Planned for 1 Mar 12:00, to reader@example.com.")
    assert last_test(user("other@example.com"), home, NOW) is None


@pytest.mark.parametrize(
    ("state", "minutes", "asks"),
    [
        (State.PLANNED, 0, True),
        (State.PLANNED, 4, False),  # nothing sends it: asking for ever would not help
        (State.PLANNED, -1, False),  # its turn comes later
        (State.SENDING, 0, True),
        (State.SENT, 0, False),
        (State.FAILED, 0, False),
    ],
)
def test_a_page_asks_again_only_while_an_outcome_may_come(
    reader: User, home: Household, monkeypatch: pytest.MonkeyPatch, state: State, minutes: int, asks: bool
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    row = ask_for_test(household=home, user=reader, key="k", now=NOW)
    more = {"sent_at": NOW} if state is State.SENT else {"token": "t", "lease_until": NOW}
    Reminder.objects.filter(pk=row.pk).update(state=state, next_at=NOW - timedelta(minutes=minutes), **more)
    page = signed_in(reader).get(reverse("reminders:settings")).content.decode()
    [element] = [tag for tag in page.split("<") if 'id="last-test"' in tag]
    assert ("hx-trigger" in element, "data-announce" in element) == (asks, not asks)
