"""One statement: the lender's one sum, whether auto-repay covers it, and repaying it over several loans."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from ledger.loanmath.funding import Funding
from ledger.models import Bill, Fact, Lender, Loan, Role
from ledger.selectors.statement import Cover, statement_desk
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import mandate

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY, MAR_10 = date(2026, 3, 1), date(2026, 3, 10)
BILL = 106_619
KEY = "0123456789abcdef"
JAN_20 = at("2026-01-20")


@pytest.fixture
def chair(home, loan):
    return make.loan(home, name="Chair", now=JAN_20)


def url(loan, day="2026-03-10"):
    return f"/statements/{loan.lender_id}/{day}/"


def seen():
    return sum(Loan.objects.values_list("version", flat=True))


def body(**said):
    return {"key": KEY, "seen": seen(), "pays": "all", "paid_on": "2026-03-01", "note": ""} | said


def chosen(loan, amount, number=2):
    bill = Bill.objects.get(loan=loan, number=number).pk
    return {f"pay-{bill}": "on", f"amount-{bill}": amount}


def field(loan, number=2):
    return f"amount-{Bill.objects.get(loan=loan, number=number).pk}"


def recorded():
    return [(fact.loan.name, fact.bill_number, fact.amount) for fact in Fact.objects.order_by("pk")]


def errors(response):
    return {name: list(texts) for name, texts in response.context["form"].errors.items()}


def words(response):
    return " ".join(make.sentences(response.content.decode()).split())


class TestPage:
    def test_it_says_the_one_sum_and_its_bills(self, client, loan, chair):
        response = client.get(url(loan))
        shown = response.context["shown"]
        assert (shown.lender, shown.count, shown.open.total) == ("Bank of Tests", 2, 2 * BILL)
        assert "All of it, ¥2,132.38" in words(response)
        assert "You pay this one by hand." in words(response)
        assert [line.row.loan for line in response.context["desk"].bills] == ["Chair", "Laptop"]

    def test_each_currency_has_a_sum_of_its_own(self, client, home, loan):
        make.loan(home, name="Camera", currency="JPY", now=JAN_20)
        assert "The same day it also asks for JP¥" in words(client.get(url(loan)))
        assert client.get(url(loan)).context["shown"].currency == "CNY"
        assert client.get(url(loan), {"currency": "JPY"}).context["shown"].currency == "JPY"
        assert client.get(url(loan), {"currency": "nonsense"}).context["shown"].currency == "CNY"

    @pytest.mark.parametrize("day", ["2026-03-11", "2026-3-10", "20260310", "2026-W10-1", "tomorrow", "9999-99-99"])
    def test_a_day_without_a_bill_is_not_there(self, client, loan, day):
        assert client.get(url(loan, day)).status_code == 404

    def test_what_was_paid_can_be_undone_part_by_part(self, client, loan, chair):
        client.post(url(loan), body())
        page = client.get(url(loan)).content.decode()
        links = [reverse("ledger:reverse_fact", args=[fact.loan_id, fact.pk]) for fact in Fact.objects.all()]
        assert [link in page for link in links] == [True, True]
        assert "Nothing is left to pay" in page
        assert "Record this repayment" not in page

    @pytest.mark.parametrize("language", ["en", "zh-hans"])
    def test_it_opens_in_both_languages(self, client, owner, loan, language):
        owner.language = language
        owner.save()
        assert client.get(url(loan)).status_code == 200


class TestCover:
    def desk(self, home, loan):
        lender = Lender.objects.get(pk=loan.lender_id)
        return statement_desk(home, lender, MAR_10, TODAY)

    def test_an_account_that_holds_enough_covers_it(self, home, loan, card):
        mandate(loan, card)
        make.balance(card, 300_000, TODAY)
        make.repayment(loan, BILL, date(2026, 2, 10))
        expected = Cover(BILL, 0, Funding.COVERED, 0, "Salary card ••1234", "", False, MAR_10)
        assert self.desk(home, loan).cover == expected

    def test_what_is_missing_and_what_is_paid_by_hand_is_said(self, home, loan, chair, card, client):
        mandate(loan, card)
        make.balance(card, 100_000, TODAY)
        make.repayment(loan, BILL, date(2026, 2, 10))
        cover = self.desk(home, loan).cover
        assert (cover.debited, cover.by_hand, cover.funding, cover.missing) == (BILL, BILL, Funding.SHORT, 6_619)
        said = words(client.get(url(loan)))
        assert "Auto-repay takes ¥1,066.19: 10 Mar, in 9 days." in said
        assert "Salary card ••1234 is ¥66.19 short." in said
        assert "The other ¥1,066.19 you pay by hand." in said
        assert "The lender debits what is open by itself: 10 Mar, in 9 days." in said

    def test_an_unknown_balance_is_never_taken_for_none(self, home, loan, card, client):
        mandate(loan, card)
        assert self.desk(home, loan).cover.funding is Funding.UNKNOWN
        assert "What is in Salary card ••1234 is not known" in words(client.get(url(loan)))

    def test_it_is_too_early_to_say_for_a_day_far_off(self, loan, card, client):
        mandate(loan, card)
        assert "it is too early to say" in words(client.get(url(loan, "2026-12-10")))


class TestRepaying:
    def test_all_of_it_over_two_loans_in_one_go(self, client, home, loan, chair):
        card = make.account(home)
        response = client.post(url(loan), body(account=card.pk), follow=True)
        assert response.redirect_chain == [(url(loan), 302)]
        assert [str(one) for one in response.context["messages"]] == [
            "¥2,132.38 to Bank of Tests is recorded, for 2 bills."
        ]
        assert recorded() == [("Laptop", 2, BILL), ("Chair", 2, BILL)]

    def test_sent_twice_it_counts_once_and_says_so(self, client, loan, chair):
        data = body()
        client.post(url(loan), data)
        again = client.post(url(loan), data, follow=True)
        assert [str(one) for one in again.context["messages"]][1:] == [
            "This repayment of ¥2,132.38 to Bank of Tests was already recorded."
        ]
        assert len(recorded()) == 2

    def test_other_content_under_the_same_key_is_a_conflict(self, client, loan, chair):
        data = body()
        client.post(url(loan), data)
        response = client.post(url(loan), data | {"pays": "chosen", **chosen(loan, "5")})
        assert (response.status_code, len(recorded())) == (409, 2)
        assert response.context["form"]["key"].value() != KEY

    def test_chosen_bills_with_their_amounts(self, client, loan, chair):
        client.post(url(loan), body(pays="chosen", **chosen(chair, "400")))
        assert recorded() == [("Chair", 2, 40_000)]

    def test_the_minimum(self, client, home):
        card = make.loan(home, name="Card", minimum_share=Decimal("0.1"), now=JAN_20)
        assert "The minimum, ¥206.11" in words(client.get(url(card)))
        client.post(url(card), body(pays="minimum"))
        assert recorded() == [("Card", 2, 20_611)]

    def test_the_minimum_is_not_offered_where_no_agreement_names_one(self, client, loan):
        response = client.post(url(loan), body(pays="minimum"))
        assert (response.status_code, list(errors(response))) == (422, ["pays"])

    def test_htmx_is_led_on(self, client, loan):
        response = client.post(url(loan), body(), headers={"HX-Request": "true"})
        assert '"path": "' + url(loan) + '"' in response.headers["HX-Location"]

    def test_figures_that_have_moved_on_are_shown_first(self, client, loan, chair):
        data = body()
        make.repayment(chair, 10_000, TODAY)
        response = client.post(url(loan), data)
        assert (response.status_code, len(recorded())) == (409, 1)
        assert response.context["form"]["seen"].value() == seen()

    def test_a_day_to_come_is_planned(self, client, loan, chair):
        response = client.post(url(loan), body(paid_on="2026-03-09"), follow=True)
        assert [str(one) for one in response.context["messages"]] == [
            "¥2,132.38 to Bank of Tests is planned, for 2 bills."
        ]


class TestRefusals:
    def test_one_amount_too_much_refuses_all_at_its_line(self, client, loan, chair):
        response = client.post(url(loan), body(pays="chosen", **chosen(loan, "10"), **chosen(chair, "1066.20")))
        assert (response.status_code, recorded()) == (422, [])
        assert errors(response) == {field(chair): ["This bill has ¥1,066.19 left to pay. Enter at most that."]}
        assert response.context["form"][field(loan)].value() == "10"

    def test_a_day_before_a_loan_was_paid_out_is_refused_at_its_line_also_for_all(self, client, home, loan):
        late = make.loan(home, name="Bed", disbursed_on=date(2026, 2, 20), first_due_on=MAR_10)
        response = client.post(url(loan), body(paid_on="2026-02-15"))
        message = "The loan was only paid out later. Choose that day or a later one."
        assert (response.status_code, recorded()) == (422, [])
        assert errors(response) == {field(late, 1): [message]}
        assert message in words(response)

    @pytest.mark.parametrize(
        "changes, name, text",
        [
            ({"pays": ""}, "pays", "This field is required."),
            ({"pays": "nothing"}, "pays", None),
            ({"pays": "chosen"}, "pays", "Choose at least one bill."),
            ({"paid_on": ""}, "paid_on", "Choose a day."),
            ({"paid_on": "2026-02-30"}, "paid_on", "Enter a day that exists, such as 2026-03-31."),
            ({"paid_on": "2028-01-01"}, "paid_on", "Choose a day within the next year."),
            ({"account": "x"}, "account", None),
            ({"note": "x" * 201}, "note", None),
        ],
    )
    def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(self, client, loan, changes, name, text):
        response = client.post(url(loan), body(**changes))
        found = errors(response)
        assert (response.status_code, list(found), recorded()) == (422, [name], [])
        assert text is None or found[name] == [text]
        assert response.context["form"][name].value() == changes[name]

    @pytest.mark.parametrize("amount", ["", "-5", "0", "NaN", "9" * 5000, "1.234"])
    def test_an_amount_that_is_none_is_said_at_its_line(self, client, loan, amount):
        response = client.post(url(loan), body(pays="chosen", **chosen(loan, amount)))
        assert (response.status_code, list(errors(response)), recorded()) == (422, [field(loan)], [])
        assert response.context["form"][field(loan)].value() == amount

    def test_amounts_of_bills_not_chosen_are_not_looked_at(self, client, loan, chair):
        nonsense = {field(loan): "NaN"}
        client.post(url(loan), body(pays="chosen", **nonsense, **chosen(chair, "1")))
        assert recorded() == [("Chair", 2, 100)]


class TestPreview:
    def look(self, client, loan, **said):
        headers = {"HX-Request": "true", "HX-Target": "preview"}
        return client.post(url(loan), body(**said), headers=headers)

    def test_it_says_what_each_bill_gets_before_anything_is_saved(self, client, loan, chair):
        response = self.look(client, loan, pays="chosen", **chosen(loan, "200"), **chosen(chair, "1066.19"))
        preview = response.context["preview"]
        parts = [one.change.paid[0] for one in preview.effects]
        assert [(one.line.row.loan, one.amount) for one in preview.effects] == [("Chair", BILL), ("Laptop", 20_000)]
        assert [(part.number, part.open_after) for part in parts] == [(2, 0), (2, BILL - 20_000)]
        assert (preview.total, preview.count, preview.is_refused) == (BILL + 20_000, 2, False)
        assert "<html" not in response.content.decode()
        assert recorded() == []

    def test_without_javascript_a_button_shows_it(self, client, loan, chair):
        response = client.post(url(loan), body(show="1"))
        assert response.context["preview"].total == 2 * BILL
        assert "<html" in response.content.decode()
        assert recorded() == []

    def test_it_says_what_would_refuse_all(self, client, loan, chair):
        response = self.look(client, loan, pays="chosen", **chosen(loan, "2000"))
        assert response.context["preview"].is_refused
        assert "This bill has ¥1,066.19 left to pay." in words(response)

    def test_it_says_nothing_while_the_form_is_incomplete(self, client, loan):
        response = self.look(client, loan, pays="chosen")
        assert (response.status_code, response.context["preview"]) == (200, None)


class TestWho:
    def test_a_viewer_sees_it_and_records_nothing(self, home, loan):
        viewer = make.signed_in(make.member(home, Role.VIEWER))
        page = viewer.get(url(loan)).content.decode()
        assert ["Laptop" in page, "Record this repayment" in page] == [True, False]
        assert (viewer.post(url(loan), body()).status_code, recorded()) == (403, [])

    def test_a_strangers_lender_is_not_there(self, client, loan):
        theirs = make.loan(now=JAN_20)
        assert client.get(url(theirs)).status_code == 404
        assert client.post(url(theirs), body()).status_code == 404
        assert recorded() == []

    def test_bills_of_a_stranger_cannot_be_chosen(self, client, loan):
        theirs = make.loan(now=JAN_20)
        response = client.post(url(loan), body(seen=loan.version, pays="chosen", **chosen(theirs, "1")))
        assert (response.status_code, list(errors(response)), recorded()) == (422, ["pays"], [])

    def test_who_is_not_signed_in_is_asked_to(self, loan):
        assert Client().get(url(loan)).headers["Location"] == f"{reverse('account_login')}?next={url(loan)}"


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_the_same_with_1_loan_and_with_30(client, home, card, count, django_assert_num_queries):
    make.balance(card, 300_000, TODAY)
    for n in range(count):
        one = make.loan(home, name=f"Loan {n}", now=JAN_20)
        mandate(one, card)
    make.repayment(one, 100, TODAY)
    with django_assert_num_queries(17):
        response = client.get(url(one))
    assert len(response.context["desk"].bills) == count


def test_of_very_many_bills_only_the_sum_is_shown_beside_the_form(client, home, loan, monkeypatch):
    monkeypatch.setattr("ledger.views.statements.MOST_PREVIEWED", 1)
    make.loan(home, name="Chair", now=JAN_20)
    preview = client.get(url(loan)).context["preview"]
    assert (preview.effects, preview.total) == ((), 2 * BILL)


def test_a_bill_overtaken_by_the_day_is_brought_up_first(client, home):
    loan = make.loan(home, now=JAN_20)
    with time_machine.travel(at("2026-03-11"), tick=False):
        assert client.get(url(loan)).context["standing"] == "overdue"
