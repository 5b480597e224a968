"""Any three of amount, payment, count and rate give the fourth: every method, unit and day count, with fees."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.roots import NoSolution
from ledger.loanmath.schedule import schedule
from ledger.loanmath.solve import Unknown, regular_payment, solve_missing
from ledger.loanmath.terms import LoanTerms, Method, Residue, Unit
from tests.loanmath.builders import day, loan

STEPS = {Unit.DAY: 10, Unit.WEEK: 2, Unit.MONTH: 1, Unit.YEAR: 1}
DAYS = {Unit.DAY: 10, Unit.WEEK: 14, Unit.MONTH: 31, Unit.YEAR: 365}
FEES = {"bill_fee": 500, "upfront_fee": 10_000}


def regular(method: Method, unit: Unit, **changes: object) -> LoanTerms:
    first = day("2026-01-10") + timedelta(days=DAYS[unit])
    return replace(loan(method=method, unit=unit, every=STEPS[unit], first_due_on=first), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", list(Unit))
@pytest.mark.parametrize("fees", [{}, FEES])
@pytest.mark.parametrize("day_count", [DayCount.PERIODIC, DayCount.ACT_360, DayCount.ACT_365F])
@pytest.mark.parametrize("method", [Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.FLAT, Method.INTEREST_ONLY])
def test_each_of_the_four_is_found_again(method: Method, day_count: DayCount, fees: dict[str, int], unit: Unit) -> None:
    terms = regular(method, unit, day_count=day_count, **fees)
    payment = regular_payment(terms)
    assert solve_missing(replace(terms, annual_rate=Decimal(0)), Unknown.RATE, payment) == terms
    assert solve_missing(replace(terms, principal=1), Unknown.PRINCIPAL, payment) == terms
    assert solve_missing(replace(terms, payment=1), Unknown.PAYMENT) == terms
    if method is not Method.INTEREST_ONLY:
        found = solve_missing(replace(terms, count=1), Unknown.COUNT, payment)
        assert (found.count, replace(found, payment=None)) == (12, terms)


@pytest.mark.parametrize(
    ("method", "changes", "payment"),
    [
        (Method.EQUAL_PRINCIPAL, {}, 114_400),  # 1,000.00 + 12,000.00 × 1.2 %
        (Method.INTEREST_ONLY, {}, 14_400),
        (Method.FLAT, {}, 114_400),
        (Method.FLAT, {"annual_rate": Decimal(0), "flat_fee": 86_400}, 107_200),  # 1,000.00 + 72.00
        (Method.FLAT, {"bill_fee": 500}, 114_400),
        (Method.EQUAL_PRINCIPAL, {"principal_grace": 2}, 134_400),  # 1,200.00 + 144.00, two bills later
        (Method.FLAT, {"principal": 1_000_000, "count": 3, "residue": Residue.FIRST}, 345_333),
    ],
)
def test_the_payment_of_a_regular_bill(method: Method, changes: dict[str, object], payment: int) -> None:
    terms = regular(method, Unit.MONTH, **changes)
    assert regular_payment(terms) == payment
    assert payment + terms.bill_fee in [row.payment for row in schedule(terms)]


def test_the_rate_of_an_equal_principal_loan_by_hand() -> None:
    """12,000.00 over 12 months, first bill 1,144.00: 144.00 is 1.2 % a month."""
    terms = regular(Method.EQUAL_PRINCIPAL, Unit.MONTH, annual_rate=Decimal(0))
    assert solve_missing(terms, Unknown.RATE, 114_400).annual_rate == Decimal("0.144")


def test_a_flat_price_gives_the_number_of_bills() -> None:
    """864.00 on 12,000.00: 1,072.00 is a twelfth of 12,864.00."""
    terms = regular(Method.FLAT, Unit.MONTH, annual_rate=Decimal(0), flat_fee=86_400, count=1)
    assert solve_missing(terms, Unknown.COUNT, 107_200).count == 12


@pytest.mark.parametrize(
    ("method", "unknown", "payment"),
    [
        (Method.INTEREST_ONLY, Unknown.COUNT, 14_400),  # it is the same whatever the count
        (Method.EQUAL_PRINCIPAL, Unknown.COUNT, 110_001),  # between eleven and twelve bills
        (Method.EQUAL_PRINCIPAL, Unknown.RATE, 99_999),  # less than the principal part
        (Method.FLAT, Unknown.COUNT, 5),
        (Method.LISTED, Unknown.RATE, 100_000),
        (Method.LEVEL, Unknown.RATE, 0),
    ],
)
def test_figures_that_do_not_belong_together_have_no_solution(method: Method, unknown: Unknown, payment: int) -> None:
    with pytest.raises(NoSolution):
        solve_missing(regular(method, Unit.MONTH), unknown, payment)


def test_a_list_of_due_dates_is_not_made_longer() -> None:
    terms = loan(count=1, due_dates=(day("2026-02-10"),))
    with pytest.raises(NoSolution):
        solve_missing(terms, Unknown.COUNT, 10_000)
