"""Letters as a whole: every step's words, several things in one letter, both languages, and what they cost."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.loanmath.terms import PenaltyTerms
from ledger.models import AutoRepayMandate, Bill, Household, Lender, Loan, Role, User
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from ledger.services.projection import refresh_loan
from reminders.emails import compose, letter, one_tap
from reminders.emails.parts import Action, Around, Line, Part, Urgency
from reminders.links import link
from reminders.mime import wire_text
from reminders.models import Kind, Reminder
from tests import builders
from tests.builders import at

pytestmark = pytest.mark.django_db

OPENED = at("2026-02-10")
DASHES = "-- "  # what mail programs know a signature by
FOOT = f"""
{DASHES}
Loantracker writes to you as a member of Home. You choose what it reminds you of.
http://localhost:8000/settings/reminders/
"""
RELATED = (
    *("household", "recipient", "attempt__account"),
    *("attempt__mandate__loan", "attempt__mandate__credit_line", "attempt__mandate__lender"),
    *("bill__loan__household", "bill__loan__mandate", "bill__loan__lender"),
)


@pytest.fixture(autouse=True)
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed links differ from moment to moment; those who test them put their own there."""
    monkeypatch.setattr(Around, "may_tap", False)


@pytest.fixture
def me() -> User:
    return builders.user()


@pytest.fixture
def home(me: User) -> Household:
    return builders.household(me)


def laptop(home: Household, **more: Any) -> Loan:
    """Its first bill, 1,066.19, is payable on 10 March 2026."""
    values: dict[str, Any] = {"disbursed_on": date(2026, 2, 10), "first_due_on": date(2026, 3, 10)}
    return builders.loan(home, now=OPENED, **(values | more))


