"""Nothing is said untranslated: every text that a template or a module shows is marked for translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted(path for path in (PROJECT / "templates").rglob("*") if path.suffix in (".html", ".txt"))

SAME_IN_ALL = {"Loantracker", "中文 English"}  # the product's name, and the languages in their own

_NOT_SHOWN = re.compile(
    r"\{%\s*comment.*?endcomment\s*%\}|\{#.*?#\}|<!--.*?-->|<!doctype[^>]*>"
    r"|<(script|style|svg|code|kbd)\b.*?</\1>|\{%\s*block (?:title_)?name\s*%\}.*?\{%\s*endblock",
    re.DOTALL | re.IGNORECASE,
)
_MARKED = re.compile(r"\{%\s*blocktrans(?:late)?\b.*?\{%\s*endblocktrans(?:late)?\s*%\}", re.DOTALL)
_SPOKEN = re.compile(r'\b(?:aria-label|placeholder|title|alt)="([^"]*)"')
_WITH = re.compile(r"\b(?:title|label|text|submit|lead|empty_text)=\"([^\"]*)\"")
_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_ELEMENT = re.compile(r"<[^>]*>", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{2,}|[\u4e00-\u9fff]")

MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "pgettext", "pgettext_lazy", "ngettext", "ngettext_lazy"}
SHOWN_ARGUMENTS = {"label", "help_text", "empty_label", "verbose_name"}
REFUSING = {"Refusal": 1, "ValidationError": 0}  # which argument is shown


def unmarked(source: str) -> list[str]:
    """What a template shows without having it translated, text and attributes that are read out."""
    source = _MARKED.sub(" ", _NOT_SHOWN.sub(" ", source))
    spoken = [text for tag in re.findall(r"\{%\s*include.*?%\}", source, re.DOTALL) for text in _WITH.findall(tag)]
    bare = _TAG.sub(" ", source)
    spoken += _SPOKEN.findall(bare)
    spoken += [line.strip() for line in re.sub(r"&\w+;", " ", _ELEMENT.sub("\n", bare)).splitlines()]
    return [text for text in spoken if _WORD.search(text) and text.strip("· ") not in SAME_IN_ALL]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PROJECT / "templates")))
def test_every_text_of_a_template_is_marked_for_translation(path: Path) -> None:
    assert unmarked(path.read_text()) == []


def test_an_unmarked_text_is_found() -> None:
    assert unmarked('<p title="Late">{% trans "Due" %} today</p>{% comment %} no {% endcomment %}<b>{{ day }}</b>') == [
        "Late",
        "today",
    ]


_SAID = re.compile(
    r"\{%\s*trans(?:late)?\s+\"([^\"]*)\"|_\(\"([^\"]*)\"\)"
    r"|\{%\s*blocktrans(?:late)?\b(?:[^%]|%(?!\}))*%\}(.*?)\{%\s*endblocktrans",
    re.DOTALL,
)
STRAIGHT = re.compile(r"(?<=[A-Za-z])'(?=[A-Za-z\s,.:;])")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PROJECT / "templates")))
def test_a_template_says_its_texts_with_typographic_apostrophes(path: Path) -> None:
    said = ["".join(texts) for texts in _SAID.findall(path.read_text())]
    assert [text for text in said if STRAIGHT.search(_TAG.sub(" ", text))] == []


def modules() -> list[Path]:
    rooms = [path for room in ("ledger", "reminders", "loantracker") for path in (PROJECT / room).rglob("*.py")]
    return sorted(path for path in rooms if not {"migrations", "launch", "commands"} & set(path.parts))


def _literal(node: ast.expr) -> bool:
    """A text as it stands, or one put together around such texts, that is not handed to gettext."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(re.search(r"[A-Za-z]{2,}", node.value))
    if isinstance(node, ast.JoinedStr):
        return any(_literal(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _literal(node.left)
    return False


def _unmarked_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        shown = [word.value for word in node.keywords if word.arg in SHOWN_ARGUMENTS]
        if name in REFUSING and len(node.args) > REFUSING[name]:
            shown.append(node.args[REFUSING[name]])
        if isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "messages":
            shown += node.args[1:2]
        yield from (ast.unparse(text) for text in shown if _literal(text))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_label_refusal_and_message_of_a_module_is_marked_for_translation(path: Path) -> None:
    assert list(_unmarked_in(ast.parse(path.read_text()))) == []


def _said_in(tree: ast.AST) -> Iterator[str]:
    """The texts handed to gettext."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = node.args if name in MARKS else []
            yield from (text.value for text in given if isinstance(text, ast.Constant) and isinstance(text.value, str))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_module_says_its_texts_with_typographic_apostrophes(path: Path) -> None:
    assert [text for text in _said_in(ast.parse(path.read_text())) if STRAIGHT.search(text)] == []
