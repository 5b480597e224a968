"""Occasions walked through the calendar: told in time, once, and not at all where they no longer hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.clock import zone
from ledger.loanmath.facts import ApplyTo, CouponKind
from ledger.loanmath.terms import Benchmark, PrepaymentFee
from ledger.models import AutoRepayAttempt, Bill, FundingAccount, Household, Loan, Paperwork
from ledger.models.paperwork import Deed, Item
from ledger.selectors.settlement import checklist
from ledger.services.agreement import change_rate
from ledger.services.charges import record_coupon
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import Wishes, authorize_mandate
from ledger.services.repayments import confirm_repayment
from ledger.services.reversals import reverse_fact
from ledger.services.settlement import mark_item
from reminders import rules
from reminders.lists import reminder_page
from reminders.models import RESTORED, Kind, OccasionWatch, Reminder, ReminderChoice, ReminderPolicy, State
from reminders.services import occasions, outbox
from reminders.services.mailings import look_again, take
from reminders.services.occasions import plan_occasions
from reminders.services.planning import plan_notices
from reminders.services.restoring import mark_restored
from reminders.why import lines_why
from tests import builders
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")


def recorded(day: str = "2026-02-10") -> Any:
    return builders.recording(at(day))


def due_on_10_march(of: Household | None = None, **more: Any) -> Loan:
    """12 bills of 1,066.19, the first payable on 10 March 2026; entered on 10 February."""
    given = {"now": OPENED, "disbursed_on": date(2026, 2, 10), "first_due_on": date(2026, 3, 10)}
    return builders.loan(of, **(given | more))


def tick(now: datetime) -> None:
    plan_occasions(now)
    outbox.drain(now)


def walk(first: str, last: str, step: timedelta = timedelta(hours=6)) -> None:
    now = at(first, 3)
    while now <= at(last, 21):
        tick(now)
        now += step


def told(kind: Kind | None = None) -> list[tuple[str, str, str]]:
    """What was sent: kind or step, the day it is about and the day and hour it was sent, by the household's clock."""
    rows = Reminder.objects.filter(state=State.SENT).exclude(kind__in=[Kind.STEP])
    rows = rows if kind is None else rows.filter(kind=kind)
    return [
        (
            row.step or row.kind,
            str(row.about_on),
            _local(row),
        )
        for row in rows.order_by("sent_at", "pk")
    ]


def _local(row: Reminder) -> str:
    assert row.sent_at is not None
    return f"{row.sent_at.astimezone(zone(row.household.time_zone)):%m-%d %H}"


def fates(kind: Kind) -> list[tuple[str, str, str, str]]:
    rows = Reminder.objects.filter(kind=kind).order_by("about_on", "send_at", "pk")
    return [(row.step, str(row.about_on), row.state, row.reason) for row in rows]


def subjects() -> list[str]:
    return [message.subject for message in mail.outbox]


# Accounts


def two_bills(amount: int) -> tuple[Household, FundingAccount]:
    """Bills of 1,066.19 on 10 March and 1,000.00 on 12 March, debited from one account that holds `amount`."""
    home = builders.household()
    card = builders.account(home, name="招行")
    for loan in (
        due_on_10_march(home),
        due_on_10_march(home, name="Phone", first_due_on=date(2026, 3, 12), annual_rate=Decimal(0)),
    ):
        authorize_mandate(scope=loan, sources=[card], recording=recorded())
    builders.balance(card, amount, date(2026, 3, 5), at("2026-03-05"))
    return home, card


def test_with_money_for_one_of_two_bills_exactly_the_second_is_told_of() -> None:
    two_bills(150_000)
    walk("2026-03-08", "2026-03-09")
    # 1,066.19 + 1,000.00 - 1,500.00 = 566.19
    assert subjects() == ["招行 ••1234 short ¥566.19 by 12 Mar (2 bills)"]
    assert told() == [("T-3", "2026-03-12", "03-09 09")]
    assert mail.outbox[0].body.startswith(
        "By 12 Mar 2026 (in 3 days) 2 bills of ¥2,066.19 together are debited from 招行 ••1234. "
        "By your own figures it holds ¥1,500.00 today, so ¥566.19 is missing.\n\n"
        "Move ¥566.19 there before 12 Mar, and nothing fails."
    )


