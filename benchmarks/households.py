"""Three households of 10, 100 and 1,000 loans, and a database full of bills of others.

Ten loans with 36 months behind them and twelve to come are made by the product's own services; all else is copied from
them by set-based SQL, the larger households with everything that was recorded, the others with loans and bills alone.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, models, transaction

from ledger.loanmath.dates import add_months
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.terms import LoanTerms, Method, PenaltyTerms
from ledger.models import (
    AccountEntry,
    Allocation,
    AutoRepayMandate,
    Bill,
    CreditLine,
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
from ledger.models.facts import Source
from ledger.services.accounts import state_balance
from ledger.services.households import create_household
from ledger.services.loans import Opened, open_loan
from ledger.services.mandates import authorize_mandate
from ledger.services.projection import refresh
from ledger.services.recording import Recorded, Recording
from ledger.services.repayments import record_repayment

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)  # noon of a Sunday in Shanghai
TODAY = date(2026, 3, 1)
LOANS = 10
BEHIND, AHEAD = 36, 12  # bills of a loan
SIZES = (10, 100, 1_000)
AT_ONCE = 500  # households copied by one statement

# In the order in which they refer to one another. Of a household there is one of the first, all of the second are
# copied with its loans.
OF_A_HOUSEHOLD: list[type[models.Model]] = [Household, Membership, Lender, CreditLine, FundingAccount, StatedBalance]
OF_ITS_LOANS: list[type[models.Model]] = [
    *(Loan, TermsVersion, Fact, AutoRepayMandate, Bill, Allocation, AccountEntry, MandateSource),
]
OF_OTHERS: list[type[models.Model]] = [Household, Lender, CreditLine, Loan, Bill]
UNIQUE = {(Fact, "key"), (Loan, "key"), (AutoRepayMandate, "key")}  # within a household


def load(others: int) -> dict[int, User]:
    """The owner of each household by its number of loans, and about `others` bills of other households."""
    started = time.perf_counter()
    owners = {LOANS: a_household()}
    strides = {model: _highest_id(model) for model in {*OF_A_HOUSEHOLD, *OF_ITS_LOANS}}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET session_replication_role = replica")  # copies refer to copies: no need to look each up
        with transaction.atomic():
            for nth, size in enumerate(SIZES[1:], start=1):
                owners[size] = _larger(cursor, strides, nth, size)
            a_copy = strides[Bill]
            _others(cursor, strides, -(-others // a_copy))
            for model in strides if connection.vendor == "postgresql" else ():
                table = model._meta.db_table
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = origin")
            cursor.execute("VACUUM ANALYZE")
    print(f"loaded {Bill.objects.count():,} bills in {time.perf_counter() - started:.0f} s", flush=True)
    return owners


def a_household() -> User:
    """Ten loans: one overdue, one with a debit to confirm, one paid late now and then, three under auto-repay from two
    accounts, of which one comes short within the month."""
    owner = User.objects.create_user("10@example.com", None)
    home = create_household(owner=owner, name="Home", time_zone="Asia/Shanghai", currency="CNY", now=NOW)
    for number in range(LOANS):
        _with_history(_opened(home, number), number)
    line = CreditLine.objects.create(
        household=home, lender=Lender.objects.get(name="Bank 0"), name="Reserve", currency="CNY", limit=5_000_000
    )
    Loan.objects.filter(lender=line.lender).update(credit_line=line)
    loans = list(Loan.objects.order_by("pk"))
    full, low = (
        FundingAccount.objects.create(household=home, name=name, last4=last4, currency="CNY")
        for name, last4 in (("Salary card", "1234"), ("Savings card", "5678"))
    )
    for account, amount in ((full, 10_000_000_000), (low, 10_000)):
        state_balance(account=account, amount=amount, stated_on=TODAY, recording=Recording(f"balance {account}", NOW))
    for number, account in ((1, full), (4, full), (7, low)):
        authorize_mandate(scope=loans[number], sources=[account], recording=Recording(f"mandate {number}", NOW))
    refresh(home, NOW)
    return owner


def _opened(home: Household, number: int) -> Loan:
    first = add_months(date(2026, 3, 2) + timedelta(days=3 * number), -BEHIND)
    terms = LoanTerms(
        currency="CNY",
        principal=1_200_000 + 100_000 * number,
        disbursed_on=add_months(first, -1),
        annual_rate=Decimal("0.12"),
        count=BEHIND + AHEAD,
        first_due_on=first,
        method=(Method.LEVEL, Method.EQUAL_PRINCIPAL)[number % 2],
        penalty=PenaltyTerms(annual_rate=Decimal("0.18") if number != 2 else Decimal(0)),
    )
    opened = open_loan(
        household=home,
        lender_name=f"Bank {number % 5}",
        name=f"Loan {number}",
        terms=terms,
        key=f"loan {number}",
        now=_noon(terms.disbursed_on),
    )
    assert isinstance(opened, Opened), opened
    return opened.loan


def _with_history(loan: Loan, number: int) -> None:
    """Every bill behind us paid on its day, but the last of the first loan; that of the second by a presumed debit."""
    for bill in Bill.objects.filter(loan=loan, number__lte=BEHIND).order_by("number"):
        is_last = bill.number == BEHIND
        if is_last and number == 0:
            return
        late = timedelta(days=5 if number == 2 and bill.number % 7 == 0 else 0)
        presumed = is_last and number == 1
        bill.refresh_from_db()
        done = record_repayment(
            loan=loan,
            amount=bill.open.total,
            paid_on=bill.payable_on + late,
            recording=Recording(f"{number}-{bill.number}", _noon(bill.payable_on + late)),
            apply_to=ApplyTo.BILL,
            bill_number=bill.number,
            source=Source.AUTO if presumed else Source.MANUAL,
            presumed=presumed,
        )
        assert isinstance(done, Recorded), done


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC)


def _larger(cursor: Any, strides: dict[type[models.Model], int], nth: int, size: int) -> User:
    """A household with the first one's loans several times over, and its own lenders and accounts."""
    owner = User.objects.create_user(f"{size}@example.com", None)
    first, last = sum(SIZES[1:nth]) // LOANS + 1, sum(SIZES[1 : nth + 1]) // LOANS
    steps = {model: f"{nth * strides[model]}" for model in OF_A_HOUSEHOLD}
    for model in OF_A_HOUSEHOLD:
        _copy(cursor, model, steps, 1, 1, {"user_id": str(owner.pk)})
    steps |= {model: f"n.n * {strides[model]}" for model in OF_ITS_LOANS}
    for model in OF_ITS_LOANS:
        _copy(cursor, model, steps, first, last)
    return owner


