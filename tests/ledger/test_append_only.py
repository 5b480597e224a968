"""What is recorded cannot be changed, deleted or replaced: by SQL, whoever sends it, or by deleting what it is of."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models, transaction
from django.test import TransactionTestCase

from ledger.models import (
    AccountEntry,
    AutoRepayAttempt,
    BenchmarkRate,
    Bill,
    Fact,
    Household,
    Loan,
    StatedBalance,
    TermsVersion,
    guards,
)
from ledger.models.append_only import AppendOnly
from ledger.services.benchmarks import record_rate
from ledger.services.debit_chunks import debit_due
from ledger.services.erasing import erase_household, erasing
from ledger.services.refusal import Refusal
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.ledger import debits
from tests.tampering import kept, recorded

pytestmark = [pytest.mark.django_db, pytest.mark.service]

TABLES = [
    *("ledger_accountentry", "ledger_autorepayattempt", "ledger_benchmarkrate", "ledger_fact"),
    *("ledger_paperwork", "ledger_statedbalance", "ledger_termsversion"),
]
COLUMNS = {
    model: ", ".join(field.column for field in model._meta.concrete_fields if not field.primary_key)
    for model in (AccountEntry, AutoRepayAttempt, Fact)
}


def books() -> Household:
    """Of every table some rows: two loans, of one a debit, a repayment, its undoing and a published rate."""
    owner = make.user()
    home = make.household(owner)
    card = make.account(home)
    make.balance(card, 10_000_000, date(2026, 1, 20), debits.JAN_20)
    loan = debits.loan_under_mandate(home, card)
    assert debit_due(make.at("2026-02-10")) == 1
    signed = make.recording(by=owner)
    other = make.loan(home, name="Bicycle")
    mine = make.repayment(other, 50_000, date(2026, 2, 12), account=card)
    reverse_fact(fact=mine, recording=signed)
    assert not isinstance(
        record_rate(
            household=home,
            series="CN-LPR-5Y",
            effective_on=date(2026, 2, 20),
            annual_rate=Decimal("0.034"),
            recording=make.recording(by=owner),
        ),
        Refusal,
    )
    make.document(other)
    assert loan.pk < other.pk
    assert all(rows for rows in recorded().values()), "each table has something to lose"
    return home


EVERYWHERE = [
    "UPDATE ledger_fact SET amount = amount + 1",
    "UPDATE ledger_fact SET amount = amount",
    "UPDATE ledger_fact SET effective_on = '2020-01-01'",
    "UPDATE ledger_fact SET recorded_at = '2020-01-01 00:00:00+00:00'",
    "UPDATE ledger_fact SET note = 'edited'",
    "UPDATE ledger_fact SET key = 'edited' || id",
    "UPDATE ledger_fact SET fingerprint = ''",
    "UPDATE ledger_fact SET presumed = NOT presumed",
    "UPDATE ledger_fact SET id = id + 1000000",
    "UPDATE ledger_fact SET loan_id = (SELECT max(id) FROM ledger_loan)",
    "UPDATE ledger_fact SET account_id = NULL",
    "UPDATE ledger_fact SET recorded_by_id = (SELECT max(id) FROM ledger_user)",
    "UPDATE ledger_fact SET recorded_by_id = NULL, note = 'edited'",
    "UPDATE ledger_fact SET recorded_by_id = NULL WHERE recorded_by_id IS NULL",
    "UPDATE ledger_fact SET amount = 1 FROM ledger_loan WHERE ledger_loan.id = ledger_fact.loan_id",
    "WITH few AS (SELECT id FROM ledger_fact) UPDATE ledger_fact SET amount = 1 WHERE id IN (SELECT id FROM few)",
    "WITH few AS (SELECT id FROM ledger_fact) DELETE FROM ledger_fact WHERE id IN (SELECT id FROM few)",
    "DELETE FROM ledger_fact WHERE kind = 'reversal'",
    "INSERT INTO ledger_fact SELECT * FROM ledger_fact WHERE TRUE ON CONFLICT (id) DO UPDATE SET amount = 1",
    f"INSERT INTO ledger_fact ({COLUMNS[Fact]}) SELECT {COLUMNS[Fact]} FROM ledger_fact WHERE TRUE "
    "ON CONFLICT (household_id, key) DO UPDATE SET note = 'edited'",
    "UPDATE ledger_accountentry SET amount = -1",
    "UPDATE ledger_autorepayattempt SET outcome = 'presumed'",
    "UPDATE ledger_benchmarkrate SET annual_rate = 0",
    "UPDATE ledger_paperwork SET deed = 'removed'",
    "UPDATE ledger_statedbalance SET amount = 0",
    "UPDATE ledger_termsversion SET annual_rate = 0",
    "UPDATE ledger_termsversion SET conventions = '{}'",
    *(f"DELETE FROM {table}" for table in TABLES),
]
ONLY = {
    "sqlite": [
        *(f"REPLACE INTO {table} SELECT * FROM {table}" for table in TABLES),
        *(  # a new id, and one of the other values that are there once
            f"INSERT OR REPLACE INTO {model._meta.db_table} ({columns}) SELECT {columns} FROM {model._meta.db_table}"
            for model, columns in COLUMNS.items()
        ),
        f"INSERT OR REPLACE INTO ledger_fact ({COLUMNS[Fact]}) "
        f"SELECT {COLUMNS[Fact].replace('key', 'key || 1', 1)} FROM ledger_fact WHERE kind = 'reversal'",
        f"INSERT OR REPLACE INTO ledger_autorepayattempt ({COLUMNS[AutoRepayAttempt]}) "
        f"SELECT {COLUMNS[AutoRepayAttempt].replace('number', 'number + 1')} FROM ledger_autorepayattempt",
        "REPLACE INTO ledger_fact SELECT * FROM (SELECT * FROM ledger_fact LIMIT 1)",
        "UPDATE OR REPLACE ledger_fact SET id = (SELECT max(id) FROM ledger_fact)",
        "UPDATE OR IGNORE ledger_fact SET note = 'edited'",
        "UPDATE ledger_fact SET rowid = rowid + 1000000",
        "UPDATE ledger_fact SET amount = CAST(amount AS BLOB)",
    ],
    "postgresql": [
        *(f"TRUNCATE {table} CASCADE" for table in TABLES),
        "TRUNCATE ledger_household CASCADE",
        "TRUNCATE ledger_loan RESTART IDENTITY CASCADE",
        "DELETE FROM ledger_fact USING ledger_loan WHERE ledger_loan.id = ledger_fact.loan_id",
        "WITH gone AS (DELETE FROM ledger_fact RETURNING id) SELECT count(*) FROM gone",
        "WITH new AS (UPDATE ledger_fact SET note = 'edited' RETURNING id) SELECT count(*) FROM new",
        "MERGE INTO ledger_fact USING ledger_loan ON ledger_loan.id = loan_id WHEN MATCHED THEN DELETE",
        "MERGE INTO ledger_fact USING ledger_loan ON ledger_loan.id = loan_id WHEN MATCHED THEN UPDATE SET amount = 1",
    ],
}
ATTEMPTS = EVERYWHERE + ONLY[connection.vendor]


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def home() -> Household:
    made = books()
    connection.check_constraints()  # now, not at the end of the transaction: PostgreSQL truncates nothing before that
    return made


@pytest.mark.parametrize("statement", ATTEMPTS)
def test_the_database_refuses(statement: str, home: Household) -> None:
    before = recorded()
    with pytest.raises(IntegrityError, match="rows are never"), transaction.atomic():
        sql(statement)
    assert recorded() == before


@contextmanager
def another_program() -> Iterator[Callable[[str], Any]]:
    """A plain client of the same database, each statement a transaction of its own."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        client: Any = sqlite3.connect(given["NAME"], isolation_level=None)
    else:
        psycopg = pytest.importorskip("psycopg")
        where = {"host": given["HOST"], "port": given["PORT"] or None, "password": given["PASSWORD"] or None}
        client = psycopg.connect(dbname=given["NAME"], user=given["USER"], autocommit=True, **where)
    with closing(client):
        yield client.execute


