"""Not doing what somebody else is just doing: only to save work, never for what must be right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection

AUTO_REPAY = 1  # the first of the two numbers by which PostgreSQL knows a lock that anybody may take


@contextmanager
def alone_with(household: int) -> Iterator[bool]:
    """Whether nobody else is doing the debits of a household just now, and nobody will until this is over.

    Kept by PostgreSQL for the connection, so it ends with a worker that dies; a pooler in between has to keep a
    connection for as long (PgBouncer: session mode). On SQLite, where one process writes at a time, it is always so.
    """
    if connection.vendor != "postgresql":
        yield True
        return
    key = [AUTO_REPAY, household % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with suppress(DatabaseError), connection.cursor() as cursor:  # a connection that was lost has let go
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)
