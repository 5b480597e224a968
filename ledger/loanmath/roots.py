"""Where a function of one number is zero: exact decimals, never a hang, a clear error where there is no zero."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

Function = Callable[[Decimal], Decimal]
STEPS = 400
HALF = Decimal("0.5")


class NoSolution(ValueError):  # noqa: N818 a finding about the figures, not a fault
    """No number within the bounds makes these figures meet."""


def root(f: Function, low: Decimal, high: Decimal, close: Decimal = Decimal("1e-24")) -> Decimal:
    """A zero of `f` between `low` and `high`, to within `close`. `f` must change its sign there; else NoSolution.

    Chandrupatla 1997: a parabola through the last three points where that is safe, else a bisection.
    """
    a, b, at_a, at_b = low, high, f(low), f(high)
    if at_a == 0 or at_b == 0:
        return low if at_a == 0 else high
    if (at_a > 0) == (at_b > 0):
        raise NoSolution("the figures never meet")
    part = HALF
    for _ in range(STEPS):
        x = a + part * (b - a)
        at_x = f(x)
        if (at_x > 0) == (at_a > 0):
            c, at_c = a, at_a
        else:
            c, at_c, b, at_b = b, at_b, a, at_a
        a, at_a = x, at_x
        if at_a == 0 or abs(b - a) <= close:
            break
        least = close / abs(b - a) / 2
        part = min(max(_parabola(a, b, c, at_a, at_b, at_c), least), 1 - least)
    return a if abs(at_a) < abs(at_b) else b


def _parabola(a: Decimal, b: Decimal, c: Decimal, at_a: Decimal, at_b: Decimal, at_c: Decimal) -> Decimal:
    """How far from `a` toward `b` the parabola through three points, `c` the oldest, is zero; a half if unsafe."""
    across, along = (at_a - at_b) / (at_c - at_b), (a - b) / (c - b)
    if not (across**2 < along and (1 - across) ** 2 < 1 - along):
        return HALF
    steps = at_a / (at_b - at_a) * at_c / (at_b - at_c)
    return steps + (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)


def bracket(f: Function, marks: list[Decimal]) -> tuple[Decimal, Decimal]:
    """The first two neighbors among `marks` between which `f` changes its sign; NoSolution if there are none."""
    before, at_before = marks[0], f(marks[0])
    for mark in marks[1:]:
        at_mark = f(mark)
        if at_before == 0 or (at_before > 0) != (at_mark > 0):
            return before, mark
        before, at_before = mark, at_mark
    raise NoSolution("the figures never meet")
