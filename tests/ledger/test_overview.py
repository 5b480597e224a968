"""The overview: the answer in its first line, what waits for an answer, where it all leads."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.first_line import FirstLine
from ledger.loanmath.terms import PenaltyTerms
from ledger.models import CreditLine, Fact, Lender, Loan, Role
from ledger.models.facts import Kind, Source
from ledger.selectors.debts import LineUse, Month, owed
from ledger.selectors.history import history
from ledger.selectors.overview import (
    Headline,
    PresumedDebit,
    Shortfall,
    StaleBalance,
    _presumed,
    loans_of,
    overview,
)
from ledger.selectors.prepared import Prepared
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from ledger.services.projection import refresh
from tests import builders as make
from tests.builders import NOW, at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
INSTALLMENT = 106_619  # 12,000.00 at 12 % over 12 months
HOME = "/"
PENALTY = PenaltyTerms(annual_rate=Decimal("0.18"), year_days=360)


def seen(home, today=TODAY):
    return overview(home, today, loans_of(home))


def a_loan(home, **more):
    """Opened on 20 January, so that its bill of 10 February is overdue on 1 March."""
    return make.loan(home, now=at("2026-01-20"), **more)


def to_come(home, **more):
    """A loan whose first bill is due on 4 March, in 3 days."""
    return make.loan(home, disbursed_on=date(2026, 2, 4), first_due_on=date(2026, 3, 4), **more)


def under_mandate(home, card, loan):
    authorize_mandate(scope=loan, sources=[card], recording=make.recording())
    return loan


class TestWho:
    def test_without_a_loan_one_is_led_to_the_first_run(self, client):
        assert client.get(HOME).headers["Location"] == reverse("ledger:first_run")

    def test_without_a_household_one_is_led_to_the_first_run(self):
        assert signed_in(make.user()).get(HOME).headers["Location"] == reverse("ledger:first_run")

    def test_logged_out_one_is_led_to_sign_in(self, home):
        assert Client().get(HOME).headers["Location"] == reverse("account_login") + "?next=/"

    def test_a_stranger_sees_only_their_own(self, home):
        a_loan(home, name="Laptop")
        stranger = make.user()
        a_loan(make.household(stranger), name="Bicycle")
        content = signed_in(stranger).get(HOME).content.decode()
        assert "Bicycle" in content
        assert "Laptop" not in content

    def test_a_viewer_sees_everything_and_no_button_that_writes(self, home, client):
        loan = a_loan(home)
        make.repayment(loan, INSTALLMENT, date(2026, 2, 10), presumed=True, source=Source.AUTO)
        a_loan(home, name="Bicycle")
        buttons = ("Record repayment", "Yes, debited", "No, it failed")
        viewer = signed_in(make.member(home, Role.VIEWER)).get(HOME).content.decode()
        assert "Bicycle" in viewer
        assert [word for word in buttons if word in viewer] == []
        editor = signed_in(make.member(home, Role.EDITOR)).get(HOME).content.decode()
        assert [word for word in buttons if word in editor] == list(buttons)


class TestFirstLine:
    def test_what_is_due_next_and_that_the_account_covers_it(self, home, client):
        card = make.account(home)
        make.balance(card, 500_000, TODAY)
        under_mandate(home, card, to_come(home))
        assert seen(home).headlines == (
            Headline(
                line=FirstLine.COVERED,
                amount=INSTALLMENT,
                currency="CNY",
                lender="Bank of Tests",
                payable_on=date(2026, 3, 4),
                count=1,
                a_day=0,
                missing=0,
                account="Salary card ••1234",
            ),
        )
        content = client.get(HOME).content.decode()
        assert "Due in 3 days" in content
        assert "Salary card ••1234 covers it." in content

    def test_bills_of_one_lender_on_one_day_are_one_sum(self, home):
        to_come(home)
        to_come(home, name="Chair")
        to_come(home, name="Lamp", currency="USD")
        shown = [(head.amount, head.currency, head.count) for head in seen(home).headlines]
        assert shown == [(2 * INSTALLMENT, "CNY", 2), (INSTALLMENT, "USD", 1)]

    def test_one_uncovered_bill_makes_the_sum_short(self, home):
        card = make.account(home)
        make.balance(card, INSTALLMENT + 6_619, TODAY)
        under_mandate(home, card, to_come(home))
        under_mandate(home, card, to_come(home, name="Chair"))
        head = seen(home).headlines[0]
        assert (head.amount, head.line, head.missing) == (2 * INSTALLMENT, FirstLine.SHORT, 100_000)

    def test_an_overdue_bill_comes_first_with_what_waiting_costs(self, home, client):
        to_come(home)
        loan = a_loan(home, name="Old laptop", penalty=PENALTY)
        refresh(home, NOW)
        tomorrow = history(loan).project(TODAY + timedelta(days=1)).bills[0].due.penalty
        today = history(loan).project(TODAY).bills[0].due.penalty
        late = seen(home).late[0]
        assert (late.penalty_today, late.penalty_tomorrow) == (today, tomorrow)
        head = seen(home).headlines[0]
        assert (head.is_late, head.amount, head.a_day) == (True, INSTALLMENT + today, tomorrow - today)
        assert head.a_day > 0
        content = client.get(HOME).content.decode()
        assert content.index("Waiting costs about") < content.index("Next 30 days")

    def test_while_the_grace_lasts_its_end_is_named(self, home):
        penalty = PenaltyTerms(annual_rate=Decimal("0.18"), year_days=360, grace_days=30)
        loan = a_loan(home, penalty=penalty)
        late = seen(home).late[0]
        after = history(loan).project(date(2026, 3, 13)).bills[0].due.penalty
        assert (late.row.standing, late.penalty_today, late.grace_ends_on) == ("in_grace", 0, date(2026, 3, 12))
        assert late.after_grace == after > 0

    def test_an_overdue_bill_stays_on_top_until_it_is_settled(self, home):
        loan = a_loan(home)
        far = date(2027, 6, 1)
        shown = seen(home, far)
        assert ([late.row.number for late in shown.late], shown.more_late) == ([1, 2, 3, 4, 5], 7)
        make.repayment(loan, INSTALLMENT, TODAY)
        assert next(late.row.number for late in seen(home, far).late) == 2

    def test_nothing_due_is_said_calmly(self, home, client):
        make.loan(home, disbursed_on=TODAY, first_due_on=date(2026, 6, 1))
        assert seen(home).headlines == ()
        assert "Nothing due" in client.get(HOME).content.decode()


class TestNeedsYou:
    def presumed(self, home):
        loan = a_loan(home)
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10), presumed=True, source=Source.AUTO)
        return loan, fact

    def test_a_presumed_debit_asks_for_a_yes(self, home):
        loan, fact = self.presumed(home)
        assert seen(home).to_confirm == (
            PresumedDebit(fact.pk, loan.pk, "Laptop", "Bank of Tests", "CNY", INSTALLMENT, date(2026, 2, 10)),
        )

    def test_of_many_debits_to_confirm_three_are_asked_about_and_the_others_are_a_tap_away(self, home, client):
        more = f'<a href="{reverse("ledger:bills")}?state=presumed">1 more to confirm</a>'
        for _ in range(3):
            self.presumed(home)
        assert len(seen(home).to_confirm) == 3
        assert more not in client.get(HOME).content.decode()
        self.presumed(home)
        assert len(seen(home).to_confirm) == 3
        assert more in client.get(HOME).content.decode()

    def test_the_oldest_debits_are_asked_about_whatever_loan_they_are_of(self, home, client, monkeypatch):
        monkeypatch.setattr("ledger.selectors.overview.MOST_ASKED", 2)
        monkeypatch.setattr("ledger.selectors.overview._PRESUMED", Prepared(_presumed))
        self.presumed(home)
        middle, oldest = (
            a_loan(home, disbursed_on=date(2026, 1, day), first_due_on=date(2026, 2, day)) for day in (5, 3)
        )
        for loan, day in ((middle, 5), (oldest, 3)):
            make.repayment(loan, 100_000, date(2026, 2, day), presumed=True, source=Source.AUTO)
        found = seen(home)
        assert [debit.loan_id for debit in found.to_confirm] == [oldest.pk, middle.pk]
        assert (found.more_to_confirm, found.more_at_least) == (1, True)
        assert "At least 1 more to confirm" in client.get(HOME).content.decode()

    def test_yes_confirms_it_once_and_leads_back(self, home, client):
        loan, fact = self.presumed(home)
        url = reverse("ledger:confirm_repayment", args=[loan.pk, fact.pk])
        for _ in range(2):
            response = client.post(url, {"key": "k-yes", "back": "overview"})
            assert response.headers["Location"] == HOME
        assert Fact.objects.filter(kind=Kind.CONFIRMATION).count() == 1
        assert seen(home).to_confirm == ()
        assert seen(home).late == ()

    def test_it_failed_undoes_it_as_of_the_debit_day(self, home, client):
        loan, fact = self.presumed(home)
        client.post(reverse("ledger:reverse_fact", args=[loan.pk, fact.pk]), {"key": "k-no", "back": "overview"})
        undone = Fact.objects.get(kind=Kind.REVERSAL)
        assert (undone.target_id, undone.effective_on) == (fact.pk, date(2026, 2, 10))
        assert [late.row.number for late in seen(home).late] == [1]

    def test_htmx_is_led_on_by_a_header(self, home, client):
        loan, fact = self.presumed(home)
        url = reverse("ledger:confirm_repayment", args=[loan.pk, fact.pk])
        response = client.post(url, {"key": "k", "back": "overview"}, headers={"HX-Request": "true"})
        assert (response.status_code, response.headers["HX-Location"]) == (200, '{"path": "/"}')

    def test_a_debit_that_failed_says_what_was_missing(self, home):
        card = make.account(home)
        loan = to_come(home)
        make.balance(card, 100_000, TODAY)
        under_mandate(home, card, loan)
        debit_due(at("2026-03-04", 10))
        refresh(home, at("2026-03-04"))
        shown = seen(home, date(2026, 3, 4))
        assert [(one.row.loan_id, one.missing, one.debit_on) for one in shown.mandates.failed] == [
            (loan.pk, 6_619, date(2026, 3, 4))
        ]
        assert shown.shortfalls == ()

    def test_a_coming_shortfall_and_a_balance_never_stated(self, home):
        card, wallet = make.account(home), make.account(home, name="Wallet", last4="")
        make.balance(card, 100_000, TODAY)
        under_mandate(home, card, to_come(home))
        under_mandate(home, wallet, to_come(home, name="Chair"))
        shown = seen(home)
        first = Shortfall(card.pk, "Salary card ••1234", "CNY", 6_619, date(2026, 3, 4), "Bank of Tests")
        assert shown.shortfalls == (first,)
        assert shown.stale == (StaleBalance(wallet.pk, "Wallet", None),)
        assert [bill.funding for bill in shown.next] == ["short", "unknown"]


class TestFurtherDown:
    def test_presumed_is_never_counted_as_paid(self, home):
        loan = to_come(home)
        make.repayment(loan, 100_000, TODAY, presumed=True, source=Source.AUTO, apply_to=ApplyTo.BILL, bill_number=1)
        make.repayment(loan, 6_000, TODAY, apply_to=ApplyTo.BILL, bill_number=1)
        assert owed(home, TODAY).months == (Month("CNY", paid=6_000, presumed=100_000, due=619),)

    def test_the_next_30_days_are_listed_by_day(self, home):
        to_come(home)
        make.loan(home, name="Sofa", disbursed_on=date(2026, 2, 2), first_due_on=date(2026, 3, 2))
        days = [(bill.row.loan, bill.row.payable_on) for bill in seen(home).next]
        assert days == [("Sofa", date(2026, 3, 2)), ("Laptop", date(2026, 3, 4))]

    def test_currencies_never_meet(self, home, client):
        to_come(home)
        to_come(home, name="Camera", currency="JPY")
        debts = {debt.currency: (debt.outstanding, len(debt.loans)) for debt in owed(home, TODAY).debts}
        assert debts == {"CNY": (1_200_000, 1), "JPY": (1_200_000, 1)}
        content = client.get("/owed/").content.decode()
        assert "Until it is repaid, in JPY" in content

    def test_what_is_owed_falls_to_nothing_on_the_debt_free_day(self, home):
        loan = to_come(home)
        debt = owed(home, TODAY).debts[0]
        bills = list(loan.bills.order_by("number"))
        assert debt.free_on == bills[-1].payable_on == date(2027, 2, 4)
        assert debt.interest_left == sum(bill.interest_due for bill in bills)
        assert [(level.day, level.outstanding) for level in debt.levels] == [
            (TODAY, 1_200_000),
            (date(2026, 12, 31), bills[9].outstanding_after),
            (date(2027, 2, 28), 0),
        ]

    def test_the_sixth_loan_and_later_share_a_band(self, home):
        for number in range(7):
            to_come(home, name=f"Loan {number}")
        debt = owed(home, TODAY).debts[0]
        assert [band.label for band in debt.chart.bands][-1] == "Other loans"
        assert [line.slot for line in debt.loans] == [1, 2, 3, 4, 5, 6, 6]

    def test_draws_on_a_credit_line_add_up_to_its_use(self, home):
        lender = Lender.objects.create(household=home, name="Bank of Tests")
        line = CreditLine.objects.create(household=home, lender=lender, name="Reserve", currency="CNY", limit=5_000_000)
        for number in range(2):
            loan = to_come(home, name=f"Draw {number}")
            Loan.objects.filter(pk=loan.pk).update(credit_line=line)
        use = owed(home, TODAY).debts[0].lines[0]
        assert (use, use.available) == (LineUse("Reserve", "Bank of Tests", 5_000_000, 2_400_000), 2_600_000)

    def test_months_on_time_count_from_the_last_late_bill(self, home):
        loan = a_loan(home)
        make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        make.repayment(loan, INSTALLMENT, date(2026, 3, 15), now=at("2026-03-15"))  # 5 days late
        make.repayment(loan, INSTALLMENT, date(2026, 4, 10), now=at("2026-04-10"))
        months = {day: owed(home, date.fromisoformat(day)).on_time_months for day in DAYS_OF_A_STREAK}
        assert months == DAYS_OF_A_STREAK


DAYS_OF_A_STREAK = {"2026-02-10": 0, "2026-04-09": 0, "2026-04-10": 1, "2026-05-10": 2, "2026-05-11": 0}


def everything(home, count):
    """`count` loans: late ones, ones under a mandate, one presumed paid."""
    card = make.account(home)
    make.balance(card, 100_000, TODAY)
    for number in range(count):
        loan = (a_loan if number % 3 == 0 else to_come)(home, name=f"Loan {number}")
        if number % 3 == 1:
            under_mandate(home, card, loan)
        if number == 0:
            make.repayment(loan, 50_000, date(2026, 2, 10), presumed=True, source=Source.AUTO)


@pytest.mark.parametrize("count", [2, 300])
def test_the_overview_costs_16_queries_with_2_loans_and_with_300(home, client, count, django_assert_num_queries):
    everything(home, count)
    with django_assert_num_queries(16):
        assert client.get(HOME).status_code == 200
