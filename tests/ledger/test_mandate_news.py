"""What auto-repay has to say on the overview: failures, a question after many of them, debits that will not happen."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine

from ledger.loanmath.debiting import DebitLimits
from ledger.models import AutoRepayMandate, Loan, Role
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import Wishes, authorize_mandate
from tests import builders as make
from tests.builders import at, sentences, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]


@pytest.fixture
def loan(home):
    """A bill of 1,066.19 payable on 10 February."""
    return make.loan(home, now=at("2026-01-20"))


def under(loan, card, balance=100_000, **wishes):
    make.balance(card, balance, date(2026, 2, 1), at("2026-02-01"))
    given = authorize_mandate(
        scope=loan, sources=[card], wishes=Wishes(**wishes), recording=make.recording(at("2026-01-21"))
    )
    assert isinstance(given, AutoRepayMandate)
    return given


def overview(person, now):
    with time_machine.travel(now, tick=False):
        html = signed_in(person).get("/").content.decode()
    return sentences(" ".join(html.split()))


def test_a_failed_debit_says_what_is_missing_where_and_by_when(owner, loan, card):
    under(loan, card)
    now = at("2026-02-10", 10)
    debit_due(now)
    html = overview(owner, now)
    assert "Bank of Tests could not debit on 10 Feb, today" in html
    assert (
        "Salary card ••1234 was ¥66.19 short. Top it up before the next try on 10 Feb, today, at 15:30, or pay by "
        "hand. Without a penalty until 10 Feb, today."
    ) in html


def test_after_the_last_try_it_is_to_be_paid_by_hand(owner, loan, card):
    under(loan, card)
    now = at("2026-02-16")
    debit_due(now)
    assert "was ¥66.19 short. The lender will not try again: pay by hand." in overview(owner, now)


def test_a_part_that_was_taken_is_named(owner, loan, card):
    under(loan, card, limits=DebitLimits(partial=True))
    now = at("2026-02-10", 10)
    debit_due(now)
    html = overview(owner, now)
    assert "Bank of Tests debited only ¥1,000.00 on 10 Feb, today" in html
    assert "Salary card ••1234 was ¥66.19 short." in html


def test_a_bill_above_the_cap_is_to_be_paid_by_hand(owner, loan, card):
    under(loan, card, balance=500_000, limits=DebitLimits(cap=100_000))
    now = at("2026-02-08")
    html = overview(owner, now)
    assert "Bank of Tests will not debit on 10 Feb, in 2 days" in html
    assert "It is more than the limit for one debit, ¥1,000.00: pay by hand, or raise the limit." in html
    assert "¥0.00 short" not in html
    with time_machine.travel(now, tick=False):
        accounts = sentences(signed_in(owner).get("/accounts/").content.decode())
    assert "Above the limit: pay by hand" in accounts
    assert "Short by" not in accounts

    debit_due(at("2026-02-10", 10))
    assert "Salary card ••1234: more than the limit for one debit." in overview(owner, at("2026-02-10", 10))


def test_a_mandate_that_ends_before_the_next_bill_says_so(owner, loan, card):
    under(loan, card, balance=500_000, expires_on=date(2026, 2, 9))
    html = overview(owner, at("2026-02-05"))
    assert "Auto-repay of Laptop ends on 9 Feb, in 4 days" in html
    assert "Auto-repay of Laptop ended on 9 Feb, yesterday" in overview(owner, at("2026-02-10", 8))
    debit_due(at("2026-02-10", 10))
    failed = overview(owner, at("2026-02-10", 10))
    assert "Salary card ••1234: the permission to debit had ended." in failed
    assert "Auto-repay of Laptop ended on" not in failed  # said once
    AutoRepayMandate.objects.update(expires_on=date(2026, 2, 10))
    assert "Auto-repay of Laptop ends on" not in overview(owner, at("2026-02-05"))


def test_a_loan_put_aside_is_named_with_its_reason(owner, loan, card):
    under(loan, card, balance=500_000)
    Loan.objects.filter(pk=loan.pk).update(auto_repay_trouble="RefusedDebitError: currency")
    html = overview(owner, at("2026-02-05"))
    assert "Auto-repay of Laptop is put aside for now" in html
    assert "RefusedDebitError: currency" in html


class TestTheQuestion:
    now = at("2026-02-11", 10)

    @pytest.fixture
    def asked(self, loan, card):
        mandate = under(loan, card)
        for moment in (at("2026-02-10", 10), at("2026-02-10", 16), self.now):
            debit_due(moment)
        return mandate

    def url(self, loan, asked):
        return f"/loans/{loan.pk}/auto-repay/{asked.pk}/"

    def test_it_is_put_with_its_three_answers(self, owner, home, loan, asked):
        html = overview(owner, self.now)
        assert "Auto-repay of Laptop failed 3 times in a row" in html
        assert html.count(f'action="{self.url(loan, asked)}"') == 2
        viewer = overview(make.member(home, Role.VIEWER), self.now)
        assert "failed 3 times in a row" in viewer
        assert self.url(loan, asked) not in viewer

    @pytest.mark.parametrize("htmx", [False, True])
    def test_keeping_it_on_answers_once(self, owner, loan, asked, htmx):
        headers = {"HX-Request": "true"} if htmx else {}
        with time_machine.travel(self.now, tick=False):
            answer = signed_in(owner).post(self.url(loan, asked), {"what": "keep", "back": "overview"}, headers=headers)
        assert answer.headers["HX-Location" if htmx else "Location"] == ('{"path": "/"}' if htmx else "/")
        asked.refresh_from_db()
        assert (asked.asked_at, asked.kept_at) == (None, self.now)
        assert "in a row" not in overview(owner, self.now)

        with time_machine.travel(self.now + timedelta(hours=1), tick=False):
            signed_in(owner).post(self.url(loan, asked), {"what": "keep"})
        asked.refresh_from_db()
        assert asked.kept_at == self.now

    def test_pausing_answers_it_too(self, owner, loan, asked):
        with time_machine.travel(self.now, tick=False):
            signed_in(owner).post(self.url(loan, asked), {"what": "pause", "back": "overview"})
        asked.refresh_from_db()
        assert (asked.asked_at, asked.paused_on) == (None, date(2026, 2, 11))
        assert "in a row" not in overview(owner, self.now)


@pytest.mark.parametrize("count", [1, 3])
def test_the_news_cost_the_same_for_one_loan_and_for_three(owner, home, card, count, django_assert_num_queries):
    loans = [make.loan(home, now=at("2026-01-20"), name=f"Loan {number}") for number in range(count)]
    for one in loans:
        under(one, card, ask_after=1)
    now = at("2026-02-10", 10)
    debit_due(now)
    with time_machine.travel(now, tick=False):
        client = signed_in(owner)
        with django_assert_num_queries(20):
            client.get("/")


def test_an_overdue_bill_says_itself_why_its_debit_failed_and_says_it_once(owner, loan, card):
    under(loan, card, 50_000)
    debit_due(at("2026-02-10", 16))

    html = overview(owner, at("2026-02-11", 8))

    assert html.count("Bank of Tests could not debit on 10 Feb, yesterday") == 1
    assert html.count("short. Top it up before the next try on 11 Feb, today, at 09:30, or pay by hand.") == 1
    assert "The lender tries" not in html
