"""The one writer of bills, allocations and a loan's computed columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, cast

from django.db import connection, models, transaction

from ledger.loanmath.money import Parts
from ledger.loanmath.projection import ProjectedBill, Projection
from ledger.loanmath.terms import PenaltyTerms
from ledger.models import Allocation, Bill, Household, Loan
from ledger.models.bills import PARTS
from ledger.selectors.history import History, history
from ledger.selectors.prepared import Prepared
from ledger.services.debit_times import schedule_debit

_BILL_FIELDS = [
    field.attname
    for field in Bill._meta.concrete_fields
    if field.attname not in {"id", "household_id", "loan_id", "number"}
]
_LOAN_FIELDS = [
    "projected_on",
    "next_change_on",
    "outstanding_principal",
    "credit",
    "settled_on",
    "grace_days",
    "bears_penalty",
    "open_total",
    "paid_total",
    "presumed_total",
    "interest_left",
    "fee_left",
    "ends_on",
    "settling",
]


def lock(loan: Loan) -> Loan:
    """The loan's row, read afresh and held until the transaction ends.

    It is read after it is held: a row joined to one that had to be waited for is as it was before the wait, so that the
    loan would come with a mandate that has been replaced or paused meanwhile.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A loan is held until its transaction ends: there is none.")
    if not _HELD(loan=loan.pk):
        raise Loan.DoesNotExist(f"No loan {loan.pk}.")
    return cast(Loan, _LOCKED.objects(loan=loan.pk)[0])


def _held(loan: int) -> models.QuerySet[Any]:
    return Loan.objects.select_for_update().filter(pk=loan).values_list("pk")


def _locked(loan: int) -> models.QuerySet[Loan]:
    return Loan.objects.select_related("household", "mandate").filter(pk=loan)


_HELD, _LOCKED = Prepared(_held), Prepared(_locked)


def rebuild(loan: Loan, as_of: date, known: History | None = None) -> bool:
    """Project `loan` as of a day and write what differs from what is stored; True if anything did.

    To be called inside the transaction that added a fact, with the loan locked. Touches only rows of this
    loan, and of those only the ones that changed.
    """
    past = known or history(loan)
    projection = past.project(as_of)
    changed, ids = _write_bills(loan, projection, next_penalties(past, projection))
    changed |= _write_allocations(loan, projection, ids)
    changed |= bool(_set(loan, loan_values(projection, past.terms_on(projection.as_of).penalty)))
    if changed:
        loan.version += 1
        loan.save(update_fields=[*_LOAN_FIELDS, "version"])
        schedule_debit(loan)
    return changed


def refresh(household: Household, now: datetime) -> int:
    """Bring the household's loans up to its local day: those that a passing day has overtaken. Counts them."""
    today = household.today(now)
    stale = _STALE(household=household.pk, today=today)
    return sum(refresh_loan(Loan(pk=pk), today) for (pk,) in stale)


def _stale(household: int, today: date) -> models.QuerySet[Any]:
    return Loan.objects.filter(household=household).outdated(today).values_list("pk")


_STALE = Prepared(_stale)


def refresh_loan(loan: Loan, today: date) -> bool:
    """Bring one loan up to `today`, unless someone else has; `loan` may be known by its id alone."""
    with transaction.atomic():
        locked = lock(loan)
        if locked.next_change_on is None or locked.next_change_on > today:
            return False
        rebuild(locked, today)
        return True


def next_penalties(past: History, projection: Projection) -> dict[int, int]:
    """What waiting leads to: by the number of each late bill, its penalty on the next day that changes anything."""
    late = [bill for bill in projection.bills if bill.payable_on < projection.as_of and bill.open.total > 0]
    if not late:
        return {}
    numbers = {bill.number for bill in late}
    on = projection.next_change_on
    then = late if on is None else past.project(on).bills
    return {bill.number: bill.due.penalty for bill in then if bill.number in numbers}


def bill_values(bill: ProjectedBill, projection: Projection, penalties: Mapping[int, int]) -> dict[str, Any]:
    """The stored columns of one bill of a projection; `penalties` as `next_penalties` has them."""
    values: dict[str, Any] = {
        "is_needed": True,
        "starts_on": bill.starts_on,
        "due_on": bill.due_on,
        "payable_on": bill.payable_on,
        "deferred_from": bill.deferred_from,
        "is_replaced": bill.is_replaced,
        "settled_on": bill.settled_on,
        "presumed": bill.presumed,
        "outstanding_after": bill.outstanding_after,
        "penalty_next": penalties.get(bill.number),
        "changes_after": projection.changes_after.get(bill.number),
    }
    for suffix, parts in (
        ("due", bill.due),
        ("paid", bill.paid),
        ("waived", bill.waived),
        ("computed", bill.computed),
    ):
        values |= {f"{part}_{suffix}": None if parts is None else getattr(parts, part) for part in PARTS}
    return values


