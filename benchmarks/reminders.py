"""How many bills a second the reminders of which are planned, against a plain INSERT of the same rows in this run.

Run it from the project's root: python -m benchmarks.reminders [--bills N]
On SQLite it makes a database of its own in a temporary folder (10,000 bills). On PostgreSQL it uses the empty database
of DATABASE_URL (1,000,000 bills): .ci/postgres .venv/bin/python -m benchmarks.reminders --database postgresql
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import inf
from pathlib import Path

import django

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
parser.add_argument("--bills", type=int)
OPTIONS = parser.parse_args()
FOLDER = tempfile.TemporaryDirectory(prefix="loantracker-benchmark-")
os.environ |= {"LOANTRACKER_VAR": FOLDER.name, "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "loantracker.settings"}
if OPTIONS.database == "sqlite":
    os.environ["DATABASE_URL"] = ""
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from benchmarks.debits_due import load  # noqa: E402
from reminders.models import LoanWatch, Reminder  # noqa: E402
from reminders.services import occasions  # noqa: E402
from reminders.services.planning import plan  # noqa: E402
from reminders.services.step_planning import plan_steps  # noqa: E402

# Every bill is payable on 10 March. Noon in Shanghai of the day before its T-3 comes into sight, of that day, and of
# a day on which nothing does.
FIRST_LOOK = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
USUAL_DAY = datetime(2026, 3, 6, 4, 0, tzinfo=UTC)
QUIET_MINUTE = datetime(2026, 3, 6, 4, 1, tzinfo=UTC)


def main() -> None:
    call_command("migrate", verbosity=0)
    bills = OPTIONS.bills or (1_000_000 if connection.vendor == "postgresql" else 10_000)
    print(f"{connection.vendor}: loading {bills:,} bills that come into sight", flush=True)
    load(bills)
    planning(bills)
    # The part that sends what was planned belongs here.


def planning(bills: int) -> None:
    """All bills planned for the first time, again on a day on which a step of each comes into sight, and the rows of
    that day put in by plain SQL."""
    before = _peak_memory()
    first = planned("never planned before", FIRST_LOOK, bills)
    usual = planned("a step comes into sight", USUAL_DAY, bills)
    print(f"    peak memory {before:,.0f} MB before, {_peak_memory():,.0f} MB after")
    plain = plain_insert(bills)
    print(f"planning against a plain INSERT: {first / plain:.0%} the first time, {usual / plain:.0%} on a usual day")
    quiet_minute()


def planned(what: str, now: datetime, bills: int) -> float:
    """Every bill planned at `now` by one process; the bills a second of processor time, the database's share of it
    included, which does not depend on what else the machine is at."""
    _tidy()
    started, ours, theirs = time.perf_counter(), time.process_time(), _database_time()
    written = plan_steps(now, lasts=inf)
    took, ours, theirs = time.perf_counter() - started, time.process_time() - ours, _database_time() - theirs
    assert Reminder.objects.filter(created_at=now).values("bill").distinct().count() == written == bills
    rate = bills / (ours + theirs)
    print(f"{what}: {took:.2f} s, {bills / took:,.0f} bills/s; {rate:,.0f} bills/s of one core's time", flush=True)
    print(f"    {ours:.2f} s of it Python's, {theirs:.2f} s the database's")
    return rate


def plain_insert(bills: int) -> float:
    """The rows of a usual day once more, by one INSERT ... SELECT out of a copy, taken back afterwards."""
    table = Reminder._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(f"CREATE TEMP TABLE copied AS SELECT * FROM {table} WHERE created_at = %s", [_moment(USUAL_DAY)])
        cursor.execute(f"DELETE FROM {table} WHERE created_at = %s", [_moment(USUAL_DAY)])
        started, ours, theirs = time.perf_counter(), time.process_time(), _database_time()
        cursor.execute(f"INSERT INTO {table} SELECT * FROM copied")
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the foreign keys are looked up at the end
        took = time.perf_counter() - started
        rate = bills / (time.process_time() - ours + _database_time() - theirs)
        transaction.set_rollback(True)
    print(f"a plain INSERT of the same rows: {took:.2f} s, {rate:,.0f} bills/s of one core's time", flush=True)
    return rate


def quiet_minute() -> None:
    """What planning costs when there is nothing to plan: the occasions of the day are planned before."""
    while occasions.to_plan(QUIET_MINUTE).exists():
        occasions.plan_occasions(QUIET_MINUTE)
    _tidy()
    times = []
    with counted() as queries:
        for _ in range(5):
            started = time.perf_counter()
            assert plan(QUIET_MINUTE) == 0
            times.append(time.perf_counter() - started)
    print(f"nothing to plan: {min(times) * 1000:,.1f} ms, {len(queries) / len(times):g} query")


@contextmanager
def counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield seen


def _tidy() -> None:
    """What autovacuum does in the background."""
    with connection.cursor() as cursor:
        for model in (Reminder, LoanWatch):
            cursor.execute(f"VACUUM ANALYZE {model._meta.db_table}" if connection.vendor == "postgresql" else "ANALYZE")


def _database_time() -> float:
    """The processor time, in s, that the server has spent on this connection (Linux, on this machine); on SQLite it is
    part of our own."""
    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [process] = cursor.fetchone()
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _moment(moment: datetime) -> object:
    return connection.ops.adapt_datetimefield_value(moment)


def _peak_memory() -> float:
    """The most memory this process has had, in MB (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
