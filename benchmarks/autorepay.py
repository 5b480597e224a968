"""How many due bills a second auto-repay pays, against one task a bill and against plain SQL, all in this run.

Run it from the project's root: python -m benchmarks.autorepay [--bills N]
On SQLite it makes a database of its own in a temporary folder (10,000 bills). On PostgreSQL it uses the empty database
of DATABASE_URL (1,000,000 bills): .ci/postgres .venv/bin/python -m benchmarks.autorepay --database postgresql
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
parser.add_argument("--bills", type=int)
parser.add_argument("--sample", type=int, default=2_000, help="bills paid one by one")
parser.add_argument("--check", type=int, help="loans compared with their facts at the end; all by default")
parser.add_argument("--without-indexes", action="store_true", help="the plain SQL again without each index in turn")
# A worker imports this file for its task, with a command line of its own.
WORKER = os.environ.get("BENCHMARK_WORKER", "")
OPTIONS = parser.parse_args(["--database", WORKER] if WORKER else None)
FOLDER = tempfile.TemporaryDirectory(prefix="loantracker-benchmark-")
if not WORKER:
    os.environ |= {"LOANTRACKER_VAR": FOLDER.name, "LOG_LEVEL": "ERROR"}
if OPTIONS.database == "sqlite":
    os.environ["DATABASE_URL"] = ""
os.environ["DJANGO_SETTINGS_MODULE"] = "loantracker.settings"
django.setup()

from celery import shared_task  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from benchmarks.debits_due import NOW, TODAY, load  # noqa: E402
from ledger.models import Fact, Loan  # noqa: E402
from ledger.services.autorepay import debit_bill, due_debits  # noqa: E402
from ledger.services.checking import find_problems  # noqa: E402
from ledger.services.heartbeat import LEDGER, finished, idle  # noqa: E402
from ledger.services.passing_days import FURTHEST_EAST  # noqa: E402
from ledger.tasks import tick  # noqa: E402
from loantracker.celery import app  # noqa: E402
from loantracker.launch.redis_server import start_private  # noqa: E402

OPENS = datetime(2026, 3, 10, 1, 30, tzinfo=UTC)  # the window of `load`
WARMING_LASTS = 14  # seconds for workers to start and tick
QUIET = datetime(2026, 3, 9, 5, 0, tzinfo=UTC)  # before any window opens

# What the plain SQL writes, table by table: the one place to change when a column joins. Everything comes from the
# temporary table `due` (one row a due bill) below.
INSERTED: dict[str, dict[str, str]] = {
    "ledger_fact": {
        "id": "fact_id",
        "household_id": "household_id",
        "loan_id": "loan_id",
        "kind": "'repayment'",
        "effective_on": "%(today)s",
        "recorded_at": "%(now)s",
        "key": "'auto:' || bill_id || ':1'",
        "fingerprint": "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'",
        "note": "''",
        "amount": "amount",
        "bill_number": "number",
        "component": "''",
        "apply_to": "'bill'",
        "source": "'auto'",
        "presumed": "FALSE",
        "account_id": "account_id",
        "effect": "''",
    },
    "ledger_autorepayattempt": {
        "household_id": "household_id",
        "mandate_id": "mandate_id",
        "bill_id": "bill_id",
        "number": "1",
        "debit_on": "%(today)s",
        "window_at": "window_at",
        "recorded_at": "%(now)s",
        "outcome": "'success'",
        "reason": "''",
        "account_id": "account_id",
        "requested": "amount",
        "debited": "amount",
        "missing": "0",
        "repayment_id": "fact_id",
    },
    "ledger_accountentry": {
        "household_id": "household_id",
        "account_id": "account_id",
        "fact_id": "fact_id",
        "amount": "-amount",
        "entry_on": "%(today)s",
        "booked_at": "%(now)s",
    },
    "ledger_allocation": {
        "loan_id": "loan_id",
        "repayment_id": "fact_id",
        "bill_id": "bill_id",
        "principal": "principal",
        "interest": "interest",
        "fee": "fee",
        "penalty": "penalty",
    },
}
UPDATED: dict[str, tuple[str, dict[str, str]]] = {
    "ledger_bill": (
        "bill_id",
        {
            "principal_paid": "principal_paid + due.principal",
            "interest_paid": "interest_paid + due.interest",
            "fee_paid": "fee_paid + due.fee",
            "penalty_paid": "penalty_paid + due.penalty",
            "settled_on": "%(today)s",
            "changes_after": "NULL",
        },
    ),
    "ledger_loan": (
        "loan_id",
        {
            "outstanding_principal": "outstanding_principal - due.principal",
            "open_total": "open_total - due.amount",
            "paid_total": "paid_total + due.amount",
            "interest_left": "interest_left - due.interest",
            "fee_left": "fee_left - due.fee",
            "projected_on": "%(today)s",
            "next_change_on": "due.changes_after",
            "version": "version + 1",
            "auto_repay_at": "due.next_debit_at",
        },
    ),
}
# Indexes Django makes for a foreign key that another index begins with, or that nothing of the product asks for.
NEEDLESS = [
    ("ledger_fact", "household_id"),  # (household, -id) and (household, key)
    ("ledger_fact", "loan_id"),  # (loan, effective_on, id)
    ("ledger_fact", "recorded_by_id"),
    ("ledger_fact", "account_id"),
    ("ledger_fact", "target_id"),  # the partial unique one of reversals; confirmations are read with their loan
    ("ledger_autorepayattempt", "household_id"),
    ("ledger_autorepayattempt", "bill_id"),  # (bill, number)
    ("ledger_accountentry", "household_id"),
    ("ledger_accountentry", "account_id"),  # (account, entry_on)
    ("ledger_allocation", "repayment_id"),  # (repayment, bill)
    ("ledger_bill", "loan_id"),  # (loan, number)
    ("ledger_loan", "household_id"),  # (household, key)
]
NEXT_DEBIT = {
    "sqlite": "datetime(following.payable_on, '+90 minutes')",
    "postgresql": "(following.payable_on + time '01:30') AT TIME ZONE 'UTC'",
}
DUE = """
CREATE TEMP TABLE due AS
SELECT row_number() OVER (ORDER BY bill.id) + (SELECT coalesce(max(id), 0) FROM ledger_fact) AS fact_id,
       loan.mandate_id, source.account_id, loan.auto_repay_at AS window_at,
       loan.id AS loan_id, loan.household_id, bill.id AS bill_id, bill.number, bill.changes_after,
       bill.principal_due - bill.principal_paid - bill.principal_waived AS principal,
       bill.interest_due - bill.interest_paid - bill.interest_waived AS interest,
       bill.fee_due - bill.fee_paid - bill.fee_waived AS fee,
       bill.penalty_due - bill.penalty_paid - bill.penalty_waived AS penalty,
       bill.principal_due - bill.principal_paid - bill.principal_waived
       + bill.interest_due - bill.interest_paid - bill.interest_waived
       + bill.fee_due - bill.fee_paid - bill.fee_waived
       + bill.penalty_due - bill.penalty_paid - bill.penalty_waived AS amount,
       {next_debit} AS next_debit_at
