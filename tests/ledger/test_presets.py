"""Each kind of loan on the add-loan page: sent as it begins, it makes the terms its preset names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from ledger.forms.presets import BY_CODE, MORE_PRESETS, PRESETS, preset_of
from ledger.loanmath.presets import PRESETS as KINDS
from ledger.loanmath.presets import preset_terms
from ledger.loanmath.terms import Benchmark, FirstDue, HolidayRule, LoanTerms, PenaltyBase, PrepaymentFee
from ledger.models import Loan
from ledger.selectors.history import history
from tests import builders as make
from tests.security.world import filled

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

URL = reverse("ledger:add_loan")
CURRENCIES = {"us": "USD", "eu": "EUR", "msi": "MXN", "parcelado": "BRL"}
FIGURES: dict[str, dict[str, Any]] = {  # of each kind, as the page begins
    "reserve": {"annual_rate": Decimal("0.18"), "count": 12},
    "bnpl": {"annual_rate": Decimal(0), "count": 12, "flat_fee": 86_400},
    "card": {"annual_rate": Decimal(0), "count": 12, "flat_fee": 95_040},
    "online": {"annual_rate": Decimal("0.144"), "count": 12},
    "car": {"annual_rate": Decimal("0.045"), "count": 36},
    "mortgage": {"annual_rate": Decimal("0.032"), "count": 360},
    "fund": {"annual_rate": Decimal("0.026"), "count": 240},
    "state_student": {"annual_rate": Decimal("0.028"), "count": 16},
    "student": {"annual_rate": Decimal("0.028"), "count": 120},
    "us": {"annual_rate": Decimal("0.09"), "count": 60},
    "eu": {"annual_rate": Decimal("0.07"), "count": 48},
    "pay_in_4": {},
    "msi": {"count": 12},
    "parcelado": {"count": 10},
}
ANCHORED = {"mortgage": 10}  # needs a due day, which the lender says


def begun(client: Any, code: str, **more: str) -> dict[str, Any]:
    """What a browser would send if only lender, amount and day were filled in."""
    form = client.get(URL, {"kind": code}).context["form"]
    return filled(form) | {"lender": "Bank", "amount": "12000", "disbursed_on": "2026-02-15"} | more


def opened() -> LoanTerms:
    return history(Loan.objects.get()).terms


def test_every_kind_of_the_engine_can_be_added():
    assert FIGURES.keys() == KINDS.keys()
    assert set(KINDS) == {code for code in BY_CODE if code not in {"known", "running", "table"}}
    assert len(PRESETS) == 6


@pytest.mark.parametrize("code", sorted(KINDS))
def test_a_kind_sent_as_it_begins_has_the_terms_of_its_preset(client, home, code):
    more = {"due_day": str(ANCHORED[code])} if code in ANCHORED else {}
    response = client.post(f"{URL}?kind={code}", begun(client, code, **more))
    assert response.status_code == 302, response.context["form"].errors
    said = FIGURES[code] | ({"anchor_day": ANCHORED[code]} if code in ANCHORED else {})
    expected = preset_terms(
        code,
        currency=CURRENCIES.get(code, "CNY"),
        principal=1_200_000,
        disbursed_on=date(2026, 2, 15),
        **said,
    )
    assert opened() == expected


def test_the_households_currency_wins_where_the_kind_comes_in_it():
    assert [preset_of("eu").currency(code) for code in ("GBP", "EUR", "CNY")] == ["GBP", "EUR", "EUR"]
    assert [preset_of("car").currency(code) for code in ("GBP", "CNY")] == ["GBP", "CNY"]
    assert [preset_of("msi").currency(code) for code in ("MXN", "USD")] == ["MXN", "MXN"]


def test_a_mortgage_elsewhere_begins_with_a_fixed_rate():
    owner = make.user()
    make.household(owner, currency="EUR")
    form = make.signed_in(owner).get(URL, {"kind": "mortgage"}).context["form"]
    assert [form[name].value() for name in ("currency", "series", "rate")] == ["EUR", None, "3.5"]


def test_a_mortgage_follows_the_lpr_of_its_day(client, home):
    """LPR 4.65 % on 20 May 2020 and 60 basis points: 5.25 %."""
    said = begun(client, "mortgage", disbursed_on="2020-05-20", due_day="20", spread="60")
    assert client.post(f"{URL}?kind=mortgage", said).status_code == 302
    terms = opened()
    assert terms.annual_rate == Decimal("0.0525")
    assert terms.benchmark == Benchmark("CN-LPR-5Y", Decimal("0.006"), 12, date(2020, 1, 1))
    assert (terms.first_due, terms.first_due_on) == (FirstDue.MIN_GAP, date(2020, 6, 20))


@pytest.mark.parametrize("since, moved", [("2020-05-20", True), ("2026-02-15", False)])
def test_the_schedule_beside_the_form_says_when_the_rate_is_set_anew(client, home, since, moved):
    said = begun(client, "mortgage", disbursed_on=since, due_day="20")
    response = client.post(f"{URL}?kind=mortgage", said, headers={"HX-Request": "true", "HX-Target": "schedule"})
    shown = " ".join(response.content.decode().replace("\xa0", " ").split())
    assert "Next repricing 1 Jan 2027: LPR 5Y is 3.5% so far, which makes 3.2%." in shown
    assert ("These are the bills at the first rate" in shown) is moved


@pytest.mark.parametrize(
    "day, due",
    [("2026-05-30", date(2026, 6, 10)), ("2026-06-09", date(2026, 6, 10)), ("2026-06-10", date(2026, 7, 10))],
)
def test_the_first_bill_of_a_mortgage_is_on_the_next_due_day(client, home, day, due):
    said = begun(client, "mortgage", disbursed_on=day, due_day="10")
    client.post(f"{URL}?kind=mortgage", said)
    assert opened().first_due_on == due


def test_an_online_loan_may_skip_a_due_day(client, home):
    said = begun(client, "online", disbursed_on="2026-01-15", due_day="21", first_due="skip_one")
    client.post(f"{URL}?kind=online", said)
    assert (opened().first_due, opened().first_due_on) == (FirstDue.SKIP_ONE, date(2026, 2, 21))


def test_everything_under_more_becomes_a_term(client, home):
    more = {
        "balloon": "2000",
        "down_payment": "1000",
        "principal_grace": "2",
        "interest_free_days": "15",
        "bill_fee_rate": "0.5",
        "holiday_rule": "next_workday",
        "holiday_calendar": "CN",
        "prepay_share": "2",
        "prepay_last_year": "1",
        "prepay_free_after": "30",
        "prepay_lock_in": "6",
        "penalty": "0.05",
        "penalty_per": "day",
        "penalty_base": "bill",
        "penalty_cap": "300",
        "adds_on": "on",
        "late_fee": "10",
        "late_fee_share": "5",
        "late_fee_floor": "20",
        "series": "CN-LPR-1Y",
        "spread": "12.5",
        "repricing": "anniversary",
        "cycle": "6",
    }
    response = client.post(f"{URL}?kind=car", begun(client, "car", **more))
    assert response.status_code == 302, response.context["form"].errors
    terms = opened()
    assert (terms.balloon, terms.down_payment, terms.principal_grace) == (200_000, 100_000, 2)
    assert (terms.interest_free_days, terms.bill_fee_rate) == (15, Decimal("0.005"))
    assert (terms.holiday_rule, terms.holiday_calendar) == (HolidayRule.NEXT_WORKDAY, "CN")
    fee = terms.prepayment_fee
    assert replace(fee, tiers=()) == PrepaymentFee(fraction=Decimal("0.01"), free_after_months=30, lock_in_months=6)
    assert [(tier.until_months, tier.fraction) for tier in fee.tiers] == [(24, Decimal("0.02"))]
    late = terms.penalty
    assert (late.annual_rate, late.base, late.cap, late.adds_on) == (Decimal("0.18"), PenaltyBase.BILL, 30_000, True)
    assert (late.late_fee, late.late_fee_share, late.late_fee_floor) == (1000, Decimal("0.05"), 2000)
    assert terms.benchmark == Benchmark("CN-LPR-1Y", Decimal("0.00125"), 6, None)


@pytest.mark.parametrize(
    "code, changes, field, text",
    [
        ("mortgage", {"series": "", "rate": ""}, "rate", "Enter the rate."),
        ("mortgage", {"disbursed_on": "2019-08-19"}, "rate", "What it follows is not known for that day."),
        ("mortgage", {"spread": "NaN"}, "spread", "Enter basis points from −1000 to 1000, such as -30."),
        ("mortgage", {"spread": "1001"}, "spread", "Enter basis points from −1000 to 1000, such as -30."),
        ("mortgage", {"series": "SOFR"}, "series", "Select a valid choice."),
        ("car", {"balloon": "12001"}, "balloon", "This is outside what a loan can have. Check the figure."),
        ("car", {"principal_grace": "36"}, "principal_grace", "This is outside what a loan can have."),
        ("car", {"principal_grace": "601"}, "principal_grace", "Enter a whole number from 0 to 600."),
        ("car", {"prepay_share": "101"}, "prepay_share", "Enter a rate of at most 100%."),
        ("car", {"holiday_calendar": "XX"}, "holiday_calendar", "Select a valid choice."),
        ("bnpl", {"unbilled_fees": "some"}, "unbilled_fees", "Select a valid choice."),
        ("pay_in_4", {"first_due_on": "2026-02-14"}, "first_due_on", "The first bill cannot be due before"),
        ("state_student", {"count": "0"}, "count", "Enter a whole number from 1 to 600."),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true", "HX-Target": "schedule"}])
def test_what_cannot_be_is_said_at_its_field(client, home, code, changes, field, text, headers):
    response = client.post(f"{URL}?kind={code}", begun(client, code, **changes), headers=headers)
    form = response.context["form"]
    assert (response.status_code, list(form.errors)) == (200 if headers else 422, [field])
    assert form.errors[field][0].startswith(text)
    assert (form.more_is_open, Loan.objects.count()) == (field in form.preset.more, 0)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_field_of_a_kind_is_on_the_page_once(client, home, code):
    form = client.get(URL, {"kind": code}).context["form"]
    groups = [group.rows for group in form.more_groups]
    shown = [field.name for rows in (form.rows, *groups) for row in rows for field in row]
    assert sorted(shown) == sorted(form.fields.keys() - {"key", "seen", "past_paid"})


def test_the_chooser_shows_six_kinds_and_the_chosen_one(client, home):
    shown = client.get(URL, {"kind": "msi"})
    assert [choice.label for choice in shown.context["kinds"]] == [
        *(str(preset.label) for preset in PRESETS),
        "Months without interest",
    ]
    assert [len(presets) for _heading, presets in MORE_PRESETS] == [2, 2, 4]
    assert "In China" in shown.content.decode()
