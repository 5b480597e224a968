"""Letters of several messages: what goes together, all or nothing, and what never holds up the others."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.models import Household, Loan
from ledger.services.erasing import erasing
from reminders import emails, selectors
from reminders.action_links import read_unsubscribe_token
from reminders.mime import letter_id
from reminders.models import Kind, Reminder, State
from reminders.services import mailings, outbox, policies
from reminders.services.tries import MOST_ATTEMPTS
from reminders.tasks import run
from reminders.unsubscribing import unsubscribe_headers
from tests import builders
from tests.builders import at
from tests.reminders.smtp_catcher import Catcher

pytestmark = [pytest.mark.django_db, pytest.mark.service]

NINE = at("2026-03-09", 9)


def bills(*names: str, of: Household | None = None) -> Household:
    """A household with one bill payable on 10 March 2026 for each name."""
    home = of or builders.household()
    for name in names:
        due_tomorrow(home, name)
    return home


def due_tomorrow(home: Household, name: str) -> Loan:
    return builders.loan(
        of=home, name=name, now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10)
    )


def planned(*names: str) -> Household:
    home = bills(*names)
    run(NINE - timedelta(hours=1))
    return home


def rows() -> list[Reminder]:
    return list(Reminder.objects.filter(step="T-1").select_related("bill__loan").order_by("pk"))


def fates() -> dict[str, tuple[str, int, int]]:
    """By loan: state, attempts and refusals of the reminder a day before."""
    return {row.bill.loan.name: (row.state, row.attempts, row.refusals) for row in rows() if row.bill is not None}


def ids(message: Any) -> str:
    return str(message.extra_headers["Message-ID"])


def test_all_that_is_due_to_one_person_is_one_letter() -> None:
    bills("Laptop", "Phone", "Sofa")
    assert run(NINE) == 3
    [letter] = mail.outbox
    assert ids(letter) == letter_id([row.message_id for row in rows()])
    assert {row.letter for row in rows()} == {ids(letter)}
    assert len({row.token for row in rows()}) == 1
    assert fates() == dict.fromkeys(["Laptop", "Phone", "Sofa"], (State.SENT, 1, 0))


def test_the_only_message_of_a_letter_gives_it_its_id() -> None:
    bills("Laptop")
    run(NINE)
    assert ids(mail.outbox[0]) == rows()[0].message_id == rows()[0].letter


def test_the_name_of_a_letter_does_not_depend_on_the_order_of_what_it_tells() -> None:
    assert letter_id(["<b@x>", "<a@x>"]) == letter_id(["<a@x>", "<b@x>"]) != letter_id(["<a@x>", "<c@x>"])


def test_each_member_and_each_household_has_a_letter_of_its_own() -> None:
    home = bills("Laptop", "Phone")
    other = builders.member(home)
    both = bills("Sofa", of=builders.household(other))
    run(NINE)
    owner = home.memberships.order_by("pk")[0].user
    assert sorted((letter.to[0], len(Reminder.objects.filter(letter=ids(letter)))) for letter in mail.outbox) == sorted(
        [(owner.email, 2), (other.email, 2), (other.email, 1)]
    )
    assert Reminder.objects.filter(household=both, state=State.SENT).count() == 1


def test_a_test_mail_stands_alone() -> None:
    home = bills("Laptop")
    owner = home.memberships.get().user
    policies.ask_for_test(household=home, user=owner, key="k", now=NINE - timedelta(minutes=1))
    assert run(NINE) == 2
    assert sorted(len(Reminder.objects.filter(letter=ids(letter))) for letter in mail.outbox) == [1, 1]


def test_what_is_paid_meanwhile_is_left_out_of_the_letter() -> None:
    home = planned("Laptop", "Phone", "Sofa")
    paid = Loan.objects.get(household=home, name="Phone")
    builders.repayment(paid, 106_619, date(2026, 3, 9), NINE - timedelta(minutes=1))
    assert run(NINE) == 2
    assert fates() == {"Laptop": (State.SENT, 1, 0), "Phone": (State.SUPERSEDED, 0, 0), "Sofa": (State.SENT, 1, 0)}
    assert ids(mail.outbox[0]) == letter_id([row.message_id for row in rows() if row.state == State.SENT])


def test_a_letter_of_which_one_message_was_taken_away_is_not_sent(
    listening: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned("Laptop", "Phone")
    compose = emails.compose

    def meanwhile(some: Any, now: Any, known: Any) -> Any:
        Reminder.objects.filter(pk=some[1].pk).update(token="somebody else's")
        return compose(some, now, known)

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "compose", meanwhile)
        assert outbox.drain(NINE) == 0
    assert listening.mails == []
    assert fates() == {"Laptop": (State.PLANNED, 0, 0), "Phone": (State.SENDING, 0, 0)}
    assert [row.letter for row in rows()] == ["", ""]


def test_what_cannot_be_told_keeps_back_neither_its_letter_nor_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    bills("Laptop", "Broken", "Sofa")
    bills("Bike")
    compose = emails.compose

    def fragile(some: Any, now: Any, known: Any) -> Any:
        if any(row.bill.loan.name == "Broken" for row in some):
            raise RuntimeError("no words")
        return compose(some, now, known)

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "compose", fragile)
        assert run(NINE) == 3
        assert fates() == {
            "Laptop": (State.SENT, 1, 0),
            "Broken": (State.PLANNED, 1, 0),
            "Sofa": (State.SENT, 1, 0),
            "Bike": (State.SENT, 1, 0),
        }
        assert rows()[1].error == "RuntimeError: no words"
    run(NINE + timedelta(minutes=1))
    assert fates()["Broken"] == (State.SENT, 2, 0)
    assert len(mail.outbox) == 4


def test_what_cannot_be_judged_is_put_off_and_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bills("Laptop", "Broken")
    judge_in = selectors.judge_in

    def fragile(around: Any, row: Reminder, now: Any) -> Any:
        if row.bill is not None and row.bill.loan.name == "Broken":
            raise ZeroDivisionError
        return judge_in(around, row, now)

    monkeypatch.setattr(mailings, "judge_in", fragile)
    assert run(NINE) == 1
    assert fates() == {"Laptop": (State.SENT, 1, 0), "Broken": (State.PLANNED, 1, 0)}
    assert NINE + timedelta(minutes=1) <= rows()[1].next_at <= NINE + timedelta(minutes=2)


def test_a_recipient_without_an_address_has_failed_for_good_at_once(listening: Catcher) -> None:
    home = planned("Laptop", "Phone")
    bills("Bike")
    person = home.memberships.get().user
    person.email = ""
    person.save(update_fields=["email"])
    assert run(NINE) == 1
    run(NINE + timedelta(hours=2))
    assert fates() == {"Laptop": (State.FAILED, 1, 3), "Phone": (State.FAILED, 1, 3), "Bike": (State.SENT, 1, 0)}
    assert rows()[0].error == "the recipient has no e-mail address"
    assert rows()[0].attempts < MOST_ATTEMPTS


def test_an_address_that_cannot_be_said_has_failed_for_good_at_once(listening: Catcher) -> None:
    home = planned("Laptop")
    bills("Bike")
    person = home.memberships.get().user
    person.email = "ünicode@example.com"
    person.save(update_fields=["email"])
    assert run(NINE) == 1
    assert fates() == {"Laptop": (State.FAILED, 1, 3), "Bike": (State.SENT, 1, 0)}


def test_a_household_erased_meanwhile_holds_up_nothing(listening: Catcher, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = planned("Laptop", "Phone")
    bills("Bike")
    compose = emails.compose

    def meanwhile(some: Any, now: Any, known: Any) -> Any:
        message = compose(some, now, known)
        if some[0].household_id == gone.pk:
            with erasing():
                Household.objects.filter(pk=gone.pk).delete()
        return message

    monkeypatch.setattr(outbox, "compose", meanwhile)
    assert run(NINE) == 1
    assert [str(letter["Message-ID"]) for letter in listening.mails] == [row.letter for row in rows()]
    assert fates() == {"Bike": (State.SENT, 1, 0)}


def test_an_empty_drain_asks_one_question() -> None:
    planned("Laptop")
    with CaptureQueriesContext(connection) as asked:
        assert outbox.drain(NINE - timedelta(minutes=30)) == 0
    assert len(asked) == 1


def test_each_letter_more_costs_two_writes_and_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking, reading and judging is done for many letters at once; so is marking those that go side by side (see
    `test_lanes`), of which there are none here."""
    said = mail.EmailMultiAlternatives(subject="Due", body="Due", to=["a@example.com"])
    monkeypatch.setattr(outbox, "compose", lambda some, now, known: said)
    counts = []
    for _ in range(2):
        for _ in range(2 if counts else 1):
            planned("Laptop")
        with CaptureQueriesContext(connection) as asked:
            outbox.drain(NINE)
        counts.append(len(asked))
    assert counts[1] - counts[0] == 2


