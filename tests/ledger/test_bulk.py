"""Rows written many at a time: as the ORM would have written them, and checked by the database as ever."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from ledger.models import Bill, FundingAccount, Loan, StatedBalance
from ledger.services.bulk import Staged, as_stored, reserve_ids
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]

MOMENT = datetime(2026, 3, 1, 4, 0, 0, 123_456, tzinfo=UTC)
SAID = Staged(
    "said",
    {
        "id": "bigint",
        "amount": "bigint NOT NULL",
        "stated_on": "date NOT NULL",
        "recorded_at": "timestamptz NOT NULL",
        "key": "varchar(100) NOT NULL",
    },
)
PAID = Staged("paid", {"bill": "bigint NOT NULL", "amount": "bigint NOT NULL", "on_day": "date"})


def state(card: FundingAccount, rows: list[tuple[object, ...]]) -> None:
    values = {name: name for name in SAID.columns} | {
        "household_id": str(card.household_id),
        "account_id": str(card.pk),
        "fingerprint": "%(print)s",
    }
    with transaction.atomic(), SAID.holding(rows) as staged:
        staged.insert(StatedBalance, values, "amount <> 0", {"print": "x"})


def rows(*amounts: int) -> list[tuple[object, ...]]:
    ids = reserve_ids(StatedBalance, len(amounts))
    return [
        (id, amount, date(2026, 3, 1), as_stored(MOMENT), f"balance {id}")
        for id, amount in zip(ids, amounts, strict=True)
    ]


def test_rows_inserted_read_as_written(card: FundingAccount) -> None:
    with transaction.atomic():
        state(card, rows(5_000, 0, -7))
    first, second = StatedBalance.objects.order_by("pk")  # the one of zero was left out
    assert (first.amount, first.stated_on, first.recorded_at) == (5_000, date(2026, 3, 1), MOMENT)
    assert (second.amount, second.account, second.key, second.fingerprint) == (-7, card, f"balance {second.pk}", "x")


def test_the_staged_rows_are_gone_afterwards(card: FundingAccount) -> None:
    with transaction.atomic():
        state(card, rows(1))
        state(card, rows(2))
        state(card, [])
    assert sorted(StatedBalance.objects.values_list("amount", flat=True)) == [1, 2]


def test_a_row_saved_afterwards_has_the_next_id(card: FundingAccount) -> None:
    with transaction.atomic():
        state(card, rows(1, 2, 3))
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


def test_update_changes_the_named_columns_of_the_named_rows(loan: Loan) -> None:
    first, second, third = Bill.objects.filter(loan=loan, number__lte=3).order_by("number")
    values = {"principal_paid": "principal_paid + new.amount", "settled_on": "new.on_day"}
    staged_rows = [(first.pk, 5, date(2026, 2, 10)), (second.pk, 0, None), (third.pk, 7, None)]
    with transaction.atomic():
        with PAID.holding(staged_rows) as staged:
            staged.update(Bill, "bill", values, "new.amount > 0")
        after = Bill.objects.filter(loan=loan, number__lte=3).order_by("number")
        assert list(after.values_list("principal_paid", "settled_on")) == [
            (5, date(2026, 2, 10)),
            (0, None),
            (7, None),
        ]
        transaction.set_rollback(True)


def test_the_database_refuses_what_it_always_refuses(card: FundingAccount, loan: Loan) -> None:
    bill = Bill.objects.filter(loan=loan).first()
    assert bill is not None
    too_much = PAID.holding([(bill.pk, bill.principal_due + 1, None)])
    with pytest.raises(IntegrityError), transaction.atomic(), too_much as staged:
        staged.update(Bill, "bill", {"principal_paid": "new.amount"}, "new.amount > 0")
    one = rows(1)[0]
    with pytest.raises(IntegrityError), transaction.atomic():  # the same key twice
        state(card, [one, (int(str(one[0])) + 1, *one[1:])])
    assert StatedBalance.objects.count() == 0