def test_topping_up_clears_it_and_no_mail_goes() -> None:
    _, card = two_bills(150_000)
    plan_occasions(at("2026-03-08"))
    assert fates(Kind.SHORTFALL) == [("T-3", "2026-03-12", "planned", "")]
    builders.balance(card, 206_619, date(2026, 3, 8), at("2026-03-08", 18))
    tick(at("2026-03-09", 9))
    assert mail.outbox == []
    assert fates(Kind.SHORTFALL) == [("T-3", "2026-03-12", "superseded", "settled")]


def test_it_is_told_of_again_the_day_before() -> None:
    two_bills(150_000)
    walk("2026-03-08", "2026-03-09")
    debit_due(at("2026-03-10"))
    walk("2026-03-10", "2026-03-11")
    assert [row[:2] for row in told(Kind.SHORTFALL)] == [("T-3", "2026-03-12"), ("T-1", "2026-03-12")]


def test_one_that_appears_within_three_days_is_told_of_at_once() -> None:
    _, card = two_bills(300_000)
    tick(at("2026-03-10", 9))
    builders.balance(card, 10_000, date(2026, 3, 10), at("2026-03-10", 14))
    tick(at("2026-03-10", 15))
    assert told(Kind.SHORTFALL) == [("T-1", "2026-03-10", "03-10 15")]


def test_a_shortfall_that_moved_is_told_of_for_its_new_day_alone() -> None:
    _, card = two_bills(150_000)
    plan_occasions(at("2026-03-08", 23))
    builders.balance(card, 100_000, date(2026, 3, 8), at("2026-03-08", 23))
    tick(at("2026-03-09", 9))
    assert fates(Kind.SHORTFALL) == [("T-1", "2026-03-10", "sent", ""), ("T-3", "2026-03-12", "superseded", "moved")]
    assert subjects() == ["招行 ••1234 short ¥66.19 by 10 Mar (1 bill)"]


def test_money_taken_away_again_plans_it_again() -> None:
    _, card = two_bills(150_000)
    plan_occasions(at("2026-03-08"))
    builders.balance(card, 300_000, date(2026, 3, 9), at("2026-03-09", 8))
    tick(at("2026-03-09", 9))
    assert [row[2] for row in fates(Kind.SHORTFALL)] == ["superseded"]
    builders.balance(card, 150_000, date(2026, 3, 9), at("2026-03-09", 10))
    tick(at("2026-03-09", 11))
    assert [row[2] for row in fates(Kind.SHORTFALL)] == ["sent"]
    assert len(mail.outbox) == 1


def test_a_debit_that_failed_is_no_shortfall_to_come() -> None:
    two_bills(0)
    tick(at("2026-03-09", 9))
    for day in range(10, 16):
        debit_due(at(f"2026-03-{day}", 23))
        tick(at(f"2026-03-{day + 1}", 9))
    assert [row[:2] for row in told(Kind.SHORTFALL)] == [("T-1", "2026-03-10"), ("T-1", "2026-03-12")]


def test_an_unknown_balance_says_nothing() -> None:
    home = builders.household()
    authorize_mandate(scope=due_on_10_march(home), sources=[builders.account(home)], recording=recorded())
    walk("2026-03-07", "2026-03-10")
    assert Reminder.objects.filter(kind=Kind.SHORTFALL).count() == 0


# Loans


def coupon(loan: Loan, **more: Any) -> Any:
    given = {"kind": CouponKind.SHARE, "fraction": Decimal("0.5"), "until": date(2026, 4, 20)}
    return record_coupon(loan=loan, used_on=date(2026, 2, 11), recording=recorded("2026-02-11"), **(given | more))


