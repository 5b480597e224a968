"""Mail of which nobody knows whether it arrived, under each policy."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from ledger.models import Household, Loan
from loantracker.settings import choice
from reminders.channels import Delivery, Outcome
from reminders.mime import key_of
from reminders.models import RESTORED, Reminder, State
from reminders.services import outbox
from reminders.services.mailings import Mailing
from reminders.services.outbox import Moving
from reminders.tasks import run
from tests import builders
from tests.builders import at
from tests.reminders.smtp_catcher import Catcher

pytestmark = [pytest.mark.django_db, pytest.mark.service]

NINE = at("2026-03-09", 9)
HEADER = "Resend-Idempotency-Key"


def two_bills() -> Household:
    home = builders.household()
    for name in ("Laptop", "Phone"):
        builders.loan(
            of=home, name=name, now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10)
        )
    return home


def stand() -> list[tuple[str, int]]:
    return [(row.state, row.attempts) for row in Reminder.objects.filter(step="T-1").order_by("pk")]


def walk(*minutes: int) -> list[int]:
    """Tick so many minutes after nine; how many messages each tick sent."""
    return [run(NINE + timedelta(minutes=minute)) for minute in minutes]


def test_it_is_held_by_default(listening: Catcher) -> None:
    two_bills()
    listening.data_replies = [""]
    assert walk(0, 1, 6, 36, 97, 600) == [0] * 6
    assert stand() == [(State.UNCERTAIN, 1)] * 2
    assert len(listening.mails) == 1
    assert HEADER not in listening.mails[0]


def test_it_is_sent_again_after_a_minute_where_that_is_wanted(listening: Catcher, settings: Any) -> None:
    settings.UNCERTAIN_MAIL = "resend"
    two_bills()
    listening.data_replies = [""]
    assert walk(0) == [0]
    assert stand() == [(State.UNCERTAIN, 1)] * 2
    assert walk(1, 2, 10) == [2, 0, 0]
    assert stand() == [(State.SENT, 2)] * 2
    assert len({str(letter["Message-ID"]) for letter in listening.mails}) == 1
    assert len(listening.mails) == 2


def test_a_provider_that_knows_a_repeat_is_given_the_same_key(listening: Catcher, settings: Any) -> None:
    settings.EMAIL_IDEMPOTENCY_HEADER = HEADER
    two_bills()
    listening.data_replies = [""]
    assert walk(0, 1) == [0, 2]
    first, second = listening.mails
    assert first[HEADER] == second[HEADER] == key_of(str(first["Message-ID"]))


def test_a_letter_sent_again_is_the_same_letter_whatever_else_is_due_by_then(listening: Catcher, settings: Any) -> None:
    settings.EMAIL_IDEMPOTENCY_HEADER = HEADER
    home = two_bills()
    listening.data_replies = [""]
    walk(0)
    builders.loan(of=home, name="Sofa", now=NINE, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    assert sum(walk(1, 2)) == 3
    told = [len(Reminder.objects.filter(letter=str(mail["Message-ID"]))) for mail in listening.mails]
    assert (told[0], sorted(told[1:])) == (2, [1, 2])


def test_a_letter_sent_again_keeps_its_key_though_a_part_is_paid(listening: Catcher, settings: Any) -> None:
    settings.EMAIL_IDEMPOTENCY_HEADER = HEADER
    home = two_bills()
    listening.data_replies = [""]
    walk(0)
    builders.repayment(Loan.objects.get(household=home, name="Phone"), 106_619, date(2026, 3, 9), NINE)
    assert walk(1) == [1]
    assert stand() == [(State.SENT, 2), (State.SUPERSEDED, 1)]
    first, second = listening.mails
    assert first[HEADER] == second[HEADER]


def test_a_resend_refused_before_the_dot_stays_the_same_letter(listening: Catcher, settings: Any) -> None:
    settings.UNCERTAIN_MAIL = "resend"
    two_bills()
    listening.data_replies = [""]
    walk(0)
    listening.rcpt_replies = ["451 4.3.0 later"]
    assert walk(1, 2, 6) == [0, 0, 2]
    assert stand() == [(State.SENT, 3)] * 2
    assert len({str(letter["Message-ID"]) for letter in listening.mails}) == 1


def test_after_four_silences_it_is_held_whatever_the_setting(listening: Catcher, settings: Any) -> None:
    settings.UNCERTAIN_MAIL = "resend"
    two_bills()
    listening.data_replies = [""] * 9
    walk(0, 1, 6, 36, 66, 97, 600)
    assert stand() == [(State.UNCERTAIN, 4)] * 2
    assert len(listening.mails) == 4


def test_what_a_dead_worker_left_is_sent_again_where_that_is_wanted(listening: Catcher, settings: Any) -> None:
    settings.UNCERTAIN_MAIL = "resend"
    two_bills()
    run(NINE - timedelta(hours=1))
    left = Reminder.objects.filter(step="T-1")
    left.update(state=State.INFLIGHT, token="theirs", letter="<a@x>", lease_until=NINE + timedelta(minutes=5))
    assert walk(4, 5, 6) == [0, 2, 0]
    assert [str(letter["Message-ID"]) for letter in listening.mails] == ["<a@x>"]


def test_a_late_answer_spares_the_resend(listening: Catcher, settings: Any) -> None:
    settings.UNCERTAIN_MAIL = "resend"
    two_bills()
    run(NINE - timedelta(hours=1))
    left = Reminder.objects.filter(step="T-1")
    left.update(state=State.INFLIGHT, token="theirs", letter="<a@x>", lease_until=NINE + timedelta(minutes=5))
    rows = tuple(left)
    outbox.sweep(NINE + timedelta(minutes=5))
    assert stand() == [(State.PLANNED, 1)] * 2
    answer = Delivery(Outcome.ACCEPTED, "250 at last")
    outbox._settle(
        [(Mailing(rows, "theirs", "<a@x>"), answer, ("Due", "a@x.org"))], Moving(NINE + timedelta(minutes=5))
    )
    assert walk(6) == [0]
    assert {row.state for row in left.all()} == {State.SENT}
    assert listening.mails == []


def test_what_a_restore_made_doubtful_is_never_sent_again(listening: Catcher, settings: Any) -> None:
    settings.UNCERTAIN_MAIL = "resend"
    two_bills()
    run(NINE - timedelta(hours=1))
    Reminder.objects.filter(step="T-1").update(state=State.UNCERTAIN, error=RESTORED)
    assert walk(0, 1, 6) == [0, 0, 0]
    assert listening.mails == []


def test_an_old_uncertain_mail_is_not_sent_when_the_setting_changes(listening: Catcher, settings: Any) -> None:
    two_bills()
    listening.data_replies = [""]
    walk(0)
    settings.UNCERTAIN_MAIL = "resend"
    assert outbox.sweep(NINE + timedelta(days=1, minutes=2)) == 0
    assert stand() == [(State.UNCERTAIN, 1)] * 2


def test_a_policy_nobody_knows_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNCERTAIN_MAIL", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="UNCERTAIN_MAIL must be hold or resend, not 'perhaps'"):
        choice("UNCERTAIN_MAIL", "hold", "resend")
