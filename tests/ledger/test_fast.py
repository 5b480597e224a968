"""What is formatted past Django's machinery comes to exactly what Django gives, and prepared questions to its rows."""

from __future__ import annotations

import random
import re
from datetime import date, timedelta
from html import escape
from typing import Any

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import override, pgettext

from ledger.loanmath.money import MINUS, currency_sign, whole_and_minor
from ledger.loanmath.standing import Standing
from ledger.models import Bill, Loan
from ledger.selectors.prepared import Prepared
from ledger.templatetags.fast import formatted, icon, path_to, place_of, standing_badge
from ledger.templatetags.money import money
from tests import builders as make

DAYS = [date(1999, 12, 31) + timedelta(days=at * 97) for at in range(300)]
FORMATS = ["j M", "j M Y", "F Y", "n月j日", "Y年n月j日", "Y年n月", "D j M Y", r"j \o\f F"]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("letters", FORMATS)
def test_days_are_formatted_as_django_does(language: str, letters: str) -> None:
    with override(language):
        assert [formatted(day, letters) for day in DAYS] == [date_format(day, letters) for day in DAYS]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_formats_of_the_translations_are_among_those_compared(language: str) -> None:
    with override(language):
        found = {pgettext("date format, day and month", "j M"), pgettext("date format, with year", "j M Y")}
    assert found <= set(FORMATS)


def test_amounts_are_written_as_django_would() -> None:
    draw = random.Random(1)
    for currency in ("CNY", "JPY", "KWD", "PLN", "<b>"):
        for minor in (0, 1, -1, *(draw.randrange(-(10**13), 10**13) for _ in range(200))):
            whole, cents = whole_and_minor(minor, currency)
            sign = format_html('<span class="money-sign">{}</span>', currency_sign(currency))
            tail = format_html('<span class="money-minor">{}</span>', cents) if cents else ""
            minus = MINUS if minor < 0 else ""
            django = format_html('<span class="money">{}{}{}{}</span>', minus, sign, whole, tail)
            assert money(minor, currency) == django


@pytest.mark.parametrize(
    "name, numbers",
    [
        ("ledger:loan", (3,)),
        ("ledger:reverse_fact", (3, 10**15)),
        ("ledger:explain_amount", (3, "bill-3-total-open")),
        ("ledger:explain_sum", ("late-CNY",)),
        ("reminders:bill_reminders", (12, 3)),
    ],
)
def test_addresses_are_those_of_the_routes(name: str, numbers: tuple[int | str, ...]) -> None:
    assert path_to(name, *numbers) == reverse(name, args=numbers)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("standing", list(Standing))
def test_a_standing_is_the_component_s(language: str, standing: Standing) -> None:
    with override(language):
        component = render_to_string("_components/standing.html", {"standing": standing})
        assert standing_badge(standing) == component.replace("\n", "")


@pytest.mark.parametrize(
    "address, place",
    [
        ("/", "overview"),
        ("/owed/", "overview"),
        ("/obligations/", "overview"),
        ("/loans/7/", "overview"),
        ("/loans/7/bills/2/reminders/", "overview"),
        ("/loans/7/repayments/new/", "record"),
        ("/repayments/new/", "record"),
        ("/loans/new/", "add"),
        ("/bills/calendar/", "bills"),
        ("/statements/", "bills"),
        ("/statements/3/2026-03-10/", "bills"),
        ("/accounts/4/balance/", "accounts"),
        ("/reminders/", "activity"),
        ("/settings/reminders/", "settings"),
        ("/account/2fa/", "settings"),
        ("/credit-record/", "credit-record"),
        ("/mailbox/a.eml/", "mailbox"),
    ],
)
def test_a_page_lies_in_one_place_of_the_navigation(address: str, place: str) -> None:
    assert place_of(address) == place


def test_an_icon_is_the_component_s() -> None:
    assert icon("check") == render_to_string("_components/icon.html", {"name": "check"}).strip()


def _open(loan: int, until: date) -> object:
    return Bill.objects.filter(loan=loan).open().filter(payable_on__lte=until).order_by("payable_on", "pk")


@pytest.mark.django_db
@pytest.mark.service
class TestPrepared:
    def test_rows_and_objects_are_those_of_the_query_each_time(self) -> None:
        values = Prepared(lambda loan, until: _open(loan, until).values_list("number", "due_on", "is_needed"))  # type: ignore[attr-defined]
        objects = Prepared(lambda loan, until: _open(loan, until).select_related("loan__lender"))  # type: ignore[attr-defined]
        for loan in (make.loan(), make.loan(currency="USD")):
            for until in (date(2026, 3, 10), date(2026, 6, 10), date(2020, 1, 1)):
                expected = list(_open(loan.pk, until))  # type: ignore[call-overload]
                rows = [(bill.number, bill.due_on, bill.is_needed) for bill in expected]
                assert values(loan=loan.pk, until=until) == rows
                assert objects.objects(loan=loan.pk, until=until) == expected
        found = objects.objects(loan=loan.pk, until=date(2026, 3, 10))
        assert (found[0].loan.lender.name, found[0].loan.currency) == ("Bank of Tests", "USD")

    def test_what_the_query_does_not_ask_with_is_refused(self) -> None:
        deaf = Prepared(lambda household: Loan.objects.values_list("pk"))
        with pytest.raises(ValueError, match="household"):
            deaf(household=1)


class TestNavigation:
    """The navigation is made once, and what differs from page to page is filled in."""

    def shown(self, path: str, **more: Any) -> str:
        request = RequestFactory().get(path)
        context = {"request": request, "may_write": True, "mail_kept_locally": False, "csrf_token": "a-token"} | more
        return Template("{% load fast %}{% navigation %}").render(Context(context))

    def test_it_marks_the_page_it_is_on_and_leads_back_to_it(self) -> None:
        for path, current in (("/bills/?q=a&b", "/bills/"), ("/accounts/", "/accounts/")):
            html = self.shown(path)
            marked = re.findall(r'href="([^"]+)" aria-current="(\w+)"', html)
            assert marked == [(current, "page"), (current, "page")]  # at the side and at the bottom
            assert re.findall(r'name="next" value="([^"]*)"', html) == [escape(path)] * 2
            assert set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]*)"', html)) == {"a-token"}
            assert "data-here" not in html
            assert "of-this-page" not in html

    def test_a_page_below_is_marked_as_its_place(self) -> None:
        assert 'href="/settings/" aria-current="true"' in self.shown("/settings/household/")

    def test_an_address_that_looks_like_a_mark_stays_text(self) -> None:
        html = self.shown("/bills/?q=token-of-this-page+place-of-this-page+data-here=/bills/>")
        assert 'value="/bills/?q=token-of-this-page+place-of-this-page+data-here=/bills/%3E"' in html

    def test_it_speaks_each_language_and_knows_who_may_write(self) -> None:
        english = self.shown("/")
        with override("zh-hans"):
            assert "总览" in self.shown("/")
        assert self.shown("/") == english
        assert "Record repayment" in english
        assert "Record repayment" not in self.shown("/", may_write=False)