@pytest.mark.django_db(transaction=True)
def test_another_program_is_refused_as_well() -> None:
    books()
    before = recorded()
    went_through, said = [], set()
    with another_program() as execute:
        for statement in ATTEMPTS:
            try:
                execute(statement)
            except Exception as error:
                said.add(str(error).split("\n")[0])
            else:
                went_through.append(statement)
    assert went_through == []
    assert {text for text in said if "rows are never" not in text} <= {"no such function: loantracker_erasing"}
    assert recorded() == before


WAYS_AROUND: dict[str, Callable[[Household], object]] = {
    "deleting a loan": lambda home: home.loans.first().delete(),
    "deleting all loans": lambda home: Loan.objects.all().delete(),
    "deleting the household": lambda home: home.delete(),
    "deleting all households": lambda home: Household.objects.all().delete(),
    "deleting a bill that was tried": lambda home: Bill.objects.filter(attempts__isnull=False).delete(),
    "saving past the model": lambda home: models.Model.save_base(_edited(Fact.objects.first()), force_update=True),
    "deleting past the model": lambda home: models.Model.delete(BenchmarkRate.objects.first()),
    "a manager that does not know": lambda home: StatedBalance._base_manager.update(amount=0),
    "a bulk update": lambda home: Fact._base_manager.bulk_update([_edited(Fact.objects.first())], ["note"]),
    "a raw delete": lambda home: TermsVersion._base_manager.all()._raw_delete("default"),
}


