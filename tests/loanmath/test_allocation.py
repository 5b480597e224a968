"""Allocation: one amount, several bills, two loops."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger.loanmath.allocation import allocate, allocate_shares, meet, slots
from ledger.loanmath.terms import DEFAULT_ORDER, Component, Spread

ORDER = slots(DEFAULT_ORDER)
amounts = st.lists(st.integers(0, 1_000), min_size=4, max_size=4)


def test_components_left_out_of_the_order_come_last() -> None:
    assert slots((Component.PRINCIPAL,)) == (0, 3, 2, 1)
    assert meet(250, [100, 100, 100, 100], slots((Component.INTEREST,))) == [0, 100, 50, 100]


def test_bill_by_bill_clears_the_first_bill_whole() -> None:
    opens = [[100, 10, 5, 1], [100, 9, 0, 0]]
    assert allocate(120, opens, ORDER) == [[100, 10, 5, 1], [0, 4, 0, 0]]


def test_component_by_component_clears_the_interest_of_all() -> None:
    opens = [[100, 10, 5, 1], [100, 9, 0, 0]]
    assert allocate(120, opens, ORDER, Spread.COMPONENT_BY_COMPONENT) == [[95, 10, 5, 1], [0, 9, 0, 0]]


@given(st.integers(0, 10_000), st.lists(amounts, max_size=4), st.sampled_from(list(Spread)))
def test_nothing_is_lost_and_nothing_overpaid(amount: int, opens: list[list[int]], spread: Spread) -> None:
    mets = allocate(amount, opens, ORDER, spread)
    assert sum(map(sum, mets)) == min(amount, sum(map(sum, opens)))
    assert all(0 <= met <= owed for ms, os in zip(mets, opens, strict=True) for met, owed in zip(ms, os, strict=True))


def test_equal_shares_go_component_by_component_and_the_last_takes_the_rest() -> None:
    """400 over three: 133, 133 and 134, of which the first bill's principal takes 100. 33 are left for the interest of
    all three."""
    opens = [[100, 20, 0, 0], [200, 20, 0, 0], [200, 20, 0, 0]]

    assert allocate_shares(400, opens, (0, 1)) == [[100, 11, 0, 0], [133, 11, 0, 0], [134, 11, 0, 0]]


def test_equal_shares_go_round_again_while_there_is_room() -> None:
    assert allocate_shares(250, [[50, 0, 0, 0], [300, 0, 0, 0]], (0,)) == [[50, 0, 0, 0], [200, 0, 0, 0]]
    assert allocate_shares(500, [[50, 0, 0, 0], [300, 0, 0, 0]], (0,)) == [[50, 0, 0, 0], [300, 0, 0, 0]]
