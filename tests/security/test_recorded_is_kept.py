"""An owner who tries to change or take back what is recorded, by every form there is: rows are added, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.models import Fact, StatedBalance
from tests import builders as make
from tests.security.world import ROUTES, Home, signed_in
from tests.tampering import kept, recorded

pytestmark = [pytest.mark.django_db, pytest.mark.service]

Body = Callable[[Home], dict[str, Any]]


def as_row(of: Home) -> dict[str, Any]:
    """Everything by which a careless form could be made to save over a row that is there."""
    row = {"id": of.paid.pk, "pk": of.paid.pk, "fact": of.paid.pk, "fact_id": of.paid.pk, "instance": of.paid.pk}
    terms = of.loan.terms_versions.get().pk
    row |= {"target": of.paid.pk, "terms_version": terms, "loan": of.loan.pk, "household": of.household.pk}
    row |= {"kind": "charge", "recorded_at": "2020-01-01", "recorded_by": of.viewer.pk, "number": 1, "version": 1}
    return row | {"delete": "1", "DELETE": "on", "remove": "1", "_method": "DELETE", "_save": "1"}


def key_of_paid(of: Home) -> dict[str, Any]:
    """The key under which the repayment is recorded."""
    return {"key": of.paid.key}


def undoing(which: Callable[[Home], Fact]) -> tuple[Callable[[Home], str], Body]:
    return lambda of: f"/loans/{of.loan.pk}/facts/{which(of).pk}/undo/", lambda of: {"key": make.unique() + "-form"}


UNDO, UNDO_BODY = undoing(lambda of: of.paid)
OTHERS: dict[str, tuple[Callable[[Home], str], Body]] = {
    "undo": (UNDO, UNDO_BODY),
    "undo with a row of its own": (UNDO, as_row),
    "undo under the key of what is undone": (UNDO, key_of_paid),
    "undo what is presumed": undoing(lambda of: of.presumed),
    "fact page": (lambda of: f"/loans/{of.loan.pk}/facts/{of.paid.pk}/", as_row),
    "edit page": (lambda of: f"/loans/{of.loan.pk}/facts/{of.paid.pk}/edit/", as_row),
    "delete page": (lambda of: f"/loans/{of.loan.pk}/facts/{of.paid.pk}/delete/", as_row),
    "loan": (lambda of: f"/loans/{of.loan.pk}/", as_row),
    "loan deleted": (lambda of: f"/loans/{of.loan.pk}/delete/", as_row),
    "account deleted": (lambda of: f"/accounts/{of.account.pk}/delete/", as_row),
    "admin": (lambda of: f"/admin/ledger/fact/{of.paid.pk}/delete/", lambda of: {"post": "yes"}),
    "auto-repay off": (lambda of: f"/loans/{of.loan.pk}/auto-repay/", lambda of: {"switch": "off"}),
    "an older balance under its key": (
        lambda of: f"/accounts/{of.account.pk}/balance/",
        lambda of: {"key": StatedBalance.objects.get(account=of.account).key, "amount": "1", "stated_on": "2026-02-01"},
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_recorded_stays_whatever_is_asked_of_it(what: str, mine: Home) -> None:
    url, body = OTHERS[what]
    before = recorded()
    for method in ("put", "patch", "delete", "post", "post"):
        answer = getattr(signed_in(mine.owner), method)(url(mine), body(mine))
        assert answer.status_code < 500
    assert kept(before)


@pytest.mark.parametrize("name", sorted(name for name, route in ROUTES.items() if route.post or route.only_post))
def test_no_form_saves_over_a_row(name: str, mine: Home) -> None:
    route = ROUTES[name]
    before = recorded()
    body = route.body(mine)
    for sent in (body | as_row(mine), as_row(mine) | body, body | key_of_paid(mine), body):
        answer = signed_in(mine.owner).post(route.url(name, mine), sent)
        assert answer.status_code < 500
    assert kept(before)


def test_undoing_twice_is_one_reversal(mine: Home) -> None:
    before = recorded()
    for _ in range(2):
        signed_in(mine.owner).post(UNDO(mine), UNDO_BODY(mine))
    assert Fact.objects.filter(target=mine.paid).count() == 1
    assert kept(before)


def test_an_undoing_can_be_undone_and_every_step_stays(mine: Home) -> None:
    client = signed_in(mine.owner)
    undone = mine.paid
    for _ in range(3):
        before = recorded()
        client.post(f"/loans/{mine.loan.pk}/facts/{undone.pk}/undo/", UNDO_BODY(mine))
        assert kept(before)
        undone = Fact.objects.get(target=undone)
    assert Fact.objects.filter(kind="reversal").count() == 3


def test_a_deleted_membership_takes_no_rows_along(mine: Home) -> None:
    before = recorded()
    signed_in(mine.owner).post(f"/settings/members/{mine.membership.pk}/", {"remove": "1"})
    assert not mine.household.memberships.filter(user=mine.viewer).exists()
    assert recorded() == before
