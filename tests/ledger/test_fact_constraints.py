"""What the database refuses, whoever asks."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from ledger.models import Fact
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.service]


def insert(**values: Any) -> None:
    loan = builders.loan()
    row = {
        "household": loan.household,
        "loan": loan,
        "effective_on": date(2026, 2, 1),
        "recorded_at": builders.NOW,
        "key": builders.unique(),
    }
    Fact(**(row | values)).save()


REPAYMENT = {"kind": "repayment", "amount": 1, "apply_to": "due", "source": "manual"}
FIGURE = {"kind": "lender_figure", "bill_number": 1, "principal": 1, "interest": 0, "fee": 0, "penalty": 0}


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "gift"},
        REPAYMENT | {"amount": None},
        REPAYMENT | {"amount": 0},
        REPAYMENT | {"amount": -1},
        REPAYMENT | {"apply_to": "fun"},
        REPAYMENT | {"source": ""},
        {"kind": "charge", "amount": 5, "component": "gold"},
        {"kind": "charge", "component": "fee"},
        {"kind": "rate_change", "effect": "keep_term"},
        {"kind": "rate_change", "effect": "keep_term", "annual_rate": "-0.01"},
        {"kind": "deferral", "effect": "move", "bill_number": 1},
        {"kind": "deferral", "effect": "move", "moved_to": date(2026, 3, 1)},
        {"kind": "deferral", "effect": "skip", "bill_number": 1, "moved_to": date(2026, 3, 1)},
        {"kind": "drawdown"},
        {"kind": "drawdown", "amount": 0},
        {"kind": "refund", "amount": -1},
        {"kind": "due_date_move", "bill_number": 1},
        {"kind": "due_date_move", "moved_to": date(2026, 3, 1)},
        {"kind": "due_date_move", "bill_number": 0, "moved_to": date(2026, 3, 1)},
        {"kind": "pause"},
        {"kind": "pause", "until": date(2026, 1, 31)},
        {"kind": "extension"},
        {"kind": "extension", "count": 0},
        {"kind": "coupon"},
        {"kind": "coupon", "effect": "keep_term"},
        {"kind": "terms"},
        {"kind": "arrangement"},
        FIGURE | {"penalty": None},
        FIGURE | {"interest": -1},
        {"kind": "reversal"},
        {"kind": "confirmation"},
    ],
)
def test_an_incomplete_or_impossible_fact_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(**values)


def test_only_terms_and_arrangements_bring_a_version() -> None:
    loan = builders.loan()
    row = {"household": loan.household, "loan": loan, "effective_on": date(2026, 2, 1), "recorded_at": builders.NOW}
    fact = Fact(**row, key="1", kind="extension", count=1, terms_version=loan.terms_versions.get())
    with pytest.raises(IntegrityError), transaction.atomic():
        fact.save()


def test_a_version_is_brought_once() -> None:
    loan = builders.loan()
    row = {"household": loan.household, "loan": loan, "effective_on": date(2026, 2, 1), "recorded_at": builders.NOW}
    row |= {"kind": "terms", "terms_version": loan.terms_versions.get()}
    with transaction.atomic():
        Fact(**row, key="1").save()
        with pytest.raises(IntegrityError), transaction.atomic():
            Fact(**row, key="2").save()
        transaction.set_rollback(True)


@pytest.mark.parametrize("effect", ["interest_only", "add_to_end"])
def test_a_deferral_that_follows_by_itself_needs_no_day(effect: str) -> None:
    with transaction.atomic():
        insert(kind="deferral", effect=effect, bill_number=1)
        assert Fact.objects.get().moved_to is None
        transaction.set_rollback(True)


def test_a_fact_is_reversed_once() -> None:
    loan = builders.loan()
    paid = builders.repayment(loan, 100, date(2026, 2, 10))
    row = {"household": loan.household, "loan": loan, "kind": "reversal", "target": paid}
    row |= {"effective_on": paid.effective_on, "recorded_at": builders.NOW}
    with transaction.atomic():
        undo = Fact(**row, key=builders.unique())
        undo.save()
        with pytest.raises(IntegrityError), transaction.atomic():
            Fact(**row, key=builders.unique()).save()
        transaction.set_rollback(True)
