"""A person's channels: adding and removing them, what goes there, and that their addresses are nowhere to be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from ledger import clock
from ledger.models import Household, User
from ledger.services.refusal import Refusal
from reminders.models import Channel, Destination, Kind, Reason, Reminder, State
from reminders.secrets import seal, unseal
from reminders.services.destinations import (
    add_destination,
    ask_for_push,
    beside,
    fall_back,
    move_destination,
    remove_destination,
    set_always,
)
from tests.builders import NOW, household, user
from tests.security.world import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

TOKEN = "Sec-ret_Topic9000"
URL = f"ntfys://ntfy.sh/{TOKEN}"


@pytest.fixture
def reader() -> User:
    return user("reader@example.com")


@pytest.fixture
def home(reader: User) -> Household:
    return household(reader)


@pytest.fixture
def client(reader: User, home: Household) -> Client:
    return signed_in(reader)


def channel(reader: User, name: str = "one", is_always: bool = False) -> Destination:
    made = add_destination(user=reader, url=f"ntfys://ntfy.sh/{name}", label=name, is_always=is_always, now=NOW)
    assert isinstance(made, Destination)
    return made


def mail(home: Household, reader: User, state: State = State.PLANNED, **more: Any) -> Reminder:
    values: dict[str, Any] = {"kind": Kind.DIGEST, "about_on": NOW.date(), "message_id": "<mail@example.com>"}
    return Reminder(
        household=home, recipient=reader, state=state, created_at=NOW, send_at=NOW, next_at=NOW, **(values | more)
    )


def failed_mail(home: Household, reader: User, **more: Any) -> Reminder:
    row = mail(home, reader, State.FAILED, **more)
    row.save()
    return row


def pushed() -> list[tuple[str, str]]:
    rows = Reminder.objects.filter(channel=Channel.PUSH).order_by("pk").select_related("destination")
    return [(str(row.destination), row.state) for row in rows]


def labels(reader: User) -> list[str]:
    return [one.label for one in Destination.objects.filter(user=reader, removed_at=None)]


def test_an_address_is_kept_sealed(reader: User) -> None:
    made = add_destination(user=reader, url=f" {URL} ", label="Phone", is_always=False, now=NOW)
    assert isinstance(made, Destination)
    assert (made.kind, made.label, unseal(made.secret)) == ("ntfy", "Phone", URL)
    assert TOKEN not in made.secret


def test_a_former_key_still_opens_it(settings: Any) -> None:
    sealed = seal(URL)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" * 5
    assert unseal(sealed) == URL


@pytest.mark.parametrize(
    "url",
    [
        "ntfys://ntfy.sh/topic",
        "ntfy://me:pass@192.168.1.5:8080/topic",
        "tgram://123456789:abcdefghijklmnopqrstuvwxyz012345/12345678",
        "schan://SCT1abcdef",
        "pushplus://abcdefghijklmnopqrstuvwxyz012345",
        "gotifys://push.example.org/path/abcdefghijklmno",
        "pover://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@tttttttttttttttttttttttttttttt",
        "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz0123456789",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
        "jsons://example.org/hook?+X-Key=abc",
    ],
)
def test_the_channels_on_offer_are_taken(reader: User, url: str) -> None:
    assert isinstance(add_destination(user=reader, url=url, label="", is_always=False, now=NOW), Destination)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ntfy.sh/topic",
        "http://example.com/x",
        "mailto://me:secret@example.com",
        "file:///etc/passwd",
        "syslog://",
        "ntfy://ntfy.sh",
        "ntfy://ntfy.sh/a/b",
        "ntfy://ntfy.sh/a?attach=http://example.com/x",
        "tgram://1:x/2",
        "json://a b/x",
    ],
)
def test_anything_else_is_refused_next_to_the_field(reader: User, url: str) -> None:
    refused = add_destination(user=reader, url=url, label="", is_always=False, now=NOW)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("not_an_address", "url")
    assert not Destination.objects.exists()


def test_the_same_address_counts_once_and_ten_are_enough(reader: User) -> None:
    made = [channel(reader, str(number)) for number in range(10)]
    assert channel(reader, "3") == made[3]
    refused = add_destination(user=reader, url=URL, label="", is_always=False, now=NOW)
    assert isinstance(refused, Refusal)
    assert refused.code == "too_many"


def test_who_names_an_address_again_gives_it_another_label(reader: User) -> None:
    made = add_destination(user=reader, url=URL, label="Phone", is_always=False, now=NOW)
    again = add_destination(user=reader, url=URL, label="My phone", is_always=True, now=NOW)
    assert again == made
    add_destination(user=reader, url=URL, label="", is_always=True, now=NOW)
    [kept] = Destination.objects.filter(user=reader)
    assert (kept.label, kept.is_always, kept.position) == ("My phone", True, 0)


def test_channels_change_places(reader: User) -> None:
    one, _two, three = (channel(reader, name) for name in ("one", "two", "three"))
    move_destination(destination=three, up=True)
    assert labels(reader) == ["one", "three", "two"]
    move_destination(destination=one, up=False)
    assert labels(reader) == ["three", "one", "two"]
    move_destination(destination=three, up=True)  # first already
    assert labels(reader) == ["three", "one", "two"]


def test_a_removed_channel_is_forgotten_and_told_nothing(reader: User, home: Household) -> None:
    made = channel(reader)
    ask_for_push(household=home, destination=made, key="k", now=NOW)
    remove_destination(destination=made, now=NOW)
    made.refresh_from_db()
    assert (made.secret, made.removed_at) == ("", NOW)
    row = Reminder.objects.get()
    assert (row.state, row.reason) == (State.SUPERSEDED, Reason.SWITCHED_OFF)


def test_what_is_always_told_gets_a_message_beside_each_mail(reader: User, home: Household) -> None:
    channel(reader, "later")  # not this one
    always = channel(reader, "always", is_always=True)
    channel(user("other@example.com"), "other", is_always=True)
    assert beside([mail(home, reader)], NOW) == 1
    assert beside([mail(home, reader)], NOW) == 0  # it is put off, and goes later
    [row] = Reminder.objects.filter(channel=Channel.PUSH)
    assert (row.destination, row.recipient, row.next_at) == (always, reader, NOW)


def test_a_failed_mail_goes_from_channel_to_channel(reader: User, home: Household) -> None:
    channel(reader, "always", is_always=True)
    channel(reader, "one")
    channel(reader, "two")
    row = failed_mail(home, reader)
    assert fall_back([row], NOW) == 1
    assert fall_back([row], NOW + timedelta(hours=1)) == 0  # the mail fails once more
    assert pushed() == [("one", "planned")]
    first = Reminder.objects.get(channel=Channel.PUSH)
    assert fall_back([first], NOW) == 1
    assert pushed() == [("one", "planned"), ("two", "planned")]
    last = Reminder.objects.get(destination__label="two")
    assert fall_back([last], NOW) == 0


def test_a_failed_test_asks_nobody_else(reader: User, home: Household) -> None:
    channel(reader)
    assert fall_back([failed_mail(home, reader, kind=Kind.TEST, about_on=None)], NOW) == 0


def test_every_page_says_what_nobody_could_deliver(
    reader: User, home: Household, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    words = "1 reminder could not be delivered to you."
    page = reverse("reminders:channels")
    assert words not in client.get(page).content.decode()
    row = failed_mail(home, reader)
    assert words in client.get(page).content.decode()
    channel(reader)
    fall_back([row], NOW)
    assert words not in client.get(page).content.decode()  # it is on its way
    Reminder.objects.filter(channel=Channel.PUSH).update(state=State.FAILED)
    assert words in client.get(page).content.decode()


def test_the_page_adds_and_never_shows_an_address(reader: User, client: Client) -> None:
    page = reverse("reminders:channels")
    wrong = client.post(page, {"url": f"ntfys://ntfy.sh/a/{TOKEN}", "label": "Phone"})
    assert (wrong.status_code, TOKEN in wrong.content.decode()) == (422, False)
    assert "This is not quite an address of ntfy." in wrong.content.decode()
    added = client.post(page, {"url": URL, "label": "Phone"}, follow=True).content.decode()
    assert ("Phone" in added, TOKEN in added) == (True, False)
    assert Destination.objects.get().secret not in added


def test_another_key_asks_to_enter_it_again(reader: User, client: Client) -> None:
    made = channel(reader)
    Destination.objects.filter(pk=made.pk).update(secret="gAAAAnonsense")
    said = client.get(reverse("reminders:channels")).content.decode()
    assert "Remove it and enter it again." in said


def test_the_buttons_of_the_page(reader: User, client: Client) -> None:
    made = channel(reader)
    client.post(reverse("reminders:change_channel", args=[made.pk]), {"what": "always"})
    made.refresh_from_db()
    assert made.is_always
    set_always(destination=made, is_always=False)
    for _ in range(2):
        client.post(reverse("reminders:test_channel", args=[made.pk]), {"key": "abcdefgh"})
    assert pushed() == [("one", "planned")]
    client.post(reverse("reminders:remove_channel", args=[made.pk]))
    assert labels(reader) == []


def test_somebody_elses_channel_is_not_there(client: Client) -> None:
    theirs = channel(user("other@example.com"))
    for name in ("remove_channel", "change_channel", "test_channel"):
        assert client.post(reverse(f"reminders:{name}", args=[theirs.pk]), {"what": "always"}).status_code == 404
    theirs.refresh_from_db()
    assert (theirs.removed_at, theirs.is_always) == (None, False)


def test_a_dump_of_the_database_holds_no_address(reader: User, tmp_path: Any) -> None:
    add_destination(user=reader, url=URL, label="Phone", is_always=False, now=NOW)
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "reminders", output=str(dump))
    said = dump.read_text()
    assert ('"Phone"' in said, TOKEN in said) == (True, False)
