"""Whether what is stored is what follows from the facts: bills, allocations, loan columns, account entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ledger.loanmath.money import Parts
from ledger.loanmath.projection import Projection
from ledger.models import AccountEntry, Allocation, Bill, Fact, Loan
from ledger.models.facts import Kind
from ledger.selectors.history import History, histories, history
from ledger.services.projection import bill_values, differences, loan_values, next_penalties, unneeded_values

CHUNK = 200  # loans looked at together


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One value that is not as computed; `field` says where, as in "bill 3 principal_due". None: not there."""

    loan_id: int
    loan: str
    field: str
    stored: Any
    computed: Any

    def __str__(self) -> str:
        return f"loan {self.loan_id} ({self.loan}): {self.field}: stored {self.stored}, computed {self.computed}"


def find_problems(loans: Iterable[Loan] | None = None) -> Iterator[Mismatch]:
    """Project each loan (default: all) afresh as of the day it was last projected on and name what differs. Writes
    nothing, reads each chunk of loans in a handful of queries."""
    ids = sorted(Loan.objects.values_list("pk", flat=True) if loans is None else (loan.pk for loan in loans))
    for start in range(0, len(ids), CHUNK):
        yield from _check(ids[start : start + CHUNK])


def _check(ids: list[int]) -> Iterator[Mismatch]:
    loans = list(Loan.objects.filter(pk__in=ids).order_by("pk"))
    past = _histories(loans)
    bills: defaultdict[int, list[Bill]] = defaultdict(list)
    for bill in Bill.objects.filter(loan__in=ids).order_by("number"):
        bills[bill.loan_id].append(bill)
    allocations: defaultdict[int, list[Allocation]] = defaultdict(list)
    for row in Allocation.objects.filter(loan__in=ids):
        allocations[row.loan_id].append(row)
    for loan in loans:
        known = past.get(loan.pk)
        if isinstance(known, ValueError):
            yield Mismatch(loan.pk, loan.name, "terms", "not readable", str(known))
            continue
        for field, stored, computed in _check_loan(loan, known, bills[loan.pk], allocations[loan.pk]):
            yield Mismatch(loan.pk, loan.name, field, stored, computed)
    yield from _check_entries(ids)


def _histories(loans: list[Loan]) -> dict[int, History | ValueError]:
    """The history of each loan; where terms cannot be read, why not."""
    try:
        return {**histories(loans)}
    except ValueError:
        return {loan.pk: _history(loan) for loan in loans}


def _history(loan: Loan) -> History | ValueError:
    try:
        return history(loan)
    except ValueError as error:
        return error


Difference = tuple[str, Any, Any]


def _check_loan(
    loan: Loan, past: History | None, bills: list[Bill], allocations: list[Allocation]
) -> Iterator[Difference]:
    if past is None:
        yield "terms", None, "at least one version"
        return
    if loan.projected_on is None:
        yield "projected_on", None, "a day"
        return
    projection = past.project(loan.projected_on)
    yield from differences(loan, loan_values(projection, past.terms_on(projection.as_of).penalty))
    if loan.currency != past.terms.currency:
        yield "currency", loan.currency, past.terms.currency
    if any(bill.household_id != loan.household_id for bill in bills):
        yield "household of bills", "another", loan.household_id
    yield from _check_bills(bills, projection, next_penalties(past, projection))
    yield from _check_allocations(allocations, projection, {bill.pk: bill.number for bill in bills})


def _check_bills(stored: list[Bill], projection: Projection, penalties: dict[int, int]) -> Iterator[Difference]:
    computed = {bill.number: bill for bill in projection.bills}
    for bill in stored:
        projected = computed.pop(bill.number, None)
        values = bill_values(projected, projection, penalties) if projected else unneeded_values(bill)
        for name, was, should in differences(bill, values):
            yield f"bill {bill.number} {name}", was, should
    for number, projected in computed.items():
        yield f"bill {number}", None, projected.due.total


def _check_allocations(rows: list[Allocation], projection: Projection, numbers: dict[int, int]) -> Iterator[Difference]:
    wanted: defaultdict[tuple[int, int | None], Parts] = defaultdict(Parts)
    for part in projection.allocations:
        wanted[part.repayment, part.bill] += part.parts
    stored = {(row.repayment_id, numbers.get(row.bill_id or 0)): row.parts for row in rows}
    for where in sorted(wanted.keys() | stored.keys(), key=lambda key: (key[0], key[1] or 0)):
        if stored.get(where) != wanted.get(where):
            repayment, bill = where
            place = f"bill {bill}" if bill else "principal"
            yield f"allocation of repayment {repayment} to {place}", stored.get(where), wanted.get(where)


def _check_entries(ids: list[int]) -> Iterator[Mismatch]:
    """Every repayment that names an account took its amount from it, and each undoing gave that back or took it
    again."""
    facts = Fact.objects.filter(loan__in=ids, kind__in=[Kind.REPAYMENT, Kind.REVERSAL]).select_related("loan")
    stored = {entry.fact_id: entry for entry in AccountEntry.objects.filter(fact__loan__in=ids)}
    wanted: dict[int, tuple[int, int]] = {}  # by fact: the account and the signed amount
    for fact in facts.order_by("pk"):
        if fact.kind == Kind.REPAYMENT and fact.account_id is not None:
            wanted[fact.pk] = (fact.account_id, -(fact.amount or 0))
        elif fact.kind == Kind.REVERSAL and fact.target_id in wanted:
            account, amount = wanted[fact.target_id]
            wanted[fact.pk] = (account, -amount)
        entry = stored.get(fact.pk)
        found = (entry.account_id, entry.amount) if entry else None
        if found != wanted.get(fact.pk):
            yield Mismatch(
                fact.loan_id, fact.loan.name, f"account entry of {fact.kind} {fact.pk}", found, wanted.get(fact.pk)
            )
