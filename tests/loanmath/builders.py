"""Loans and facts for the tests of the engine: plain values with dull defaults."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ledger.loanmath.facts import Fact, Repayment
from ledger.loanmath.terms import LoanTerms


def day(text: str) -> date:
    return date.fromisoformat(text)


def loan(**changes: Any) -> LoanTerms:
    """12,000.00 at 1.2 % a month over 12 months from 10 January 2026, unless changed."""
    values: dict[str, Any] = {
        "currency": "CNY",
        "principal": 1_200_000,
        "disbursed_on": day("2026-01-10"),
        "annual_rate": Decimal("0.144"),
        "count": 12,
        "first_due_on": day("2026-02-10"),
    }
    return LoanTerms(**(values | changes))


def repayment(number: int, on: str, amount: int, **changes: Any) -> Repayment:
    return Repayment(id=number, effective_on=day(on), amount=amount, **changes)


def first_three_paid() -> list[Fact]:
    """The first three bills of `loan()`, paid in full on their due dates."""
    return [repayment(n, f"2026-{n + 1:02d}-10", 107_971) for n in (1, 2, 3)]
