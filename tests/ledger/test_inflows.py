"""Planned inflows: what is expected in an account, what it makes of the debits to come, and its pages."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from ledger.loanmath.funding import Funding
from ledger.loanmath.inflows import Arrival, Expected, Repeats
from ledger.loanmath.terms import HolidayRule
from ledger.models import PlannedInflow, Role
from ledger.selectors.accounts import account_lines, accounts_page, coverage
from ledger.selectors.inflows import expected_inflow
from ledger.services.accounts import archive_account
from ledger.services.inflows import MOST_INFLOWS, Rhythm, end_inflow, plan_inflow
from ledger.services.mandates import authorize_mandate
from ledger.services.refusal import Refusal
from ledger.templatetags.inflows import moved_to, rhythm
from tests import builders as make
from tests.builders import at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

HTMX = {"HX-Request": "true"}
TODAY = date(2026, 3, 1)
FEB_10, MARCH_10, MARCH_15 = date(2026, 2, 10), date(2026, 3, 10), date(2026, 3, 15)
MONTHLY = Rhythm(Repeats.MONTHLY, date(2026, 1, 15))


def plan(account, name="Salary", amount=1_200_000, rhythm=MONTHLY, **more):
    return plan_inflow(account=account, name=name, amount=amount, rhythm=rhythm, recording=make.recording(**more))


def debited(home, card, due_on, amount, name="Laptop"):
    """One bill of `amount`, debited from `card`."""
    loan = make.loan(
        home,
        now=at("2026-02-01"),
        name=name,
        principal=amount,
        annual_rate=0,
        count=1,
        first_due_on=due_on,
        disbursed_on=date(2026, 2, 1),
    )
    authorize_mandate(scope=loan, sources=[card], recording=make.recording(at("2026-02-01")))
    return loan


def covers(home, today=TODAY):
    found = coverage(home, today).values()
    return [(cover.loan_name, str(cover.funding), cover.leans_on, cover.missing) for cover in found]


def text(response):
    return " ".join(response.content.decode().split())


# --- The service.


def test_planning_the_same_twice_plans_it_once(card):
    recording = {"key": "once"}
    first, again = plan(card, **recording), plan(card, **recording)
    assert (first.pk, PlannedInflow.objects.count()) == (again.pk, 1)
    refused = plan(card, amount=1, **recording)
    assert (refused.code, PlannedInflow.objects.get().amount) == ("key_conflict", 1_200_000)


def test_a_monthly_one_comes_on_the_day_of_its_first_unless_another_is_said(card):
    assert plan(card).day == 15
    assert plan(card, rhythm=Rhythm(Repeats.MONTHLY, date(2026, 1, 15), day=31)).day == 31
    assert plan(card, rhythm=Rhythm(Repeats.WEEKLY, date(2026, 1, 15), day=31)).day is None


def test_holidays_are_kept_only_where_they_move_something(card):
    stays = Rhythm(Repeats.MONTHLY, MARCH_15, holiday_calendar="CN")
    moves = Rhythm(Repeats.MONTHLY, MARCH_15, shift=HolidayRule.PREVIOUS_WORKDAY, holiday_calendar="CN")
    assert (plan(card, rhythm=stays).holiday_calendar, plan(card, rhythm=moves).holiday_calendar) == ("", "CN")


@pytest.mark.parametrize(
    "said, field",
    [
        ({"name": "  "}, "name"),
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"rhythm": Rhythm(Repeats.MONTHLY, MARCH_15, day=32)}, "day"),
        ({"rhythm": Rhythm(Repeats.MONTHLY, MARCH_15, until=MARCH_10)}, "until"),
        ({"rhythm": Rhythm(Repeats.MONTHLY, MARCH_15, shift=HolidayRule.NEXT_DUE_DATE)}, "shift"),
    ],
)
def test_what_makes_no_plan_is_refused_at_its_field(card, said, field):
    refused = plan(card, **said)
    assert isinstance(refused, Refusal)
    assert (refused.field, PlannedInflow.objects.count()) == (field, 0)


def test_an_account_put_away_or_full_takes_no_more(home, card):
    for _ in range(MOST_INFLOWS):
        plan(card)
    assert plan(card).code == "too_many"
    away = make.account(home, name="Old")
    archive_account(account=away, recording=make.recording())
    assert plan(away).code == "archived"


def test_ending_it_twice_keeps_the_first_moment(card):
    inflow = plan(card)
    end_inflow(inflow=inflow, recording=make.recording(at("2026-03-02")))
    ended = end_inflow(inflow=inflow, recording=make.recording(at("2026-03-09")))
    assert ended.ended_at == at("2026-03-02")
    assert PlannedInflow.objects.live().count() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"repeats": "daily"},
        {"shift": "next_due_date"},
        {"day": None},
        {"day": 32},
        {"repeats": "weekly"},
        {"until": date(2026, 1, 14)},
    ],
)
def test_the_database_refuses_what_is_no_plan(card, wrong):
    inflow = plan(card)
    with pytest.raises(IntegrityError), transaction.atomic():
        PlannedInflow.objects.filter(pk=inflow.pk).update(**wrong)


# --- What is expected.


def test_what_comes_after_the_stated_day_up_to_a_day_is_expected_in_one_query(home, card, django_assert_num_queries):
    other = make.account(home, name="Wallet")
    inflow = plan(card)
    with django_assert_num_queries(1):
        found = expected_inflow({card.pk: date(2026, 1, 15), other.pk: TODAY}, MARCH_15)
    arrivals = (Arrival(date(2026, 2, 15), 1_200_000, inflow.pk), Arrival(MARCH_15, 1_200_000, inflow.pk))
    assert found == {card.pk: Expected(2_400_000, arrivals), other.pk: Expected()}


def test_an_inflow_that_was_ended_is_not_expected_any_more(card):
    end_inflow(inflow=plan(card), recording=make.recording())
    assert expected_inflow({card.pk: date(2026, 1, 1)}, MARCH_15) == {card.pk: Expected()}


def test_a_debit_that_needs_the_salary_is_neither_covered_nor_short(home, card):
    debited(home, card, date(2026, 3, 12), 50_000, "Before")
    debited(home, card, date(2026, 3, 20), 150_000, "After")
    make.balance(card, 100_000, TODAY)
    plan(card)

    assert covers(home) == [("Before", "covered", "", 0), ("After", "unknown", "Salary", 0)]
    (line,) = account_lines(home, TODAY)
    # 1,000.00 - 500.00 + 12,000.00 - 1,500.00, and 12,000.00 on 15 April
    assert [(step.on, step.amount, step.after, step.inflow) for step in line.steps] == [
        (date(2026, 3, 12), 50_000, 50_000, ""),
        (MARCH_15, 1_200_000, 1_250_000, "Salary"),
        (date(2026, 3, 20), 150_000, 1_100_000, ""),
        (date(2026, 4, 15), 1_200_000, 2_300_000, "Salary"),
    ]
    assert (line.asked, line.shortfall) == (200_000, None)


def test_what_the_balance_pays_alone_is_covered_whatever_comes(home, card):
    debited(home, card, date(2026, 3, 20), 100_000)
    make.balance(card, 100_000, TODAY)
    plan(card)
    assert covers(home) == [("Laptop", "covered", "", 0)]


def test_what_lacks_even_with_the_salary_is_short_by_the_rest(home, card):
    debited(home, card, date(2026, 3, 20), 1_500_000)
    make.balance(card, 100_000, TODAY)
    plan(card)
    assert covers(home) == [("Laptop", "short", "", 200_000)]  # 15,000.00 - 1,000.00 - 12,000.00


def test_a_debit_on_payday_does_not_count_on_the_pay(home, card):
    debited(home, card, MARCH_15, 150_000)
    make.balance(card, 100_000, TODAY)
    plan(card)
    assert covers(home) == [("Laptop", "short", "", 50_000)]


def test_a_salary_since_the_stated_balance_is_expected_and_not_seen(home, card):
    debited(home, card, date(2026, 3, 5), 150_000)
    make.balance(card, 100_000, FEB_10)
    plan(card)

    assert covers(home) == [("Laptop", "unknown", "Salary", 0)]
    (line,) = account_lines(home, TODAY)
    assert [(step.on, step.inflow) for step in line.steps][:2] == [
        (date(2026, 2, 15), "Salary"),
        (date(2026, 3, 5), ""),
    ]

    make.balance(card, 1_300_000, TODAY)
    assert covers(home) == [("Laptop", "covered", "", 0)]


def test_what_comes_on_the_stated_day_is_taken_to_be_in_the_balance(home, card):
    debited(home, card, date(2026, 3, 20), 150_000)
    make.balance(card, 100_000, MARCH_15, at("2026-03-15"))
    plan(card)
    assert covers(home, MARCH_15) == [("Laptop", "short", "", 50_000)]


def test_with_an_unknown_balance_an_inflow_makes_nothing_known(home, card):
    debited(home, card, date(2026, 3, 20), 150_000)
    plan(card)
    assert covers(home) == [("Laptop", "unknown", "", 0)]
    (line,) = account_lines(home, TODAY)
    assert {(step.after, step.funding) for step in line.steps} == {(None, Funding.UNKNOWN)}


def test_each_inflow_that_is_leaned_on_is_named_once(home, card):
    debited(home, card, date(2026, 4, 20), 5_000_000)
    make.balance(card, 2_000_000, TODAY)
    plan(card)
    plan(card, name="Rent", amount=1_000_000, rhythm=Rhythm(Repeats.ONCE, MARCH_10))
    assert covers(home) == [("Laptop", "unknown", "Rent, Salary", 0)]


def test_the_page_says_first_what_a_debit_leans_on(home, card):
    loan = debited(home, card, date(2026, 3, 20), 150_000)
    make.balance(card, 100_000, TODAY)
    plan(card)
    shown = accounts_page(home, TODAY)
    assert (shown.unknown, shown.shortfall, shown.leaning.loan) == (False, None, loan.pk)


# --- Pages.


@pytest.fixture
def pages(frozen, client):
    """The owner's browser on 1 March 2026."""
    return client


