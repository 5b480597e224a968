"""The real way of a message to a channel: planned, taken, handed over by the tick, and written down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from reminders.models import Channel, Destination, Reminder, State
from reminders.services.destinations import add_destination, ask_for_push
from reminders.tasks import run
from tests.builders import NOW, household, user
from tests.reminders.http_catcher import HttpCatcher, http_catcher

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.service]
TOKEN = "Sec-ret_Topic9000"


@pytest.fixture
def server() -> Iterator[HttpCatcher]:
    with http_catcher() as found:
        yield found


def asked(server: HttpCatcher) -> Reminder:
    reader = user("reader@example.com")
    url = f"ntfy://127.0.0.1:{server.port}/{TOKEN}"
    channel = add_destination(user=reader, url=url, label="Phone", is_always=False, now=NOW)
    assert isinstance(channel, Destination)
    return ask_for_push(household=household(reader), destination=channel, key="k", now=NOW)


def test_a_test_goes_the_real_way(server: HttpCatcher) -> None:
    row = asked(server)
    assert run(NOW) == 1
    row.refresh_from_db()
    assert (row.channel, row.state, row.error) == (Channel.PUSH, State.SENT, "HTTP 200")
    (arrived,) = server.arrived
    assert arrived.body["topic"] == TOKEN


def test_cut_off_it_is_uncertain_and_not_sent_twice(server: HttpCatcher) -> None:
    server.cut = True
    row = asked(server)
    assert (run(NOW), run(NOW)) == (0, 0)
    row.refresh_from_db()
    assert (row.state, len(server.arrived)) == (State.UNCERTAIN, 1)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_the_database_file_holds_no_address(server: HttpCatcher, status: int, settings: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("looks into the file of SQLite")
    server.status = status
    asked(server)
    run(NOW)
    path = Path(str(connection.settings_dict["NAME"]))
    files = [one for one in path.parent.glob(f"{path.name}*") if one.is_file()]
    assert any(b"Phone" in one.read_bytes() for one in files)
    assert all(TOKEN.encode() not in one.read_bytes() for one in files)