def car(home: Household, balance: int | None = None, name: str = "Car", card: str = "Salary card") -> Loan:
    """Its first bill, 1,066.87, is payable on 12 March 2026, by auto-repay at 09:30 and 15:30."""
    loan = laptop(home, name=name, first_due_on=date(2026, 3, 12))
    account = builders.account(home, name=card)
    if balance is not None:
        builders.balance(account, balance, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(scope=loan, sources=[account], recording=builders.recording(OPENED))
    return loan


def told(loan: Loan, reader: User, step: str = "T-3", kind: Kind = Kind.STEP) -> Reminder:
    """A message about the loan's first bill, as the outbox takes it."""
    bill = Bill.objects.get(loan=loan, number=1)
    attempt = bill.attempts.order_by("-pk").first() if kind is not Kind.STEP else None
    row = Reminder.objects.create(
        household=loan.household,
        recipient=reader,
        kind=kind,
        bill=bill,
        attempt=attempt,
        about_on=bill.payable_on,
        step=step if kind is Kind.STEP else "",
        created_at=OPENED,
        send_at=OPENED,
        next_at=OPENED,
        message_id=f"<{builders.unique()}@localhost>",
    )
    return Reminder.objects.select_related(*RELATED).get(pk=row.pk)


def html_of(message: EmailMultiAlternatives) -> str:
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    return str(html)


def cells(message: EmailMultiAlternatives) -> list[list[str]]:
    """The rows of the letter's table, their words alone."""
    rows = re.findall(r"<tr.*?</tr>", html_of(message), re.DOTALL)
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


def links(loan: Loan) -> str:
    return (
        f"Record a repayment: http://localhost:8000/loans/{loan.pk}/repayments/new/?bill=1\n"
        f"See the loan: http://localhost:8000/loans/{loan.pk}/\n"
    )


STEPS = [
    (
        "T-3",
        at("2026-03-07", 9),
        "Bank of Tests: ¥966.19 due 10 Mar, in 3 days",
        "Bank of Tests expects ¥966.19 by 10 Mar 2026, in 3 days.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "Already paid? Record it, and the reminders of this bill stop.\n",
    ),
    (
        "issued",
        at("2026-03-01", 9),
        "Bank of Tests: new bill of ¥966.19, due 10 Mar, in 9 days",
        "Bank of Tests has issued a bill of ¥966.19, payable by 10 Mar 2026, in 9 days.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "Already paid? Record it, and the reminders of this bill stop.\n",
    ),
    (
        "working_day",
        at("2026-03-09", 9),
        "Bank of Tests: ¥966.19 due 10 Mar, tomorrow; today is the last working day before",
        "Bank of Tests expects ¥966.19 by 10 Mar 2026, tomorrow, which is no working day. Today is the last one before "
        "it: a transfer made later may not arrive in time.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "Already paid? Record it, and the reminders of this bill stop.\n",
    ),
    (
        "T-0",
        at("2026-03-10", 9),
        "Bank of Tests: ¥966.19 due today, 10 Mar",
        "Bank of Tests expects ¥966.19 today, 10 Mar 2026.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "Already paid? Record it, and the reminders of this bill stop.\n",
    ),
    (
        "evening",
        at("2026-03-10", 20),
        "Bank of Tests: ¥966.19 due tonight and still unpaid, 10 Mar",
        "¥966.19 to Bank of Tests is due tonight, 10 Mar 2026, and is not recorded as paid.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "Already paid? Record it, and the reminders of this bill stop.\n"
        "Paid by 13 Mar, in 3 days, it costs no penalty.\n",
    ),
    (
        "second",
        at("2026-03-10", 18),
        "Bank of Tests: nobody has paid ¥966.19 yet, due today, 10 Mar",
        "¥966.19 to Bank of Tests is due 10 Mar, today, and nobody in Home has recorded that it is paid.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "You are told because the household asked for a second pair of eyes. Please see to it, or ask who does.\n",
    ),
    (
        "T+1",
        at("2026-03-11", 9),
        "Bank of Tests: ¥966.19 in grace until 13 Mar, in 2 days",
        "Bank of Tests expected ¥966.19 by 10 Mar 2026, yesterday.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "The grace period lasts until 13 Mar, in 2 days. Pay by then, and no penalty is added.\n"
        "From 14 Mar on, waiting will have added ¥1.89.\n",
    ),
    (
        "grace",
        at("2026-03-13", 9),
        "Bank of Tests: ¥966.19, last day without a penalty, 13 Mar",
        "Bank of Tests expected ¥966.19 by 10 Mar 2026, 3 days ago.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "Today is the last day on which paying adds no penalty.\n"
        "Waiting until tomorrow adds ¥1.89.\n",
    ),
    (
        "past_due-30",
        at("2026-04-08", 9),
        "Bank of Tests: ¥979.91, 30 days past due tomorrow",
        "Bank of Tests expected ¥979.91 by 10 Mar 2026, 29 days ago.\n"
        "It is for Laptop, bill 1 of 12.\n"
        "¥100.00 is paid already; this is what is left.\n\n"
        "Tomorrow it is 30 days past due. Lenders count in such steps, and a loan that reaches the next one can be "
        "reported as worse.\n"
        "Clearing it today takes ¥979.91, of which ¥13.72 is penalty. This is our estimate; the lender’s figure "
        "prevails.\n"
        "Waiting until tomorrow adds ¥0.47.\n",
    ),
]


@pytest.mark.parametrize(("step", "now", "subject", "said"), STEPS, ids=[step for step, *_ in STEPS])
def test_each_step_in_its_own_words(
    me: User, home: Household, step: str, now: datetime, subject: str, said: str
) -> None:
    """The penalty is 18 % a year on the principal of the bill, 946.19, from its payable day on, after 3 days of grace:
    946.19 × 0.18 / 360 = 0.473 a day, so 1.89 for 4 days and 13.72 for 29."""
    loan = laptop(home, penalty=PenaltyTerms(annual_rate=Decimal("0.18"), grace_days=3))
    builders.repayment(loan, 10_000, date(2026, 3, 1), at("2026-03-01"), bill_number=1)
    refresh_loan(loan, home.today(now))

    row = told(loan, me, step)
    row.send_at = now
    message = compose([row], now)

    assert message.subject == subject
    assert message.body == f"{said}\n{links(loan)}{FOOT}"


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"day_offset": -1}, "on 11 Mar 2026 (in 2 days), around 09:30 / 15:30."),
        ({"paused_on": date(2026, 3, 1), "resumes_on": date(2026, 3, 14)}, "on 14 Mar 2026 (in 5 days), around"),
    ],
)
def test_a_letter_names_the_day_of_the_debit_not_of_the_bill(
    me: User, home: Household, changed: dict[str, Any], said: str
) -> None:
    loan = car(home, balance=5_000_000)
    AutoRepayMandate.objects.update(**changed)
    row = Reminder.objects.select_related(*RELATED).get(pk=told(loan, me).pk)
    assert said in compose([row], at("2026-03-09", 9)).body


