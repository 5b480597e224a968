"""The minimum payment of a bill."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger.loanmath.minimum import minimum_due
from ledger.loanmath.money import Parts
from tests.loanmath.builders import loan

BILL = Parts(principal=500_000, interest=10_000, fee=2_000, penalty=500)


def test_without_a_share_the_minimum_is_the_bill() -> None:
    assert minimum_due(BILL, loan()) == BILL.total


def test_a_tenth_of_the_principal_and_all_the_rest() -> None:
    assert minimum_due(BILL, loan(minimum_share=Decimal("0.1"))) == 50_000 + 12_500


@pytest.mark.parametrize("bill, least", [(Parts(500_000), 50_000), (Parts(150_000), 20_000), (Parts(15_000), 15_000)])
def test_a_floor_lifts_it_up_to_the_bill(bill: Parts, least: int) -> None:
    """A tenth, 200.00 at least, or the whole bill where that is less."""
    assert minimum_due(bill, loan(minimum_share=Decimal("0.1"), minimum_floor=20_000)) == least


def test_half_a_cent_counts_as_one() -> None:
    assert minimum_due(Parts(principal=105), loan(minimum_share=Decimal("0.1"))) == 11
