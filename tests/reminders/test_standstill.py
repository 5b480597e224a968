"""After a standstill what is late comes as one letter a person, which says so."""

from __future__ import annotations

from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.core import mail

from ledger.services.heartbeat import last_standstill
from reminders.models import Kind, Reminder, State
from reminders.services import planning
from reminders.tasks import run
from tests import builders
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

STOPPED, BACK = at("2026-03-09", 14), at("2026-03-10", 16)
SENTENCE = "Loantracker stood still from 9 Mar 14:00 until 10 Mar 16:00; this is what came due meanwhile."


def bills(count: int, **more: Any) -> None:
    """So many bills payable on 10 March 2026, of one household."""
    home = builders.household(**more)
    for number in range(count):
        builders.loan(
            of=home,
            name=f"Loan {number}",
            now=at("2026-02-10"),
            disbursed_on=date(2026, 2, 10),
            first_due_on=date(2026, 3, 10),
        )


def first_words(letter: EmailMessage | Any) -> str:
    return str(letter.body).partition("\n")[0]


def test_26_hours_down_with_three_bills_is_one_letter_of_three_rows_and_none_twice() -> None:
    bills(3)
    run(at("2026-03-09", 9))
    run(STOPPED)
    mail.outbox.clear()
    for minutes in (0, 1, 2, 60):
        run(BACK + timedelta(minutes=minutes))
    [letter] = mail.outbox
    assert letter.subject == "¥3,198.57 for 3 bills, first on 10 Mar"
    assert first_words(letter) == SENTENCE
    assert f"<p>{SENTENCE}</p>" in str(letter.alternatives[0][0])  # type: ignore[attr-defined]
    sent = Reminder.objects.filter(state=State.SENT, sent_at__gte=BACK)
    assert [(row.kind, row.step, row.send_at) for row in sent] == [(Kind.STEP, "T-0", at("2026-03-10", 9))] * 3


def test_ticks_whose_planning_breaks_off_are_no_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    bills(1)
    run(at("2026-03-08", 23))
    with monkeypatch.context() as patch:
        patch.setattr(planning, "plan", broken)
        for hour in range(7, 14):
            with pytest.raises(RuntimeError):
                run(at("2026-03-09", hour))
    run(at("2026-03-09", 14))
    assert last_standstill() == (at("2026-03-08", 23), at("2026-03-09", 7))
    [letter] = mail.outbox  # what was planned before is sent in time
    assert "stood still" not in letter.body
    assert Reminder.objects.get(step="T-1").state == State.SENT


def broken(now: Any) -> int:
    raise RuntimeError


def test_what_comes_due_after_it_is_an_ordinary_letter() -> None:
    bills(1)
    run(at("2026-03-09", 9))
    run(STOPPED)
    run(BACK)
    run(at("2026-03-10", 20))
    assert mail.outbox[-1].subject.startswith("Bank of Tests")
    assert "stood still" not in mail.outbox[-1].body


def test_back_in_the_night_it_is_said_in_the_morning() -> None:
    bills(1)
    run(at("2026-03-10", 20))
    mail.outbox.clear()
    for hour in range(2, 9):
        run(at("2026-03-12", hour))
    [letter] = mail.outbox
    assert first_words(letter) == (
        "Loantracker stood still from 10 Mar 20:00 until 12 Mar 02:00; this is what came due meanwhile."
    )


def test_a_short_stop_is_no_standstill() -> None:
    bills(1)
    run(at("2026-03-09", 8))
    run(at("2026-03-09", 10))
    assert last_standstill() is None
    assert "stood still" not in mail.outbox[0].body


def test_the_first_tick_of_all_follows_no_standstill() -> None:
    bills(1)
    run(at("2026-03-09", 12))
    assert last_standstill() is None
    assert "stood still" not in mail.outbox[0].body