def test_what_was_tried_in_vain_today_is_tried_tomorrow(me: User, home: Household) -> None:
    loan = car(home, balance=10_000)
    for hour in (10, 16):
        debit_due(at("2026-03-12", hour))
    row = Reminder.objects.select_related(*RELATED).get(pk=told(loan, me, "T-0").pk)
    assert "on 13 Mar 2026 (tomorrow), around 09:30 / 15:30." in compose([row], at("2026-03-12", 17)).body


def test_between_two_tries_only_the_second_is_named(me: User, home: Household) -> None:
    loan = car(home, balance=10_000)
    debit_due(at("2026-03-12", 10))
    row = Reminder.objects.select_related(*RELATED).get(pk=told(loan, me, "T-0").pk)
    assert "on 12 Mar 2026 (today), around 15:30." in compose([row], at("2026-03-12", 11)).body


def test_sent_a_day_late_a_step_does_not_speak_of_tomorrow(me: User, home: Household) -> None:
    loan = laptop(home)
    row = told(loan, me, "past_due-30")
    refresh_loan(loan, date(2026, 4, 9))
    late = Reminder.objects.select_related(*RELATED).get(pk=row.pk)
    assert "30 days past due tomorrow" not in compose([late], at("2026-04-10", 9)).body


def test_a_bill_to_be_debited_says_so_when_it_is_issued(me: User, home: Household) -> None:
    loan = car(home, balance=100_000)
    message = compose([told(loan, me, "issued")], at("2026-03-02", 9))
    assert message.body == (
        "Bank of Tests has issued a bill of ¥1,066.87, payable by 12 Mar 2026, in 10 days.\n"
        "It is for Car, bill 1 of 12.\n\n"
        "Bank of Tests will debit ¥1,066.87 from Salary card ••1234 on 12 Mar 2026 (in 10 days), around 09:30 / 15:30."
        "\nBy your own figures, Salary card ••1234 is ¥66.87 short. Move the money there before the debit, or pay by "
        f"hand.\n\n{links(loan)}{FOOT}"
    )


def test_a_debit_done_says_what_was_debited_and_from_where(me: User, home: Household) -> None:
    loan = car(home, balance=500_000)
    debit_due(at("2026-03-12", 10))
    message = compose([told(loan, me, kind=Kind.ATTEMPT_DONE)], at("2026-03-12", 10))
    assert message.subject == "¥1,066.87 was debited from Salary card ••1234 for Bank of Tests"
    assert message.body == (
        "Bank of Tests debited ¥1,066.87 from Salary card ••1234 on 12 Mar 2026 at 09:30.\n"
        "It is for Car, bill 1 of 12.\n\n"
        "The bill is paid. There is nothing to do.\n\n"
        f"See the loan: http://localhost:8000/loans/{loan.pk}/\n{FOOT}"
    )
    assert cells(message) == [
        ["Bill", "Day", "Amount"],
        ["Bank of Tests Car, bill 1 of 12", "12 Mar today", "¥1,066.87"],
    ]


def test_a_debit_nobody_has_confirmed_is_told_to_the_second_person(me: User, home: Household) -> None:
    loan = car(home)
    debit_due(at("2026-03-12", 10))
    message = compose([told(loan, me, "second")], at("2026-03-12", 18))
    assert message.subject == "Bank of Tests: nobody has confirmed the debit of ¥1,066.87"
    assert message.body.startswith(
        "Bank of Tests was to debit ¥1,066.87, due 12 Mar, today, and nobody in Home has confirmed that it did.\n"
        "It is for Car, bill 1 of 12.\n\nYou are told because"
    )


