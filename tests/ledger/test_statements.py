"""The list of statements: one line for each lender and day, in all states, filtered and paged."""

from datetime import date
from urllib.parse import parse_qsl

import pytest

from ledger.models.facts import Source
from ledger.selectors import statements as selectors
from ledger.selectors.statements import statements_page
from ledger.services.loans import open_loan
from tests import builders as make
from tests.builders import at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
FEB_10, MAR_10 = date(2026, 2, 10), date(2026, 3, 10)
BILL = 106_619
URL = "/statements/"


def of(home, lender, name="Bed", **more):
    opened = open_loan(
        household=home, lender_name=lender, name=name, terms=make.terms(**more), key=make.unique(), now=at("2026-01-20")
    )
    return opened.loan


def lines(home, **asked):
    return [
        (line.statement.lender, line.statement.payable_on, line.statement.count, line.statement.open.total)
        for line in statements_page(home, TODAY, asked).lines
    ]


def query(url):
    return dict(parse_qsl(url.removeprefix("?")))


def test_bills_of_one_lender_and_day_are_one_sum(home, loan):
    make.loan(home, name="Chair", now=at("2026-01-20"))
    of(home, "Mall")
    assert lines(home)[:4] == [
        ("Bank of Tests", FEB_10, 2, 2 * BILL),
        ("Mall", FEB_10, 1, BILL),
        ("Bank of Tests", MAR_10, 2, 2 * BILL),
        ("Mall", MAR_10, 1, BILL),
    ]


def test_two_currencies_on_one_day_are_two_sums_that_say_so(home, loan):
    make.loan(home, name="Camera", currency="JPY", now=at("2026-01-20"))
    found = [line.statement for line in statements_page(home, TODAY, {"month": "2026-03"}).lines]
    assert [(one.currency, one.query) for one in found] == [("CNY", "?currency=CNY"), ("JPY", "?currency=JPY")]


def test_by_state(home, loan):
    chair = make.loan(home, name="Chair", now=at("2026-01-20"))
    make.repayment(loan, BILL, FEB_10)
    assert [day for _, day, _, _ in lines(home, state="overdue")] == [FEB_10]
    assert lines(home, state="paid") == []
    make.repayment(chair, BILL, TODAY, presumed=True, source=Source.AUTO)
    paid = statements_page(home, TODAY, {"state": "paid"}).lines
    assert [(line.statement.payable_on, line.standing) for line in paid] == [(FEB_10, "presumed")]
    assert [day for _, day, _, _ in lines(home, state="presumed")] == [FEB_10]
    assert lines(home, state="overdue") == []
    assert len(lines(home, state="upcoming")) == len(lines(home)) == 11
    assert len(lines(home, state="all")) == 12


def test_a_partly_paid_statement_is_open_with_what_is_left(home, loan):
    make.loan(home, name="Chair", now=at("2026-01-20"))
    make.repayment(loan, BILL, FEB_10)
    [first, *_] = statements_page(home, TODAY, {}).lines
    assert (first.standing, first.statement.open.total, first.statement.paid.total) == ("overdue", BILL, BILL)


def test_by_lender_month_and_text_with_the_whole_sum(home, loan):
    make.loan(home, name="Chair", now=at("2026-01-20"))
    mall = of(home, "Mall")
    assert lines(home, lender=str(mall.lender_id), month="2026-03") == [("Mall", MAR_10, 1, BILL)]
    assert lines(home, q="chair", month="2026-03") == [("Bank of Tests", MAR_10, 2, 2 * BILL)]
    assert lines(home, q="sofa") == []


def test_forth_and_back_by_key_and_none_is_lost(home, loan, monkeypatch):
    of(home, "Mall")
    monkeypatch.setattr(selectors, "PAGE_SIZE", 5)
    asked, seen, last = {}, [], ""
    while True:
        page = statements_page(home, TODAY, asked)
        seen += [(line.statement.payable_on, line.statement.lender) for line in page.lines]
        if not page.after_url:
            last = page.before_url
            break
        asked = query(page.after_url)
    assert (len(seen), len(set(seen)), seen) == (24, 24, sorted(seen))
    back = statements_page(home, TODAY, query(last))
    assert [(line.statement.payable_on, line.statement.lender) for line in back.lines] == seen[15:20]


@pytest.mark.parametrize(
    "asked", [{"state": "late"}, {"lender": "x"}, {"month": "2026-13"}, {"q": "\0"}, {"after": "9999-99-99_1"}]
)
def test_what_is_no_filter_is_ignored(client, home, loan, asked):
    assert client.get(URL, asked).status_code == 200
    assert len(lines(home, **asked)) == 12


def test_a_stranger_sees_only_their_own(loan):
    stranger = make.user()
    make.household(stranger)
    content = signed_in(stranger).get(URL, {"state": "all"}).content.decode()
    assert ["Bank of Tests" in content, "No statements here" in content] == [False, True]


def test_bills_statements_and_calendar_lead_to_each_other(client, loan):
    for here in ("/bills/", URL, "/bills/calendar/"):
        content = client.get(here).content.decode()
        assert [f'href="{there}"' in content for there in ("/bills/", URL, "/bills/calendar/")] == [True] * 3


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_opens_in_both_languages(client, owner, loan, language):
    owner.language = language
    owner.save()
    assert f"/statements/{loan.lender_id}/2026-03-10/" in client.get(URL).content.decode()


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_the_same_with_1_loan_and_with_30(client, home, count, django_assert_num_queries):
    for n in range(count):
        of(home, f"Lender {n}")
    with django_assert_num_queries(8):
        response = client.get(URL, {"month": "2026-03"})
    assert len(response.context["shown"].lines) == count