def _edited(fact: Fact) -> Fact:
    fact.note = "edited"
    return fact


@pytest.mark.parametrize("way", WAYS_AROUND)
def test_there_is_no_way_around_the_models(way: str, home: Household) -> None:
    before = recorded()
    with pytest.raises(IntegrityError, match=r"rows are never|restricted foreign key"), transaction.atomic():
        WAYS_AROUND[way](home)
    assert recorded() == before


def test_reversing_twice_is_one_reversal(home: Household) -> None:
    paid = make.repayment(home.loans.get(name="Bicycle"), 1_000, date(2026, 2, 20))
    before = recorded()
    results = [reverse_fact(fact=paid, recording=make.recording()) for _ in range(2)]
    assert [getattr(result, "code", "recorded") for result in results] == ["recorded", "already_reversed"]
    assert Fact.objects.filter(target=paid).count() == 1
    assert kept(before)


def test_a_repeated_key_is_refused_as_ever(home: Household) -> None:
    """The loser of a race gets the error that recording takes for "look who was first"."""
    first = Fact.objects.first()
    again = Fact(household=first.household, loan=first.loan, kind="extension", count=1, key=first.key)
    again.effective_on, again.recorded_at = first.effective_on, first.recorded_at
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()


def test_what_is_there_once_only_among_some_rows_is_no_hindrance(home: Household) -> None:
    """A fact is reversed once; it may be confirmed although it has been reversed."""
    reversal = Fact.objects.get(kind="reversal")
    row = {"household": home, "loan": reversal.loan, "kind": "confirmation", "target": reversal.target}
    Fact(**row, effective_on=reversal.effective_on, recorded_at=make.NOW, key=make.unique()).save()
    assert Fact.objects.filter(target=reversal.target).count() == 2


def test_deleting_a_user_forgets_who_recorded_and_nothing_else(home: Household) -> None:
    owner = home.members.get()
    number = owner.pk
    before = recorded()
    assert Fact.objects.filter(recorded_by=owner).exists()
    owner.delete()
    after = recorded()
    forgotten = [
        (was, now)
        for table, rows in before.items()
        for pk, row in rows.items()
        for was, now in zip(row, after[table][pk], strict=True)
        if repr(was) != repr(now)
    ]
    assert forgotten == [(number, None)] * 2  # the reversal, the published rate
    assert not Fact.objects.filter(recorded_by__isnull=False).exists()


# ---- erasing a household


def test_a_household_is_erased_and_no_other(home: Household) -> None:
    books()
    others = [pk for pk in Household.objects.values_list("pk", flat=True) if pk != home.pk]
    theirs = {model: list(model.objects.filter(household__in=others).order_by("pk").values()) for model in only_added()}
    erase_household(household=home)
    assert list(Household.objects.values_list("pk", flat=True)) == others
    assert {model: list(model.objects.order_by("pk").values()) for model in only_added()} == theirs


@pytest.mark.parametrize("statement", [one for one in ATTEMPTS if not one.startswith(("DELETE", "TRUNCATE"))])
def test_nothing_is_changed_while_erasing_either(statement: str, home: Household) -> None:
    if "DELETE" in statement:
        return
    before = recorded()
    with pytest.raises(IntegrityError, match="rows are never"), erasing():
        sql(statement)
    assert recorded() == before


def test_after_erasing_the_rest_of_the_transaction_deletes_nothing(home: Household) -> None:
    with erasing():
        BenchmarkRate._base_manager.all().delete()
    with pytest.raises(IntegrityError, match="rows are never"), transaction.atomic():
        sql("DELETE FROM ledger_fact")
    assert (BenchmarkRate.objects.count(), Fact.objects.count()) == (0, 3)


def test_an_erasure_that_breaks_off_erases_nothing_and_leaves_nothing_open(home: Household) -> None:
    before = recorded()

    def breaks_off() -> None:
        with erasing():
            sql("DELETE FROM ledger_accountentry")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks_off()
    with pytest.raises(IntegrityError, match="rows are never"), transaction.atomic():
        sql("DELETE FROM ledger_accountentry")
    assert recorded() == before


@pytest.mark.django_db(transaction=True)
def test_all_tables_are_emptied_in_an_erasure_only() -> None:
    books()
    before = recorded()
    with pytest.raises(CommandError, match="couldn't be flushed"):
        call_command("flush", interactive=False, verbosity=0)
    assert recorded() == before
    TransactionTestCase("__init__")._fixture_teardown()  # as after every test with transactions of its own
    assert recorded() == {table: {} for table in TABLES}
    assert (Household.objects.count(), guards.unguarded(connection)) == (0, [])


# ---- the guards themselves


