"""Many rows in one statement: past the ORM, but not past the constraints of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

Row = Sequence[Any]

# The arrays that carry a column's new values to PostgreSQL, by what Django calls its type there.
_SENT_AS = {"varchar": "text"}


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """So many ids for new rows of a model, ascending, that no other row will get.

    To be called inside a transaction, and on facts only once their loans are locked: a fact recorded later must have
    the higher id. On SQLite they are the transaction's until it ends, since it alone writes.
    """
    if count <= 0:
        return []
    table, column = model._meta.db_table, _column(model, "id")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, column, count]
            )
            return sorted(id for (id,) in cursor.fetchall())
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
    first = (last[0] if last else 0) + 1
    return list(range(first, first + count))


def insert_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Add rows; `columns` names the fields (a foreign key by its `_id`), each row has their values in that order.

    Values are plain: aware moments, dates, whole numbers, texts, None. Fields left out get the database's own default,
    which no field of ours has, so name all that may not be null. Raises IntegrityError as a save would.
    """
    names = [_column(model, name) for name in columns]
    rows = list(rows)  # before COPY begins: none of them may ask the database anything while it lasts
    if connection.vendor == "postgresql":
        _copy(_quoted(model._meta.db_table), names, rows)
        return
    into = ", ".join(map(_quoted, names))
    sql = f"INSERT INTO {_quoted(model._meta.db_table)} ({into}) VALUES ({_marks(len(names))})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, _adapted(rows))


def update_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Change rows by their ids: each of `rows` is an id and the new values of `columns`; how many rows there were."""
    if connection.vendor == "postgresql":
        return _update_from_arrays(model, columns, list(rows))
    names = [_column(model, name) for name in columns]
    to = ", ".join(f"{_quoted(name)} = %s" for name in names)
    sql = f"UPDATE {_quoted(model._meta.db_table)} SET {to} WHERE {_quoted(_column(model, 'id'))} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, _adapted([*row[1:], row[0]] for row in rows))
        return int(cursor.rowcount)


def _update_from_arrays(model: type[models.Model], columns: Sequence[str], rows: list[Row]) -> int:
    """One UPDATE from one array a column: nothing is parsed or planned a second time, and no table is made for it."""
    if not rows:
        return 0
    names = [_column(model, name) for name in ("id", *columns)]
    types = [_type(model, name) for name in ("id", *columns)]
    to = ", ".join(f"{_quoted(name)} = new.{_quoted(name)}" for name in names[1:])
    arrays = ", ".join(f"%s::{type}[]" for type in types)
    table, aliases = _quoted(model._meta.db_table), ", ".join(map(_quoted, names))
    sql = (
        f"UPDATE {table} SET {to} FROM unnest({arrays}) AS new ({aliases}) "  # noqa: S608
        f"WHERE {table}.{_quoted(names[0])} = new.{_quoted(names[0])}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(values) for values in zip(*rows, strict=True)])
        return int(cursor.rowcount)


def _copy(table: str, names: Sequence[str], rows: list[Row]) -> None:
    into = ", ".join(map(_quoted, names))
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.cursor.copy(f"COPY {table} ({into}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _type(model: type[models.Model], name: str) -> str:
    """What PostgreSQL casts the values of a field to."""
    field = model._meta.get_field(name)
    if isinstance(field, models.ForeignKey):
        field = field.target_field
    kind = str(field.rel_db_type(connection) if isinstance(field, models.AutoField) else field.db_type(connection))
    return _SENT_AS.get(kind.partition("(")[0], kind)


def _column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    column = getattr(field, "column", None)
    assert column, f"{model.__name__}.{name} is no column"
    return str(column)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _marks(count: int) -> str:
    return ", ".join(["%s"] * count)


def _adapted(rows: Iterable[Row]) -> list[list[Any]]:
    """Values as SQLite keeps them: moments in UTC without a zone, as Django writes them."""
    adapt = connection.ops.adapt_datetimefield_value
    return [[adapt(value) if isinstance(value, datetime) else value for value in row] for row in rows]