def test_several_bills_are_one_letter_with_one_table(me: User, home: Household) -> None:
    overdue, debited = laptop(home), car(home, balance=500_000)
    phone = laptop(home, name="Phone", principal=60_000, first_due_on=date(2026, 3, 14))
    builders.repayment(phone, 3_000, date(2026, 3, 1), at("2026-03-01"), bill_number=1)
    rows = [told(phone, me), told(debited, me, "T-1"), told(overdue, me, "T+1")]

    message = compose(rows, at("2026-03-11", 9))

    assert message.subject == "¥2,156.44 for 3 bills, the first overdue since 10 Mar"
    assert message.body == (
        "¥2,156.44 for 3 bills, the first overdue since 10 Mar\n\n"
        "Bank of Tests · Laptop, bill 1 of 12\n"
        "10 Mar, yesterday · ¥1,066.19\n"
        "No auto-repay: please pay by hand.\n\n"
        "Bank of Tests · Car, bill 1 of 12\n"
        "12 Mar, tomorrow · ¥1,066.87\n"
        "Auto-repay from Salary card ••1234, which covers it.\n\n"
        "Bank of Tests · Phone, bill 1 of 12\n"
        "14 Mar, in 3 days · ¥23.38\n"
        "No auto-repay: please pay by hand.\n"
        "¥30.00 is paid already; this is what is left.\n\n"
        f"See everything that is due: http://localhost:8000/\n{FOOT}"
    )
    assert cells(message) == [
        ["Bill", "Day", "Amount"],
        ["Bank of Tests Laptop, bill 1 of 12", "10 Mar yesterday", "¥1,066.19"],
        ["No auto-repay: please pay by hand."],
        ["Bank of Tests Car, bill 1 of 12", "12 Mar tomorrow", "¥1,066.87"],
        ["Auto-repay from Salary card ••1234, which covers it."],
        ["Bank of Tests Phone, bill 1 of 12", "14 Mar in 3 days", "¥23.38"],
        ["No auto-repay: please pay by hand. ¥30.00 is paid already; this is what is left."],
    ]


def test_bills_to_come_are_summed_with_their_first_day(me: User, home: Household) -> None:
    rows = [told(car(home), me), told(laptop(home), me)]
    assert compose(rows, at("2026-03-08", 9)).subject == "¥2,133.06 for 2 bills, first on 10 Mar"


def test_two_currencies_are_never_one_sum(me: User, home: Household) -> None:
    dollars = laptop(home, name="Phone", currency="USD", principal=60_000)
    rows = [told(dollars, me), told(car(home), me), told(laptop(home), me)]
    assert compose(rows, at("2026-03-08", 9)).subject == "¥2,133.06 and $53.31 for 3 bills, first on 10 Mar"


def test_a_bill_told_of_twice_counts_once(me: User, home: Household) -> None:
    loan = car(home, balance=100_000)
    debit_due(at("2026-03-12", 10))
    message = compose([told(loan, me, "T-0"), told(loan, me, kind=Kind.ATTEMPT_FAILED)], at("2026-03-12", 10))
    assert message.subject == "Bank of Tests could not debit ¥1,066.87: ¥66.87 missing in Salary card ••1234"
    assert [row[0] for row in cells(message)][1] == "Bank of Tests Car, bill 1 of 12"
    assert len([row for row in cells(message) if len(row) == 3]) == 2
    assert "* Bank of Tests could not debit ¥1,066.87: ¥66.87 missing in Salary card ••1234 *" in message.body


def test_what_is_no_bill_is_counted_beside_the_sum(me: User, home: Household) -> None:
    presumed = car(home)
    debit_due(at("2026-03-12", 10))
    rows = [told(presumed, me, kind=Kind.CONFIRM), told(laptop(home), me, "T+2")]
    assert compose(rows, at("2026-03-12", 11)).subject == "Bank of Tests: ¥1,066.19 overdue by 2 days (and 1 more)"


def test_debits_done_are_summed_as_debited(me: User, home: Household) -> None:
    first, second = car(home, balance=500_000), laptop(home, first_due_on=date(2026, 3, 12))
    authorize_mandate(scope=second, sources=list(home.accounts.all()), recording=builders.recording(OPENED))
    debit_due(at("2026-03-12", 10))
    rows = [told(loan, me, kind=Kind.ATTEMPT_DONE) for loan in (first, second)]
    assert compose(rows, at("2026-03-12", 10)).subject == "¥2,133.74 was debited for 2 bills"


CHINESE_FOOT = f"""
{DASHES}
你是“Home”的成员，所以收到这封邮件。提醒什么，由你决定。
http://localhost:8000/settings/reminders/
"""


def chinese_links(loan: Loan) -> str:
    return (
        f"记一笔还款：http://localhost:8000/loans/{loan.pk}/repayments/new/?bill=1\n"
        f"查看贷款：http://localhost:8000/loans/{loan.pk}/\n"
    )


def test_a_bill_to_come_in_chinese(home: Household) -> None:
    reader, loan = builders.member(home, language="zh-hans"), laptop(home)
    message = compose([told(loan, reader)], at("2026-03-07", 9))
    assert message.subject == "【还款提醒】Bank of Tests本期应还¥1,066.19，还款日3月10日（3天后）"
    assert message.body == (
        "Bank of Tests本期应还¥1,066.19，还款日2026年3月10日（3天后）。\n"
        "这是“Laptop”第1期，共12期。\n\n"
        f"已经还了？记一笔，这期就不再提醒。\n\n{chinese_links(loan)}{CHINESE_FOOT}"
    )


