"""The examples of docs/loan-rules.md on being late, prepaying and paying off, each as it is printed there."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ledger.loanmath.facts import ApplyTo, TermsVersion
from ledger.loanmath.minimum import minimum_due
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.prepayment import Bar, Early, PrepaymentProblem, prepayment_fee, prepayment_problem
from ledger.loanmath.project import project
from ledger.loanmath.terms import (
    LoanTerms,
    PenaltyBase,
    PenaltyTerms,
    PrepaymentBase,
    PrepaymentFee,
    PrepaymentTier,
    UnbilledFees,
)
from tests.loanmath.builders import day, loan, repayment

EIGHTEEN = Decimal("0.18")
ONE_PERCENT = Decimal("0.01")


def small(**changes: Any) -> LoanTerms:
    """3,000.00 at 12 % a year in three monthly bills."""
    return loan(**({"principal": 300_000, "annual_rate": Decimal("0.12"), "count": 3} | changes))


def penalty(on: str = "2026-02-20", *, minimum_share: Decimal = Decimal(1), **changes: Any) -> int:
    terms = small(penalty=PenaltyTerms(**({"annual_rate": EIGHTEEN} | changes)), minimum_share=minimum_share)
    return project(terms, [], day(on)).bills[0].due.penalty


def test_penalty_interest_on_each_base() -> None:
    assert penalty(base=PenaltyBase.PRINCIPAL) == 495
    assert penalty(base=PenaltyBase.PRINCIPAL_AND_INTEREST) == penalty(base=PenaltyBase.BILL) == 510
    assert penalty(base=PenaltyBase.MINIMUM, minimum_share=Decimal("0.1")) == 65


def test_penalty_interest_on_top_of_the_loans_own_rate() -> None:
    assert penalty(adds_on=True) == 825


@pytest.mark.parametrize("compounds, found", [(False, [1_386, 2_921, 3_416]), (True, [1_386, 2_942, 3_452])])
def test_penalty_interest_that_compounds(compounds: bool, found: list[int]) -> None:
    assert [penalty(on, compounds=compounds) for on in ("2026-03-10", "2026-04-10", "2026-04-20")] == found


def test_penalty_interest_is_capped() -> None:
    assert penalty("2026-12-31", cap=3_000) == 3_000
    assert penalty("2026-12-31", cap_share=Decimal("0.02")) == 2_040


def test_grace_from_the_payable_date_or_its_end() -> None:
    walk = ("2026-02-13", "2026-02-14")
    assert [penalty(on, grace_days=3) for on in walk] == [0, 198]
    assert [penalty(on, grace_days=3, from_due=False) for on in walk] == [0, 50]


def test_a_late_fee_and_what_a_repayment_then_meets() -> None:
    terms = small(penalty=PenaltyTerms(annual_rate=EIGHTEEN, base=PenaltyBase.BILL, late_fee=2_000))
    paid = project(terms, [repayment(1, "2026-02-20", 50_000)], day("2026-02-20")).bills[0].paid
    assert paid == Parts(principal=44_490, interest=3_000, penalty=2_510)
    share = {"annual_rate": Decimal(0), "late_fee": 500, "late_fee_share": Decimal("0.05")}
    assert [penalty(**share), penalty(**share, late_fee_cap=5_000)] == [5_600, 5_000]


def test_the_minimum_of_a_card_and_its_late_fee() -> None:
    bill = Parts(principal=500_000, interest=10_000, fee=2_000)
    card = loan(
        principal=500_000, annual_rate=Decimal("0.24"), count=1, bill_fee=2_000, minimum_share=Decimal("0.1"),
        penalty=PenaltyTerms(
            late_fee_share=Decimal("0.05"), late_fee_base=PenaltyBase.MINIMUM, late_fee_floor=1_000
        ),
    )  # fmt: skip
    assert minimum_due(bill, card) == 62_000
    fees = [
        project(card, [repayment(1, "2026-02-10", paid)], day("2026-02-20")).bills[0].due.penalty
        for paid in (1, 50_000, 62_000)
    ]
    assert fees == [3_100, 1_000, 0]


def test_new_penalty_terms_count_from_their_day() -> None:
    version = TermsVersion(
        id=1, effective_on=day("2026-02-15"), terms=small(penalty=PenaltyTerms(annual_rate=Decimal("0.36")))
    )
    terms = small(penalty=PenaltyTerms(annual_rate=EIGHTEEN))
    assert project(terms, [version], day("2026-02-20")).bills[0].due.penalty == 743


@pytest.mark.parametrize(
    "fee, cost",
    [
        ({"fraction": ONE_PERCENT}, 1_000),
        ({"fraction": ONE_PERCENT, "base": PrepaymentBase.REMAINING}, 2_010),
        ({"months_of_interest": Decimal(1)}, 1_000),
        ({"fraction": ONE_PERCENT, "least": 5_000}, 5_000),
        ({"fraction": ONE_PERCENT, "tiers": (PrepaymentTier(6, Decimal("0.03")),)}, 3_000),
        ({"fraction": ONE_PERCENT, "free_after_months": 1}, 0),
    ],
)
def test_what_prepaying_a_thousand_costs(fee: dict[str, Any], cost: int) -> None:
    terms = small(prepayment_fee=PrepaymentFee(**fee))
    at = Early(day("2026-02-10"), 200_993, Fraction("0.12"))
    assert prepayment_fee(terms, 100_000, at) == cost


def test_when_a_prepayment_may_be_made() -> None:
    fee = PrepaymentFee(lock_in_months=2, least_amount=50_000, multiple_of=10_000, notice_days=15)
    terms, asked_on = small(prepayment_fee=fee), day("2026-03-01")
    asked = [("2026-03-09", 60_000), ("2026-03-12", 60_000), ("2026-03-16", 40_000), ("2026-03-16", 55_000)]
    assert [prepayment_problem(terms, amount, day(on), asked_on=asked_on) for on, amount in asked] == [
        PrepaymentProblem(Bar.LOCKED_IN, earliest=day("2026-03-10")),
        PrepaymentProblem(Bar.SHORT_NOTICE, earliest=day("2026-03-16")),
        PrepaymentProblem(Bar.BELOW_LEAST, amount=50_000),
        PrepaymentProblem(Bar.NOT_A_MULTIPLE, amount=10_000),
    ]


@pytest.mark.parametrize(
    "policy, total",
    [
        (UnbilledFees.WAIVED, 201_654),
        (UnbilledFees.ONE_PERIOD, 202_154),
        (UnbilledFees.DUE, 202_654),
        (UnbilledFees.SHARE, 202_054),
    ],
)
def test_a_payoff_and_the_fees_of_bills_to_come(policy: UnbilledFees, total: int) -> None:
    terms = small(bill_fee=500, unbilled_fees=policy, unbilled_fee_share=Decimal("0.4"))
    paid = repayment(1, "2026-02-10", 102_507)
    assert payoff_quote(terms, [paid], day("2026-02-20")).total == total


def test_a_payoff_while_late() -> None:
    terms = small(penalty=PenaltyTerms(annual_rate=EIGHTEEN), prepayment_fee=PrepaymentFee(fraction=ONE_PERCENT))
    quote = payoff_quote(terms, [], day("2026-02-20"))
    assert (quote.principal, quote.interest, quote.fee, quote.penalty) == (300_000, 3_661, 2_010, 495)
    settled = project(terms, [repayment(1, "2026-02-20", quote.total, apply_to=ApplyTo.PAYOFF)], day("2026-02-20"))
    assert (quote.total, settled.settled_on) == (306_166, day("2026-02-20"))
