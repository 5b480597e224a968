"""A bill while facts are replayed: what it asks for, what met it so far, and what being late adds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from ledger.loanmath.allocation import Amounts
from ledger.loanmath.interest import ZERO
from ledger.loanmath.plan import PlanRow, PlanState


def nothing() -> Amounts:
    return [0, 0, 0, 0]


class Stretch(NamedTuple):
    """Days, from `since` up to and without `until`, on which penalty interest grew on one base at one yearly rate."""

    since: date
    until: date
    base: int
    rate: Fraction
    year_days: int

    @property
    def interest(self) -> Fraction:
        """What they added, unrounded, in minor units."""
        base_days, rate = self.base * (self.until - self.since).days, self.rate
        return Fraction(base_days * rate.numerator, rate.denominator * self.year_days)


class Lateness(NamedTuple):
    """What being late has added to one bill up to `counted_to` (None: nothing counted yet), in minor units.

    `interest` is penalty interest under the terms in force, unrounded; `earlier` what it came to under the terms
    before. `joined` is what had joined the base on the last monthly return, where penalty interest compounds.
    `passed` says that the grace is over: until then nothing shows; then the late fee was decided, once, as `fee`.
    `stretches` are the days behind `earlier` and `interest`, before any cap.
    """

    counted_to: date | None = None
    interest: Fraction = ZERO
    earlier: Fraction = ZERO
    joined: int = 0
    passed: bool = False
    fee: int = 0
    stretches: tuple[Stretch, ...] = ()


ON_TIME = Lateness()


@dataclass(slots=True)
class WorkingBill:
    """`asked` is what plan, lender and charges ask for; the penalty that grows by the day comes on top."""

    number: int
    row: PlanRow | None = None
    before: PlanState | None = None  # the plan before this bill's deferral changed it
    starts_on: date = date.min
    due_on: date = date.min
    payable_on: date = date.min  # the last day to pay it, which lateness is counted from
    deferred_from: date | None = None
    outstanding_after: int = 0
    asked: Amounts = field(default_factory=nothing)
    charges: Amounts = field(default_factory=nothing)
    since_figure: Amounts = field(default_factory=nothing)  # charges later than the lender's figure
    charges_due: list[tuple[date, int, int]] = field(default_factory=list)  # day, slot and amount of each charge
    computed: Amounts | None = None
    penalty_stated: bool = False
    paid: Amounts = field(default_factory=nothing)
    waivers: Amounts = field(default_factory=nothing)
    waived: Amounts = field(default_factory=nothing)
    met_by: list[tuple[int, date, Amounts]] = field(default_factory=list)
    settled_on: date | None = None
    is_replaced: bool = False  # what was open of it is asked for under an arrangement
    lateness: Lateness = ON_TIME
    penalty: int = 0

    @property
    def planned_on(self) -> date:
        """The due date the plan knows, a moved bill's old one."""
        return self.due_on if self.row is None else self.row.period.due_on

    @property
    def asked_on(self) -> date:
        """The day from which money meets it as due."""
        return min(self.due_on, self.payable_on)

    @property
    def late_from(self) -> date:
        """The last day to pay; lateness counts from the day after it."""
        return self.payable_on

    @property
    def due(self) -> Amounts:
        return [*self.asked[:3], self.asked[3] + self.penalty]

    def open(self) -> Amounts:
        asked, paid, waived = self.asked, self.paid, self.waived
        return [
            asked[0] - paid[0] - waived[0],
            asked[1] - paid[1] - waived[1],
            asked[2] - paid[2] - waived[2],
            asked[3] + self.penalty - paid[3] - waived[3],
        ]

    @property
    def open_total(self) -> int:
        """What is open in all, in minor units."""
        return sum(self.asked) + self.penalty - sum(self.paid) - sum(self.waived)

    def charges_open(self, day: date) -> Amounts:
        """What is open of the charges that are due by `day`, whenever the bill itself is due."""
        due = nothing()
        for due_on, slot, amount in self.charges_due:
            if due_on <= day:
                due[slot] += amount
        return [max(min(a - b, c), 0) for a, b, c in zip(due, self.paid, self.open(), strict=True)]

    def take_payment(self, repayment: int, day: date, met: Amounts) -> None:
        """Let money meet the bill; whether that settles it is for `Books.note` to see."""
        paid = self.paid
        self.paid = [paid[0] + met[0], paid[1] + met[1], paid[2] + met[2], paid[3] + met[3]]
        self.met_by.append((repayment, day, met))

    def check_settled(self, day: date) -> None:
        self.settled_on = None if self.open_total else day

    def ask_no_more(self) -> None:
        """What is open is asked for elsewhere: nothing but what met the bill stays, and no penalty grows."""
        self.asked = [a + b for a, b in zip(self.paid, self.waived, strict=True)]
        self.penalty, self.lateness, self.penalty_stated = 0, ON_TIME, True
        self.is_replaced = True
