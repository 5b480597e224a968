"""Why did I (not) get one: every message about a bill says what became of it, in whole sentences."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from ledger.loanmath.terms import Component
from ledger.models import Bill, Loan, Role, User
from ledger.services.agreement import defer_bill
from ledger.services.charges import waive_charge
from ledger.services.reversals import reverse_fact
from reminders.lists import ReminderFilter, bill_reminders, read_filter, reminder_page
from reminders.models import Kind, Reminder, ReminderPolicy, Snooze, State
from reminders.services import planning
from reminders.tasks import run
from tests import builders
from tests.builders import at, sentences, signed_in

pytestmark = pytest.mark.django_db


def due_on_10_march(**more: Any) -> Loan:
    return builders.loan(now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), **more)


def owner_of(loan: Loan) -> User:
    return loan.household.memberships.get(role=Role.OWNER).user


def first_bill(loan: Loan) -> Bill:
    return Bill.objects.select_related("loan__lender", "loan__household").get(loan=loan, number=1)


def said(loan: Loan, now: Any) -> dict[str, str]:
    """What is said of each step."""
    shown = bill_reminders(first_bill(loan), now)
    return {line.row.step or line.row.kind: line.why for line in [*shown.waiting, *shown.lines]}


def pay(loan: Loan, paid_on: date, now: Any) -> Any:
    return builders.repayment(loan, first_bill(loan).open.total, paid_on, now)


def test_what_was_sent_says_when_and_to_whom() -> None:
    loan = due_on_10_march()
    run(at("2026-03-03", 9))
    assert said(loan, at("2026-03-03"))["T-7"] == f"Sent on 3 Mar 09:00 to {owner_of(loan).email}."
    Reminder.objects.filter(step="T-7").update(error="250 2.0.0 Ok: queued as 4XyZ")
    assert said(loan, at("2026-03-03"))["T-7"] == (
        f"Sent on 3 Mar 09:00 to {owner_of(loan).email}. The server said: 250 2.0.0 Ok: queued as 4XyZ"
    )


def test_what_waits_for_its_time_is_still_to_come() -> None:
    loan = due_on_10_march()
    for day in (3, 9):
        run(at(f"2026-03-0{day}", 9))
    shown = bill_reminders(first_bill(loan), at("2026-03-09", 10))
    assert [line.row.step for line in shown.waiting] == ["T-0", "evening"]
    assert [line.row.step for line in shown.lines] == ["T-1", "T-3", "T-7"]
    pay(loan, date(2026, 3, 9), at("2026-03-09", 11))
    assert bill_reminders(first_bill(loan), at("2026-03-09", 11)).waiting == []


def test_paid_a_minute_before_nine_it_says_so() -> None:
    loan = due_on_10_march()
    run(at("2026-03-10", 8))
    pay(loan, date(2026, 3, 10), at("2026-03-10", 8) + timedelta(minutes=59))
    run(at("2026-03-10", 9))
    assert said(loan, at("2026-03-11"))["T-0"] == "Not sent: paid on 10 Mar 08:59."


def test_paid_for_an_earlier_day_it_says_when_that_was_recorded() -> None:
    loan = due_on_10_march()
    run(at("2026-03-10", 8))
    pay(loan, date(2026, 3, 7), at("2026-03-10", 8))
    run(at("2026-03-10", 9))
    assert said(loan, at("2026-03-11"))["T-0"] == "Not sent: paid on 7 Mar, recorded on 10 Mar 08:00."


def test_a_repayment_undone_since_is_no_longer_named() -> None:
    loan = due_on_10_march()
    run(at("2026-03-10", 8))
    fact = pay(loan, date(2026, 3, 10), at("2026-03-10", 8))
    run(at("2026-03-10", 9))
    reverse_fact(fact=fact, recording=builders.recording(at("2026-03-10", 10)))
    assert said(loan, at("2026-03-10", 10))["T-0"] == "Not sent: nothing was left to pay."


def test_waived_it_says_so() -> None:
    loan = due_on_10_march()
    run(at("2026-03-10", 8))
    for component in Component:
        if amount := getattr(first_bill(loan).open, component.value):
            waive_charge(
                loan=loan,
                amount=amount,
                component=component,
                bill_number=1,
                waived_on=date(2026, 3, 10),
                recording=builders.recording(at("2026-03-10", 8)),
            )
    run(at("2026-03-10", 9))
    assert said(loan, at("2026-03-11"))["T-0"] == "Not sent: waived on 10 Mar 08:00."


def test_overtaken_it_names_the_one_that_took_its_place() -> None:
    loan = due_on_10_march()
    run(at("2026-03-03", 9))
    run(at("2026-03-13", 9))
    found = said(loan, at("2026-03-13"))
    assert {found[step] for step in ("T-3", "T-1", "T-0", "evening", "T+1")} == {
        "Not sent: a later one took its place: 3 days after."
    }


def test_a_bill_that_moved_says_where_to() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 8))
    defer_bill(
        loan=loan,
        bill_number=1,
        moved_to=date(2026, 3, 20),
        agreed_on=date(2026, 3, 9),
        recording=builders.recording(at("2026-03-09", 8)),
    )
    run(at("2026-03-09", 9))
    assert said(loan, at("2026-03-09"))["T-1"] == "Not sent: the bill moved to 20 Mar."


def test_who_left_or_does_not_want_it_is_said_in_the_words_of_the_reason() -> None:
    loan = due_on_10_march()
    gone = builders.member(loan.household)
    run(at("2026-03-09", 8))
    loan.household.memberships.filter(user=gone).delete()
    run(at("2026-03-09", 9))
    lines = bill_reminders(first_bill(loan), at("2026-03-09")).lines
    assert [line.why for line in lines if line.to == gone.email and line.row.step == "T-1"] == [
        "Not sent: the recipient left the household."
    ]


def failed(loan: Loan, attempts: int, refusals: int) -> str:
    run(at("2026-03-09", 8))
    Reminder.objects.filter(step="T-1").update(
        state=State.FAILED,
        attempts=attempts,
        refusals=refusals,
        error="550 5.1.1 no such user",
        next_at=at("2026-03-09", 10),
    )
    return said(loan, at("2026-03-09", 9))["T-1"]


def test_what_failed_gives_the_servers_reply_and_the_next_try() -> None:
    loan = due_on_10_march()
    to = owner_of(loan).email
    start = f"Could not be sent to {to}: 550 5.1.1 no such user."
    assert failed(loan, 4, 1) == f"{start} The next try is on 9 Mar 10:00."
    assert failed(loan, 4, 3) == f"{start} It is not tried again by itself."


def test_what_is_planned_says_when_and_why_it_waits() -> None:
    loan = due_on_10_march()
    run(at("2026-03-08", 10))
    planned = f"Planned for 9 Mar 09:00, to {owner_of(loan).email}."
    assert said(loan, at("2026-03-08", 10))["T-1"] == planned
    Snooze.objects.create(
        household=loan.household,
        bill=first_bill(loan),
        user=owner_of(loan),
        until=date(2026, 3, 20),
        key="k",
        created_at=at("2026-03-08"),
    )
    assert said(loan, at("2026-03-08", 10))["T-1"] == "Snoozed until 10 Mar 09:00."
    Snooze.objects.all().delete()
    Reminder.objects.filter(step="T-1").update(
        attempts=1, error="452 4.2.2 mailbox full", next_at=at("2026-03-09", 9) + timedelta(minutes=1)
    )
    assert said(loan, at("2026-03-09", 9))["T-1"] == (
        "The server could not take it yet: 452 4.2.2 mailbox full. The next try is on 9 Mar 09:01."
    )


def test_at_night_it_waits_for_the_morning_and_says_so() -> None:
    loan = due_on_10_march()
    run(at("2026-03-07", 23))
    assert said(loan, at("2026-03-07", 23))["T-3"] == "Quiet hours until 08:00: it goes out on 8 Mar 08:00."


def test_the_steps_still_to_come_are_those_of_the_ladder_not_yet_planned() -> None:
    loan = due_on_10_march()
    ReminderPolicy.objects.create(household=loan.household, days=[-7, -3, 0, 3], then_every=14, hour=18, also=[])
    run(at("2026-03-03", 18))
    shown = bill_reminders(first_bill(loan), at("2026-03-03", 18))
    assert [(step.what, step.at) for step in shown.coming[:4]] == [
        ("3 days before", at("2026-03-07", 18)),
        ("on the due day", at("2026-03-10", 18)),
        ("3 days after", at("2026-03-13", 18)),
        ("17 days after", at("2026-03-27", 18)),
    ]
    assert (shown.quiet, shown.then_every, len(shown.coming)) == ("", 14, 8)


def test_the_second_person_has_a_place_among_them() -> None:
    loan = due_on_10_march()
    other = builders.member(loan.household)
    days = {"days": [0], "then_every": 0, "hour": 9, "also": [], "second": other}
    ReminderPolicy.objects.create(household=loan.household, **days)
    assert [(step.what, step.at) for step in bill_reminders(first_bill(loan), at("2026-03-03")).coming] == [
        ("on the due day", at("2026-03-10", 9)),
        ("on the due day, to the second person", at("2026-03-10", 18)),
    ]


def test_what_a_worker_has_in_hand_says_nothing_more_than_its_state() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 8))
    Reminder.objects.filter(step="T-1").update(state=State.SENDING, token="t", lease_until=at("2026-03-09", 10))
    assert said(loan, at("2026-03-09", 9))["T-1"] == ""


def test_what_may_or_may_not_have_arrived_says_so() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 8))
    Reminder.objects.filter(step="T-1").update(state=State.UNCERTAIN)
    assert said(loan, at("2026-03-09", 9))["T-1"] == (
        "The connection was lost at the last moment, so it may or may not have arrived."
    )


def test_nothing_more_comes_of_a_bill_that_is_paid_put_away_or_switched_off() -> None:
    loan = due_on_10_march()
    ReminderPolicy.objects.create(household=loan.household, days=[-7], then_every=0, is_on=False)
    assert bill_reminders(first_bill(loan), at("2026-03-01")).quiet == (
        "Reminders are switched off, so nothing more is sent."
    )
    Loan.objects.filter(pk=loan.pk).update(archived_at=at("2026-03-01"))
    assert bill_reminders(first_bill(loan), at("2026-03-01")).quiet == (
        "The loan was put away, so nothing more is sent."
    )
    pay(loan, date(2026, 3, 1), at("2026-03-01"))
    shown = bill_reminders(first_bill(loan), at("2026-03-01"))
    assert (shown.quiet, shown.coming) == ("Nothing is left to pay, so nothing more is sent.", [])


def page_of(loan: Loan) -> str:
    return reverse("reminders:bill_reminders", args=[loan.pk, 1])


@time_machine.travel(at("2026-03-09"), tick=False)
def test_the_page_shows_it_and_sends_again_from_there() -> None:
    loan = due_on_10_march()
    failed(loan, 4, 3)
    me = signed_in(owner_of(loan))
    page = sentences(me.get(page_of(loan)).content.decode())
    assert "Reminders of bill 1" in page
    assert "550 5.1.1 no such user. It is not tried again by itself." in page
    assert "1 day after" in page
    assert (
        "Send again"
        not in signed_in(builders.member(loan.household, language="en")).get(page_of(loan)).content.decode()
    )
    row = Reminder.objects.get(step="T-1")
    answer = me.post(reverse("reminders:send_again", args=[row.pk]), {"back": "bill"})
    assert answer.headers["Location"] == page_of(loan)
    row.refresh_from_db()
    assert row.state == State.PLANNED


def test_a_strangers_bill_and_a_bill_that_is_none_are_not_found() -> None:
    loan = due_on_10_march()
    stranger, me = signed_in(owner_of(due_on_10_march())), signed_in(owner_of(loan))
    assert stranger.get(page_of(loan)).status_code == 404
    assert me.get(page_of(loan)).status_code == 200
    for number in (0, 13, 10**30):
        assert me.get(f"/loans/{loan.pk}/bills/{number}/reminders/").status_code == 404


def test_it_costs_the_same_with_one_message_and_with_many(django_assert_num_queries: Any) -> None:
    loan = due_on_10_march()
    run(at("2026-03-03", 9))
    run(at("2026-03-05", 9))
    run(at("2026-03-13", 9))
    with django_assert_num_queries(5):
        bill_reminders(first_bill(loan), at("2026-03-13"))
    for _ in range(3):
        builders.member(loan.household)
    run(at("2026-03-17", 9))
    run(at("2026-03-31", 9))
    assert Reminder.objects.filter(bill__loan=loan, bill__number=1).count() > 12
    with django_assert_num_queries(5):
        bill_reminders(first_bill(loan), at("2026-03-31"))


def test_the_list_is_narrowed_to_a_loan_and_a_state_and_its_pages_stay_so() -> None:
    home = builders.household()
    loan = due_on_10_march(of=home, name="Car")
    due_on_10_march(of=home, name="Boat")
    run(at("2026-03-09", 9))
    asked = ReminderFilter(loan.pk, State.SENT)
    lines = reminder_page(home, at("2026-03-09"), None, asked).lines
    assert [(line.row.step, line.row.bill.loan) for line in lines] == [("T-1", loan)]  # type: ignore[union-attr]
    assert asked.query(before=7) == f"?loan={loan.pk}&state=sent&before=7"
    page = signed_in(owner_of(loan)).get(reverse("reminders:reminders"), {"loan": loan.pk, "state": "sent"})
    assert f'<option value="{loan.pk}" selected>Car</option>' in page.content.decode()
    assert page.content.decode().count('<li class="row">') == 1
    none = signed_in(owner_of(loan)).get(reverse("reminders:reminders"), {"loan": loan.pk, "state": "failed"})
    assert "No reminder fits" in none.content.decode()


@pytest.mark.parametrize("wrong", [{"loan": "x"}, {"loan": "9" * 30}, {"state": "lost"}, {"loan": "٣"}])
def test_a_filter_that_is_none_is_left_out(wrong: dict[str, str]) -> None:
    assert read_filter(wrong) == ReminderFilter()


def test_a_test_mail_has_its_place_in_the_list() -> None:
    loan = due_on_10_march()
    me = signed_in(owner_of(loan))
    me.post(reverse("reminders:send_test"), {"key": "k"})
    assert Reminder.objects.filter(kind=Kind.TEST).count() == 1
    assert "Planned for" in me.get(reverse("reminders:reminders")).content.decode()


def test_bills_and_activity_lead_there() -> None:
    loan = due_on_10_march()
    planning.plan(at("2026-03-03"))
    me = signed_in(owner_of(loan))
    assert page_of(loan) in me.get(reverse("ledger:bills")).content.decode()
    assert page_of(loan) in me.get(reverse("ledger:loan", args=[loan.pk])).content.decode()
    assert page_of(loan) in me.get(reverse("reminders:reminders")).content.decode()
    activity = me.get(reverse("ledger:activity"), {"loan": loan.pk}).content.decode()
    assert f'{reverse("reminders:reminders")}?loan={loan.pk}"' in activity
