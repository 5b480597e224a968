"""Messages that go by another channel than the mail, and what is done when the mail fails."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from ledger.models import Household
from reminders import channels
from reminders.channels import Delivery, Outcome
from reminders.models import Channel, Destination, Reminder, State
from reminders.services import outbox
from reminders.tasks import run
from tests import builders
from tests.builders import at
from tests.reminders.smtp_catcher import Catcher

pytestmark = [pytest.mark.django_db, pytest.mark.service]

NINE = at("2026-03-09", 9)


class Bell:
    """A channel that notes what it is given; answers as told."""

    rung: list[tuple[str, str]] = []
    answer = Delivery(Outcome.ACCEPTED, "ok")

    def __init__(self, destination: Destination) -> None:
        self.label = destination.label

    def deliver(self, message: Any, committing: Any) -> Delivery:
        if not committing():
            return Delivery(Outcome.FENCED)
        self.rung.append((self.label, message.subject))
        return self.answer

    def quit(self) -> None:
        pass


@pytest.fixture(autouse=True)
def bell(monkeypatch: pytest.MonkeyPatch) -> type[Bell]:
    monkeypatch.setattr(channels, "PushChannel", Bell)
    monkeypatch.setattr(Bell, "rung", [])
    return Bell


def with_push(label: str = "phone") -> Reminder:
    """A bill payable on 10 March 2026, told by mail and to one other destination; the row of the latter."""
    home: Household = builders.household()
    builders.loan(of=home, now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    run(NINE - timedelta(hours=1))
    row = Reminder.objects.get(household=home, step="T-1")
    row.destination = Destination.objects.create(user=row.recipient, kind="ntfy", label=label, created_at=NINE)
    row.pk, row.channel, row.message_id = None, Channel.PUSH, f"<{label}@x>"
    row.save()
    return row


def test_a_push_goes_its_own_way_next_to_the_mail(bell: type[Bell]) -> None:
    row = with_push()
    assert run(NINE) == 2
    assert bell.rung == [("phone", "Bank of Tests: ¥1,066.19 due 10 Mar, tomorrow")]
    assert [message.to for message in mail.outbox] == [[row.recipient.email]]
    row.refresh_from_db()
    assert (row.state, row.address, row.error) == (State.SENT, "phone", "ok")


def test_a_channel_speaks_for_none_of_what_another_may_not_have_told(bell: type[Bell]) -> None:
    earlier = with_push("phone")
    Reminder.objects.filter(pk=earlier.pk).update(state=State.UNCERTAIN)
    pager = Destination.objects.create(user=earlier.recipient, kind="ntfy", label="pager", created_at=NINE)
    later = Reminder.objects.get(pk=earlier.pk)
    later.pk, later.destination, later.message_id, later.step = None, pager, "<pager@x>", "T-0"
    later.state, later.send_at, later.next_at = State.PLANNED, NINE + timedelta(days=1), NINE + timedelta(days=1)
    later.save()
    run(NINE + timedelta(days=1))
    earlier.refresh_from_db()
    assert [label for label, _ in bell.rung] == ["pager"]
    assert earlier.state == State.UNCERTAIN


def test_a_channel_that_is_down_keeps_back_neither_the_mail_nor_other_channels(
    bell: type[Bell], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = with_push("phone")
    monkeypatch.setattr(bell, "answer", Delivery(Outcome.DELAYED, "no route", is_down=True))
    assert run(NINE) == 1
    first.refresh_from_db()
    assert (first.state, first.attempts, first.error) == (State.PLANNED, 1, "no route")
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_down_keeps_back_no_push(catcher: Catcher, bell: type[Bell]) -> None:
    rows = [with_push("phone"), with_push("tablet")]
    assert run(NINE) == 2
    assert sorted(label for label, _ in bell.rung) == ["phone", "tablet"]
    mails = Reminder.objects.filter(channel=Channel.EMAIL, household__in=[row.household_id for row in rows])
    assert sorted((row.state, row.attempts) for row in mails.filter(step="T-1")) == [
        (State.PLANNED, 0),
        (State.PLANNED, 1),
    ]


def test_a_destination_removed_meanwhile_is_not_told(bell: type[Bell]) -> None:
    row = with_push()
    Destination.objects.update(removed_at=NINE)
    assert run(NINE) == 1
    row.refresh_from_db()
    assert (row.state, row.reason, bell.rung) == (State.SUPERSEDED, "switched_off", [])


def test_what_the_mail_could_not_deliver_is_told_another_way_when_it_has_failed(
    listening: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = builders.household()
    builders.loan(of=home, now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    told: list[tuple[list[str], datetime]] = []
    monkeypatch.setattr(outbox, "fall_back", lambda rows, now: told.append(([row.step for row in rows], now)))
    listening.rcpt_replies = ["550 5.1.1 no such user"] * 9
    for minutes in (0, 1, 6, 36, 120):
        run(NINE + timedelta(minutes=minutes))
    assert [steps for steps, _ in told] == [["T-1"]]
    assert NINE + timedelta(minutes=6) <= told[0][1] < NINE + timedelta(minutes=7)


def test_a_crash_at_the_last_refusal_loses_no_channel(
    listening: Catcher, monkeypatch: pytest.MonkeyPatch, bell: type[Bell]
) -> None:
    loan = builders.loan(now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    someone = loan.household.memberships.get().user
    Destination.objects.create(user=someone, kind="ntfy", label="phone", created_at=NINE)
    listening.rcpt_replies = ["550 5.1.1 no such user"] * 9
    for minutes in (0, 1):
        run(NINE + timedelta(minutes=minutes))

    def crashes(rows: Any, now: datetime) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "fall_back", crashes)
        with pytest.raises(KeyboardInterrupt):
            run(NINE + timedelta(minutes=6))
    for minutes in (11, 12, 13):
        run(NINE + timedelta(minutes=minutes))
    assert Reminder.objects.get(step="T-1", channel=Channel.EMAIL).state == State.FAILED
    assert [label for label, _subject in bell.rung] == ["phone"]


def test_another_way_that_breaks_changes_nothing_about_the_failed_mail(
    listening: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = builders.household()
    builders.loan(of=home, now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))

    def broken(rows: Any, now: datetime) -> None:
        raise RuntimeError("no other way")

    monkeypatch.setattr(outbox, "fall_back", broken)
    listening.rcpt_replies = ["550 5.1.1 no such user"] * 9
    for minutes in (0, 1, 6):
        run(NINE + timedelta(minutes=minutes))
    assert Reminder.objects.get(step="T-1").state == State.FAILED