def _others(cursor: Any, strides: dict[type[models.Model], int], copies: int) -> None:
    """Other people's households: loans and bills, enough to be passed over."""
    begun = sum(SIZES) // LOANS + 1
    steps = {model: f"n.n * {strides[model]}" for model in OF_OTHERS}
    for model in OF_OTHERS:
        emptied = {"mandate_id": "NULL", "auto_repay_at": "NULL"} if model is Loan else {}
        with_indexes = _set_aside(cursor, model)
        for first in range(begun, begun + copies, AT_ONCE):
            _copy(cursor, model, steps, first, min(first + AT_ONCE, begun + copies) - 1, emptied)
        for definition in with_indexes:
            cursor.execute(definition)


def _set_aside(cursor: Any, model: type[models.Model]) -> list[str]:
    """PostgreSQL makes an index of all rows at once faster than row by row: what makes those that were dropped."""
    if connection.vendor != "postgresql":
        return []
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s "
        "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [model._meta.db_table],
    )
    made = cursor.fetchall()
    for name, _ in made:
        cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in made]


def _copy(
    cursor: Any,
    model: type[models.Model],
    steps: dict[type[models.Model], str],
    first: int,
    last: int,
    given: dict[str, str] | None = None,
) -> None:
    """Copy the first household's rows once for each n from `first` to `last`; `steps` says how far on each copy's ids
    and references lie, `given` what to write instead."""
    quoted, table = connection.ops.quote_name, model._meta.db_table
    columns, values = [], []
    for field in model._meta.concrete_fields:
        target = model if field.primary_key else field.related_model
        value = f"old.{quoted(field.column)}"
        if target in steps:
            value += f" + {steps[target]}"
        if (model, field.name) in UNIQUE:
            value += " || ' ' || n.n"
        columns.append(quoted(field.column))
        values.append((given or {}).get(field.column, value))
    cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS copied_{table} AS SELECT * FROM {quoted(table)}")
    cursor.execute(
        f"WITH RECURSIVE n(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n < {last}) "
        f"INSERT INTO {quoted(table)} ({', '.join(columns)}) SELECT {', '.join(values)} "
        f"FROM n CROSS JOIN copied_{table} AS old ORDER BY n.n, old.id"
    )


def _highest_id(model: type[models.Model]) -> int:
    return int(model._base_manager.aggregate(highest=models.Max("pk"))["highest"] or 0)
