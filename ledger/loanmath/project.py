"""The projection: what follows from terms and facts as of a day. The one function behind every figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from ledger.loanmath.books import Books
from ledger.loanmath.calendars import WEEKENDS, Calendar
from ledger.loanmath.coming_changes import coming_changes
from ledger.loanmath.facts import (
    Arrangement,
    Charge,
    Confirmation,
    Coupon,
    Deferral,
    Drawdown,
    DueDateMove,
    Extension,
    Fact,
    LenderFigure,
    Pause,
    RateChange,
    Refund,
    Repayment,
    Reversal,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.money import Parts
from ledger.loanmath.penalty import accrue_penalty
from ledger.loanmath.projection import ProjectedAllocation, ProjectedBill, Projection
from ledger.loanmath.replay import Witness, replay
from ledger.loanmath.settling_bills import settling
from ledger.loanmath.terms import LoanTerms
from ledger.loanmath.working_bill import WorkingBill

RANK: dict[type[Fact], int] = {
    TermsVersion: 1,  # changes of the agreement count as they were recorded
    RateChange: 1,
    Pause: 1,
    Extension: 1,
    DueDateMove: 1,
    Charge: 4,
    LenderFigure: 5,
    Deferral: 6,
    Coupon: 7,
    Waiver: 7,
    Drawdown: 8,  # money in and money out, in the order recorded
    Refund: 8,
    Repayment: 8,
    Arrangement: 10,  # after what was paid on its day
    Confirmation: 11,
}

NOTHING = Parts()


def live(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that no live reversal undoes, reversals themselves left out, in the order in which they count:
    by day, then kind (as in RANK), then id. A reversal undoes an earlier fact, so its id is the higher one; any other
    is ignored."""
    everything = list(facts)
    reversals = [fact for fact in everything if isinstance(fact, Reversal)]
    if not reversals:
        return sorted(everything, key=_place)
    undone: set[int] = set()
    for reversal in sorted(reversals, key=lambda fact: fact.id, reverse=True):
        if reversal.id not in undone and reversal.of < reversal.id:
            undone.add(reversal.of)
    left = [fact for fact in everything if fact.id not in undone and not isinstance(fact, Reversal)]
    return sorted(left, key=_place)


def _place(fact: Fact) -> tuple[date, int, int]:
    """Where a fact stands among the others: by day, kind and id."""
    rank = RANK[type(fact)]
    if rank == RANK[Charge] and isinstance(fact, Charge) and fact.after_repayments:
        rank = RANK[Repayment] + 1
    return fact.effective_on, rank, fact.id


def project(
    terms: LoanTerms, facts: Iterable[Fact], as_of: date, calendar: Calendar = WEEKENDS, agreed: Iterable[Fact] = ()
) -> Projection:
    """A loan as of a day: its bills, past and to come, what met them, and what is still owed.

    Only facts that are live and effective by `as_of` count, and those that are `agreed` already for a later day (a rate
    change announced, a pause to come): they change the bills to come. The order in which they are given never matters.
    Repayments before the disbursement are history and do not count. `calendar` says which days are working days, for
    the payable dates. Raises NeverAmortizes if the stated payment
    is below the interest.
    """
    facts = live(facts)
    agreed = live(agreed)
    loan = final_books(terms, facts, as_of, calendar, agreed)
    unconfirmed = presumed_repayments(facts, as_of)
    changes = coming_changes(loan, facts, as_of)
    return Projection(
        as_of=as_of,
        currency=terms.currency,
        bills=tuple(projected_bill(bill, unconfirmed) for bill in loan.bills),
        allocations=allocations(loan),
        outstanding_principal=outstanding_principal(loan),
        credit=loan.held(),
        settled_on=settled_on(loan),
        next_change_on=changes.first,
        changes_after=changes.after,
        settling=settling(loan, facts, as_of),
        terms=terms,
        facts=facts,
        calendar=calendar,
        agreed=agreed,
    )


