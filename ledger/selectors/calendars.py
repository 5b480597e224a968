"""Working days of a place, from the `holidays` library and a file of one's own."""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from django.conf import settings
from holidays import country_holidays

from ledger.loanmath.calendars import WEEKEND, WEEKENDS, Calendar

log = logging.getLogger(__name__)

FIRST_YEAR, LAST_YEAR = 2000, 2085  # a loan of fifty years that begins today fits in
OVERRIDES = "holidays.json"
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)


@cache
def calendar_of(code: str) -> Calendar:
    """The calendar of a country ("CN"), or of a part of one ("US-CA"); weekends alone where nothing is known. Worked
    out once in each process."""
    if not code:
        return WEEKENDS
    return _overridden(_published(code), overrides().get(code, {}), code)


def _published(code: str) -> Calendar:
    """What the library knows: public holidays, the weekend, and working days that make up for a bridge day."""
    if not _PLACE.fullmatch(code):
        return WEEKENDS
    country, _, part = code.partition("-")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some countries say which years they know; the others have weekends
            found = country_holidays(country, subdiv=part or None, years=range(FIRST_YEAR, LAST_YEAR + 1))
    except NotImplementedError:
        return WEEKENDS
    workdays = frozenset(found.weekend_workdays or ())
    return Calendar(frozenset(found) - workdays, workdays, tuple(sorted(found.weekend)) or WEEKEND)


@cache
def overrides() -> Mapping[str, Mapping[str, Any]]:
    """What the file in the data folder says, by code; nothing where there is none, or none that can be read."""
    path = settings.VAR / OVERRIDES
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s is not read: %s", path, error)
        return {}
    if not isinstance(said, dict):
        log.warning("%s is not read: it must map country codes to lists of days", path)
        return {}
    return {code: days for code, days in said.items() if isinstance(days, dict)}


def _overridden(known: Calendar, said: Mapping[str, Any], code: str) -> Calendar:
    try:
        holidays = frozenset(date.fromisoformat(day) for day in said.get("holidays", ()))
        workdays = frozenset(date.fromisoformat(day) for day in said.get("workdays", ()))
    except (TypeError, ValueError) as error:
        log.warning("%s: the days of %s are not read: %s", OVERRIDES, code, error)
        return known
    return Calendar((known.holidays - workdays) | holidays, (known.workdays - holidays) | workdays, known.weekend)
