"""The gallery of messages: every kind by the household's own books, or a word that there is none."""

from __future__ import annotations

import html
import re
from datetime import date

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from ledger.loanmath.terms import PenaltyTerms
from ledger.models import Household, User
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from reminders.emails.samples import SAMPLES
from reminders.models import Kind
from tests import builders
from tests.builders import at
from tests.security.world import fingerprint

pytestmark = pytest.mark.django_db

OPENED = at("2026-02-10")
PAGE = reverse("reminders:preview")
NOTHING = "There is nothing in these books that such a message would be about."


@pytest.fixture
def me() -> User:
    return builders.user()


@pytest.fixture
def home(me: User) -> Household:
    """On 14 March: Laptop overdue since the 10th and tried in vain, Car presumed debited on the 12th, Bike to come."""
    home = builders.household(me)
    laptop = builders.loan(home, now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))
    car = builders.loan(home, now=OPENED, name="Car", disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 12))
    builders.loan(home, now=OPENED, name="Bike", disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 20))
    poor, unknown = builders.account(home), builders.account(home, name="Other card", last4="5678")
    builders.balance(poor, 100_000, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(scope=laptop, sources=[poor], recording=builders.recording(OPENED))
    authorize_mandate(scope=car, sources=[unknown], recording=builders.recording(OPENED))
    for day in (10, 12):
        debit_due(at(f"2026-03-{day}", 10))
    return home


def shown(client: Client, kind: str) -> tuple[str, str]:
    """The subject and the note of a kind's sample."""
    with time_machine.travel(at("2026-03-14", 12), tick=False):
        page = client.get(PAGE, {"kind": kind}).content.decode()
    if NOTHING in page:
        return "", ""
    subject = re.search(r"<h2>(.*?)</h2>\s*<p class=\"note\">(.*?)</p>", page, re.DOTALL)
    assert subject is not None
    return html.unescape(subject[1]), subject[2]


NOW = "As it would read now."
EXPECTED = {
    "issued": ("Bank of Tests: new bill of ¥1,069.59, due 20 Mar, in 6 days", NOW),
    "ahead": (
        "Bank of Tests: ¥1,069.59 due 20 Mar, in 3 days",
        "As it would read on 17 Mar 09:00, if nothing happens until then.",
    ),
    "due": (
        "Bank of Tests: ¥1,069.59 due today, 20 Mar",
        "As it would read on 20 Mar 09:00, if nothing happens until then.",
    ),
    "evening": (
        "Bank of Tests: ¥1,069.59 due tonight and still unpaid, 20 Mar",
        "As it would read on 20 Mar 20:00, if nothing happens until then.",
    ),
    "second": (
        "Bank of Tests: nobody has paid ¥1,069.59 yet, due today, 20 Mar",
        "As it would read on 20 Mar 18:00, if nothing happens until then.",
    ),
    "overdue": ("Bank of Tests: ¥1,066.19 overdue by 4 days", NOW),
    "grace": ("", ""),
    "past-due": (
        "Bank of Tests: ¥1,066.19, 30 days past due tomorrow",
        "As it would read on 8 Apr 09:00, if nothing happens until then.",
    ),
    "several": ("¥3,202.65 for 3 bills, the first overdue since 10 Mar", NOW),
    "attempt_done": ("", ""),
    "attempt_failed": (
        "Bank of Tests could not debit ¥1,066.19: ¥66.19 missing in Salary card ••1234",
        NOW,
    ),
    "attempt_partial": ("", ""),
    "confirm": ("Did Bank of Tests debit ¥1,066.87 from Other card ••5678 on 12 Mar?", NOW),
    "keep_on": ("", ""),
    "test": ("A test mail from Loantracker", NOW),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_kind_is_made_of_the_nearest_real_thing(me: User, home: Household, kind: str) -> None:
    assert shown(builders.signed_in(me), kind) == EXPECTED[kind]


def test_every_kind_has_a_sample_and_the_page_leads_to_each(me: User, home: Household) -> None:
    page = builders.signed_in(me).get(PAGE).content.decode()
    assert set(EXPECTED) <= set(SAMPLES)
    assert {kind.value for kind in Kind if kind is not Kind.STEP} >= set(SAMPLES) - set(EXPECTED) - {"working-day"}
    assert re.findall(r'href="[^"]*\?kind=([^"]+)"', page) == list(SAMPLES)


def test_a_bill_payable_on_a_day_off_shows_the_working_day_before(me: User) -> None:
    home = builders.household(me)
    builders.loan(home, now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 15))  # a Sunday
    with time_machine.travel(at("2026-03-12", 12), tick=False):
        page = builders.signed_in(me).get(PAGE, {"kind": "working-day"}).content.decode()
    assert "due 15 Mar, in 2 days; today is the last working day before" in page
    assert "As it would read on 13 Mar 09:00" in page


def test_a_bill_in_grace_shows_its_last_day(me: User) -> None:
    home = builders.household(me)
    builders.loan(
        home,
        now=OPENED,
        disbursed_on=date(2026, 2, 10),
        first_due_on=date(2026, 3, 10),
        penalty=PenaltyTerms(grace_days=3),
    )
    with time_machine.travel(at("2026-03-11", 12), tick=False):
        page = builders.signed_in(me).get(PAGE, {"kind": "grace"}).content.decode()
    assert "Bank of Tests: ¥1,066.19, last day without a penalty, 13 Mar" in page


def test_looking_writes_nothing(me: User, home: Household) -> None:
    client = builders.signed_in(me)
    before = fingerprint()
    for kind in [*SAMPLES, "", "nonsense"]:
        assert client.get(PAGE, {"kind": kind}).status_code == 200
    assert fingerprint() == before


def test_the_layout_is_shut_in_a_frame(me: User, home: Household) -> None:
    response = builders.signed_in(me).get(PAGE, {"kind": "overdue"})
    page = response.content.decode()
    [frame] = re.findall(r"<iframe [^>]*>", page)
    assert " sandbox " in frame
    assert frame.count("&lt;h1&gt;") == 1
    assert "style-src 'self' 'unsafe-inline'" in response.headers["Content-Security-Policy"]
    assert "script-src" not in response.headers["Content-Security-Policy"]


def test_a_household_without_loans_is_told_there_is_nothing(me: User) -> None:
    builders.household(me)
    client = builders.signed_in(me)
    assert [kind for kind in SAMPLES if NOTHING not in client.get(PAGE, {"kind": kind}).content.decode()] == ["test"]


def test_a_member_reads_their_own_language(home: Household) -> None:
    reader = builders.member(home, language="zh-hans")
    with override("en"):  # which the request leaves at the reader's
        subject, _ = shown(builders.signed_in(reader), "overdue")
    assert subject == "【已逾期4天】Bank of Tests应还¥1,066.19"
