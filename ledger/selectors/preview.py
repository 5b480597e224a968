"""What would follow: from an agreement not yet opened, from a fact not yet recorded. Nothing is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date

from ledger.loanmath import facts
from ledger.loanmath.apr import AnnualCost, annual_cost
from ledger.loanmath.cost import Advertised, advertised
from ledger.loanmath.money import Parts
from ledger.loanmath.prepayment import PrepaymentProblem
from ledger.loanmath.projection import ProjectedBill, Projection
from ledger.loanmath.rate_warning import RateWarning, rate_warning
from ledger.loanmath.schedule import ScheduledRow, schedule
from ledger.loanmath.terms import LoanTerms
from ledger.selectors.history import History
from ledger.selectors.prepaying import not_allowed

FIRST_ROWS = 4
MOST_MOVED = 6


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement worked out: what each bill asks, what it costs in all and a year. Amounts in minor units."""

    terms: LoanTerms
    first: tuple[ScheduledRow, ...]
    hidden: int
    last: ScheduledRow | None
    payment: int | None
    highest: int
    lowest: int
    interest: int
    fees: int
    to_pay: int
    advertised: Advertised
    cost: AnnualCost | None
    ends_on: date
    past: int

    @property
    def currency(self) -> str:
        return self.terms.currency

    @property
    def extra(self) -> int:
        """What is paid on top of the principal."""
        return self.interest + self.fees

    @property
    def bill_fees(self) -> int:
        """The fees that come with the bills."""
        return self.fees - self.terms.upfront_fee

    @property
    def bills(self) -> int:
        return len(self.first) + self.hidden + (self.last is not None)


def agreement(terms: LoanTerms, today: date) -> Agreement:
    """What `terms` (already checked) come to; `past` counts the bills due before `today`."""
    rows = schedule(terms)
    short = len(rows) <= FIRST_ROWS + 1
    payments = [row.payment for row in rows]
    interest = sum(row.interest for row in rows)
    fees = sum(row.fee for row in rows) + terms.upfront_fee
    return Agreement(
        terms=terms,
        first=rows if short else rows[:FIRST_ROWS],
        hidden=0 if short else len(rows) - FIRST_ROWS - 1,
        last=None if short else rows[-1],
        payment=payments[0] if len(set(payments[1:-1] or payments)) == 1 and len(set(payments[:-1])) <= 1 else None,
        highest=max(payments),
        lowest=min(payments),
        interest=interest,
        fees=fees,
        to_pay=sum(payments) + terms.upfront_fee,
        advertised=advertised(terms),
        cost=annual_cost(terms),
        ends_on=rows[-1].due_on,
        past=sum(row.due_on < today for row in rows),
    )


@dataclass(frozen=True, slots=True)
class Paid:
    """What of a repayment meets one bill; without a bill, principal not yet due."""

    number: int | None
    due_on: date | None
    parts: Parts
    open_after: int

    @property
    def components(self) -> list[tuple[str, int]]:
        """What it pays of each component, those of zero left out."""
        named = ((name, getattr(self.parts, name)) for name in ("principal", "interest", "fee", "penalty"))
        return [(name, minor) for name, minor in named if minor]


