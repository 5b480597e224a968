"""Who belongs to a household."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress

from ledger.models import Household, Membership, Role, User
from ledger.services.members import add_member, change_role, remove_member
from ledger.services.refusal import Refusal
from tests import builders
from tests.builders import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]


def roles(of: Household) -> dict[str, str]:
    return dict(Membership.objects.filter(household=of).values_list("user__email", "role"))


def test_an_owner_lets_a_housemate_in_who_then_sees_the_loans(owner: User, home: Household) -> None:
    mate = builders.user("mate@example.com")
    loan = builders.loan(home)
    assert signed_in(mate).get(f"/loans/{loan.pk}/").status_code == 302
    answer = signed_in(owner).post("/settings/members/", {"email": "Mate@Example.com", "role": "editor"})
    assert answer.status_code == 302
    assert roles(home) == {"owner@example.com": "owner", "mate@example.com": "editor"}
    assert signed_in(mate).get(f"/loans/{loan.pk}/").status_code == 200


def test_an_unknown_address_is_refused_beside_the_field(owner: User, home: Household) -> None:
    answer = signed_in(owner).post("/settings/members/", {"email": "nobody@example.com", "role": "editor"})
    assert answer.status_code == 422
    assert "Ask them to sign up and confirm it first" in answer.content.decode()
    assert roles(home) == {"owner@example.com": "owner"}


def test_where_mail_is_sent_an_address_must_be_confirmed_before_it_opens_the_books(home: Household, settings) -> None:  # type: ignore[no-untyped-def]
    settings.MAIL_KEPT_LOCALLY = False
    mate = builders.user("mate@example.com")
    address = EmailAddress.objects.create(user=mate, email=mate.email, primary=True, verified=False)
    refused = add_member(household=home, email=mate.email, role=Role.EDITOR)
    assert isinstance(refused, Refusal)
    assert roles(home) == {"owner@example.com": "owner"}
    address.verified = True
    address.save()
    assert add_member(household=home, email=mate.email, role=Role.EDITOR).role == Role.EDITOR


def test_the_last_owner_stays(owner: User, home: Household) -> None:
    only = Membership.objects.get(household=home)
    for refused in (change_role(member=only, role=Role.VIEWER), remove_member(member=only)):
        assert isinstance(refused, Refusal)
        assert refused.code == "last_owner"
    assert roles(home) == {"owner@example.com": "owner"}


def test_adding_a_member_again_changes_the_role(home: Household) -> None:
    builders.user("mate@example.com")
    add_member(household=home, email="mate@example.com", role=Role.VIEWER)
    add_member(household=home, email="mate@example.com", role=Role.EDITOR)
    assert roles(home) == {"owner@example.com": "owner", "mate@example.com": "editor"}


def test_who_is_removed_sees_nothing_from_the_next_request_on(owner: User, home: Household) -> None:
    mate = builders.member(home, Role.EDITOR)
    member = Membership.objects.get(user=mate)
    loan = builders.loan(home)
    builders.household(mate)
    signed_in(owner).post(f"/settings/members/{member.pk}/", {"role": "editor", "remove": "1"})
    assert roles(home) == {"owner@example.com": "owner"}
    assert signed_in(mate).get(f"/loans/{loan.pk}/").status_code == 404


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_only_an_owner_manages_members(home: Household, role: Role) -> None:
    client = signed_in(builders.member(home, role))
    member = Membership.objects.get(household=home, role=Role.OWNER)
    assert client.get("/settings/members/").status_code == 200
    assert client.post("/settings/members/", {"email": "x@example.com", "role": "owner"}).status_code == 403
    assert client.post(f"/settings/members/{member.pk}/", {"role": "viewer"}).status_code == 403


def test_another_households_member_cannot_be_reached(owner: User, home: Household) -> None:
    elsewhere = Membership.objects.get(household=builders.household())
    answer = signed_in(owner).post(f"/settings/members/{elsewhere.pk}/", {"role": "viewer"})
    assert answer.status_code == 404
    elsewhere.refresh_from_db()
    assert elsewhere.role == "owner"


def test_a_member_of_two_households_chooses_which_to_look_at(owner: User, home: Household) -> None:
    other = builders.household(name="Parents")
    Membership.objects.create(household=other, user=owner, role=Role.VIEWER)
    loan = builders.loan(other)
    client = signed_in(owner)
    assert client.get(f"/loans/{loan.pk}/").status_code == 404
    client.post("/settings/household/", {"household": other.pk})
    assert client.get(f"/loans/{loan.pk}/").status_code == 200


@pytest.mark.parametrize("chosen", ["", "x", "٣", "99999999999999999999999", "-1"])
def test_a_household_that_is_not_ones_own_cannot_be_chosen(owner: User, home: Household, chosen: str) -> None:
    assert signed_in(owner).post("/settings/household/", {"household": chosen}).status_code == 404


def test_the_list_costs_the_same_however_many_members(owner: User, home: Household, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    client = signed_in(owner)
    with django_assert_num_queries(6):
        client.get("/settings/members/")
    for _ in range(3):
        builders.member(home)
    with django_assert_num_queries(6):
        client.get("/settings/members/")
