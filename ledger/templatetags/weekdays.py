"""Days with the day of the week: "Tue 10 Mar", "3月10日 周二"."""

from __future__ import annotations

from datetime import date

from django import template
from django.utils.formats import date_format
from django.utils.translation import pgettext, pgettext_lazy

register = template.Library()

_SHORT = (
    pgettext_lazy("day of the week", "Mon"),
    pgettext_lazy("day of the week", "Tue"),
    pgettext_lazy("day of the week", "Wed"),
    pgettext_lazy("day of the week", "Thu"),
    pgettext_lazy("day of the week", "Fri"),
    pgettext_lazy("day of the week", "Sat"),
    pgettext_lazy("day of the week", "Sun"),
)


@register.filter
def weekday_short(day: date) -> str:
    """The day of the week as the head of a column: "Tue", "周二"."""
    return str(_SHORT[day.weekday()])


@register.filter
def weekday_long(day: date) -> str:
    """The day of the week in full: "Tuesday", "星期二"."""
    return date_format(day, "l")


@register.filter
def weekday_and_day(day: date, today: date) -> str:
    """The day with its day of the week, and its year where that is not the year of `today`."""
    if day.year == today.year:
        # Translators: the day and month of a date, in Django's date format letters; Chinese: n月j日
        shown = date_format(day, pgettext("date format, day and month", "j M"))
    else:
        # Translators: a whole date, in Django's date format letters; Chinese: Y年n月j日
        shown = date_format(day, pgettext("date format, with year", "j M Y"))
    # Translators: a day of the week and a day, as in "Tue 10 Mar"; Chinese: %(day)s %(weekday)s
    return pgettext("day with its day of the week", "%(weekday)s %(day)s") % {
        "weekday": weekday_short(day),
        "day": shown,
    }
