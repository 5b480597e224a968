"""What people, scripts and attackers may type: never a fault, never half written, always shown as it was typed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django import forms
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from ledger.forms.fields import DayField, KeyField, MoneyField, PercentField, SeenField
from ledger.forms.presets import BY_CODE
from ledger.services.checking import find_problems
from tests import builders as make
from tests.security.world import ROUTES, Home, filled, fingerprint, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

_WRITE = re.compile(r'(INSERT INTO|UPDATE|DELETE FROM) "(ledger|reminders)_')
SLOWEST = 3.0  # seconds of computing for any answer, however busy the machine is
SCRIPT = "<script>alert('x')</script>\"&"
# Nonsense goes into all fields of a page together; what may pass for sense goes into one field at a time.
ODD = ["a\0b", "\u202e)txt.exe", "👩‍👩‍👧 ①", "one\r\nBcc: two@example.com", "x" * 5000, "' OR 1=1 --"]
NUMBERS = ["NaN", "sNaN", "-Infinity", "1e400", "-1", "0x10", "1_000", "٣½", "9" * 5000, "0.0000000001"]
DAYS = ["9999-12-31", "0001-01-01", "2026-02-30", "1e9", "2026-1-1T00:00"]
CHOICES = ["no-such-choice", "9" * 30, "level\0"]
ANY = ["\0", SCRIPT]


def nonsense(field: forms.Field) -> list[str]:
    if isinstance(field, KeyField | SeenField):
        return ["x" * 200, "-1", "9" * 40, *ANY]
    if isinstance(field, DayField):
        return [*DAYS, *ANY]
    if isinstance(field, MoneyField | PercentField | forms.IntegerField):
        return [*NUMBERS, *ANY]
    if isinstance(field, forms.ChoiceField | forms.ModelChoiceField):
        return [*CHOICES, *ANY]
    return [*ODD, *ANY]


def nearly_sense(field: forms.Field) -> list[str]:
    if isinstance(field, DayField):
        return ["", "1970-01-01", "2100-12-31"]
    if isinstance(field, MoneyField | PercentField | forms.IntegerField):
        return ["", "0", "１２，３４５．６７", "999999999999", "600"]
    if isinstance(field, forms.ChoiceField | forms.ModelChoiceField | KeyField | SeenField):
        return [""]
    return ["", "\u202e 👩‍👩‍👧 " + SCRIPT]


@dataclass(frozen=True, slots=True)
class Page:
    """One page with a form: which, at what query, under what name the form is in its context."""

    name: str
    query: str = ""
    form: str = "form"
    more: tuple[tuple[str, str], ...] = ()  # what the button adds
    of: Callable[[Home], dict[str, object]] = lambda _: {}

    @property
    def id(self) -> str:
        return self.name.partition(":")[2] + self.query + "".join(f"-{value}" for _, value in self.more)

    def url(self, home: Home) -> str:
        route = ROUTES.get(self.name)
        return (route.url(self.name, home) if route else reverse(self.name)) + self.query


def _good(name: str) -> Page:
    return Page(name, of=lambda home: ROUTES[name].body(home))


def _loan(code: str) -> Page:
    """A loan that can be added in this way: what the page fills in, and the rest."""
    said: dict[str, object] = {"lender": "Bank", "name": "Bicycle", "amount": "12000", "disbursed_on": "2026-02-15"}
    said |= {"first_due_on": "2026-03-15"} if code not in {"reserve", "bnpl", "card"} else {}
    said |= {"known": {"rate": "12", "count": "12"}, "running": {"rate": "12", "count": "6"}}.get(code, {})
    if code == "table":
        said = {**said, "table": "2026-03-15 1000 10\n2026-04-15 1000 5"}
    return Page("ledger:add_loan", f"?kind={code}", of=lambda _: said)


def _coupon(kind: str, **said: object) -> Page:
    common = {"effective_on": "2026-03-01", "component": "third", "note": ""}
    return Page("ledger:record_coupon", f"?kind={kind}", of=lambda home: common | said | {"seen": home.loan.version})


def _table(name: str, principal: str) -> Page:
    """Other terms by the lender's own table, which repays what is owed then."""
    rows = f"2026-03-10 {principal} 100\n2026-04-10 5000 50"
    return Page(name, "?", of=lambda home: ROUTES[name].body(home) | {"method": "listed", "table": rows})


