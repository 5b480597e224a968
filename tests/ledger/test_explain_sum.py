"""A sum over several loans opens the amounts it adds up, each of which opens its own terms."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from ledger.models import Role
from ledger.selectors.bills import bills_page
from ledger.selectors.debts import owed
from ledger.selectors.explain import explanation_page
from ledger.selectors.overview import loans_of, overview
from ledger.selectors.sums import SUMS, Addend, household_sum
from ledger.templatetags.explaining import sum_words
from tests import builders as make
from tests.builders import at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
HTMX = {"HX-Request": "true", "HX-Target": "explanation"}


def url(name):
    return reverse("ledger:explain_sum", args=[name])


def three_loans(home):
    """Two in CNY with a bill overdue since 10 February, one of them paid in part and one in whole, and one in USD."""
    laptop = make.loan(home, now=at("2026-01-20"))
    bicycle = make.loan(home, now=at("2026-01-20"), name="Bicycle", bill_fee=300)
    make.loan(home, now=at("2026-01-20"), name="Trip", currency="USD")
    make.repayment(laptop, 150_000, date(2026, 2, 10))
    make.repayment(bicycle, 20_000, date(2026, 2, 20), presumed=True)
    to_come = make.loan(home, name="Piano", disbursed_on=date(2026, 2, 4), first_due_on=date(2026, 3, 10))
    make.repayment(to_come, 5_000, date(2026, 2, 25))
    return laptop, bicycle, to_come


def amount_of(home, name, **params):
    return household_sum(home, TODAY, name, params).amount


class TestSums:
    def test_each_comes_to_what_the_overview_shows(self, home):
        three_loans(home)
        shown = overview(home, TODAY, loans_of(home))
        for head in shown.headlines:
            assert amount_of(home, f"late-{head.currency}") == head.amount
        for month in owed(home, TODAY).months:
            got = [amount_of(home, f"month_{kind}-{month.currency}") for kind in ("paid", "presumed", "due")]
            assert got == [month.paid, month.presumed, month.due]
        debts = owed(home, TODAY).debts
        for debt in debts:
            got = [amount_of(home, f"{kind}-{debt.currency}") for kind in ("debt", "interest", "fees")]
            assert got == [debt.outstanding, debt.interest_left, debt.fee_left]
        assert {debt.currency for debt in debts} == {"CNY", "USD"}

    def test_the_next_bills_are_those_of_one_lender_on_one_day(self, home):
        for name in ("Piano", "Flute"):
            make.loan(home, name=name, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
        make.loan(home, name="Later", disbursed_on=date(2026, 2, 11), first_due_on=date(2026, 3, 11))
        shown = overview(home, TODAY, loans_of(home))
        found = household_sum(home, TODAY, "next-CNY", {})
        assert [addend.loan for addend in found.addends] == [
            bill.row.loan for bill in shown.next[: shown.headlines[0].count]
        ]
        assert found.amount == shown.headlines[0].amount

    @pytest.mark.parametrize(
        "params", [{}, {"month": "2026-03"}, {"q": "Bicycle"}, {"month": "2026-02", "q": "Laptop"}]
    )
    def test_each_comes_to_what_the_bills_page_shows(self, home, params):
        three_loans(home)
        for total in bills_page(home, TODAY, params).totals:
            got = [amount_of(home, f"{kind}-{total.currency}", **params) for kind in ("open", "paid", "presumed")]
            assert got == [total.open, total.paid, total.presumed]

    @pytest.mark.parametrize("kind", SUMS)
    @pytest.mark.parametrize("params", [{}, {"month": "2026-03"}])
    def test_every_addend_is_an_amount_with_terms(self, home, kind, params):
        loans = {loan.pk: loan for loan in three_loans(home)}
        for one in household_sum(home, TODAY, f"{kind}-CNY", params).addends:
            assert explanation_page(loans[one.loan_id], one.cell.name, TODAY).explanation.amount == one.amount

    def test_nothing_to_add_is_nothing(self, home):
        assert household_sum(home, TODAY, "next-CNY", {}).addends == ()

    def test_an_addend_says_whose_bill_it_is(self, home):
        _, bicycle, _ = three_loans(home)
        found = household_sum(home, TODAY, "late-CNY", {}).addends
        assert found == (
            Addend(bicycle.pk, "Bicycle", bicycle.lender.name, found[0].cell, found[0].amount, date(2026, 2, 10)),
        )
        assert found[0].cell.name == "bill-1-total-open"


class TestPage:
    @pytest.mark.parametrize("name", ["nothing-CNY", "late", "late-cny", "late-", "debt-CNYX"])
    def test_a_name_that_is_no_sum_is_missing(self, client, name):
        assert client.get(url(name)).status_code == 404

    def test_logged_out_one_is_led_to_sign_in(self, home):
        assert Client().get(url("debt-CNY")).headers["Location"].startswith(reverse("account_login"))

    def test_a_stranger_sees_only_their_own(self, home):
        three_loans(home)
        stranger = make.user()
        make.household(stranger)
        assert "Bicycle" not in signed_in(stranger).get(url("debt-CNY")).content.decode()

    def test_a_viewer_may_read_it(self, home):
        three_loans(home)
        assert "Bicycle" in signed_in(make.member(home, Role.VIEWER)).get(url("debt-CNY")).content.decode()

    def test_htmx_gets_the_piece_alone(self, home, client):
        three_loans(home)
        whole, piece = client.get(url("debt-CNY")), client.get(url("debt-CNY"), headers=HTMX)
        assert whole.content.decode().strip().startswith("<!doctype html>")
        assert piece.content.decode().strip().startswith('<div id="explanation"')
        assert "HX-Target" in piece.headers["Vary"]

    def test_an_addend_leads_on_and_back(self, home, client):
        laptop, _, _ = three_loans(home)
        there = f"/loans/{laptop.pk}/explain/outstanding/?sum=debt-CNY"
        assert f'href="{there}"' in client.get(url("debt-CNY")).content.decode()
        assert f'<a class="crumb" href="{url("debt-CNY")}">' in client.get(there).content.decode()
        assert "crumb" not in client.get(there.replace("debt", "%22"), headers=HTMX).content.decode()

    def test_a_single_addend_is_shown_at_once(self, home, client):
        three_loans(home)
        answer = client.get(url("late-CNY"))
        assert answer.headers["Location"].endswith("/explain/bill-1-total-open/")

    def test_it_takes_the_same_queries_with_one_loan_and_with_four(self, home, client, django_assert_max_num_queries):
        counts = []
        for names in (["Laptop", "Bicycle"], ["Piano", "Flute"]):
            for name in names:
                make.loan(home, now=at("2026-01-20"), name=name)
            with django_assert_max_num_queries(14) as seen:
                client.get(url("debt-CNY"))
            counts.append(len(seen))
        assert counts[0] == counts[1]

    def test_every_sum_has_a_name(self):
        assert [kind for kind in SUMS if not sum_words(f"{kind}-CNY")] == []
