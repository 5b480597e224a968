"""What lists ask for row by row, worked out without Django's machinery: addresses, dates, icons, standings.

Each gives exactly what Django gives, and a test compares them. What is kept between requests follows from its
arguments alone: a day, a language, an address.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from html import escape  # as Django's, without asking first whether a text is lazy
from itertools import chain, zip_longest

from django import template
from django.conf import settings
from django.template import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils.dates import MONTHS, MONTHS_3
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

register = template.Library()

FIRST_MARK = 10**11  # stands for a number in an address until that is known


def path_to(name: str, *numbers: int | str) -> str:
    """As `reverse(name, args=numbers)`, for numbers and words that need no quoting."""
    pieces = _pieces(name, len(numbers), get_script_prefix(), get_urlconf())
    if len(numbers) == 1:
        return f"{pieces[0]}{numbers[0]}{pieces[1]}"
    return "".join(map(str, chain.from_iterable(zip_longest(pieces, numbers, fillvalue=""))))


@lru_cache(maxsize=128)
def _pieces(name: str, count: int, prefix: str, urlconf: str | None) -> list[str]:
    """What stands between the numbers of an address."""
    marks = [FIRST_MARK + at for at in range(count)]
    rest, pieces = reverse(name, args=marks), []
    for mark in marks:
        piece, _, rest = rest.partition(str(mark))
        pieces.append(piece)
    return [*pieces, rest]


def formatted(day: date, letters: str) -> str:
    """As Django's `date_format(day, letters)`."""
    return _formatted(day, letters, get_language())


@lru_cache(maxsize=4096)
def _formatted(day: date, letters: str, language: str | None) -> str:
    if any(letter.isascii() and letter.isalpha() and letter not in _LETTERS for letter in letters) or "\\" in letters:
        return date_format(day, letters)
    return "".join(_LETTERS[letter](day) if letter in _LETTERS else letter for letter in letters)


_LETTERS = {
    "j": lambda day: str(day.day),
    "n": lambda day: str(day.month),
    "Y": lambda day: f"{day.year:04d}",
    "M": lambda day: str(MONTHS_3[day.month]).title(),
    "F": lambda day: str(MONTHS[day.month]),
}


@register.simple_tag
def path(name: str, *numbers: int | str) -> str:
    """As Django's `url`, for addresses with numbers in them; see `path_to`."""
    return path_to(name, *numbers)


@register.simple_tag
def icon(name: str) -> SafeString:
    """One icon from the sprite, decorative; as `_components/icon.html`."""
    return _icon(name)


@lru_cache(maxsize=128)
def _icon(name: str) -> SafeString:
    sprite = static("icons/sprite.svg")
    return SafeString(
        f'<svg class="icon" aria-hidden="true" focusable="false"><use href="{sprite}#{name}"></use></svg>'
    )


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> SafeString:
    """`_components/navigation.html` on the page it is on. All that differs from page to page is filled in afterwards:
    which links lead here, where to come back to, the token of its forms."""
    request = context["request"]
    known = _navigation(
        get_language(), context["may_write"], context["mail_kept_locally"], get_script_prefix(), get_urlconf()
    )
    here: str = request.path
    place = place_of(here)
    marked = _LINK.sub(lambda found: _current(found[1], found[2], here, place), known).replace(
        TOKEN, str(context["csrf_token"])
    )
    return SafeString(marked.replace(PLACE, escape(request.get_full_path())))


@lru_cache(maxsize=32)
def _navigation(
    language: str | None, may_write: bool, mail_kept_locally: bool, prefix: str, urlconf: str | None
) -> str:
    """The navigation with `TOKEN`, `PLACE` and marks in its links."""
    shown = {
        "may_write": may_write,
        "mail_kept_locally": mail_kept_locally,
        "csrf_token": TOKEN,
        "place": PLACE,
        "LANGUAGES": settings.LANGUAGES,
    }
    return render_to_string("_components/navigation.html", shown)


TOKEN, PLACE = "token-of-this-page", "place-of-this-page"
_LINK = re.compile(r" data-here=(\S*?) data-places=(\S*?)(?=>)")


def _current(url: str, places: str, here: str, place: str) -> str:
    """What a link to `url`, which stands for `places`, says of itself on the page `here`, which lies in `place`."""
    is_mine = place in places.split(",")
    return ' aria-current="page"' if here == url else ' aria-current="true"' if is_mine else ""


@register.simple_tag
def nav_item(url: str, picture: str, label: str, kind: str = "", besides: str = "") -> SafeString:
    """One link of the navigation, with a mark for the pages that lie in its place; nothing where the address is empty.
    `besides` names, after commas, places that have no link of their own beside it."""
    if not url:
        return SafeString("")
    class_, said, places = f' class="{kind}"' if kind else "", escape(url), f"{place_of(url)}{besides}"
    marks = f"data-here={said} data-places={places}"
    return SafeString(f'<a{class_} href="{said}" {marks}>{_icon(picture)}<span>{escape(label)}</span></a>')


OVERVIEW = "overview"
_PLACES = {  # by the first word of a page's address; all else belongs to the overview
    **dict.fromkeys(("bills", "statements"), "bills"),
    "accounts": "accounts",
    **dict.fromkeys(("activity", "reminders"), "activity"),
    **dict.fromkeys(("settings", "account"), "settings"),
    "credit-record": "credit-record",
    "mailbox": "mailbox",
    "plan": "plan",
}


def place_of(address: str) -> str:
    """Which place of the navigation a page lies in: one of `_PLACES`, the overview, or "record" and "add", which are
    buttons rather than links on large screens. A loan and all about it lies with the overview, which leads there."""
    words = address.removeprefix(get_script_prefix()).strip("/").split("/")
    if words[-2:] == ["repayments", "new"]:
        return "record"
    if words == ["loans", "new"]:
        return "add"
    return _PLACES.get(words[0], OVERVIEW)


@register.simple_tag
def standing_badge(standing: str) -> SafeString:
    """A bill's standing as a badge; as `_components/standing.html`."""
    return _standing(str(standing), get_language())


@lru_cache(maxsize=64)
def _standing(standing: str, language: str | None) -> SafeString:
    picture, words = {
        "upcoming": ("calendar", gettext("Upcoming")),
        "due": ("clock", gettext("Due today")),
        "in_grace": ("hourglass", gettext("In grace")),
        "overdue": ("alert", gettext("Overdue")),
        "part_paid": ("half", gettext("Part paid")),
        "presumed": ("presumed", gettext("Presumed paid")),
        "paid": ("check", gettext("Paid")),
        "paid_late": ("check", gettext("Paid late")),
        "deferred": ("pause", gettext("Deferred")),
        "waived": ("gift", gettext("Waived")),
        "replaced": ("document", gettext("Replaced")),
        "nothing_due": ("check-circle", gettext("Nothing due")),
    }[standing]
    return SafeString(f'<span class="badge badge-{standing}">{_icon(picture)}{words}</span>')
