"""The loop for plain loans gives the very rows that a plan gives, or leaves the loan to the plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Rounding
from ledger.loanmath.payment import NeverAmortizes, start_plan
from ledger.loanmath.plain import plain_schedule
from ledger.loanmath.schedule import schedule
from ledger.loanmath.terms import LastRow, LoanTerms, Method, Unit
from tests.loanmath.builders import loan

DAY = date(2023, 12, 31)


@st.composite
def plain_loans(draw: st.DrawFn) -> LoanTerms:
    lent = DAY + timedelta(days=draw(st.integers(0, 400)))
    return LoanTerms(
        currency="CNY",
        principal=draw(st.integers(1, 10**12)),
        disbursed_on=lent,
        annual_rate=Decimal(draw(st.integers(1, 20_000))) / 10_000,
        count=draw(st.integers(1, 60)),
        first_due_on=lent + timedelta(days=draw(st.integers(0, 70))),
        anchor_day=draw(st.sampled_from([None, 1, 10, 28, 31])),
        every=draw(st.sampled_from([1, 1, 3])),
        day_count=draw(st.sampled_from(list(DayCount))),
        bill_fee=draw(st.sampled_from([0, 123])),
        payment=draw(st.sampled_from([None, 1, 2_000, 10**9])),
    )


def by_plan(terms: LoanTerms) -> list[tuple[date, int, int]]:
    plan = start_plan(terms)
    rows = []
    while not plan.done:
        row = plan.take()
        rows.append((row.period.due_on, row.principal, row.interest))
    return rows


@given(plain_loans())
def test_a_plain_loan_has_the_rows_of_its_plan(terms: LoanTerms) -> None:
    rows = plain_schedule(terms)
    if rows is not None:
        assert [(row.due_on, row.principal, row.interest) for row in rows] == by_plan(terms)


@given(plain_loans())
def test_the_schedule_adds_up_to_what_was_lent(terms: LoanTerms) -> None:
    try:
        rows = schedule(terms)
    except NeverAmortizes:
        return
    assert sum(row.principal for row in rows) == terms.opening
    assert [row.balance for row in rows][-1] == 0
    assert all(row.payment == row.principal + row.interest + row.fee for row in rows)
    assert [row.starts_on for row in rows] == [terms.disbursed_on, *(row.due_on for row in rows[:-1])]


@pytest.mark.parametrize(
    "convention",
    [
        {"annual_rate": Decimal(0)},
        {"method": Method.EQUAL_PRINCIPAL},
        {"rounding": Rounding.HALF_EVEN},
        {"interest_rounding": Rounding.DOWN},
        {"payment_rounding": Rounding.UP},
        {"unit": Unit.WEEK},
        {"last_row": LastRow.AS_IS},
        {"first_due_on": date(2026, 2, 9), "anchor_day": 10},  # the second period is no whole month
    ],
)
def test_what_is_not_plain_is_left_to_the_plan(convention: dict[str, object]) -> None:
    assert plain_schedule(replace(loan(), **convention)) is None


def test_a_payment_below_the_interest_is_left_to_the_plan_which_refuses_it() -> None:
    terms = replace(loan(), payment=10_000)
    assert plain_schedule(terms) is None
    with pytest.raises(NeverAmortizes):
        schedule(terms)


def test_a_long_period_whose_interest_exceeds_the_payment_is_left_to_the_plan() -> None:
    terms = replace(loan(), payment=15_000, count=12, first_due_on=date(2026, 8, 10))
    assert plain_schedule(terms) is None
    assert sum(row.principal for row in schedule(terms)) == terms.opening


def test_a_higher_payment_repays_sooner() -> None:
    rows = plain_schedule(replace(loan(), payment=700_000))
    assert rows is not None
    assert [row.principal for row in rows] == [685_600, 514_400]
