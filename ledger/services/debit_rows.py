"""Writes the debits of a chunk: attempts, repayments, account entries, allocations, and the bills and loans they
change, a statement for each table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ledger.loanmath.debiting import Try
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.settling_bills import Settled
from ledger.models import AccountEntry, Allocation, AutoRepayAttempt, Bill, Fact, Loan
from ledger.models.facts import Kind, Source
from ledger.services.bulk import insert_rows, reserve_ids, update_rows
from ledger.services.recording import fingerprint_of

_FACT = (
    *("id", "household_id", "loan_id", "kind", "effective_on", "recorded_at", "key", "fingerprint", "note"),
    *("amount", "bill_number", "component", "apply_to", "source", "presumed", "account_id", "effect"),
)
_ENTRY = ("household_id", "account_id", "fact_id", "amount", "entry_on", "booked_at")
_ATTEMPT = (
    *("household_id", "mandate_id", "bill_id", "account_id", "number", "debit_on", "window_at", "recorded_at"),
    *("outcome", "reason", "requested", "debited", "missing", "repayment_id"),
)
_ALLOCATION = ("loan_id", "repayment_id", "bill_id", "principal", "interest", "fee", "penalty")
_BILL = (*("principal_paid", "interest_paid", "fee_paid", "penalty_paid", "presumed", "settled_on", "changes_after"),)
_PAID_LOAN = ("outstanding_principal", "settled_on", "projected_on", "next_change_on", "version", "auto_repay_at")


@dataclass(frozen=True, slots=True)
class Debited:
    """A debit that was decided: what it came to, and what is stored after it (None where it took nothing). `next_at` is
    the loan's next debit."""

    loan: Any
    mandate: int
    bill: Any
    at: datetime
    on: date
    this: Try
    settled: Settled | None
    next_at: datetime | None


def write_debits(debits: Sequence[Debited], now: datetime) -> int:
    """Write what was decided, inside the caller's transaction, accounts and loans held; how many debits that were."""
    paid = [(one, one.settled) for one in debits if one.settled is not None]
    ids = reserve_ids(Fact, len(paid))
    facts = {one.bill.pk: id for id, (one, _) in zip(ids, paid, strict=True)}
    insert_rows(Fact, _FACT, [_fact(facts[one.bill.pk], one, now) for one, _ in paid])
    insert_rows(AccountEntry, _ENTRY, [_entry(facts[one.bill.pk], one, now) for one, _ in paid])
    insert_rows(AutoRepayAttempt, _ATTEMPT, [_attempt(facts.get(one.bill.pk), one, now) for one in debits])
    insert_rows(
        Allocation, _ALLOCATION, [(one.loan.pk, facts[one.bill.pk], one.bill.pk, *settled.met) for one, settled in paid]
    )
    update_rows(Bill, _BILL, [_bill(one, settled) for one, settled in paid])
    update_rows(Loan, _PAID_LOAN, [_loan(one, settled) for one, settled in paid])
    update_rows(Loan, ("auto_repay_at",), [(one.loan.pk, one.next_at) for one in debits if one.settled is None])
    return len(debits)


def _fact(id: int, one: Debited, now: datetime) -> tuple[Any, ...]:
    said = {
        "loan_id": one.loan.pk,
        "kind": Kind.REPAYMENT,
        "effective_on": one.on,
        "amount": one.this.taken,
        "bill_number": one.bill.number,
        "apply_to": ApplyTo.BILL,
        "source": Source.AUTO,
        "presumed": bool(one.settled and one.settled.presumed > one.bill.presumed),
        "account_id": one.this.account,
    }
    return (
        *(id, one.loan.household_id, one.loan.pk, Kind.REPAYMENT.value, one.on, now, f"auto:{one.bill.pk}:1"),
        *(fingerprint_of(said), "", one.this.taken, one.bill.number, "", ApplyTo.BILL.value, Source.AUTO.value),
        *(said["presumed"], one.this.account, ""),
    )


def _entry(fact: int, one: Debited, now: datetime) -> tuple[Any, ...]:
    return one.loan.household_id, one.this.account, fact, -one.this.taken, one.on, now


def _attempt(fact: int | None, one: Debited, now: datetime) -> tuple[Any, ...]:
    this = one.this
    return (
        *(one.loan.household_id, one.mandate, one.bill.pk, this.account, 1, one.on, one.at, now),
        *(this.outcome.value, this.reason.value if this.reason else "", this.requested, this.taken, this.missing, fact),
    )


def _bill(one: Debited, settled: Settled) -> tuple[Any, ...]:
    return one.bill.pk, *settled.paid, settled.presumed, settled.bill_settled_on, None


def _loan(one: Debited, settled: Settled) -> tuple[Any, ...]:
    return (
        *(one.loan.pk, settled.outstanding_principal, settled.settled_on, settled.projected_on),
        *(settled.next_change_on, one.loan.version + 1, one.next_at),
    )
