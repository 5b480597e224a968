"""Who may call what: every route, as every kind of person, with their own and with somebody else's objects."""

from __future__ import annotations

import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from ledger.models import Membership
from tests import builders as make
from tests.security.world import ROUTES, Home, Route, fingerprint, routes, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OUTSIDE = {"healthz", "offline", "service_worker", "set_language"}  # for everybody; below they have tests of their own
ALLAUTH = ("account_", "mfa_")
FOR_MEMBERS = {"account_email", "account_change_password", "account_set_password", "account_reauthenticate"} | {
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
}
NAMES = sorted(ROUTES)
SIGNED_IN = [name for name in NAMES if not ROUTES[name].is_signed]
WITH_OBJECT = [name for name in SIGNED_IN if ROUTES[name].args and not ROUTES[name].is_named]
WRITING = [name for name in NAMES if ROUTES[name].post and ROUTES[name].who not in ("nobody", "member")]


def post(client: Client, url: str, route: Route, of: Home) -> HttpResponse:
    return client.post(url, route.body(of))


def body(answer: HttpResponse, url: str) -> str:
    """What was answered, but for the address that was asked for and the token that is new each time."""
    return re.sub(r"[A-Za-z0-9]{64}", "", answer.content.decode().replace(url, ""))


def kept_mail(folder: Path, name: str, address: str) -> None:
    mail = EmailMessage()
    mail["To"], mail["From"], mail["Subject"] = address, "bank@example.com", "Due soon"
    mail.set_content("Your bill")
    (folder / f"{name}.eml").write_bytes(mail.as_bytes())


def test_every_route_is_known_to_this_matrix() -> None:
    known = {name for name, _ in routes() if not name.startswith(ALLAUTH)}
    assert known == ROUTES.keys() | OUTSIDE


@pytest.mark.parametrize("name", SIGNED_IN)
def test_a_visitor_is_sent_to_sign_in(name: str, mine: Home) -> None:
    route, before = ROUTES[name], fingerprint()
    url = route.url(name, mine)
    answers = [Client().get(url), post(Client(), url, route, mine)]
    seen = [(answer.status_code, answer.headers.get("Location", "").partition("?")[0]) for answer in answers]
    to_sign_in = (302, reverse("account_login"))
    # What only takes posts may say so before it asks who is there.
    assert seen[1] == to_sign_in
    assert seen[0] == to_sign_in or (route.only_post and seen[0] == (405, ""))
    assert fingerprint() == before


@pytest.mark.parametrize("name", WITH_OBJECT)
def test_somebody_elses_object_is_as_missing_as_one_that_never_was(
    name: str, mine: Home, theirs: Home, tmp_path: Path
) -> None:
    kept_mail(tmp_path, "theirs", theirs.owner.email)
    route, before = ROUTES[name], fingerprint()
    assert route.args is not None
    theirs_args = route.args(theirs)
    missing = tuple(arg + 10_000_000 if isinstance(arg, int) else f"no-{arg}" for arg in theirs_args)
    mixed = theirs_args if route.is_numbered else (*route.args(mine)[:-1], theirs_args[-1])  # their fact, my loan
    for method in ("get", "post"):
        if method == "get" and route.only_post:
            continue
        answers = []
        for args in (missing, theirs_args, mixed):
            url = reverse(name, args=args)
            client = signed_in(mine.owner)
            sent = getattr(client, method)(url, route.body(theirs) if method == "post" else None)
            answers.append((sent.status_code, body(sent, url)))
        assert [status for status, _ in answers] == [404] * 3
        assert answers[0][1] == answers[1][1] == answers[2][1]
    assert fingerprint() == before


@pytest.mark.parametrize("name", NAMES)
def test_members_see_every_page_of_their_household(name: str, mine: Home, tmp_path: Path) -> None:
    route, before = ROUTES[name], fingerprint()
    statuses = {}
    for person in ("owner", "editor", "viewer"):
        user = getattr(mine, person)
        kept_mail(tmp_path, "mine", user.email)
        statuses[person] = signed_in(user).get(route.url(name, mine)).status_code
    if route.only_post:
        assert set(statuses.values()) <= {405, 403}
    elif name in {"ledger:choose_loan", "ledger:first_run"}:  # both lead on: there is one loan
        assert statuses["owner"] == statuses["editor"] == 302
    else:
        assert (statuses["owner"], statuses["editor"]) == (200, 200)
        assert statuses["viewer"] in {200, 403}
    assert fingerprint() == before


@pytest.mark.parametrize("name", WRITING)
def test_a_viewer_writes_nothing(name: str, mine: Home) -> None:
    route, before = ROUTES[name], fingerprint()
    answer = post(signed_in(mine.viewer), route.url(name, mine), route, mine)
    assert answer.status_code == 403
    assert fingerprint() == before


