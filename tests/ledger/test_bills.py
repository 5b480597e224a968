"""All bills: totals, filters in the URL, paging by key, and what opens below a row."""

import re
from datetime import date
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.urls import reverse

from ledger.models import Bill, Role
from ledger.models.facts import Source
from ledger.selectors import bills, paging
from ledger.selectors.bills import PaidBy, Totals, bills_page
from tests import builders as make
from tests.builders import at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
INSTALLMENT = 106_619
URL = "/bills/"


def numbers(home, **asked):
    return [bill.row.number for bill in bills_page(home, TODAY, asked).bills]


class TestWho:
    def test_a_stranger_sees_only_their_own(self, loan):
        stranger = make.user()
        make.household(stranger)
        content = signed_in(stranger).get(URL, {"state": "all"}).content.decode()
        assert "Laptop" not in content
        assert "No bills here" in content

    def test_logged_out_one_is_led_to_sign_in(self):
        assert Client().get(URL).headers["Location"] == reverse("account_login") + "?next=/bills/"

    def test_a_viewer_sees_no_button_that_writes(self, home, loan, client):
        viewer = signed_in(make.member(home, Role.VIEWER)).get(URL).content.decode()
        assert ["Laptop" in viewer, "Record repayment" in viewer] == [True, False]
        assert "Record repayment" in client.get(URL).content.decode()

    def test_htmx_gets_the_whole_page(self, loan, client):
        assert "<html" in client.get(URL, headers={"HX-Request": "true"}).content.decode()

    def test_htmx_gets_the_piece_it_asks_for(self, loan, client):
        def piece(name, **asked):
            answer = client.get(URL, asked, headers={"HX-Request": "true", "HX-Target": name})
            assert {"HX-Request", "HX-Target"} <= set(answer["Vary"].split(", "))
            return answer.content.decode()

        whole, listed = piece("bills", q="lapt"), piece("bills-page", state="all")
        assert (whole.count('id="bills"'), whole.count('id="bills-page"'), whole.count("<form")) == (1, 1, 1)
        assert (listed.count('id="bills-page"'), listed.count("<form"), "<html" in listed) == (1, 0, False)
        assert 'data-announce="12 bills shown"' in listed
        assert '<input type="hidden" form="bills-filter" name="state" value="all">' in listed

    def test_going_back_gets_the_whole_page(self, loan, client):
        asked = {"HX-Request": "true", "HX-Target": "bills-page", "HX-History-Restore-Request": "true"}
        assert "<html" in client.get(URL, headers=asked).content.decode()


class TestTotals:
    def test_open_and_paid_in_one_total_each_and_presumed_apart(self, home, loan):
        make.repayment(loan, 50_000, date(2026, 2, 10))
        make.repayment(loan, 20_000, date(2026, 2, 11), presumed=True, source=Source.AUTO)
        due = sum(bill.due.total for bill in Bill.objects.filter(loan=loan))
        expected = (Totals("CNY", open=due - 70_000, paid=50_000, presumed=20_000),)
        assert bills_page(home, TODAY, {}).totals == expected
        assert bills_page(home, TODAY, {"state": "paid"}).totals == expected

    def test_currencies_never_meet(self, home, loan):
        make.loan(home, name="Camera", currency="JPY")
        assert [total.currency for total in bills_page(home, TODAY, {}).totals] == ["CNY", "JPY"]


class TestFilters:
    def test_by_state(self, home, loan):
        make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        make.repayment(loan, INSTALLMENT, TODAY, presumed=True, source=Source.AUTO)
        states = {state: numbers(home, state=state) for state in ("overdue", "upcoming", "presumed", "paid")}
        assert states == {
            "overdue": [],
            "upcoming": list(range(3, 13)),
            "presumed": [2],
            "paid": [2, 1],
        }
        assert numbers(home) == list(range(3, 13))
        assert numbers(home, state="all") == list(range(12, 0, -1))

    def test_by_lender_month_and_text(self, home, loan):
        assert numbers(home, month="2026-03") == [2]
        assert numbers(home, lender=str(loan.lender_id), month="2026-04") == [3]
        assert numbers(home, lender=str(loan.lender_id + 1)) == []
        assert numbers(home, q="lapt", month="2026-03") == [2]
        assert numbers(home, q="bank of", month="2026-03") == [2]
        assert numbers(home, q="sofa") == []

    @pytest.mark.parametrize(
        "asked",
        [
            {"state": "late"},
            {"lender": "x"},
            {"lender": "²"},
            {"lender": "9" * 5000},
            {"month": "2026-13"},
            {"month": "NaN"},
            {"q": "\0"},
            {"after": "2026-03-10"},
            {"after": "9999-99-99_1"},
            {"before": "2026-03-10_" + "9" * 40},
            {"after": "2026-03-10T00:00:00_1"},
        ],
    )
    def test_what_is_no_filter_is_ignored(self, home, loan, client, asked):
        assert client.get(URL, asked).status_code == 200
        assert numbers(home, **asked) == list(range(1, 13))

    def test_filters_stay_in_the_urls_of_the_page(self, loan, client):
        content = client.get(URL, {"q": "lapt", "state": "all"}).content.decode()
        assert 'href="?state=paid&amp;q=lapt"' in content
        assert '<input type="hidden" form="bills-filter" name="state" value="all">' in content