PAGES = [
    *(_loan(code) for code in sorted(BY_CODE)),
    *map(
        _good,
        [
            *("ledger:record_repayment", "ledger:record_charge", "ledger:waive_charge", "ledger:change_rate"),
            *("ledger:defer_bill", "ledger:state_lender_figure", "ledger:add_account", "ledger:state_balance"),
            *("ledger:record_coupon", "ledger:record_refund", "ledger:record_drawdown", "ledger:move_due_date"),
            *("ledger:pause_interest", "ledger:extend_loan", "ledger:amend_terms", "ledger:record_arrangement"),
            *("ledger:mandate", "ledger:add_credit_line", "ledger:members", "reminders:settings"),
            "ledger:edit_account",
            "ledger:plan_inflow",
            "ledger:rates",
            "ledger:credit_record",
            "reminders:loan_settings",
            "ledger:answer_presumed",
            "ledger:answer_debit",
            "reminders:act",
        ],
    ),
    Page("ledger:settings", form="household_form", more=(("part", "household"),)),
    Page("ledger:settings", form="language_form", more=(("part", "language"),)),
]
PAGES += [
    _coupon("share", fraction="50", until="2026-06-30", cap="20"),
    _coupon("free_bills", count="2"),
    _coupon("free_days", count="30"),
    _coupon("rate", fraction="1", bill="3"),
    _table("ledger:amend_terms", "6053.81"),  # 11,053.81 by the bills to come
    _table("ledger:record_arrangement", "6520"),  # 12,000 less the 480 of principal that was paid
]
FOR_VISITORS = [Page("account_login"), Page("account_signup"), Page("account_reset_password")]
ids: dict[str, Any] = {"ids": lambda page: page.id}


@contextmanager
def writes() -> Iterator[list[str]]:
    """Collects what is written to the tables of the two apps."""
    found: list[str] = []

    def look(execute: Any, sql: str, *rest: Any) -> Any:
        if _WRITE.match(sql):
            found.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        yield found


@dataclass(slots=True)
class Sender:
    """Sends one page's form again and again, each time as if it were the first."""

    client: Client
    url: str
    form: str
    base: dict[str, Any]

    def send(self, data: Any, **options: Any) -> tuple[HttpResponse, bool]:
        """The answer, and whether it wrote anything; what it wrote is held to be whole, and then taken back."""
        self.client.cookies.pop("messages", None)
        with transaction.atomic():
            began = time.thread_time()
            with writes() as written:
                answer = self.client.post(self.url, data, **options)
            lasted = time.thread_time() - began
            assert answer.status_code in {200, 302, 400, 404, 409, 422}, answer.status_code
            assert lasted < SLOWEST, lasted
            assert b"<script>alert" not in answer.content
            if answer.status_code != 302:
                assert written == []
            elif written:
                assert list(find_problems()) == []
                landed = self.client.get(answer["Location"], follow=True)
                assert landed.status_code == 200
                assert b"<script>alert" not in landed.content
            transaction.set_rollback(True)
        return answer, bool(written)

    def errors(self, answer: HttpResponse) -> dict[str, Any]:
        return {} if answer.status_code == 302 else dict(answer.context[self.form].errors)


@pytest.fixture
def open_page(mine: Home) -> Callable[[Page], Sender]:
    def opened(page: Page) -> Sender:
        client = signed_in(None if page in FOR_VISITORS else mine.owner)
        url = page.url(mine)
        shown = client.get(url)
        assert shown.status_code == 200
        said = filled(shown.context[page.form]) | dict(page.more)
        return Sender(client, url, page.form, said | {name: str(value) for name, value in page.of(mine).items()})

    return opened


@pytest.mark.parametrize("page", PAGES, **ids)
def test_what_is_sent_untouched_is_taken(page: Page, open_page: Callable[[Page], Sender]) -> None:
    """So that what is refused below is refused for the one field that is wrong."""
    make.user("stranger@example.com")
    sender = open_page(page)
    answer, _ = sender.send(sender.base)
    assert (answer.status_code, sender.errors(answer)) == (302, {})


def _tried_before(page: Page) -> set[str]:
    """The fields that a way to add a loan shares with those earlier in the list: they are tried there."""
    if page.name != "ledger:add_loan":
        return set()
    earlier = [BY_CODE[one.query.removeprefix("?kind=")] for one in PAGES[: PAGES.index(page)]]
    shared = {"key", "seen", "past_paid"} if earlier else set()
    return shared.union(*((*preset.shown, *preset.more) for preset in earlier))


