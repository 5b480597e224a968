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
from ledger.loanmath.calendars import WEEKENDS, Calendar, payable_date
from ledger.loanmath.coupons import CouponInUse, taken_off
from ledger.loanmath.facts import Deferral, DeferralTreatment, DueDateMove, LenderFigure
from ledger.loanmath.interest import make_period
from ledger.loanmath.money import Parts, Rounding, round_ratio
from ledger.loanmath.payment import solve, start_plan
from ledger.loanmath.plan import Plan, PlanWitness
from ledger.loanmath.replan import move_dates
from ledger.loanmath.terms import AheadInterest, Excess, HolidayRule, LoanTerms, Method, OverdueRest
from ledger.loanmath.working_bill import WorkingBill, nothing

Source = tuple[int, date, int]  # repayment, the day it was paid, what is left of it


@dataclass(slots=True)
class Books:
    """A loan after the facts replayed so far. `figures`, `moves` of due dates and `deferrals` (the latest of each bill)
    hold for their bill from the beginning: what the lender says about a bill is what it always was."""

    terms: LoanTerms
    plan: Plan
    figures: dict[int, LenderFigure]
    moves: list[Deferral | DueDateMove]
    deferrals: dict[int, Deferral]
    order: tuple[int, ...]
    lent: int
    bills: list[WorkingBill] = field(default_factory=list)
    book: dict[int, WorkingBill] = field(default_factory=dict)
    open: dict[int, WorkingBill] = field(default_factory=dict)
    kept: int = 0  # so many bills the plan has changed behind: they are never taken back
    charged: set[int] = field(default_factory=set)
    credit: list[Source] = field(default_factory=list)
    ahead: list[tuple[Source, int]] = field(default_factory=list)  # money of bills taken back, and their numbers
    beside: list[tuple[int, Parts]] = field(default_factory=list)  # what met no bill: prepayments, payoffs
    prepaid: int = 0
    drawn: int = 0
    capitalized: dict[int, int] = field(default_factory=dict)  # interest that became principal, by bill
    joined: int = 0  # interest and charges that became principal by an arrangement
    coupons: list[CouponInUse] = field(default_factory=list)
    taken_off: dict[int, list[tuple[CouponInUse, Amounts]]] = field(default_factory=dict)  # by bill
    calendar: Calendar = WEEKENDS
    paid_off_on: date | None = None
    looked_at: date = date.max  # from this day on nothing is late yet: what comes after it is planned
    overdue_to: date = date.min  # up to when overdue principal has borne interest, where a repayment makes it

    @property
    def ahead_interest(self) -> AheadInterest:
        """How bills paid ahead bear interest; as planned where interest does not follow what is owed."""
        fixed = self.terms.method in (Method.FLAT, Method.LISTED)
        return AheadInterest.PLANNED if fixed else self.terms.ahead_interest

    def accrue_overdue(self, day: date) -> None:
        """Where the agreement says so, unpaid principal of bills past due bears interest up to `day`, but not beyond
        the day looked at."""
        if self.terms.overdue_accrues and self.terms.overdue_rest is OverdueRest.DAY and day <= self.looked_at:
            self.plan.accrue_to(day, self.overdue(day))

    def accrue_for_repayment(self, day: date) -> None:
        """Where overdue principal bears interest only when a repayment comes in: that of the current period."""
        overdue = self.overdue(day)
        if self.plan.done or not overdue:
            return
        period = self.plan.period(self.plan.at)
        until = period.due_on if self.terms.overdue_rest is OverdueRest.PERIOD else min(day, period.due_on)
        since = max(period.starts_on, self.overdue_to)
        if since < until:
            self.plan.add_late(overdue, since, until)
            self.overdue_to = until

    def payoff_counts_to(self, day: date) -> date:
        """Up to when a payoff on a day asks for the interest of the running period. No day of a period that begins on
        that day has run yet."""
        if not self.terms.payoff_to_period_end or self.plan.done:
            return day
        period = self.plan.period(self.plan.at)
        return period.due_on if period.starts_on < day else day

    def overdue(self, day: date) -> int:
        """What bears interest of bills due before `day`, in minor units: unpaid principal, and interest if it
        compounds."""
        past = [bill.open() for bill in self.open.values() if bill.due_on < day]
        return sum(open_[0] + (open_[1] if self.terms.overdue_compounds else 0) for open_ in past)

    def next_due_on(self) -> date | None:
        """When the next bill not yet made up is due, or payable if that is earlier; None if there is none."""
        if not self.plan.done:
            due_on = self.plan.due_on(self.plan.at)
            if self.terms.holiday_rule is HolidayRule.PREVIOUS_WORKDAY:
                return min(due_on, self.payable_on(due_on))
            return due_on
        return min((bill.due_on for bill in self.stranded()), default=None)

    def payable_on(self, due_on: date) -> date:
        """The last day to pay a bill due on a day, when the plan stands behind it; never before the disbursement."""
        rule = self.terms.holiday_rule
        if rule is HolidayRule.SAME_DAY:
            return due_on
        following = None if self.plan.done else self.plan.due_on(self.plan.at)
        return max(payable_date(due_on, rule, self.calendar, following), self.terms.disbursed_on)

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
        index = plan.at
        bill = self.in_book(index + 1)
        bill.before = None
        if self.deferrals:
            self._defer_interest(bill)
        if index in plan.without_principal:
            bill.before = plan.state()
            plan.last = plan.ends_at()
        bill.row = row = plan.take()
        if plan.overpaid:
            self.overpaid(plan.overpaid)
        bill.starts_on, bill.due_on = row.period.starts_on, row.period.due_on
        bill.deferred_from = plan.agreed.get(index)
        if bill.deferred_from is not None:
            bill.due_on = max(bill.due_on, plan.moved[index])
        if plan.scale == 1:
            planned = [row.principal, row.interest, row.fee, 0]
        else:
            principal = plan.shown(row.opening) - plan.shown(row.closing)
            planned = [principal, plan.shown(row.interest), row.fee // plan.scale, 0]
        self._ask(bill, planned)
        if index in plan.without_principal:
            solve(plan)
        bill.outstanding_after = plan.shown(plan.balance)
        if any(bill.waivers):
            bill.waived = [min(a, max(b, 0)) for a, b in zip(bill.waivers, bill.asked, strict=True)]
        bill.payable_on = self.payable_on(bill.due_on)
        for coupon in self.coupons:
            self.take_off(bill, coupon)
        self.bills.append(bill)
        self.note(bill, max(paid_on for _, paid_on, _ in bill.met_by) if bill.met_by else bill.due_on)
        return bill

    def take_off(self, bill: WorkingBill, coupon: CouponInUse) -> None:
        """Let a coupon count on a bill, if it covers it."""
        if not coupon.covers(bill.number, bill.due_on):
            return
        off = taken_off(coupon, self.plan, bill, self.interest_rounding)
        bill.waived = [a + b for a, b in zip(bill.waived, off, strict=True)]
        coupon.used += sum(off)
        coupon.bills += 1
        self.taken_off.setdefault(bill.number, []).append((coupon, off))

    def overpaid(self, more: int) -> None:
        """What becomes of the bills to come once so much `more` (in plan amounts) was paid of the bill taken last than
        it planned to ask for."""
        self.plan.overpaid = 0
        if self.terms.excess is Excess.LOWER:
            solve(self.plan)
        elif self.terms.excess is Excess.NEXT_BILL:
            self.plan.relief += more

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
            bill.asked, bill.computed, bill.penalty_stated = ours, None, False  # an arrangement may answer a figure
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
        bill = self.book.get(number)
        if bill is None:
            bill = self.book[number] = WorkingBill(number)
        return bill

    def _defer_interest(self, bill: WorkingBill) -> None:
        """A bill deferred at the price of its interest: that up to the old due date joins what is owed, once, and the
        payment is worked out again."""
        deferral, plan = self.deferrals.get(bill.number), self.plan
        old = plan.agreed.get(plan.at)
        if deferral is None or deferral.treatment is not DeferralTreatment.CAPITALIZE or old is None:
            return
        if bill.number in self.capitalized:
            return
        bill.before, new = plan.state(), plan.due_on(plan.at)
        plan.last = plan.ends_at(old)
        plan.dates[plan.at] = old
        plan.forget_period(plan.at)
        exact = plan.interest_to(old)
        interest = round_ratio(exact.numerator, exact.denominator * plan.scale, Rounding.HALF_UP)
        interest += plan.shown(plan.carry)
        plan.dates[plan.at] = new
        plan.restart(old, make_period(self.terms, old, new))
        plan.balance += interest * plan.scale
        self.capitalized[bill.number] = interest
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

    def take_back(self, day: date, *, settled: bool = False) -> None:
        """Take back the bills to come, from the first one not yet settled, or those `settled` too; the money they hold
        waits in `ahead`, unless interest up to the day it came in was counted: then it stays where it is."""
        stays = self.ahead_interest is not AheadInterest.PLANNED
        keep = len(self.bills)
        while keep and self.bills[keep - 1].planned_on > day:
            keep -= 1
        keep = max(keep, self.kept)
        while keep < len(self.bills) and self.bills[keep].settled_on is not None and not (settled or stays):
            keep += 1
        self.kept = keep
        for bill in reversed(self.bills[keep:]):
            self._take_back_from_plan(bill, day)
            self.open.pop(bill.number, None)
            bill.waived = nothing()
            for coupon, amount in self.taken_off.pop(bill.number, ()):
                coupon.used -= sum(amount)
                coupon.bills -= 1
            if stays and bill.number - 1 in self.plan.ahead:
                continue
            self.ahead += [((of, paid_on, sum(met)), bill.number) for of, paid_on, met in bill.met_by]
            bill.paid, bill.met_by, bill.settled_on = nothing(), [], None
        del self.bills[keep:]

    def _take_back_from_plan(self, bill: WorkingBill, day: date) -> None:
        plan = self.plan
        if bill.row is None:
            plan.skip_index(-1)
            return
        plan.take_back(bill.row)
        if bill.before is None:
            return
        if bill.number not in self.capitalized:
            plan.restore_payment(bill.before)
        elif day < plan.agreed[plan.at]:
            del self.capitalized[bill.number]
            plan.restore(bill.before)

    def put_beside_what_was_paid_ahead(self) -> int:
        """Money counted to its day for bills that will never be made up was paid beside them; its principal."""
        principal = 0
        for number, bill in self.book.items():
            if number > len(self.bills) and bill.met_by:
                self.beside += [(repayment, Parts(*met)) for repayment, _, met in bill.met_by]
                principal += bill.paid[0]
                bill.paid, bill.met_by = nothing(), []
        return principal

    def release_ahead(self) -> None:
        """Let go of the money on bills to come, which are no longer counted to the day it was paid."""
        for bill in self.book.values():
            if bill.number > len(self.bills) and bill.met_by:
                self.ahead += [((of, paid_on, sum(met)), bill.number) for of, paid_on, met in bill.met_by]
                bill.paid, bill.met_by = nothing(), []
        self.plan.release_ahead()

    def extra_bill(self, day: date) -> WorkingBill:
        """A bill after the last one, for a charge that came later."""
        self.plan.skip_index()
        bill = self.in_book(len(self.bills) + 1)
        bill.row, bill.deferred_from, bill.outstanding_after = None, None, 0
        bill.waived = nothing()
        self._ask(bill, nothing())
        bill.starts_on = min(self.bills[-1].due_on, day) if self.bills else self.terms.disbursed_on
        bill.due_on, bill.payable_on = day, self.payable_on(day)
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
    moves: Iterable[Deferral | DueDateMove],
    calendar: Calendar = WEEKENDS,
    witness: PlanWitness | None = None,
) -> Books:
    """A loan on the day of its disbursement, with what lender and borrower have said about single bills, in the order
    in which it counts."""
    plan, moves = start_plan(terms), list(moves)
    plan.witness = witness
    latest = {fact.bill: fact for fact in moves if isinstance(fact, Deferral)}
    moves = [fact for fact in moves if isinstance(fact, DueDateMove) or latest[fact.bill] is fact]
    move_dates(plan, moves)
    stated = {fact.bill: fact for fact in figures}
    return Books(terms, plan, stated, moves, latest, slots(terms.order), terms.opening, calendar=calendar)