def unneeded_values(bill: Bill) -> dict[str, Any]:
    """The stored columns of a bill that the projection no longer has: its days, and nothing to pay."""
    kept = {"starts_on", "due_on", "payable_on"}
    return {name: getattr(bill, name) if name in kept else _zero(name) for name in _BILL_FIELDS}


def _zero(name: str) -> Any:
    if name in {"is_needed", "is_replaced"}:
        return False
    return None if Bill._meta.get_field(name).null else 0


def loan_values(projection: Projection, penalty: PenaltyTerms) -> dict[str, Any]:
    """The stored columns of a projected loan."""
    left = sum((bill.open for bill in projection.bills), Parts())
    return {
        "projected_on": projection.as_of,
        "next_change_on": projection.next_change_on,
        "outstanding_principal": projection.outstanding_principal,
        "credit": projection.credit,
        "settled_on": projection.settled_on,
        "grace_days": penalty.grace_days,
        "bears_penalty": penalty.is_borne,
        "open_total": left.total,
        "paid_total": sum(bill.paid.total for bill in projection.bills),
        "presumed_total": sum(bill.presumed for bill in projection.bills),
        "interest_left": left.interest,
        "fee_left": left.fee,
        "ends_on": max((bill.payable_on for bill in projection.bills), default=None),
        "settling": projection.settling.value,
    }


def differences(row: models.Model, values: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Each column where `row` is not as computed: its name, the stored and the computed value."""
    for name, computed in values.items():
        stored = getattr(row, name)
        if stored != computed:
            yield name, stored, computed


def _write_bills(loan: Loan, projection: Projection, penalties: Mapping[int, int]) -> tuple[bool, dict[int, int]]:
    """Whether any bill changed; and the id of each bill by its number."""
    stored: dict[int, Bill] = {bill.number: bill for bill in _BILLS.objects(loan=loan.pk)}
    ids = {number: bill.pk for number, bill in stored.items()}
    new: list[Bill] = []
    moved: list[Bill] = []
    fields: set[str] = set()
    for projected in projection.bills:
        values = bill_values(projected, projection, penalties)
        bill = stored.pop(projected.number, None)
        if bill is None:
            new.append(Bill(household_id=loan.household_id, loan=loan, number=projected.number, **values))
        elif names := _set(bill, values):
            fields |= names
            moved.append(bill)
    for bill in stored.values():
        if names := _set(bill, unneeded_values(bill)):
            fields |= names
            moved.append(bill)
    ids |= {bill.number: bill.pk for bill in Bill.objects.bulk_create(new)}
    if moved:
        Bill.objects.bulk_update(moved, sorted(fields))
    return bool(new or moved), ids


def _bills(loan: int) -> models.QuerySet[Bill]:
    return Bill.objects.filter(loan=loan)


def _allocations(loan: int) -> models.QuerySet[Allocation]:
    return Allocation.objects.filter(loan=loan)


_BILLS, _ALLOCATIONS = Prepared(_bills), Prepared(_allocations)


def _set(row: models.Model, values: dict[str, Any]) -> set[str]:
    """Give `row` the values; the names of the columns that changed."""
    changed = {name for name, _, _ in differences(row, values)}
    for name in changed:
        setattr(row, name, values[name])
    return changed


def _write_allocations(loan: Loan, projection: Projection, bills: Mapping[int, int]) -> bool:
    """Whether any allocation changed; `bills` are the bills' ids by number."""
    wanted: dict[tuple[int, int | None], Parts] = {}
    for part in projection.allocations:
        where = (part.repayment, bills.get(part.bill or 0))
        wanted[where] = wanted.get(where, Parts()) + part.parts
    stored = {(row.repayment_id, row.bill_id): row for row in _ALLOCATIONS.objects(loan=loan.pk)}
    gone = [row.pk for where, row in stored.items() if wanted.get(where) != row.parts]
    new = [where for where, parts in wanted.items() if where not in stored or stored[where].parts != parts]
    if gone:
        Allocation.objects.filter(pk__in=gone).delete()
    Allocation.objects.bulk_create(_allocation(loan, where, wanted[where]) for where in new)
    return bool(gone or new)


def _allocation(loan: Loan, where: tuple[int, int | None], parts: Parts) -> Allocation:
    repayment, bill = where
    return Allocation(
        loan=loan,
        repayment_id=repayment,
        bill_id=bill,
        principal=parts.principal,
        interest=parts.interest,
        fee=parts.fee,
        penalty=parts.penalty,
    )
