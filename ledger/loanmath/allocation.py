"""Allocation: which part of an amount meets which component of which bill.

Inside this package a bill's amounts are lists of four whole numbers, in the order of `SLOTS`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.loanmath.money import Parts
from ledger.loanmath.terms import Component, Spread

SLOTS = {Component.PRINCIPAL: 0, Component.INTEREST: 1, Component.FEE: 2, Component.PENALTY: 3}
Amounts = list[int]  # principal, interest, fee, penalty


def slots(order: Sequence[Component]) -> tuple[int, ...]:
    """The order as slots; a component the agreement leaves out comes last."""
    named = [SLOTS[component] for component in order]
    return (*named, *(slot for slot in (3, 2, 1, 0) if slot not in named))


def to_parts(amounts: Sequence[int]) -> Parts:
    return Parts(*amounts)


def meet(amount: int, open_amounts: Amounts, order: Sequence[int]) -> Amounts:
    """How `amount` meets one bill's open amounts, component after component."""
    met = [0, 0, 0, 0]
    for slot in order:
        take = min(amount, open_amounts[slot])
        if take > 0:
            met[slot] = take
            amount -= take
    return met


def allocate(
    amount: int, opens: Sequence[Amounts], order: Sequence[int], spread: Spread = Spread.BILL_BY_BILL
) -> list[Amounts]:
    """How `amount` meets several bills: one function, the two loops swapped as the agreement says."""
    met = [[0, 0, 0, 0] for _ in opens]
    if spread is Spread.BILL_BY_BILL:
        cells = [(at, slot) for at in range(len(opens)) for slot in order]
    else:
        cells = [(at, slot) for slot in order for at in range(len(opens))]
    for at, slot in cells:
        take = min(amount, opens[at][slot])
        if take > 0:
            met[at][slot] += take
            amount -= take
        if amount <= 0:
            break
    return met
