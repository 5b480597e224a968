"""Books in PostgreSQL: the rows as `COPY` writes them, read in one snapshot; the tables are made by our migrations.

So a backup needs no program of PostgreSQL's, goes from one version of it to another, and has no SQL in it that a
restore would run. Reading and replacing are each one transaction of the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from loantracker.backup.archive import BLOCK, TABLES, BackupError, Table

RECORDS = "django_migrations"
LOCK_PATIENCE = "10s"
HELD_FIRST = ["ledger_loan", "ledger_fundingaccount", "ledger_household"]


@contextmanager
def snapshot() -> Iterator[None]:
    """A transaction that sees the books as they are now, whatever is written meanwhile."""
    with transaction.atomic(durable=True):
        _say("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _take_time()
        yield


@contextmanager
def held() -> Iterator[None]:
    """A transaction in which nobody else reads or writes the books; OperationalError where others hold them long.

    Tables are held one after the other, those first with which a write of money begins: so it waits there, holding
    nothing that this waits for.
    """
    with transaction.atomic(durable=True):
        _take_time()
        _say(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
        if names := sorted(tables(), key=_place):
            _say(f"LOCK TABLE {_listed(names)} IN ACCESS EXCLUSIVE MODE")
        yield


def migrations() -> list[tuple[str, str]]:
    """What was applied to the books; none where there are no books."""
    return sorted(MigrationRecorder(connection).applied_migrations())


def tables() -> set[str]:
    """The tables of the books as far as they are migrated; those of other programs are none of them."""
    applied = set(migrations())
    loader = MigrationLoader(connection)
    if unknown := applied - set(loader.disk_migrations):
        raise BackupError(f"The books here are newer ({'.'.join(min(unknown))}). Update Loantracker first.")
    nodes = [node for node in loader.graph.nodes if node in applied]
    models = loader.project_state(nodes, at_end=True).apps.get_models(include_auto_created=True)
    made = {model._meta.db_table for model in models if model._meta.managed and not model._meta.proxy}
    there = set(connection.introspection.table_names())
    return (made | {RECORDS}) & there


def read(folder: Path) -> dict[str, Table]:
    """Write the rows of every table into a file of its name, and return how they are read back."""
    found = {}
    target = folder / TABLES
    target.mkdir(mode=0o700)
    for name in sorted(tables()):
        columns, numbered = _columns(name)
        written = f"COPY {_quote(name)} ({_listed(columns)}) TO STDOUT"
        with connection.cursor() as cursor, (target / name).open("wb") as file, cursor.copy(written) as rows:
            for block in rows:
                file.write(block)
        found[name] = Table(columns, {column: _next_number(name, column) for column in numbered})
    return found


def replace(folder: Path, found: dict[str, Table], applied: Iterable[tuple[str, str]]) -> None:
    """Let the books be those that `read` wrote, migrated to this version; within `held`."""
    _drop(tables())
    executor = MigrationExecutor(connection)
    executor.migrate(_last_of_each_app(executor.loader, set(applied)))
    made = tables()
    if made != set(found):
        raise BackupError(f"It does not hold the tables of its version ({min(made ^ set(found))}).")
    for name in made:  # what migrations wrote is in the file as well
        if _ask(f"SELECT EXISTS (SELECT FROM {_quote(name)})"):  # noqa: S608
            _say(f"DELETE FROM {_quote(name)}")  # noqa: S608
    _say("SET CONSTRAINTS ALL DEFERRED")  # migrations leave some of them immediate; tables come in any order
    with connection.wrap_database_errors:
        for name, table in found.items():
            _load(name, table, folder / TABLES / name)
    # Checks every reference now; a table with checks to come could not be altered.
    _say("SET CONSTRAINTS ALL IMMEDIATE")
    call_command("migrate", verbosity=0, interactive=False)


def _place(name: str) -> tuple[int, str]:
    """Where a table comes when all are held."""
    return HELD_FIRST.index(name) if name in HELD_FIRST else len(HELD_FIRST), name


def _last_of_each_app(loader: MigrationLoader, applied: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Where to migrate to, so that just `applied` (and what it rests on) is applied."""
    followed = {
        parent.key
        for key in applied
        if key in loader.graph.node_map
        for parent in loader.graph.node_map[key].parents
        if parent.key[0] == key[0]
    }
    return sorted(key for key in applied - followed if key in loader.graph.node_map)


def _drop(names: set[str]) -> None:
    """Take the tables away, and the functions their triggers call."""
    if not names:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgfoid::regprocedure::text FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgrelid = ANY(%s::regclass[])",
            [[_quote(name) for name in names]],
        )
        functions = [row[0] for row in cursor.fetchall()]
    _say(f"DROP TABLE {_listed(names)} CASCADE")
    for function in functions:
        _say(f"DROP FUNCTION {function}")


def _load(name: str, table: Table, file: Path) -> None:
    columns, numbered = _columns(name)
    if set(columns) != set(table.columns) or set(numbered) != set(table.next_numbers):
        raise BackupError(f"It does not hold the columns of its version ({name}).")
    read = f"COPY {_quote(name)} ({_listed(table.columns)}) FROM STDIN"
    with connection.cursor() as cursor, file.open("rb") as source, cursor.copy(read) as rows:
        while block := source.read(BLOCK):
            rows.write(block)
    for column, number in table.next_numbers.items():
        _ask(f"SELECT setval({_sequence(name, column)}, %s, false)", int(number))


def _columns(name: str) -> tuple[list[str], list[str]]:
    """The columns that are written, and those of them that are numbered by the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, is_identity = 'YES' OR coalesce(column_default, '') LIKE 'nextval(%%'"
            " FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER'"
            " ORDER BY ordinal_position",
            [name],
        )
        rows = cursor.fetchall()
    return [column for column, _ in rows], [column for column, numbered in rows if numbered]


def _next_number(name: str, column: str) -> int:
    sequence = _ask(f"SELECT {_sequence(name, column)}")
    return int(_ask(f"SELECT last_value + is_called::int FROM {sequence}"))  # noqa: S608, our own table's


def _sequence(name: str, column: str) -> str:
    return f"pg_get_serial_sequence('{_quote(name)}', '{column}')"


def _take_time() -> None:
    """The limits for pages and tasks are not for reading or writing all there is."""
    _say("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")


def _say(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _ask(question: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question, values or None)
        row = cursor.fetchone()
    return row[0] if row else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_quote(name) for name in names)


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)
