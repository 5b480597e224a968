"""JSON read so that every value knows its line: what a person wrote by hand must be answered by place."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

DEEPEST = 20
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
_WORD = re.compile(r"[^\s,\]\}:\"\[\{]+")
_WORDS = {"true": True, "false": False, "null": None}


class LoanFileError(ValueError):
    """What is wrong in a loan file: the line (from 1) on which it stands, the field, as `terms.principal` or
    `facts[0].amount` ("" for the file itself), and why."""

    def __init__(self, line: int, field: str, message: str) -> None:
        super().__init__(f"line {line}, {field}: {message}" if field else f"line {line}: {message}")
        self.line = line
        self.field = field
        self.message = message


class Number(str):
    """A number exactly as it is written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A value and the line it begins on; `named_on` is the line of its name, in an object.

    `value` is a dict of names and `Placed`, a list of `Placed`, text, a `Number`, True, False or None.
    """

    value: Any
    line: int
    named_on: int


def read_json(text: str) -> Placed:
    """The one value in `text`. Raises LoanFileError where it is no JSON, where an object has a name twice, or where
    values are nested more than 20 deep."""
    return _Reader(text).document()


class _Reader:
    """Reads one text from its beginning. `at` is where it stands; `path`, in what follows, is the field being read, as
    LoanFileError names it. All but `line` and `fault` step forward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line_ends = [found.start() for found in re.finditer("\n", text)]

    def document(self) -> Placed:
        """The one value of the text. Raises LoanFileError where anything follows it."""
        self.skip()
        found = self.value("", 0)
        self.skip()
        if self.at < len(self.text):
            raise self.fault("", "nothing may follow the end of the object")
        return found

    def line(self) -> int:
        """The line it stands on, from 1."""
        return bisect_right(self.line_ends, self.at - 1) + 1

    def fault(self, path: str, message: str) -> LoanFileError:
        """An error on the line it stands on, for the caller to raise."""
        return LoanFileError(self.line(), path, message)

    def skip(self) -> None:
        """Step over white space, as JSON counts it."""
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]

    def takes(self, sign: str) -> bool:
        """Step over `sign` if it comes next."""
        self.skip()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += 1
        return True

    def value(self, path: str, depth: int, named_on: int = 0) -> Placed:
        """Whatever value comes next, `depth` levels down; `named_on` is the line of its name, 0 where it has none.
        Raises LoanFileError below `DEEPEST` and at the end of the text."""
        line = self.line()
        if depth > DEEPEST:
            raise self.fault(path, "is nested too deeply")
        first = self.text[self.at : self.at + 1]
        if not first:
            raise self.fault(path, "the file ends too soon")
        if first == "{":
            found: Any = self.members(path, depth)
        elif first == "[":
            found = self.items(path, depth)
        elif first == '"':
            found = self.string(path)
        else:
            found = self.scalar(path)
        return Placed(found, line, named_on or line)

    def members(self, path: str, depth: int) -> dict[str, Placed]:
        """An object, from its opening brace to behind its closing one. Raises LoanFileError for a name that stands
        twice, which JSON would let pass."""
        self.at += 1
        found: dict[str, Placed] = {}
        if self.takes("}"):
            return found
        while True:
            self.skip()
            line = self.line()
            if not self.text.startswith('"', self.at):
                raise self.fault(path, "a field name in double quotes must follow")
            name = self.string(path)
            inside = f"{path}.{name}" if path else name
            if name in found:
                raise LoanFileError(line, inside, "stands twice")
            if not self.takes(":"):
                raise self.fault(inside, 'a ":" must follow the field name')
            self.skip()
            found[name] = self.value(inside, depth + 1, line)
            if self.takes("}"):
                return found
            if not self.takes(","):
                raise self.fault(inside, 'a "," or the closing "}" must follow')

    def items(self, path: str, depth: int) -> list[Placed]:
        """A list, from its opening bracket to behind its closing one."""
        self.at += 1
        found: list[Placed] = []
        if self.takes("]"):
            return found
        while True:
            self.skip()
            inside = f"{path}[{len(found)}]"
            found.append(self.value(inside, depth + 1))
            if self.takes("]"):
                return found
            if not self.takes(","):
                raise self.fault(inside, 'a "," or the closing "]" must follow')

    def string(self, path: str) -> str:
        """A text in double quotes, its escapes read; no control characters stand in it. Raises LoanFileError."""
        try:
            found, self.at = scanstring(self.text, self.at + 1, True)
        except JSONDecodeError as error:
            self.at = error.pos
            raise self.fault(path, "the text has no proper end, or a sign that JSON does not allow") from None
        return str(found)

    def scalar(self, path: str) -> Any:
        """True, False, None or a `Number` just as it is written. Raises LoanFileError for any other word."""
        word = _WORD.match(self.text, self.at)
        if word is None:
            raise self.fault(path, "a value is missing")
        if not (word[0] in _WORDS or _NUMBER.fullmatch(word[0])):
            raise self.fault(path, f"{word[0][:40]} is no JSON value")
        self.at = word.end()
        return _WORDS[word[0]] if word[0] in _WORDS else Number(word[0])
