"""How days are shown: unambiguous, in the reader's language, with their distance."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from html import escape  # as Django's, without asking first whether a text is lazy

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext, pgettext

from ledger.templatetags.fast import formatted

register = template.Library()

DAYS_SHOWN = 59  # further off than this, a distance is said in months
MONTHS_SHOWN = 23  # and further than this, in years


@register.filter
def short_day(day: date | None, today: date | None = None) -> str:
    """The day alone: "10 Dec", "12月10日"; with its year where that is not the year of `today`."""
    if day is None:
        return "—"
    if today is not None and day.year == today.year:
        # Translators: the day and month of a date, in Django's date format letters; Chinese: n月j日
        return formatted(day, pgettext("date format, day and month", "j M"))
    # Translators: a whole date, in Django's date format letters; Chinese: Y年n月j日
    return formatted(day, pgettext("date format, with year", "j M Y"))


@register.filter(expects_localtime=True)
def moment(at: datetime, today: date) -> str:
    """A day and the time of day, on the reader's clock: "10 Dec 20:00", "12月10日 20:00"."""
    return f"{short_day(at.date(), today)} {at:%H:%M}"


@register.filter
def month(day: date) -> str:
    """The month with its year: "December 2026", "2026年12月"."""
    # Translators: a month, in Django's date format letters; Chinese: Y年n月
    return formatted(day, pgettext("date format, month", "F Y"))


@register.filter
def distance(day: date, today: date) -> str:
    """How far `day` is from `today`, in words: "in 3 days", "yesterday", "5 months ago"."""
    return _distance((day - today).days, get_language())


@lru_cache(maxsize=1024)
def _distance(days: int, language: str | None) -> str:
    if days == 0:
        return gettext("today")
    if days == 1:
        return gettext("tomorrow")
    if days == -1:
        return gettext("yesterday")
    if abs(days) <= DAYS_SHOWN:
        return _in_days(abs(days), ahead=days > 0)
    months = (abs(days) * 2 + 30) // 61  # the nearest whole number of 30.5 days
    if months <= MONTHS_SHOWN:
        return _in_months(months, ahead=days > 0)
    return _in_years((months + 6) // 12, ahead=days > 0)


@register.filter
def day_text(day: date | None, today: date) -> str:
    """The day with its distance as plain text: "10 Dec, in 3 days", "12月10日（3天后）"."""
    if day is None:
        return "—"
    # Translators: a day and its distance, as in "10 Dec, in 3 days"; Chinese: %(day)s（%(distance)s）
    return gettext("%(day)s, %(distance)s") % {"day": short_day(day, today), "distance": distance(day, today)}


@register.simple_tag(name="day")
def day_tag(day: date | None, today: date) -> str | SafeString:
    """The day with its distance as a <time> element; None is shown as a dash."""
    if day is None:
        return "—"
    return SafeString(f'<time datetime="{day.isoformat()}">{escape(day_text(day, today))}</time>')


def _in_days(count: int, *, ahead: bool) -> str:
    if ahead:
        return ngettext("in %(count)d day", "in %(count)d days", count) % {"count": count}
    return ngettext("%(count)d day ago", "%(count)d days ago", count) % {"count": count}


def _in_months(count: int, *, ahead: bool) -> str:
    if ahead:
        return ngettext("in %(count)d month", "in %(count)d months", count) % {"count": count}
    return ngettext("%(count)d month ago", "%(count)d months ago", count) % {"count": count}


def _in_years(count: int, *, ahead: bool) -> str:
    if ahead:
        return ngettext("in %(count)d year", "in %(count)d years", count) % {"count": count}
    return ngettext("%(count)d year ago", "%(count)d years ago", count) % {"count": count}