@pytest.mark.parametrize("page", PAGES + FOR_VISITORS, **ids)
def test_nonsense_in_every_field_is_answered_at_every_field(page: Page, open_page: Callable[[Page], Sender]) -> None:
    sender = open_page(page)
    fields = sender.client.get(sender.url).context[page.form].fields
    tries = {name: nonsense(field) for name, field in fields.items()}
    for turn in range(max(map(len, tries.values()))):
        typed = {name: values[turn % len(values)] for name, values in tries.items()}
        answer, wrote = sender.send(sender.base | typed)
        assert (answer.status_code, wrote) in {(422, False), (200, False)}, turn
        errors = sender.errors(answer)
        assert errors
        for name, field in fields.items():
            if isinstance(field, DayField | MoneyField | PercentField) and typed[name] != "-1":
                assert name in errors, (name, typed[name])
        for name, field in fields.items():
            if isinstance(field, MoneyField | PercentField):
                assert escape(typed[name])[:40] in answer.content.decode()


@pytest.mark.parametrize("page", PAGES + FOR_VISITORS, **ids)
def test_each_field_may_hold_what_is_nearly_right(page: Page, open_page: Callable[[Page], Sender]) -> None:
    sender = open_page(page)
    form = sender.client.get(sender.url).context[page.form]
    for name, field in form.fields.items():
        for typed in [] if name in _tried_before(page) else nearly_sense(field):
            answer, _ = sender.send(sender.base | {name: typed})
            if answer.status_code == 422:
                assert sender.errors(answer), (name, typed)


@pytest.mark.parametrize("page", PAGES + FOR_VISITORS, **ids)
def test_fields_may_be_missing_doubled_and_too_many(page: Page, open_page: Callable[[Page], Sender]) -> None:
    sender = open_page(page)
    answer, wrote = sender.send({})
    assert (answer.status_code in {200, 422, 302}, wrote) == (True, wrote and answer.status_code == 302)
    for name in sender.base.keys() - _tried_before(page):
        sender.send({key: value for key, value in sender.base.items() if key != name})
    sender.send({name: ["no-such-thing", value] for name, value in sender.base.items()})
    sender.send({name: [value, "no-such-thing"] for name, value in sender.base.items()})
    sender.send(sender.base | {f"extra{n}": "1" for n in range(500)})


@pytest.mark.parametrize("page", PAGES + FOR_VISITORS, **ids)
def test_a_body_may_be_broken_or_huge(page: Page, open_page: Callable[[Page], Sender]) -> None:
    sender = open_page(page)
    plain = "application/x-www-form-urlencoded"
    as_sent = {name: value for name, value in sender.base.items() if isinstance(value, str)}
    texts = [name for name in as_sent if name not in {"key", "seen"}]
    for raw in ("%ED%A0%80", "%FF%FE", "%C0%80", "%F4%90%80%80", "%00"):
        sender.send("&".join(f"{name}={raw}" for name in texts), content_type=plain)
    sender.send(urlencode(as_sent | {texts[0]: "x" * 1_000_000}), content_type=plain)
    for body, kind in (
        (b"\xff\x00=&&==", plain),
        (b'{"amount": 1}', "application/json"),
        (b"--no", "multipart/form-data; boundary=x"),
    ):
        sender.send(body, content_type=kind)
    answer, wrote = sender.send(urlencode({f"f{n}": n for n in range(1100)}), content_type=plain)
    assert (answer.status_code, wrote) == (400, False)  # more fields than any page of ours has


FOREIGN: dict[tuple[str, str], Callable[[Home], object]] = {
    ("ledger:add_loan", "credit_line"): lambda home: home.line.pk,
    ("ledger:record_repayment", "account"): lambda home: home.account.pk,
    ("ledger:mandate", "account"): lambda home: home.account.pk,
    ("ledger:mandate", "account_2"): lambda home: home.account.pk,
}


def test_every_field_that_names_a_row_is_known_here(open_page: Callable[[Page], Sender]) -> None:
    found = set()
    for page in PAGES:
        sender = open_page(page)
        for name, field in sender.client.get(sender.url).context[page.form].fields.items():
            if isinstance(field, forms.ModelChoiceField):
                found.add((page.name, name))
    assert found == set(FOREIGN)


@pytest.mark.parametrize("page", [page for page in PAGES if any(page.name == name for name, _ in FOREIGN)], **ids)
def test_a_row_of_another_household_is_no_choice(page: Page, theirs: Home, open_page: Callable[[Page], Sender]) -> None:
    sender = open_page(page)
    for (name, field), of in FOREIGN.items():
        if name == page.name and field in sender.base:
            answer, wrote = sender.send(sender.base | {field: str(of(theirs))})
            assert (answer.status_code, wrote, list(sender.errors(answer))) == (422, False, [field])
            assert theirs.household.name not in answer.content.decode()