class TestPaging:
    def test_forth_and_back_by_key(self, home, loan, monkeypatch):
        monkeypatch.setattr(paging, "PAGE_SIZE", 5)
        monkeypatch.setattr(bills, "_FIRST_PAGE", {state: bills._first_page(state) for state in bills.STATES})
        first = bills_page(home, TODAY, {})
        assert ([bill.row.number for bill in first.bills], first.before_url) == ([1, 2, 3, 4, 5], "")
        second = bills_page(home, TODAY, query(first.after_url))
        third = bills_page(home, TODAY, query(second.after_url))
        assert [bill.row.number for bill in second.bills] == [6, 7, 8, 9, 10]
        assert ([bill.row.number for bill in third.bills], third.after_url) == ([11, 12], "")
        back = bills_page(home, TODAY, query(third.before_url))
        assert [bill.row.number for bill in back.bills] == [6, 7, 8, 9, 10]

    def test_bills_of_one_day_are_not_lost_between_pages(self, home, loan, monkeypatch):
        monkeypatch.setattr(paging, "PAGE_SIZE", 1)
        monkeypatch.setattr(bills, "_FIRST_PAGE", {state: bills._first_page(state) for state in bills.STATES})
        make.loan(home, name="Chair")
        asked, seen = {"month": "2026-03"}, []
        while asked:
            page = bills_page(home, TODAY, asked)
            seen += [bill.row.loan for bill in page.bills]
            asked = query(page.after_url)
        assert seen == ["Laptop", "Chair"]


def query(url):
    return dict(parse_qsl(url.removeprefix("?")))


class TestMonths:
    def test_each_month_is_named_once_and_nothing_says_that_what_is_to_come_is_upcoming(self, home, loan, client):
        make.loan(home, name="Chair")
        content = client.get(URL).content.decode()
        months = re.findall(r'<li class="rows-day">([^<]+)</li>', content)
        assert months[:3] == ["February 2026", "March 2026", "April 2026"]
        assert len(months) == len(set(months)) == 12
        assert ["badge-overdue" in content, "badge-upcoming" in content] == [True, False]


class TestParts:
    def test_a_row_opens_its_parts_and_what_paid_them(self, home, loan, client):
        fact = make.repayment(loan, 50_000, date(2026, 2, 10))
        bill = bills_page(home, TODAY, {}).bills[0]
        assert [(part.component, part.due, part.paid, part.open) for part in bill.parts] == [
            ("principal", 94_619, 38_000, 56_619),
            ("interest", 12_000, 12_000, 0),
        ]
        assert bill.paid_by == (PaidBy(fact.pk, date(2026, 2, 10), 50_000, False, "manual", False),)
        content = make.sentences(client.get(URL).content.decode())
        assert "paid ¥380.00, left ¥566.19" in content
        assert "¥500.00 on 10 Feb" in content


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_with_1_bill_and_with_3(home, client, count, django_assert_num_queries):
    loan = make.loan(home, now=at("2026-01-20"), count=count)
    make.repayment(loan, 100, date(2026, 2, 10))
    with django_assert_num_queries(9):
        content = client.get(URL).content.decode()
    assert content.count('<details class="more"><summary>Parts') == count


class TestRow:
    """Each bill of the laptop asks for 1,066.19; the first is due on 10 February, the second on 10 March."""

    def rows(self, client, **asked):
        listed = client.get(URL, asked).content.decode().partition('<ol class="rows">')[2].partition("</ol>")[0]
        return re.split(r'<li class="row(?: row-done)?">', listed)[1:]

    def test_says_what_the_bill_comes_to_only_where_less_is_left(self, loan, client):
        make.repayment(loan, 50_000, date(2026, 2, 10))
        first, second, *_ = self.rows(client)
        assert "566<span" in first
        assert re.findall(r'facts-total"><dt>Bill</dt><dd><a [^>]*>([^<]*)', first) == ["¥1,066.19"]
        assert "facts-total" not in second

    def test_of_what_is_to_come_it_does_not_say_that_nothing_was_paid(self, loan, client):
        first, second, *_ = self.rows(client)
        unpaid = "Nothing has been paid on it yet."
        assert (unpaid in first, unpaid in second) == (True, False)

    def test_leads_to_reminders_while_it_is_open(self, loan, client):
        make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        [paid], [next_, *_] = self.rows(client, state="paid"), self.rows(client)
        assert ("Reminders of this bill" in paid, "Reminders of this bill" in next_) == (False, True)

    def test_is_marked_where_an_answer_given_on_the_page_changes_it(self, loan, client):
        make.repayment(loan, INSTALLMENT, date(2026, 2, 10), presumed=True, source=Source.AUTO)
        first, second, *_ = reversed(self.rows(client, state="all"))
        assert (first.count('id="standing-'), second.count('id="standing-')) == (1, 0)
