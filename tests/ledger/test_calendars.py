"""Working days by country: what the library knows, and a household's own file over it."""

from __future__ import annotations

import json
from datetime import date

import pytest

from ledger.loanmath.calendars import WEEKENDS, payable_date
from ledger.loanmath.terms import HolidayRule
from ledger.models import Bill
from ledger.selectors.calendars import calendar_of, overrides
from tests import builders as make


@pytest.fixture(autouse=True)
def _fresh(settings, tmp_path):
    settings.VAR = tmp_path
    for cached in (calendar_of, overrides):
        cached.cache_clear()
    yield
    for cached in (calendar_of, overrides):
        cached.cache_clear()


@pytest.mark.parametrize(
    "code, day, works",
    [
        ("CN", date(2026, 2, 14), True),  # a Saturday that makes up for a bridge day
        ("CN", date(2026, 2, 16), False),  # a Monday of the Spring Festival
        ("CN", date(2026, 10, 10), True),
        ("CN", date(2026, 9, 20), True),
        ("CN", date(2026, 11, 25), True),
        ("CN", date(2026, 11, 28), False),
        ("US", date(2026, 11, 26), False),  # Thanksgiving
        ("US", date(2026, 7, 3), False),  # Independence Day is a Saturday
        ("GB-ENG", date(2026, 8, 31), False),
        ("GB-SCT", date(2026, 8, 31), True),
        ("MX", date(2026, 9, 16), False),
        ("BR", date(2026, 11, 20), False),
        ("AE", date(2026, 11, 27), True),  # a Friday; the weekend there is Saturday and Sunday
        ("SA", date(2026, 11, 27), False),
        ("SA", date(2026, 11, 29), True),  # a Sunday
    ],
)
def test_the_calendar_knows_the_days_off(code, day, works):
    assert calendar_of(code).is_working_day(day) is works


@pytest.mark.parametrize("code", ["", "XX", "ZZ-1", "CN-XX", "no country", "__init__", "../CN"])
def test_an_unknown_place_has_weekends_alone(code):
    assert calendar_of(code) == WEEKENDS


def test_beyond_what_is_known_there_are_weekends():
    assert calendar_of("CN").is_working_day(date(2090, 10, 2))
    assert not calendar_of("CN").is_working_day(date(2090, 9, 30))


def test_a_bill_due_in_the_golden_week_is_payable_after_it():
    china = calendar_of("CN")
    assert payable_date(date(2026, 10, 1), HolidayRule.NEXT_WORKDAY, china) == date(2026, 10, 8)
    assert payable_date(date(2026, 10, 10), HolidayRule.NEXT_WORKDAY, china) == date(2026, 10, 10)
    assert payable_date(date(2026, 10, 1), HolidayRule.PREVIOUS_WORKDAY, china) == date(2026, 9, 30)


def test_a_file_of_ones_own_adds_and_takes_away(tmp_path):
    said = {"CN": {"holidays": ["2027-02-11"], "workdays": ["2027-02-20"]}, "OFFICE": {"holidays": ["2026-12-24"]}}
    (tmp_path / "holidays.json").write_text(json.dumps(said))
    china = calendar_of("CN")
    assert [china.is_working_day(day) for day in (date(2027, 2, 11), date(2027, 2, 20))] == [False, True]
    assert not china.is_working_day(date(2026, 2, 16))
    assert not calendar_of("OFFICE").is_working_day(date(2026, 12, 24))
    assert calendar_of("US").is_working_day(date(2027, 2, 11))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"CN": []}',
        '{"CN": {"holidays": ["soon"]}}',
        '{"CN": {"holidays": [7]}}',
        '{"CN": {"holidays": 7}}',
    ],
)
def test_a_file_that_cannot_be_read_is_left_aside(tmp_path, text):
    (tmp_path / "holidays.json").write_text(text)
    assert not calendar_of("CN").is_working_day(date(2026, 2, 16))


@pytest.mark.django_db
@pytest.mark.service
def test_a_loan_is_payable_by_the_calendar_of_its_terms(home):
    """Due on 1 October 2026, in the Golden Week: payable on the 8th. 1 November is a Sunday: payable on the 2nd."""
    loan = make.loan(
        home,
        disbursed_on=date(2026, 9, 1),
        first_due_on=date(2026, 10, 1),
        count=3,
        holiday_rule=HolidayRule.NEXT_WORKDAY,
        holiday_calendar="CN",
    )
    bills = Bill.objects.filter(loan=loan).order_by("number")
    assert [(bill.due_on, bill.payable_on) for bill in bills] == [
        (date(2026, 10, 1), date(2026, 10, 8)),
        (date(2026, 11, 1), date(2026, 11, 2)),
        (date(2026, 12, 1), date(2026, 12, 1)),
    ]


@pytest.mark.django_db
def test_a_calendar_of_ones_own_can_be_chosen(client, home, tmp_path):
    (tmp_path / "holidays.json").write_text('{"CN": {"holidays": []}, "OFFICE": {"holidays": ["2026-12-24"]}}')
    form = client.get("/loans/new/", {"kind": "car"}).context["form"]
    codes = [code for code, _name in form.fields["holiday_calendar"].choices]
    assert (codes[-1], codes.count("CN")) == ("OFFICE", 1)
