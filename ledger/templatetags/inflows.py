"""When a planned inflow comes, in words: `{{ row.plan|rhythm:today }}`."""

from __future__ import annotations

from datetime import date

from django import template
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext

from ledger.loanmath.inflows import LONGEST_MONTH, InflowPlan, Repeats
from ledger.loanmath.terms import HolidayRule
from ledger.templatetags.days import short_day

register = template.Library()


@register.filter
def rhythm(plan: InflowPlan, today: date) -> str:
    """How often and when: "on the 15th of each month", "every Friday", "once, on 10 Dec"."""
    if plan.repeats is Repeats.ONCE:
        return gettext("once, on %(day)s") % {"day": short_day(plan.starts_on, today)}
    if plan.repeats is Repeats.WEEKLY:
        return gettext("every %(weekday)s") % {"weekday": date_format(plan.starts_on, "l")}
    if plan.repeats is Repeats.FORTNIGHTLY:
        return gettext("every other %(weekday)s") % {"weekday": date_format(plan.starts_on, "l")}
    if plan.day == LONGEST_MONTH:
        return gettext("on the last day of each month")
    # Translators: %(day)s is "15th" in English, 15 elsewhere.
    return gettext("on the %(day)s of each month") % {"day": _ordinal(plan.day or 0)}


@register.filter
def moved_to(plan: InflowPlan) -> str:
    """Where it is moved to from a weekend or holiday; "" where it stays."""
    if plan.shift is HolidayRule.PREVIOUS_WORKDAY:
        return gettext("or the working day before")
    if plan.shift is HolidayRule.NEXT_WORKDAY:
        return gettext("or the working day after")
    return ""


def _ordinal(number: int) -> str:
    """The day of a month as English counts it; other languages write the number."""
    if not (get_language() or "en").startswith("en"):
        return str(number)
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
