"""The outbox against a real SMTP server: refusals, cuts, outages, workers that die, and two at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.core.mail import EmailMultiAlternatives
from django.db import connection

from ledger import clock
from ledger.models import Heartbeat, Loan
from loantracker.celery import app
from reminders import tasks
from reminders.channels import Channels, Delivery, Outcome, open_mail
from reminders.deliveries import BROKE_OFF
from reminders.mime import letter_id
from reminders.models import Reminder, State
from reminders.services import outbox
from reminders.services.mailings import Mailing
from reminders.services.outbox import Moving
from reminders.services.policies import send_again
from reminders.tasks import run
from tests import builders
from tests.builders import at
from tests.reminders.smtp_catcher import Catcher

pytestmark = [pytest.mark.django_db, pytest.mark.service]

NINE = at("2026-03-09", 9)


def due_tomorrow(**more: Any) -> Loan:
    """A loan with a bill payable on 10 March 2026."""
    return builders.loan(now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), **more)


def row() -> Reminder:
    return Reminder.objects.get(step="T-1")


def said(reminder: Reminder) -> tuple[str, int, int]:
    return reminder.state, reminder.attempts, reminder.refusals


def test_a_mail_arrives_whole(listening: Catcher) -> None:
    loan = due_tomorrow()
    assert run(NINE) == 1
    [caught] = listening.mails
    reminder = row()
    owner = loan.household.memberships.get().user
    assert caught["To"] == owner.email
    assert caught["Message-ID"] == reminder.message_id
    assert caught["Subject"].strip() == "Bank of Tests: ¥1,066.19 due 10 Mar, tomorrow" == reminder.subject
    assert text_of(caught).startswith(
        "Bank of Tests expects ¥1,066.19 by 10 Mar 2026, tomorrow.\nIt is for Laptop, bill 1 of 12."
    )
    assert f"/loans/{loan.pk}/repayments/new/?bill=1" in text_of(caught)
    assert reminder.error == "250 2.0.0 queued"
    assert reminder.address == owner.email


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_lines_that_begin_with_a_dot_arrive_as_they_were(listening: Catcher) -> None:
    message = EmailMultiAlternatives(subject="Dots", body=".one\n..two\n.\nend\n", to=["a@example.com"])
    assert open_mail().deliver(message, lambda: True) == Delivery(Outcome.ACCEPTED, "250 2.0.0 queued")
    assert text_of(listening.mails[0]).splitlines() == [".one", "..two", ".", "end"]


def test_several_mails_share_one_connection(listening: Catcher) -> None:
    for _ in range(3):
        due_tomorrow()
    assert run(NINE) == 3
    assert len(listening.mails) == 3


def test_a_mail_server_that_is_away_delays_a_mail_and_loses_none(catcher: Catcher) -> None:
    due_tomorrow()
    assert run(NINE) == 0
    assert said(row()) == (State.PLANNED, 1, 0)
    assert "ConnectionRefusedError" in row().error
    with catcher.up():
        assert run(NINE + timedelta(seconds=59)) == 0
        assert run(NINE + timedelta(minutes=2)) == 1
        assert run(NINE + timedelta(minutes=3)) == 0
    assert len(catcher.mails) == 1


def test_after_1_5_and_30_minutes_a_mail_has_failed_and_still_goes_out_when_the_server_is_back(
    catcher: Catcher,
) -> None:
    due_tomorrow()
    now = NINE
    tries: list[datetime] = []
    while row_state() != State.FAILED:
        before = attempts()
        run(now)
        if attempts() != before:
            tries.append(now)
        now += timedelta(minutes=1)
    assert tries == [NINE + timedelta(minutes=minutes) for minutes in (0, 1, 6, 36)]
    with catcher.up():
        assert run(NINE + timedelta(minutes=96)) == 1
    assert row_state() == State.SENT


def row_state() -> str:
    return Reminder.objects.filter(step="T-1").values_list("state", flat=True).first() or ""


def attempts() -> int:
    return Reminder.objects.filter(step="T-1").values_list("attempts", flat=True).first() or 0


def test_an_address_refused_three_times_has_failed_for_good(listening: Catcher) -> None:
    due_tomorrow()
    listening.rcpt_replies = ["550 5.1.1 no such user"] * 9
    for minutes in (0, 1, 6, 36, 120):
        run(NINE + timedelta(minutes=minutes))
    assert said(row()) == (State.FAILED, 3, 3)
    assert row().error == "550 5.1.1 no such user"
    assert listening.mails == []


def test_a_mail_refused_after_its_last_byte_was_surely_not_sent(listening: Catcher) -> None:
    due_tomorrow()
    listening.data_replies = ["451 4.3.0 try again later"]
    run(NINE)
    assert said(row()) == (State.PLANNED, 1, 0)
    run(NINE + timedelta(minutes=1))
    assert row_state() == State.SENT
    assert len(listening.mails) == 1


def test_a_line_cut_after_the_last_byte_is_uncertain_and_never_repeated(listening: Catcher) -> None:
    due_tomorrow()
    listening.data_replies = [""]
    for minutes in (0, 1, 6, 36, 120):
        run(NINE + timedelta(minutes=minutes))
    assert said(row()) == (State.UNCERTAIN, 1, 0)
    assert len(listening.mails) == 1


def test_the_next_step_speaks_for_one_that_is_uncertain(listening: Catcher) -> None:
    due_tomorrow()
    listening.data_replies = [""]
    run(NINE)
    run(NINE + timedelta(days=1))
    assert (row().state, row().reason) == (State.SUPERSEDED, "overtaken")
    assert [mail["Subject"].strip() for mail in listening.mails] == [
        "Bank of Tests: ¥1,066.19 due 10 Mar, tomorrow",
        "Bank of Tests: ¥1,066.19 due today, 10 Mar",
    ]


def taken(state: State) -> Reminder:
    """A planned reminder as a worker leaves it that dies with it in hand."""
    due_tomorrow()
    run(NINE - timedelta(hours=1))
    Reminder.objects.filter(step="T-1").update(state=state, token="theirs", lease_until=NINE + timedelta(minutes=5))
    return row()


def test_a_worker_that_dies_before_the_last_byte_leaves_a_mail_that_is_sent(listening: Catcher) -> None:
    taken(State.SENDING)
    run(NINE + timedelta(minutes=4))
    assert listening.mails == []
    run(NINE + timedelta(minutes=5))
    assert row_state() == State.SENT
    assert len(listening.mails) == 1


def in_a_process(work: Callable[[], object]) -> bool:
    """Do it in a process of its own, which may be killed over it; whether it lived."""
    child = os.fork()
    if child == 0:
        inherited, connection.connection = connection.connection, None  # kept, so that nobody ends it
        with suppress(BaseException):
            work()
            connection.close()
            os._exit(0)
        os._exit(1 if inherited else 2)
    _, status = os.waitpid(child, 0)
    return status == 0


@pytest.mark.django_db(transaction=True)
def test_a_letter_that_kills_its_worker_is_put_aside_and_takes_no_other_along(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    home = builders.household()
    for name in ("Poison", "Phone"):
        due_tomorrow(of=home, name=name)
    due_tomorrow(name="Laptop")
    run(NINE - timedelta(hours=1))
    real = outbox.compose

    def kills(rows: Sequence[Reminder], *rest: Any) -> Any:
        if any(row.bill is not None and row.bill.loan.name == "Poison" for row in rows):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(rows, *rest)

    monkeypatch.setattr(outbox, "compose", kills)
    lived = [in_a_process(partial(run, NINE + timedelta(minutes=minutes))) for minutes in range(43)]
    assert [minute for minute, alive in enumerate(lived) if not alive] == [0, 6, 12, 18, 24, 30]
    rows = Reminder.objects.filter(step="T-1").order_by("pk")
    assert [(row.state, row.lost_leases) for row in rows] == [(State.FAILED, 6), (State.SENT, 2), (State.SENT, 1)]
    assert (rows[0].error, rows[0].next_at) == (BROKE_OFF, NINE + timedelta(minutes=36))
    assert send_again(reminder=rows[0], now=NINE + timedelta(minutes=40))
    assert Reminder.objects.get(pk=rows[0].pk).lost_leases == 0


@pytest.mark.parametrize(
    "outcome, state, refusals", [(Outcome.DELAYED, State.PLANNED, 0), (Outcome.REFUSED, State.PLANNED, 1)]
)
def test_a_late_refusal_proves_an_uncertain_mail_not_sent(
    listening: Catcher, outcome: Outcome, state: State, refusals: int
) -> None:
    late = taken(State.INFLIGHT)
    outbox.sweep(NINE + timedelta(minutes=5))
    assert row_state() == State.UNCERTAIN
    moving = Moving(NINE + timedelta(minutes=6))
    outbox._settle([(mailing(late), Delivery(outcome, "451 not now"), ("It is due", "a@example.com"))], moving)
    assert (said(row()), row().error) == ((state, 1, refusals), "451 not now")
    run(NINE + timedelta(minutes=7))
    assert len(listening.mails) == 1


def test_a_worker_that_dies_after_the_last_byte_leaves_an_uncertain_mail(listening: Catcher) -> None:
    taken(State.INFLIGHT)
    run(NINE + timedelta(minutes=5))
    run(NINE + timedelta(minutes=10))
    assert row_state() == State.UNCERTAIN
    assert listening.mails == []


def mailing(*rows: Reminder, token: str = "theirs") -> Mailing:
    return Mailing(rows, token, letter_id([one.message_id for one in rows]))


def test_a_late_answer_proves_an_uncertain_mail_sent(listening: Catcher) -> None:
    late = taken(State.INFLIGHT)
    outbox.sweep(NINE + timedelta(minutes=5))
    answer = Delivery(Outcome.ACCEPTED, "250 at last")
    outbox._settle([(mailing(late), answer, ("It is due", "a@example.com"))], Moving(NINE + timedelta(minutes=6)))
    assert (row().state, row().error) == (State.SENT, "250 at last")


class Frozen(Channels):
    """Channels of a worker that sleeps through its lease just before the last byte."""

    def of(self, row: Reminder) -> Any:
        awake = open_mail()

        class Asleep:
            def deliver(self, message: Any, committing: Any) -> Delivery:
                outbox.sweep(NINE + timedelta(minutes=6))
                return awake.deliver(message, committing)

            def quit(self) -> None:
                awake.quit()

        return Asleep()


def test_a_frozen_worker_that_wakes_up_sends_nothing(listening: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    due_tomorrow()
    run(NINE - timedelta(hours=1))
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "Channels", Frozen)
        assert outbox.drain(NINE) == 0
    assert listening.mails == []
    assert row_state() == State.PLANNED
    run(NINE + timedelta(minutes=6))
    assert len(listening.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_ten_workers_at_once_send_each_letter_once(listening: Catcher) -> None:
    homes = [builders.household() for _ in range(5)]
    for home in homes:
        for name in ("Laptop", "Phone", "Sofa"):
            due_tomorrow(of=home, name=name)
    run(NINE - timedelta(hours=1))
    start = threading.Barrier(10)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            start.wait()
            run(NINE)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    assert listening.recipients() == sorted(home.memberships.get().user.email for home in homes)
    rows = Reminder.objects.filter(step="T-1")
    assert [said(reminder) for reminder in rows] == [(State.SENT, 1, 0)] * 15
    assert {reminder.letter for reminder in rows} == {str(mail["Message-ID"]) for mail in listening.mails}


@pytest.mark.django_db(transaction=True)
def test_a_real_celery_worker_ticks(listening: Catcher) -> None:
    now = clock.now()
    builders.loan(
        of=builders.household(time_zone="UTC"),
        now=now - timedelta(days=30),
        disbursed_on=now.date() - timedelta(days=30),
        first_due_on=now.date(),
    )
    with start_worker(app, pool="solo", perform_ping_check=False):
        tasks.tick.delay()
        waited = threading.Event()
        for _ in range(100):
            if Heartbeat.objects.filter(job="reminders").exclude(finished_at=None).exists():
                break
            waited.wait(0.1)
    assert Heartbeat.objects.get(job="reminders").finished_at is not None
    assert Reminder.objects.filter(step="T-0").count() == 1
    assert len(listening.mails) == (1 if now.hour >= 9 else 0)
