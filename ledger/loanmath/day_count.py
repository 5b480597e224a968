"""Day counts: the rules that turn two dates into a fraction of a year."""

from __future__ import annotations

from enum import StrEnum


class DayCount(StrEnum):
    """The rule of one agreement. PERIODIC: each whole period is `every` units of the year, whatever its days
    (rate / 12 a month); an odd first period is counted by days over the days of a regular period."""

    PERIODIC = "periodic"
    ACT_365F = "act/365f"
    ACT_360 = "act/360"
    ACT_364 = "act/364"
    ACT_ACT = "act/act"
    THIRTY_360_BOND = "30/360bond"
    THIRTY_360_US = "30/360us"
    THIRTY_U_360 = "30u/360"
    THIRTY_E_360 = "30e/360"
