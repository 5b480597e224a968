"""Terms as plain values and back, and what an agreement may not say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.loanmath.checks import Problem, problems
from ledger.loanmath.codec import terms_from_dict, terms_to_dict
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import (
    Component,
    ListedRow,
    LoanTerms,
    Method,
    PenaltyBase,
    PenaltyTerms,
    PrepaymentFee,
    PrepaymentTier,
    Unit,
)

PLAIN = LoanTerms(
    currency="CNY",
    principal=1_200_000,
    disbursed_on=date(2026, 1, 10),
    annual_rate=Decimal("0.12"),
    count=12,
    first_due_on=date(2026, 2, 10),
)


@pytest.mark.parametrize(
    "terms",
    [
        PLAIN,
        replace(PLAIN, day_count=DayCount.ACT_360, anchor_day=31, order=(Component.INTEREST, Component.PRINCIPAL)),
        replace(PLAIN, penalty=PenaltyTerms(annual_rate=Decimal("0.27"), base=PenaltyBase.BILL, late_fee=1000)),
        replace(PLAIN, method=Method.LISTED, count=1, listed=(ListedRow(date(2026, 2, 10), Parts(1_200_000, 12_000)),)),
        replace(PLAIN, due_dates=(date(2026, 2, 10), date(2026, 3, 12)), weights=(Decimal(1), Decimal("0.5"))),
    ],
)
def test_terms_come_back_from_json_as_they_were(terms: LoanTerms) -> None:
    assert terms_from_dict(json.loads(json.dumps(terms_to_dict(terms)))) == terms


def test_defaults_are_left_out() -> None:
    assert terms_to_dict(PLAIN) == {
        "currency": "CNY",
        "principal": 1_200_000,
        "disbursed_on": "2026-01-10",
        "annual_rate": "0.12",
        "count": 12,
        "first_due_on": "2026-02-10",
    }


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rate": "0.12"}, "rate: unknown field"),
        ({"principal": "12"}, "principal:"),
        ({"principal": True}, "principal:"),
        ({"annual_rate": "NaN"}, "annual_rate:"),
        ({"first_due_on": "2026-02-30"}, "first_due_on:"),
        ({"method": "bullet"}, "method:"),
        ({"penalty": {"grace_days": "3"}}, "penalty.grace_days:"),
        ({"listed": [{"due_on": "2026-02-10", "parts": {"principal": 1.5}}]}, r"listed\[0\].parts.principal:"),
        ({"listed": 3}, "listed:"),
        ({"penalty": 27}, "penalty.: must be an object"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        terms_from_dict(terms_to_dict(PLAIN) | change)


def test_what_may_be_left_open_may_be_said_to_be_open() -> None:
    said = terms_to_dict(replace(PLAIN, payment=None)) | {"payment": None}
    assert terms_from_dict(said) == PLAIN


def test_terms_that_are_no_object_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^terms: must be an object$"):
        terms_from_dict([1, 2])  # type: ignore[arg-type]


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ValueError, match=r"^currency: missing"):
        terms_from_dict({"principal": 1})


def test_ordinary_terms_have_no_problems() -> None:
    assert problems(PLAIN) == []
    assert problems(replace(PLAIN, count=600, principal=10**13, annual_rate=Decimal(0))) == []


def listed(parts: Parts, count: int = 1) -> dict[str, object]:
    return {"method": Method.LISTED, "listed": (ListedRow(date(2026, 2, 10), parts),), "count": count}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"principal": 0}, "principal", "not_positive"),
        ({"principal": 10**13 + 1}, "principal", "too_large"),
        ({"count": 601}, "count", "out_of_range"),
        ({"count": 0}, "count", "out_of_range"),
        ({"annual_rate": Decimal(11)}, "annual_rate", "out_of_range"),
        ({"first_due_on": date(2026, 1, 9)}, "first_due_on", "before_disbursement"),
        ({"first_due_on": date(2056, 1, 9)}, "first_due_on", "too_late"),
        ({"disbursed_on": date(9999, 1, 1)}, "disbursed_on", "out_of_range"),
        ({"bill_fee": -1}, "bill_fee", "negative"),
        ({"upfront_fee": 1_200_000}, "upfront_fee", "above_principal"),
        ({"method": Method.LISTED}, "listed", "not_ascending"),
        ({"penalty": PenaltyTerms(grace_days=-1)}, "penalty.grace_days", "out_of_range"),
        ({"penalty": PenaltyTerms(year_days=0)}, "penalty.year_days", "out_of_range"),
        ({"penalty": PenaltyTerms(late_fee=-1)}, "penalty.late_fee", "negative"),
        ({"annual_rate": Decimal("NaN")}, "annual_rate", "out_of_range"),
        ({"payment": 0}, "payment", "not_positive"),
        ({"balloon": 1_200_001}, "balloon", "out_of_range"),
        ({"principal_grace": 12}, "principal_grace", "out_of_range"),
        ({"payment_unit": 0}, "payment_unit", "out_of_range"),
        ({"weights": (Decimal(0), Decimal(0))}, "weights", "not_positive"),
        ({"unit": Unit.YEAR, "every": 366}, "every", "out_of_range"),
        ({"due_dates": (date(2026, 3, 1), date(2026, 2, 1))}, "due_dates", "not_ascending"),
        ({"due_dates": (date(2026, 2, 1), date(2026, 3, 1))}, "count", "not_listed"),
        ({"due_dates": (date(2026, 1, 9),), "count": 1}, "due_dates", "before_disbursement"),
        ({"weights": (Decimal("NaN"),)}, "weights", "out_of_range"),
        (listed(Parts(1_200_000, -1)), "listed", "negative"),
        (listed(Parts(10**13, 1)), "listed", "too_large"),
        (listed(Parts(1_200_000), count=2), "count", "not_listed"),
    ],
)
def test_what_cannot_be_is_found_at_its_field(change: dict[str, object], field: str, code: str) -> None:
    found = problems(replace(PLAIN, **change))  # type: ignore[arg-type]
    assert (found[0].field, found[0].code) == (field, code)


COSTS = [
    ("penalty.annual_rate", {"annual_rate": Decimal(11)}, "out_of_range"),
    ("penalty.year_days", {"year_days": 367}, "out_of_range"),
    ("penalty.grace_days", {"grace_days": 367}, "out_of_range"),
    ("penalty.cap", {"cap": -1}, "negative"),
    ("penalty.cap", {"cap": 10**13 + 1}, "too_large"),
    ("penalty.cap_share", {"cap_share": Decimal("10.01")}, "out_of_range"),
    ("penalty.cap_share", {"cap_share": Decimal("NaN")}, "out_of_range"),
    ("penalty.late_fee", {"late_fee": 10**13 + 1}, "too_large"),
    ("penalty.late_fee_share", {"late_fee_share": Decimal("1.01")}, "out_of_range"),
    ("penalty.late_fee_floor", {"late_fee_floor": -1}, "negative"),
    ("penalty.late_fee_cap", {"late_fee_cap": -1}, "negative"),
    ("penalty.late_fee_cap", {"late_fee_cap": 999, "late_fee_floor": 1_000}, "below_floor"),
    ("prepayment_fee.fraction", {"fraction": Decimal("1.01")}, "out_of_range"),
    ("prepayment_fee.free_after_months", {"free_after_months": 1_201}, "out_of_range"),
    ("prepayment_fee.months_of_interest", {"months_of_interest": Decimal(-1)}, "out_of_range"),
    ("prepayment_fee.lock_in_months", {"lock_in_months": -1}, "out_of_range"),
    ("prepayment_fee.notice_days", {"notice_days": 367}, "out_of_range"),
    ("prepayment_fee.least", {"least": -1}, "negative"),
    ("prepayment_fee.least_amount", {"least_amount": 10**13 + 1}, "too_large"),
    ("prepayment_fee.multiple_of", {"multiple_of": -1}, "negative"),
    ("prepayment_fee.tiers", {"tiers": (PrepaymentTier(6, Decimal(2)),)}, "out_of_range"),
    ("prepayment_fee.tiers", {"tiers": (PrepaymentTier(0, Decimal(0)),)}, "months_not_ascending"),
    (
        "prepayment_fee.tiers",
        {"tiers": (PrepaymentTier(12, Decimal(0)), PrepaymentTier(6, Decimal(0)))},
        "months_not_ascending",
    ),
]


@pytest.mark.parametrize(("field", "change", "code"), COSTS)
def test_what_lateness_and_prepaying_cannot_cost_is_found_at_its_field(
    field: str, change: dict[str, Any], code: str
) -> None:
    whole = {"penalty": PenaltyTerms, "prepayment_fee": PrepaymentFee}
    part = field.split(".")[0]
    found = problems(replace(PLAIN, **{part: whole[part](**change)}))
    assert [(problem.field, problem.code) for problem in found] == [(field, code)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"minimum_share": Decimal("1.01")}, "out_of_range"),
        ({"minimum_floor": -1}, "negative"),
        ({"unbilled_fee_share": Decimal("-0.01")}, "out_of_range"),
    ],
)
def test_the_minimum_and_the_fees_to_come_have_limits(change: dict[str, Any], code: str) -> None:
    found = problems(replace(PLAIN, **change))
    assert [(problem.field, problem.code) for problem in found] == [(next(iter(change)), code)]


def test_everything_that_lateness_and_prepaying_may_cost_is_allowed_at_once() -> None:
    terms = replace(
        PLAIN,
        penalty=PenaltyTerms(
            annual_rate=Decimal("0.27"), adds_on=True, compounds=True, cap=50_000, cap_share=Decimal(1),
            late_fee=1_000, late_fee_share=Decimal("0.05"), late_fee_floor=1_000, late_fee_cap=1_000,
        ),
        prepayment_fee=PrepaymentFee(
            fraction=Decimal("0.01"), free_after_months=36, months_of_interest=Decimal("1.5"), least=100,
            tiers=(PrepaymentTier(6, Decimal("0.03")), PrepaymentTier(12, Decimal("0.02"))), lock_in_months=3,
            least_amount=10_000, multiple_of=10_000, notice_days=15,
        ),
        minimum_share=Decimal("0.1"),
        minimum_floor=20_000,
        unbilled_fee_share=Decimal("0.5"),
    )  # fmt: skip
    assert problems(terms) == []
    assert terms_from_dict(json.loads(json.dumps(terms_to_dict(terms)))) == terms


def test_a_payment_that_never_repays_names_the_least_that_does() -> None:
    assert problems(replace(PLAIN, payment=12_000)) == [
        Problem("payment", "never_amortizes", {"minimum_payment": 12_001})
    ]


def test_a_table_must_add_up_to_the_principal() -> None:
    rows = (ListedRow(date(2026, 2, 10), Parts(1_000_000, 12_000)),)
    assert problems(replace(PLAIN, method=Method.LISTED, count=1, listed=rows)) == [
        Problem("listed", "principal_differs", {"listed": 1_000_000, "principal": 1_200_000})
    ]
