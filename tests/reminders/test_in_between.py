"""What changes, or goes wrong, between planning a message and sending it."""

from __future__ import annotations

import socket
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from ledger.models import AutoRepayAttempt, Bill, Loan
from ledger.services import ping
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import Wishes, authorize_mandate
from reminders import channels, rules
from reminders.deliveries import NO_ADDRESS
from reminders.lists import bill_reminders
from reminders.models import Channel, Destination, Kind, Reminder, State
from reminders.services import outbox
from reminders.services.mail_actions import snooze
from reminders.services.policies import choose, set_policy
from reminders.tasks import run
from reminders.why import lines_why
from tests import builders
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")


def due_on_10_march(of: Any = None, **more: Any) -> Loan:
    return builders.loan(
        of, **{"now": OPENED, "disbursed_on": date(2026, 2, 10), "first_due_on": date(2026, 3, 10)} | more
    )


def every_hour(first: datetime, last: datetime) -> None:
    while first <= last:
        run(first)
        first += timedelta(hours=1)


def the(**what: Any) -> Reminder:
    return Reminder.objects.get(**what)


def said_of(row: Reminder, now: datetime) -> str:
    return lines_why([row], now)[row.pk]


# Somebody changes their mind


def test_at_another_hour_what_waits_goes_out_by_the_new_one() -> None:
    loan = due_on_10_march(count=1)
    set_policy(household=loan.household, policy=rules.Policy(hour=20), now=OPENED)
    run(at("2026-03-09", 1))
    set_policy(household=loan.household, policy=rules.Policy(hour=9), now=at("2026-03-09", 7))
    every_hour(at("2026-03-09", 8), at("2026-03-10", 9))
    sent = Reminder.objects.filter(state=State.SENT).order_by("send_at").values_list("step", "send_at")
    assert list(sent)[-2:] == [("T-1", at("2026-03-09", 9)), ("T-0", at("2026-03-10", 9))]


def test_a_household_that_moves_east_misses_nothing() -> None:
    loan = due_on_10_march(builders.household(time_zone="America/Los_Angeles"), count=1)
    run(datetime.fromisoformat("2026-03-09T01:00:00-07:00"))
    loan.household.time_zone = "Asia/Shanghai"
    loan.household.save()
    every_hour(at("2026-03-09", 17), at("2026-03-10", 21))
    assert {the(step=step).state for step in ("T-1", "T-0", "evening")} == {State.SENT}


def test_the_digest_too_goes_by_the_new_hour() -> None:
    loan = due_on_10_march()
    set_policy(household=loan.household, policy=rules.Policy(hour=20), now=OPENED)
    run(at("2026-03-01", 1))
    set_policy(household=loan.household, policy=rules.Policy(hour=9), now=at("2026-03-01", 2))
    every_hour(at("2026-03-01", 2), at("2026-03-01", 9))
    assert the(kind=Kind.DIGEST).state == State.SENT


def test_who_wants_the_digest_again_gets_it_the_same_day() -> None:
    loan = due_on_10_march()
    user = loan.household.memberships.get().user
    choose(household=loan.household, user=user, muted=[rules.Category.DIGEST], now=OPENED)
    run(at("2026-03-01", 9))
    choose(household=loan.household, user=user, muted=[], now=at("2026-03-01", 10))
    every_hour(at("2026-03-01", 10), at("2026-03-01", 11))
    assert the(kind=Kind.DIGEST).state == State.SENT


def test_a_snooze_made_shorter_ends_earlier() -> None:
    loan = due_on_10_march(count=1)
    bill, user = Bill.objects.get(loan=loan), loan.household.memberships.get().user
    run(at("2026-03-03", 8))
    snooze(bill=bill, user=user, until=date(2026, 3, 6), key="a", now=at("2026-03-03", 8))
    run(at("2026-03-03", 9))
    snooze(bill=bill, user=user, until=date(2026, 3, 4), key="b", now=at("2026-03-03", 10))
    every_hour(at("2026-03-04", 8), at("2026-03-04", 10))
    assert the(step="T-7").state == State.SENT


def test_who_joins_is_told_of_what_was_planned_already() -> None:
    loan = due_on_10_march(count=1)
    run(at("2026-03-09", 1))
    someone = builders.member(loan.household)
    every_hour(at("2026-03-09", 2), at("2026-03-10", 9))
    got = Reminder.objects.filter(recipient=someone, state=State.SENT).values_list("step", flat=True)
    assert set(got) == {"T-1", "T-0"}


# Ticks and clocks


