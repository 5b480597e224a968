"""How long the pages take that people look at most, against a bare signed-in Django view, all timed in one run.

./run bench pages [--others BILLS] [--database postgresql], the latter as `.ci/postgres ./run bench pages ...`.

The yardstick is what Django's tutorial would write: session, user, one indexed query, a template that shows 50 rows
with a link, a localized date and localized amounts. Overview, bills and loan are asked for as a browser asks, through
the product's whole middleware, by the owner of 10, of 100 and of 1,000 loans; so is what the overview fetches later,
and a repayment from the button to the page that shows it. Every round asks for each once, so that a busy machine is
as hard on one as on the other; the best of all rounds counts.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import django

parser = argparse.ArgumentParser()
parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
parser.add_argument("--others", type=int, help="bills of other households (default 10^6, on PostgreSQL 10^7)")
parser.add_argument("--rounds", type=int, default=25)
parser.add_argument("--folder", help="keep the SQLite database in this folder, and use it again")
OPTIONS = parser.parse_args()
TEMPORARY = tempfile.TemporaryDirectory(prefix="loantracker-benchmark-")
FOLDER = Path(OPTIONS.folder or TEMPORARY.name)
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
os.environ |= {
    "LOANTRACKER_VAR": str(FOLDER),
    "ALLOWED_HOSTS": "testserver",
    "CLOCK_OFFSET_SECONDS": str(int((START - datetime.now(UTC)).total_seconds())),
    "DJANGO_SETTINGS_MODULE": "loantracker.settings",
    "LOG_LEVEL": "ERROR",
}
if OPTIONS.database == "sqlite":
    os.environ["DATABASE_URL"] = ""
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.template.backends.django import DjangoTemplates  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import include, path  # noqa: E402

from benchmarks.households import LOANS, SIZES, load  # noqa: E402
from ledger.models import Bill, Loan, User  # noqa: E402

# Django's own, as `startproject` writes them, and the one that chooses the language.
PLAIN_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PLAIN_PROCESSORS = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]
ROWS = 50
PLAIN = DjangoTemplates(
    {"NAME": "plain", "DIRS": [], "APP_DIRS": False, "OPTIONS": {"context_processors": PLAIN_PROCESSORS}}
).from_string(
    """{% load i18n %}<!doctype html><html><head><title>{% trans "Bills" %}</title></head><body>
<p>{{ user.email }}</p><table>{% for bill in bills %}<tr><td><a href="{% url 'ledger:loan' bill.loan_id %}">
{{ bill.loan.name }}</a></td><td>{{ bill.payable_on|date:"DATE_FORMAT" }}</td>
<td>{{ bill.principal|floatformat:"2g" }}</td><td>{{ bill.interest|floatformat:"2g" }}</td>
<td>{{ bill.total|floatformat:"2g" }}</td></tr>{% endfor %}</table></body></html>"""
)


@login_required
def plain(request: HttpRequest) -> HttpResponse:
    """The yardstick: ROWS bills of a loan by its index."""
    bills: list[Any] = list(Bill.objects.filter(loan=1).select_related("loan").order_by("number")[:ROWS])
    bills += bills[: ROWS - len(bills)]
    for bill in bills:
        bill.principal, bill.interest = Decimal(bill.principal_due) / 100, Decimal(bill.interest_due) / 100
        bill.total = bill.principal + bill.interest
    return HttpResponse(PLAIN.render({"bills": bills}, request))


urlpatterns = [path("plain/", plain), path("", include("loantracker.urls"))]
settings.ROOT_URLCONF = __name__


OWED = {"HX-Request": "true", "HX-Target": "owed"}


class Timed:
    """The best time of something, in seconds, and the queries it takes."""

    def __init__(self, name: str, ask: Callable[[], HttpResponse]) -> None:
        self.name, self.ask, self.best, self.size = name, ask, float("inf"), 0
        self.ask()  # warm
        with CaptureQueriesContext(connection) as queries:
            self.ask()
        self.queries = len(queries)

    def once(self) -> None:
        started = time.perf_counter()
        response = self.ask()
        self.best = min(self.best, time.perf_counter() - started)
        assert response.status_code == 200, response
        self.size = len(response.content)


def main() -> None:
    call_command("migrate", verbosity=0)
    owners = _owners()
    yardstick = Timed("bare view", _plain(owners[SIZES[0]]))
    clients = {size: _signed_in(owners[size]) for size in SIZES}
    asked = [page for size in SIZES for page in _pages(clients[size], owners[size])]
    _take_turns(yardstick, asked)
    recorded = [_repayments(clients[size], owners[size]) for size in SIZES]  # they change what the pages show
    _take_turns(yardstick, recorded)
    print(f"{connection.vendor}, {Bill.objects.count():,} bills; a bare view takes {yardstick.best * 1000:.1f} ms")
    print(f"{'page':20}" + "".join(f"{size:>9,} loans           " for size in SIZES))
    pages = len(asked) // len(SIZES)
    for row in (*(asked[at::pages] for at in range(pages)), recorded):
        print(f"{row[0].name:20}" + "".join(_cell(one, yardstick) for one in row), flush=True)


def _take_turns(yardstick: Timed, asked: list[Timed]) -> None:
    for _ in range(OPTIONS.rounds):
        for one in (yardstick, *asked):
            one.once()


def _cell(one: Timed, yardstick: Timed) -> str:
    return f"{one.best * 1000:>7.1f} ms {one.best / yardstick.best:>5.2f} x {one.queries:>3} q  "


def _owners() -> dict[int, User]:
    found = {size: User.objects.filter(email=f"{size}@example.com").first() for size in SIZES}
    if all(found.values()):
        return {size: user for size, user in found.items() if user is not None}
    return load(OPTIONS.others or (10**7 if connection.vendor == "postgresql" else 10**6))


def _plain(user: User) -> Callable[[], HttpResponse]:
    client = Client()
    client.force_login(user)
    with override_settings(MIDDLEWARE=PLAIN_MIDDLEWARE):
        client.get("/plain/")  # its middleware is loaded now
    return lambda: client.get("/plain/")


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _loans(user: User) -> list[Loan]:
    return list(Loan.objects.filter(household__members=user).order_by("pk")[:LOANS])


def _pages(client: Client, user: User) -> list[Timed]:
    loan = _loans(user)[5]
    return [
        Timed("overview", lambda: client.get("/")),
        Timed("what it fetches", lambda: client.get("/owed/", headers=OWED)),
        Timed("bills", lambda: client.get("/bills/")),
        Timed("loan", lambda: client.get(f"/loans/{loan.pk}/")),
    ]


def _repayments(client: Client, user: User) -> Timed:
    loans = _loans(user)
    return Timed("a repayment", _repayment(client, [loans[at] for at in (3, 6, 8, 9)]))


def _repayment(client: Client, loans: list[Loan]) -> Callable[[], HttpResponse]:
    """Recording a few cents, each time anew, by htmx; then the page it leads to. One loan after the other, so that no
    history grows by much."""
    turn = cycle(loans)

    def ask() -> HttpResponse:
        loan = next(turn)
        data = {"amount": "0.05", "paid_on": "2026-03-01", "apply_to": "due", "key": f"{time.time_ns()}"}
        data["seen"] = str(loan.version)
        answer = client.post(f"/loans/{loan.pk}/repayments/new/", data, headers={"HX-Request": "true"})
        assert "HX-Location" in answer.headers, answer.content
        loan.version += 1
        return client.get(f"/loans/{loan.pk}/", headers={"HX-Request": "true"})

    return ask


if __name__ == "__main__":
    main()
