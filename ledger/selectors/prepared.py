"""Questions put into SQL once, and planned once: a page asks the same ones each time, and working out their SQL takes
Django longer than the database takes to answer, as planning them takes PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from django.db.models.query import get_related_populators
from django.utils.module_loading import import_string

Given = int | str | date | datetime
# These stand for what is given, while the SQL is worked out.
MARK, WORD = 7 * 10**18, "\N{SYMBOL FOR SUBSTITUTE}"
FIRST_DAY, FIRST_MOMENT = date(9000, 1, 1), datetime(9000, 1, 1, tzinfo=UTC)
APART = 1000  # so that what a question works out of one is not taken for another


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
    """A query with whole numbers, texts, days and moments that are given by name; they may stand anywhere in it where
    a value can, but not decide how it is built. Thread-safe: at worst its SQL is worked out twice.

    PostgreSQL soon plans it for an average household. `is_wide` is for what reads all that a household has: it is
    planned each time, for it may be a household like no other."""

    def __init__(self, question: Callable[..., QuerySet[Any]], is_wide: bool = False) -> None:
        self.question, self.is_wide = question, is_wide
        self._known: dict[str, _Sql] = {}

    def __call__(self, **given: Given) -> list[tuple[Any, ...]]:
        """The rows of a `values_list`."""
        return [tuple(row) for row in self._rows(self._sql(given), given)]

    def objects(self, **given: Given) -> list[Any]:
        """The objects of the query, with what `select_related` and `annotate` add."""
        known = self._sql(given)
        compiler = known.compiler
        about, columns = compiler.klass_info, compiler.select
        first, last = about["select_fields"][0], about["select_fields"][-1] + 1
        names = [column.target.attname for column, *_ in columns[first:last]]
        related = get_related_populators(about, columns, connection.alias)  # type: ignore[call-arg]  # the stubs are later
        found = []
        for row in self._rows(known, given):
            one = about["model"].from_db(connection.alias, names, row[first:last])
            for populator in related:
                populator.populate(row, one)
            for name, at in compiler.annotation_col_map.items():
                setattr(one, name, row[at])
            found.append(one)
        return found

    def _sql(self, given: Mapping[str, Given]) -> _Sql:
        known = self._known.get(connection.vendor)
        if known is None:
            known = self._known[connection.vendor] = _worked_out(self.question, given)
        return known

    def _rows(self, known: _Sql, given: Mapping[str, Given]) -> list[Sequence[Any]]:
        params = list(known.params)
        for at, name in known.given.items():
            params[at] = _adapted(params[at], given[name])
        with connection.cursor() if self.is_wide else _preparing() as cursor:
            cursor.execute(known.text, params)
            rows: list[Sequence[Any]] = cursor.fetchall()
        return list(known.compiler.apply_converters(rows, known.converters)) if known.converters else rows


def _preparing() -> CursorWrapper:
    """A cursor that keeps the plans of its statements, where the database does."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    keeping = import_string("django.db.backends.postgresql.base.ServerBindingCursor")  # psycopg may not be installed
    made: CursorWrapper = connection._prepare_cursor(keeping(connection.connection))  # type: ignore[attr-defined]
    return made


def _worked_out(question: Callable[..., QuerySet[Any]], given: Mapping[str, Given]) -> _Sql:
    marks = {name: _mark(value, at) for at, (name, value) in enumerate(given.items())}
    compiler = question(**marks).query.get_compiler(connection=connection)
    text, params = compiler.as_sql()
    names = {str(_adapted(mark, mark)): name for name, mark in marks.items()}
    places = {at: names[str(param)] for at, param in enumerate(params) if str(param) in names}
    missing = marks.keys() - places.values()
    if missing:
        raise ValueError(f"{', '.join(sorted(missing))}: not among what the query asks with")
    columns = [column for column, *_ in compiler.select]
    return _Sql(text, params, places, compiler, compiler.get_converters(columns))


def _mark(value: Given, at: int) -> Given:
    if isinstance(value, str):
        return f"{WORD}{at}"
    if isinstance(value, datetime):
        return FIRST_MOMENT + timedelta(days=APART * at)
    return FIRST_DAY + timedelta(days=APART * at) if isinstance(value, date) else MARK + APART * at


def _adapted(mark: Any, value: Given) -> Any:
    """The value in the form in which the database's driver takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    return type(mark)(value)
