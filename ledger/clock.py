"""The one clock: asked at the edges (views, tasks, commands), passed down as `now` and `today`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings


def now() -> datetime:
    """The present moment in UTC, moved by CLOCK_OFFSET_SECONDS."""
    return datetime.now(UTC) + timedelta(seconds=settings.CLOCK_OFFSET_SECONDS)


def zone(name: str) -> ZoneInfo:
    """The time zone called `name`; UTC where old data holds a name nobody knows any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def local_day(moment: datetime, time_zone: str) -> date:
    """The calendar day of `moment` in `time_zone`."""
    return moment.astimezone(zone(time_zone)).date()
