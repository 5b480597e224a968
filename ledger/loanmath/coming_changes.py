"""When the projection changes by itself: the first day on which it may be another without any new fact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from ledger.loanmath.books import Books
from ledger.loanmath.facts import Fact
from ledger.loanmath.penalty import next_penalty_change, shows_at_once, unpaid
from ledger.loanmath.working_bill import ON_TIME, WorkingBill


class ComingChanges(NamedTuple):
    """`first` is the first day after the day looked at on which the projection may be another; `after` that day, for
    each open bill by its number, once this bill and all open ones before it are paid. None: only a new fact changes
    anything."""

    first: date | None
    after: dict[int, date | None]


def coming_changes(books: Books, facts: Sequence[Fact], as_of: date) -> ComingChanges:
    """What comes after `as_of`, every bill made up; `facts` live and in order. Money held is not looked at for what
    comes once bills are paid."""
    change = next((fact.effective_on for fact in facts if fact.effective_on > as_of), None)
    after: dict[int, date | None] = {}
    following: WorkingBill | None = None
    after_grace = timedelta(days=books.terms.penalty.grace_days + 1)
    enough, base = shows_at_once(books.terms), books.terms.penalty.base
    for bill in reversed(books.open.values()):
        after[bill.number] = _earliest(change, _next_overdue_interest(books, following, as_of))
        first_late = bill.late_from + after_grace
        on_time = first_late > as_of and bill.lateness is ON_TIME and not bill.penalty_stated
        if on_time and enough is not None and unpaid(bill, base, books.terms) >= enough:
            change = _earliest(change, first_late)
        else:
            change = _earliest(change, next_penalty_change(books, bill, as_of))
        following = bill
    first = _earliest(change, _next_overdue_interest(books, following, as_of))
    if books.credit:
        asked = (bill.asked_on for bill in books.open.values() if bill.asked_on > as_of)
        first = _earliest(first, next(asked, None))
    return ComingChanges(first, after)


def _next_overdue_interest(books: Books, oldest: WorkingBill | None, as_of: date) -> date | None:
    """From when on the oldest open bill makes a later one ask for more interest, where overdue principal bears it."""
    if oldest is None or not books.terms.overdue_accrues or oldest is books.bills[-1]:
        return None
    return max(as_of, oldest.due_on) + timedelta(days=1)


def _earliest(a: date | None, b: date | None) -> date | None:
    if a is None or b is None:
        return a or b
    return min(a, b)
