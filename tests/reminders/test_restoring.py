"""Messages after the books were restored: what may have left before is uncertain, what comes later goes out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.models import Loan
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from ledger.services.reversals import reverse_fact
from reminders.lists import reminder_page
from reminders.models import RESTORED, Kind, Reminder, Restore, State
from reminders.services import planning
from reminders.services.policies import ask_for_test, send_again
from reminders.services.restoring import last_restore, mark_restored
from reminders.tasks import run
from tests import builders
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")
HELD = (State.UNCERTAIN, RESTORED)


def due_on_10_march(**more: Any) -> Loan:
    return builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), **more)


def fates() -> dict[str, tuple[str, str]]:
    rows = Reminder.objects.exclude(kind=Kind.DIGEST).order_by("send_at", "pk")
    return {row.step or row.kind: (row.state, row.error) for row in rows}


def restored(backup_at: datetime, restored_at: datetime) -> int:
    return mark_restored(backup_at=backup_at, restored_at=restored_at)


def test_what_was_planned_for_the_time_since_the_backup_is_uncertain() -> None:
    due_on_10_march()
    run(at("2026-03-06"))
    assert fates() == {"T-7": (State.SENT, ""), "T-3": (State.PLANNED, "")}
    mail.outbox.clear()
    assert restored(at("2026-03-06"), at("2026-03-08")) == 1
    run(at("2026-03-08", 13))
    assert fates() == {"T-7": (State.SENT, ""), "T-3": HELD, "T-1": (State.PLANNED, "")}
    assert mail.outbox == []
    run(at("2026-03-09", 9))
    assert [message.subject.count("tomorrow") for message in mail.outbox] == [1]


def test_what_would_have_been_planned_since_the_backup_is_uncertain() -> None:
    due_on_10_march()
    run(at("2026-03-01"))
    mail.outbox.clear()
    assert restored(at("2026-03-01"), at("2026-03-08")) == 0
    run(at("2026-03-08", 13))
    assert fates()["T-3"] == HELD
    assert mail.outbox == []


def test_a_step_later_on_the_day_of_the_restore_is_uncertain_too_because_the_hour_may_have_been_another() -> None:
    due_on_10_march()
    run(at("2026-03-06"))
    restored(at("2026-03-06"), at("2026-03-07", 8))
    run(at("2026-03-07", 9))
    assert fates()["T-3"] == HELD


def test_before_eight_nothing_can_have_been_sent_that_day() -> None:
    due_on_10_march()
    run(at("2026-03-06"))
    restored(at("2026-03-06"), at("2026-03-07", 7))
    run(at("2026-03-07", 9))
    assert fates()["T-3"] == (State.SENT, "")


@pytest.mark.parametrize(
    "found",
    [
        {"state": State.SENDING, "token": "t", "lease_until": at("2026-03-09")},
        {"state": State.INFLIGHT, "token": "t", "lease_until": at("2026-03-09")},
        {"state": State.FAILED, "attempts": 4, "next_at": at("2026-03-30")},
        {"state": State.PLANNED, "attempts": 2, "next_at": at("2026-03-30")},
    ],
)
def test_what_was_on_its_way_or_to_be_tried_again_is_uncertain(found: dict[str, Any]) -> None:
    due_on_10_march()
    run(at("2026-03-06"))
    Reminder.objects.filter(step="T-3").update(**found)
    assert restored(at("2026-03-07", 9), at("2026-03-07", 10)) == 1
    assert fates()["T-3"] == HELD


def test_what_was_uncertain_is_sent_by_no_policy_after_a_restore(settings: Any) -> None:
    settings.UNCERTAIN_MAIL = "resend"
    due_on_10_march()
    run(at("2026-03-06"))
    lost = {"state": State.UNCERTAIN, "token": "x", "attempts": 1, "error": "cut", "next_at": at("2026-03-07", 9)}
    Reminder.objects.filter(step="T-3").update(**lost)
    assert restored(at("2026-03-07", 9), at("2026-03-07", 10)) == 1
    run(at("2026-03-07", 11))
    assert fates()["T-3"] == HELD


def test_what_was_refused_for_good_stays_refused() -> None:
    due_on_10_march()
    run(at("2026-03-06"))
    Reminder.objects.filter(step="T-3").update(state=State.FAILED, refusals=3, error="550 no")
    assert restored(at("2026-03-07", 9), at("2026-03-08")) == 0
    assert fates()["T-3"] == (State.FAILED, "550 no")


def test_a_test_mail_that_waited_is_uncertain() -> None:
    loan = due_on_10_march()
    person = loan.household.memberships.get().user
    ask_for_test(household=loan.household, user=person, key="k", now=at("2026-03-01"))
    restored(at("2026-03-01"), at("2026-03-02"))
    assert fates() == {"test": HELD}


def test_the_notice_of_a_debit_that_is_recorded_again_is_uncertain() -> None:
    loan = due_on_10_march()
    card = builders.account(loan.household)
    builders.balance(card, 100, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(scope=loan, sources=[card], recording=builders.recording(OPENED))
    restored(at("2026-03-09", 10), at("2026-03-11", 10))
    debit_due(at("2026-03-11", 11))
    run(at("2026-03-11", 11))
    assert fates()[Kind.ATTEMPT_FAILED] == HELD
    assert mail.outbox == []


def test_a_reminder_that_an_undoing_brings_back_may_have_been_brought_back_before() -> None:
    loan = due_on_10_march()
    run(at("2026-03-06"))
    fact = builders.repayment(loan, 106_619, date(2026, 3, 7), at("2026-03-07", 8))
    run(at("2026-03-07", 9))
    assert fates()["T-3"][0] == State.SUPERSEDED
    mail.outbox.clear()
    restored(at("2026-03-07", 10), at("2026-03-08", 10))
    reverse_fact(fact=fact, recording=builders.recording(at("2026-03-08", 11)))
    run(at("2026-03-08", 11))
    assert fates()["T-3"] == HELD
    assert mail.outbox == []
    run(at("2026-03-09", 9))
    assert len(mail.outbox) == 1


def test_a_loan_entered_after_the_restore_is_told_of_at_once() -> None:
    restored(at("2026-03-01"), at("2026-03-07", 10))
    builders.loan(now=at("2026-03-08"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    run(at("2026-03-08"))
    assert fates()["T-3"] == (State.SENT, "")


def test_the_list_says_why_it_is_uncertain_and_sends_it_when_asked() -> None:
    loan = due_on_10_march()
    run(at("2026-03-06"))
    restored(at("2026-03-06"), at("2026-03-08"))
    lines = {line.row.step: line for line in reminder_page(loan.household, at("2026-03-08")).lines}
    assert lines["T-3"].is_open
    assert lines["T-3"].why == "The books were restored from a backup, so it may have been sent before."
    mail.outbox.clear()
    assert send_again(reminder=lines["T-3"].row, now=at("2026-03-08", 13))
    run(at("2026-03-08", 13))
    assert len(mail.outbox) == 1


def test_marking_again_after_a_second_try_moves_the_moment() -> None:
    restored(at("2026-03-01"), at("2026-03-02"))
    restored(at("2026-03-01"), at("2026-03-02") + timedelta(seconds=1))
    assert Restore.objects.count() == 1
    assert last_restore() == at("2026-03-02") + timedelta(seconds=1)


def test_a_backup_from_the_future_is_restored_at_its_own_moment() -> None:
    restored(at("2026-03-05"), at("2026-03-02"))
    assert last_restore() == at("2026-03-05")


def test_planning_after_a_restore_asks_as_often_for_three_loans_as_for_one() -> None:
    home = builders.household()
    due_on_10_march(of=home)
    restored(at("2026-02-01"), at("2026-03-02"))
    planning.plan_steps(at("2026-03-02", 8))
    asked = []
    for names in (["Car"], ["Sofa", "Phone", "Bike"]):
        for name in names:
            due_on_10_march(of=home, name=name)
        with CaptureQueriesContext(connection) as queries:
            assert planning.plan_steps(at("2026-03-02", 8)) == 2 * len(names)  # issued and T-7
        asked.append(len(queries))
    assert asked[0] == asked[1]
