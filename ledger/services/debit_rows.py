"""Writes the debits of a chunk: one row each into a table of the connection's own, and from there, a statement for
each table, repayments, attempts, account entries, allocations, and the bills and loans they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ledger.loanmath.debiting import DebitOutcome, Try
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.settling_bills import Settled
from ledger.models import AccountEntry, Allocation, AutoRepayAttempt, Bill, Fact, Loan
from ledger.models.facts import Kind, Source
from ledger.services.bulk import Staged, as_stored, reserve_ids
from ledger.services.recording import Fingerprints

DEBITED = Staged(
    "debited",
    {
        "fact_id": "bigint",  # None where nothing was taken
        "fingerprint": "varchar(64)",
        "household_id": "bigint NOT NULL",
        "loan_id": "bigint NOT NULL",
        "mandate_id": "bigint NOT NULL",
        "bill_id": "bigint NOT NULL",
        "bill_number": "integer NOT NULL",
        "account_id": "bigint NOT NULL",
        "debit_on": "date NOT NULL",
        "window_at": "timestamptz NOT NULL",
        "next_at": "timestamptz",
        "outcome": "varchar(20) NOT NULL",
        "reason": "varchar(20) NOT NULL",
        "requested": "bigint NOT NULL",
        "taken": "bigint NOT NULL",
        "missing": "bigint NOT NULL",
        "presumed": "bool NOT NULL",
        "principal": "bigint NOT NULL",
        "interest": "bigint NOT NULL",
        "fee": "bigint NOT NULL",
        "penalty": "bigint NOT NULL",
        "loan_settled_on": "date",
        "next_change_on": "date",
    },
)

_FACT = {
    "id": "fact_id",
    "household_id": "household_id",
    "loan_id": "loan_id",
    "kind": f"'{Kind.REPAYMENT.value}'",
    "effective_on": "debit_on",
    "recorded_at": "%(now)s",
    "key": "'auto:' || bill_id || ':1'",
    "fingerprint": "fingerprint",
    "note": "''",
    "amount": "taken",
    "bill_number": "bill_number",
    "component": "''",
    "apply_to": f"'{ApplyTo.BILL.value}'",
    "source": f"'{Source.AUTO.value}'",
    "presumed": "presumed",
    "account_id": "account_id",
    "effect": "''",
}
_ENTRY = {
    "household_id": "household_id",
    "account_id": "account_id",
    "fact_id": "fact_id",
    "amount": "-taken",
    "entry_on": "debit_on",
    "booked_at": "%(now)s",
}
_ATTEMPT = {
    **{name: name for name in ("household_id", "mandate_id", "bill_id", "account_id", "debit_on", "window_at")},
    **{name: name for name in ("outcome", "reason", "requested", "missing")},
    "number": "1",
    "recorded_at": "%(now)s",
    "debited": "taken",
    "repayment_id": "fact_id",
}
_ALLOCATION = {
    **{name: name for name in ("loan_id", "bill_id", "principal", "interest", "fee", "penalty")},
    "repayment_id": "fact_id",
}
_BILL = {
    **{f"{part}_paid": f"{part}_paid + new.{part}" for part in ("principal", "interest", "fee", "penalty")},
    "presumed": "ledger_bill.presumed + CASE WHEN new.presumed THEN new.taken ELSE 0 END",
    "settled_on": "new.debit_on",
    "changes_after": "NULL",
}
_PAID_LOAN = {
    "outstanding_principal": "outstanding_principal - new.principal",
    "open_total": "open_total - new.taken",
    "paid_total": "paid_total + new.taken",
    "presumed_total": "presumed_total + CASE WHEN new.presumed THEN new.taken ELSE 0 END",
    "interest_left": "interest_left - new.interest",
    "fee_left": "fee_left - new.fee",
    "settled_on": "new.loan_settled_on",
    "projected_on": "new.debit_on",
    "next_change_on": "new.next_change_on",
    "version": "version + 1",
    "auto_repay_at": "new.next_at",
}
_UNPAID_LOAN = {"auto_repay_at": "new.next_at"}

_FINGERPRINTS = Fingerprints(
    {"kind": Kind.REPAYMENT.value, "apply_to": ApplyTo.BILL.value, "source": Source.AUTO.value},
    ("loan_id", "effective_on", "amount", "bill_number", "account_id", "presumed"),
)


@dataclass(frozen=True, slots=True)
class Debited:
    """A debit that was decided: what it came to, and what is stored after it (None where it took nothing). `next_at` is
    the loan's next debit."""

    household: int
    loan: int
    mandate: int
    bill: int
    bill_number: int
    at: datetime
    on: date
    this: Try
    settled: Settled | None
    next_at: datetime | None


DebitRow = tuple[object, ...]  # the columns of DEBITED from the fingerprint on, which is None where nothing is taken


def debit_rows(debits: Sequence[Debited]) -> list[DebitRow]:
    """What `write_debits` takes: all that can be made up before anything is held."""
    return [_paid(one, one.settled) if one.settled is not None else _unpaid(one) for one in debits]


def write_debits(rows: Sequence[DebitRow], now: datetime) -> int:
    """Write what was decided, inside the caller's transaction, accounts and loans held; how many debits that were."""
    paid = sum(row[0] is not None for row in rows)
    ids = iter(reserve_ids(Fact, paid))
    with DEBITED.holding([(next(ids) if row[0] is not None else None, *row) for row in rows]) as staged:
        values = {"now": as_stored(now)}
        staged.insert(Fact, _FACT, "taken > 0", values)
        staged.insert(AccountEntry, _ENTRY, "taken > 0", values)
        staged.insert(AutoRepayAttempt, _ATTEMPT, "", values)
        staged.insert(Allocation, _ALLOCATION, "taken > 0", values)
        staged.update(Bill, "bill_id", _BILL, "new.taken > 0")
        staged.update(Loan, "loan_id", _PAID_LOAN, "new.taken > 0")
        if len(rows) > paid:
            staged.update(Loan, "loan_id", _UNPAID_LOAN, "new.taken = 0")
    return len(rows)


def _paid(one: Debited, settled: Settled) -> DebitRow:
    this = one.this
    presumed = this.outcome is DebitOutcome.PRESUMED
    print_ = _FINGERPRINTS.of(one.loan, one.on, this.taken, one.bill_number, this.account, presumed)
    after = (settled.settled_on, settled.next_change_on)
    return print_, *_said(one), this.taken, this.missing, presumed, *settled.met, *after


def _unpaid(one: Debited) -> DebitRow:
    return None, *_said(one), 0, one.this.missing, False, 0, 0, 0, 0, None, None


def _said(one: Debited) -> DebitRow:
    this = one.this
    reason = this.reason.value if this.reason else ""
    return (
        *(one.household, one.loan, one.mandate, one.bill, one.bill_number, this.account, one.on),
        *(as_stored(one.at), as_stored(one.next_at), this.outcome.value, reason, this.requested),
    )
