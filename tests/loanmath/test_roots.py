"""Zeros of functions: found to the last digit asked for, or to the last digit there is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger.loanmath.roots import NoSolution, bracket, root


def test_a_zero_at_either_end_is_found_there() -> None:
    assert root(lambda x: x - 1, Decimal(1), Decimal(3)) == 1
    assert root(lambda x: x - 3, Decimal(1), Decimal(3)) == 3


def test_the_square_root_of_two_is_found_to_24_digits() -> None:
    found = root(lambda x: x * x - 2, Decimal(1), Decimal(2))
    assert abs(found - Decimal(2).sqrt()) <= Decimal("1e-24")


def test_figures_too_large_for_the_digits_asked_for_end_at_the_nearest() -> None:
    """Numbers of 31 digits, counted with 28: no two of them lie within 1e-24 of each other."""
    found = root(lambda x: x * x - Decimal("2e60"), Decimal(0), Decimal("4e30"))
    assert found == Decimal("2e60").sqrt() == Decimal("1414213562373095048801688724E+3")


def test_figures_that_never_meet_are_refused() -> None:
    with pytest.raises(NoSolution):
        root(lambda x: x * x + 1, Decimal(-1), Decimal(1))
    with pytest.raises(NoSolution):
        bracket(lambda x: x * x + 1, [Decimal(-1), Decimal(0), Decimal(1)])
