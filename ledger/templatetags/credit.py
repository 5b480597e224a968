"""How the marks of a credit record are said in words."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext, pgettext

from ledger.loanmath.credit_record import CLOSED, NOTHING_DUE, ON_TIME
from ledger.loanmath.standing import BUCKET_DAYS, LAST_BUCKET

register = template.Library()


@register.filter
def mark_words(mark: str) -> str:
    """What a month's mark means: "on time", "31 to 60 days late"."""
    if mark == ON_TIME:
        return pgettext("month of a credit record", "on time")
    if mark == NOTHING_DUE:
        return pgettext("month of a credit record", "nothing due")
    if mark == CLOSED:
        return pgettext("month of a credit record", "closed")
    last = int(mark) * BUCKET_DAYS
    if int(mark) >= LAST_BUCKET:
        return gettext("more than %(days)d days late") % {"days": last - BUCKET_DAYS}
    return gettext("%(first)d to %(last)d days late") % {"first": last - BUCKET_DAYS + 1, "last": last}


@register.filter
def mark_class(mark: str) -> str:
    """The color of a mark; its letter says the same."""
    return {ON_TIME: "ok", NOTHING_DUE: "none", CLOSED: "closed"}.get(mark, "late")
