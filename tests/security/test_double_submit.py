"""The same form sent many times at once, without its token, or with other content: it counts once or not at all."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from ledger.models import (
    AutoRepayMandate,
    BenchmarkRate,
    Document,
    Fact,
    FundingAccount,
    Loan,
    Paperwork,
    PlannedInflow,
    StatedBalance,
)
from tests import builders as make
from tests.security.world import ROUTES, Home, fingerprint, routes, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

KEY = "one-key-for-all"
TIMES = 10

# What each form adds a row to, and what to change to say something else under the same key.
ONCE: dict[str, tuple[type[Model], dict[str, str]]] = {
    "ledger:add_loan": (Loan, {"amount": "13000"}),
    "ledger:record_repayment": (Fact, {"amount": "101"}),
    "ledger:statement": (Fact, {"paid_on": "2026-02-28"}),
    "ledger:record_charge": (Fact, {"amount": "6"}),
    "ledger:waive_charge": (Fact, {"amount": "6"}),
    "ledger:change_rate": (Fact, {"annual_rate": "11"}),
    "ledger:defer_bill": (Fact, {"moved_to": "2026-04-21"}),
    "ledger:state_lender_figure": (Fact, {"interest": "101"}),
    "ledger:record_coupon": (Fact, {"amount": "6"}),
    "ledger:record_refund": (Fact, {"amount": "501"}),
    "ledger:record_drawdown": (Fact, {"amount": "501"}),
    "ledger:move_due_date": (Fact, {"moved_to": "2026-04-21"}),
    "ledger:pause_interest": (Fact, {"until": "2026-04-01"}),
    "ledger:extend_loan": (Fact, {"count": "4"}),
    "ledger:amend_terms": (Fact, {"annual_rate": "11"}),
    "ledger:record_arrangement": (Fact, {"count": "25"}),
    "ledger:state_balance": (StatedBalance, {"amount": "301"}),
    "ledger:plan_inflow": (PlannedInflow, {"amount": "12001"}),
    "ledger:rates": (BenchmarkRate, {"annual_rate": "3.45"}),
    "ledger:mandate": (AutoRepayMandate, {"own_windows": "08:00, 21:00"}),
    "ledger:documents": (Document, {"kind": "statement"}),
}
ONCE_BY_ITSELF = {  # a name, or the debit asked about, says what is the same: a key is not all
    "ledger:add_account": FundingAccount,
    "ledger:answer_presumed": Fact,
    "ledger:answer_debit": Fact,
    "reminders:act": Fact,
    "ledger:settlement": Paperwork,
    "ledger:remove_document": Paperwork,
}
SIGNED = {"reminders:unsubscribe"}  # a mail program posts by itself (RFC 8058); what it holds opens nothing else


def body(name: str, of: Home) -> dict[str, object]:
    return ROUTES[name].body(of) | {"key": KEY}


def all_at_once(sends: list[Callable[[], HttpResponse]]) -> list[HttpResponse]:
    answers: list[HttpResponse] = []
    start = Barrier(len(sends))

    def send(it: Callable[[], HttpResponse]) -> None:
        start.wait()
        try:
            answers.append(it())
        finally:
            connection.close()

    threads = [Thread(target=send, args=(one,)) for one in sends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def said(answer: HttpResponse) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("Location")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", sorted({**ONCE, **ONCE_BY_ITSELF}))
def test_a_form_sent_ten_times_at_once_counts_once(name: str, mine: Home) -> None:
    model: Any = ONCE_BY_ITSELF.get(name) or ONCE[name][0]
    data, url = body(name, mine), ROUTES[name].url(name, mine)
    before = model.objects.count()
    clients = [signed_in(mine.owner) for _ in range(TIMES)]
    answers = all_at_once([lambda client=client: client.post(url, data) for client in clients])
    assert len(answers) == TIMES
    assert {said(answer) for answer in answers} == {said(answers[0])}
    assert answers[0].status_code == 302
    assert model.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_undo_pressed_ten_times_at_once_undoes_once(mine: Home) -> None:
    url = ROUTES["ledger:reverse_fact"].url("ledger:reverse_fact", mine)
    clients = [signed_in(mine.owner) for _ in range(TIMES)]
    answers = all_at_once([lambda client=client: client.post(url, {"key": KEY}) for client in clients])
    assert {said(answer) for answer in answers} == {(302, f"/loans/{mine.loan.pk}/")}
    assert Fact.objects.filter(target=mine.paid).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_take_each_other_out_leave_one(mine: Home) -> None:
    members = mine.household.memberships
    members.filter(user=mine.editor).update(role="owner")
    sends = []
    for owner, other in ((mine.owner, mine.editor), (mine.editor, mine.owner)):
        url = reverse("ledger:change_member", args=[members.get(user=other).pk])
        client = signed_in(owner)
        sends.append(lambda client=client, url=url: client.post(url, {"remove": "1"}))
    all_at_once(sends)
    assert members.filter(role="owner").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_member_given_a_role_while_being_taken_out_is_no_fault(mine: Home) -> None:
    url = ROUTES["ledger:change_member"].url("ledger:change_member", mine)
    bodies = [{"remove": "1"}, {"role": "editor"}] * 5
    clients = [signed_in(mine.owner) for _ in bodies]
    answers = all_at_once([lambda c=c, data=data: c.post(url, data) for c, data in zip(clients, bodies, strict=True)])
    assert {answer.status_code for answer in answers} <= {302, 404}
    assert not mine.household.memberships.filter(user=mine.viewer).exists()


@pytest.mark.parametrize("name", sorted(ONCE))
def test_the_same_key_with_other_content_is_refused(name: str, mine: Home) -> None:
    _, other = ONCE[name]
    client, url, data = signed_in(mine.owner), ROUTES[name].url(name, mine), body(name, mine)
    assert client.post(url, data).status_code == 302
    once = fingerprint()
    mine.loan.refresh_from_db()
    answer = client.post(url, data | other | {"seen": mine.loan.version})
    assert answer.status_code == 409
    assert fingerprint() == once
    form = answer.context["form"]
    assert {name: form[name].value() for name in other} == other
    assert form["key"].value() != KEY  # sending it again means it
    again = client.post(url, data | other | {"key": form["key"].value(), "seen": form["seen"].value() or ""})
    assert (again.status_code, fingerprint() == once) == (302, False)


def test_an_account_is_added_with_its_balance_or_not_at_all(mine: Home) -> None:
    client, url, data = signed_in(mine.owner), reverse("ledger:add_account"), body("ledger:add_account", mine)
    assert client.post(url, data).status_code == 302
    once = fingerprint()
    answer = client.post(url, data | {"name": "Another", "balance": "11"})
    assert (answer.status_code, fingerprint() == once) == (409, True)


def test_the_first_household_is_made_once(mine: Home) -> None:
    newcomer = make.user()
    client, data = signed_in(newcomer), {"name": "Home", "time_zone": "UTC", "currency": "EUR"}
    answers = [client.post("/start/", data) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 200]  # the second sees the next step
    assert newcomer.memberships.count() == 1


@pytest.mark.parametrize("name", sorted(name for name in ONCE if name not in {"ledger:add_loan"}))
def test_figures_that_have_moved_on_are_shown_before_anything_is_recorded(name: str, mine: Home) -> None:
    if name in {"ledger:state_balance", "ledger:mandate", "ledger:plan_inflow", "ledger:rates", "ledger:documents"}:
        return  # these show no figures of the loan's
    client, url, data = signed_in(mine.owner), ROUTES[name].url(name, mine), body(name, mine)
    before = fingerprint()
    answer = client.post(url, data | {"seen": mine.loan.version - 1})
    assert (answer.status_code, fingerprint() == before) == (409, True)
    assert answer.context["form"]["seen"].value() == mine.loan.version
    assert answer.context["form"]["key"].value() == KEY


@pytest.mark.parametrize("taken", [f"{KEY}:1", "auto:{bill}:1", "answer:{presumed}"])
def test_nobody_takes_a_key_that_is_made_here(taken: str, mine: Home) -> None:
    """Past bills of a loan added later, and debits to come, have keys that a form cannot send."""
    client, bill = signed_in(mine.owner), mine.loan.bills.get(number=2)
    url = ROUTES["ledger:reverse_fact"].url("ledger:reverse_fact", mine)
    key = taken.format(bill=bill.pk, presumed=mine.presumed.pk)
    client.post(url, {"key": key})
    assert Fact.objects.get(target=mine.paid).key != key
    late = body("ledger:add_loan", mine) | {"disbursed_on": "2025-11-01", "past_paid": "on"}
    answer = client.post("/loans/new/", late)
    loan = Loan.objects.get(key=KEY)
    assert said(answer) == (302, f"/loans/{loan.pk}/")
    assert [fact.key for fact in loan.facts.order_by("pk")] == [f"{KEY}:{number}" for number in (1, 2, 3)]


@pytest.mark.parametrize("name", sorted(name for name, _ in routes() if name not in {"healthz", *SIGNED}))
def test_nothing_is_taken_without_the_token(name: str, mine: Home) -> None:
    route = ROUTES.get(name)
    args = {
        "account_confirm_email": ("MQ:1abc:no-such-signature",),
        "account_reset_password_from_key": ("1", "abc-0123456789"),
        "offline": ("en",),
        "service_worker": ("en",),
    }.get(name, ())
    url = route.url(name, mine) if route else reverse(name, args=args)
    before = fingerprint()
    for user in (mine.owner, None):
        answer = signed_in(user, enforce_csrf_checks=True).post(url, route.body(mine) if route else {})
        assert answer.status_code == 403
    assert fingerprint() == before


def test_a_token_of_another_site_does_not_help(mine: Home) -> None:
    client = signed_in(mine.owner, enforce_csrf_checks=True)
    client.get("/accounts/new/")
    token = client.cookies["csrftoken"].value
    data = ROUTES["ledger:add_account"].body(mine) | {"csrfmiddlewaretoken": token}
    url = reverse("ledger:add_account")
    assert client.post(url, data, HTTP_ORIGIN="https://evil.example").status_code == 403
    assert client.post(url, data, HTTP_ORIGIN="http://testserver").status_code == 302


def test_looking_at_every_page_writes_nothing(mine: Home) -> None:
    before = fingerprint()
    for user in (mine.owner, mine.viewer, None):
        client: Client = signed_in(user)
        for name, route in ROUTES.items():
            for options in ({}, {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "preview"}):
                client.get(route.url(name, mine) + "?undo=1&remove=1&confirm=1&what=end", **options)
    assert fingerprint() == before
