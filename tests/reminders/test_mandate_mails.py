"""What auto-repay writes about: why a debit failed, what was taken in part, and whether to go on failing."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.core import mail

from ledger.loanmath.debiting import DebitLimits
from ledger.loanmath.debits import DebitRule
from ledger.models import AutoRepayMandate, Loan, User
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import Wishes, authorize_mandate, keep_mandate, pause_mandate
from reminders.models import Kind, Reminder, State
from reminders.rules import Reason
from reminders.services import planning
from reminders.services.planning import plan
from reminders.tasks import run
from tests import builders
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")


def loan_under(balance: int, **wishes: Any) -> tuple[Loan, AutoRepayMandate]:
    """A loan with a bill of 1,066.19 payable on 10 March, under a mandate of all loans from its lender."""
    loan = builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    account = builders.account(loan.household)
    builders.balance(account, balance, date(2026, 3, 1), at("2026-03-01"))
    given = authorize_mandate(
        scope=loan.lender, sources=[account], wishes=Wishes(**wishes), recording=builders.recording(OPENED)
    )
    assert isinstance(given, AutoRepayMandate)
    return loan, given


def tick(now: datetime) -> None:
    debit_due(now)
    run(now)


def sent(kind: Kind) -> list[Any]:
    rows = Reminder.objects.filter(kind=kind, state=State.SENT).values_list("letter", flat=True)
    return [message for message in mail.outbox if message.extra_headers["Message-ID"] in set(rows)]


def test_a_failed_debit_says_until_when_paying_costs_nothing() -> None:
    loan_under(100_000)
    tick(at("2026-03-10", 10))
    [told] = sent(Kind.ATTEMPT_FAILED)
    assert told.subject == "Bank of Tests could not debit ¥1,066.19: ¥66.19 missing in Salary card ••1234"
    assert "Move at least ¥66.19 there before the next try, or pay by hand." in told.body
    assert "Paid by 10 Mar, today, it costs no penalty." in told.body


def test_a_failure_without_missing_money_says_why() -> None:
    loan_under(500_000, limits=DebitLimits(cap=100_000))
    tick(at("2026-03-10", 10))
    [told] = sent(Kind.ATTEMPT_FAILED)
    assert told.subject == (
        "Bank of Tests could not debit ¥1,066.19 from Salary card ••1234: more than the limit for one debit"
    )
    assert "at 09:30. It failed: more than the limit for one debit. Nothing was paid." in told.body
    assert "¥0.00" not in told.body


def test_a_bill_above_the_cap_is_to_be_paid_by_hand() -> None:
    loan_under(500_000, limits=DebitLimits(cap=100_000))
    run(at("2026-03-09", 9))
    assert [message.subject for message in mail.outbox] == ["Bank of Tests: ¥1,066.19 due 10 Mar, tomorrow"]
    said = "It is more than the limit for one debit, so the lender takes nothing: please pay by hand."
    assert said in mail.outbox[0].body


def test_a_part_that_was_taken_is_told_once_with_what_is_left() -> None:
    loan_under(100_000, limits=DebitLimits(partial=True))
    for hour in (10, 10, 11):
        tick(at("2026-03-10", hour))
    [told] = sent(Kind.ATTEMPT_PARTIAL)
    assert told.subject == "Bank of Tests debited only ¥1,000.00: ¥66.19 still open"
    assert (
        "Bank of Tests debited ¥1,000.00 of ¥1,066.19 from Salary card ••1234 on 10 Mar 2026 at 09:30: not enough "
        "money in the account. ¥66.19 of the bill is still open.\nIt is for Laptop, bill 1 of 12.\n\n"
        "Move at least ¥66.19 there before the next try, or pay by hand.\n"
    ) in told.body


def test_of_a_debit_spread_over_two_accounts_the_part_is_no_news() -> None:
    loan, _ = loan_under(100_000)
    cards = [*loan.household.accounts.all(), builders.account(loan.household, name="Second")]
    builders.balance(cards[1], 100_000, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(
        scope=loan,
        sources=cards,
        wishes=Wishes(limits=DebitLimits(partial=True)),
        recording=builders.recording(at("2026-03-02")),
    )
    tick(at("2026-03-10", 10))
    assert list(Reminder.objects.values_list("kind", "state")) == [(Kind.ATTEMPT_DONE, State.SENT)]
    [told] = sent(Kind.ATTEMPT_DONE)
    both = "Salary card ••1234 (¥1,000.00) and Second ••1234 (¥66.19)"
    assert told.subject == f"¥1,066.19 was debited from {both} for Bank of Tests"
    assert told.body.startswith(f"Bank of Tests debited ¥1,066.19 from {both} on 10 Mar 2026 at 09:30.\n")


def test_a_debit_that_took_a_part_of_two_accounts_names_both() -> None:
    loan, _ = loan_under(60_000)
    cards = [*loan.household.accounts.all(), builders.account(loan.household, name="Second")]
    builders.balance(cards[1], 40_000, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(
        scope=loan,
        sources=cards,
        wishes=Wishes(limits=DebitLimits(partial=True)),
        recording=builders.recording(at("2026-03-02")),
    )
    tick(at("2026-03-10", 10))
    [told] = sent(Kind.ATTEMPT_PARTIAL)
    assert told.subject == "Bank of Tests debited only ¥1,000.00: ¥66.19 still open"
    both = "Salary card ••1234 (¥600.00) and Second ••1234 (¥400.00)"
    assert f"Bank of Tests debited ¥1,000.00 of ¥1,066.19 from {both} on 10 Mar 2026 at 09:30: " in told.body


def test_after_failures_in_a_row_the_question_is_put_once() -> None:
    loan, _ = loan_under(100_000)
    for day, hour in ((10, 10), (10, 16), (11, 10), (11, 10), (11, 16), (12, 10)):
        tick(at(f"2026-03-{day}", hour))
    [asked] = sent(Kind.KEEP_ON)
    assert asked.subject == "Auto-repay of all loans from Bank of Tests failed 3 times in a row: keep it on?"
    assert (
        "Auto-repay of all loans from Bank of Tests has failed 3 times in a row. It goes on trying until you say "
        "otherwise.\n\nBank of Tests tried to debit ¥1,066.19 from Salary card ••1234 on 11 Mar 2026 at 09:30."
    ) in asked.body
    assert f"Keep, pause or change it: http://localhost:8000/loans/{loan.pk}/auto-repay/" in asked.body
    assert len(sent(Kind.ATTEMPT_FAILED)) == 4  # every other failure has its own notice


def test_the_question_comes_again_only_after_it_was_answered() -> None:
    _, given = loan_under(100_000, ask_after=2, rule=DebitRule(windows=("09:30",)))
    for day in (10, 11):
        tick(at(f"2026-03-{day}"))
    given.refresh_from_db()
    keep_mandate(mandate=given, recording=builders.recording(at("2026-03-11", 13)))
    for day in (12, 13):
        tick(at(f"2026-03-{day}"))
    assert len(sent(Kind.KEEP_ON)) == 2


def test_a_question_answered_before_it_went_out_is_not_put() -> None:
    _, given = loan_under(100_000, ask_after=1)
    now = at("2026-03-10", 10)
    debit_due(now)
    plan(now)
    given.refresh_from_db()
    pause_mandate(mandate=given, recording=builders.recording(now))
    run(now)
    assert Reminder.objects.get(kind=Kind.KEEP_ON).reason == Reason.ANSWERED
    assert sent(Kind.KEEP_ON) == []


def test_planning_finds_nothing_new_a_second_time() -> None:
    loan_under(100_000, ask_after=1)
    debit_due(at("2026-03-10", 10))
    assert plan(at("2026-03-10", 10)) > 0
    assert plan(at("2026-03-10", 10)) == 0


def test_households_nobody_can_write_to_keep_no_notice_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "BATCH", 2)
    loan_under(100_000)
    for _ in range(3):  # they fail later, so they are looked at first
        loan, _given = loan_under(100_000)
        User.objects.filter(memberships__household=loan.household).update(is_active=False)
    debit_due(at("2026-03-10", 10))

    plan(at("2026-03-10", 10))

    assert Reminder.objects.filter(kind=Kind.ATTEMPT_FAILED).count() == 1
