"""Several yes-or-no questions to the database as one."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import QuerySet


def any_of(*questions: QuerySet[Any]) -> tuple[bool, ...]:
    """Of each query whether it finds anything, in a single query."""
    asked = [question.order_by().values("pk")[:1].query.sql_with_params() for question in questions]
    found = ", ".join(f"EXISTS ({sql})" for sql, _params in asked)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {found}", [param for _sql, params in asked for param in params])
        return tuple(map(bool, cursor.fetchone()))