def rise(loan: Loan) -> Any:
    return change_rate(
        loan=loan, annual_rate=Decimal("0.18"), effective_on=date(2026, 4, 20), recording=recorded("2026-02-11")
    )


def lpr(**more: Any) -> Loan:
    return due_on_10_march(benchmark=Benchmark("none", repriced_on=date(2026, 4, 20)), **more)


def locked() -> Loan:
    return due_on_10_march(
        prepayment_fee=PrepaymentFee(lock_in_months=2), disbursed_on=date(2026, 2, 20), now=at("2026-02-20")
    )


def expiring() -> Loan:
    loan = due_on_10_march()
    card = builders.account(loan.household)
    authorize_mandate(
        scope=loan, sources=[card], recording=recorded(), wishes=Wishes(expires_on=date(2026, 4, 20), trust_days=5)
    )
    return loan


@pytest.mark.parametrize(
    ("make", "kind", "days", "subject"),
    [
        (
            lambda: coupon(due_on_10_march()),
            Kind.COUPON,
            {"T-7": "04-13 09", "T-1": "04-19 09"},
            "Bank of Tests: coupon (50% off interest and fees), last day 20 Apr, in 7 days",
        ),
        (
            lambda: rise(due_on_10_march()),
            Kind.PROMOTION,
            {"T-30": "03-21 09", "T-7": "04-13 09"},
            "Bank of Tests: Laptop goes from 12% to 18%, 20 Apr, in 30 days",
        ),
        (
            lpr,
            Kind.REPRICING,
            {"T-14": "04-06 09", "T-1": "04-19 09"},
            "Bank of Tests: a new rate for Laptop, 20 Apr, in 14 days",
        ),
        (locked, Kind.LOCK_IN, {"lock_in": "04-20 09"}, "Bank of Tests: ¥12,000.00 may be repaid early from 20 Apr"),
        (
            expiring,
            Kind.MANDATE_EXPIRING,
            {"T-14": "04-06 09", "T-3": "04-17 09"},
            "Bank of Tests: auto-repay ends 20 Apr, in 14 days; ¥1,066.19 after it is not debited",
        ),
    ],
)
def test_what_happens_to_a_loan_on_20_april_is_told_of_in_time(
    make: Callable[[], Any], kind: Kind, days: dict[str, str], subject: str
) -> None:
    make()
    for day in range(61):
        now = at("2026-03-01", 9) + timedelta(days=day)
        plan_occasions(now)
        Reminder.objects.exclude(kind=kind).delete()
        outbox.drain(now)
    assert {step: moment for step, _, moment in told(kind)} == days
    assert {on for _, on, _ in told(kind)} == {"2026-04-20"}
    assert subjects()[0] == subject


def test_after_a_week_off_the_most_urgent_alone_goes_out_and_the_rest_is_noted() -> None:
    coupon(due_on_10_march())
    tick(at("2026-04-11"))
    tick(at("2026-04-19", 14))
    assert told(Kind.COUPON) == [("T-1", "2026-04-20", "04-19 14")]
    assert fates(Kind.COUPON) == [
        ("T-7", "2026-04-20", "superseded", "overtaken"),
        ("T-1", "2026-04-20", "sent", ""),
    ]


def test_after_its_day_nothing_is_said_and_both_steps_are_noted() -> None:
    coupon(due_on_10_march())
    tick(at("2026-04-11"))
    tick(at("2026-04-21", 14))
    assert [row[2:] for row in fates(Kind.COUPON)] == [("superseded", "overtaken")] * 2


def test_a_coupon_taken_back_is_not_told_of() -> None:
    given = coupon(due_on_10_march())
    plan_occasions(at("2026-04-12"))
    reverse_fact(fact=given.fact, recording=recorded("2026-04-12"))
    tick(at("2026-04-13", 9))
    assert fates(Kind.COUPON) == [("T-7", "2026-04-20", "superseded", "gone")]


