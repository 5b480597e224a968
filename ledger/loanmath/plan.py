"""The plan: how the next bill is made up from what is still owed, one bill after the other.

`schedule` runs a plan from end to end; `project` stops it at each fact, changes what the fact changes and goes
on. Inside a plan amounts are whole numbers of 1/`scale` minor units: scale is 1 unless the agreement never
rounds, so that one set of integer rules serves both.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple, Protocol

from ledger.loanmath.interest import ZERO, Period, Rates, due_dates, make_period, step
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.terms import LastRow, LoanTerms, Method, Residue

UNROUNDED_SCALE = 10**20
MOST_BILLS = 1200  # where a kept payment no longer repays within a lifetime, the last of these takes the rest


class PlanRow(NamedTuple):
    """One bill as planned (`at` is its index, from 0), and the plan before it, so that it can be taken back."""

    at: int
    period: Period
    principal: int
    interest: int
    fee: int
    opening: int
    accrued: Fraction
    accrued_to: date | None
    carry: int

    @property
    def closing(self) -> int:
        return self.opening - self.principal


class PlanWitness(Protocol):
    """Someone told how the plan comes to its figures, so that they can be explained; nobody listens otherwise."""

    def taking(self, plan: Plan) -> None:
        """The plan is about to make up its next bill."""

    def accruing(self, plan: Plan, day: date) -> None:
        """The interest of the current period is about to be fixed up to `day`."""

    def rounding(self, plan: Plan) -> None:
        """Fixed interest is about to be rounded."""

    def restarting(self, plan: Plan) -> None:
        """Interest is about to be counted anew."""

    def solving(self, plan: Plan) -> None:
        """Payment or part are about to be worked out."""


@dataclass(slots=True)
class Plan:
    """The bills from index `at` on, for a `balance` still owed.

    `accrued` is interest of the current period up to `accrued_to` (None: its start), not yet in a bill; `carry` is
    interest an earlier bill had no room for. `payment` is the full level payment, `part` the equal part of
    principal; `last` is the index of the last bill, which an `open_ended` plan moves on until the kept payment has
    repaid everything. `first` is the index at which these terms took over, `skipped` how many of their rows lie
    before it.
    """

    terms: LoanTerms
    rates: Rates
    dates: list[date]
    starts_on: date
    scale: int
    balance: int
    at: int = 0
    last: int = 0
    open_ended: bool = False
    payment: int = 0
    part: int = 0
    first_more: int = 0
    flat_base: int = 0
    accrued: Fraction = ZERO
    accrued_to: date | None = None
    carry: int = 0
    overdue: int = 0
    prorate_listed: bool = False
    first: int = 0
    skipped: int = 0
    agreed: dict[int, date] = field(default_factory=dict)  # due dates that deferrals have moved, as they were
    witness: PlanWitness | None = None
    _periods: dict[int, Period] = field(default_factory=dict)
    _owed: list[int] = field(default_factory=list)

    # where the plan stands

    def shown(self, amount: int) -> int:
        """An amount of the plan in whole minor units."""
        return amount if self.scale == 1 else round_ratio(amount, self.scale, Rounding.HALF_UP)

    @property
    def done(self) -> bool:
        """Whether no further bill is planned."""
        if self.at > self.last:
            return True
        return not (self.balance or self.carry or self.accrued)

    def due_on(self, index: int) -> date:
        """When bill `index` (from 0) is due; beyond the agreed dates, one regular period after the other."""
        while index >= len(self.dates):
            self.dates.append(step(self.terms, self.dates[-1], 1))
        return self.dates[index]

    def period(self, index: int) -> Period:
        """The days bill `index` bears interest for: its start included, its due date not."""
        period = self._periods.get(index)
        if period is None:
            starts_on = self.starts_on if index == self.first else self.due_on(index - 1)
            period = self._periods[index] = make_period(self.terms, starts_on, self.due_on(index))
        return period

    def factor(self, index: int, a: date, b: date) -> Fraction:
        """By how much the balance of period `index` grows from `a` to `b`."""
        period = self.period(index)
        if self.terms.method is not Method.LISTED:
            return self.rates.factor(period, a, b)
        owed, days = self._listed_owed(index), (period.due_on - period.starts_on).days
        if not owed or not days:
            return ZERO
        return Fraction(self.terms.listed[self.place(index)].parts.interest * (b - a).days, owed * days)

    def interest_to(self, day: date) -> Fraction:
        """Interest of the current period up to `day` that is in no bill yet, unrounded."""
        period = self.period(self.at)
        since = self.accrued_to or period.starts_on
        day = min(day, period.due_on)
        if day <= since:
            return self.accrued
        base = self.flat_base if self.terms.method is Method.FLAT else self.balance + self.overdue
        return self.accrued + base * self.factor(self.at, since, day)

    def accrue_to(self, day: date, overdue: int = 0) -> None:
        """Fix the interest up to `day`, so that balance or rate may change from then on; on the balance, and on
        `overdue` principal where the agreement says so."""
        if not self.done and day > (self.accrued_to or self.period(self.at).starts_on):
            self.overdue = overdue * self.scale
            if self.witness is not None:
                self.witness.accruing(self, day)
            self.accrued = self.interest_to(day)
            self.accrued_to = min(day, self.period(self.at).due_on)
            self.overdue = 0

    def cut_at(self, day: date) -> None:
        """Fix the interest up to `day`, for a change of balance or rate; rounded there if parts are rounded."""
        self.accrue_to(day)
        if self.terms.round_parts and not self.done:
            if self.witness is not None:
                self.witness.rounding(self)
            self.accrued = Fraction(self.round_interest(self.accrued.numerator, self.accrued.denominator))

    def as_it_stands(self) -> Plan:
        """A copy that what follows does not change, and that nobody listens to."""
        kept = copy(self)
        kept.witness = None
        kept.dates, kept._periods = list(self.dates), dict(self._periods)
        kept.rates = copy(self.rates)
        kept.rates.segments = list(self.rates.segments)
        return kept

    def close(self) -> None:
        """Nothing is owed any more and no bill will follow."""
        self.last, self.balance, self.carry = self.at - 1, 0, 0
        self.accrued, self.accrued_to = ZERO, None

    def skip_index(self, by: int = 1) -> None:
        """Leave room for a bill that is not planned (take it back with -1)."""
        self.at += by

    def restart(self, day: date, period: Period) -> None:
        """Interest is counted anew from `day`, within `period`."""
        if self.witness is not None:
            self.witness.restarting(self)
        self.accrued, self.accrued_to, self.carry = ZERO, None, 0
        self._periods[self.at] = period

    def forget_periods(self) -> None:
        """After due dates were edited."""
        self._periods.clear()

    def forget_period(self, index: int) -> None:
        """After one due date was edited."""
        self._periods.pop(index, None)

    def place(self, index: int) -> int:
        """The row of the agreement's own table (weights, listed rows, fees) that bill `index` is."""
        return index - self.first + self.skipped

    # what the bills are made of

    def _round(self, numerator: int, denominator: int, rounding: Rounding, unit: int = 1) -> int:
        """An amount rounded to `unit` minor units, or carried on as it is where the agreement never rounds."""
        if rounding is Rounding.NONE:
            return round_ratio(numerator, denominator, Rounding.HALF_UP)
        unit *= self.scale
        return round_ratio(numerator, denominator * unit, rounding) * unit

    def round_payment(self, numerator: int, denominator: int) -> int:
        """A payment, rounded as the agreement rounds payments (`payment_rounding`, `payment_unit`)."""
        rounding = self.terms.payment_rounding or self.terms.rounding
        return self._round(numerator, denominator, rounding, self.terms.payment_unit)

    def round_interest(self, numerator: int, denominator: int) -> int:
        """Interest, rounded as the agreement rounds it (`interest_rounding`)."""
        return self._round(numerator, denominator, self.terms.interest_rounding or self.terms.rounding)

    def weight(self, index: int) -> Fraction:
        """How many times the level payment bill `index` asks for; 1 where the agreement does not say."""
        at = self.place(index)
        return Fraction(self.terms.weights[at]) if at < len(self.terms.weights) else Fraction(1)

    def take(self) -> PlanRow:
        """The next bill; the plan moves on behind it."""
        if self.witness is not None:
            self.witness.taking(self)
        index, period = self.at, self.period(self.at)
        interest = self._interest_due(period) + self.carry
        if self.open_ended and index == self.last and self._needs_another(index, interest):
            self.last += 1
        if index == self.last:
            principal, interest, carry = self._last_parts(interest)
        elif self.place(index) < self.terms.interest_grace:
            carry = interest
            principal, interest, _ = self._parts(index, 0)
        else:
            principal, interest, carry = self._parts(index, interest)
        row = PlanRow(
            index, period, principal, interest, self._fee(index) * self.scale,
            self.balance, self.accrued, self.accrued_to, self.carry,
        )  # fmt: skip
        self.at, self.balance, self.carry = index + 1, self.balance - principal, carry
        self.accrued, self.accrued_to = ZERO, None
        return row

    def _needs_another(self, index: int, interest: int) -> bool:
        """Whether the kept payment leaves more than rounding does."""
        left = self.balance + interest - self.level_payment(index) - self.terms.balloon * self.scale
        return left > (index - self.first + 1) * self.scale and index + 1 < MOST_BILLS

    def _interest_due(self, period: Period) -> int:
        if self.accrued or self.accrued_to:
            exact = self.interest_to(period.due_on)
            return self.round_interest(exact.numerator, exact.denominator)
        base = self.flat_base if self.terms.method is Method.FLAT else self.balance
        factor = self.factor(self.at, period.starts_on, period.due_on)
        return self.round_interest(base * factor.numerator, factor.denominator)

    def take_back(self, row: PlanRow) -> None:
        """The plan as it was before `row`, the last one taken."""
        self.at, self.balance, self.carry = row.at, row.opening, row.carry
        self.accrued, self.accrued_to = row.accrued, row.accrued_to

    def level_payment(self, index: int) -> int:
        """What bill `index` asks for in principal and interest, unless it is the last."""
        payment = self.payment
        if self.terms.weights:
            weighted = payment * self.weight(index)
            payment = self.round_payment(weighted.numerator, weighted.denominator)
        return payment + (self.first_more if index == self.first else 0)

    def _parts(self, index: int, interest: int) -> tuple[int, int, int]:
        """Principal, interest, and interest carried on, of a bill that is not the last."""
        method, extra, carry = self.terms.method, self.terms.extra_payment * self.scale, 0
        if self.place(index) < self.terms.principal_grace:
            principal = 0
        elif method is Method.LEVEL:
            payment = self.level_payment(index)
            carry = max(interest - payment, 0)
            interest -= carry
            principal = payment - interest
        elif method is Method.INTEREST_ONLY:
            principal = 0
        elif method is Method.LISTED:
            principal = self._listed_principal(index)
        else:
            principal = self._equal_part(index, interest)
        return min(principal + extra, self.balance), interest, carry

    def _equal_part(self, index: int, interest: int) -> int:
        part = self.part + (self.first_more if index == self.first else 0)
        if self.terms.method is Method.FLAT and self.terms.payment_unit > 1:
            return max(self.round_payment(part + interest, 1) - interest, 0)
        return part

    def _listed_principal(self, index: int) -> int:
        owed = self._listed_owed(index)
        stated = self.terms.listed[self.place(index)].parts.principal
        if not self.prorate_listed or not owed:
            return stated * self.scale
        return self._round(self.balance * stated, owed, self.terms.rounding)

    def _listed_owed(self, index: int) -> int:
        """What the lender's own table still shows as owed before row `index`."""
        if not self._owed:
            parts = (row.parts.principal for row in reversed(self.terms.listed))
            self._owed.extend(reversed(list(accumulate(parts))))
        return self._owed[self.place(index)]

    def _last_parts(self, interest: int) -> tuple[int, int, int]:
        if self.terms.method is not Method.LEVEL or self.terms.last_row is LastRow.REST:
            return self.balance, interest, 0
        payment = self.level_payment(self.at)
        if self.terms.last_row is LastRow.SQUEEZE_INTEREST:
            return self.balance, max(payment - self.balance, 0), 0
        return max(min(payment - interest, self.balance), 0), interest, 0

    def _fee(self, index: int) -> int:
        at = self.place(index)
        fee = self.terms.bill_fee
        if self.terms.method is Method.LISTED and at < len(self.terms.listed):
            fee += self.terms.listed[at].parts.fee
        if self.terms.flat_fee and at < self.terms.count:
            share, rest = divmod(self.terms.flat_fee, self.terms.count)
            taker = 0 if self.terms.residue is Residue.FIRST else self.terms.count - 1
            fee += share + (rest if at == taker else 0)
        return fee


def new_plan(terms: LoanTerms) -> Plan:
    """The plan of an agreement before its payment is known."""
    dates = due_dates(terms)
    roundings = (terms.payment_rounding, terms.interest_rounding, terms.rounding)
    scale = UNROUNDED_SCALE if Rounding.NONE in roundings else 1
    balance = terms.opening * scale
    plan = Plan(terms, Rates(terms), dates, terms.disbursed_on, scale, balance, last=len(dates) - 1)
    plan.flat_base = balance
    return plan
