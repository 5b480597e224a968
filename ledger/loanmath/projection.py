"""What follows from terms and facts, as frozen values: the result of `project`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from ledger.loanmath.calendars import WEEKENDS, Calendar
from ledger.loanmath.facts import Fact
from ledger.loanmath.money import Parts
from ledger.loanmath.settling_bills import Settling
from ledger.loanmath.terms import LoanTerms


class ProjectedBill(NamedTuple):
    """What one loan asks for on one due date, and what has been put against it.

    `due` is what was asked (penalty up to `as_of` included), `paid` and `waived` what met it; open is
    due - paid - waived. `presumed` is the part of `paid` that nobody has confirmed. `outstanding_after` is the
    outstanding principal once this bill and all before it are paid. `settled_on` is the day the open amount
    reached zero (None while open; a bill of zero is settled on its due date). `computed` is our own figure
    where the lender's replaced it. What was open of an `is_replaced` bill is asked for under an arrangement since
    `settled_on`. A bill that a payoff or a prepayment made unnecessary is not in the list.
    """

    number: int
    starts_on: date
    due_on: date
    payable_on: date
    due: Parts
    paid: Parts
    waived: Parts
    presumed: int
    outstanding_after: int
    settled_on: date | None
    deferred_from: date | None = None
    computed: Parts | None = None
    is_replaced: bool = False

    @property
    def open(self) -> Parts:
        return self.due - self.paid - self.waived


class ProjectedAllocation(NamedTuple):
    """The part of repayment `repayment` (a fact id) put against bill `bill`; None: principal not yet due
    (and, for a payoff, the interest of the day)."""

    repayment: int
    bill: int | None
    parts: Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A loan as of a day.

    `outstanding_principal` is the principal not repaid by facts up to `as_of`; `credit` is money paid beyond what
    could be allocated. `settled_on` is the day nothing was left to pay. `next_change_on` is the first day after
    `as_of` on which the same terms and facts give another projection (a penalty that grows, a planned fact that
    starts to count); None when only new facts can change it. `changes_after` is that day, by the number of each open
    bill, once this bill and all open ones before it are paid in time; `settling` says on which days paying the oldest
    open bill changes no other. `terms`, `facts` and what was `agreed` for later (live, in order) and the calendar are
    what it was made from, so that each of its amounts can be explained.
    """

    as_of: date
    currency: str
    bills: tuple[ProjectedBill, ...]
    allocations: tuple[ProjectedAllocation, ...]
    outstanding_principal: int
    credit: int
    settled_on: date | None
    next_change_on: date | None
    changes_after: Mapping[int, date | None]
    settling: Settling
    terms: LoanTerms = field(compare=False, repr=False)
    facts: Sequence[Fact] = field(compare=False, repr=False)
    calendar: Calendar = field(default=WEEKENDS, compare=False, repr=False)
    agreed: Sequence[Fact] = field(default=(), compare=False, repr=False)