def test_one_permission_for_two_loans_is_told_of_once() -> None:
    home = builders.household()
    first, second = due_on_10_march(home), due_on_10_march(home, name="Phone")
    authorize_mandate(
        scope=first.lender,
        sources=[builders.account(home)],
        recording=recorded(),
        wishes=Wishes(expires_on=date(2026, 4, 20)),
    )
    tick(at("2026-04-06", 9))
    assert [row[:2] for row in told(Kind.MANDATE_EXPIRING)] == [("T-14", "2026-04-20")]
    assert "for Bank of Tests to debit 2 loans ends" in mail.outbox[-1].body
    assert second.mandate_id == first.mandate_id


def pay_off(loan: Loan, day: str, **more: Any) -> Any:
    loan.refresh_from_db()
    on = date.fromisoformat(day)
    owed = sum(bill.open.total for bill in Bill.objects.filter(loan=loan).open())
    return builders.repayment(loan, owed, on, at(day), **more)


def test_a_loan_paid_off_is_told_of_once_with_what_is_left_to_do() -> None:
    loan = due_on_10_march(count=1)
    tick(at("2026-03-02"))
    mail.outbox.clear()
    pay_off(loan, "2026-03-10")
    walk("2026-03-10", "2026-03-12")
    assert [row[:2] for row in told(Kind.PAID_OFF)] == [("paid_off", "2026-03-10")]
    assert subjects() == ["Bank of Tests: Laptop is paid off, ¥12,120.00 by 10 Mar"]
    assert [line for line in mail.outbox[0].body.splitlines() if line.startswith("- ")] == [
        "- Ask the lender for the proof of settlement, and keep it with the documents."
    ]
    assert f"/loans/{loan.pk}/settlement/" in mail.outbox[0].body


def test_the_letter_lists_what_the_settlement_page_lists() -> None:
    loan = due_on_10_march(count=1)
    Loan.objects.filter(pk=loan.pk).update(is_secured=True)
    tick(at("2026-03-02"))
    mail.outbox.clear()
    pay_off(loan, "2026-03-10")
    marked = mark_item(loan=loan, item=Item.INSURANCE, deed=Deed.WAIVED, recording=recorded("2026-03-10"))
    assert isinstance(marked, Paperwork)
    walk("2026-03-10", "2026-03-12")
    shown = checklist(loan)
    assert shown is not None
    points = [line.removeprefix("- ") for line in mail.outbox[0].body.splitlines() if line.startswith("- ")]
    assert points == [line.item.how for line in shown.open]
    assert [line.item for line in shown.open] == [Item.PROOF, Item.COLLATERAL, Item.CREDIT_REPORT]


def test_a_letter_about_a_loan_that_is_seen_to_lists_nothing() -> None:
    loan = due_on_10_march(count=1)
    tick(at("2026-03-02"))
    mail.outbox.clear()
    pay_off(loan, "2026-03-10")
    marked = mark_item(loan=loan, item=Item.PROOF, deed=Deed.DONE, recording=recorded("2026-03-10"))
    assert isinstance(marked, Paperwork)
    walk("2026-03-10", "2026-03-12")
    assert "In all you repaid ¥12,120.00." in mail.outbox[0].body
    assert "To close it for good" not in mail.outbox[0].body
    assert f"/loans/{loan.pk}/settlement/" not in mail.outbox[0].body


def test_paid_off_and_undone_before_it_is_told_is_not_told() -> None:
    loan = due_on_10_march(count=1)
    paid = pay_off(loan, "2026-03-10")
    plan_occasions(at("2026-03-10", 23))
    reverse_fact(fact=paid, recording=recorded("2026-03-10"))
    tick(at("2026-03-11", 9))
    assert fates(Kind.PAID_OFF) == [("", "2026-03-10", "superseded", "gone")]
    pay_off(loan, "2026-03-10")
    tick(at("2026-03-11", 10))
    assert fates(Kind.PAID_OFF) == [("", "2026-03-10", "sent", "")]


