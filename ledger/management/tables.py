"""Tables as plain text: aligned in a terminal, characters of double width included."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

GAP = "  "


def width(text: str) -> int:
    """The columns a text takes: two for a wide character, none for one that joins the character before it."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = ()) -> list[str]:
    """The lines of a table: its heads, a rule, its rows. Columns are aligned to the right, those numbered in `left` to
    the left; no line ends in blanks."""
    columns = zip_longest(heads, *rows, fillvalue="")
    widths = [max(map(width, column)) for column in columns]
    lines = [heads, ["-" * size for size in widths], *rows]
    return [_line(cells, widths, left) for cells in lines]


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[int]) -> str:
    padded = []
    for index, (cell, size) in enumerate(zip(cells, widths, strict=False)):
        blank = " " * (size - width(cell))
        padded.append(cell + blank if index in left else blank + cell)
    return GAP.join(padded).rstrip()
