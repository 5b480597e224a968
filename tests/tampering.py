"""Writing past everything that guards the books, as somebody with the database's password and bad intentions could."""

from __future__ import annotations

from django.db import connection

from ledger.models import guards


def tamper(statement: str, *parameters: object) -> None:
    """Run SQL while the guards are down."""
    guards.take_down(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    guards.put_up(connection)
