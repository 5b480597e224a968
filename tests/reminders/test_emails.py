"""What the mails say: every wording, both languages, and auto-repay's news."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail

from ledger.loanmath.terms import PenaltyTerms
from ledger.models import Bill, FundingAccount, Loan
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from ledger.services.repayments import confirm_repayment
from reminders.models import Kind, Reminder, State
from reminders.tasks import run
from tests import builders
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")


def debited_loan(balance: int | None = None, **more: Any) -> tuple[Loan, FundingAccount]:
    """A loan with a bill of 1,066.19 payable on 10 March, debited at 09:30 and 15:30."""
    loan = builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), **more)
    account = builders.account(loan.household)
    if balance is not None:
        builders.balance(account, balance, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(scope=loan, sources=[account], recording=builders.recording(OPENED))
    return loan, account


def tick(now: datetime) -> None:
    """What both tasks do, in beat's order."""
    debit_due(now)
    run(now)


def subjects() -> list[str]:
    return [message.subject for message in mail.outbox]


def test_a_bill_that_is_covered_says_there_is_nothing_to_do() -> None:
    debited_loan(balance=500_000)
    run(at("2026-03-09", 9))
    assert subjects() == ["Bank of Tests will debit ¥1,066.19: 10 Mar, tomorrow"]
    assert mail.outbox[0].body.startswith(
        "Bank of Tests will debit ¥1,066.19 from Salary card ••1234 on 10 Mar 2026 (tomorrow), around 09:30 / 15:30.\n"
        "It is for Laptop, bill 1 of 12.\n\n"
        "By your own figures, Salary card ••1234 covers it. There is nothing to do.\n"
    )


def test_an_account_that_is_short_says_by_how_much() -> None:
    debited_loan(balance=100_000)
    run(at("2026-03-09", 9))
    assert subjects() == ["Salary card ••1234 short ¥66.19 by 10 Mar (1 bill)"]  # the bill is in its table
    assert "By your own figures it holds ¥1,000.00 today, so ¥66.19 is missing." in mail.outbox[0].body


def test_a_debit_that_leans_on_a_salary_says_so() -> None:
    _, account = debited_loan(balance=100_000)
    builders.inflow(account, starts_on=date(2026, 1, 5), now=at("2026-03-01"))
    run(at("2026-03-09", 9))
    assert "Salary card ••1234 covers it if Salary comes in. Please see that it has." in mail.outbox[0].body


def test_an_account_never_stated_asks_to_keep_enough_money() -> None:
    debited_loan()
    run(at("2026-03-09", 9))
    assert "Please keep enough money in Salary card ••1234. Its balance is not known here." in mail.outbox[0].body


def test_a_failed_debit_is_told_at_once_with_what_is_missing_and_the_next_try() -> None:
    debited_loan(balance=100_000)
    tick(at("2026-03-10", 10))
    [told] = [message for message in mail.outbox if "could not debit" in message.subject]
    assert "on 10 Mar 2026 at 09:30. The account was ¥66.19 short, so nothing was paid." in told.body
    assert "Auto-repay will try again from Salary card ••1234 on 10 Mar, today, at 15:30." in told.body


def test_every_failed_try_is_told_of_once() -> None:
    debited_loan(balance=100_000)
    for hour in (10, 10, 11, 16, 16, 17):
        tick(at("2026-03-10", hour))
    assert Reminder.objects.filter(kind=Kind.ATTEMPT_FAILED, state=State.SENT).count() == 2
    assert len([subject for subject in subjects() if "could not debit" in subject]) == 2


def test_a_presumed_debit_is_asked_about_and_never_reminded_of() -> None:
    debited_loan()
    run(at("2026-03-10", 9))
    for day in (10, 11, 13):
        tick(at(f"2026-03-{day}", 12))
    assert subjects() == [
        "Bank of Tests will debit ¥1,066.19: 10 Mar, today",
        "Did Bank of Tests debit ¥1,066.19 from Salary card ••1234 on 10 Mar?",
    ]
    assert "so the debit is presumed, not confirmed" in mail.outbox[1].body


