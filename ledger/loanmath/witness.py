"""The record of one replay: how the plan came to one bill's figures, and which facts had a hand in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from ledger.loanmath.allocation import Amounts
from ledger.loanmath.books import Books
from ledger.loanmath.facts import Fact
from ledger.loanmath.plan import Plan, PlanRow
from ledger.loanmath.working_bill import nothing


class Accrual(NamedTuple):
    """Interest fixed inside a period: `plan` as it stood just before, the day up to which it was fixed and the fact
    that counted then; where `rounds` is set, only what rounding it there added, in minor units."""

    plan: Plan
    until: date
    fact: int | None
    rounds: Fraction | None = None


class Change(NamedTuple):
    """What one fact added to a bill, in minor units (None: no fact did)."""

    fact: int | None
    amounts: Amounts


@dataclass(slots=True)
class Record:
    """What is remembered about bill `number` (from 1): the plan as it stood when the bill was made up (`made`) and when
    the payment then in force was worked out (`solved`; None: at the beginning), the interest fixed on the way, and
    what facts let go of it; `charges` of every bill, since a bill that is never made up leaves its own to another.
    `ours` are charges that only our own figure knows, since the lender's holds them already. `capitalized` is the
    interest fixed before some of it became principal."""

    number: int
    made: Plan | None = None
    solved: Plan | None = None
    accruals: list[Accrual] = field(default_factory=list)
    capitalized: list[Accrual] = field(default_factory=list)
    charges: dict[int, list[Change]] = field(default_factory=dict)
    waivers: list[Change] = field(default_factory=list)
    ours: list[Change] = field(default_factory=list)
    _fact: int | None = None
    _last_solved: Plan | None = None

    # told by the plan

    def taking(self, plan: Plan) -> None:
        if plan.at == self.number - 1:
            self.made, self.solved = plan.as_it_stands(), self._last_solved
            self.ours = []

    def accruing(self, plan: Plan, day: date) -> None:
        if plan.at == self.number - 1:
            if plan.accrued_to is None:
                self.accruals = []
            self.accruals.append(Accrual(plan.as_it_stands(), day, self._fact))

    def rounding(self, plan: Plan) -> None:
        if plan.at == self.number - 1 and self.accruals:
            exact = plan.accrued
            moved = (plan.round_interest(exact.numerator, exact.denominator) - exact) / plan.scale
            self.accruals.append(Accrual(plan.as_it_stands(), self.accruals[-1].until, self._fact, moved))

    def restarting(self, plan: Plan) -> None:
        if plan.at == self.number - 1:
            self.capitalized, self.accruals = [*self.accruals, Accrual(plan.as_it_stands(), date.max, self._fact)], []

    def solving(self, plan: Plan) -> None:
        self._last_solved = plan.as_it_stands()

    # told by the replay

    def before(self, books: Books, fact: Fact) -> None:
        self.look(books)
        self._fact = fact.id

    def after(self, books: Books, fact: Fact) -> None:
        self.look(books)
        self._fact = None

    def look(self, books: Books) -> None:
        """Note what is new on the bill since the last look."""
        self._look_at_charges(books)
        bill = books.book.get(self.number)
        if bill is not None:
            self._note(self.waivers, bill.waivers)
        if bill is not None and bill.computed is not None:
            known = [bill.charges, planned(bill.row, self.made), [-amount for amount in bill.since_figure]]
            self._note(self.ours, [have - sum(of) for have, *of in zip(bill.computed, *known, strict=True)])

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


def planned(row: PlanRow | None, made: Plan | None) -> Amounts:
    """What the plan asks for with a bill, in whole minor units."""
    if row is None or made is None:
        return nothing()
    principal = made.shown(row.opening) - made.shown(row.closing)
    return [principal, made.shown(row.interest), row.fee // made.scale, 0]
