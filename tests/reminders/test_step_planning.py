"""Planning steps of bills and looking again before they are sent: zones, standstills, snoozes, the second person."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import IntegrityError, OperationalError, connection

from ledger.models import Bill, Household, Loan, Role, User
from ledger.services.agreement import defer_bill
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from ledger.services.repayments import confirm_repayment
from reminders import rules
from reminders.models import Kind, LoanWatch, Reminder, ReminderChoice, ReminderPolicy, Snooze, State
from reminders.selectors import other_step_words, wishes
from reminders.services import step_planning
from reminders.services.asking import any_of
from reminders.services.planning import plan
from reminders.services.policies import set_policy
from reminders.services.step_planning import plan_steps
from reminders.tasks import run
from reminders.working_days import country_of, working_day_before
from tests import builders
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")
ZONES = [  # and the day on which the clock changes, if it does; else any
    *(("Pacific/Kiritimati", "2026-03-09"), ("Pacific/Niue", "2026-03-09"), ("Asia/Shanghai", "2026-03-09")),
    *(("Asia/Kolkata", "2026-03-09"), ("Asia/Kathmandu", "2026-03-09"), ("America/New_York", "2026-03-08")),
    *(("Europe/London", "2026-03-29"), ("America/St_Johns", "2026-03-08"), ("Australia/Lord_Howe", "2026-04-05")),
    ("Africa/Casablanca", "2026-03-22"),
]


def due_on(day: date = date(2026, 3, 10), **more: Any) -> Loan:
    """A loan of 12,000.00 in 12 bills of 1,066.19, the first payable on 10 March 2026, entered on 10 February."""
    return builders.loan(now=OPENED, disbursed_on=day - timedelta(days=28), first_due_on=day, **more)


def owner_of(home: Household) -> User:
    return home.memberships.get(role=Role.OWNER).user


def sent_to(person: User) -> list[str]:
    rows = Reminder.objects.filter(state=State.SENT, recipient=person, kind=Kind.STEP).order_by("sent_at", "pk")
    return list(rows.values_list("step", flat=True))


def fate(step: str, **of: Any) -> tuple[str, str]:
    row = Reminder.objects.get(step=step, **of)
    return row.state, row.reason


# --- T-REM-1, 2, 3, 5 of the behaviors (4, ten workers, is in test_outbox)


@pytest.mark.parametrize("name, changes_on", ZONES)
def test_in_every_zone_there_is_one_mail_the_day_before_at_nine(name: str, changes_on: str) -> None:
    zone, day = ZoneInfo(name), date.fromisoformat(changes_on)
    due_on(day + timedelta(days=1), of=builders.household(time_zone=name))
    now = datetime.combine(day - timedelta(days=1), time(22), tzinfo=zone).astimezone(UTC)
    sent: list[datetime] = []
    while now.astimezone(zone).date() <= day:
        run(now)
        if Reminder.objects.filter(kind=Kind.STEP, state=State.SENT).count() > len(sent):
            sent.append(now.astimezone(zone).replace(tzinfo=None))
        now += timedelta(minutes=30)
    assert sent == [datetime.combine(day, time(9))]
    assert list(Reminder.objects.filter(kind=Kind.STEP, state=State.SENT).values_list("step", flat=True)) == ["T-1"]


def test_a_standstill_over_the_hour_of_sending_is_made_up_for_once() -> None:
    loan = due_on()
    run(at("2026-03-08", 23))
    for hour in (15, 16):
        run(at("2026-03-09", hour))
    assert sent_to(owner_of(loan.household)) == ["T-1"]


def test_a_standstill_of_a_whole_day_is_made_up_for_by_the_next_step() -> None:
    loan = due_on()
    run(at("2026-03-08", 23))
    run(at("2026-03-09", 23))  # too late to write to anybody
    assert mail.outbox == []
    for hour in (8, 9, 10):
        run(at("2026-03-10", hour))
    assert sent_to(owner_of(loan.household)) == ["T-0"]
    assert fate("T-1") == (State.SUPERSEDED, rules.Reason.OVERTAKEN)


def test_who_was_told_before_the_day_is_told_again_once_it_is_overdue() -> None:
    loan = due_on()
    for day in ("2026-03-03", "2026-03-11"):
        run(at(day, 9))
    assert sent_to(owner_of(loan.household)) == ["T-7", "T+1"]


def test_paid_a_minute_before_the_evening_nothing_is_said_in_the_evening() -> None:
    loan = due_on()
    run(at("2026-03-10", 9))
    builders.repayment(loan, 106_619, date(2026, 3, 10), at("2026-03-10", 19) + timedelta(minutes=59))
    run(at("2026-03-10", 20))
    assert sent_to(owner_of(loan.household)) == ["T-0"]
    assert fate("evening") == (State.SUPERSEDED, rules.Reason.SETTLED)


# --- The second person


def with_second(**more: Any) -> tuple[Loan, User]:
    loan = due_on(**more)
    other = builders.member(loan.household, language="en")
    set_policy(household=loan.household, policy=rules.DEFAULT, second=other.pk, now=OPENED)
    return loan, other


def test_unpaid_at_six_the_second_person_is_told_and_nobody_else() -> None:
    loan, other = with_second()
    run(at("2026-03-10", 17))
    assert sent_to(other) == ["T-0"]
    run(at("2026-03-10", 18))
    assert sent_to(other) == ["T-0", "second"]
    assert sent_to(owner_of(loan.household)) == ["T-0"]
    assert Reminder.objects.filter(step="second").count() == 1


def test_paid_at_a_minute_to_six_the_second_person_hears_nothing() -> None:
    loan, other = with_second()
    run(at("2026-03-10", 17))
    builders.repayment(loan, 106_619, date(2026, 3, 10), at("2026-03-10", 17) + timedelta(minutes=59))
    run(at("2026-03-10", 18))
    assert sent_to(other) == ["T-0"]
    assert fate("second") == (State.SUPERSEDED, rules.Reason.SETTLED)


@pytest.mark.parametrize("confirmed, heard", [(False, ["second"]), (True, [])])
def test_a_debit_nobody_has_confirmed_by_six_is_told_to_the_second_person(confirmed: bool, heard: list[str]) -> None:
    loan, other = with_second()
    card = builders.account(loan.household)
    authorize_mandate(scope=loan, sources=[card], recording=builders.recording(OPENED))
    debit_due(at("2026-03-10", 10))  # the first look of that day: the machine had been off
    assert Bill.objects.get(loan=loan, number=1).presumed == 106_619
    run(at("2026-03-10", 12))
    if confirmed:
        fact = loan.facts.get(presumed=True)
        confirm_repayment(repayment=fact, recording=builders.recording(at("2026-03-10", 17)))
    run(at("2026-03-10", 18))
    assert sent_to(other) == heard


def test_who_is_second_no_longer_is_not_told() -> None:
    loan, other = with_second()
    run(at("2026-03-10", 12))
    set_policy(household=loan.household, policy=rules.DEFAULT, now=at("2026-03-10", 13))
    run(at("2026-03-10", 18))
    assert fate("second", recipient=other) == (State.SUPERSEDED, rules.Reason.SWITCHED_OFF)


def test_somebody_who_is_no_member_is_nobodys_second() -> None:
    loan = due_on()
    set_policy(household=loan.household, policy=rules.DEFAULT, second=builders.user().pk, now=OPENED)
    assert wishes([loan.household_id]).second == {}


# --- Snoozed, muted


def test_a_snooze_holds_back_what_one_member_hears_of_one_bill() -> None:
    loan = due_on()
    me, other = owner_of(loan.household), builders.member(loan.household)
    bill = Bill.objects.get(loan=loan, number=1)
    values = {"household": loan.household, "bill": bill, "user": me, "created_at": at("2026-03-06")}
    Snooze.objects.create(until=date(2026, 3, 20), key="1", **values)
    Snooze.objects.create(until=date(2026, 3, 8), key="2", **values)  # the last word counts
    run(at("2026-03-07", 9))
    assert (sent_to(me), sent_to(other)) == ([], ["T-3"])
    run(at("2026-03-08", 9))
    assert sent_to(me) == ["T-3"]
    Snooze.objects.create(until=date(2026, 3, 10), key="3", **values)
    run(at("2026-03-09", 9))
    run(at("2026-03-10", 9))
    assert (sent_to(me), sent_to(other)) == (["T-3", "T-0"], ["T-3", "T-1", "T-0"])


def test_who_has_switched_bill_reminders_off_hears_none() -> None:
    loan = due_on()
    me, other = owner_of(loan.household), builders.member(loan.household)
    ReminderChoice.objects.create(household=loan.household, user=me, muted=[rules.Category.BILLS.value])
    ReminderChoice.objects.create(household=loan.household, user=other, muted=[rules.Category.DEBITS.value])
    run(at("2026-03-09", 9))
    assert (sent_to(me), sent_to(other)) == ([], ["T-1"])
    assert fate("T-1", recipient=me) == (State.SUPERSEDED, rules.Reason.MUTED)


def test_who_has_switched_debits_off_hears_of_no_failed_one() -> None:
    loan = due_on()
    me = owner_of(loan.household)
    ReminderChoice.objects.create(household=loan.household, user=me, muted=[rules.Category.DEBITS.value])
    card = builders.account(loan.household)
    builders.balance(card, 100, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(scope=loan, sources=[card], recording=builders.recording(OPENED))
    debit_due(at("2026-03-10", 10))
    run(at("2026-03-10", 10))
    assert fate("", kind=Kind.ATTEMPT_FAILED) == (State.SUPERSEDED, rules.Reason.MUTED)


# --- Days off


@pytest.mark.parametrize(
    "day, place, time_zone, expected",
    [
        ("2026-10-05", "", "Asia/Shanghai", "2026-09-30"),  # National Day lasts until the 7th
        ("2026-10-10", "", "Asia/Shanghai", None),  # a Saturday worked to make up for it
        ("2026-10-05", "US", "Asia/Shanghai", None),
        ("2026-07-04", "US", "UTC", "2026-07-02"),  # a Saturday, observed on Friday
        ("2026-03-08", "", "UTC", "2026-03-06"),
        ("2026-03-09", "", "UTC", None),
    ],
)
def test_the_last_working_day_before_a_day_off(day: str, place: str, time_zone: str, expected: str | None) -> None:
    found = working_day_before(date.fromisoformat(day), place, time_zone)
    assert found == (expected and date.fromisoformat(expected))


def test_the_country_follows_from_the_time_zone() -> None:
    assert [country_of(name) for name in ("Asia/Shanghai", "Europe/London", "UTC", "Mars/Olympus")] == [
        *("CN", "GB", "", "")
    ]


def test_a_bill_payable_on_a_day_off_is_reminded_of_on_the_last_working_day() -> None:
    in_china = due_on(date(2026, 10, 5), name="In China")
    in_america = due_on(date(2026, 10, 5), of=in_china.household, name="From America", holiday_calendar="US")
    run(at("2026-09-30", 9))
    rows = Reminder.objects.filter(state=State.SENT).values_list("bill__loan__name", "step")
    assert sorted(rows) == [(in_america.name, "T-7"), (in_china.name, "working_day")]


# --- Written set-based


def test_a_bill_that_was_put_off_is_not_announced_as_new() -> None:
    loan = due_on()
    defer_bill(
        loan=loan,
        bill_number=1,
        moved_to=date(2026, 3, 31),
        agreed_on=date(2026, 3, 9),
        recording=builders.recording(at("2026-03-09", 8)),
    )
    run(at("2026-03-12", 9))
    assert not Reminder.objects.filter(bill__number=1).exists()


@pytest.mark.parametrize("first, expected", [(-60, "2026-03-11"), (-22, "2026-04-18"), (-1, "2026-04-19")])
def test_a_bill_far_ahead_comes_into_sight_in_time(first: int, expected: str) -> None:
    """Payable on 10 May, in three months; announced on 19 April unless a step comes before."""
    loan = builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 5, 10), count=1)
    set_policy(household=loan.household, policy=rules.Policy(days=(first,)), now=OPENED)
    now = at("2026-02-10", 13)
    announced = Reminder.objects.filter(kind=Kind.STEP, state=State.SENT)
    while not announced.exists():
        run(now)
        now += timedelta(hours=6)
    assert announced.get().send_at == at(expected, 9)


def test_planning_stops_when_its_time_is_up_and_goes_on_at_the_next_tick() -> None:
    due_on()
    assert plan_steps(at("2026-03-09", 8), lasts=-1) == 0
    assert plan_steps(at("2026-03-09", 8)) == 3


def test_blocks_and_chunks_reach_every_loan_once(monkeypatch: pytest.MonkeyPatch) -> None:
    home = builders.household()
    for number in range(5):
        due_on(of=home, name=f"Loan {number}")
    monkeypatch.setattr(step_planning, "BLOCK", 3)
    monkeypatch.setattr(step_planning, "CHUNK", 2)
    assert plan_steps(at("2026-03-06")) == 10  # T-7 and T-3 of each
    assert plan_steps(at("2026-03-06")) == 0
    assert LoanWatch.objects.filter(next_at=at("2026-03-08", 0)).count() == 5


def test_a_busy_database_leaves_a_chunk_to_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    due_on()
    with monkeypatch.context() as patch:
        patch.setattr(step_planning, "_write", lambda *_: (_ for _ in ()).throw(OperationalError("busy")))
        assert plan_steps(at("2026-03-09", 8)) == 0
    assert plan_steps(at("2026-03-09", 8)) == 3


def test_one_loan_that_the_database_refuses_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    home = builders.household()
    loans = [due_on(of=home, name=f"Loan {number}") for number in range(5)]
    write, bad = step_planning._write, loans[2].pk

    def refuse(draft: Any, now: datetime) -> int:
        if any(watch[0] == bad for watch in draft.watches):
            raise IntegrityError("no")
        return write(draft, now)

    monkeypatch.setattr(step_planning, "_write", refuse)
    assert plan_steps(at("2026-03-09", 8)) == 12
    assert not Reminder.objects.filter(bill__loan=bad).exists()


def test_what_was_given_up_comes_back_when_its_reason_is_gone() -> None:
    loan = due_on()
    off = rules.Policy(is_on=False)
    run(at("2026-03-09", 8))
    set_policy(household=loan.household, policy=off, now=at("2026-03-09", 8))
    run(at("2026-03-09", 9))
    assert fate("T-1") == (State.SUPERSEDED, rules.Reason.SWITCHED_OFF)
    set_policy(household=loan.household, policy=rules.DEFAULT, now=at("2026-03-09", 10))
    assert plan(at("2026-03-09", 10)) == 1
    run(at("2026-03-09", 10))
    assert sent_to(owner_of(loan.household)) == ["T-1"]


def test_a_loan_has_its_own_ladder_and_its_households_quiet_hours() -> None:
    loan = due_on()
    set_policy(household=loan.household, policy=rules.Policy(quiet_from=21, quiet_until=6), now=OPENED)
    set_policy(household=loan.household, loan=loan, policy=rules.Policy(days=(-2,), also=()), now=OPENED)
    expected = rules.Policy(days=(-2,), also=(), quiet_from=21, quiet_until=6)
    assert wishes([loan.household_id]).policy(loan.household_id, loan.pk) == expected


def test_a_step_nobody_knows_any_more_is_passed_over_in_a_policy() -> None:
    home = builders.household()
    ReminderPolicy.objects.create(household=home, days=[-1], also=["noon", "evening"])
    assert wishes([home.pk]).of_household[home.pk].also == (rules.Also.EVENING,)


def test_several_questions_are_one_query(django_assert_num_queries: Any) -> None:
    due_on()
    with django_assert_num_queries(1):
        found = any_of(
            Loan.objects.filter(name="Laptop"), Loan.objects.filter(opened_at=OPENED), Bill.objects.filter(number=99)
        )
    assert found == (True, True, False)


def test_other_steps_have_words() -> None:
    keys = ["issued", "working_day", "evening", "grace", "past_due-30", "second"]
    assert [other_step_words(key) for key in keys] == [
        "when the bill comes out",
        "on the last working day before",
        "on the evening of the due day",
        "on the last day of grace",
        "the day before it is 30 days past due",
        "on the due day, to the second person",
    ]


def in_threads(*work: Any) -> list[BaseException]:
    """Each of these in a thread of its own, at the same time; what they broke with."""
    start, errors = threading.Barrier(len(work)), []

    def one(does: Any) -> None:
        try:
            start.wait()
            does()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(does,)) for does in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
def test_planners_and_a_change_of_the_settings_at_once_lose_nothing() -> None:
    home = builders.household()
    for number in range(20):
        due_on(of=home, name=f"Loan {number}")
    plan_steps(at("2026-03-01"))
    now = at("2026-03-06")

    def choose() -> None:
        set_policy(household=home, policy=rules.Policy(days=(-4,), also=()), now=now)

    assert in_threads(*[lambda: plan_steps(now)] * 4, choose) == []
    plan_steps(now)
    assert Reminder.objects.filter(step="T-4").count() == 20
    assert Reminder.objects.filter(step="T-3").count() in (0, 20)
    assert LoanWatch.objects.filter(planned_on=date(2026, 3, 6)).count() == 20