def test_a_last_debit_that_is_only_presumed_pays_nothing_off_until_somebody_confirms_it() -> None:
    loan = due_on_10_march(count=1)
    authorize_mandate(scope=loan, sources=[builders.account(loan.household)], recording=recorded())
    debit_due(at("2026-03-10"))
    tick(at("2026-03-11"))
    assert fates(Kind.PAID_OFF) == []
    confirm_repayment(repayment=loan.facts.get(presumed=True), recording=recorded("2026-03-20"))
    tick(at("2026-03-20", 13))
    assert [row[:2] for row in told(Kind.PAID_OFF)] == [("paid_off", "2026-03-10")]


def test_a_loan_entered_after_it_was_paid_off_is_not_told_of() -> None:
    loan = due_on_10_march(count=1, now=at("2026-03-20"))
    pay_off(loan, "2026-03-10", apply_to=ApplyTo.DUE)
    tick(at("2026-03-20"))
    assert fates(Kind.PAID_OFF) == []


# The month


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati", "Europe/London"])
def test_the_digest_goes_out_once_a_month_on_the_first_at_nine(zone: str) -> None:
    due_on_10_march(builders.household(time_zone=zone))
    for first in ("2026-02-28", "2026-03-31", "2026-04-30"):
        for hours in range(60):
            now = at(first, 0) + timedelta(hours=hours)
            plan_occasions(now)
            outbox.drain(now)
    rows = Reminder.objects.filter(kind=Kind.DIGEST, state=State.SENT).select_related("household")
    assert [_local(row) for row in rows.order_by("sent_at")] == ["03-01 09", "04-01 09", "05-01 09"]


def test_the_digest_tells_of_last_month_this_month_and_what_is_owed() -> None:
    loan = due_on_10_march()
    card = builders.account(loan.household)
    authorize_mandate(scope=loan, sources=[card], recording=recorded())
    phone = due_on_10_march(loan.household, name="Phone", annual_rate=Decimal(0), first_due_on=date(2026, 3, 12))
    debit_due(at("2026-03-10"))  # 1,066.19, presumed: nobody knows the balance
    builders.repayment(phone, 40_000, date(2026, 3, 12), at("2026-03-12"))  # of 1,000.00
    tick(at("2026-04-01", 9))
    [body] = [message.body for message in mail.outbox if message.subject.startswith("April 2026")]
    assert "April 2026: ¥2,066.19 for 2 bills, the first 10 Apr" in subjects()
    assert "¥600.00 is overdue. Please see to it first." in body
    assert "Of the bills of March 2026: ¥400.00 is paid. ¥1,066.19 is presumed paid; nobody has confirmed it." in body
    assert "April 2026 asks for ¥2,066.19, in 2 bills." in body
    # 12,000.00 - 946.19 of principal, and 12,000.00 - 400.00
    assert "¥22,653.81 of principal is still owed in all." in body


def test_a_household_that_began_this_month_has_no_digest_of_it() -> None:
    due_on_10_march(now=at("2026-03-01"), disbursed_on=date(2026, 3, 1))
    tick(at("2026-03-02"))
    assert fates(Kind.DIGEST) == []


def test_a_digest_late_by_more_than_a_week_is_left_out() -> None:
    due_on_10_march()
    tick(at("2026-02-20"))
    tick(at("2026-03-09"))
    assert fates(Kind.DIGEST) == [("", "2026-03-01", "superseded", "overtaken")]


# Debits


