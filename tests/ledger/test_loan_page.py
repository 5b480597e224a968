"""A loan's page: what is left and what it costs, its schedule, history, payoff quote, and undoing."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ledger.loanmath.explain_cost import cost_terms
from ledger.loanmath.explanation import TermKind
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.terms import Component, HolidayRule, ListedRow, Method
from ledger.models import Bill, Fact, Loan, Role
from ledger.models.facts import Kind, Source
from ledger.selectors.cost import cost_page
from ledger.selectors.history import history
from ledger.selectors.loan import loan_history, loan_page, undo_preview
from ledger.services.agreement import change_rate, defer_bill
from ledger.services.charges import record_charge, state_lender_figure, waive_charge
from ledger.services.mandates import authorize_mandate
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
INSTALLMENT = 106_619
HTMX = {"HX-Request": "true", "HX-Target": "payoff"}


def url(loan):
    return reverse("ledger:loan", args=[loan.pk])


def undo_url(loan, fact):
    return reverse("ledger:reverse_fact", args=[loan.pk, fact.pk])


def shown(loan, **more):
    return loan_page(Loan.objects.get(pk=loan.pk), TODAY, **more)


def undo(fact):
    return reverse_fact(fact=fact, recording=make.recording()).fact


class TestWho:
    def test_a_strangers_loan_and_facts_are_not_there(self, loan):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        stranger = make.user()
        make.household(stranger)
        pages = [url(loan), undo_url(loan, fact), reverse("ledger:confirm_repayment", args=[loan.pk, fact.pk])]
        client = signed_in(stranger)
        assert [client.get(page).status_code for page in pages[:2]] == [404, 404]
        assert [client.post(page, {"key": "k"}).status_code for page in pages[1:]] == [404, 404]
        assert Fact.objects.count() == 1

    def test_another_loans_fact_is_not_there(self, home, loan, client):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        other = make.loan(home, name="Chair")
        assert client.post(undo_url(other, fact), {"key": "k"}).status_code == 404

    def test_logged_out_one_is_led_to_sign_in(self, loan):
        assert Client().get(url(loan)).headers["Location"].startswith(reverse("account_login"))

    def test_a_viewer_sees_the_history_and_no_button_that_writes(self, home, loan, client):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10), presumed=True, source=Source.AUTO)
        viewer = signed_in(make.member(home, Role.VIEWER))
        writes = ("Record repayment", "Yes, debited", "No, it failed")
        read, written = viewer.get(url(loan)).content.decode(), client.get(url(loan)).content.decode()
        assert "¥1,066.19 debited" in make.sentences(read)
        assert [word for word in writes if word in read] == []
        assert [word for word in writes if word in written] == list(writes)
        assert viewer.get(undo_url(loan, fact)).status_code == 403
        assert viewer.post(undo_url(loan, fact), {"key": "k"}).status_code == 403
        confirm = reverse("ledger:confirm_repayment", args=[loan.pk, fact.pk])
        assert viewer.post(confirm, {"key": "k"}).status_code == 403
        assert Fact.objects.count() == 1

    @pytest.mark.parametrize(
        "path", ["/loans/99999999999999999999999/", "/loans/0/", "/loans/7/facts/10000000000000000000000/undo/"]
    )
    def test_numbers_that_are_no_loan_are_not_found(self, client, path):
        assert client.get(path).status_code == 404

    def test_confirming_is_never_a_get(self, loan, client):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10), presumed=True, source=Source.AUTO)
        assert client.get(reverse("ledger:confirm_repayment", args=[loan.pk, fact.pk])).status_code == 405


class TestFigures:
    def test_what_is_left_and_what_is_late(self, loan):
        make.repayment(loan, 50_000, date(2026, 2, 10))
        page = shown(loan)
        assert (page.outstanding, page.repaid, page.presumed, page.late) == (1_162_000, 50_000, 0, 56_619)
        assert (page.next.number, page.ends_on, page.borrowed) == (1, date(2027, 1, 10), 1_200_000)

    def test_the_schedule_sums_to_what_was_borrowed_and_ends_at_nothing(self, loan):
        page = shown(loan)
        assert page.totals.principal == 1_200_000
        assert [line.row.number for line in page.schedule] == list(range(1, 13))
        assert page.schedule[-1].balance == 0
        assert [line.row.standing for line in page.schedule][:3] == ["overdue", "upcoming", "upcoming"]
        assert [line.is_next for line in page.schedule] == [True, *[False] * 11]

    def test_a_flat_fee_shows_its_true_yearly_cost(self, home):
        flat = make.loan(home, annual_rate=Decimal(0), method=Method.FLAT, flat_fee=95_040)  # 0.66 % a month
        cost = shown(flat).cost
        assert (cost.advertised, round(cost.annual.simple, 4), round(cost.annual.compound, 4)) == (
            Decimal("0.0792"),
            Decimal("0.1431"),
            Decimal("0.1529"),
        )
        assert (cost.interest, cost.fee, cost.total) == (0, 95_040, 95_040)

    def test_a_rate_change_stands_beside_the_advertised_rate(self, loan, client):
        change_rate(loan=loan, annual_rate=Decimal("0.1"), effective_on=date(2026, 2, 20), recording=make.recording())
        cost = shown(loan).cost
        assert (cost.advertised, cost.rate_now, cost.rate_since) == (
            Decimal("0.12"),
            Decimal("0.1"),
            date(2026, 2, 20),
        )
        assert "10% since 20 Feb" in client.get(url(loan)).content.decode().replace("\u00a0", " ")

    @pytest.mark.parametrize("announced", [False, True])
    def test_the_cost_is_the_same_on_the_page_of_its_items(self, home, announced):
        """Bills lie on working days, one is paid late, and a rate may be announced for a day to come."""
        loan = make.loan(home, holiday_rule=HolidayRule.NEXT_WORKDAY, first_due_on=date(2026, 2, 14), name="Saturdays")
        make.repayment(loan, 60_000, date(2026, 2, 20))
        if announced:
            day, rate = date(2026, 8, 10), Decimal("0.24")
            change_rate(loan=loan, annual_rate=rate, effective_on=day, recording=make.recording())
        listed = cost_page(Loan.objects.get(pk=loan.pk), TODAY).cost.real
        assert shown(loan).cost.life == listed
        facts = history(loan).project(TODAY)
        assert sum(term.amount for term in cost_terms(facts)) == listed.total
        capitalized = [term.amount for term in cost_terms(facts) if term.kind is TermKind.CAPITALIZED]
        assert capitalized == [0]

    def test_the_lenders_figure_shows_its_difference_from_ours(self, loan, client):
        parts = Parts(principal=94_619, interest=12_003)
        state_lender_figure(loan=loan, bill_number=1, parts=parts, stated_on=TODAY, recording=make.recording())
        line = shown(loan).schedule[0]
        assert (line.row.due, line.computed.total, line.difference) == (parts, INSTALLMENT, 3)
        read = make.sentences(client.get(url(loan)).content.decode()).replace("&#x27;", "'")
        assert "Lender’s figure; ours was ¥1,066.19 (¥0.03)" in read

    def test_a_long_loan_is_drawn_by_the_year(self, home):
        page = shown(make.loan(home, count=360), charts=True)
        assert len(page.schedule) == 360
        assert [stack.label for stack in page.charts.stacks][:2] == ["2026", "2027"]
        assert sum(stack.principal for stack in page.charts.stacks) == 1_200_000

    def test_what_is_owed_is_drawn_as_agreed_and_as_it_went(self, loan, client):
        """Interest at 12 % a year: of ¥1,066.19 the first bill takes ¥120.00, the second ¥110.54."""
        make.repayment(loan, 400_000, TODAY, apply_to=ApplyTo.LOWER)
        balances = shown(loan, charts=True).charts.balances
        assert [(row.day, row.planned) for row in balances[:2]] == [
            (date(2026, 2, 10), 1_200_000 - (106_619 - 12_000)),
            (date(2026, 3, 10), 1_105_381 - (106_619 - 11_054)),
        ]
        assert balances[1].actual < balances[1].planned
        assert (balances[-1].planned, balances[-1].actual) == (0, 0)
        whole = client.get(url(loan), {"charts": "shown"}).content.decode()
        piece = client.get(url(loan), {"charts": "shown"}, headers={"HX-Request": "true", "HX-Target": "charts"})
        assert piece.content.decode().strip() in whole
        assert "What is owed over time" in whole

    def test_a_paid_off_loan_says_so(self, home, loan, client):
        most = payoff_quote(history(loan).terms, history(loan).facts, TODAY).total
        make.repayment(loan, most, TODAY, apply_to="payoff")
        content = client.get(url(loan)).content.decode()
        assert "Nothing is left to pay since 1 Mar, today." in content
        assert "Pay it all off" not in content


class TestPayoff:
    def test_the_quote_is_the_engines_and_lists_its_parts(self, loan, client):
        quote = shown(loan, payoff_on="2026-03-20").payoff.quote
        past = history(loan)
        assert quote == payoff_quote(past.terms, past.facts, date(2026, 3, 20))
        content = client.get(url(loan), {"payoff_on": "2026-03-20"}).content.decode()
        assert "settles the loan on 20 Mar, in 19 days." in content

    def test_htmx_gets_the_same_piece_alone(self, loan, client):
        response = client.get(url(loan), {"payoff_on": "2026-03-20"}, headers=HTMX)
        piece = response.content.decode()
        assert piece.strip().startswith('<div id="payoff"')
        assert piece.strip() in client.get(url(loan), {"payoff_on": "2026-03-20"}).content.decode()
        assert "HX-Target" in response.headers["Vary"]

    @pytest.mark.parametrize(
        "day, problem",
        [
            ("tomorrow", "Enter a day such as 2026-03-31."),
            ("9" * 5000, "Enter a day such as 2026-03-31."),
            ("NaN", "Enter a day such as 2026-03-31."),
            ("2026-02-28", "Choose today or a later day"),
            ("9999-12-31", "Choose a day within the next five years."),
        ],
    )
    def test_a_day_that_cannot_be_is_said_in_words(self, loan, client, day, problem):
        response = client.get(url(loan), {"payoff_on": day})
        assert response.status_code == 200
        assert problem in response.content.decode()

    def test_an_unconfirmed_debit_is_pointed_out(self, loan):
        make.repayment(loan, INSTALLMENT, date(2026, 2, 10), presumed=True, source=Source.AUTO)
        assert shown(loan, payoff_on="").payoff.has_presumed


class TestHistory:
    def test_every_kind_of_fact_is_told_in_words_newest_first(self, home, loan, client, owner):
        made = make.recording
        make.repayment(loan, INSTALLMENT, date(2026, 2, 10), note="at the counter")
        record_charge(loan=loan, amount=500, charged_on=TODAY, recording=made())
        waive_charge(loan=loan, amount=500, component=Component.FEE, bill_number=2, waived_on=TODAY, recording=made())
        change_rate(loan=loan, annual_rate=Decimal("0.1"), effective_on=TODAY, recording=made())
        defer_bill(loan=loan, bill_number=3, moved_to=date(2026, 4, 20), agreed_on=TODAY, recording=made(by=owner))
        words = [
            "Bill 3 moved to 20 Apr",
            "Rate 10%, end date kept",
            "¥5.00 of bill 2 waived",
            "Fee of ¥5.00 added",
            "Repaid ¥1,066.19",
        ]
        content = make.sentences(client.get(url(loan), {"history": "all"}).content.decode()).replace("\u00a0", " ")
        places = [content.index(word) for word in words]
        assert places == sorted(places)
        assert "Recorded by you, 1 Mar 12:00." in content
        assert "“at the counter”" in content

    def test_undone_and_brought_back_again_and_again(self, loan):
        paid = make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        undone = undo(paid)
        again = undo(undone)
        lines = {line.id: line for line in loan_history(loan)}
        told = [
            (lines[fact.pk].is_undone, lines[fact.pk].may_undo, lines[fact.pk].is_redo)
            for fact in (paid, undone, again)
        ]
        assert told == [(False, False, False), (True, False, False), (False, True, True)]
        undo(again)
        assert next(line for line in loan_history(loan) if line.id == paid.pk).is_undone

    def test_what_a_repayment_met_is_listed(self, loan):
        make.repayment(loan, INSTALLMENT + 20_000, date(2026, 2, 10))
        assert [(met.bill, met.amount) for met in loan_history(loan)[0].met] == [(1, INSTALLMENT), (2, 20_000)]


class TestUndo:
    def test_the_page_shows_what_changes_before_it_does(self, loan, client):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        line = loan_history(loan)[0]
        preview = undo_preview(Loan.objects.get(pk=loan.pk), line, TODAY)
        changes = [(bill.number, bill.before, bill.after) for bill in preview.bills]
        assert (preview.outstanding_before, preview.outstanding_after) == (1_105_381, 1_200_000)
        assert changes == [(1, 0, INSTALLMENT)]
        assert "Bill 1, due 10 Feb, left to pay" in client.get(undo_url(loan, fact)).content.decode()
        assert Fact.objects.count() == 1

    def test_posting_undoes_once_and_leads_to_the_loan(self, loan, client):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        before = Loan.objects.get(pk=loan.pk).version
        for _ in range(2):
            response = client.post(undo_url(loan, fact), {"key": "one-undo", "seen": before})
            assert response.headers["Location"] == url(loan)
        reversals = Fact.objects.filter(kind=Kind.REVERSAL).values_list("target_id", flat=True)
        assert list(reversals) == [fact.pk]
        assert shown(loan).outstanding == 1_200_000

    def test_figures_that_moved_on_are_shown_anew(self, loan, client):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        seen = Loan.objects.get(pk=loan.pk).version
        make.repayment(loan, 10_000, TODAY)
        response = client.post(undo_url(loan, fact), {"key": "k", "seen": seen})
        assert response.status_code == 409
        assert "The figures have changed since you saw them." in response.content.decode()
        assert not Fact.objects.filter(kind=Kind.REVERSAL).exists()

    def test_what_is_already_undone_says_so(self, loan, client):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        undo(fact)
        assert "This has already been undone." in client.get(undo_url(loan, fact)).content.decode()
        client.post(undo_url(loan, fact), {"key": "other"})
        assert Fact.objects.filter(kind=Kind.REVERSAL).count() == 1

    @pytest.mark.parametrize("key", ["", "\0", "k" * 5000])
    def test_any_key_will_do(self, loan, client, key):
        fact = make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        response = client.post(undo_url(loan, fact), {"key": key, "seen": "9" * 5000, "back": "nowhere"})
        assert response.headers["Location"] == url(loan)


class TestChooseLoan:
    def test_with_one_open_loan_it_is_chosen(self, loan, client):
        where = reverse("ledger:record_repayment", args=[loan.pk])
        assert client.get(reverse("ledger:choose_loan")).headers["Location"] == where

    def test_of_several_the_reader_chooses(self, home, loan, client):
        make.loan(home, name="Chair")
        stranger = make.loan(name="Not theirs")
        content = client.get(reverse("ledger:choose_loan")).content.decode()
        assert ["Laptop" in content, "Chair" in content, stranger.name in content] == [True, True, False]

    def test_the_most_pressing_comes_first_with_its_next_bill(self, home, loan, client):
        make.loan(home, name="Chair", first_due_on=date(2026, 2, 20))  # the laptop's is due on 10 February
        make.loan(home, name="Desk", first_due_on=date(2026, 4, 1))
        response = client.get(reverse("ledger:choose_loan"))
        shown = [(one.name, one.next_on, one.next_open) for one in response.context["loans"]]
        first = {bill.loan_id: bill for bill in Bill.objects.filter(number=1)}
        assert [name for name, _, _ in shown] == ["Laptop", "Chair", "Desk"]
        assert [left for _, _, left in shown] == [first[one.pk].open.total for one in response.context["loans"]]
        assert [day for _, day, _ in shown] == [date(2026, 2, 10), date(2026, 2, 20), date(2026, 4, 1)]
        assert response.content.decode().count("badge-overdue") == 2

    def test_it_costs_the_same_with_2_loans_and_with_30(self, home, client):
        asked = []
        for count in (2, 28):
            for number in range(count):
                make.loan(home, name=f"Loan {count}-{number}")
            client.get(reverse("ledger:choose_loan"))
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("ledger:choose_loan"))
            asked.append(len(queries))
        assert asked[0] == asked[1]

    def test_a_viewer_has_none_to_choose(self, home, loan):
        viewer = signed_in(make.member(home, Role.VIEWER))
        assert viewer.get(reverse("ledger:choose_loan")).status_code == 403

    def test_without_any_one_begins(self, client):
        assert client.get(reverse("ledger:choose_loan")).headers["Location"] == reverse("ledger:first_run")


@pytest.mark.parametrize("repayments", [1, 3])
def test_the_page_costs_the_same_with_1_repayment_and_with_3(home, loan, client, repayments, django_assert_num_queries):
    card = make.account(home)
    authorize_mandate(scope=loan, sources=[card], recording=make.recording())
    for number in range(1, repayments + 1):
        make.repayment(loan, INSTALLMENT, date(2026, 2, number), account=card)
    with django_assert_num_queries(13):
        assert client.get(url(loan)).status_code == 200


def test_a_loan_by_the_lenders_table_names_no_rate(home):
    rows = (ListedRow(date(2026, 2, 10), Parts(50_000, 1_000)), ListedRow(date(2026, 3, 10), Parts(50_000, 500)))
    listed = make.loan(home, principal=100_000, count=2, annual_rate=Decimal(0), method=Method.LISTED, listed=rows)
    assert (shown(listed).cost.names_rate, shown(make.loan(home)).cost.names_rate) == (False, True)
