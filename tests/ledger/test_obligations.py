"""All obligations on one page: to whom, how much is left, when, from which account, and how it is paid."""

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.terms import Unit
from ledger.models import Lender, Loan, Role
from ledger.selectors.history import history
from ledger.selectors.obligations import Owed, obligations
from ledger.services.lenders import say_how_to_pay
from ledger.services.mandates import pause_mandate
from ledger.services.refusal import Refusal
from tests import builders as make
from tests.builders import at, signed_in
from tests.ledger.debits import mandate

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
BILL = 106_619
ALL = 1_279_423  # eleven bills of 1,066.19 and a last one of 1,066.14
URL = "/obligations/"


def only(home):
    [creditor] = obligations(home, TODAY).creditors
    [one] = creditor.obligations
    return one


def words(client):
    return " ".join(make.sentences(client.get(URL).content.decode()).split())


class TestFigures:
    def test_what_is_left_and_when_the_next_bill_is_due(self, home, loan):
        one = only(home)
        assert (one.outstanding, one.to_pay, one.overdue, one.bills_left) == (1_200_000, ALL, BILL, 12)
        assert (one.next_on, one.next_amount, one.due_day) == (date(2026, 3, 10), BILL, 10)
        assert (one.ends_on, one.accounts) == (date(2027, 1, 10), ())

    def test_totals_for_each_currency(self, home, loan):
        make.loan(home, name="Camera", currency="JPY", annual_rate=Decimal(0), count=2, principal=2_000)
        assert obligations(home, TODAY).totals == (
            Owed("CNY", 1_200_000, ALL, BILL, BILL),
            Owed("JPY", 2_000, 2_000, 1_000, 1_000),
        )

    def test_what_is_settled_or_put_away_is_owed_no_more(self, client, home, loan):
        total = history(loan).payoff_quote(TODAY).total
        make.repayment(loan, total, TODAY, apply_to=ApplyTo.PAYOFF)
        Loan.objects.filter(pk=make.loan(home, name="Chair").pk).update(archived_at=make.NOW)
        assert obligations(home, TODAY).count == 0
        assert "Nothing is owed" in words(client)

    @pytest.mark.parametrize(
        "terms, due_day",
        [
            ({"first_due_on": date(2026, 1, 31), "disbursed_on": date(2025, 12, 31)}, 31),
            ({"unit": Unit.WEEK}, None),
            ({"every": 2}, None),
            ({"count": 1}, None),
        ],
    )
    def test_a_day_of_the_month_is_said_only_where_there_is_one(self, home, terms, due_day):
        make.loan(home, **terms)
        assert only(home).due_day == due_day

    def test_those_overdue_come_first_at_each_lender(self, home, loan):
        first = make.loan(home, name="A chair", now=at("2026-01-20"))
        make.repayment(first, BILL, date(2026, 2, 10))
        [creditor] = obligations(home, TODAY).creditors
        assert [one.loan.name for one in creditor.obligations] == ["Laptop", "A chair"]


class TestWhoPays:
    def test_the_accounts_a_mandate_debits(self, client, home, loan, card):
        mandate(loan, card)
        assert (only(home).accounts, only(home).is_paused) == ((card,), False)
        assert "Auto-repay from Salary card ••1234." in words(client)

    def test_a_pause_means_paying_by_hand(self, client, home, loan, card):
        given = mandate(loan, card)
        pause_mandate(mandate=given, recording=make.recording())
        assert only(home).is_paused
        assert "Auto-repay from Salary card ••1234 is paused: pay by hand." in words(client)

    def test_without_a_mandate_it_is_paid_by_hand(self, client, loan):
        assert "Paid by hand." in words(client)


class TestHowToPay:
    def url(self, lender):
        return f"/lenders/{lender}/how-to-pay/"

    def test_what_is_written_down_is_on_the_page(self, client, loan):
        viewer = signed_in(make.member(loan.household, Role.VIEWER))
        assert "Say how it is paid" in words(client)
        assert "Nobody has written down how this lender is paid." in words(viewer)
        said = {"key": "0123456789", "contact": "95555", "how_to_pay": "In its app, under Repay.\nAsk Li for the PIN."}
        assert client.post(self.url(loan.lender_id), said).headers["Location"] == URL
        lender = Lender.objects.get(pk=loan.lender_id)
        assert (lender.contact, lender.how_to_pay) == ("95555", "In its app, under Repay.\nAsk Li for the PIN.")
        shown = words(client)
        assert ["95555" in shown, "In its app, under Repay.<br>Ask Li" in shown] == [True, True]
        assert client.get(self.url(loan.lender_id)).context["form"]["contact"].value() == "95555"

    @pytest.mark.parametrize(
        "field, text",
        [
            ("how_to_pay", "Transfer to 6222 0212 3456 7890"),
            ("how_to_pay", "ID ６２２２０２１２３４５６７８９０"),
            ("contact", "110101199003071234"),
        ],
    )
    def test_a_whole_number_is_refused_at_its_field(self, client, loan, field, text):
        response = client.post(self.url(loan.lender_id), {"key": "0123456789", field: text})
        form = response.context["form"]
        assert (response.status_code, list(form.errors), form[field].value()) == (422, [field], text)
        assert (Lender.objects.get().contact, Lender.objects.get().how_to_pay) == ("", "")

    def test_telephone_numbers_are_none(self, loan):
        kept = say_how_to_pay(lender=loan.lender, contact="+86 138 0013 8000", how_to_pay="")
        assert not isinstance(kept, Refusal)

    def test_too_long_a_text_is_refused_and_kept_in_the_form(self, client, loan):
        response = client.post(self.url(loan.lender_id), {"key": "0123456789", "how_to_pay": "x" * 501})
        assert (response.status_code, list(response.context["form"].errors)) == (422, ["how_to_pay"])

    def test_a_strangers_lender_is_not_there(self, client):
        theirs = make.loan()
        assert client.post(self.url(theirs.lender_id), {"key": "0123456789", "contact": "x"}).status_code == 404

    def test_a_viewer_reads_and_does_not_write(self, home, loan):
        viewer = signed_in(make.member(home, Role.VIEWER))
        assert "Say how it is paid" not in words(viewer)
        assert viewer.get(self.url(loan.lender_id)).status_code == 403


def test_no_more_than_four_digits_of_a_number_are_on_the_page(client, home, loan, card):
    mandate(loan, card)
    assert "••1234" in words(client)


def test_a_stranger_sees_only_their_own(loan):
    stranger = make.user()
    make.household(stranger)
    assert "Bank of Tests" not in words(signed_in(stranger))


def test_who_is_not_signed_in_is_asked_to():
    assert Client().get(URL).headers["Location"] == f"{reverse('account_login')}?next={URL}"


def test_it_is_reached_from_the_overview_and_the_settings(client, loan):
    assert [f'href="{URL}"' in client.get(page).content.decode() for page in ("/", "/settings/")] == [True, True]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_opens_in_both_languages(client, owner, loan, language):
    owner.language = language
    owner.save()
    assert "Bank of Tests" in words(client)


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_the_same_with_1_loan_and_with_30(client, home, card, count, django_assert_num_queries):
    for n in range(count):
        loan = make.loan(home, name=f"Loan {n}", now=at("2026-01-20"))
        mandate(loan, card)
    with django_assert_num_queries(9):
        assert client.get(URL).context["shown"].count == count