FROM ledger_loan AS loan
JOIN ledger_mandatesource AS source ON source.mandate_id = loan.mandate_id
JOIN ledger_bill AS bill ON bill.loan_id = loan.id AND bill.payable_on <= %(today)s
     AND bill.settled_on IS NULL AND bill.is_needed
LEFT JOIN ledger_bill AS following ON following.loan_id = loan.id AND following.number = bill.number + 1
WHERE loan.auto_repay_at <= %(now)s
ORDER BY bill.id
"""


def main() -> None:
    call_command("migrate", verbosity=0)
    bills = OPTIONS.bills or (1_000_000 if connection.vendor == "postgresql" else 10_000)
    print(f"{connection.vendor}: loading {bills:,} due bills", flush=True)
    load(bills)
    quiet_tick()
    plain = plain_sql(bills)
    if OPTIONS.without_indexes:
        each_index(bills)
    single = one_task_a_bill(bills)
    ranges = in_ranges()
    print(f"(c) against (a): {ranges / single:.0f} x; against (b): {ranges / plain:.0%}")


def quiet_tick() -> None:
    """What a tick costs when nothing is due."""
    times = []
    finished(LEDGER, QUIET)
    with counted() as queries:
        for _ in range(20):
            started = time.perf_counter()
            assert idle(QUIET, (QUIET + FURTHEST_EAST).date() - timedelta(days=1))
            times.append(time.perf_counter() - started)
    print(f"a tick with nothing due: {min(times) * 1000:.2f} ms, {len(queries) / len(times):g} queries")


@contextmanager
def counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield seen


# (b) Plain SQL


def plain_sql(bills: int, without: Sequence[str] = ()) -> float:
    """All due bills paid in one pass of set-based statements, taken back afterwards; the bills a second."""
    steps: dict[str, float] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 0")
        for name in without:
            cursor.execute(f'DROP INDEX "{name}"')
        for name, sql in statements():
            started = time.perf_counter()
            cursor.execute(sql, {"today": _day(), "now": _moment()})
            steps[name] = time.perf_counter() - started
            if name == "ledger_bill":
                assert cursor.rowcount == bills, (cursor.rowcount, bills)
        transaction.set_rollback(True)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for table in (*INSERTED, *UPDATED):
                cursor.execute(f"VACUUM {table}")
    total = sum(steps.values())
    if not without:
        print(f"(b) plain SQL: {total:.2f} s, {bills / total:,.0f} bills/s")
        for name, took in steps.items():
            print(f"    {name:26} {took:>8.2f} s {took / total:>6.0%}")
    return bills / total


def statements() -> Iterator[tuple[str, str]]:
    yield "due", DUE.format(next_debit=NEXT_DEBIT[connection.vendor])
    for table, columns in INSERTED.items():
        yield table, f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM due"
    if connection.vendor == "sqlite":
        yield "index on due", "CREATE INDEX temp.due_bill ON due (bill_id)"
    for table, (key, columns) in UPDATED.items():
        to = ", ".join(f"{name} = {value}" for name, value in columns.items())
        yield table, f"UPDATE {table} SET {to} FROM due WHERE due.{key} = {table}.id"
    if connection.vendor == "postgresql":
        yield "foreign keys", "SET CONSTRAINTS ALL IMMEDIATE"
    yield "done", "DROP TABLE due"


def _day() -> object:
    return TODAY.isoformat() if connection.vendor == "sqlite" else TODAY


def _moment() -> object:
    return connection.ops.adapt_datetimefield_value(NOW) if connection.vendor == "sqlite" else NOW


def each_index(bills: int) -> None:
    """The plain SQL without each index that no constraint needs, and without all that look needless."""
    with connection.cursor() as cursor:
        tables = [*INSERTED, *UPDATED]
        names = []
        for table in tables:
            for name, about in connection.introspection.get_constraints(cursor, table).items():
                if about["index"] and not about["unique"] and not about["primary_key"]:
                    names.append((table, name, about["columns"]))
    base = plain_sql(bills)
    for table, name, columns in names:
        rate = plain_sql(bills, [name])
        print(f"    without {table} ({', '.join(columns)}): {rate:,.0f} bills/s, {rate / base - 1:+.0%}", flush=True)
    needless = [name for table, name, columns in names if (table, *columns) in NEEDLESS]
    rate = plain_sql(bills, needless)
    print(f"    without these {len(needless)} needless ones: {rate:,.0f} bills/s, {rate / base - 1:+.0%}")


# (a) One task a bill


@shared_task(name="benchmarks.autorepay.pay_one")
def pay_one(loan: int) -> None:
    """One due bill, decided by itself through the services."""
    for debit in due_debits([Loan.objects.select_related("household", "mandate").get(pk=loan)], NOW):
        assert isinstance(debit_bill(debit, NOW), list)


def one_task_a_bill(bills: int) -> float:
    """A sample of due bills through Celery and Redis on two workers, one task each, and checked; the bills a second.
    The clock runs from the first task sent to the last bill paid."""
    loans = list(Loan.objects.to_debit(NOW).order_by("-pk")[: min(OPTIONS.sample, bills)])
    with workers(2) as peak:
        started = time.perf_counter()
        for loan in loans:
            pay_one.delay(loan.pk)
        while Fact.objects.filter(source="auto").count() < len(loans):
            time.sleep(0.1)
        took = time.perf_counter() - started
    problems = sum(1 for _ in find_problems(loans))
    rate = len(loans) / took
    print(f"(a) one task a bill: {took:.2f} s for {len(loans):,}, {rate:,.0f} bills/s", flush=True)
    print(f"    {problems} differences from the facts, peak memory of a worker {max(peak):,.0f} MB")
    return rate


# (c) The product's own ranges


def in_ranges() -> float:
    """All bills still due, paid by ticks and the ranges they hand out, on two workers; the bills a second. A tick is
    sent each SWEEP_SECONDS, as beat would; the clock runs from the first to the last bill paid. Everything is checked.
    """
    with workers(2) as peak:
        due = Loan.objects.to_debit(NOW).count()
        begun = time.perf_counter()
        next_tick = begun
        while Loan.objects.to_debit(NOW).exists():
            if time.perf_counter() >= next_tick:
                tick.delay()
                next_tick += 60
            time.sleep(0.01)
        took = time.perf_counter() - begun
    rate = due / took
    print(f"(c) in ranges: {took:.2f} s for {due:,}, {rate:,.0f} bills/s", flush=True)
    begun = time.perf_counter()
    loans = Loan.objects.order_by("?")[: OPTIONS.check] if OPTIONS.check else None
    problems = sum(1 for _ in find_problems(loans))
    print(f"    {problems} differences from the facts (checked in {time.perf_counter() - begun:.0f} s)")
    print(f"    peak memory of a worker {max(peak):,.0f} MB")
    return rate


@contextmanager
def workers(count: int) -> Iterator[list[float]]:
    """So many Celery workers of one process and one thread each, on a private Redis. As on any other day they have
    ticked with nothing to do before, when the window opens. The list they leave is the peak memory of each in MB."""
    server, redis = start_private(Path(FOLDER.name) / "redis")
    app.conf.broker_url = server.url
    command = [sys.executable, "-m", "celery", "--quiet", "--skip-checks", "-A", __spec__.name + ":app", "worker"]
    command += ["--pool=solo", "--without-gossip", "--without-mingle", "--loglevel=WARNING"]
    back = int((OPENS - timedelta(seconds=WARMING_LASTS) - datetime.now(UTC)).total_seconds())
    environment = os.environ | {"REDIS_URL": server.url, "BENCHMARK_WORKER": OPTIONS.database}
    environment["CLOCK_OFFSET_SECONDS"] = str(back)
    started = [subprocess.Popen([*command, f"--hostname=worker{number}"], env=environment) for number in range(count)]
    peak: list[float] = []
    try:
        time.sleep(WARMING_LASTS / 2)  # until they are up and wait
        for _ in range(4 * count):
            tick.delay()
        time.sleep(WARMING_LASTS / 2 + 2)
        yield peak
        peak += [_peak_memory(worker.pid) for worker in started]
    finally:
        for process in (*started, redis):
            process.kill()
            process.wait()


def _peak_memory(process: int) -> float:
    """The most memory a process has had, in MB (Linux)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
