"""The books of one loan while facts are replayed: its plan, the bills made up so far, and money held.

Bills are made up only once their due date has come or money reaches for them; a fact that changes the plan
takes back the bills that are still to come, changes the plan and lets it go on. Each fact therefore costs the
same, however long the loan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from ledger.loanmath.allocation import Amounts, slots
from ledger.loanmath.facts import Deferral, DeferralTreatment, LenderFigure
from ledger.loanmath.interest import make_period
from ledger.loanmath.money import Parts, Rounding, round_ratio
from ledger.loanmath.payment import solve, start_plan
from ledger.loanmath.plan import Plan, PlanWitness
from ledger.loanmath.replan import agreed_due_on, move_dates
from ledger.loanmath.terms import LoanTerms
from ledger.loanmath.working_bill import WorkingBill, nothing

Source = tuple[int, date, int]  # repayment, the day it was paid, what is left of it


@dataclass(slots=True)
class Books:
    """A loan after the facts replayed so far. `figures` and `deferrals` hold for their bill from the beginning:
    what the lender says about a bill is what it always was."""

    terms: LoanTerms
    plan: Plan
    figures: dict[int, LenderFigure]
    deferrals: dict[int, Deferral]
    order: tuple[int, ...]
    lent: int
    bills: list[WorkingBill] = field(default_factory=list)
    book: dict[int, WorkingBill] = field(default_factory=dict)
    open: dict[int, WorkingBill] = field(default_factory=dict)
    charged: set[int] = field(default_factory=set)
    credit: list[Source] = field(default_factory=list)
    ahead: list[tuple[Source, int]] = field(default_factory=list)  # money of bills taken back, and their numbers
    beside: list[tuple[int, Parts]] = field(default_factory=list)  # what met no bill: prepayments, payoffs
    prepaid: int = 0
    drawn: int = 0
    capitalized: dict[int, int] = field(default_factory=dict)  # interest that became principal, by bill
    paid_off_on: date | None = None

    def accrue_overdue(self, day: date) -> None:
        """Where the agreement says so, unpaid principal of bills past due bears interest up to `day`."""
        if self.terms.overdue_accrues:
            self.plan.accrue_to(day, self.overdue_principal(day))

    def overdue_principal(self, day: date) -> int:
        """Unpaid principal of bills due before `day`, in minor units."""
        return sum(bill.open()[0] for bill in self.open.values() if bill.due_on < day)

    def next_due_on(self) -> date | None:
        """When the next bill not yet made up is due; None if there is none."""
        if not self.plan.done:
            return self.plan.due_on(self.plan.at)
        return min((bill.due_on for bill in self.stranded()), default=None)

    def stranded(self) -> list[WorkingBill]:
        """Charged bills that will not be made up, since the plan ended before them."""
        return [self.book[n] for n in self.charged if n > len(self.bills) and any(self.book[n].charges)]

    def make_bill(self) -> WorkingBill:
        """Make up the next bill: what the plan asks for plus charges, or the lender's figure if there is one, on the
        day a deferral moved it to. In minor units; it bears interest from its start up to and without its due date as
        planned. Only where `next_due_on` is not None."""
        plan = self.plan
        if plan.done:
            return self.make_stranded_bill()
        number = plan.at + 1
        deferral = self.deferrals.get(number)
        if deferral is not None and deferral.due_on <= agreed_due_on(plan, number):
            deferral = None
        if deferral is not None and deferral.treatment is DeferralTreatment.CAPITALIZE:
            self._capitalize(number)
        row = plan.take()
        bill = self.in_book(number)
        bill.row, bill.starts_on, bill.due_on = row, row.period.starts_on, row.period.due_on
        bill.deferred_from = None
        if deferral is not None:
            bill.deferred_from = agreed_due_on(plan, number)
            bill.due_on = deferral.due_on
        principal = plan.shown(row.opening) - plan.shown(row.closing)
        self._ask(bill, [principal, plan.shown(row.interest), row.fee // plan.scale, 0])
        bill.outstanding_after = plan.shown(plan.balance)
        if any(bill.waivers):
            bill.waived = [min(a, max(b, 0)) for a, b in zip(bill.waivers, bill.asked, strict=True)]
        self.bills.append(bill)
        self.note(bill, bill.due_on)
        return bill

    def make_stranded_bill(self) -> WorkingBill:
        """One extra bill for all charges whose own bill a prepayment made unnecessary."""
        stranded = self.stranded()
        bill = self.extra_bill(min(bill.due_on for bill in stranded))
        bill.charges = [sum(amounts) for amounts in zip(*(b.charges for b in stranded), strict=True)]
        for other in stranded:
            if other is not bill:
                other.charges = nothing()
        self.charged.add(bill.number)
        self._ask(bill, nothing())
        self.note(bill, bill.due_on)
        return bill

    def _ask(self, bill: WorkingBill, planned: Amounts) -> None:
        ours = planned
        if any(bill.charges):
            ours = [a + b for a, b in zip(planned, bill.charges, strict=True)]
        figure = self.figures.get(bill.number)
        if figure is None:
            bill.asked = ours
            return
        parts = figure.parts
        stated = [parts.principal, parts.interest, parts.fee, parts.penalty]
        bill.asked = [a + b for a, b in zip(stated, bill.since_figure, strict=True)]
        bill.computed = [a - b for a, b in zip(ours, bill.since_figure, strict=True)]
        bill.penalty_stated = parts.penalty > 0
        if bill.row is not None:
            self.plan.balance = bill.row.opening - min(parts.principal * self.plan.scale, bill.row.opening)

    def in_book(self, number: int) -> WorkingBill:
        """Bill `number` (from 1) as it is remembered, with its charges and waivers, made up or not."""
        return self.book.setdefault(number, WorkingBill(number))

    def _capitalize(self, number: int) -> None:
        """Interest up to the old due date joins what is owed, once, and the payment is worked out again."""
        if number in self.capitalized:
            return
        plan = self.plan
        old, new = agreed_due_on(plan, number), plan.due_on(plan.at)
        plan.dates[plan.at] = old
        plan.forget_period(plan.at)
        exact = plan.interest_to(old)
        interest = round_ratio(exact.numerator, exact.denominator * plan.scale, Rounding.HALF_UP)
        interest += plan.shown(plan.carry)
        plan.dates[plan.at] = new
        plan.restart(old, make_period(self.terms, old, new))
        plan.balance += interest * plan.scale
        self.capitalized[number] = interest
        solve(plan)

    def note(self, bill: WorkingBill, day: date) -> None:
        """Keep `open` true for a bill that was made up, charged or paid."""
        bill.check_settled(day)
        if bill.settled_on is not None:
            self.open.pop(bill.number, None)
        elif bill.number not in self.open:
            newest = next(reversed(self.open.values()), bill)
            self.open[bill.number] = bill
            if newest.due_on > bill.due_on:
                self.open = dict(sorted(self.open.items(), key=lambda item: (item[1].due_on, item[0])))

    def reach(self, number: int) -> WorkingBill | None:
        """Bill `number`, made up if need be; None if the plan has no such bill."""
        while len(self.bills) < number and self.next_due_on() is not None:
            self.make_bill()
        return self.bills[number - 1] if 0 < number <= len(self.bills) else None

    def take_back(self, day: date) -> None:
        """Take back the bills to come, from the first one not yet settled; the money they hold waits in `ahead`."""
        keep = len(self.bills)
        while keep and self.bills[keep - 1].planned_on > day:
            keep -= 1
        while keep < len(self.bills) and self.bills[keep].settled_on is not None:
            keep += 1
        for bill in reversed(self.bills[keep:]):
            if bill.row is None:
                self.plan.skip_index(-1)
            else:
                self.plan.take_back(bill.row)
            self.open.pop(bill.number, None)
            self.ahead += [((of, paid_on, sum(met)), bill.number) for of, paid_on, met in bill.met_by]
            bill.paid, bill.met_by, bill.settled_on = nothing(), [], None
        del self.bills[keep:]

    def extra_bill(self, day: date) -> WorkingBill:
        """A bill after the last one, for a charge that came later."""
        self.plan.skip_index()
        bill = self.in_book(len(self.bills) + 1)
        bill.row, bill.deferred_from, bill.outstanding_after = None, None, 0
        bill.waived = nothing()
        self._ask(bill, nothing())
        bill.starts_on = min(self.bills[-1].due_on, day) if self.bills else self.terms.disbursed_on
        bill.due_on = day
        self.bills.append(bill)
        return bill

    def all_open(self) -> list[WorkingBill]:
        """Every open bill, those to come included."""
        while self.next_due_on() is not None:
            self.make_bill()
        return list(self.open.values())

    def held(self) -> int:
        """Money that met nothing yet, in minor units."""
        return sum(source[2] for source in self.credit) + sum(source[2] for source, _ in self.ahead)

    @property
    def interest_rounding(self) -> Rounding:
        """How interest up to a day is rounded when it is paid."""
        rounding = self.terms.interest_rounding or self.terms.rounding
        return Rounding.HALF_UP if rounding is Rounding.NONE else rounding


def open_books(
    terms: LoanTerms,
    figures: Iterable[LenderFigure],
    deferrals: Iterable[Deferral],
    witness: PlanWitness | None = None,
) -> Books:
    """A loan on the day of its disbursement, with what lender and borrower have said about single bills."""
    plan = start_plan(terms)
    plan.witness = witness
    latest = {fact.bill: fact for fact in sorted(deferrals, key=lambda fact: (fact.effective_on, fact.id))}
    move_dates(plan, latest.values())
    stated = {fact.bill: fact for fact in sorted(figures, key=lambda fact: (fact.effective_on, fact.id))}
    return Books(terms, plan, stated, latest, slots(terms.order), terms.opening)
