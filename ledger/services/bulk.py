"""Many rows in one statement: past the ORM, but not past the constraints of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection, models

Row = Sequence[Any]


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """So many ids for new rows of a model, ascending, that no other row will get.

    To be called inside a transaction, and on facts only once their loans are locked: a fact recorded later must have
    the higher id. On SQLite they are the transaction's until it ends, since it alone writes.
    """
    if count <= 0:
        return []
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return sorted(id for (id,) in cursor.fetchall())
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
    first = (last[0] if last else 0) + 1
    return list(range(first, first + count))


@dataclass(frozen=True)
class Staged:
    """A table of the connection's own, empty between transactions: rows go in by one statement, and from there into the
    tables of models. `columns` are SQL types by name, as PostgreSQL calls them.

    Without an index on purpose: so it is walked row by row, and the tables of the models are looked up by their ids.
    """

    name: str
    columns: Mapping[str, str]

    @contextmanager
    def holding(self, rows: Sequence[Row]) -> Iterator[Staged]:
        """The table with these rows, inside a transaction; their values in the order of the columns are plain:
        dates, whole numbers, texts, None; moments as `as_stored` gives them."""
        types = ", ".join(f"{name} {type}" for name, type in self.columns.items())
        with connection.cursor() as cursor:
            # What is only deleted stays in the file, and PostgreSQL would plan for all of it: it is cut off at the end.
            end = "ON COMMIT DELETE ROWS" if connection.vendor == "postgresql" else ""
            cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {self.name} ({types}) {end}")
            if connection.vendor == "postgresql":
                with cursor.cursor.copy(f"COPY {self.name} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * len(self.columns))
                sql = f"INSERT INTO {self.name} VALUES ({marks})"  # noqa: S608
                cursor.executemany(sql, rows)
        yield self
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self.name}")  # noqa: S608

    def insert(
        self, model: type[models.Model], values: Mapping[str, str], where: str, given: Mapping[str, Any]
    ) -> None:
        """Add a row of `model` for each staged one that `where` lets pass ("" all): SQL expressions by column.

        Columns left out get the database's own default, which no field of ours has, so name all that may not be null.
        Raises IntegrityError as a save would.
        """
        self._insert(model, values, where, given, "")

    def insert_new(self, model: type[models.Model], values: Mapping[str, str], given: Mapping[str, Any]) -> int:
        """As `insert`, but a row that a unique constraint keeps out is passed over; counts those that went in."""
        return self._insert(model, values, "", given, "ON CONFLICT DO NOTHING")

    def merge(self, model: type[models.Model], key: str, values: Mapping[str, str]) -> None:
        """Add a row of `model` for each staged one; where there is one with this `key` column, give it the values."""
        to = ", ".join(f"{name} = excluded.{name}" for name in values if name != key)
        self._insert(model, values, "", {}, f"ON CONFLICT ({key}) DO UPDATE SET {to}")

    def _insert(
        self, model: type[models.Model], values: Mapping[str, str], where: str, given: Mapping[str, Any], else_: str
    ) -> int:
        sql = (
            f"INSERT INTO {model._meta.db_table} ({', '.join(values)}) "  # noqa: S608
            f"SELECT {', '.join(values.values())} FROM {self.name} WHERE {where or 'TRUE'} {else_}"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, given)
            return int(cursor.rowcount)

    def update(
        self,
        model: type[models.Model],
        id: str,
        values: Mapping[str, str],
        where: str,
        given: Mapping[str, Any] | None = None,
        key: str = "id",
    ) -> int:
        """Change the rows of `model` whose `key` the staged column `id` names, where `where` lets pass; `new` is the
        staged row in `values` and `where`. Counts them."""
        table = model._meta.db_table
        to = ", ".join(f"{name} = {value}" for name, value in values.items())
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {to} FROM {self.name} AS new WHERE {table}.{key} = new.{id} AND {where}",  # noqa: S608
                given,
            )
            return int(cursor.rowcount)


@lru_cache(maxsize=1024)  # the debits of a chunk share few
def as_stored(moment: datetime | None) -> Any:
    """A moment as the database takes it: SQLite in UTC without a zone, as Django writes it."""
    return moment if moment is None else connection.ops.adapt_datetimefield_value(moment)