@pytest.mark.parametrize("name", WRITING)
def test_who_may_write_does(name: str, mine: Home) -> None:
    """So that what is refused above is refused for its sender and not for its content."""
    make.user("stranger@example.com")
    route, before = ROUTES[name], fingerprint()
    may = {"owner": ["owner"], "editor": ["owner", "editor"]}[route.who]
    for person in ("owner", "editor"):
        with transaction.atomic():
            answer = post(signed_in(getattr(mine, person)), route.url(name, mine), route, mine)
            changed = fingerprint() != before
            transaction.set_rollback(True)
        assert (answer.status_code, changed) == ((302, True) if person in may else (403, False))


@pytest.mark.parametrize("name", SIGNED_IN)
def test_somebody_without_a_household_reaches_nothing(name: str, mine: Home) -> None:
    stranger = make.user()
    route, before = ROUTES[name], fingerprint()
    url = route.url(name, mine)
    for answer in (signed_in(stranger).get(url), post(signed_in(stranger), url, route, mine)):
        first_run = name == "ledger:first_run" and answer.status_code in {200, 422}
        method = route.only_post and answer.status_code == 405
        assert first_run or method or (answer.status_code, answer["Location"]) == (302, "/start/")
    assert fingerprint() == before


@pytest.mark.parametrize("name", ["ledger:loan", "ledger:record_repayment", "ledger:state_balance"])
def test_who_was_taken_out_of_the_household_is_a_stranger_at_once(name: str, mine: Home, theirs: Home) -> None:
    client = signed_in(mine.editor)
    Membership.objects.create(household=theirs.household, user=mine.editor)
    url = ROUTES[name].url(name, mine)
    assert client.get(url).status_code == 200
    Membership.objects.filter(household=mine.household, user=mine.editor).delete()
    assert client.get(url).status_code == 404


def test_who_was_switched_off_is_signed_out_at_once(mine: Home) -> None:
    client = signed_in(mine.owner)
    mine.owner.is_active = False
    mine.owner.save()
    assert client.get("/")["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("method", ["head", "options", "put", "patch", "delete", "trace"])
def test_other_methods_change_nothing_and_break_nothing(method: str, mine: Home) -> None:
    client, before = signed_in(mine.owner), fingerprint()
    found = {}
    for name in NAMES:
        answer = getattr(client, method)(ROUTES[name].url(name, mine))
        found[name] = answer.status_code
    if method == "head":
        assert all(status in {200, 302, 404, 405} for status in found.values()), found
    else:
        assert set(found.values()) == {405}
    assert fingerprint() == before


@pytest.mark.parametrize("name", sorted({name for name, _ in routes() if name.startswith(ALLAUTH)}))
def test_pages_about_an_account_ask_for_it(name: str, mine: Home) -> None:
    args = {
        "account_confirm_email": ("MQ:1abc:no-such-signature",),
        "account_reset_password_from_key": ("1", "abc-0123456789"),
    }.get(name, ())
    url, before = reverse(name, args=args), fingerprint()
    for method in ("get", "post", "head"):
        answer = getattr(Client(), method)(url)
        assert answer.status_code < 500
        assert getattr(signed_in(mine.viewer), method)(url).status_code < 500
        if name in FOR_MEMBERS:
            assert answer["Location"].startswith(reverse("account_login"))
    assert fingerprint() == before


def test_the_health_page_tells_nobody_anything_about_anybody(mine: Home) -> None:
    answer = Client().get("/healthz")
    assert answer.json().keys() == {"ok", "late", "seconds_since"}


def test_nobody_looks_at_a_household_they_are_no_member_of(mine: Home, theirs: Home) -> None:
    client = signed_in(mine.owner)
    assert client.post("/settings/household/", {"household": theirs.household.pk}).status_code == 404
    assert client.get(f"/loans/{theirs.loan.pk}/").status_code == 404


@pytest.mark.parametrize("person", ["owner", "editor"])
def test_extra_fields_of_a_form_are_not_taken(person: str, mine: Home, theirs: Home) -> None:
    """Nobody moves a row to another household, or signs it with another name, by sending more than was asked."""
    client = signed_in(getattr(mine, person))
    more = {
        "household": theirs.household.pk,
        "household_id": theirs.household.pk,
        "loan": theirs.loan.pk,
        "loan_id": theirs.loan.pk,
        "recorded_by": theirs.owner.pk,
        "recorded_at": "2001-01-01",
        "id": theirs.paid.pk,
        "pk": theirs.paid.pk,
        "source": "auto",
        "presumed": "on",
        "version": 0,
        "role": "owner",
        "is_staff": "on",
        "fingerprint": "0",
        "kind": "reversal",
    }
    route = ROUTES["ledger:record_repayment"]
    assert client.post(route.url("ledger:record_repayment", mine), route.body(mine) | more).status_code == 302
    fact = mine.loan.facts.order_by("-pk")[0]
    assert (fact.household_id, fact.loan_id, fact.kind, fact.source, fact.presumed, fact.recorded_by) == (
        mine.household.pk,
        mine.loan.pk,
        "repayment",
        "manual",
        False,
        getattr(mine, person),
    )
    assert theirs.loan.facts.count() == 2
