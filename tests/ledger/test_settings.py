"""The settings page and the first pages after signing up."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ledger.models import Household, Membership, Role, User
from tests import builders
from tests.builders import signed_in

pytestmark = pytest.mark.django_db
SETTINGS = "/settings/"
START = "/start/"
HOME = {"name": "Harbor Street", "time_zone": "Europe/Lisbon", "currency": "EUR"}


def owner_of(home: Household) -> User:
    return home.memberships.get(role=Role.OWNER).user


def said(home: Household) -> dict[str, str]:
    home.refresh_from_db()
    return {"name": home.name, "time_zone": home.time_zone, "currency": home.currency}


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_an_owner_changes_the_household(headers: dict[str, str]) -> None:
    home = builders.household()
    me = signed_in(owner_of(home))
    assert me.get(SETTINGS, headers=headers).status_code == 200
    assert me.post(SETTINGS, {"part": "household", **HOME}, headers=headers).status_code in (200, 302)
    assert said(home) == HOME


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_who_is_not_an_owner_sees_the_household_and_changes_only_their_language(role: Role) -> None:
    home = builders.household()
    before = said(home)
    someone = builders.member(home, role)
    client = signed_in(someone)
    assert before["name"] in client.get(SETTINGS).content.decode()
    assert client.post(SETTINGS, {"part": "household", **HOME}).status_code == 403
    assert said(home) == before
    assert client.post(SETTINGS, {"part": "language", "language": "zh-hans"}).headers["Location"] == SETTINGS
    someone.refresh_from_db()
    assert someone.language == "zh-hans"


def test_settings_are_for_members() -> None:
    assert reverse("account_login") in Client().get(SETTINGS).headers["Location"]
    assert signed_in(builders.user()).get(SETTINGS).headers["Location"] == START


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "x" * 5000}, {"time_zone": "Mars/Base"}, {"time_zone": "../etc"}, {"currency": "NaN"}],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(wrong: dict[str, Any]) -> None:
    home = builders.household()
    before = said(home)
    answer = signed_in(owner_of(home)).post(SETTINGS, {"part": "household", **HOME, **wrong})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert said(home) == before
    unknown = signed_in(owner_of(home)).post(SETTINGS, {"part": "language", "language": "tlh"})
    assert unknown.status_code == 422


def test_a_newcomer_makes_a_household_once_and_is_led_to_the_first_loan() -> None:
    newcomer = builders.user()
    client = signed_in(newcomer)
    first = client.get(START).content.decode()
    assert '<option value="Asia/Shanghai" selected>Shanghai</option>' in first
    for _ in range(2):
        assert client.post(START, HOME).status_code in (200, 302)
    membership = Membership.objects.get(user=newcomer)
    assert (membership.role, said(membership.household)) == (Role.OWNER, HOME)
    page = client.get(START).content.decode()
    assert page.count(reverse("ledger:add_loan") + "?kind=") == 3
    assert "./run --demo" in page


def test_an_impossible_first_household_is_not_made() -> None:
    newcomer = builders.user()
    answer = signed_in(newcomer).post(START, HOME | {"time_zone": "Nowhere"})
    assert answer.status_code == 422
    assert "Choose a time zone from the list." in answer.content.decode()
    assert not Household.objects.filter(members=newcomer).exists()


def test_with_a_loan_there_is_nothing_to_start() -> None:
    loan = builders.loan()
    assert signed_in(owner_of(loan.household)).get(START).headers["Location"] == reverse("ledger:overview")
    assert reverse("account_login") in Client().get(START).headers["Location"]