def test_a_debit_that_went_well_is_told_of_once_in_the_morning() -> None:
    loan = due_on_10_march()
    card = builders.account(loan.household)
    builders.balance(card, 500_000, date(2026, 3, 9), at("2026-03-09"))
    authorize_mandate(scope=loan, sources=[card], recording=recorded())
    debit_due(at("2026-03-10", 23))
    for hour in (23, 23):
        plan_notices(at("2026-03-10", hour))
        outbox.drain(at("2026-03-10", hour))
    assert mail.outbox == []
    outbox.drain(at("2026-03-11", 8))
    assert [row[0] for row in told(Kind.ATTEMPT_DONE)] == ["attempt_done"]
    assert AutoRepayAttempt.objects.get().outcome == "success"


# Choices, restores, cost


def test_who_does_not_want_them_is_not_told_and_can_read_why() -> None:
    home, _ = two_bills(150_000)
    person = home.memberships.get().user
    ReminderChoice.objects.create(household=home, user=person, muted=[rules.Category.ACCOUNTS.value])
    walk("2026-03-08", "2026-03-09")
    assert fates(Kind.SHORTFALL) == [("T-3", "2026-03-12", "superseded", "muted")]


def test_where_reminders_are_off_nothing_is_planned() -> None:
    home, _ = two_bills(150_000)
    ReminderPolicy.objects.create(household=home, is_on=False, days=[])
    walk("2026-03-08", "2026-03-09")
    assert fates(Kind.SHORTFALL) == []


def test_every_member_is_told_and_one_who_left_is_not() -> None:
    home, _ = two_bills(150_000)
    other = builders.member(home)
    plan_occasions(at("2026-03-08"))
    home.memberships.get(user=other).delete()
    tick(at("2026-03-09", 9))
    assert sorted(row[2:] for row in fates(Kind.SHORTFALL)) == [("sent", ""), ("superseded", "left")]


def test_who_joins_is_not_told_of_what_was_before_them() -> None:
    loan = due_on_10_march(count=1)
    builders.member(loan.household)
    pay_off(loan, "2026-03-10")
    tick(at("2026-03-11", 9))
    builders.member(loan.household)
    walk("2026-03-20", "2026-03-31")
    assert [row[:2] for row in told(Kind.PAID_OFF)] == [("paid_off", "2026-03-10")] * 2
    assert Reminder.objects.filter(kind=Kind.PAID_OFF).count() == 2


def test_who_joins_is_told_of_what_happens_from_then_on() -> None:
    two_bills(150_000)
    tick(at("2026-03-31", 9))
    someone = builders.member(Household.objects.get())
    tick(at("2026-03-31", 10))
    tick(at("2026-04-01", 9))
    assert Reminder.objects.get(recipient=someone, kind=Kind.DIGEST, about_on="2026-04-01").state == State.SENT


def test_what_was_due_between_backup_and_restore_is_uncertain_and_not_sent() -> None:
    two_bills(150_000)
    plan_occasions(at("2026-03-01"))
    mark_restored(backup_at=at("2026-03-01"), restored_at=at("2026-03-09", 10))
    tick(at("2026-03-09", 11))
    assert mail.outbox == []
    rows = Reminder.objects.order_by("kind", "about_on").values_list("kind", "state", "error")
    assert list(rows) == [("digest", "uncertain", RESTORED), ("shortfall", "uncertain", RESTORED)]
    tick(at("2026-03-11", 9))
    assert told(Kind.SHORTFALL) == [("T-1", "2026-03-12", "03-11 09")]


def test_planning_twice_or_in_two_places_writes_each_once() -> None:
    two_bills(150_000)
    assert plan_occasions(at("2026-03-09", 9)) == 1
    OccasionWatch.objects.all().delete()
    assert plan_occasions(at("2026-03-09", 9)) == 0


def test_with_nothing_to_do_planning_asks_one_question(django_assert_num_queries: Any) -> None:
    two_bills(150_000)
    plan_occasions(at("2026-03-09", 9))
    with django_assert_num_queries(1):
        plan_occasions(at("2026-03-09", 10))


