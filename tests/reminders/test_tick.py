"""The tick walked through the calendar: before, on, late, paid meanwhile, run twice, undone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from ledger.loanmath.terms import Component
from ledger.models import Bill, Heartbeat, Loan, Membership, Role
from ledger.services import heartbeat
from ledger.services.agreement import defer_bill
from ledger.services.charges import waive_charge
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from ledger.services.reversals import reverse_fact
from reminders import rules
from reminders.models import Kind, LoanWatch, Reminder, ReminderPolicy, State
from reminders.services import outbox, planning
from reminders.tasks import run
from tests import builders
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")


def due_on_10_march(**more: Any) -> Loan:
    """A loan of 12,000.00 in 12 bills, the first payable on 10 March 2026, entered on 10 February."""
    return builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), **more)


def walk(first: datetime, last: datetime, step: timedelta = timedelta(hours=1)) -> None:
    """Tick every `step` from `first` to `last`."""
    now = first
    while now <= last:
        run(now)
        now += step


def pay(loan: Loan, number: int, now: datetime) -> Any:
    bill = Bill.objects.get(loan=loan, number=number)
    return builders.repayment(loan, bill.open.total, loan.household.today(now), now)


def sent() -> list[tuple[str, datetime]]:
    rows = Reminder.objects.filter(state=State.SENT).exclude(kind=Kind.DIGEST).order_by("sent_at", "pk")
    return [(row.step or row.kind, row.send_at) for row in rows]


def fates() -> dict[str, tuple[str, str]]:
    """What became of each step: its state and reason."""
    rows = Reminder.objects.exclude(kind=Kind.DIGEST).order_by("send_at", "pk")
    return {row.step: (row.state, row.reason) for row in rows}


def test_every_step_of_a_bill_is_sent_once_at_nine() -> None:
    due_on_10_march(count=1)
    walk(at("2026-02-15", 0), at("2026-03-26", 0), timedelta(hours=4))
    before = [("issued", at("2026-02-17", 9)), ("T-7", at("2026-03-03", 9)), ("T-3", at("2026-03-07", 9))]
    day = [("T-1", at("2026-03-09", 9)), ("T-0", at("2026-03-10", 9)), ("evening", at("2026-03-10", 20))]
    after = [("T+1", 11), ("T+3", 13), ("T+7", 17), ("T+14", 24)]
    assert sent() == [*before, *day, *((step, at(f"2026-03-{number}", 9)) for step, number in after)]
    assert len(mail.outbox) == 10 + 1  # and the digest of March


def test_nothing_is_sent_before_nine() -> None:
    due_on_10_march()
    run(at("2026-03-09", 8))
    assert mail.outbox == []
    run(at("2026-03-09", 9))
    assert [row.step for row in Reminder.objects.filter(state=State.SENT)] == ["T-1"]


def test_running_twice_sends_one_mail() -> None:
    due_on_10_march()
    for _ in range(3):
        run(at("2026-03-09", 9))
    assert len(mail.outbox) == 1


def test_after_days_of_downtime_the_most_urgent_step_goes_out_once_and_the_rest_are_noted() -> None:
    due_on_10_march()
    run(at("2026-03-03", 9))
    walk(at("2026-03-10", 13), at("2026-03-10", 15))
    assert [step for step, _ in sent()] == ["T-7", "T-0"]
    overtaken = (State.SUPERSEDED, rules.Reason.OVERTAKEN)
    assert fates() == {
        "T-7": (State.SENT, ""),
        "T-3": overtaken,
        "T-1": overtaken,
        "T-0": (State.SENT, ""),
        "evening": (State.PLANNED, ""),
        "T+1": (State.PLANNED, ""),
    }


def test_after_a_night_of_downtime_a_late_reminder_waits_for_the_morning() -> None:
    due_on_10_march()
    run(at("2026-03-07", 23))
    assert mail.outbox == []
    run(at("2026-03-08", 8))
    assert [step for step, _ in sent()] == ["T-3"]
    assert "in 2 days" in mail.outbox[0].subject


def test_an_overdue_bill_is_reminded_of_although_its_due_day_was() -> None:
    due_on_10_march()
    walk(at("2026-03-09", 9), at("2026-03-11", 9), timedelta(hours=12))
    assert [step for step, _ in sent()] == ["T-1", "T-0", "evening", "T+1"]


def under_mandate() -> Loan:
    loan = due_on_10_march()
    card = builders.account(loan.household)
    builders.balance(card, 10_000_000, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(scope=loan, sources=[card], recording=builders.recording(OPENED))
    return loan


def test_a_reminder_waits_for_a_debit_that_is_being_decided() -> None:
    loan = under_mandate()
    back = at("2026-03-10", 13)  # after a night and a morning without power
    heartbeat.finished(heartbeat.LEDGER, back)
    run(back)
    assert mail.outbox == []
    debit_due(back)
    run(back + timedelta(minutes=2))
    assert Bill.objects.get(loan=loan, number=1).settled_on == date(2026, 3, 10)
    assert [kind for kind, _ in sent()] == [Kind.ATTEMPT_DONE]


def test_a_reminder_waits_for_no_debit_while_auto_repay_stands_still() -> None:
    under_mandate()
    back = at("2026-03-10", 13)
    heartbeat.finished(heartbeat.LEDGER, back - timedelta(minutes=6))
    run(back)
    assert [step for step, _ in sent()] == ["T-0"]


def test_paid_a_minute_before_nine_no_mail_at_nine() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 8))
    pay(loan, 1, at("2026-03-09", 8) + timedelta(minutes=59))
    run(at("2026-03-09", 9))
    assert mail.outbox == []
    assert fates()["T-1"] == (State.SUPERSEDED, rules.Reason.SETTLED)


def test_undoing_a_repayment_brings_the_reminder_back() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 8))
    fact = pay(loan, 1, at("2026-03-09", 8))
    run(at("2026-03-09", 9))
    reverse_fact(fact=fact, recording=builders.recording(at("2026-03-09", 11)))
    run(at("2026-03-09", 11))
    assert [step for step, _ in sent()] == ["T-1"]
    run(at("2026-03-10", 9))
    assert [step for step, _ in sent()] == ["T-1", "T-0"]


def test_undoing_a_repayment_does_not_repeat_what_was_said() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 9))
    fact = pay(loan, 1, at("2026-03-09", 10))
    run(at("2026-03-10", 9))
    reverse_fact(fact=fact, recording=builders.recording(at("2026-03-12", 11)))
    run(at("2026-03-12", 11))
    assert [step for step, _ in sent()] == ["T-1", "T+1"]
    assert "overdue by 2 days" in mail.outbox[1].subject


def test_a_bill_moved_to_another_day_is_reminded_of_anew_for_that_day() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 8))
    defer_bill(
        loan=loan,
        bill_number=1,
        moved_to=date(2026, 3, 20),
        agreed_on=date(2026, 3, 9),
        recording=builders.recording(at("2026-03-09", 8)),
    )
    walk(at("2026-03-09", 9), at("2026-03-13", 12), timedelta(hours=1))
    rows = Reminder.objects.filter(bill__number=1).order_by("send_at", "pk")
    assert [(row.about_on, row.step, row.state, row.reason) for row in rows] == [
        (date(2026, 3, 10), "T-1", State.SUPERSEDED, rules.Reason.MOVED),
        (date(2026, 3, 10), "T-0", State.SUPERSEDED, rules.Reason.MOVED),
        (date(2026, 3, 10), "evening", State.SUPERSEDED, rules.Reason.MOVED),
        (date(2026, 3, 20), "T-7", State.SENT, ""),
    ]
    assert len(mail.outbox) == 1


def test_a_waived_bill_is_not_reminded_of() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 8))
    bill = Bill.objects.get(loan=loan, number=1)
    for component in Component:
        if amount := getattr(bill.open, component.value):
            waive_charge(
                loan=loan,
                amount=amount,
                component=component,
                bill_number=1,
                waived_on=date(2026, 3, 9),
                recording=builders.recording(at("2026-03-09", 8)),
            )
    run(at("2026-03-09", 9))
    assert mail.outbox == []
    assert fates()["T-1"] == (State.SUPERSEDED, rules.Reason.SETTLED)


def test_an_archived_loan_is_silent() -> None:
    loan = due_on_10_march()
    run(at("2026-03-09", 8))
    Loan.objects.filter(pk=loan.pk).update(archived_at=at("2026-03-09", 8))
    run(at("2026-03-09", 9))
    assert mail.outbox == []
    assert fates()["T-1"] == (State.SUPERSEDED, rules.Reason.ARCHIVED)


def test_every_member_is_written_to_and_who_has_left_is_not() -> None:
    loan = due_on_10_march()
    stranger = builders.household().memberships.get().user
    viewer = builders.member(loan.household, language="zh-hans")
    gone = builders.member(loan.household, Role.EDITOR)
    run(at("2026-03-09", 8))
    Membership.objects.filter(user=gone).delete()
    run(at("2026-03-09", 9))
    owner = loan.household.memberships.get(role=Role.OWNER).user
    assert sorted(message.to for message in mail.outbox) == sorted([[owner.email], [viewer.email]])
    assert stranger.email not in str([message.to for message in mail.outbox])
    assert Reminder.objects.get(recipient=gone, step="T-1").reason == rules.Reason.LEFT


def test_a_household_chooses_its_days_and_hour_and_a_loan_its_own() -> None:
    home = builders.household()
    loan = due_on_10_march(of=home)
    other = due_on_10_march(of=home, name="Car")
    ReminderPolicy.objects.create(household=home, days=[-2], then_every=0, hour=18, also=[])
    ReminderPolicy.objects.create(household=home, loan=other, days=[], then_every=0, is_on=False)
    walk(at("2026-03-01", 0), at("2026-03-12", 0), timedelta(hours=3))
    assert sent() == [("T-2", at("2026-03-08", 18))]
    assert Reminder.objects.get(kind=Kind.STEP, state=State.SENT).bill.loan == loan  # type: ignore[union-attr]


def test_a_loan_entered_late_is_told_of_its_next_bill_at_once_but_not_of_its_arrears() -> None:
    builders.loan(now=at("2026-03-08"), disbursed_on=date(2025, 12, 10), first_due_on=date(2026, 1, 10))
    run(at("2026-03-08"))
    assert [(row.about_on, row.step) for row in Reminder.objects.filter(state=State.SENT)] == [
        (date(2026, 3, 10), "T-3")
    ]


def test_a_household_that_moves_east_is_told_by_its_new_morning() -> None:
    loan = due_on_10_march(of=builders.household(time_zone="America/New_York"))
    run(at("2026-03-08", 12))
    home = loan.household
    home.time_zone = "Pacific/Auckland"
    home.save()
    run(at("2026-03-09", 9))
    assert [row.step for row in Reminder.objects.filter(state=State.SENT)] == ["T-1"]


def test_with_nothing_to_do_a_tick_asks_each_question_once(django_assert_num_queries: Any) -> None:
    due_on_10_march()
    run(at("2026-02-20"))
    run(at("2026-02-20"))
    assert LoanWatch.objects.get().next_at == at("2026-03-02", 0)
    with django_assert_num_queries(4):
        outbox.sweep(at("2026-02-20"))
        planning.plan(at("2026-02-20"))
        outbox.drain(at("2026-02-20"))


def test_a_tick_leaves_its_heartbeat() -> None:
    run(at("2026-02-20"))
    assert Heartbeat.objects.get(job="reminders").finished_at == at("2026-02-20")


def test_the_message_id_stays_the_same_whoever_plans_it() -> None:
    due_on_10_march()
    run(at("2026-03-09", 9))
    first = mail.outbox[0].extra_headers["Message-ID"]
    LoanWatch.objects.all().delete()
    Reminder.objects.all().delete()
    run(at("2026-03-09", 10))
    assert mail.outbox[1].extra_headers["Message-ID"] == first
    assert Reminder.objects.filter(kind=Kind.STEP, message_id=first).count() == 1


def test_a_loan_that_breaks_a_rule_does_not_stop_the_others() -> None:
    home = builders.household()
    broken = due_on_10_march(of=home, name="Broken")
    due_on_10_march(of=home, name="Sound")
    ReminderPolicy.objects.create(household=home, loan=broken, days=["x"])
    run(at("2026-03-09", 9))
    assert [row.bill.loan.name for row in Reminder.objects.filter(state=State.SENT)] == ["Sound"]  # type: ignore[union-attr]
    ReminderPolicy.objects.all().delete()
    run(at("2026-03-09", 10))
    assert len(mail.outbox) == 2


def test_a_message_that_cannot_be_judged_is_put_off_and_stops_no_other() -> None:
    home = builders.household()
    broken = due_on_10_march(of=home, name="Broken")
    due_on_10_march(of=home, name="Sound")
    planning.plan(at("2026-03-09", 8))
    ReminderPolicy.objects.create(household=home, loan=broken, days=["x"])
    run(at("2026-03-09", 9))
    states = Reminder.objects.filter(step="T-1").values_list("bill__loan__name", "state", "attempts")
    assert sorted(states) == [("Broken", State.PLANNED, 1), ("Sound", State.SENT, 1)]


def test_the_database_refuses_a_second_reminder_of_the_same_step() -> None:
    due_on_10_march()
    run(at("2026-03-09", 8))
    row = Reminder.objects.get(step="T-1")
    row.pk, row.message_id = None, "<another@example.com>"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": State.SENT},
        {"state": State.SENDING},
        {"state": State.SUPERSEDED},
        {"state": "lost"},
        {"kind": Kind.TEST},
        {"step": ""},
    ],
)
def test_the_database_refuses_a_reminder_that_cannot_be(wrong: dict[str, Any]) -> None:
    due_on_10_march()
    run(at("2026-03-09", 8))
    with pytest.raises(IntegrityError), transaction.atomic():
        Reminder.objects.filter(step="T-1").update(**wrong)
