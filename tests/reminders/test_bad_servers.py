"""What becomes of a letter on each way a mail server can fail: in the books, and in what the server really took."""

from __future__ import annotations

import select
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from ledger.models import Heartbeat, Household
from reminders import channels
from reminders.models import Reminder, State
from reminders.tasks import run
from tests import builders
from tests.builders import at
from tests.reminders.smtp_catcher import Catcher

pytestmark = [pytest.mark.django_db, pytest.mark.service]

NINE = at("2026-03-09", 9)


@pytest.fixture(autouse=True)
def impatient(settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 1


def two_bills(home: Household | None = None) -> Household:
    """Two bills payable on 10 March 2026 of one person: one letter."""
    home = home or builders.household()
    for name in ("Laptop", "Phone"):
        builders.loan(
            of=home,
            name=name,
            now=at("2026-02-10"),
            disbursed_on=date(2026, 2, 10),
            first_due_on=date(2026, 3, 10),
        )
    return home


def stand() -> list[tuple[str, int, int]]:
    """State, attempts and refusals of each row."""
    rows = Reminder.objects.filter(step="T-1").order_by("pk")
    return [(row.state, row.attempts, row.refusals) for row in rows]


def refuses_the_sender(server: Catcher) -> None:
    server.mail_replies = ["451 4.7.1 greylisted"]


def refuses_the_recipient_for_now(server: Catcher) -> None:
    server.rcpt_replies = ["452 4.2.2 mailbox full"]


def refuses_the_recipient_for_good(server: Catcher) -> None:
    server.rcpt_replies = ["550 5.1.1 no such user"]


def refuses_the_text_for_now(server: Catcher) -> None:
    server.data_replies = ["451 4.3.0 try again later"]


def refuses_the_text_for_good(server: Catcher) -> None:
    server.data_replies = ["554 5.7.1 looks like spam"]


def hangs_up_politely(server: Catcher) -> None:
    server.mail_replies = ["421 4.3.2 shutting down"]


def never_greets(server: Catcher) -> None:
    server.greetings = [30]


def goes_silent_at_the_sender(server: Catcher) -> None:
    server.stalls = ["MAIL"]


def goes_silent_at_the_recipient(server: Catcher) -> None:
    server.stalls = ["RCPT"]


SURELY_NOT_SENT: list[tuple[Callable[[Catcher], None], int, str]] = [
    (refuses_the_sender, 0, "451 4.7.1 greylisted"),
    (refuses_the_recipient_for_now, 0, "452 4.2.2 mailbox full"),
    (refuses_the_recipient_for_good, 1, "550 5.1.1 no such user"),
    (refuses_the_text_for_now, 0, "451 4.3.0 try again later"),
    (refuses_the_text_for_good, 1, "554 5.7.1 looks like spam"),
    (hangs_up_politely, 0, "421 4.3.2 shutting down"),
    (never_greets, 0, "SMTPServerDisconnected: Connection unexpectedly closed: timed out"),
    (goes_silent_at_the_sender, 0, "SMTPServerDisconnected: Connection unexpectedly closed: timed out"),
    (goes_silent_at_the_recipient, 0, "SMTPServerDisconnected: Connection unexpectedly closed: timed out"),
]


@pytest.mark.parametrize("misbehave, refusals, said", SURELY_NOT_SENT)
def test_what_was_surely_not_sent_is_put_off_a_minute_and_arrives_once(
    listening: Catcher, misbehave: Callable[[Catcher], None], refusals: int, said: str
) -> None:
    two_bills()
    misbehave(listening)
    assert run(NINE) == 0
    assert stand() == [(State.PLANNED, 1, refusals)] * 2
    assert {row.error for row in Reminder.objects.filter(step="T-1")} == {said}
    assert {row.next_at for row in Reminder.objects.filter(step="T-1")} == {NINE + timedelta(minutes=1)}
    assert listening.mails == []
    for seconds in (59, 60, 61, 600):
        run(NINE + timedelta(seconds=seconds))
    assert stand() == [(State.SENT, 2, refusals)] * 2
    assert len(listening.mails) == 1


def test_a_line_cut_before_the_dot_is_noticed_and_the_letter_surely_not_sent(
    listening: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_bills()
    listening.cuts = 1
    with monkeypatch.context() as patch:  # the end of the line takes a moment to get here
        patch.setattr(channels, "_has_news", lambda sock: bool(select.select([sock], [], [], 5)[0]))
        assert run(NINE) == 0
    assert stand() == [(State.PLANNED, 1, 0)] * 2
    assert run(NINE + timedelta(minutes=1)) == 2
    assert stand() == [(State.SENT, 2, 0)] * 2
    assert len(listening.mails) == 1


def cuts_the_line_after_the_dot(server: Catcher) -> None:
    server.data_replies = [""]


def goes_silent_after_the_dot(server: Catcher) -> None:
    server.stalls = ["."]


def talks_nonsense_after_the_dot(server: Catcher) -> None:
    server.data_replies = ["2xx well"]


MAYBE_SENT = [cuts_the_line_after_the_dot, goes_silent_after_the_dot, talks_nonsense_after_the_dot]


@pytest.mark.parametrize("misbehave", MAYBE_SENT)
def test_what_may_have_been_sent_is_held_and_never_repeated(
    listening: Catcher, misbehave: Callable[[Catcher], None]
) -> None:
    two_bills()
    misbehave(listening)
    for minutes in (0, 1, 6, 36, 120):
        run(NINE + timedelta(minutes=minutes))
    assert stand() == [(State.UNCERTAIN, 1, 0)] * 2
    assert len(listening.mails) == 1


def greets_late(server: Catcher) -> None:
    server.greetings = [0.4]


def closes_idle_connections(server: Catcher) -> None:
    server.idle_cuts = 2


def accepts_twice(server: Catcher) -> None:
    server.extra = ["250 2.0.0 queued again"] * 2


def takes_commands_at_one_go(server: Catcher) -> None:
    server.pipelining = True


ODD_BUT_WORKING = [greets_late, closes_idle_connections, accepts_twice, takes_commands_at_one_go]


@pytest.mark.parametrize("behave", ODD_BUT_WORKING)
def test_an_odd_server_gets_each_letter_once(listening: Catcher, behave: Callable[[Catcher], None]) -> None:
    homes = [two_bills() for _ in range(3)]
    behave(listening)
    for minutes in (0, 1, 6):
        run(NINE + timedelta(minutes=minutes))
    assert stand() == [(State.SENT, 1, 0)] * 6
    assert listening.recipients() == sorted(home.memberships.get().user.email for home in homes)


@pytest.mark.parametrize("misbehave, refusals, said", SURELY_NOT_SENT[:5])
def test_commands_at_one_go_are_refused_one_by_one(
    listening: Catcher, misbehave: Callable[[Catcher], None], refusals: int, said: str
) -> None:
    listening.pipelining = True
    two_bills()
    misbehave(listening)
    run(NINE)
    assert stand() == [(State.PLANNED, 1, refusals)] * 2
    assert {row.error for row in Reminder.objects.filter(step="T-1")} == {said}
    run(NINE + timedelta(minutes=1))
    assert stand() == [(State.SENT, 2, refusals)] * 2
    assert len(listening.mails) == 1


def test_one_address_refused_keeps_no_other_letter_back(listening: Catcher) -> None:
    homes = [two_bills() for _ in range(3)]
    listening.rcpt_replies = ["550 5.1.1 no such user"]
    assert run(NINE) == 4
    assert sorted(stand()) == [(State.PLANNED, 1, 1)] * 2 + [(State.SENT, 1, 0)] * 4
    assert len(listening.mails) == 2
    run(NINE + timedelta(minutes=1))
    assert listening.recipients() == sorted(home.memberships.get().user.email for home in homes)


def test_a_silent_server_is_asked_once_a_minute_not_once_a_letter(listening: Catcher) -> None:
    for _ in range(3):
        two_bills()
    listening.greetings = [30, 30, 30]
    run(NINE)
    assert listening.connections == 1
    assert sorted(stand()) == [(State.PLANNED, 0, 0)] * 4 + [(State.PLANNED, 1, 0)] * 2


@pytest.mark.parametrize("where, others", [("MAIL", State.PLANNED), ("RCPT", State.PLANNED), (".", State.UNCERTAIN)])
def test_one_that_goes_silent_is_asked_nothing_more_and_counts_as_away(
    listening: Catcher, settings: Any, where: str, others: State
) -> None:
    settings.EMAIL_CONNECTIONS = 1
    for _ in range(4):
        builders.loan(now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    run(NINE - timedelta(hours=1))
    listening.stalls = [where] * 4
    run(NINE)
    assert listening.connections == 1
    assert stand() == [(others, 1, 0), *[(State.PLANNED, 0, 0)] * 3]
    mail = Heartbeat.objects.get(job="mail")
    assert mail.finished_at == NINE - timedelta(hours=1)
