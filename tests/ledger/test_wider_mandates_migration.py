"""Mandates and attempts from before a mandate could cover several loans and accounts: there and back again."""

from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from ledger.models import Fact
from ledger.services.projection import refresh
from tests import builders as make
from tests.builders import at
from tests.tampering import tamper

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.service]

BEFORE, AFTER = "0004_replaced_bills", "0007_wider_mandates_hold"
NEXT = datetime(2026, 3, 10, 1, 30, tzinfo=UTC)
OUTCOMES = ["insufficient", "success", "presumed", "skipped"]


def migrate(name):
    """The models as they are once the database has been brought to a migration, the guards of facts down meanwhile."""
    call_command("migrate", "ledger", name, verbosity=0)
    return MigrationExecutor(connection).loader.project_state([("ledger", name)]).apps


@pytest.fixture
def back_to_today():
    yield
    call_command("migrate", verbosity=0)


def old_mandate(apps, loan, account, key, **more):
    said = {
        "household_id": loan.household_id,
        "loan_id": loan.pk,
        "account_id": account.pk,
        "windows": ["09:30", "15:30"],
        "started_on": date(2026, 1, 20),
        "authorized_at": at("2026-01-20"),
        "key": key,
        "fingerprint": key,
    }
    return apps.get_model("ledger", "AutoRepayMandate").objects.create(**(said | more))


def old_attempts(apps, mandate, loan, repayments):
    """One try of the loan's first bill with each outcome there was."""
    (bill,) = apps.get_model("ledger", "Bill").objects.filter(loan=loan.pk, number=1)
    for number, outcome in enumerate(OUTCOMES, start=1):
        apps.get_model("ledger", "AutoRepayAttempt").objects.create(
            household_id=loan.household_id,
            mandate=mandate,
            bill=bill,
            number=number,
            debit_on=date(2026, 2, 9 + number),
            window_at=at(f"2026-02-{9 + number}", 10),
            recorded_at=at(f"2026-02-{9 + number}", 11),
            outcome=outcome,
            requested=20_000,
            missing=5_000 if outcome == "insufficient" else 0,
            repayment_id=repayments.get(outcome),
        )


def old_figures(apps):
    mandates = apps.get_model("ledger", "AutoRepayMandate").objects.order_by("pk")
    attempts = apps.get_model("ledger", "AutoRepayAttempt").objects.order_by("pk")
    return (
        list(mandates.values_list("key", "loan", "account", "next_debit_at", "failures", "trouble", "ended_at")),
        list(attempts.values_list("number", "outcome", "requested", "missing", "repayment")),
    )


def test_mandates_and_attempts_are_carried_over_and_back(home, card, back_to_today):
    other = make.account(home, name="Other")
    on, off = make.loan(home, now=at("2026-01-20"), name="On"), make.loan(home, now=at("2026-01-20"), name="Off")
    paid = {
        outcome: make.repayment(on, 20_000, date(2026, 2, day), at(f"2026-02-{day}")).pk
        for outcome, day in (("success", 11), ("presumed", 12))
    }
    apps = migrate(BEFORE)
    ended = old_mandate(apps, off, other, "ended", ended_at=at("2026-02-01"))
    live = old_mandate(apps, on, card, "live", next_debit_at=NEXT, failures=2, trouble="ValueError: bad")
    old_attempts(apps, live, on, paid)
    before = old_figures(apps)

    apps = migrate(AFTER)

    mandates = apps.get_model("ledger", "AutoRepayMandate").objects.order_by("pk")
    assert list(mandates.values_list("key", "currency", "mode", "retry_days", "windows", "partial", "trust_days")) == [
        (key, "CNY", "bill", [1, 2, 3, 4, 5], ["09:30", "15:30"], False, None) for key in ("ended", "live")
    ]
    sources = apps.get_model("ledger", "MandateSource").objects.order_by("mandate")
    assert list(sources.values_list("mandate", "account", "position")) == [
        (ended.pk, other.pk, 1),
        (live.pk, card.pk, 1),
    ]
    loans = apps.get_model("ledger", "Loan").objects.order_by("pk")
    assert list(loans.values_list("mandate", "auto_repay_at", "auto_repay_failures", "auto_repay_trouble")) == [
        (live.pk, NEXT, 2, "ValueError: bad"),
        (None, None, 0, ""),
    ]
    assert all(loan.next_change_on == loan.projected_on for loan in loans)  # the tick computes them anew
    attempts = apps.get_model("ledger", "AutoRepayAttempt").objects.order_by("pk")
    assert list(
        attempts.values_list("number", "outcome", "reason", "requested", "debited", "missing", "account", "repayment")
    ) == [
        (1, "failed", "insufficient", 20_000, 0, 5_000, card.pk, None),
        (2, "success", "", 20_000, 20_000, 0, card.pk, paid["success"]),
        (3, "presumed", "", 20_000, 20_000, 0, card.pk, paid["presumed"]),
        (4, "skipped", "", 20_000, 0, 0, card.pk, None),
    ]

    tamper(
        "UPDATE ledger_autorepayattempt SET outcome = 'partial', reason = 'insufficient',"
        " debited = 15000, missing = 5000 WHERE number = 2"
    )
    apps = migrate(BEFORE)

    after = old_figures(apps)
    assert after[0] == before[0]
    assert after[1] == [row if row[0] != 2 else (2, "success", 15_000, 0, paid["success"]) for row in before[1]]
    call_command("migrate", verbosity=0)
    assert Fact.objects.count() == 2
    refresh(home, at("2026-02-15"))