def test_the_first_household_may_be_called_anything() -> None:
    client = signed_in(make.user())
    good = {"name": "Home", "time_zone": "Europe/Berlin", "currency": "EUR"}
    sender = Sender(client, "/start/", "form", good)
    assert sender.send(good)[0].status_code == 302
    for name in good:
        for typed in ["", *(ODD if name == "name" else CHOICES)]:
            answer, wrote = sender.send(good | {name: typed})
            assert wrote == (answer.status_code == 302)
            assert wrote or list(sender.errors(answer)) == [name]


@pytest.mark.parametrize(
    "name", ["ledger:reverse_fact", "ledger:confirm_repayment", "ledger:end_inflow", "reminders:send_test"]
)
def test_buttons_may_send_anything_beside_them(name: str, mine: Home) -> None:
    sender = Sender(signed_in(mine.owner), ROUTES[name].url(name, mine), "form", {})
    for key in ["", *ODD, "x" * 100_000, "auto:1:1", "key-1:1"]:
        sender.send({"key": key, "back": SCRIPT})
    for seen in ("", "-1", "9" * 30, "NaN", "٣", "\0"):
        sender.send({"key": "a-good-key", "seen": seen})


QUERIES = ["state", "lender", "month", "q", "before", "after", "loan", "kind", "bill", "suggest", "amount", "apply_to"]
QUERIES += ["payoff_on", "back", "page", "next"]
IN_QUERIES = [
    *(
        "",
        "\0",
        SCRIPT,
        "9" * 5000,
        "-1",
        "٣",
        "NaN",
        "1e400",
        "9999-12-31",
        "0000-00",
        "9999-12",
        "0001-01",
        "2026-13",
    ),
    *("9999-12-31_1", "0001-01-01_1", "2026-03-01_" + "9" * 18, "0001-01-01T00:00:00+14:00_1"),
    *("9999-12-31T23:59:59-14:00_1", "2026-03-01T00:00:00_1", "2026-03-01T00:00:00+23:59_1", "👩‍👩‍👧", "one\r\ntwo"),
]


@pytest.mark.parametrize("name", sorted(name for name, route in ROUTES.items() if not route.only_post))
def test_an_address_may_ask_for_anything(name: str, mine: Home) -> None:
    client, url, before = signed_in(mine.owner), ROUTES[name].url(name, mine), fingerprint()
    for turn in range(len(IN_QUERIES)):  # each value once under each name
        asked = {key: IN_QUERIES[(turn + place) % len(IN_QUERIES)] for place, key in enumerate(QUERIES)}
        answer = client.get(f"{url}?{urlencode(asked)}")
        assert answer.status_code in {200, 302, 404}, (asked, answer.status_code)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert b"<script>alert" not in content
    assert client.get(f"{url}?q=%ED%A0%80&before=%FF&month=%C0%80").status_code in {200, 302, 404}
    assert fingerprint() == before


def _addresses(name: str, mine: Home) -> Iterator[str]:
    route = ROUTES[name]
    args = route.args(mine) if route.args else ()
    url = route.url(name, mine)
    for number in (0, 2**31, 2**63 - 1, 2**63, 10**200):
        for place in range(len(args)):
            wrong = [*args[:place], number, *args[place + 1 :]]
            yield reverse(name, args=wrong)
    for text in ("-1", "x", "%00", quote("٣"), "1%0d%0a", "..%2f..%2fetc%2fpasswd", "%ff"):
        yield re.sub(rf"/{re.escape(str(args[0]))}(?=[/.])", f"/{text}", url)


@pytest.mark.parametrize("name", sorted(name for name, route in ROUTES.items() if route.args))
def test_an_address_may_name_anything(name: str, mine: Home) -> None:
    client, before = signed_in(mine.owner), fingerprint()
    for url in _addresses(name, mine):
        assert client.get(url).status_code in {404, 405}, url[:100]
        assert client.post(url, ROUTES[name].body(mine)).status_code == 404, url[:100]
    assert fingerprint() == before


def test_nothing_leads_off_the_site(mine: Home) -> None:
    client = signed_in(mine.owner)
    for evil in (
        "https://evil.example/",
        "//evil.example/",
        r"/\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
    ):
        for url, data in (("/language/", {"language": "en", "next": evil}), ("/account/logout/", {"next": evil})):
            answer = client.post(url, data)
            assert answer["Location"].startswith("/")
            assert not answer["Location"].startswith(("//", "/\\"))
            client.force_login(mine.owner)