def only_added() -> list[Any]:
    return [model for model in apps.get_models() if issubclass(model, AppendOnly) and not model._meta.proxy]


def triggers() -> set[tuple[str, str]]:
    """(table, trigger) of what the database does by itself."""
    asked = {
        "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE NOT tgisinternal",
    }
    with connection.cursor() as cursor:
        cursor.execute(asked[connection.vendor])
        return set(cursor.fetchall())


def test_every_table_that_is_only_added_to_has_its_guards() -> None:
    """A model that derives from AppendOnly is guarded by that alone; the list above shall name it as well."""
    assert sorted(model._meta.db_table for model in only_added()) == guards.guarded_tables() == TABLES
    kinds = {
        "sqlite": ["never_changed", "never_deleted", "never_replaced"],
        "postgresql": ["never_changed", "never_emptied"],
    }[connection.vendor]
    assert triggers() == {(table, f"{table}_{kind}") for table in TABLES for kind in kinds}
    assert guards.unguarded(connection) == []


WEAKENED = {
    "sqlite": [
        "DROP TRIGGER ledger_fact_never_deleted",
        "DROP TRIGGER ledger_fact_never_changed; CREATE TRIGGER ledger_fact_never_changed "
        "BEFORE UPDATE ON ledger_fact WHEN FALSE BEGIN SELECT 1; END",
        "ALTER TABLE ledger_fact ADD COLUMN extra integer NULL",  # which the guard against changes does not know
    ],
    "postgresql": [
        "DROP TRIGGER ledger_fact_never_emptied ON ledger_fact",
        "ALTER TABLE ledger_fact DISABLE TRIGGER ledger_fact_never_changed",
    ],
}


@pytest.mark.parametrize("statement", WEAKENED[connection.vendor])
def test_a_guard_that_is_missing_or_weakened_is_named_and_put_up_again(
    statement: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in statement.split("; CREATE"):
        sql(one if one.startswith(("DROP", "ALTER")) else f"CREATE{one}")
    assert guards.unguarded(connection) == ["ledger_fact"]
    with pytest.raises(SystemExit) as end:
        call_command("check_ledger")
    assert (end.value.code, "ledger_fact: its rows could be changed" in capsys.readouterr().err) == (1, True)
    call_command("migrate", verbosity=0)
    assert guards.unguarded(connection) == []
    call_command("check_ledger")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's guards call no function of the database")
def test_a_guard_whose_function_was_weakened_is_named(home: Household) -> None:
    sql("CREATE OR REPLACE FUNCTION ledger_only_added() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    assert guards.unguarded(connection) == TABLES
    guards.put_up(connection)
    assert guards.unguarded(connection) == []


@contextmanager
def table_altered() -> Iterator[None]:
    """A column of stated balances is made wider and one is added, then both are taken back."""
    old = StatedBalance._meta.get_field("fingerprint")
    wider = models.CharField(max_length=65)
    wider.set_attributes_from_name("fingerprint")
    extra = models.IntegerField(null=True)
    extra.set_attributes_from_name("extra")
    with connection.schema_editor() as editor:
        editor.alter_field(StatedBalance, old, wider)
        editor.add_field(StatedBalance, extra)
    try:
        yield
    finally:
        guards.take_down(connection)
        with connection.schema_editor() as editor:
            editor.remove_field(StatedBalance, extra)
            editor.alter_field(StatedBalance, wider, old)
        guards.put_up(connection)


@pytest.mark.django_db(transaction=True)
def test_a_table_that_was_built_anew_is_guarded_again_when_migrate_ends() -> None:
    books()
    with table_altered():
        lost = {"sqlite": ["ledger_statedbalance"], "postgresql": []}[connection.vendor]
        assert guards.unguarded(connection) == lost
        call_command("migrate", verbosity=0)
        assert guards.unguarded(connection) == []
        for statement in ("UPDATE ledger_statedbalance SET extra = 1", "DELETE FROM ledger_statedbalance"):
            with pytest.raises(IntegrityError, match="rows are never"):
                sql(statement)
    assert guards.unguarded(connection) == []
    with pytest.raises(IntegrityError, match="rows are never"):
        sql("UPDATE ledger_statedbalance SET amount = 1")


@pytest.mark.parametrize("app, unguarded", [("ledger", TABLES), ("reminders", [])])
def test_guards_make_way_for_a_migration_of_their_own_tables(app: str, unguarded: list[str]) -> None:
    """A migration may rewrite rows: a new column filled, an old one converted."""
    planned = [(type("Planned", (), {"app_label": app, "name": "planned", "operations": []}), False)]
    for config in apps.get_app_configs():
        models.signals.pre_migrate.send(config, using="default", plan=planned)
    assert guards.unguarded(connection) == unguarded
    guards.put_up(connection)
