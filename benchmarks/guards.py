"""What the guards cost: 100,000 facts inserted in one transaction with the guards up, as a ratio to the same without.

Run it from the project's root: python -m benchmarks.guards; on PostgreSQL: .ci/postgres python -m benchmarks.guards
It works on a database of its own, or on the empty one DATABASE_URL names.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import django

FOLDER = tempfile.TemporaryDirectory(prefix="loantracker-benchmark-")
os.environ |= {"LOANTRACKER_VAR": FOLDER.name, "DJANGO_SETTINGS_MODULE": "loantracker.settings"}
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from ledger.models import Fact, Household, Lender, Loan, guards  # noqa: E402

COUNT = 100_000
ROUNDS = 3
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def main() -> None:
    call_command("migrate", verbosity=0)
    home = Household.objects.create(name="Home", created_at=NOW)
    lender = Lender.objects.create(household=home, name="Bank")
    loan = Loan.objects.create(household=home, lender=lender, name="Car", currency="CNY", key="car", opened_at=NOW)
    print(f"{connection.vendor}, {COUNT:,} facts, best of {ROUNDS}")
    print(f"{'way':<28} {'without':>9} {'guarded':>9} {'ratio':>6}")
    for name, insert in WAYS.items():
        seconds: dict[bool, float] = {}
        for _ in range(ROUNDS):
            for guarded in (False, True):
                (guards.put_up if guarded else guards.take_down)(connection)
                seconds[guarded] = min(seconds.get(guarded, 1e9), timed(insert, loan))
        print(f"{name:<28} {seconds[False]:>7.2f} s {seconds[True]:>7.2f} s {seconds[True] / seconds[False]:>6.2f}")


def timed(insert: Callable[[Loan], None], loan: Loan) -> float:
    """Seconds until the rows are in; then they are taken back. SQLite works in this very process: its CPU time counts,
    whatever else the machine does."""
    clock = time.process_time if connection.vendor == "sqlite" else time.perf_counter
    with transaction.atomic():
        start = clock()
        insert(loan)
        taken = clock() - start
        assert Fact.objects.count() == COUNT
        transaction.set_rollback(True)
    return taken


def by_bulk_create(loan: Loan) -> None:
    Fact.objects.bulk_create(
        (
            Fact(
                household_id=loan.household_id,
                loan=loan,
                kind="repayment",
                effective_on=date(2026, 2, 10),
                recorded_at=NOW,
                key=f"auto:{number}:1",
                fingerprint="0" * 64,
                amount=number + 1,
                apply_to="bill",
                source="auto",
            )
            for number in range(COUNT)
        ),
        batch_size=1000,
    )


def by_one_statement(loan: Loan) -> None:
    """Rows the database makes by itself: the least an insert can cost, and so the most a guard can add."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_fact (household_id, loan_id, kind, effective_on, recorded_at, key, fingerprint, note, "
            "amount, component, apply_to, source, presumed, effect) "
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
            "SELECT %s, %s, 'repayment', '2026-02-10', '2026-03-01 04:00:00+00:00', 'auto:' || n || ':1', %s, '', "
            "n, '', 'bill', 'auto', FALSE, '' FROM numbers",
            [COUNT, loan.household_id, loan.pk, "0" * 64],
        )


WAYS = {"Django's bulk_create": by_bulk_create, "one INSERT ... SELECT": by_one_statement}

if __name__ == "__main__":
    main()
