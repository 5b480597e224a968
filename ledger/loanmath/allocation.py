"""Allocation: which part of an amount meets which component of which bill.

Inside this package a bill's amounts are lists of four whole numbers, in the order of `SLOTS`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.terms import Component, Spread

SLOTS = {Component.PRINCIPAL: 0, Component.INTEREST: 1, Component.FEE: 2, Component.PENALTY: 3}
Amounts = list[int]  # principal, interest, fee, penalty


def slots(order: Sequence[Component]) -> tuple[int, ...]:
    """The order as slots; a component the agreement leaves out comes last."""
    named = [SLOTS[component] for component in order]
    return (*named, *(slot for slot in (3, 2, 1, 0) if slot not in named))


def meet(amount: int, open_amounts: Amounts, order: Sequence[int]) -> Amounts:
    """How `amount` meets one bill's open amounts, component after component."""
    if amount >= sum(open_amounts) and min(open_amounts) >= 0:
        return list(open_amounts)
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


def allocate_shares(amount: int, opens: Sequence[Amounts], order: Sequence[int]) -> list[Amounts]:
    """How `amount` meets several bills in equal shares: component after component, of each bill up to its share,
    rounded half up; the last bill's share is what is left. Again as long as one has room for more."""
    met = [[0, 0, 0, 0] for _ in opens]
    left = amount
    while left and any(sum(open_amounts) > sum(taken) for open_amounts, taken in zip(opens, met, strict=True)):
        for slot in order:
            unpaid = [at for at, taken in enumerate(met) if sum(opens[at]) > sum(taken)]
            for at, share in zip(unpaid, shares(left, len(unpaid)), strict=True):
                take = max(min(share, opens[at][slot] - met[at][slot]), 0)
                met[at][slot] += take
                left -= take
    return met


def shares(amount: int, n: int) -> list[int]:
    """`amount` in `n` equal shares, rounded half up; the last takes what is left."""
    found: list[int] = []
    for _ in range(n - 1):
        found.append(min(round_ratio(amount, n, Rounding.HALF_UP), amount - sum(found)))
    return [*found, amount - sum(found)] if n else []
