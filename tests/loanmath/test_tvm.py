"""The functions of a financial calculator where there is nothing to discount, or nothing to find."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger.loanmath.roots import NoSolution
from ledger.loanmath.tvm import mirr, nper

ZERO = Decimal(0)


def test_without_interest_as_many_payments_as_go_into_the_loan() -> None:
    """1,200 received, 100 paid each time; or until 200 are left to pay at once."""
    assert nper(ZERO, Decimal(-100), Decimal(1_200)) == 12
    assert nper(ZERO, Decimal(-100), Decimal(1_200), Decimal(-200)) == 10


@pytest.mark.parametrize("rate", ["0", "0.01"])
def test_a_loan_that_nothing_is_paid_of_never_ends(rate: str) -> None:
    with pytest.raises(NoSolution):
        nper(Decimal(rate), ZERO, Decimal(1_200))


def test_money_lent_on_at_another_rate_than_it_is_borrowed_at() -> None:
    """100 paid; 60 received after one period earn 10 % in the second: 66 + 55 = 121, 10 % a period."""
    assert mirr([Decimal(-100), Decimal(60), Decimal(55)], Decimal("0.2"), Decimal("0.1")) == Decimal("0.1")


@pytest.mark.parametrize("flows", [[100, 60], [-100, -60], [0, 0]])
def test_money_that_only_comes_in_or_only_goes_out_has_no_rate(flows: list[int]) -> None:
    with pytest.raises(NoSolution):
        mirr([Decimal(flow) for flow in flows], Decimal("0.1"), Decimal("0.1"))
