"""A database full of debits that are due: one household made by the product's own services, and copies of it.

A household has ten loans of several kinds under mandates on one account, 12 bills each, some of them paid: about what
somebody who pays by installments keeps. The bill due today is the first to the fourth. A million due bills are
then 100,000 households with 12 million bills: too much for a small cache, little enough to load in minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, models, transaction

from ledger.loanmath.dates import add_months
from ledger.loanmath.debits import DebitRule
from ledger.loanmath.terms import LoanTerms, Method, PenaltyTerms
from ledger.models import (
    Allocation,
    AutoRepayMandate,
    Bill,
    Fact,
    FundingAccount,
    Household,
    Lender,
    Loan,
    MandateSource,
    Membership,
    StatedBalance,
    TermsVersion,
    User,
)
from ledger.services.accounts import state_balance
from ledger.services.households import create_household
from ledger.services.loans import Opened, open_loan
from ledger.services.mandates import Wishes, authorize_mandate
from ledger.services.recording import Recording

TODAY = date(2026, 3, 10)
YESTERDAY = datetime(2026, 3, 9, 4, 0, tzinfo=UTC)  # noon in Shanghai: the loans are opened and authorized
WINDOW = "09:30"
NOW = datetime(2026, 3, 10, 1, 31, tzinfo=UTC)  # a minute after the window, in Shanghai
LOANS = 10  # of a household
BILLS = 12  # of a loan
AT_ONCE = 5_000  # households copied by one statement

# Every table that has rows of a household, in the order in which they refer to one another. A new table under test is
# one more line here; new columns are copied by themselves.
COPIED: list[type[models.Model]] = [
    *(Household, Membership, Lender, FundingAccount, StatedBalance, Loan, TermsVersion, Fact, AutoRepayMandate, Bill),
    *(Allocation, MandateSource),
]


def load(due: int) -> None:
    """`due` bills due today, rounded up to whole households, in an empty database."""
    a_household()
    copies = -(-due // LOANS) - 1
    strides = {model: _highest_id(model) for model in COPIED}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET session_replication_role = replica")  # copies refer to copies: no need to look each up
        with transaction.atomic():  # loans and mandates refer to each other
            for model in COPIED:
                started = time.perf_counter()
                with _without_indexes(cursor, model):
                    _copy(cursor, model, strides, copies)
                table = model._meta.db_table
                print(f"  {table:26} {strides[model] * (copies + 1):>12,} rows {time.perf_counter() - started:>8.1f} s")
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = origin")
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")


@contextmanager
def _without_indexes(cursor: Any, model: type[models.Model]) -> Iterator[None]:
    """PostgreSQL makes an index of all rows at once faster than row by row."""
    made: list[tuple[str, str]] = []
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [model._meta.db_table],
        )
        made = cursor.fetchall()
    for name, _ in made:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _, definition in made:
        cursor.execute(definition)


def a_household() -> Household:
    user = User.objects.create_user("owner@example.com", None)
    home = create_household(owner=user, name="Home", time_zone="Asia/Shanghai", currency="CNY", now=YESTERDAY)
    card = FundingAccount.objects.create(household=home, name="Card", last4="1234", currency="CNY")
    state_balance(
        account=card, amount=100_000_000, stated_on=YESTERDAY.date(), recording=Recording("balance", YESTERDAY)
    )
    for number in range(LOANS):
        opened = open_loan(
            household=home,
            lender_name=f"Bank {number % 3}",
            name=f"Loan {number}",
            terms=agreement(number),
            key=f"loan {number}",
            now=YESTERDAY,
            paid_before=YESTERDAY.date(),
        )
        assert isinstance(opened, Opened), opened
        mandate = authorize_mandate(
            scope=opened.loan,
            sources=[card],
            recording=Recording(f"mandate {number}", YESTERDAY),
            wishes=Wishes(rule=DebitRule(windows=(WINDOW,))),
        )
        assert isinstance(mandate, AutoRepayMandate), mandate
    return home


def agreement(number: int) -> LoanTerms:
    """Loans of four methods, half of them with a penalty; up to three bills are paid already."""
    return LoanTerms(
        currency="CNY",
        principal=300_000 + 50_000 * number,
        disbursed_on=add_months(TODAY, -1 - number % 4),
        annual_rate=Decimal("0.12"),
        count=BILLS,
        first_due_on=add_months(TODAY, -(number % 4)),
        method=[Method.LEVEL, Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.FLAT, Method.INTEREST_ONLY][number % 5],
        flat_fee=12_000 if number % 5 == 3 else 0,
        penalty=PenaltyTerms(annual_rate=Decimal("0.18") if number % 2 else Decimal(0)),
    )


def _highest_id(model: type[models.Model]) -> int:
    return int(model._base_manager.aggregate(highest=models.Max("pk"))["highest"] or 0)


def _copy(cursor: Any, model: type[models.Model], strides: dict[type[models.Model], int], copies: int) -> None:
    """Copy the rows there are, `copies` times, each copy's ids and references moved on by a whole household."""
    quoted, table = connection.ops.quote_name, model._meta.db_table
    columns, values = [], []
    for field in model._meta.concrete_fields:
        target = model if field.primary_key else field.related_model
        stride = strides.get(target, 0)  # users are not copied
        columns.append(quoted(field.column))
        values.append(f"old.{quoted(field.column)}" + (f" + n.n * {stride}" if stride else ""))
    run = cursor.execute
    run(f"CREATE TEMP TABLE household_1 AS SELECT * FROM {quoted(table)}")
    for first in range(1, copies + 1, AT_ONCE):
        last = min(first + AT_ONCE - 1, copies)
        run(
            f"WITH RECURSIVE n(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n < {last}) "
            f"INSERT INTO {quoted(table)} ({', '.join(columns)}) SELECT {', '.join(values)} "
            f"FROM n CROSS JOIN household_1 AS old ORDER BY n.n, old.id"
        )
    run("DROP TABLE household_1")
    if connection.vendor == "postgresql":
        run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {quoted(table)}))")
