"""Guards: triggers by which the database itself refuses to change, delete or replace a row that is only ever added.

`AppendOnly` refuses it first; guards are for whoever does not ask the models: a console, another program, a slip of
ours. `migrate` takes them down where it has work to do (a migration may rewrite facts, and SQLite forgets the triggers
of a table it builds anew), and puts them up again whenever it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from django.apps import AppConfig, apps
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import receiver

from ledger.models.append_only import AppendOnly

_erasing: ContextVar[bool] = ContextVar("erasing", default=False)

Guards = dict[str, str]  # what makes each guard what it is, by its name


class Dialect(Protocol):
    """How one database says it."""

    def wanted(self, cursor: Any, table: str) -> Guards: ...
    def standing(self, cursor: Any, table: str) -> Guards: ...
    def put_up(self, cursor: Any, table: str, wanted: Guards) -> None: ...
    def take_down(self, cursor: Any, table: str, name: str) -> None: ...
    def allow_deleting(self, cursor: Any, allowed: bool) -> None: ...


class SQLite:
    """One trigger each for UPDATE, DELETE and INSERT: what REPLACE takes away fires no DELETE trigger, so an INSERT
    that would meet a row with its id or another of its unique values is refused before it does.

    Whether rows may be deleted is asked of a function that only our connections have; without it, DELETE is an error.
    """

    def wanted(self, cursor: Any, table: str) -> Guards:
        columns = [(row[1], bool(row[5])) for row in _rows(cursor, f"PRAGMA table_info({_quoted(table)})")]
        told = [
            (f"{table}_never_changed", "UPDATE", _is_a_change([name for name, _ in columns]), "changed"),
            (f"{table}_never_deleted", "DELETE", "NOT loantracker_erasing()", "deleted"),
            (f"{table}_never_replaced", "INSERT", self._meets_another(cursor, table, columns), "replaced"),
        ]
        return {
            name: f"CREATE TRIGGER {_quoted(name)} BEFORE {event} ON {_quoted(table)} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{table} rows are never {done}: add another'); END"
            for name, event, condition, done in told
        }

    def standing(self, cursor: Any, table: str) -> Guards:
        return dict(
            _rows(cursor, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", table)
        )

    def put_up(self, cursor: Any, table: str, wanted: Guards) -> None:
        for statement in wanted.values():
            cursor.execute(statement)

    def take_down(self, cursor: Any, table: str, name: str) -> None:
        cursor.execute(f"DROP TRIGGER IF EXISTS {_quoted(name)}")

    def allow_deleting(self, cursor: Any, allowed: bool) -> None:
        """Nothing to say: the function looks for itself."""

    def _meets_another(self, cursor: Any, table: str, columns: list[tuple[str, bool]]) -> str:
        """Whether a new row has the id of one that is there, or what a unique index holds to be there once."""
        once = [([name for name, is_key in columns if is_key], "")]
        for _, index, is_unique, *_ in _rows(cursor, f"PRAGMA index_list({_quoted(table)})"):
            if is_unique:
                names = [name for *_, name in _rows(cursor, f"PRAGMA index_info({_quoted(index)})")]
                [[made]] = _rows(cursor, "SELECT sql FROM sqlite_master WHERE name = %s", index)
                once.append((names, (made or "").partition(" WHERE ")[2]))
        return " OR ".join(_is_there(table, names, only_where) for names, only_where in once)


class PostgreSQL:
    """One row trigger for UPDATE and DELETE, one for TRUNCATE; both call the same function. Whether rows may be
    deleted is a setting of the transaction. An INSERT replaces nothing there."""

    FUNCTION = """
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(OLD) ? 'recorded_by_id' THEN
            IF OLD.recorded_by_id IS NOT NULL THEN
                OLD.recorded_by_id := NULL;
                IF OLD *= NEW THEN
                    RETURN NEW;
                END IF;
            END IF;
        END IF;
    ELSIF current_setting('loantracker.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% rows are never changed or deleted: add another', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
"""
    EVENTS = {"never_changed": "UPDATE OR DELETE ON {} FOR EACH ROW", "never_emptied": "TRUNCATE ON {}"}

    def wanted(self, cursor: Any, table: str) -> Guards:
        return {f"{table}_{name}": self.FUNCTION for name in self.EVENTS}

    def standing(self, cursor: Any, table: str) -> Guards:
        return dict(
            _rows(
                cursor,
                "SELECT tgname, prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
                "WHERE tgrelid = to_regclass(%s) AND NOT tgisinternal AND tgenabled IN ('O', 'A')",
                _quoted(table),
            )
        )

    def put_up(self, cursor: Any, table: str, wanted: Guards) -> None:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION ledger_only_added() RETURNS trigger LANGUAGE plpgsql AS "
            f"$function${self.FUNCTION}$function$"
        )
        for name, event in self.EVENTS.items():
            cursor.execute(
                f"CREATE TRIGGER {_quoted(f'{table}_{name}')} BEFORE {event.format(_quoted(table))} "
                "EXECUTE FUNCTION ledger_only_added()"
            )

    def take_down(self, cursor: Any, table: str, name: str) -> None:
        cursor.execute(f"DROP TRIGGER IF EXISTS {_quoted(name)} ON {_quoted(table)}")

    def allow_deleting(self, cursor: Any, allowed: bool) -> None:
        cursor.execute(f"SET LOCAL loantracker.erasing = '{'on' if allowed else 'off'}'")


DIALECTS: dict[str, Dialect] = {"sqlite": SQLite(), "postgresql": PostgreSQL()}


def _quoted(name: str) -> str:
    return f'"{name}"'


def _rows(cursor: Any, question: str, *parameters: str) -> list[Any]:
    cursor.execute(question, parameters or None)
    found: list[Any] = cursor.fetchall()
    return found


def _is_a_change(names: list[str]) -> str:
    """Whether an UPDATE does anything but forget who recorded the row, as deleting a user does."""
    if "recorded_by_id" not in names:
        return "TRUE"
    same = [f'OLD."{name}" IS NEW."{name}"' for name in names if name != "recorded_by_id"]
    return f"NOT (OLD.recorded_by_id IS NOT NULL AND NEW.recorded_by_id IS NULL AND {' AND '.join(same)})"


def _is_there(table: str, names: list[str], only_where: str) -> str:
    """Whether a row with the new one's values of `names` is there; an index may hold only some rows to that."""
    same = " AND ".join(f'"{name}" = NEW."{name}"' for name in names)
    if not only_where:
        return f'EXISTS (SELECT 1 FROM "{table}" WHERE {same})'  # noqa: S608, our own names
    new_is_held = re.sub(r'("\w+")', r"NEW.\1", only_where)
    return f'(({new_is_held}) AND EXISTS (SELECT 1 FROM "{table}" WHERE {same} AND ({only_where})))'  # noqa: S608


def guarded_tables(app: AppConfig | None = None) -> list[str]:
    """The tables whose rows are only ever added, of `app` or of all."""
    models = app.get_models() if app else apps.get_models()
    return sorted({model._meta.db_table for model in models if issubclass(model, AppendOnly)})


def unguarded(connection: BaseDatabaseWrapper, app: AppConfig | None = None) -> list[str]:
    """Those of `guarded_tables` that are there and lack a guard, or have one that is not as it should be."""
    dialect = DIALECTS[connection.vendor]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        return [
            table
            for table in guarded_tables(app)
            if table in there and not dialect.wanted(cursor, table).items() <= dialect.standing(cursor, table).items()
        ]


def put_up(connection: BaseDatabaseWrapper, app: AppConfig | None = None) -> None:
    """Give every table its guards, in one transaction; where all stand, only looks."""
    bare = unguarded(connection, app)
    if bare:
        with transaction.atomic(using=connection.alias):
            _take_down(connection, bare)
            with connection.cursor() as cursor:
                for table in bare:
                    dialect = DIALECTS[connection.vendor]
                    dialect.put_up(cursor, table, dialect.wanted(cursor, table))


def take_down(connection: BaseDatabaseWrapper, app: AppConfig | None = None) -> None:
    """Leave the tables without guards, for a migration."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    with transaction.atomic(using=connection.alias):
        _take_down(connection, [table for table in guarded_tables(app) if table in there])


def _take_down(connection: BaseDatabaseWrapper, tables: list[str]) -> None:
    dialect = DIALECTS[connection.vendor]
    with connection.cursor() as cursor:
        for table in tables:
            for name in dialect.wanted(cursor, table):
                dialect.take_down(cursor, table, name)


@contextmanager
def deleting_allowed(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Within a transaction: this connection may delete guarded rows until the block ends. None may be changed."""
    dialect = DIALECTS[connection.vendor]
    token = _erasing.set(True)
    try:
        with connection.cursor() as cursor:
            dialect.allow_deleting(cursor, True)
        yield
        with connection.cursor() as cursor:
            dialect.allow_deleting(cursor, False)  # after an error the rollback takes the setting back
    finally:
        _erasing.reset(token)


@receiver(connection_created)
def _tell_whether_erasing(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function("loantracker_erasing", 0, _erasing.get)


@receiver(pre_migrate)
def _make_way(sender: AppConfig, using: str, plan: Iterable[Any] = (), **_: Any) -> None:
    if any(migration.app_label == sender.label for migration, _backwards in plan):
        take_down(connections[using], sender)


@receiver(post_migrate)
def _guard_again(sender: AppConfig, using: str, **_: Any) -> None:
    put_up(connections[using], sender)
