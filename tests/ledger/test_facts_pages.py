"""Charges, waivers, rate changes, deferrals and lender's figures: previewed, recorded once, refused in words."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from ledger.loanmath.money import Parts
from ledger.models import Bill, Fact, Role
from ledger.selectors.preview import Moved
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]

KEY = "0123456789abcdef"
TODAY = datetime(2026, 3, 9, 4, 0, tzinfo=UTC)  # 12:00 on 9 March in Shanghai: bill 1 is late, bill 2 due tomorrow

PAGES = {
    "record_charge": {"amount": "12.50", "component": "penalty", "bill": "1"},
    "waive_charge": {"amount": "20", "component": "interest", "bill": "1"},
    "change_rate": {"annual_rate": "6", "effect": "keep_term"},
    "defer_bill": {"bill": "2", "moved_to": "2026-03-25", "effect": "move"},
    "state_lender_figure": {"bill": "2", "principal": "955.65", "interest": "111.00", "fee": "", "penalty": ""},
    "record_coupon": {"amount": "20", "bill": "2", "component": ""},
    "record_refund": {"amount": "1000"},
    "record_drawdown": {"amount": "1000"},
    "move_due_date": {"bill": "3", "moved_to": "2026-04-25"},
    "pause_interest": {"until": "2026-03-31"},
    "extend_loan": {"count": "6"},
    "amend_terms": {"annual_rate": "6", "method": "level", "due_day": "10"},
    "record_arrangement": {"first_due_on": "2026-05-10", "count": "24", "annual_rate": "6", "method": "level"},
}
# Filled in from the agreement as it is, or complete enough to show what changes.
QUERIES = {"amend_terms": 10, "record_arrangement": 9, "state_lender_figure": 11}


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def loan(home):
    return make.loan(home, now=TODAY)


def url(name, loan, query=""):
    return reverse(f"ledger:{name}", args=[loan.pk]) + query


def said(name, loan, **more):
    loan.refresh_from_db()
    common = {"key": KEY, "seen": str(loan.version), "effective_on": "2026-03-09", "note": ""}
    return common | PAGES[name] | more


def send(client, name, loan, **more):
    return client.post(url(name, loan), said(name, loan, **more))


def look(client, name, loan, **more):
    headers = {"HX-Request": "true", "HX-Target": "preview"}
    return client.post(url(name, loan), said(name, loan, **more), headers=headers)


def errors(response):
    return {name: list(texts) for name, texts in response.context["form"].errors.items()}


@pytest.mark.parametrize("name", PAGES)
def test_each_is_recorded_once_and_leads_back_to_the_loan(client, owner, loan, name):
    form = said(name, loan)
    first, second = client.post(url(name, loan), form), client.post(url(name, loan), form)
    assert (first.status_code, first["Location"]) == (302, reverse("ledger:loan", args=[loan.pk]))
    assert (second.status_code, second["Location"]) == (302, first["Location"])
    fact = Fact.objects.get()
    assert (fact.recorded_by, fact.effective_on, fact.loan) == (owner, date(2026, 3, 9), loan)


@pytest.mark.parametrize("name", PAGES)
def test_each_refuses_its_key_for_something_else(client, loan, name):
    form = said(name, loan)
    client.post(url(name, loan), form)
    response = client.post(url(name, loan), form | {"note": "another"})
    assert (response.status_code, Fact.objects.count()) == (409, 1)


@pytest.mark.parametrize("name", PAGES)
def test_each_shows_new_figures_when_they_moved_on(client, loan, name):
    form = said(name, loan)
    make.repayment(loan, 100, date(2026, 3, 1), TODAY)
    response = client.post(url(name, loan), form)
    loan.refresh_from_db()
    assert (response.status_code, response.context["form"]["seen"].value()) == (409, loan.version)


def test_a_charge_is_added_to_its_bill(client, loan):
    change = look(client, "record_charge", loan).context["change"]
    assert change.moved == (Moved(1, date(2026, 2, 10), 106_619, 107_869),)
    assert (change.saves, Fact.objects.count()) == (-1250, 0)
    send(client, "record_charge", loan)
    assert Bill.objects.get(number=1).due == Parts(principal=94_619, interest=12_000, penalty=1250)


def test_a_charge_without_a_bill_joins_the_next_one(client, loan):
    send(client, "record_charge", loan, bill="", component="fee")
    assert Bill.objects.get(number=2).fee_due == 1250


def test_a_waiver_lowers_what_is_left_and_is_no_repayment(client, loan):
    change = look(client, "waive_charge", loan).context["change"]
    assert (change.saves, change.moved) == (2000, (Moved(1, date(2026, 2, 10), 106_619, 104_619),))
    send(client, "waive_charge", loan)
    bill = Bill.objects.get(number=1)
    assert (bill.waived, bill.paid, bill.open.total) == (Parts(interest=2000), Parts(), 104_619)


def test_a_waiver_above_what_is_left_names_what_is_left(client, loan):
    response = send(client, "waive_charge", loan, amount="120.01")
    assert (response.status_code, errors(response)) == (
        422,
        {"amount": ["This part of the bill has ¥120.00 left. Enter at most that."]},
    )


def test_a_lower_rate_shows_the_new_payment_and_what_it_saves(client, loan):
    change = look(client, "change_rate", loan).context["change"]
    assert change.saves > 0
    assert change.new_payment < 106_619
    assert change.ends_after == change.ends_before
    send(client, "change_rate", loan)
    bills = Bill.objects.order_by("number")
    assert bills.get(number=1).due.total == 106_619
    assert bills.get(number=4).due.total == change.new_payment
    assert Fact.objects.get().annual_rate == Decimal("0.06")


def test_a_rate_the_payment_cannot_carry_shows_the_payment_it_takes(client, loan):
    change = look(client, "change_rate", loan, annual_rate="900", effect="keep_payment").context["change"]
    assert (change.payment_before, change.new_payment, change.ends_sooner) == (106_619, 518_951, False)
    assert change.costs > 0


def test_a_flat_fee_plan_has_no_rate_to_change(client, home):
    plan = make.loan(home, now=TODAY, method="flat", annual_rate=Decimal(0), flat_fee=6000)
    response = send(client, "change_rate", plan)
    assert (response.status_code, list(errors(response))) == (422, ["__all__"])


def test_a_deferred_bill_is_due_later(client, loan):
    change = look(client, "defer_bill", loan).context["change"]
    assert [moved.number for moved in change.moved] == [2]
    send(client, "defer_bill", loan)
    bill = Bill.objects.get(number=2)
    assert (bill.payable_on, bill.deferred_from) == (date(2026, 3, 25), date(2026, 3, 10))


def test_a_bill_is_not_deferred_to_an_earlier_day(client, loan):
    response = send(client, "defer_bill", loan, moved_to="2026-03-10")
    assert (response.status_code, errors(response)) == (
        422,
        {"moved_to": ["Choose a day after the bill’s due date."]},
    )


def test_a_paid_bill_cannot_be_deferred(client, loan):
    make.repayment(loan, 106_619, date(2026, 2, 10), TODAY)
    response = send(client, "defer_bill", loan, bill="1")
    assert (response.status_code, list(errors(response))) == (422, ["bill"])


def test_the_lenders_figure_stands_and_ours_is_kept_beside_it(client, loan):
    send(client, "state_lender_figure", loan)
    bill = Bill.objects.get(number=2)
    assert (bill.due, bill.computed) == (
        Parts(principal=95_565, interest=11_100),
        Parts(principal=95_565, interest=11_054),
    )


def test_a_figure_above_what_is_owed_is_refused(client, loan):
    response = send(client, "state_lender_figure", loan, principal="11,053.82")
    assert errors(response) == {"principal": ["Only ¥11,053.81 of principal is owed then. Enter at most that."]}


def test_a_figure_of_nothing_is_refused(client, loan):
    response = send(client, "state_lender_figure", loan, principal="", interest="")
    assert errors(response) == {"principal": ["Enter what the lender asks for, by part."]}


def test_a_bill_in_the_link_is_filled_in_with_its_figures(client, loan):
    form = client.get(url("state_lender_figure", loan, "?bill=2")).context["form"]
    assert (form["bill"].value(), form["principal"].value(), form["interest"].value()) == (2, "955.65", "110.54")
    waiver = client.get(url("waive_charge", loan, "?bill=2")).context["form"]
    assert (waiver["bill"].value(), waiver["amount"].value()) == (2, None)


@pytest.mark.parametrize(
    "name, changes, field",
    [
        ("record_charge", {"amount": "-5"}, "amount"),
        ("record_charge", {"amount": "9" * 5000}, "amount"),
        ("record_charge", {"amount": "NaN"}, "amount"),
        ("record_charge", {"component": "interest"}, "component"),
        ("record_charge", {"bill": "99"}, "bill"),
        ("record_charge", {"effective_on": "9999-01-01"}, "effective_on"),
        ("record_charge", {"effective_on": "2026-01-09"}, "effective_on"),
        ("waive_charge", {"bill": ""}, "bill"),
        ("waive_charge", {"amount": "0"}, "amount"),
        ("waive_charge", {"component": "x"}, "component"),
        ("change_rate", {"annual_rate": "1001"}, "annual_rate"),
        ("change_rate", {"annual_rate": "NaN"}, "annual_rate"),
        ("change_rate", {"effect": "x"}, "effect"),
        ("defer_bill", {"moved_to": "2026-02-30"}, "moved_to"),
        ("defer_bill", {"effect": "x"}, "effect"),
        ("state_lender_figure", {"interest": "-1"}, "interest"),
        ("state_lender_figure", {"bill": "9" * 400}, "bill"),
        ("state_lender_figure", {"note": "x" * 201}, "note"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(client, loan, name, changes, field):
    response = send(client, name, loan, **changes)
    assert (response.status_code, list(errors(response))) == (422, [field])
    form = response.context["form"]
    assert {one: form[one].value() for one in changes} == changes
    assert Fact.objects.count() == 0


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_each_page_opens_and_its_preview_is_one_piece(client, owner, loan, name, language):
    owner.language = language
    owner.save()
    assert client.get(url(name, loan)).status_code == 200
    response = look(client, name, loan)
    assert response.templates[0].name == "ledger/_fact_preview.html"
    assert client.post(url(name, loan), said(name, loan, show="1")).status_code == 200
    assert Fact.objects.count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_each_page_costs_the_same_queries_with_one_bill_and_with_three(client, home, django_assert_num_queries, name):
    one, three = make.loan(home, now=TODAY, count=1), make.loan(home, now=TODAY, count=3)
    for loan in (one, three):
        with django_assert_num_queries(QUERIES.get(name, 7)):
            client.get(url(name, loan))


@pytest.mark.parametrize("name", PAGES)
def test_a_strangers_loan_is_not_there(client, owner, name):
    theirs = make.loan(now=TODAY)
    assert client.get(url(name, theirs)).status_code == 404
    assert send(client, name, theirs).status_code == 404
    assert Fact.objects.count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_viewer_may_not_record(client, home, loan, name):
    client.force_login(make.member(home, Role.VIEWER))
    assert (client.get(url(name, loan)).status_code, send(client, name, loan).status_code) == (403, 403)
    assert Fact.objects.count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_who_is_not_signed_in_is_asked_to(visitor, name):
    loan = make.loan(now=TODAY)
    response = visitor.get(url(name, loan))
    assert (response.status_code, response["Location"]) == (
        302,
        f"{reverse('account_login')}?next={url(name, loan)}",
    )


def test_a_page_about_a_bill_begins_with_the_first_open_one(client, loan):
    begins = {
        name: client.get(url(name, loan)).context["form"]["bill"].value() for name in ("waive_charge", "defer_bill")
    }
    assert begins == {"waive_charge": 1, "defer_bill": 1}
    assert client.get(url("record_charge", loan)).context["form"]["bill"].value() is None  # may be left open
    assert client.get(url("defer_bill", loan, "?bill=3")).context["form"]["bill"].value() == 3


def test_what_is_missing_says_what_to_enter(client, loan):
    response = send(client, "record_charge", loan, amount="", component="fee", bill="", moved_to="", effective_on="")
    assert errors(response) == {
        "amount": ["Enter an amount in figures, such as 1234.50."],
        "effective_on": ["Choose a day."],
    }
