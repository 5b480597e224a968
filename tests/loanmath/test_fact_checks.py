"""What cannot be in a fact."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.loanmath.checks import Problem
from ledger.loanmath.fact_checks import fact_problems
from ledger.loanmath.facts import (
    Arrangement,
    Charge,
    Confirmation,
    Coupon,
    CouponKind,
    Deferral,
    Drawdown,
    DueDateMove,
    Extension,
    Fact,
    LenderFigure,
    Pause,
    RateChange,
    Refund,
    Repayment,
    Reversal,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.money import LIMIT, Parts
from ledger.loanmath.terms import Component
from tests.loanmath.builders import loan

ON = date(2026, 3, 10)
BEFORE = date(2026, 3, 9)
DAYS = {"least": date(1970, 1, 1), "most": date(2200, 1, 1)}


def fact(kind: type[Fact], /, **values: Any) -> Fact:
    return kind(**({"id": 1, "effective_on": ON} | values))


@pytest.mark.parametrize(
    "said",
    [
        fact(Repayment, amount=LIMIT, bill=1),
        fact(Drawdown, amount=1),
        fact(Charge, amount=1),
        fact(Waiver, amount=1, component=Component.FEE, bill=1200),
        fact(Refund, amount=1),
        fact(RateChange, annual_rate=Decimal(0)),
        fact(Deferral, bill=3, due_on=BEFORE),
        fact(DueDateMove, bill=3, due_on=ON),
        fact(Pause, until=ON),
        fact(Extension, bills=600),
        fact(Coupon, kind=CouponKind.AMOUNT, amount=1, cap=0, until=ON),
        fact(Coupon, kind=CouponKind.SHARE, fraction=Decimal(1)),
        fact(Coupon, kind=CouponKind.RATE, fraction=Decimal("0.01")),
        fact(Coupon, kind=CouponKind.FREE_BILLS, count=1),
        fact(Coupon, kind=CouponKind.FREE_DAYS, count=601),
        fact(LenderFigure, bill=1, parts=Parts()),
        fact(TermsVersion, terms=loan()),
        fact(Arrangement, terms=loan()),
        fact(Confirmation, of=1),
        fact(Reversal, of=1),
    ],
)
def test_what_may_be_has_no_problem(said: Fact) -> None:
    assert fact_problems(loan(), said) == []


@pytest.mark.parametrize(
    "said, problem",
    [
        (fact(Repayment, amount=0), Problem("amount", "not_positive")),
        (fact(Drawdown, amount=-1), Problem("amount", "not_positive")),
        (fact(Refund, amount=LIMIT + 1), Problem("amount", "too_large", {"limit": LIMIT})),
        (fact(Repayment, amount=1, bill=0), Problem("bill", "out_of_range", {"least": 1, "most": 1200})),
        (fact(Deferral, bill=1201), Problem("bill", "out_of_range", {"least": 1, "most": 1200})),
        (fact(Repayment, amount=1, effective_on=date(1969, 12, 31)), Problem("effective_on", "out_of_range", DAYS)),
        (fact(DueDateMove, bill=1, due_on=date(2200, 1, 2)), Problem("due_on", "out_of_range", DAYS)),
        (fact(Pause, until=BEFORE), Problem("until", "before_effective_on")),
        (
            fact(RateChange, annual_rate=Decimal("NaN")),
            Problem("annual_rate", "out_of_range", {"least": 0, "most": Decimal(10)}),
        ),
        (fact(Extension, bills=0), Problem("bills", "out_of_range", {"least": 1, "most": 600})),
        (fact(Coupon, kind=CouponKind.AMOUNT), Problem("amount", "not_positive")),
        (
            fact(Coupon, kind=CouponKind.SHARE, fraction=Decimal("1.01")),
            Problem("fraction", "out_of_range", {"least": 0, "most": 1}),
        ),
        (
            fact(Coupon, kind=CouponKind.RATE, fraction=Decimal("Infinity")),
            Problem("fraction", "out_of_range", {"least": 0, "most": 1}),
        ),
        (fact(Coupon, kind=CouponKind.FREE_BILLS), Problem("count", "out_of_range", {"least": 1, "most": 600})),
        (
            fact(Coupon, kind=CouponKind.FREE_DAYS, count=36_601),
            Problem("count", "out_of_range", {"least": 1, "most": 36_600}),
        ),
        (fact(Coupon, kind=CouponKind.FREE_DAYS, count=1, cap=-1), Problem("cap", "negative")),
        (
            fact(Coupon, kind=CouponKind.FREE_DAYS, count=1, until=BEFORE),
            Problem("until", "before_effective_on"),
        ),
        (fact(LenderFigure, bill=1, parts=Parts(fee=-1)), Problem("parts.fee", "negative")),
        (
            fact(Arrangement, terms=loan(currency="USD")),
            Problem("terms.currency", "other_currency", {"currency": "CNY"}),
        ),
        (fact(Arrangement, terms=loan(count=0)), Problem("terms.count", "out_of_range", {"least": 1, "most": 600})),
        (fact(TermsVersion, terms=loan(principal=0)), Problem("terms.principal", "not_positive")),
    ],
)
def test_what_cannot_be_is_named(said: Fact, problem: Problem) -> None:
    assert problem in fact_problems(loan(), said)
