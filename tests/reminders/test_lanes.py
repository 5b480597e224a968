"""Several connections side by side, when there is much to send."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reminders.models import Reminder, State
from reminders.services import outbox
from reminders.tasks import run
from tests import builders
from tests.builders import at
from tests.reminders.smtp_catcher import Catcher

pytestmark = [pytest.mark.django_db, pytest.mark.service]

NINE = at("2026-03-09", 9)


@pytest.fixture(autouse=True, params=["commands one by one", "commands at one go"])
def eager(request: Any, settings: Any, listening: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection for each letter, up to four; with and without pipelining, where the next letters are announced while
    they are made."""
    listening.pipelining = request.param == "commands at one go"
    settings.EMAIL_CONNECTIONS = 4
    settings.EMAIL_TIMEOUT = 1
    monkeypatch.setattr(outbox, "LETTERS_A_LANE", 1)


def letters(count: int) -> list[str]:
    """So many people with a bill payable on 10 March 2026 each; their addresses."""
    homes = [builders.household() for _ in range(count)]
    for home in homes:
        builders.loan(of=home, now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    run(NINE - timedelta(hours=1))
    return sorted(home.memberships.get().user.email for home in homes)


def states() -> list[str]:
    return sorted(Reminder.objects.filter(step="T-1").values_list("state", flat=True))


def test_ten_letters_go_by_four_connections_each_once(listening: Catcher) -> None:
    people = letters(10)
    assert run(NINE) == 10
    assert listening.connections == 4
    assert listening.recipients() == people
    assert states() == [State.SENT] * 10


def test_letters_side_by_side_are_marked_and_written_down_together(listening: Catcher) -> None:
    """Two writes for four letters as for one, and nothing asked for each: what is known of them is known of all."""
    asked = []
    for count in (1, 4):
        letters(count)
        with CaptureQueriesContext(connection) as queries:
            assert outbox.drain(NINE) == count
        asked.append([sql for query in queries if "SAVEPOINT" not in (sql := query["sql"][:40])])
    assert asked[0] == asked[1]


def test_a_few_letters_share_one_connection(listening: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LETTERS_A_LANE", 8)
    letters(10)
    assert run(NINE) == 10
    assert listening.connections == 1


def test_a_server_that_allows_only_two_connections_gets_all_by_two(listening: Catcher) -> None:
    people = letters(7)
    listening.most_connections = 2
    assert run(NINE) == 7
    assert listening.recipients() == people
    assert states() == [State.SENT] * 7


def test_one_answer_lost_leaves_one_letter_uncertain(listening: Catcher) -> None:
    letters(4)
    listening.data_replies = ["250 2.0.0 queued", "", "451 4.3.0 later"]
    assert run(NINE) == 2
    assert states() == [State.PLANNED, State.SENT, State.SENT, State.UNCERTAIN]
    run(NINE + timedelta(minutes=1))
    assert states() == [State.SENT, State.SENT, State.SENT, State.UNCERTAIN]
    assert len(listening.mails) == 4


def test_one_letter_taken_away_meanwhile_stops_only_itself(listening: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    letters(4)
    lost = Reminder.objects.filter(step="T-1").order_by("pk")[1]
    compose = outbox.compose

    def meanwhile(rows: Any, now: Any, known: Any) -> Any:
        if rows[0].pk == lost.pk:
            Reminder.objects.filter(pk=lost.pk).update(token="somebody else's")
        return compose(rows, now, known)

    monkeypatch.setattr(outbox, "compose", meanwhile)
    assert outbox.drain(NINE) == 3
    assert states() == [State.SENDING, State.SENT, State.SENT, State.SENT]
    assert lost.recipient.email not in listening.recipients()


def test_a_letter_that_cannot_be_made_after_its_address_was_said_stops_only_itself(
    listening: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = letters(10)
    lost = Reminder.objects.filter(step="T-1").order_by("pk")[5]
    compose = outbox.compose

    def fragile(rows: Any, now: Any, known: Any) -> Any:
        if rows[0].pk == lost.pk:
            raise RuntimeError("no words")
        return compose(rows, now, known)

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "compose", fragile)
        assert outbox.drain(NINE) == 9
    assert listening.recipients() == sorted(set(people) - {lost.recipient.email})
    assert states() == [State.PLANNED] + [State.SENT] * 9
    run(NINE + timedelta(minutes=1))
    assert listening.recipients() == people


def test_an_address_refused_among_many_stops_only_itself(listening: Catcher) -> None:
    people = letters(10)
    listening.strangers = {people[5]}
    assert run(NINE) == 9
    assert states() == [State.PLANNED] + [State.SENT] * 9
    listening.strangers = set()
    run(NINE + timedelta(minutes=1))
    assert listening.recipients() == people


def test_connections_closed_between_letters_are_opened_again(listening: Catcher) -> None:
    people = letters(10)
    listening.idle_cuts = 3
    assert run(NINE) == 10
    assert listening.recipients() == people
    assert states() == [State.SENT] * 10


def test_a_database_that_fails_at_the_mark_lets_nothing_leave(
    listening: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = letters(4)

    def broken(*asked: Any) -> bool:
        raise RuntimeError("no disk")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_commit", broken)
        assert outbox.drain(NINE) == 0
    assert listening.mails == []
    assert states() == [State.SENDING] * 4
    assert run(NINE + timedelta(minutes=5, seconds=10)) == 4
    assert listening.recipients() == people
