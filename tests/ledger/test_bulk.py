"""Rows written many at a time: as the ORM would have written them, and checked by the database as ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from ledger.models import AccountEntry, Allocation, Bill, Fact, FundingAccount, Household, Loan, StatedBalance
from ledger.services.bulk import insert_rows, reserve_ids, update_rows
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]

MOMENT = datetime(2026, 3, 1, 4, 0, 0, 123_456, tzinfo=UTC)
STATED = ["id", "household_id", "account_id", "amount", "stated_on", "recorded_at", "recorded_by_id", "key"]


@pytest.fixture
def undone() -> Iterator[None]:
    """Takes back what a test wrote over the projection's head."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def statements(card: FundingAccount, *amounts: int) -> list[tuple[object, ...]]:
    """Rows for balances stated of an account, one for each amount, with ids of their own."""
    ids = reserve_ids(StatedBalance, len(amounts))
    return [
        (id, card.household_id, card.pk, amount, date(2026, 3, 1), MOMENT, None, f"balance {id}", "print")
        for id, amount in zip(ids, amounts, strict=True)
    ]


def test_rows_inserted_read_as_written(card: FundingAccount) -> None:
    with transaction.atomic():
        insert_rows(StatedBalance, [*STATED, "fingerprint"], statements(card, 5_000, -7))
    first, second = StatedBalance.objects.order_by("pk")
    assert (first.amount, first.stated_on, first.recorded_at, first.recorded_by) == (
        5_000, date(2026, 3, 1), MOMENT, None,
    )  # fmt: skip
    assert (second.amount, second.account, second.key) == (-7, card, f"balance {second.pk}")


def test_a_row_saved_afterwards_has_the_next_id(card: FundingAccount) -> None:
    with transaction.atomic():
        insert_rows(StatedBalance, [*STATED, "fingerprint"], statements(card, 1, 2, 3))
    last = StatedBalance.objects.order_by("-pk")[0]
    assert make.balance(card, 1, date(2026, 3, 1)).pk > last.pk


def test_reserved_ids_are_new_and_ascend(card: FundingAccount) -> None:
    make.balance(card, 1, date(2026, 3, 1))
    used = StatedBalance.objects.get().pk
    with transaction.atomic():
        ids = reserve_ids(StatedBalance, 3)
        assert reserve_ids(StatedBalance, 0) == []
    assert ids == sorted(set(ids))
    assert (len(ids), ids[0] > used) == (3, True)


def test_no_rows_are_no_rows(card: FundingAccount) -> None:
    insert_rows(StatedBalance, [*STATED, "fingerprint"], [])
    assert update_rows(Loan, ["credit"], []) == 0
    assert not StatedBalance.objects.exists()


def test_rows_come_from_a_generator_too(card: FundingAccount) -> None:
    def rows() -> Iterator[tuple[object, ...]]:
        yield from statements(card, 1, 2)

    with transaction.atomic():
        insert_rows(StatedBalance, [*STATED, "fingerprint"], rows())
    assert StatedBalance.objects.count() == 2


def test_update_changes_the_named_columns_of_the_named_rows(loan: Loan, undone: None) -> None:
    first, second, third = Bill.objects.filter(loan=loan, number__lte=3).order_by("number")
    columns = ["principal_paid", "settled_on", "changes_after", "is_needed"]
    changed = update_rows(
        Bill, columns, [(first.pk, 5, date(2026, 2, 10), None, True), (third.pk, 7, None, date(2026, 5, 1), False)]
    )
    assert changed == 2
    after = Bill.objects.filter(loan=loan, number__lte=3).order_by("number").values_list(*columns)
    assert list(after) == [
        (5, date(2026, 2, 10), None, True),
        (0, None, second.changes_after, True),
        (7, None, date(2026, 5, 1), False),
    ]


def test_update_of_texts_and_moments(loan: Loan) -> None:
    before = Loan.objects.get(pk=loan.pk)
    assert update_rows(Loan, ["name", "archived_at", "version"], [(loan.pk, "L'achat", MOMENT, 7)]) == 1
    after = Loan.objects.get(pk=loan.pk)
    assert (after.name, after.archived_at, after.version) == ("L'achat", MOMENT, 7)
    assert after.outstanding_principal == before.outstanding_principal


def test_a_row_that_is_not_there_is_not_counted(loan: Loan, undone: None) -> None:
    assert update_rows(Loan, ["version"], [(loan.pk, 1), (loan.pk + 1_000, 1)]) == 1


def test_the_database_refuses_what_it_always_refuses(home: Household, card: FundingAccount, loan: Loan) -> None:
    bill = Bill.objects.filter(loan=loan).first()
    assert bill is not None
    with pytest.raises(IntegrityError), transaction.atomic():  # more paid than asked
        update_rows(Bill, ["principal_paid"], [(bill.pk, bill.principal_due + 1)])
    rows = statements(card, 1)
    with pytest.raises(IntegrityError), transaction.atomic():  # the same key twice
        insert_rows(StatedBalance, [*STATED, "fingerprint"], [rows[0], (rows[0][0] + 1, *rows[0][1:])])
    entry = ["household_id", "account_id", "fact_id", "amount", "entry_on", "booked_at"]
    paid = make.repayment(loan, 100, date(2026, 3, 1))
    with pytest.raises(IntegrityError), transaction.atomic():  # an entry of nothing
        insert_rows(AccountEntry, entry, [(home.pk, card.pk, paid.pk, 0, date(2026, 3, 1), MOMENT)])
    columns = ["loan_id", "repayment_id", "bill_id", "principal", "interest", "fee", "penalty"]
    with transaction.atomic():
        insert_rows(Allocation, columns, [(loan.pk, paid.pk + 1_000, bill.pk, 1, 0, 0, 0)])
        with pytest.raises(IntegrityError):  # an allocation of no repayment
            connection.check_constraints()
        transaction.set_rollback(True)
    assert (StatedBalance.objects.count(), AccountEntry.objects.count(), Fact.objects.count()) == (0, 0, 1)