def test_every_failure_is_told_although_the_ticks_began_apart() -> None:
    loan = due_on_10_march()
    card = builders.account(loan.household)
    builders.balance(card, 100_000, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(
        scope=loan.lender, sources=[card], wishes=Wishes(ask_after=1), recording=builders.recording(OPENED)
    )
    debit_due(at("2026-03-10", 10) + timedelta(milliseconds=300))  # began a moment after the tick that reads it
    run(at("2026-03-10", 10))
    for day, hour in ((10, 16), (11, 10)):
        debit_due(at(f"2026-03-{day}", hour))
        every_hour(at(f"2026-03-{day}", hour), at(f"2026-03-{day}", hour + 1))
    told = [attempt.reminders.get().kind for attempt in AutoRepayAttempt.objects.order_by("pk")]
    assert told == [Kind.KEEP_ON, Kind.ATTEMPT_FAILED, Kind.ATTEMPT_FAILED]


def test_a_clock_put_back_does_not_stop_the_ping() -> None:
    now = at("2026-03-10")
    assert ping._is_first(ping.WELL, now + timedelta(days=2))
    assert ping._is_first(ping.WELL, now)
    assert not ping._is_first(ping.WELL, now)


# What the pages say


def test_uncertain_and_overtaken_is_not_called_unsent() -> None:
    due_on_10_march()
    run(at("2026-03-09", 9))
    Reminder.objects.filter(step="T-1").update(state=State.UNCERTAIN, sent_at=None, error="cut")
    run(at("2026-03-10", 9))
    assert said_of(the(step="T-1"), at("2026-03-10", 10)) == (
        "It may or may not have arrived; a later one was sent since."
    )


def test_our_own_words_are_in_the_readers_language_a_servers_as_they_are() -> None:
    due_on_10_march()
    run(at("2026-03-09", 9))
    row = the(step="T-1")
    row.state, row.sent_at, row.attempts, row.refusals, row.address = State.FAILED, None, 1, 3, "ann@example.com"
    said = []
    for error in (NO_ADDRESS, "550 no such user"):
        row.error = error
        with translation.override("zh-hans"):
            said.append(said_of(row, at("2026-03-09", 10)))
    assert "收件人没有填邮箱" in said[0]
    assert NO_ADDRESS not in said[0]
    assert "550 no such user" in said[1]


def test_the_second_person_is_still_to_come_while_a_debit_is_presumed() -> None:
    loan = due_on_10_march(count=2)
    second = builders.member(loan.household)
    set_policy(household=loan.household, policy=rules.DEFAULT, now=OPENED, second=second.pk)
    card = builders.account(loan.household)
    authorize_mandate(scope=loan, sources=[card], wishes=Wishes(), recording=builders.recording(OPENED))
    debit_due(at("2026-03-10", 10))
    bill = Bill.objects.select_related("loan__lender", "loan__household").get(loan=loan, number=1)
    shown = bill_reminders(bill, at("2026-03-10", 12))
    assert (shown.quiet, [step.at for step in shown.coming], shown.then_every) == ("", [at("2026-03-10", 18)], 0)


def test_a_step_that_was_over_when_the_loan_was_entered_is_not_to_come() -> None:
    loan = due_on_10_march(now=at("2026-02-17", 7))
    bill = Bill.objects.select_related("loan__lender", "loan__household").get(loan=loan, number=1)
    coming = bill_reminders(bill, at("2026-02-17", 8)).coming
    assert coming[0].at == at("2026-03-03", 9)


# The way out


def test_a_push_is_not_sent_again_under_a_key_only_mail_carries(settings: Any) -> None:
    settings.EMAIL_IDEMPOTENCY_HEADER = "Resend-Idempotency-Key"
    loan = due_on_10_march()
    run(at("2026-03-09", 9))
    phone = Destination.objects.create(
        user=loan.household.memberships.get().user, kind="ntfy", secret="x", created_at=OPENED
    )
    lost = {"state": State.UNCERTAIN, "sent_at": None, "next_at": at("2026-03-09", 9), "error": "cut"}
    Reminder.objects.filter(step="T-1").update(channel=Channel.PUSH, destination=phone, **lost)
    outbox.sweep(at("2026-03-09", 10))
    assert the(step="T-1").state == State.UNCERTAIN


def test_a_connection_lost_before_the_dot_takes_no_other_along(
    listening: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_CONNECTIONS = 4
    monkeypatch.setattr(outbox, "LETTERS_A_LANE", 1)
    for _ in range(4):
        due_on_10_march(builders.household())
    run(at("2026-03-09", 8))
    say, said = channels.SmtpChannel.say_dot, []

    def broken(self: Any) -> None:
        said.append(self)
        if len(said) == 1:
            self._backend.connection.sock.shutdown(socket.SHUT_RDWR)
        say(self)

    monkeypatch.setattr(channels.SmtpChannel, "say_dot", broken)
    run(at("2026-03-09", 9))
    states = sorted(Reminder.objects.filter(step="T-1").values_list("state", flat=True))
    assert states == [State.SENT] * 3 + [State.UNCERTAIN]