def test_a_debit_confirmed_before_the_question_went_out_is_not_asked_about() -> None:
    loan, _ = debited_loan()
    debit_due(at("2026-03-10", 12))
    fact = loan.facts.get(presumed=True)
    confirm_repayment(repayment=fact, recording=builders.recording(at("2026-03-10", 12)))
    run(at("2026-03-10", 12))
    assert mail.outbox == []
    assert Reminder.objects.get(kind=Kind.CONFIRM).reason == "answered"


def test_an_overdue_bill_says_what_clearing_it_takes() -> None:
    builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    run(at("2026-03-13", 9))
    assert subjects() == ["Bank of Tests: ¥1,066.19 overdue by 3 days"]
    assert mail.outbox[0].body.startswith(
        "Bank of Tests expected ¥1,066.19 by 10 Mar 2026, 3 days ago.\nIt is for Laptop, bill 1 of 12.\n\n"
        "Clearing it today takes ¥1,066.19."
    )


def test_a_part_paid_bill_asks_for_what_is_left() -> None:
    loan = builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    builders.repayment(loan, 66_619, date(2026, 3, 8), at("2026-03-08"), bill_number=1)
    left = Bill.objects.get(loan=loan, number=1).open.total
    run(at("2026-03-09", 9))
    assert left == 40_000
    assert subjects() == ["Bank of Tests: ¥400.00 due 10 Mar, tomorrow"]
    assert "¥666.19 is paid already; this is what is left." in mail.outbox[0].body


def test_both_forms_say_the_same_and_nothing_in_them_is_loaded_from_elsewhere() -> None:
    loan = builders.loan(
        now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), name='<b>"Bike" & co</b>'
    )
    run(at("2026-03-09", 9))
    [message] = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    assert 'It is for <b>"Bike" & co</b>, bill 1 of 12.' in message.body
    assert "It is for &lt;b&gt;&quot;Bike&quot; &amp; co&lt;/b&gt;, bill 1 of 12." in str(html)
    assert f'href="http://localhost:8000/loans/{loan.pk}/repayments/new/?bill=1"' in str(html)
    assert "<img" not in str(html)
    assert "src=" not in str(html)
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_each_member_reads_their_own_language() -> None:
    loan = builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    reader = builders.member(loan.household, language="zh-hans")
    run(at("2026-03-09", 9))
    pages = {message.to[0]: str(message.alternatives[0][0]) for message in mail.outbox}  # type: ignore[attr-defined]
    assert '<html lang="zh-Hans">' in pages.pop(reader.email)
    assert ['<html lang="en">' in page for page in pages.values()] == [True]


def test_a_bill_in_grace_says_until_when_no_penalty_is_added() -> None:
    penalty = PenaltyTerms(annual_rate=Decimal("0.18"), grace_days=3)
    builders.loan(now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), penalty=penalty)
    run(at("2026-03-11", 9))
    run(at("2026-03-13", 9))
    run(at("2026-03-17", 9))
    assert subjects()[0] == "Bank of Tests: ¥1,066.19 in grace until 13 Mar, in 2 days"
    assert "The grace period lasts until 13 Mar, in 2 days." in mail.outbox[0].body
    assert "The grace period lasts until 13 Mar, today." in mail.outbox[1].body
    assert "Waiting until tomorrow adds ¥1.89." in mail.outbox[1].body
    assert subjects()[2] == "Bank of Tests: ¥1,069.50 overdue by 7 days"
    assert (
        "Clearing it today takes ¥1,069.50, of which ¥3.31 is penalty. This is our estimate; the lender’s figure "
        "prevails.\nWaiting until tomorrow adds ¥0.47.\n"
    ) in mail.outbox[2].body
