"""Every page of the demo and of a small household as HTML, without a browser: to read the words on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import time_machine
from django.test import Client
from django.urls import Resolver404, resolve

from ledger.demo import tell
from ledger.demo_words import CHINESE, ENGLISH
from tests import builders as make
from tests.security.world import ROUTES, home

WORDS = {"en": ENGLISH, "zh-hans": CHINESE}
DEMO_DAY = datetime(2026, 11, 24, 4, tzinfo=UTC)
AS_MANY = {"ledger:loan": 12, "ledger:record_repayment": 3, "reminders:bill_reminders": 3}
SIGNED_OUT = ["/account/login/", "/account/signup/", "/account/password/reset/", "/offline/"]
START = [
    "/",
    "/owed/",
    "/account/password/change/",
    "/account/email/",
    "/account/2fa/",
    "/account/logout/",
    "/nowhere/",
]
EVERY = {"reminders:preview"}  # with whatever parameters
FILES = {"ledger:document", "reminders:loan_calendar", "reminders:calendar"}

INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "small", "span", "strong", "time", "wbr"}
APART = {"row-sub", "badge", "visually-hidden", "note"}  # inline elements that are set apart by their look
VOID = {"br", "hr", "img", "input", "link", "meta", "wbr", "use"}
UNSEEN = {"script", "style", "svg", "head"}


@dataclass
class Button:
    """What can be pressed, and what is read on it; `said` counts what only screen readers say."""

    words: str = ""
    said: str = ""


@dataclass
class Read(HTMLParser):
    """The lines of text of a page, as they are seen: inline elements belong to the line they stand in."""

    html: str
    lines: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, set[str]]] = []
        self._line = ""
        self.feed(self.html)
        self._end()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        classes = set((said.get("class") or "").split())
        if tag not in INLINE or classes & APART:
            self._end()
        if tag in VOID:
            return
        self._open.append((tag, classes))
        if tag == "button" or (tag == "a" and "btn" in classes):
            self.buttons.append(Button())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing is opened."""

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            opened, classes = self._open.pop()
            if opened not in INLINE or classes & APART:
                self._end()
            if opened == tag:
                break

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if UNSEEN & set(tags):
            return
        for line in data.splitlines(keepends=True) if "pre" in tags else [data]:
            self._line += line
            if line.endswith("\n") and "pre" in tags:
                self._end()
        if self._pressed():
            button = self.buttons[-1]
            button.said += data
            if not any("visually-hidden" in classes for _, classes in self._open):
                button.words += data

    def _pressed(self) -> bool:
        return any(tag == "button" or (tag == "a" and "btn" in classes) for tag, classes in self._open)

    def _end(self) -> None:
        line = " ".join(self._line.split())
        self._line = ""
        if line:
            self.lines.append(line)


def pages_of_the_demo(language: str) -> Iterator[tuple[str, str]]:
    """Each page's address and HTML, once for each name, set of parameters and, where pages differ much, some more."""
    with time_machine.travel(DEMO_DAY, tick=False):
        owner = make.user(f"demo-{language}@example.com", language=language)
        household = make.household(owner, now=DEMO_DAY - timedelta(days=500))
        tell(owner, household, WORDS[language], DEMO_DAY.date())
        yield from _walk(make.signed_in(owner), START, language)
        yield from _walk(Client(), SIGNED_OUT, language)


def pages_of_all_routes(language: str) -> Iterator[tuple[str, str]]:
    """Each route's page for the owner of a household with one of everything."""
    with time_machine.travel(make.NOW, tick=False):
        mine = home(f"all-{language}")
        mine.owner.language = language
        mine.owner.save()
        client = make.signed_in(mine.owner)
        for name, route in ROUTES.items():
            url = route.url(name, mine)
            html = None if route.only_post or name in FILES else _get(client, url, language)
            if html is not None:
                yield url, html


def _get(client: Client, url: str, language: str) -> str | None:
    answer = client.get(url, headers={"Accept-Language": language})
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    return answer.content.decode() if is_page and not 300 <= answer.status_code < 400 else None


def _walk(client: Client, start: list[str], language: str) -> Iterator[tuple[str, str]]:
    waiting, visited, seen = list(start), set[str](), dict[object, int]()
    while waiting:
        url = waiting.pop(0)
        kind = _kind(url)
        if (
            kind is None
            or url in visited
            or (seen.get(kind, 0) >= (1 if kind[1] else AS_MANY.get(kind[0], 1)) and kind[0] not in EVERY)
        ):
            continue
        visited.add(url)
        seen[kind] = seen.get(kind, 0) + 1
        html = _get(client, url, language)
        if html is not None:
            yield url, html
            waiting += [urljoin(url, href).partition("#")[0] for href in _links(html)]


def _links(html: str) -> list[str]:
    return [href.replace("&amp;", "&") for href in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', html)]


def _kind(url: str) -> tuple[str, frozenset[str]] | None:
    """The page's name and the parameters it was asked with; None for what is no page of ours."""
    parts = urlsplit(url)
    if parts.netloc or parts.scheme or parts.path.startswith("/static/"):
        return None
    if parts.path == "/nowhere/":
        return parts.path, frozenset()
    try:
        name = resolve(parts.path).view_name
    except Resolver404:
        return None
    return None if name in FILES else (name, frozenset(key for key, _ in parse_qsl(parts.query)))
