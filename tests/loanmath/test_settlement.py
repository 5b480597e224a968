"""What lenders ask or give back by rules of their own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger.loanmath.settlement import penalty_on_bills, uk_rebate
from tests.loanmath.builders import day


@pytest.mark.parametrize("not_counted, penalty", [(0, 2_827), (1, 2_729)])
def test_penalty_on_several_bills_is_rounded_once(not_counted: int, penalty: int) -> None:
    """1,000.00 for 38 days and 500.00 for 10 at 24 % over 365, or a day less each; nothing on what is not due yet."""
    overdue = [(day("2026-02-10"), 100_000), (day("2026-03-10"), 50_000), (day("2026-04-10"), 50_000)]
    found = penalty_on_bills(overdue, day("2026-03-20"), Decimal("0.24"), days_not_counted=not_counted)
    assert found == penalty


def test_a_loan_without_interest_has_nothing_to_give_back() -> None:
    assert uk_rebate(120_000, 10_000, 12, Decimal(0), 5) == 0
