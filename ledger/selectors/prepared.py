"""Questions put into SQL once: a page asks the same ones each time, and working out their SQL takes Django longer than
the database takes to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Given = int | date
MARK, FIRST_DAY = 7 * 10**18, date(9900, 1, 1).toordinal()  # stand for what is given, while the SQL is worked out


@dataclass(frozen=True, slots=True)
class _Sql:
    """`given` says which of `params` are to be filled in, and with what; `converters` make Python's values of the
    database's."""

    text: str
    params: Sequence[Any]
    given: Mapping[int, str]
    compiler: Any
    converters: dict[Any, Any]


class Prepared:
    """A `values_list` query of whole numbers and days that are given by name; they may stand anywhere in it where a
    value can, but not decide how it is built. Thread-safe: at worst its SQL is worked out twice."""

    def __init__(self, question: Callable[..., QuerySet[Any]]) -> None:
        self.question = question
        self._known: dict[str, _Sql] = {}

    def __call__(self, **given: Given) -> list[tuple[Any, ...]]:
        known = self._known.get(connection.vendor)
        if known is None:
            known = self._known[connection.vendor] = _worked_out(self.question, given)
        params = list(known.params)
        for at, name in known.given.items():
            params[at] = _as(params[at], given[name])
        with connection.cursor() as cursor:
            cursor.execute(known.text, params)
            rows = cursor.fetchall()
        if known.converters:
            rows = known.compiler.apply_converters(rows, known.converters)
        return [tuple(row) for row in rows]


def _worked_out(question: Callable[..., QuerySet[Any]], given: Mapping[str, Given]) -> _Sql:
    marks = {name: _mark(value, at) for at, (name, value) in enumerate(given.items())}
    compiler = question(**marks).query.get_compiler(connection=connection)
    text, params = compiler.as_sql()
    names = {str(mark): name for name, mark in marks.items()}
    places = {at: names[str(param)] for at, param in enumerate(params) if str(param) in names}
    missing = marks.keys() - places.values()
    if missing:
        raise ValueError(f"{', '.join(sorted(missing))}: not among what the query asks with")
    columns = [column for column, *_ in compiler.select]
    return _Sql(text, params, places, compiler, compiler.get_converters(columns))


def _mark(value: Given, at: int) -> Given:
    return date.fromordinal(FIRST_DAY + at) if isinstance(value, date) else MARK + at


def _as(mark: Any, value: Given) -> Any:
    """The value in the form in which the database's driver takes it."""
    return value if isinstance(mark, date) else type(mark)(value)
