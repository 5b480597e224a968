"""The words on every page, in both languages, as they are read: not how they are written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.db import transaction
from django.template import Context, Template
from django.test.utils import override_settings
from django.utils.translation import override

from tests.rendered import Read, pages_of_all_routes, pages_of_the_demo

pytestmark = pytest.mark.django_db

Pages = Mapping[str, Read]
LANGUAGES = ("en", "zh-hans")


@pytest.fixture(scope="module")
def pages(django_db_setup: None, django_db_blocker: object) -> Mapping[str, Pages]:
    """Every page by its language and its address."""
    found = {}
    with (
        django_db_blocker.unblock(),  # type: ignore[attr-defined]
        transaction.atomic(),
        TemporaryDirectory() as var,
        override_settings(VAR=Path(var), EMAIL_FILE_PATH=var),
    ):
        for language in LANGUAGES:
            sources = (pages_of_the_demo, pages_of_all_routes)
            found[language] = {url: Read(html) for source in sources for url, html in source(language)}
        transaction.set_rollback(True)
    return found


def test_chinese_has_no_space_after_a_full_stop(pages: Mapping[str, Pages]) -> None:
    """A middle dot, which sets things apart, has one on either side."""
    gap = re.compile(r".{0,12}[。！？；：，、”] (?![·→]).{0,12}")
    lines = [(line, url) for url, page in pages["zh-hans"].items() for line in page.lines]
    assert {match: url for line, url in lines for match in gap.findall(line)} == {}


def test_a_gap_is_a_space_but_in_chinese() -> None:
    for language, gap in (("en", " "), ("zh-hans", "")):
        with override(language):
            assert Template("One.{% gap %}Two.").render(Context()) == f"One.{gap}Two."


@pytest.mark.parametrize(
    "html, lines",
    [
        ("<p>One. <b>Two</b>.</p><p>Three</p>", ["One. Two.", "Three"]),
        ('<p>One.<br>Two. <span class="badge">Three</span></p>', ["One.", "Two.", "Three"]),
        ("<pre>One.\nTwo.</pre><script>Three. </script>", ["One.", "Two."]),
    ],
)
def test_lines_are_read_as_they_are_seen(html: str, lines: list[str]) -> None:
    assert Read(html).lines == lines


STRAIGHT = re.compile(r".{0,20}[A-Za-z]'(?=[a-z\s,.]).{0,12}")


def test_english_has_typographic_apostrophes(pages: Mapping[str, Pages]) -> None:
    lines = [(line, url) for url, page in pages["en"].items() for line in page.lines]
    assert {match: url for line, url in lines for match in STRAIGHT.findall(line)} == {}


AMOUNT = re.compile(r"[−-]?[¥$€£]\S+")


def too_long(button: str, language: str) -> bool:
    """More than three words in English or eight characters in Chinese; amounts are no words."""
    words = AMOUNT.sub(" ", button).split()
    if language == "en":
        return len(words) > 3
    return len("".join(words)) > 8 and not "".join(words).isascii()  # that all is translated, other tests say


@pytest.mark.parametrize("language", LANGUAGES)
def test_buttons_are_short(pages: Mapping[str, Pages], language: str) -> None:
    buttons = {button.words: url for url, page in pages[language].items() for button in page.buttons}
    found = {" ".join(words.split()): url for words, url in buttons.items() if too_long(words, language)}
    assert found == {}


CURRENT = re.compile(r'<a[^>]* href="([^"]+)" aria-current="(\w+)"')


def test_every_page_has_its_one_place_in_the_menu_and_in_the_bar(pages: Mapping[str, Pages]) -> None:
    """But for the pages that somebody sees who is not signed in."""
    lacking = {}
    for url, page in pages["en"].items():
        if 'class="tabbar"' not in page.html:
            continue
        side, bar = (part.partition("</nav>")[0] for part in page.html.split("<nav ")[1:3])
        found = [[where for where, _ in CURRENT.findall(part)] for part in (side, bar)]
        if [len(one) for one in found] != [1, 1]:
            lacking[url] = found
    assert lacking == {}
