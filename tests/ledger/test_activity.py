"""Activity: what happened, by whom or what, newest first."""

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.urls import reverse

from ledger.models import Role
from ledger.selectors import activity
from ledger.selectors.activity import activity_page
from ledger.services.agreement import change_rate
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import NOW, at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
URL = "/activity/"


def told(home, **asked):
    """What each line is: the fact's kind, "opened" or the attempt's outcome."""
    return [kind(event) for event in activity_page(home, asked).events]


def kind(event):
    if event.fact:
        return event.fact.kind
    return event.attempt.outcome if event.attempt else "opened"


def a_failed_debit(home, loan):
    card = make.account(home)
    make.balance(card, 100, date(2026, 2, 1), now=at("2026-02-01"))
    authorize_mandate(scope=loan, sources=[card], recording=make.recording(at("2026-02-01")))
    debit_due(at("2026-02-10", 10))


def test_everything_is_told_newest_first(home, loan):
    a_failed_debit(home, loan)
    paid = make.repayment(loan, 50_000, TODAY, now=NOW)
    reverse_fact(fact=paid, recording=make.recording(NOW + timedelta(minutes=1)))
    assert told(home) == ["reversal", "repayment", "failed", "opened"]


def test_filters_by_loan_and_kind_live_in_the_url(home, loan):
    a_failed_debit(home, loan)
    make.repayment(loan, 50_000, TODAY)
    other = make.loan(home, name="Chair")
    change_rate(loan=other, annual_rate=Decimal("0.1"), effective_on=TODAY, recording=make.recording())
    assert sorted(told(home, loan=str(other.pk))) == ["opened", "rate_change"]
    assert told(home, kind="attempt") == ["failed"]
    assert told(home, kind="opened", loan=str(loan.pk)) == ["opened"]
    assert told(home, kind="repayment") == ["repayment"]


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "party"},
        {"loan": "x"},
        {"loan": "9" * 5000},
        {"after": "now"},
        {"after": "2026-03-01_5"},
        {"after": "2026-03-01T00:00:00_5"},
        {"after": "9999-99-99T00:00:00+00:00_5"},
    ],
)
def test_what_is_no_filter_is_ignored(home, loan, client, asked):
    assert client.get(URL, asked).status_code == 200
    assert told(home, **asked) == ["opened"]


def test_no_line_is_lost_or_doubled_between_pages(home, loan, monkeypatch):
    a_failed_debit(home, loan)
    for number in range(4):
        make.repayment(loan, 1_000 + number, TODAY)  # all recorded at one moment
    make.loan(home, name="Chair")
    whole = [(kind(event), event.id) for event in activity_page(home, {}).events]
    assert len(whole) == 7
    monkeypatch.setattr(activity, "PAGE_SIZE", 2)
    seen, asked = [], {}
    while asked is not None:
        page = activity_page(home, asked)
        seen += [(kind(event), event.id) for event in page.events]
        asked = dict(parse_qsl(page.older_url.removeprefix("?"))) if page.older_url else None
    assert seen == whole


def test_a_line_says_who_and_leads_to_undoing(home, loan, client, owner):
    card = make.account(home)
    fact = make.repayment(loan, 50_000, TODAY, account=card)
    content = client.get(URL).content.decode()
    assert "Repaid ¥500.00 from Salary card ••1234" in make.sentences(content)
    assert reverse("ledger:reverse_fact", args=[loan.pk, fact.pk]) + "?back=activity" in content


def test_a_line_says_who_recorded_it_and_when(home, loan, owner):
    change_rate(loan=loan, annual_rate=Decimal("0.1"), effective_on=TODAY, recording=make.recording(by=owner))
    own = signed_in(owner).get(URL).content.decode()
    others = signed_in(make.member(home, Role.VIEWER)).get(URL).content.decode()
    assert "Recorded by you, 1 Mar 12:00." in own
    assert f"Recorded by {owner.email}, 1 Mar 12:00." in others


def test_a_viewer_sees_no_button_that_writes(home, loan):
    fact = make.repayment(loan, 50_000, TODAY)
    content = signed_in(make.member(home, Role.VIEWER)).get(URL).content.decode()
    assert "Repaid ¥500.00" in make.sentences(content)
    assert reverse("ledger:reverse_fact", args=[loan.pk, fact.pk]) not in content


def test_a_stranger_sees_only_their_own(loan):
    make.repayment(loan, 50_000, TODAY)
    stranger = make.user()
    make.household(stranger)
    content = signed_in(stranger).get(URL).content.decode()
    assert "Laptop" not in content
    assert "Nothing here yet" in content


def test_logged_out_one_is_led_to_sign_in():
    assert Client().get(URL).headers["Location"] == reverse("account_login") + "?next=/activity/"


def test_htmx_gets_the_whole_page(client, home, loan):
    assert "<html" in client.get(URL, headers={"HX-Request": "true"}).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_with_1_fact_and_with_3(home, loan, client, count, django_assert_num_queries):
    for number in range(count):
        make.repayment(loan, 1_000 + number, TODAY)
    with django_assert_num_queries(12):
        assert client.get(URL).status_code == 200
