"""Where a function of one number is zero: exact decimals, never a hang, a clear error where there is no zero."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

Function = Callable[[Decimal], Decimal]
STEPS = 400


class NoSolution(ValueError):  # noqa: N818 a finding about the figures, not a fault
    """No number within the bounds makes these figures meet."""


def root(f: Function, low: Decimal, high: Decimal, close: Decimal = Decimal("1e-24")) -> Decimal:
    """A zero of `f` between `low` and `high`, to within `close`. `f` must change its sign there; else NoSolution.

    Regula falsi in the Illinois form, with a bisection whenever it does not halve the bracket in three steps.
    """
    at_low, at_high = f(low), f(high)
    if at_low == 0:
        return low
    if at_high == 0:
        return high
    if (at_low > 0) == (at_high > 0):
        raise NoSolution("the figures never meet")
    width, slow = high - low, 0
    for _ in range(STEPS):
        if high - low <= close:
            break
        slow = 0 if (high - low) * 2 < width else slow + 1
        width = min(width, high - low)
        middle = (low + high) / 2 if slow >= 3 else high - at_high * (high - low) / (at_high - at_low)
        at_middle = f(middle)
        if at_middle == 0:
            return middle
        if (at_middle > 0) == (at_high > 0):
            high, at_high, at_low = middle, at_middle, at_low / 2
        else:
            low, at_low, at_high = middle, at_middle, at_high / 2
    return (low + high) / 2


def bracket(f: Function, marks: list[Decimal]) -> tuple[Decimal, Decimal]:
    """The first two neighbors among `marks` between which `f` changes its sign; NoSolution if there are none."""
    before, at_before = marks[0], f(marks[0])
    for mark in marks[1:]:
        at_mark = f(mark)
        if at_before == 0 or (at_before > 0) != (at_mark > 0):
            return before, mark
        before, at_before = mark, at_mark
    raise NoSolution("the figures never meet")
