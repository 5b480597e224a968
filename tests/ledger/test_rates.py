"""Published rates: what is shipped, what a household adds, and the loans that follow."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ledger.loanmath.benchmarks import RatePoint, Repricing
from ledger.loanmath.terms import Benchmark
from ledger.models import BenchmarkRate, Bill, Loan, Role
from ledger.selectors.benchmarks import rates_known_to, series_cards, shipped
from ledger.selectors.history import history
from ledger.services.benchmarks import record_rate
from ledger.services.checking import find_problems
from ledger.services.loans import Opened, open_loan
from ledger.services.refusal import Refusal
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]

URL = reverse("ledger:rates")
NOW = make.at("2026-11-25")
LPR = "CN-LPR-5Y"
SAID = {"key": "0123456789abcdef", "series": LPR, "effective_on": "2026-11-20", "annual_rate": "3.4"}


def mortgage(of: Any, **more: Any) -> Loan:
    """120,000.00 at LPR - 30 basis points over ten years from 10 October 2024, when the LPR was 3.85 %: 3.55 %."""
    values: dict[str, Any] = {
        "principal": 12_000_000,
        "disbursed_on": date(2024, 10, 10),
        "annual_rate": Decimal("0.0355"),
        "count": 120,
        "first_due_on": date(2024, 11, 10),
        "benchmark": Benchmark(LPR, Decimal("-0.003"), 12, date(2024, 1, 1)),
    }
    return make.loan(of, now=NOW, name="Home", **(values | more))


def changes(loan: Loan) -> list[tuple[str, str]]:
    known = history(loan)
    return [
        (fact.effective_on.isoformat(), f"{fact.annual_rate:.4f}")  # type: ignore[attr-defined]
        for fact in known.facts
        if fact not in known.recorded
    ]


def add(home: Any, rate: str | None = "0.034", on: str = "2026-11-20", **more: Any) -> BenchmarkRate | Refusal:
    return record_rate(
        household=home,
        series=LPR,
        effective_on=date.fromisoformat(on),
        annual_rate=None if rate is None else Decimal(rate),
        recording=make.recording(NOW, **more),
    )


def test_the_shipped_lpr_is_that_of_the_notices():
    five = shipped()[LPR]
    assert (five.points[0], five.points[-1]) == (
        RatePoint(date(2019, 8, 20), Decimal("0.0485")),
        RatePoint(date(2025, 5, 20), Decimal("0.035")),
    )
    assert five.as_of == date(2026, 4, 20)
    for series in shipped().values():
        assert list(series.points) == sorted(series.points)
        assert series.source


def test_a_mortgage_is_repriced_each_new_year(home):
    loan = mortgage(home)
    assert changes(loan) == [("2025-01-01", "0.0330"), ("2026-01-01", "0.0320")]
    assert list(find_problems()) == []


def test_the_day_a_repricing_is_planned_for_moves_the_stored_bills(home):
    loan = mortgage(home)
    add(home)
    loan.refresh_from_db()
    assert loan.next_change_on == date(2027, 1, 1)
    assert changes(loan)[-1] == ("2027-01-01", "0.0310")


def test_a_point_added_late_changes_the_bills_since(home):
    loan = mortgage(home)
    before = Bill.objects.get(loan=loan, number=16)
    add(home, "0.036", "2025-12-20")
    after = Bill.objects.get(loan=loan, number=16)
    assert (before.due_on, after.due_on) == (date(2026, 2, 10), date(2026, 2, 10))
    assert before.interest_due == round(Decimal(before.outstanding_after + before.principal_due) * 32 / 12_000)
    assert after.interest_due == round(Decimal(after.outstanding_after + after.principal_due) * 33 / 12_000)
    assert changes(loan) == [("2025-01-01", "0.0330")]


def test_a_correction_stands_in_place_of_what_was_known_and_can_be_taken_out(home):
    add(home, "0.0345", "2025-05-20")
    add(home, "0.034", "2025-05-20")
    assert rates_known_to(home)[LPR][-1] == RatePoint(date(2025, 5, 20), Decimal("0.034"))
    add(home, None, "2025-05-20")
    assert rates_known_to(home)[LPR][-1] == RatePoint(date(2024, 10, 21), Decimal("0.036"))


def test_one_households_rates_are_its_own(home):
    other = make.household()
    loan = mortgage(other)
    version = loan.version
    add(home)
    loan.refresh_from_db()
    assert loan.version == version
    assert rates_known_to(other)[LPR][-1].day == date(2025, 5, 20)


def test_a_rate_is_recorded_once_under_one_key(home):
    first, second = add(home, key="k-1"), add(home, key="k-1")
    assert first == second
    conflict = add(home, "0.033", key="k-1")
    assert isinstance(conflict, Refusal)
    assert conflict.code == "key_conflict"
    assert BenchmarkRate.objects.count() == 1


@pytest.mark.parametrize("rate, on", [("0.035", "2025-05-20"), (None, "2025-06-20")])
def test_what_is_known_is_not_recorded_again(home, rate, on):
    refused = add(home, rate, on)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("already_known", "annual_rate")


def test_bills_long_past_are_paid_at_the_rate_they_had(home):
    """117,496.07 owed after three bills: × 0.0330 ⁄ 12 = 323.11 interest, no longer 347.59 as at 3.55 %."""
    terms = make.terms(
        principal=12_000_000,
        disbursed_on=date(2024, 10, 10),
        annual_rate=Decimal("0.0355"),
        count=120,
        first_due_on=date(2024, 11, 10),
        benchmark=Benchmark(LPR, Decimal("-0.003"), 12, date(2024, 1, 1)),
    )
    opened = open_loan(
        household=home,
        lender_name="Bank of Tests",
        name="Home",
        terms=terms,
        key=make.unique(),
        now=NOW,
        paid_before=date(2026, 11, 25),
    )
    assert isinstance(opened, Opened)
    third, fourth = Bill.objects.filter(loan=opened.loan, number__in=[3, 4]).order_by("number")
    assert (third.outstanding_after, fourth.interest_due, fourth.settled_on) == (
        11_749_607,
        32_311,
        date(2025, 2, 10),
    )
    assert Bill.objects.filter(loan=opened.loan).overdue(date(2026, 11, 25)).count() == 0


def test_the_page_keeps_a_rate_and_says_so(client, home):
    loan = mortgage(home)
    version = loan.version
    response = client.post(URL, SAID)
    assert (response.status_code, response["Location"]) == (302, URL)
    row = BenchmarkRate.objects.get()
    assert (row.household, row.series, row.effective_on, row.annual_rate) == (
        home,
        LPR,
        date(2026, 11, 20),
        Decimal("0.034"),
    )
    loan.refresh_from_db()
    assert loan.version >= version
    shown = client.get(URL)
    card = shown.context["cards"][0]
    assert (card.code, card.followers, card.latest.annual_rate, card.latest.is_own) == (LPR, 1, Decimal("0.034"), True)
    assert "1 loan follows it" in shown.content.decode()


def test_a_rate_of_ones_own_is_named_by_its_code(client, home):
    said = SAID | {"series": "", "own_code": "euribor-3m"}
    assert client.post(URL, said).status_code == 302
    assert rates_known_to(home)["EURIBOR-3M"] == (RatePoint(date(2026, 11, 20), Decimal("0.034")),)


@pytest.mark.parametrize(
    "changes, field, text",
    [
        ({"series": "", "own_code": ""}, "own_code", "Choose a rate from the list, or give its code"),
        ({"series": "", "own_code": "<b>"}, "own_code", "Choose a rate from the list, or give its code"),
        ({"effective_on": "2026-02-30"}, "effective_on", "Enter a day that exists"),
        ({"annual_rate": "NaN"}, "annual_rate", "Enter a percentage in figures"),
        ({"annual_rate": "3.5", "effective_on": "2025-05-20"}, "annual_rate", "This rate is already on the list."),
    ],
)
def test_what_cannot_be_is_said_at_its_field(client, home, changes, field, text):
    response = client.post(URL, SAID | changes)
    assert response.status_code == 422
    assert response.context["form"].errors[field][0].startswith(text)
    assert BenchmarkRate.objects.count() == 0


def test_a_viewer_looks_and_does_not_write(home):
    viewer = make.signed_in(make.member(home, Role.VIEWER))
    page = viewer.get(URL)
    assert (page.status_code, b"Keep this rate" in page.content) == (200, False)
    assert viewer.post(URL, SAID).status_code == 403


def test_the_link_at_a_point_fills_the_form(client, home):
    form = client.get(URL, {"series": LPR, "on": "2024-10-21"}).context["form"]
    assert [form[name].value() for name in ("series", "effective_on", "annual_rate")] == [
        LPR,
        date(2024, 10, 21),
        "3.6",
    ]


def test_the_page_costs_the_same_with_one_row_and_with_three(client, home):
    counts = []
    for day in ("2026-06-20", "2026-07-20", "2026-08-20"):
        add(home, "0.03" + day[6], day)
        mortgage(home)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(URL)
        counts.append(len(asked))
    assert counts == [counts[0]] * 3
    assert len(series_cards(home, date(2026, 11, 25))[0].lines) == len(shipped()[LPR].points) + 3


def test_the_loans_page_says_what_the_rate_follows(client, home):
    loan = mortgage(home)
    with time_machine.travel(NOW, tick=False):
        response = client.get(reverse("ledger:loan", args=[loan.pk]))
    line = response.context["shown"].follows
    assert (line.name, line.points, line.next) == (
        "LPR 5Y",
        Decimal(-30),
        Repricing(date(2027, 1, 1), Decimal("0.035"), Decimal("0.032")),
    )
    shown = " ".join(response.content.decode().replace("\xa0", " ").split())
    assert "LPR 5Y − 30 basis points" in shown
    assert "Next repricing 1 Jan 2027: LPR 5Y is 3.5% so far, which makes 3.2%" in shown
    assert response.context["shown"].cost.rate_now == Decimal("0.032")