def form(**more):
    said = {"key": "a" * 32, "name": "Salary", "amount": "12,000", "repeats": "monthly", "starts_on": "2026-03-15"}
    return said | {"day": "", "until": "", "shift": "previous_workday", "holiday_calendar": "CN"} | more


def test_expecting_a_salary_and_stopping_it(pages, home, card):
    path = f"/accounts/{card.pk}/inflows/new/"
    assert 'value="2026-03-01"' in text(pages.get(path))

    response = pages.post(path, form())

    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/")
    (inflow,) = PlannedInflow.objects.filter(household=home)
    assert (inflow.amount, inflow.repeats, inflow.day, inflow.holiday_calendar) == (1_200_000, "monthly", 15, "CN")
    html = text(pages.get("/accounts/"))
    # 15 March 2026 is a Sunday.
    assert "on the 15th of each month or the working day before · next 13 Mar, in 12 days" in html

    response = pages.post(f"/accounts/{card.pk}/inflows/{inflow.pk}/end/", headers=HTMX)
    assert (response.status_code, response.headers["HX-Location"]) == (200, '{"path": "/accounts/"}')
    assert "on the 15th of each month" not in text(pages.get("/accounts/"))


def test_the_pages_say_what_a_debit_leans_on(pages, home, card):
    debited(home, card, date(2026, 3, 20), 150_000)
    make.balance(card, 100_000, FEB_10)
    plan(card)
    html = text(pages.get("/accounts/"))
    assert "Yes, if what you expect comes in." in html
    assert (
        "Bank of Tests (Laptop) debits ¥1,500.00 in 19 days: Salary card ••1234 covers it if Salary comes in." in html
    )
    assert "Not certain until you state the balance again." in html
    assert "if Salary comes in</span>" in html
    assert "Salary card ••1234 covers it if Salary comes in." in text(pages.get("/"))


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", ""),
        ("name", "\0"),
        ("amount", ""),
        ("amount", "0"),
        ("amount", "-5"),
        ("amount", "9" * 5000),
        ("repeats", "daily"),
        ("starts_on", "2026-02-30"),
        ("until", "2026-03-14"),
        ("day", "32"),
        ("day", "0"),
        ("day", "9" * 5000),
        ("shift", "next_due_date"),
        ("holiday_calendar", "XX"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_nothing_is_lost(pages, card, field, value):
    response = pages.post(f"/accounts/{card.pk}/inflows/new/", form(**({"name": "My pay"} | {field: value})))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert response.context["form"][field].value() == value
    assert field == "name" or "My pay" in text(response)
    assert PlannedInflow.objects.count() == 0


def test_the_same_key_with_another_amount_is_a_conflict(pages, card):
    path = f"/accounts/{card.pk}/inflows/new/"
    assert [pages.post(path, form()).status_code for _ in range(2)] == [302, 302]
    response = pages.post(path, form(amount="13000"))
    assert (response.status_code, response.context["form"]["amount"].value()) == (409, "13000")
    assert PlannedInflow.objects.get().amount == 1_200_000


def test_a_viewer_sees_what_is_expected_and_changes_nothing(frozen, home, card):
    inflow = plan(card)
    viewer = signed_in(make.member(home, Role.VIEWER))
    html = text(viewer.get("/accounts/"))
    assert "on the 15th of each month" in html
    assert "/inflows/" not in html
    for path in (f"/accounts/{card.pk}/inflows/new/", f"/accounts/{card.pk}/inflows/{inflow.pk}/end/"):
        assert viewer.post(path, form()).status_code == 403
    assert [one.ended_at for one in PlannedInflow.objects.all()] == [None]


def test_to_a_stranger_it_is_not_there(frozen, home, card):
    inflow = plan(card)
    stranger = make.user()
    mine = make.account(make.household(stranger))
    browser = signed_in(stranger)
    for path in (
        f"/accounts/{card.pk}/inflows/new/",
        f"/accounts/{card.pk}/inflows/{inflow.pk}/end/",
        f"/accounts/{mine.pk}/inflows/{inflow.pk}/end/",
    ):
        assert browser.post(path, form()).status_code == 404
    assert [one.ended_at for one in PlannedInflow.objects.all()] == [None]


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_with_1_inflow_and_with_3(pages, home, card, count, django_assert_num_queries):
    make.balance(card, 100_000, TODAY)
    for _ in range(count):
        plan(card)
    pages.get("/accounts/")
    with django_assert_num_queries(12):
        assert text(pages.get("/accounts/")).count("on the 15th of each month") == count


@pytest.mark.parametrize(
    "said, words",
    [
        ({}, "on the 15th of each month"),
        ({"starts_on": date(2026, 1, 1)}, "on the 1st of each month"),
        ({"starts_on": date(2026, 1, 22)}, "on the 22nd of each month"),
        ({"starts_on": date(2026, 1, 13)}, "on the 13th of each month"),
        ({"day": 31}, "on the last day of each month"),
        ({"repeats": Repeats.WEEKLY}, "every Thursday"),
        ({"repeats": Repeats.FORTNIGHTLY}, "every other Thursday"),
        ({"repeats": Repeats.ONCE}, "once, on 15 Jan"),
    ],
)
def test_when_it_comes_is_said_in_words(home, card, said, words):
    make.inflow(card, **said)
    ((row,),) = [line.inflows for line in account_lines(home, TODAY)]
    assert rhythm(row.plan, TODAY) == words


@pytest.mark.parametrize(
    "shift, words",
    [
        (HolidayRule.SAME_DAY, ""),
        (HolidayRule.PREVIOUS_WORKDAY, "or the working day before"),
        (HolidayRule.NEXT_WORKDAY, "or the working day after"),
    ],
)
def test_where_it_is_moved_to_is_said_in_words(home, card, shift, words):
    make.inflow(card, shift=shift)
    ((row,),) = [line.inflows for line in account_lines(home, TODAY)]
    assert moved_to(row.plan) == words


def test_one_that_is_past_has_none_to_come(pages, card):
    make.inflow(card, repeats=Repeats.ONCE, starts_on=TODAY - timedelta(days=1))
    assert "no more to come" in text(pages.get("/accounts/"))
