"""Any amount opens what it is made of: a page of its own, or the piece of it that a dialog shows."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.explain import cells, explain
from ledger.loanmath.explanation import Cell, Part, Subject, Term, TermKind, Unexplained, cell_named
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.project import project
from ledger.loanmath.terms import PenaltyTerms
from ledger.models import Role
from ledger.selectors.history import history
from ledger.services.mandates import authorize_mandate
from ledger.templatetags.explaining import cell_words, equation, exact, formula, term_words, why, why_amount
from tests import builders as make
from tests.builders import signed_in
from tests.loanmath.builders import loan as agreement

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
HTMX = {"HX-Request": "true", "HX-Target": "explanation"}
MINUS = "−"
CAR = agreement(principal=300_000, annual_rate=Decimal("0.125"), day_count=DayCount.ACT_365F)


def url(loan, cell="bill-1-interest"):
    return reverse("ledger:explain_amount", args=[loan.pk, cell])


def pages_of(*loans):
    names = ("overview", "bills", "activity", "accounts")
    of_loans = [reverse(f"ledger:{name}", args=[loan.pk]) for loan in loans for name in ("loan", "loan_cost")]
    return [*(reverse(f"ledger:{name}") for name in names), reverse("ledger:bills") + "?state=all", *of_loans]


def amounts_on(client, page):
    """Each link to an explanation on a page, and the amount it shows; rates are left out."""
    read = client.get(page).content.decode()
    for href, shown in re.findall(r'<a href="([^"]*explain/[^"]*)">(.*?)</a>', read):
        if "%" not in shown and not shown.startswith("Bill"):
            yield href if href.startswith("/") else page.partition("?")[0] + href, digits(shown)


def sum_at(client, link):
    """The amount that an explanation comes to."""
    read = client.get(link, headers=HTMX, follow=True).content.decode()
    return digits(read.partition('class="facts-total"')[2].partition("<dd>")[2].partition("</dd>")[0])


def digits(html):
    return re.sub(r"[^\d.,−]", "", re.sub(r"<[^>]*>", "", html))


class TestWho:
    def test_a_strangers_amount_is_not_there(self, loan):
        stranger = make.user()
        make.household(stranger)
        assert signed_in(stranger).get(url(loan)).status_code == 404

    def test_logged_out_one_is_led_to_sign_in(self, loan):
        assert Client().get(url(loan)).headers["Location"].startswith(reverse("account_login"))

    def test_a_viewer_may_read_it(self, home, loan, client):
        read = signed_in(make.member(home, Role.VIEWER)).get(url(loan)).content.decode()
        assert "12,000.00" in read
        assert "Bill 1 · Interest" in read


class TestPage:
    @pytest.mark.parametrize(
        "name", ["nothing", "bill-99-interest", "bill-1", "bill-1-interest-due", "payoff-2026-02-01-fee"]
    )
    def test_a_name_that_is_no_amount_is_missing(self, loan, client, name):
        assert client.get(url(loan, name)).status_code == 404

    def test_htmx_gets_the_piece_alone(self, loan, client):
        whole, piece = client.get(url(loan)), client.get(url(loan), headers=HTMX)
        assert whole.content.decode().strip().startswith("<!doctype html>")
        assert piece.content.decode().strip().startswith('<div id="explanation"')
        assert "HX-Target" in piece.headers["Vary"]

    def test_the_facts_it_rests_on_lead_to_the_history(self, loan, client):
        fact = make.repayment(loan, 106_619, date(2026, 2, 10))
        read = client.get(url(loan, "bill-1-total-paid")).content.decode()
        assert f'href="/loans/{loan.pk}/explain/bill-1-principal-paid/?from=bill-1-total-paid"' in read
        read = client.get(url(loan, "bill-1-principal-paid")).content.decode()
        assert f'href="/loans/{loan.pk}/#fact-{fact.pk}"' in read
        assert f'id="fact-{fact.pk}"' in client.get(reverse("ledger:loan", args=[loan.pk])).content.decode()

    def test_it_leads_back_to_where_one_came_from(self, loan, client):
        read = client.get(url(loan) + "?from=bill-1-total").content.decode()
        assert f'<a class="crumb" href="/loans/{loan.pk}/explain/bill-1-total/">' in read
        assert client.get(url(loan) + "?from=%22%3E").status_code == 200

    def test_terms_that_do_not_add_up_are_owned_up_to(self, loan, client):
        broken = Unexplained(Cell(subject=Subject.COST), 5, ())
        with patch("ledger.views.explain.explanation_page", side_effect=broken):
            assert "cannot be explained yet" in client.get(url(loan)).content.decode()

    def test_it_takes_the_same_queries_however_many_facts(self, loan, client, django_assert_max_num_queries):
        counts = []
        for day in (2, 3, 4):
            make.repayment(loan, 1_000, date(2026, 2, day))
            with django_assert_max_num_queries(20) as seen:
                client.get(url(loan, "bill-1-total-paid"))
            counts.append(len(seen))
        assert len(set(counts)) == 1

    def test_every_amount_of_a_loan_has_a_page(self, loan, client):
        make.repayment(loan, 106_619, date(2026, 2, 10))
        make.repayment(loan, 50_000, date(2026, 2, 20))
        names = [cell.name for cell in cells(history(loan).project(TODAY))]
        names += [f"payoff-2026-03-05-{part}" for part in Part]
        assert {client.get(url(loan, name), headers=HTMX).status_code for name in names} == {200}


class TestLinks:
    def test_every_link_on_the_pages_opens_the_amount_it_shows(self, loan, client, card):
        make.repayment(loan, 106_619, date(2026, 2, 10), presumed=True)
        late = make.loan(loan.household, now=make.at("2026-01-20"), penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
        make.repayment(late, 50_000, date(2026, 2, 20))
        make.repayment(late, 90_000, date(2026, 2, 21), apply_to=ApplyTo.HOLD)
        make.loan(loan.household, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), bill_fee=300)
        authorize_mandate(scope=late, sources=[card], recording=make.recording())
        found = dict(link for page in pages_of(loan, late) for link in amounts_on(client, page))
        wrong = {link: (text, opened) for link, text in found.items() if text != (opened := sum_at(client, link))}
        assert wrong == {}
        assert len(found) > 150

    def test_an_amount_is_a_short_link(self):
        assert why_amount(3_185, "CNY", "bill", 3, "interest") == '<a href="explain/bill-3-interest/">31.85</a>'
        assert why(3_185, "CNY", "outstanding", loan=7).startswith('<a href="/loans/7/explain/outstanding/"><span')


class TestWords:
    def explained(self, name, facts=(), terms=CAR):
        return explain(project(terms, facts, date(2026, 3, 1)), cell_named(name))

    def test_interest_reads_as_one_sum(self):
        shown = self.explained("bill-1-interest")
        assert equation(shown) == "31 days × 12.5% / 365 × 3,000.00 = 31.85"
        assert [(term_words(t, "CNY"), exact(t.amount, "CNY"), formula(t, "CNY")) for t in shown.terms] == [
            ("Interest from 10 Jan 2026 to 10 Feb 2026", "31.8493…", "31 days × 12.5% / 365 × 3,000.00"),
            ("Rounded to the nearest, halves up", "0.0006…", ""),
        ]

    def test_equal_months_read_as_a_twelfth(self):
        assert equation(self.explained("bill-1-interest", terms=agreement())) == "14.4% / 12 × 12,000.00 = 144.00"

    def test_principal_is_payment_less_interest(self):
        shown = self.explained("bill-1-principal", terms=agreement())
        assert [(term_words(t, "CNY"), exact(t.amount, "CNY")) for t in shown.terms] == [
            ("The level payment", "1,079.71"),
            ("Less the interest in it", f"{MINUS}144.00"),
        ]
        assert equation(shown) == ""

    def test_every_kind_of_amount_has_a_name(self):
        names = {
            name: cell_words(cell_named(name)) for name in ("bill-3-fee-open", "all-total", "payoff-2026-03-05-fee")
        }
        assert names == {
            "bill-3-fee-open": "Bill 3 · Fee · left to pay",
            "all-total": "All bills · Total",
            "payoff-2026-03-05-fee": "Payoff on 5 Mar 2026 · Fee",
        }

    def test_every_kind_of_term_has_words(self):
        said = {kind: term_words(Term(kind=kind, amount=Fraction(1), part=Part.FEE), "CNY") for kind in TermKind}
        assert [kind for kind, words in said.items() if not words] == []


def test_what_a_loan_still_asks_for_names_the_bills_that_were_paid(home, loan, client):
    make.repayment(loan, 106_619, date(2026, 2, 10))
    said = client.get(url(loan, "outstanding")).content.decode()
    assert "Less what was paid of bill 1" in said
    waived = Term(kind=TermKind.LET_GO, amount=Fraction(-500), number=2)
    assert term_words(waived, "CNY") == "Less what was waived of bill 2"