def test_what_is_left_when_a_drain_is_slow_is_put_back_and_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Laptop", "Phone", "Sofa"):
        bills(name)
    monkeypatch.setattr(outbox, "FRESH", -1.0)
    looked = []
    look_again = outbox.look_again

    def counting(taken: Any, now: Any) -> Any:
        looked.append(len(taken))
        return look_again(taken, now)

    monkeypatch.setattr(outbox, "look_again", counting)
    assert run(NINE) == 3
    assert looked == [3, 2, 1]
    assert len(mail.outbox) == 3


def test_a_letter_says_where_it_is_switched_off(listening: Catcher) -> None:
    bills("Laptop")
    run(NINE)
    assert str(listening.mails[0]["List-Unsubscribe"]).startswith("<http://localhost:8000/unsubscribe/")
    assert Reminder.objects.get(step="T-1").kind == Kind.STEP


def test_one_tap_switches_off_all_that_a_letter_is_about(settings: Any) -> None:
    """Where mail programs may post to, which takes https (RFC 8058, 3.1)."""
    settings.SITE_URL = "https://x.example"
    bills("Laptop")
    run(NINE - timedelta(hours=1))
    [step] = rows()
    other = Reminder(household=step.household, recipient=step.recipient, kind=Kind.DIGEST)
    bare = unsubscribe_headers([step, step])
    both = unsubscribe_headers([step, other])
    for headers, categories in ((bare, ("bills",)), (both, ("bills", "digest"))):
        token = headers["List-Unsubscribe"].removeprefix("<https://x.example/unsubscribe/").removesuffix("/>")
        found = read_unsubscribe_token(token)
        assert found is not None
        assert (found.recipient, found.categories) == (step.recipient_id, categories)
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    to_settings = {"List-Unsubscribe": "<https://x.example/settings/reminders/>"}
    assert unsubscribe_headers([Reminder(kind=Kind.TEST)]) == to_settings
    settings.SITE_URL = "http://x.example"
    assert list(unsubscribe_headers([step])) == ["List-Unsubscribe"]
