"""Days and hours of a household as moments, and the hours in which nobody is written to."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from reminders.rules.policy import DEFAULT, QUIET_UNTIL, Policy

ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=8192)  # most bills share their day
def moment(day: date, hour: int, zone: tzinfo) -> datetime:
    """The first moment (UTC) at which the local wall clock shows `hour` o'clock or later on or after `day`.

    An hour that a clock change leaves out comes late, not never; of an hour that comes twice the first counts.
    """
    return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)


def earliest(send_at: datetime, zone: tzinfo) -> datetime:
    """The moment before which a message planned for `send_at` is not sent, whatever hour the household chooses: the
    end of the usual quiet hours of that day, or its own hour if that is earlier."""
    local = send_at.astimezone(zone)
    return moment(local.date(), min(local.hour, QUIET_UNTIL), zone)


def after_quiet(now: datetime, zone: tzinfo, policy: Policy = DEFAULT) -> datetime:
    """`now`, or the end of the quiet hours that `now` lies in."""
    local = now.astimezone(zone)
    if not policy.is_quiet(local.hour):
        return now
    ends_tomorrow = local.hour >= policy.quiet_until
    return moment(local.date() + ONE_DAY * ends_tomorrow, policy.quiet_until, zone)


def slot(policy: Policy, now: datetime, zone: tzinfo) -> datetime:
    """The moment to which a message belongs that comes up at `now` and can wait: the next time that the clock shows
    the household's hour. All messages of a slot make one letter."""
    today = now.astimezone(zone).date()
    at = moment(today, policy.hour, zone)
    return at if at >= now else moment(today + ONE_DAY, policy.hour, zone)
