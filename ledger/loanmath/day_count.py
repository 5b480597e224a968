"""Day counts: the rules that turn two dates into a fraction of a year."""

from __future__ import annotations

from calendar import isleap, monthrange
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

ONE_DAY = timedelta(days=1)


class DayCount(StrEnum):
    """The rule of one agreement. PERIODIC: each whole period is `every` units of the year, whatever its days
    (rate / 12 a month); an odd first period is counted by days over the days of a regular period."""

    PERIODIC = "periodic"
    ACT_365F = "act/365f"
    ACT_360 = "act/360"
    ACT_364 = "act/364"
    ACT_ACT = "act/act"  # the days of each calendar year over its length
    ACT_ACT_DEC31 = "act/act-dec31"  # likewise, 31 December counted to the year it leads into
    ACT_ACT_FEB29 = "act/act-feb29"  # a year has 366 days only if 29 February lies between the two dates
    THIRTY_360_BOND = "30/360bond"
    THIRTY_360_US = "30/360us"
    THIRTY_U_360 = "30u/360"
    THIRTY_E_360 = "30e/360"


def days(rule: DayCount, start: date, end: date) -> int:
    """Days from `start` (counted) to `end` (not counted): real days unless it is a 30-day rule."""
    if rule in _THIRTY:
        return _thirty(start, end, *_THIRTY[rule](start, end))
    return (end - start).days


def fraction(rule: DayCount, start: date, end: date) -> Fraction:
    """The fraction of a year from `start` to `end`. PERIODIC has none of its own for odd days: it counts real days
    over 365."""
    if rule is DayCount.ACT_ACT:
        return _by_calendar_year(start, end)
    if rule is DayCount.ACT_ACT_DEC31:
        return _by_calendar_year(start + ONE_DAY, end + ONE_DAY)
    if rule is DayCount.ACT_ACT_FEB29:
        return Fraction((end - start).days, 366 if _holds_leap_day(start, end) else 365)
    return Fraction(days(rule, start, end), YEAR_DAYS.get(rule, 360))


YEAR_DAYS = {  # what days are counted over, where that is one number
    DayCount.PERIODIC: 365,
    DayCount.ACT_365F: 365,
    DayCount.ACT_360: 360,
    DayCount.ACT_364: 364,
}


def _thirty(start: date, end: date, first: int, last: int) -> int:
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first


def _bond(start: date, end: date) -> tuple[int, int]:
    """ISDA 2006 4.16(f): a first day 31 is 30; a last day 31 is 30 only after a first day of 30."""
    first = min(start.day, 30)
    return first, min(end.day, 30) if first == 30 else end.day


def _us(start: date, end: date) -> tuple[int, int]:
    """The bond rule, with the last day of February taken for the 30th."""
    first, last = start.day, end.day
    if _ends_february(start):
        if _ends_february(end):
            last = 30
        first = 30
    first = min(first, 30)
    return first, 30 if last == 31 and first == 30 else last


def _whole_months(start: date, end: date) -> tuple[int, int]:
    """The same day of the month, or two month ends, are whole months; an end on the last of February is the 30th."""
    if start.day == end.day or (_ends_month(start) and _ends_month(end)):
        return 0, 0
    first = min(start.day, 30)
    last = 30 if _ends_february(end) else end.day
    return first, min(last, 30) if first == 30 else last


def _european(start: date, end: date) -> tuple[int, int]:
    """ISDA 2006 4.16(g): a 31st is the 30th."""
    return min(start.day, 30), min(end.day, 30)


_THIRTY = {
    DayCount.THIRTY_360_BOND: _bond,
    DayCount.THIRTY_360_US: _us,
    DayCount.THIRTY_U_360: _whole_months,
    DayCount.THIRTY_E_360: _european,
}


def _holds_leap_day(start: date, end: date) -> bool:
    """Whether a 29 February comes after `start`, up to and with `end`."""
    return any(isleap(year) and start < date(year, 2, 29) <= end for year in range(start.year, end.year + 1))


def _ends_month(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]


def _ends_february(day: date) -> bool:
    return day.month == 2 and _ends_month(day)


def _by_calendar_year(start: date, end: date) -> Fraction:
    """ISDA 2006 4.16(b): the days in each calendar year over that year's length."""
    if start.year == end.year:
        return Fraction((end - start).days, 366 if isleap(start.year) else 365)
    head = Fraction((date(start.year + 1, 1, 1) - start).days, 366 if isleap(start.year) else 365)
    tail = Fraction((end - date(end.year, 1, 1)).days, 366 if isleap(end.year) else 365)
    return head + (end.year - start.year - 1) + tail
