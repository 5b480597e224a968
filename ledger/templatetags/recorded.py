"""Who recorded something, and when: the end of every line of a history."""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.template import Context
from django.utils.timezone import localtime
from django.utils.translation import gettext

from ledger.templatetags.days import moment

register = template.Library()


@register.simple_tag(takes_context=True)
def recorded(context: Context, at: datetime, by: str, source: str = "") -> str:
    """The sentence; reads `today` and `user` of the page. `by`: an e-mail address, "" for nobody; `source`: "auto" for
    auto-repay."""
    today: date = context["today"]
    words = {"who": by, "moment": moment(localtime(at), today)}
    if by and by == context["user"].email:
        return gettext("Recorded by you, %(moment)s.") % words
    if by:
        return gettext("Recorded by %(who)s, %(moment)s.") % words
    if source == "auto":
        return gettext("Recorded by auto-repay, %(moment)s.") % words
    return gettext("Recorded %(moment)s.") % words
