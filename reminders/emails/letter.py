"""One letter of several parts: what its subject says, in which order they come, and the message it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from email.utils import format_datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.templatetags.days import short_day
from ledger.templatetags.money import money_text
from reminders.emails.kinds import MAKERS
from reminders.emails.parts import Around, Counted, Known, Line, Part
from reminders.links import link
from reminders.mime import letter_id
from reminders.models import Reminder


def compose(rows: Sequence[Reminder], now: datetime, known: Known | None = None) -> EmailMultiAlternatives:
    """One letter to one person of all that `rows` are about, as things stand `now`: plain text and HTML, with a
    Message-ID that depends on nothing but the rows. Never empty; all of one household, recipient and channel. Who makes
    many says what is `known` of all of them."""
    around = Around(rows, now, known)
    with translation.override(around.recipient.language), timezone.override(around.zone):
        made = [MAKERS[row.kind](row, around) for row in rows]
        parts = sorted(made, key=lambda part: (part.urgency, part.on or date.max))
        return _message(rows, parts, around)


def _message(rows: Sequence[Reminder], parts: Sequence[Part], around: Around) -> EmailMultiAlternatives:
    subject = subject_of(parts, around.today)
    settings_url = link("reminders:settings")
    context = _context(subject, parts, around) | {"settings_url": settings_url}
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string("reminders/email/letter.txt", context).strip() + "\n",
        to=[around.recipient.email],
        headers={
            "Message-ID": letter_id([row.message_id for row in rows]),
            "Date": format_datetime(around.now),
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{settings_url}>",
        },
    )
    message.attach_alternative(render_to_string("reminders/email/letter.html", context), "text/html")
    return message


def _context(subject: str, parts: Sequence[Part], around: Around) -> dict[str, Any]:
    several = len(parts) > 1
    return {
        "subject": subject,
        "several": several,
        "standstill": standstill_words(around),
        "told": [part for part in parts if not (several and part.in_table)],
        "lines": lines_of(parts),
        "today": around.today,
        "household": around.household.name,
        "overview_url": link("ledger:overview"),
    }


def standstill_words(around: Around) -> str:
    """The first sentence of a letter that a standstill kept back: why it comes now; "" of any other."""
    if around.standstill is None:
        return ""
    since, until = (_moment(at.astimezone(around.zone), around.today) for at in around.standstill)
    return _("Loantracker stood still from %(since)s until %(until)s; this is what came due meanwhile.") % {
        "since": since,
        "until": until,
    }


def _moment(at: datetime, today: date) -> str:
    return f"{short_day(at.date(), today)} {at:%H:%M}"


def lines_of(parts: Iterable[Part]) -> list[Line]:
    """The rows of the table, each thing once, the most urgent first."""
    found: dict[str, Line] = {}
    for part in parts:
        for line in part.lines:
            found.setdefault(line.key or f"line {len(found)}", line)
    return list(found.values())


def subject_of(parts: Sequence[Part], today: date) -> str:
    """One part says its own. Of several bills it is what they come to and the first day; a currency is never added to
    another. Whatever else the letter tells is counted: "(and 2 more)"."""
    first = parts[0]
    parts = [first, *(part for part in parts[1:] if not _said_by(first, part))]
    counted = [part.counted for part in parts if part.counted and first.counted and _alike(part.counted, first.counted)]
    bills = {one.bill: one for one in reversed(counted)}
    others = len(parts) - len(counted)
    said = _sum_words(list(bills.values()), today) if len(bills) > 1 else first.subject
    if others == 0 or len(parts) == 1:
        return said
    more = others if bills else len(parts) - 1
    return ngettext("%(subject)s (and %(count)d more)", "%(subject)s (and %(count)d more)", more) % {
        "subject": said,
        "count": more,
    }


def _said_by(first: Part, part: Part) -> bool:
    """Whether all that `part` is about stands in the lines of `first` too: an account that is short for a bill, and the
    bill."""
    about = {line.key for line in part.lines}
    return bool(about) and about <= {line.key for line in first.lines if line.key}


def _alike(one: Counted, other: Counted) -> bool:
    return one.is_debited == other.is_debited


def _sum_words(bills: Sequence[Counted], today: date) -> str:
    first = min(bill.on for bill in bills)
    words = {"amount": _amounts(bills), "count": len(bills), "day": short_day(first, today)}
    if bills[0].is_debited:
        return (
            ngettext(
                "%(amount)s was debited for %(count)d bill", "%(amount)s was debited for %(count)d bills", len(bills)
            )
            % words
        )
    if first < today:
        return (
            ngettext(
                "%(amount)s for %(count)d bill, overdue since %(day)s",
                "%(amount)s for %(count)d bills, the first overdue since %(day)s",
                len(bills),
            )
            % words
        )
    return (
        ngettext(
            "%(amount)s for %(count)d bill, due on %(day)s",
            "%(amount)s for %(count)d bills, first on %(day)s",
            len(bills),
        )
        % words
    )


def _amounts(bills: Iterable[Counted]) -> str:
    """A sum in each currency: "¥2,120.00", "¥2,120.00 and $50.00"."""
    sums: dict[str, int] = {}
    for bill in bills:
        sums[bill.currency] = sums.get(bill.currency, 0) + bill.amount
    *rest, last = [money_text(amount, currency) for currency, amount in sorted(sums.items())]
    return _("%(amounts)s and %(last)s") % {"amounts": ", ".join(rest), "last": last} if rest else last