def test_a_debit_that_is_covered_in_chinese(home: Household) -> None:
    reader, loan = builders.member(home, language="zh-hans"), car(home, balance=500_000)
    message = compose([told(loan, reader)], at("2026-03-10", 9))
    assert message.subject == "【自动还款】Bank of Tests将扣款¥1,066.87：3月12日（2天后）"
    assert message.body == (
        "自动还款：Bank of Tests预计于2026年3月12日（2天后）09:30 / 15:30左右从Salary card ••1234扣款¥1,066.87。\n"
        "这是“Car”第1期，共12期。\n\n"
        f"按你填写的余额，Salary card ••1234够扣，不用操心。\n\n{chinese_links(loan)}{CHINESE_FOOT}"
    )


def test_an_overdue_bill_in_chinese(home: Household) -> None:
    reader, loan = builders.member(home, language="zh-hans"), laptop(home)
    message = compose([told(loan, reader, "T+7")], at("2026-03-17", 9))
    assert message.subject == "【已逾期7天】Bank of Tests应还¥1,066.19"
    assert message.body == (
        "Bank of Tests本期应还¥1,066.19，还款日2026年3月10日已过（7天前）。\n"
        "这是“Laptop”第1期，共12期。\n\n"
        f"今日结清需¥1,066.19。\n\n{chinese_links(loan)}{CHINESE_FOOT}"
    )


def test_names_are_text_and_nothing_else(me: User, home: Household) -> None:
    loan = laptop(home, name="<b>Bike</b> & co")
    Lender.objects.filter(pk=loan.lender_id).update(name="A&B <Bank>\nBcc: all@example.com")
    message = compose([told(loan, me)], at("2026-03-09", 9))
    assert message.subject == "A&B <Bank> Bcc: all@example.com: ¥1,066.19 due 10 Mar, tomorrow"
    assert "<title>A&amp;B &lt;Bank&gt; Bcc: all@example.com: ¥1,066.19 due 10 Mar, tomorrow</title>" in html_of(
        message
    )
    assert "It is for &lt;b&gt;Bike&lt;/b&gt; &amp; co, bill 1 of 12." in html_of(message)
    assert "It is for <b>Bike</b> & co, bill 1 of 12." in message.body
    assert "<b>" not in html_of(message)
    assert message.message()["Bcc"] is None


def test_no_control_character_of_a_name_gets_into_a_header(me: User, home: Household) -> None:
    loan = laptop(home)
    Lender.objects.update(name="River\x07 \x1bBank\r\nBcc:\x7f x@example.com")
    letter = compose([told(loan, me)], at("2026-03-07", 9))
    assert letter.subject == "River Bank Bcc: x@example.com: ¥1,066.19 due 10 Mar, in 3 days"
    head = wire_text(letter).partition(b"\r\n\r\n")[0]
    assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]|\r\nBcc", head)


def test_a_letter_loads_nothing_and_leads_nowhere_else(me: User, home: Household) -> None:
    rows = [told(car(home), me), told(laptop(home), me)]
    for message in (compose(rows, at("2026-03-08", 9)), compose(rows[:1], at("2026-03-08", 9))):
        html = html_of(message)
        assert re.findall(r"<(?:img|link|script|iframe|object|form|base)\b|\bsrc=|url\(|@import", html) == []
        assert all(link.startswith(settings.SITE_URL) for link in re.findall(r'href="([^"]*)"', html))
        assert re.search(r"\d{5,}", re.sub(r"https?:\S+", "", message.body)) is None  # of an account, four digits


def test_the_letter_is_known_by_what_it_tells(me: User, home: Household) -> None:
    one, other = told(car(home), me), told(laptop(home), me)
    now = at("2026-03-08", 9)
    assert compose([one], now).extra_headers["Message-ID"] == one.message_id
    both = compose([one, other], now).extra_headers["Message-ID"]
    assert both == compose([other, one], now).extra_headers["Message-ID"]
    assert re.fullmatch(r"<[0-9a-f]{32}@localhost>", both)
    assert both not in {one.message_id, other.message_id}


def queries(rows: list[Reminder], now: datetime) -> int:
    with CaptureQueriesContext(connection) as asked:
        compose(rows, now)
    return len(asked)


