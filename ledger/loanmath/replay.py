"""The replay: one loan carried from fact to fact, in the order in which the facts count.

Bills are made up only once their due date has come or money reaches for them; a fact that changes the plan
takes back the bills that are still to come, changes the plan and lets it go on. Each fact therefore costs the
same, however long the loan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from ledger.loanmath.allocation import Amounts, allocate, meet, slots
from ledger.loanmath.facts import (
    ApplyTo,
    Charge,
    Deferral,
    DeferralTreatment,
    Drawdown,
    Fact,
    LenderFigure,
    RateChange,
    RateEffect,
    Repayment,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.interest import due_dates, make_period
from ledger.loanmath.money import Parts, Rounding, round_ratio, split
from ledger.loanmath.payment import minimum_payment, solve, start_plan
from ledger.loanmath.plan import Plan
from ledger.loanmath.prepayment import prepayment_fee, split_prepayment
from ledger.loanmath.replan import agreed_due_on, move_dates, plan_from, same_plan
from ledger.loanmath.terms import Excess, LoanTerms, Method, Spread
from ledger.loanmath.working_bill import WorkingBill, nothing

Source = tuple[int, date, int]  # repayment, the day it was paid, what is left of it

PREPAYS = {ApplyTo.SHORTEN: Excess.SHORTEN, ApplyTo.LOWER: Excess.LOWER, ApplyTo.PAYOFF: Excess.SHORTEN}


@dataclass(slots=True)
class Replay:
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

    # making up bills

    def advance(self, day: date) -> None:
        """Make up every bill due on or before `day`; money held meets each as it falls due."""
        while (next_due := self.next_due_on()) is not None and next_due <= day:
            self.accrue_overdue(next_due)
            bill = self.make_bill()
            if self.credit:
                self.use_credit(bill.due_on)

    def accrue_overdue(self, day: date) -> None:
        """Where the agreement says so, unpaid principal of bills past due bears interest up to `day`."""
        if self.terms.overdue_accrues:
            self.plan.accrue_to(day, self.overdue_principal(day))

    def overdue_principal(self, day: date) -> int:
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
        self._note(bill, bill.due_on)
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
        self._note(bill, bill.due_on)
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
        bill.asked = [parts.principal, parts.interest, parts.fee, parts.penalty]
        bill.computed, bill.penalty_stated = ours, parts.penalty > 0
        if bill.row is not None:
            stated = min(parts.principal * self.plan.scale, bill.row.opening)
            self.plan.balance = bill.row.opening - stated

    def in_book(self, number: int) -> WorkingBill:
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

    def _note(self, bill: WorkingBill, day: date) -> None:
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

    def pay_ahead_again(self, day: date) -> None:
        """Money that had paid taken-back bills pays the ones that replace them, else the ones after."""
        waiting, self.ahead = sorted(self.ahead, key=lambda entry: (entry[1], entry[0][1], entry[0][0])), []
        for (repayment, paid_on, amount), number in waiting:
            bill = self.reach(number)
            left = amount if bill is None else self.pay((repayment, paid_on, amount), [bill])
            left = self.pay_next(repayment, paid_on, left)
            if left:
                self.credit.append((repayment, paid_on, left))

    # money

    def pay(self, source: Source, bills: Iterable[WorkingBill]) -> int:
        """Put money against bills in the agreed order; what is left of it."""
        repayment, day, amount = source
        if self.terms.spread is Spread.COMPONENT_BY_COMPONENT:
            return self._pay_across(source, list(bills))
        for bill in bills:
            if amount <= 0:
                break
            bill.accrue_penalty(self.terms.penalty, day)
            met = meet(amount, bill.open(), self.order_on(day, bill))
            amount -= self._book_payment(bill, repayment, day, met)
        return amount

    def _pay_across(self, source: Source, bills: list[WorkingBill]) -> int:
        repayment, day, amount = source
        for bill in bills:
            bill.accrue_penalty(self.terms.penalty, day)
        order = self.order_on(day, *bills)
        mets = allocate(amount, [bill.open() for bill in bills], order, self.terms.spread)
        return amount - sum(
            self._book_payment(bill, repayment, day, met) for bill, met in zip(bills, mets, strict=True)
        )

    def _book_payment(self, bill: WorkingBill, repayment: int, day: date, met: Amounts) -> int:
        total = sum(met)
        if total:
            bill.take_payment(repayment, day, met)
            self._note(bill, day)
        return total

    def order_on(self, day: date, *bills: WorkingBill) -> tuple[int, ...]:
        """The order in which components are met: another one, if agreed, where all bills are paid ahead."""
        ahead = self.terms.order_ahead
        return slots(ahead) if ahead and all(bill.due_on > day for bill in bills) else self.order

    def due_bills(self, day: date) -> tuple[list[WorkingBill], list[WorkingBill]]:
        """Open bills past due, and those due on `day`, oldest first."""
        past: list[WorkingBill] = []
        now: list[WorkingBill] = []
        for bill in self.open.values():
            if bill.due_on > day:
                break
            (past if bill.due_on < day else now).append(bill)
        return past, now

    def pay_due(self, source: Source) -> int:
        repayment, day, amount = source
        for group in self.due_bills(day):
            amount = self.pay((repayment, day, amount), group)
        return amount

    def pay_next(self, repayment: int, day: date, amount: int) -> int:
        """Pay the bills to come, one after the other; what is left once all are paid."""
        if amount and self.terms.spread is Spread.COMPONENT_BY_COMPONENT:
            return self.pay((repayment, day, amount), self.all_open())
        amount = self.pay((repayment, day, amount), list(self.open.values())) if amount else 0
        while amount > 0 and self.next_due_on() is not None:
            amount = self.pay((repayment, day, amount), [self.make_bill()])
        return amount

    def all_open(self) -> list[WorkingBill]:
        """Every open bill, those to come included."""
        while self.next_due_on() is not None:
            self.make_bill()
        return list(self.open.values())

    def pay_shares(self, repayment: int, day: date, amount: int) -> int:
        """Pay all open bills in equal shares, again as long as one has room for more; what is left."""
        while amount and (bills := self.all_open()):
            shares = split(amount, len(bills))
            left = [self.pay((repayment, day, share), [bill]) for share, bill in zip(shares, bills, strict=True)]
            amount = sum(left)
        return amount

    def held(self) -> int:
        """Money that met nothing yet."""
        return sum(source[2] for source in self.credit) + sum(source[2] for source, _ in self.ahead)

    def use_credit(self, day: date) -> None:
        """Money held meets what is due."""
        held, self.credit = self.credit, []
        for repayment, paid_on, amount in held:
            left = self.pay_due((repayment, max(day, paid_on), amount))
            if left:
                self.credit.append((repayment, paid_on, left))

    # facts

    def apply(self, fact: Fact) -> None:
        """Let one fact count; figures, deferrals and confirmations are known from the beginning."""
        if isinstance(fact, Repayment):
            self.repay(fact)
        elif isinstance(fact, RateChange):
            self.change_rate(fact)
        elif isinstance(fact, Drawdown):
            self.draw(fact)
        elif isinstance(fact, Charge):
            self.charge(fact)
        elif isinstance(fact, Waiver):
            self.waive(fact)
        elif isinstance(fact, TermsVersion):
            self.change_terms(fact)

    def repay(self, fact: Repayment) -> None:
        day, left = fact.effective_on, fact.amount
        if fact.apply_to is ApplyTo.PAYOFF and self.pay_off(fact.id, day, left):
            return
        if fact.apply_to is ApplyTo.BILL and fact.bill is not None:
            bill = self.reach(fact.bill)
            left = left if bill is None else self.pay((fact.id, day, left), [bill])
        left = self.pay_due((fact.id, day, left))
        policy = fact.excess or PREPAYS.get(fact.apply_to, self.terms.excess)
        if left and policy in (Excess.SHORTEN, Excess.LOWER):
            left = self.prepay(fact.id, day, left, lower=policy is Excess.LOWER)
        elif policy is Excess.LAST_BILL:
            left = self.pay((fact.id, day, left), reversed(self.all_open()))
        elif policy is Excess.EQUAL_SHARES:
            left = self.pay_shares(fact.id, day, left)
        elif policy is Excess.NEXT_BILL:
            left = self.pay_next(fact.id, day, left)
        if left:
            self.credit.append((fact.id, day, left))

    def prepay(self, repayment: int, day: date, amount: int, *, lower: bool) -> int:
        """Repay principal that is not due yet, and what the bills to come ask for once no principal is left; what
        is left. Enough to settle everything settles everything."""
        if self.pay_off(repayment, day, amount):
            return 0
        plan = self.plan
        self.take_back(day)
        plan.cut_at(day)
        balance = plan.shown(plan.balance)
        principal, fee = split_prepayment(self.terms, amount, balance, day)
        if principal:
            self.beside.append((repayment, Parts(principal=principal, fee=fee)))
            self.prepaid += principal
            plan.balance -= principal * plan.scale
            amount -= principal + fee
            plan.prorate_listed = lower
            if lower:
                solve(plan)
        self.pay_ahead_again(day)
        return self.pay_next(repayment, day, amount) if principal == balance else amount

    def rest_on(self, day: date) -> Parts:
        """What settles the part of the loan that is in no bill yet, once the bills to come are taken back. Principal
        that money of those bills covers was paid as agreed, if ahead: no prepayment fee is due on it."""
        plan = self.plan
        principal, interest = plan.shown(plan.balance), 0
        if not plan.done:
            exact = plan.interest_to(day)
            interest = round_ratio(exact.numerator, exact.denominator * plan.scale, self.interest_rounding)
            interest += plan.shown(plan.carry)
        coming = self.book.get(plan.at + 1)
        if coming is not None:
            interest = max(interest - coming.waivers[1], 0)
        charges = [sum(amounts) for amounts in zip(nothing(), *self.charges_to_come(), strict=True)]
        rest = Parts(principal + charges[0], interest + charges[1], charges[2], charges[3])
        ahead = sum(source[2] for source, _ in self.ahead)
        early = max(min(principal, rest.total - ahead), 0)
        return rest + Parts(fee=prepayment_fee(self.terms, early, day))

    def charges_to_come(self) -> list[Amounts]:
        """Charges on bills not made up yet, less what was waived of them."""
        later = [self.book[number] for number in self.charged if number > len(self.bills)]
        return [[max(a - b, 0) for a, b in zip(bill.charges, bill.waivers, strict=True)] for bill in later]

    @property
    def interest_rounding(self) -> Rounding:
        rounding = self.terms.interest_rounding or self.terms.rounding
        return Rounding.HALF_UP if rounding is Rounding.NONE else rounding

    def payoff(self, day: date) -> tuple[Parts, int]:
        """What settles the loan on `day`, and the money already held towards it. Takes back the bills to come."""
        self.take_back(day)
        needed = self.rest_on(day)
        for bill in self.open.values():
            bill.accrue_penalty(self.terms.penalty, day)
            needed += Parts(*bill.open())
        return needed, self.held()

    def pay_off(self, repayment: int, day: date, amount: int) -> bool:
        """Settle what is left if the amount, with what is held already, is enough; else change nothing."""
        needed, held = self.payoff(day)
        if amount + held < needed.total or not needed.total:
            self.pay_ahead_again(day)
            return False
        rest = self.rest_on(day)
        sources = [*self.credit, *(source for source, _ in self.ahead), (repayment, day, amount)]
        self.credit, self.ahead = [], []
        self.settle(sources, rest, day)
        return True

    def settle(self, sources: list[Source], rest: Parts, day: date) -> None:
        """Settle all bills made up so far and the `rest` of the plan; money beyond that is credit."""
        needed = [rest.principal, rest.interest, rest.fee, rest.penalty]
        for repayment, _, amount in sources:
            left = self.pay((repayment, day, amount), list(self.open.values()))
            met = meet(left, needed, self.order)
            if sum(met):
                self.beside.append((repayment, Parts(*met)))
                needed = [a - b for a, b in zip(needed, met, strict=True)]
                left -= sum(met)
            if left:
                self.credit.append((repayment, day, left))
        self.prepaid += self.plan.shown(self.plan.balance)
        self.plan.close()
        self.book = {bill.number: bill for bill in self.bills}
        self.charged &= self.book.keys()
        self.paid_off_on = day

    def draw(self, fact: Drawdown) -> None:
        """More is owed from the day on; an agreement that had ended asks for one more bill."""
        self.take_back(fact.effective_on)
        plan = self.plan
        plan.cut_at(fact.effective_on)
        plan.last = max(plan.last, plan.at)
        plan.balance += fact.amount * plan.scale
        plan.flat_base += fact.amount * plan.scale
        self.drawn += fact.amount
        self.paid_off_on = None
        solve(plan)
        self.pay_ahead_again(fact.effective_on)

    def change_rate(self, fact: RateChange) -> None:
        self.take_back(fact.effective_on)
        plan = self.plan
        plan.cut_at(fact.effective_on)
        plan.rates.change(fact.effective_on, fact.annual_rate)
        if not plan.done:
            kept = fact.effect is RateEffect.KEEP_PAYMENT and self.terms.method is Method.LEVEL
            plan.open_ended = kept and plan.shown(plan.payment) >= minimum_payment(plan)
            if not plan.open_ended:
                agreed = len(due_dates(self.terms)) - 1 + plan.first - plan.skipped
                plan.last = max(agreed, plan.at)
                solve(plan)
        self.pay_ahead_again(fact.effective_on)

    def charge(self, fact: Charge) -> None:
        day = fact.effective_on
        bill = self.charged_bill(fact)
        self.charged.add(bill.number)
        bill.accrue_penalty(self.terms.penalty, day)
        slot = self.slot(fact)
        figure = self.figures.get(bill.number)
        if figure is None or (figure.effective_on, figure.id) < (day, fact.id):
            bill.charges[slot] += fact.amount
            bill.asked[slot] += fact.amount
        elif bill.computed is not None:
            bill.computed[slot] += fact.amount
        self._note(bill, day)
        if self.credit and self.terms.excess is not Excess.HOLD:
            held, self.credit = self.credit, []
            for repayment, paid_on, amount in held:
                left = self.pay((repayment, day, amount), list(self.open.values()))
                if left:
                    self.credit.append((repayment, paid_on, left))

    @staticmethod
    def slot(fact: Charge | Waiver) -> int:
        return slots((fact.component,))[0]

    def charged_bill(self, fact: Charge) -> WorkingBill:
        """The bill a charge falls on: the one it names, else the first due on or after its day, else an extra one."""
        if fact.bill is not None and (named := self.reach(fact.bill)) is not None:
            return named
        day = fact.due_on or fact.effective_on
        while self.next_due_on() is not None and not (self.bills and self.bills[-1].due_on >= day):
            self.make_bill()
        later = [bill for bill in self.bills[-1:] if bill.due_on >= day]
        for bill in reversed(self.bills):
            if bill.due_on < day:
                break
            later.append(bill)
        return min(later, key=lambda bill: (bill.due_on, bill.number)) if later else self.extra_bill(day)

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

    def waive(self, fact: Waiver) -> None:
        bill = self.reach(fact.bill)
        if bill is None:
            return
        bill.accrue_penalty(self.terms.penalty, fact.effective_on)
        slot = self.slot(fact)
        bill.waivers[slot] += fact.amount
        bill.waived[slot] += min(fact.amount, bill.open()[slot])
        self._note(bill, fact.effective_on)

    def change_terms(self, fact: TermsVersion) -> None:
        old, new, day = self.terms, fact.terms, fact.effective_on
        self.order = slots(new.order)
        if old.penalty != new.penalty:
            for bill in self.open.values():
                bill.change_penalty_terms(old.penalty, new.penalty, day)
        self.terms = new
        if same_plan(old, new):
            return
        self.take_back(day)
        if not self.plan.done:
            self.plan.cut_at(day)
            later = [d for d in self.deferrals.values() if d.effective_on >= day]
            self.plan = plan_from(self.plan, new, day, later)
        self.pay_ahead_again(day)


def start(terms: LoanTerms, figures: Iterable[LenderFigure], deferrals: Iterable[Deferral]) -> Replay:
    """A loan on the day of its disbursement, with what lender and borrower have said about single bills."""
    plan = start_plan(terms)
    latest = {fact.bill: fact for fact in sorted(deferrals, key=lambda fact: (fact.effective_on, fact.id))}
    move_dates(plan, latest.values())
    stated = {fact.bill: fact for fact in sorted(figures, key=lambda fact: (fact.effective_on, fact.id))}
    return Replay(terms, plan, stated, latest, slots(terms.order), terms.opening)
