"""Writing past everything that guards the books, and telling whether what is recorded has stayed as it was."""

from __future__ import annotations

from typing import Any

from django.db import connection

from ledger.models import guards

Rows = dict[str, dict[int, Any]]  # by table, then by id: all columns


def recorded() -> Rows:
    """Every row that is only ever added, as the database holds it."""
    held: Rows = {}
    with connection.cursor() as cursor:
        for table in guards.guarded_tables():
            cursor.execute(f"SELECT id, {table}.* FROM {table} ORDER BY id")
            held[table] = {row[0]: row[1:] for row in cursor.fetchall()}
    return held


def kept(before: Rows) -> bool:
    """Whether every row recorded `before` is still there, the same in each column; others may have been added."""
    now = recorded()
    return all(repr(now[table].get(pk)) == repr(row) for table, rows in before.items() for pk, row in rows.items())


def tamper(statement: str, *parameters: object) -> None:
    """Run SQL while the guards are down, as somebody who may do everything to the database could."""
    guards.take_down(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    guards.put_up(connection)