def test_what_a_letter_costs_does_not_grow_with_its_bills(me: User, home: Household) -> None:
    by_hand = [told(laptop(home, name=f"Laptop {n}"), me) for n in range(3)]
    debited = [told(car(home, name=f"Car {n}", card=f"Card {n}"), me) for n in range(3)]
    ahead, late = at("2026-03-08", 9), at("2026-03-15", 9)
    # One of them asks whether a standstill kept back what is late.
    assert (queries(by_hand[:1], ahead), queries(by_hand, ahead)) == (2, 2)
    assert (queries(by_hand[:1], late), queries(by_hand, late)) == (4, 4)
    assert (queries(debited[:1], ahead), queries(debited, ahead)) == (7, 7)


def tapped(monkeypatch: pytest.MonkeyPatch, loan: Loan, reader: User, now: datetime) -> dict[str, str]:
    """The one-tap links of a letter: label and address."""

    def made(action: str, bill: Bill, user: User, now: datetime) -> str:
        return f"{settings.SITE_URL}/{action}/{bill.number}/{user.pk}"

    monkeypatch.setattr(Around, "may_tap", True)
    monkeypatch.setattr(one_tap, "action_url", made)
    body = compose([told(loan, reader)], now).body
    return dict(re.findall(r"^(.+): http://localhost:8000/((?:paid|partly|snooze)/\S+)$", body, re.MULTILINE))


def test_a_bill_is_paid_or_put_off_with_one_tap(monkeypatch: pytest.MonkeyPatch, me: User, home: Household) -> None:
    assert tapped(monkeypatch, laptop(home), me, at("2026-03-08", 9)) == {
        "Paid": f"paid/1/{me.pk}",
        "Paid in part": f"partly/1/{me.pk}",
        "Remind me later": f"snooze/1/{me.pk}",
    }


def test_what_is_due_today_cannot_be_put_off(monkeypatch: pytest.MonkeyPatch, me: User, home: Household) -> None:
    assert list(tapped(monkeypatch, laptop(home), me, at("2026-03-10", 9))) == ["Paid", "Paid in part"]


def test_who_may_only_look_on_can_only_put_it_off(monkeypatch: pytest.MonkeyPatch, home: Household) -> None:
    viewer = builders.member(home, Role.VIEWER)
    assert list(tapped(monkeypatch, laptop(home), viewer, at("2026-03-08", 9))) == ["Remind me later"]


def test_a_part_of_any_kind_has_its_sentences_points_and_lines(
    monkeypatch: pytest.MonkeyPatch, me: User, home: Household
) -> None:
    def news(row: Reminder, around: Around) -> Part:
        return Part(
            urgency=Urgency.NEWS,
            on=None,
            subject="Laptop & co are paid off",
            sentences="Nothing is left.\n\nKeep the <letter>.",
            lines=(Line("Bank & sons", "Laptop", None, None, "CNY"),),
            actions=(Action("See the loan", link("ledger:loan", 7)),),
            points=("Ask for the settlement letter", "End the debit"),
        )

    monkeypatch.setattr(letter, "MAKERS", {**letter.MAKERS, Kind.TEST: news})
    row = Reminder(household=home, recipient=me, kind=Kind.TEST, message_id="<one@localhost>")
    alone = compose([row], at("2026-03-08", 9))
    beside = compose([row, told(laptop(home), me)], at("2026-03-08", 9))

    said = (
        "Nothing is left.\n\nKeep the <letter>.\n\n- Ask for the settlement letter\n- End the debit\n\n"
        "See the loan: http://localhost:8000/loans/7/\n"
    )
    assert alone.body == said + FOOT
    assert "<p>Keep the &lt;letter&gt;.</p>\n<ul><li>Ask for the settlement letter</li>" in html_of(alone)
    assert cells(alone) == [["Bill", "Day", "Amount"], ["Bank &amp; sons Laptop", "—", "—"]]
    assert beside.subject == "Bank of Tests: ¥1,066.19 due 10 Mar, in 2 days (and 1 more)"
    assert beside.body == (
        "Bank of Tests: ¥1,066.19 due 10 Mar, in 2 days (and 1 more)\n\n"
        "Bank of Tests · Laptop, bill 1 of 12\n10 Mar, in 2 days · ¥1,066.19\nNo auto-repay: please pay by hand.\n\n"
        f"Bank & sons · Laptop\n\n* Laptop & co are paid off *\n\n{said}\n"
        f"See everything that is due: http://localhost:8000/\n{FOOT}"
    )