def final_books(
    terms: LoanTerms,
    facts: Sequence[Fact],
    as_of: date,
    calendar: Calendar = WEEKENDS,
    agreed: Sequence[Fact] = (),
    witness: Witness | None = None,
) -> Books:
    """The books as of a day with every bill to come made up; `facts` and `agreed` live and in order."""
    loan = replay(terms, facts, as_of, calendar, agreed, witness)
    while loan.next_due_on() is not None:
        loan.make_bill()
    for bill in loan.open.values():
        accrue_penalty(loan, bill, as_of)
    return loan


def presumed_repayments(facts: Sequence[Fact], as_of: date) -> frozenset[int]:
    """Repayments recorded on the lender's word that nobody has confirmed by `as_of`."""
    confirmed = {fact.of for fact in facts if isinstance(fact, Confirmation) and fact.effective_on <= as_of}
    presumed = {fact.id for fact in facts if isinstance(fact, Repayment) and fact.presumed}
    return frozenset(presumed - confirmed)


def projected_bill(bill: WorkingBill, unconfirmed: frozenset[int]) -> ProjectedBill:
    """A bill as the rest of the program sees it, in minor units. `presumed` is what `unconfirmed` repayments met of it;
    `computed` is our own figure where the lender's replaced it, penalty to the day included."""
    computed = None
    if bill.computed is not None:
        principal, interest, fee, penalty = bill.computed
        computed = Parts(principal, interest, fee, penalty + bill.penalty)
    presumed = 0
    if unconfirmed:
        presumed = sum(sum(met) for repayment, _, met in bill.met_by if repayment in unconfirmed)
    asked = bill.due
    due = Parts(*asked)
    paid = due if bill.paid == asked else Parts(*bill.paid) if bill.met_by else NOTHING
    return ProjectedBill(
        number=bill.number,
        starts_on=bill.starts_on,
        due_on=bill.due_on,
        payable_on=bill.payable_on,
        due=due,
        paid=paid,
        waived=Parts(*bill.waived) if any(bill.waived) else NOTHING,
        presumed=presumed,
        outstanding_after=bill.outstanding_after,
        settled_on=bill.settled_on,
        deferred_from=bill.deferred_from,
        computed=computed,
        is_replaced=bill.is_replaced,
    )


def allocations(loan: Books) -> tuple[ProjectedAllocation, ...]:
    """What each repayment met, by repayment and bill; what met no bill comes last."""
    met: dict[tuple[int, int], Parts] = {}
    for bill in loan.bills:
        for repayment, _, amounts in bill.met_by:
            key = (repayment, bill.number)
            met[key] = met[key] + Parts(*amounts) if key in met else Parts(*amounts)
    beside: dict[int, Parts] = {}
    for repayment, parts in loan.beside:
        beside[repayment] = beside.get(repayment, NOTHING) + parts
    found = [
        ProjectedAllocation(repayment=repayment, bill=number, parts=parts) for (repayment, number), parts in met.items()
    ]
    found += [ProjectedAllocation(repayment=repayment, bill=None, parts=parts) for repayment, parts in beside.items()]
    last = len(loan.bills) + 1
    return tuple(sorted(found, key=lambda allocation: (allocation.repayment, allocation.bill or last)))


def outstanding_principal(loan: Books) -> int:
    """Principal lent, drawn and capitalized, less what was prepaid, paid or waived, in minor units; principal charged
    on bills does not count."""
    met = sum(bill.paid[0] + bill.waived[0] - bill.charges[0] for bill in loan.bills)
    return loan.lent + loan.drawn + sum(loan.capitalized.values()) + loan.joined - loan.prepaid - met


def settled_on(loan: Books) -> date | None:
    """The day nothing was left to pay: the last day on which something was settled."""
    if loan.open:
        return None
    days = [bill.settled_on for bill in loan.bills if bill.settled_on is not None and any(bill.due)]
    if loan.paid_off_on is not None:
        days.append(loan.paid_off_on)
    return max(days, default=None)
