"""The record of one replay: how the plan came to one bill's figures, and which facts had a hand in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from ledger.loanmath.allocation import Amounts
from ledger.loanmath.books import Books
from ledger.loanmath.facts import Arrangement, Fact, Repayment
from ledger.loanmath.plan import Plan, PlanRow
from ledger.loanmath.working_bill import WorkingBill, nothing


class Accrual(NamedTuple):
    """Interest fixed inside a period: `plan` as it stood just before, the day up to which it was fixed, and the fact
    that counted then. On `overdue` minor units as well; if it is `late`, on these alone and from `since` on. Where
    `rounds` is set, only what rounding it there added, in minor units."""

    plan: Plan
    until: date
    fact: int | None
    overdue: int = 0
    since: date | None = None
    late: bool = False
    rounds: Fraction | None = None


class Change(NamedTuple):
    """What one fact added to a bill, in minor units (None: no fact did)."""

    fact: int | None
    amounts: Amounts


class Replaced(NamedTuple):
    """A bill as the arrangement `by` found it, which asks for no more than that since: the repayments that had met it,
    what had been let go of, and how many charges it had had."""

    by: int
    met: tuple[Change, ...]
    waivers: tuple[Change, ...]
    coupons: tuple[Change, ...]
    waived: Amounts
    charges: int


@dataclass(slots=True)
class Record:
    """What is remembered about bill `number` (from 1).

    `made` is the plan as it stood when the bill was made up, `solved` when the payment then in force was worked out
    (None: at the beginning); `accruals` are the interest fixed on the way, `capitalized` those before some of it became
    principal. `waivers` are what facts let go of it, `charges` those of every bill, since a bill that is never made up
    leaves its own to another; `ours` are charges that only our own figure knows, since the lender's holds them already;
    `beyond` is what the bill asks for beyond plan, charges and figure, since more was paid on its day; `replaced` is
    set once an arrangement asks for the rest of it.
    """

    number: int
    made: Plan | None = None
    solved: Plan | None = None
    accruals: list[Accrual] = field(default_factory=list)
    capitalized: list[Accrual] = field(default_factory=list)
    charges: dict[int, list[Change]] = field(default_factory=dict)
    waivers: list[Change] = field(default_factory=list)
    ours: list[Change] = field(default_factory=list)
    beyond: list[Change] = field(default_factory=list)
    replaced: Replaced | None = None
    _fact: int | None = None
    _counted: Fact | None = None
    _was_open: set[int] = field(default_factory=set)
    _last_solved: Plan | None = None

    # told by the plan

    def taking(self, plan: Plan) -> None:
        if plan.at == self.number - 1:
            self.made, self.solved = plan.as_it_stands(), self._last_solved
            self.ours, self.beyond, self.replaced = [], [], None
            self._was_open.discard(self.number)  # made anew, under the arrangement if one is counted

    def accruing(self, plan: Plan, day: date, overdue: int) -> None:
        if self._concerns(plan):
            self._begin(plan)
            self.accruals.append(Accrual(plan.as_it_stands(), day, self._fact, overdue))

    def adding_late(self, plan: Plan, overdue: int, since: date, until: date) -> None:
        if self._concerns(plan):
            self._begin(plan)
            self.accruals.append(Accrual(plan.as_it_stands(), until, self._fact, overdue, since, late=True))

    def rounding(self, plan: Plan) -> None:
        if self._concerns(plan) and self.accruals:
            exact = plan.accrued
            moved = (plan.round_interest(exact.numerator, exact.denominator) - exact) / plan.scale
            self.accruals.append(Accrual(plan.as_it_stands(), self.accruals[-1].until, self._fact, rounds=moved))

    def restarting(self, plan: Plan) -> None:
        if self._concerns(plan):
            self._begin(plan)
            self.capitalized, self.accruals = [*self.accruals, Accrual(plan.as_it_stands(), date.max, self._fact)], []

    def restoring(self, plan: Plan) -> None:
        if self._concerns(plan):
            self.accruals, self.capitalized = self.capitalized[:-1], []

    def _concerns(self, plan: Plan) -> bool:
        """Whether the plan is at this bill, or at a down payment before it, which leaves its interest to it."""
        return plan.at == self.number - 1 or plan.at < plan.first == self.number - 1

    def _begin(self, plan: Plan) -> None:
        """Nothing of the period is fixed yet: what an earlier try at it fixed counts no more."""
        if plan.accrued_to is None and not plan.accrued:
            self.accruals = []

    def solving(self, plan: Plan) -> None:
        self._last_solved = plan.as_it_stands()

    # told by the replay

    def before(self, books: Books, fact: Fact) -> None:
        self.look(books)
        self._fact, self._counted = fact.id or None, fact
        self._was_open = set(books.open)

    def after(self, books: Books, fact: Fact) -> None:
        self.look(books)
        if isinstance(fact, Arrangement) and self.number in self._was_open and self.number <= len(books.bills):
            self.replaced = self._as_found(books, fact)
        self._fact = self._counted = None

    def _as_found(self, books: Books, fact: Arrangement) -> Replaced:
        bill = books.bills[self.number - 1]
        return Replaced(
            fact.id,
            tuple(Change(repayment, met) for repayment, _, met in bill.met_by),
            tuple(self.waivers),
            tuple(Change(coupon.fact.id, off) for coupon, off in books.taken_off.get(self.number, ())),
            list(bill.waived),
            len(self.charges.get(self.number, ())),
        )

    def look(self, books: Books) -> None:
        """Note what is new on the bill since the last look."""
        self._look_at_charges(books)
        bill = books.book.get(self.number)
        if bill is not None:
            self._note(self.waivers, bill.waivers)
        if bill is not None and bill.computed is not None:
            known = [bill.charges, planned(bill.row, self.made), [-amount for amount in bill.since_figure]]
            self._note(self.ours, [have - sum(of) for have, *of in zip(bill.computed, *known, strict=True)])
        if bill is not None and isinstance(self._counted, Repayment):
            asks = asked_by_all(books, bill, self.made)
            self._note(self.beyond, [have - of for have, of in zip(bill.asked, asks, strict=True)])

    def _note(self, known: list[Change], amounts: Amounts) -> None:
        more = [a - b for a, b in zip(amounts, _sum(known), strict=True)]
        if any(more):
            known.append(Change(self._fact, more))

    def _look_at_charges(self, books: Books) -> None:
        """Charges that left a bill go to the one that gained them; what is left of them was paid off."""
        bills = [books.book[number] for number in {self.number, *books.charged} if number in books.book]
        now = {bill.number: bill.charges for bill in bills}
        left: list[Change] = []
        for number in list(self.charges):
            if not any(now.get(number, nothing())):
                left += self.charges.pop(number)
        for number, amounts in now.items():
            known = self.charges.setdefault(number, [])
            more = [a - b for a, b in zip(amounts, _sum(known), strict=True)]
            if left and all(a >= b for a, b in zip(more, _sum(left), strict=True)):
                known += left
                left = []
            self._note(known, amounts)


def _sum(changes: list[Change]) -> Amounts:
    return [sum(amounts) for amounts in zip(nothing(), *(change.amounts for change in changes), strict=True)]


def asked_by_all(books: Books, bill: WorkingBill, made: Plan | None) -> Amounts:
    """What plan, charges and the lender ask for with a bill, in whole minor units."""
    figure = books.figures.get(bill.number)
    if figure is None:
        return [a + b for a, b in zip(planned(bill.row, made), bill.charges, strict=True)]
    parts = figure.parts
    stated = [parts.principal, parts.interest, parts.fee, parts.penalty]
    return [a + b for a, b in zip(stated, bill.since_figure, strict=True)]


def planned(row: PlanRow | None, made: Plan | None) -> Amounts:
    """What the plan asks for with a bill, in whole minor units."""
    if row is None or made is None:
        return nothing()
    principal = made.shown(row.opening) - made.shown(row.closing)
    return [principal, made.shown(row.interest), row.fee // made.scale, 0]
