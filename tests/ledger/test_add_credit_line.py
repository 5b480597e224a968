"""Adding a limit that can be borrowed again."""

from __future__ import annotations

import pytest
from django.test import Client

from ledger.models import CreditLine, Household, Role
from tests import builders
from tests.builders import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

PATH = "/credit-lines/new/"
LINE = {"lender": "Starlight Mall", "name": "Reserve credit", "limit": "20,000.00", "currency": "CNY"}


def owner_of(home: Household) -> Client:
    return signed_in(home.members.get())


def lines(home: Household) -> list[tuple[str, str, int, str]]:
    return list(CreditLine.objects.filter(household=home).values_list("lender__name", "name", "limit", "currency"))


def test_a_line_is_added_and_offered_when_a_loan_is_added(home: Household) -> None:
    answer = owner_of(home).post(PATH, LINE)
    assert (answer.status_code, answer["Location"]) == (302, "/loans/new/")
    assert lines(home) == [("Starlight Mall", "Reserve credit", 2_000_000, "CNY")]
    assert "Reserve credit" in owner_of(home).get("/loans/new/").content.decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"limit": "0"}, "Enter an amount above zero."),
        ({"limit": "9" * 5000}, "too large"),
        ({"limit": "NaN"}, "Enter an amount in figures"),
        ({"lender": ""}, "This field is required."),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(home: Household, change: dict[str, str], said: str) -> None:
    answer = owner_of(home).post(PATH, LINE | change)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert 'value="Reserve credit"' in answer.content.decode()
    assert lines(home) == []


def test_the_same_line_twice_is_refused(home: Household) -> None:
    owner_of(home).post(PATH, LINE)
    answer = owner_of(home).post(PATH, LINE | {"limit": "1"})
    assert answer.status_code == 422
    assert "already on the list" in answer.content.decode()
    assert len(lines(home)) == 1


def test_a_viewer_may_not(home: Household) -> None:
    client = signed_in(builders.member(home, Role.VIEWER))
    assert (client.get(PATH).status_code, client.post(PATH, LINE).status_code) == (403, 403)
    assert lines(home) == []