@dataclass(frozen=True, slots=True)
class Moved:
    """A bill that asks for something else afterwards, or on another day than on `due_before`; None where it is not
    there, or due on the same day."""

    number: int
    due_on: date
    before: int | None
    after: int | None
    due_before: date | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a fact would change: the loan before and after, as of one day. Amounts in minor units; `saves` is how
    much less is paid over the whole life, below zero if more."""

    as_of: date
    currency: str
    paid: tuple[Paid, ...]
    credit: int
    moved: tuple[Moved, ...]
    more_moved: int
    dropped: int
    added: int
    payment_before: int | None
    payment_after: int | None
    ends_before: date | None
    ends_after: date | None
    saves: int
    penalty_removed: int
    marks_removed: int
    left: int
    settles: bool
    reopens: bool = False
    too_low: RateWarning | None = None  # a kept payment that no longer covers the interest
    barred: PrepaymentProblem | None = None  # why the lender does not allow this prepayment

    @property
    def ends_sooner(self) -> bool:
        return self.ends_after != self.ends_before

    @property
    def count_moved(self) -> int:
        return len(self.moved) + self.more_moved

    @property
    def costs(self) -> int:
        return max(-self.saves, 0)

    @property
    def marks_added(self) -> int:
        return max(-self.marks_removed, 0)

    @property
    def new_payment(self) -> int | None:
        """The payment from then on, where it is another one."""
        return self.payment_after if self.payment_after != self.payment_before else None


def change(past: History, unrecorded: facts.Fact, today: date) -> Change:
    """What adding a fact would change, as of the later of its day and `today`; its id is not read."""
    fact = replace(unrecorded, id=past.next_id)
    as_of = max(today, fact.effective_on)
    before, after = past.project(as_of), past.plus(fact).project(as_of)
    old = {bill.number: bill for bill in before.bills}
    new = {bill.number: bill for bill in after.bills}
    moved = _moved(old, new)
    paid = _paid(after, fact.id, new)
    settles = after.settled_on is not None and before.settled_on is None
    return Change(
        as_of=as_of,
        currency=after.currency,
        paid=paid,
        credit=max(after.credit - before.credit, 0),
        moved=tuple(moved[:MOST_MOVED]),
        more_moved=max(len(moved) - MOST_MOVED, 0),
        dropped=max(len(asking(old)) - len(asking(new)), 0),
        added=max(len(asking(new)) - len(asking(old)), 0),
        payment_before=_next_payment(before, as_of),
        payment_after=_next_payment(after, as_of),
        ends_before=_ends_on(before),
        ends_after=_ends_on(after),
        saves=_whole_cost(before) - _whole_cost(after) + _lent(fact),
        penalty_removed=sum(bill.due.penalty for bill in before.bills) - sum(bill.due.penalty for bill in after.bills),
        marks_removed=_late(before) - _late(after),
        left=after.outstanding_principal,
        settles=settles,
        reopens=before.settled_on is not None and after.settled_on is None,
        too_low=rate_warning(past.terms, past.facts, fact) if isinstance(fact, facts.RateChange) else None,
        barred=_barred(past, fact, paid, settles, today) if isinstance(fact, facts.Repayment) else None,
    )


def _barred(
    past: History, fact: facts.Repayment, paid: tuple[Paid, ...], settles: bool, today: date
) -> PrepaymentProblem | None:
    principal = sum(part.parts.principal for part in paid if part.number is None)
    return not_allowed(past, fact, principal, settles, today)


def _lent(fact: facts.Fact) -> int:
    """Principal that a fact itself adds: no cost of the loan."""
    return fact.amount if isinstance(fact, facts.Drawdown) else 0


def arranged_principal(past: History, terms: LoanTerms, day: date, forgives: bool) -> int:
    """What an arrangement made on `day` repays: everything then owed that is not forgiven. 0 where `terms` have no bill
    after the day."""
    fact = facts.Arrangement(id=past.next_id, effective_on=day, terms=terms, forgives=forgives)
    return sum(bill.due.principal for bill in past.plus(fact).project(day).bills if bill.due_on > day)


def asking(bills: dict[int, ProjectedBill]) -> set[int]:
    """The numbers of the bills that ask for anything."""
    return {number for number, bill in bills.items() if bill.due.total}


def _paid(after: Projection, repayment: int, bills: dict[int, ProjectedBill]) -> tuple[Paid, ...]:
    found = []
    for part in after.allocations:
        if part.repayment == repayment:
            bill = bills.get(part.bill) if part.bill is not None else None
            found.append(Paid(part.bill, bill.due_on if bill else None, part.parts, bill.open.total if bill else 0))
    return tuple(found)


def _moved(old: dict[int, ProjectedBill], new: dict[int, ProjectedBill]) -> list[Moved]:
    """Bills that ask for another sum or on another day, and those dropped or added, by number."""
    found = []
    for number in sorted(old.keys() | new.keys()):
        before, after = old.get(number), new.get(number)
        if _asks(before) != _asks(after):
            day = (after or old[number]).due_on
            due_before = before.due_on if before and before.due_on != day else None
            found.append(Moved(number, day, _asked(before), _asked(after), due_before))
    return found


def _asks(bill: ProjectedBill | None) -> tuple[int | None, date | None]:
    return _asked(bill), bill.due_on if bill else None


def _asked(bill: ProjectedBill | None) -> int | None:
    return bill.due.total - bill.waived.total if bill else None


def _next_payment(projection: Projection, as_of: date) -> int | None:
    """What most bills ask from now on, whatever becomes of the very next and the last one; of payments that all differ
    the first."""
    coming = [bill.due.total for bill in projection.bills if bill.due_on > as_of and bill.due.total]
    return Counter(coming[1:-1]).most_common(1)[0][0] if len(coming) > 2 else None


def _ends_on(projection: Projection) -> date | None:
    return max((bill.due_on for bill in projection.bills if bill.due.total), default=None)


def _whole_cost(projection: Projection) -> int:
    """Everything paid and still to pay, from the first day to the last."""
    billed = sum(bill.due.total - bill.waived.total for bill in projection.bills)
    return billed + sum(part.parts.total for part in projection.allocations if part.bill is None)


def _late(projection: Projection) -> int:
    asked = [bill for bill in projection.bills if bill.due.total and not bill.is_replaced]
    return sum((bill.settled_on or projection.as_of) > bill.payable_on for bill in asked)
