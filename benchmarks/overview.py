"""How long the overview takes, as a ratio to a bare Django view with one query, both timed in this run.

Run it from the project's root: python -m benchmarks.overview
It works on a database of its own in a temporary folder, and leaves nothing behind.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import django

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
FOLDER = tempfile.TemporaryDirectory(prefix="loantracker-benchmark-")
os.environ |= {
    "LOANTRACKER_VAR": FOLDER.name,
    "DATABASE_URL": "",
    "ALLOWED_HOSTS": "testserver",
    "CLOCK_OFFSET_SECONDS": str(int((NOW - datetime.now(UTC)).total_seconds())),
    "DJANGO_SETTINGS_MODULE": "loantracker.settings",
    "LOG_LEVEL": "ERROR",
}
django.setup()

from django.core.management import call_command  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.urls import path  # noqa: E402

from ledger.loanmath.terms import LoanTerms, PenaltyTerms  # noqa: E402
from ledger.models import Bill, FundingAccount, Household, Loan, User  # noqa: E402
from ledger.services.accounts import state_balance  # noqa: E402
from ledger.services.households import create_household  # noqa: E402
from ledger.services.loans import Opened, open_loan  # noqa: E402
from ledger.services.mandates import authorize_mandate  # noqa: E402
from ledger.services.recording import Recording  # noqa: E402

COUNTS = (1, 30, 300)
ROUNDS = 9
TODAY = date(2026, 3, 1)


def bare(request: HttpRequest) -> HttpResponse:
    """The yardstick: one query, no middleware, no template."""
    return HttpResponse(str(Household.objects.first()))


urlpatterns = [path("", bare)]


def main() -> None:
    call_command("migrate", verbosity=0)
    print(f"{'loans':>6} {'bills':>7} {'bare view':>12} {'overview':>12} {'ratio':>7}")
    for count in COUNTS:
        user = a_household(count)
        bills = Bill.objects.filter(loan__household__members=user).count()
        with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
            bare_time = best(Client())
        client = Client()
        client.force_login(user)
        page_time = best(client)
        ratio = page_time / bare_time
        print(f"{count:>6} {bills:>7} {bare_time * 1000:>9.2f} ms {page_time * 1000:>9.2f} ms {ratio:>7.1f}")


def a_household(count: int) -> User:
    """`count` loans over 36 months: a third with an overdue bill, a third under auto-repay."""
    user = User.objects.create_user(f"{count}@example.com", None)
    home = create_household(owner=user, name="Home", time_zone="Asia/Shanghai", currency="CNY", now=NOW)
    card = FundingAccount.objects.create(household=home, name="Card", last4="1234", currency="CNY")
    state_balance(account=card, amount=10_000_000, stated_on=TODAY, recording=Recording("balance", NOW))
    for number in range(count):
        first = date(2026, 2, 10) if number % 3 == 0 else TODAY + timedelta(days=number % 28)
        loan = a_loan(home, number, first)
        if number % 3 == 1:
            authorize_mandate(scope=loan, sources=[card], recording=Recording(f"mandate {number}", NOW))
    return user


def a_loan(home: Household, number: int, first_due_on: date) -> Loan:
    terms = LoanTerms(
        currency="CNY",
        principal=1_200_000,
        disbursed_on=date(2026, 1, 10),
        annual_rate=Decimal("0.12"),
        count=36,
        first_due_on=first_due_on,
        penalty=PenaltyTerms(annual_rate=Decimal("0.18")),
    )
    opened = open_loan(
        household=home, lender_name="Bank", name=f"Loan {number}", terms=terms, key=f"loan {number}", now=NOW
    )
    assert isinstance(opened, Opened)
    return opened.loan


def best(client: Client) -> float:
    """The best time of a request to `/`, in seconds; the first one warms up and does not count."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        response = client.get("/")
        times.append(time.perf_counter() - start)
        assert response.status_code == 200, response
    return min(times[1:])


if __name__ == "__main__":
    main()
