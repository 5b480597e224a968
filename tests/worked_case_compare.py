"""Compares figures with what a worked case prints."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from tests.worked_case_words import UntranslatedError, day, exact

Figures = dict[str, Any]
BESIDE = {"basis", "n", "tol", "apr_method", "replayed"}  # what is said beside the figures


def differences(expected: Figures, found: Figures, close: Fraction, where: str = "") -> Iterable[str]:
    """Each printed figure that is not met, within `close` or the tolerance printed beside it."""
    close = Fraction(expected.get("tol", close))
    for name, value in expected.items():
        if name in BESIDE:
            continue
        if name not in found:
            raise UntranslatedError(f"expected: {where}{name}")
        if not meets(value, found[name], close):
            yield f"{where}{name}: printed {value}, found {shown(found[name])}"


def meets(printed: Any, found: Any, close: Fraction) -> bool:
    if printed is None or found is None:
        return printed is found
    if isinstance(found, date):
        return bool(day(printed) == found)
    if isinstance(found, list) and isinstance(printed, list) and len(found) == len(printed):
        return all(meets(one, other, close) for one, other in zip(printed, found, strict=True))
    if isinstance(found, list | dict | str):
        return bool(printed == found)
    value, said = Fraction(found), str(printed)
    if close == 0 and "/" not in said and not is_money(value):  # printed to so many digits
        close = Fraction(1, 2 * 10 ** len(said.partition(".")[2]))
    return abs(exact(said) - value) <= close


def is_money(value: Fraction) -> bool:
    return (value * 100).denominator == 1


def shown(value: Any) -> str:
    return f"{float(value):.10g}" if isinstance(value, Fraction) else str(value)