def test_a_household_is_looked_at_once_a_day_and_when_there_is_news() -> None:
    _, card = two_bills(150_000)
    plan_occasions(at("2026-03-09", 9))
    assert not occasions.to_plan(at("2026-03-09", 23)).exists()
    assert occasions.to_plan(at("2026-03-10", 0)).exists()
    builders.balance(card, 1, date(2026, 3, 9), at("2026-03-09", 10))
    assert occasions.to_plan(at("2026-03-09", 10)).exists()


def test_so_many_households_a_tick_those_that_wait_longest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occasions, "MOST", 2)
    homes = [due_on_10_march().household for _ in range(3)]
    seen = []
    for _ in range(2):
        plan_occasions(at("2026-03-01"))
        seen.append(set(OccasionWatch.objects.values_list("household", flat=True)))
    assert [len(ids) for ids in seen] == [2, 3]
    assert seen[1] == {home.pk for home in homes}


def test_three_households_cost_as_many_questions_as_one(django_assert_num_queries: Any) -> None:
    for _ in range(3):
        coupon(due_on_10_march())
    with django_assert_num_queries(15):
        plan_occasions(at("2026-03-02"))


def test_a_household_that_breaks_a_rule_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = due_on_10_march().household, due_on_10_march().household
    real = occasions.occasions

    def breaks(household: Household, *rest: Any) -> Any:
        if household.pk == broken.pk:
            raise ValueError
        return real(household, *rest)

    monkeypatch.setattr(occasions, "occasions", breaks)
    plan_occasions(at("2026-03-01", 9))
    assert list(Reminder.objects.values_list("household", flat=True)) == [whole.pk]
    assert OccasionWatch.objects.get(household=broken).next_at == at("2026-03-01", 9) + timedelta(minutes=30)


def test_one_whose_wishes_cannot_be_read_does_not_stop_the_others() -> None:
    broken, whole = due_on_10_march().household, due_on_10_march().household
    ReminderPolicy.objects.create(household=broken, also=5)  # read for all of them at once
    plan_occasions(at("2026-03-01", 9))
    assert list(Reminder.objects.values_list("household", flat=True)) == [whole.pk]
    assert OccasionWatch.objects.get(household=broken).next_at == at("2026-03-01", 9) + timedelta(minutes=30)


def test_eight_digests_are_judged_in_as_many_questions_as_two() -> None:
    asked = []
    for first, count in (("2026-03-01", 2), ("2026-04-01", 8)):
        while Loan.objects.count() < count:
            due_on_10_march()
        plan_occasions(at(first, 8))
        due = Reminder.objects.due(at(first, 9)).filter(kind=Kind.DIGEST)
        taken = take(due, set(due.values_list("household", flat=True)), at(first, 9))
        with CaptureQueriesContext(connection) as queries:
            assert len(look_again(taken, at(first, 9))) == count
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_once_all_is_paid_off_the_household_is_left_alone() -> None:
    loan = due_on_10_march(count=1)
    pay_off(loan, "2026-03-10")
    plan_occasions(at("2026-06-01"))
    assert OccasionWatch.objects.get().next_at is None


def test_one_overtaken_is_explained_by_no_debit() -> None:
    coupon(due_on_10_march())
    plan_occasions(at("2026-03-13", 10))
    walk("2026-04-19", "2026-04-19")
    row = Reminder.objects.get(kind=Kind.COUPON, step="T-7")
    assert (row.state, row.reason) == (State.SUPERSEDED, "overtaken")
    assert lines_why([row], at("2026-04-19"))[row.pk] == "Not sent: a more urgent one took its place."


def test_the_list_says_what_they_are_about() -> None:
    home, _ = two_bills(150_000)
    walk("2026-03-09", "2026-03-09")
    assert [line.what for line in reminder_page(home, at("2026-03-09")).lines] == ["account runs short, 3 days before"]
