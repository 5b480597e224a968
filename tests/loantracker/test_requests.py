"""What every request carries: whose books, which day, which language; and how htmx meets an expired login."""

from __future__ import annotations

import pytest
from django.test import Client

from ledger.models import Membership, Role, User
from tests import builders
from tests.builders import signed_in

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


def test_a_visitor_is_sent_to_sign_in_and_back() -> None:
    answer = Client().get("/accounts/")
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/accounts/")


def test_an_expired_login_redirects_the_whole_page_under_htmx() -> None:
    answer = Client().get("/accounts/", **HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/account/login/?next=/accounts/")


def test_a_user_without_a_household_is_asked_to_make_one() -> None:
    answer = signed_in(builders.user()).get("/accounts/")
    assert (answer.status_code, answer["Location"]) == (302, "/start/")


def test_pages_of_a_signed_in_user_are_not_stored_by_caches() -> None:
    owner = builders.user()
    builders.household(owner)
    assert signed_in(owner).get("/accounts/")["Cache-Control"] == "no-store"


def test_the_language_chosen_stays_with_the_user() -> None:
    owner = builders.user()
    builders.household(owner)
    client = signed_in(owner)
    answer = client.post("/language/", {"language": "zh-hans", "next": "/accounts/"})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/")
    assert User.objects.get(pk=owner.pk).language == "zh-hans"
    assert signed_in(owner).get("/accounts/")["Content-Language"] == "zh-hans"


def test_an_unknown_language_changes_nothing_and_never_leads_off_site() -> None:
    owner = builders.user()
    builders.household(owner)
    answer = signed_in(owner).post("/language/", {"language": "xx", "next": "https://evil.example/"})
    assert "evil" not in answer["Location"]
    assert User.objects.get(pk=owner.pk).language == "en"


def test_a_member_of_two_households_sees_one_at_a_time() -> None:
    owner = builders.user()
    mine, other = builders.household(owner, name="Mine"), builders.household(name="Other")
    Membership.objects.create(household=other, user=owner, role=Role.VIEWER)
    loan = builders.loan(mine)
    elsewhere = builders.loan(other)
    client = signed_in(owner)
    assert client.get(f"/loans/{loan.pk}/").status_code == 200
    assert client.get(f"/loans/{elsewhere.pk}/").status_code == 404


def test_a_strangers_loan_is_as_missing_as_one_that_never_was() -> None:
    stranger = builders.user()
    builders.household(stranger)
    loan = builders.loan()
    client = signed_in(stranger)
    theirs, never = client.get(f"/loans/{loan.pk}/"), client.get(f"/loans/{loan.pk + 999}/")
    assert (theirs.status_code, never.status_code) == (404, 404)


def test_a_huge_id_is_a_404_and_not_a_fault() -> None:
    owner = builders.user()
    builders.household(owner)
    assert signed_in(owner).get(f"/loans/{10**30}/").status_code == 404


def test_an_email_signs_in_whatever_its_case() -> None:
    builders.user("Mei.Lin@Example.com")
    assert Client().login(email="mei.lin@example.COM", password="correct horse battery")
