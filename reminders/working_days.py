"""The last working day before a bill is payable: by the lender's holidays where they are named, else by those of the
country whose time the household keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib import resources

from django.db.models.fields.json import KT

from ledger.models import TermsVersion
from ledger.selectors.calendars import calendar_of

ONE_DAY = timedelta(days=1)
FURTHEST = 14  # days looked back; no place rests longer


def places(loans: Collection[int]) -> dict[int, str]:
    """By loan, the country whose holidays its lender goes by, where its agreement names one; one query."""
    named = TermsVersion.objects.filter(loan__in=loans, number=1, conventions__has_key="holiday_calendar")
    return dict(named.order_by().values_list("loan_id", KT("conventions__holiday_calendar")))


@lru_cache(maxsize=8192)
def working_day_before(day: date, place: str, time_zone: str) -> date | None:
    """The last working day before `day`, in `place` (a country code; "": where that time is kept); None where `day` is
    one itself."""
    calendar = calendar_of(place or country_of(time_zone))
    if calendar.is_working_day(day):
        return None
    before = (day - ONE_DAY * back for back in range(1, FURTHEST + 1))
    return next((found for found in before if calendar.is_working_day(found)), None)


def country_of(time_zone: str) -> str:
    """The country in which a time zone is kept ("Asia/Shanghai": CN); "" where none or many keep it."""
    return _countries().get(time_zone, "")


@cache
def _countries() -> Mapping[str, str]:
    """By time zone its country, from the table that comes with the zones themselves; nothing where there is none."""
    try:
        table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="ascii")
    except (ModuleNotFoundError, OSError):
        return {}
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return {row[2]: row[0] for row in rows}
