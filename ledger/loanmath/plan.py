"""The plan: how the next bill is made up from what is still owed, one bill after the other.

`schedule` runs a plan from end to end; `project` stops it at each fact, changes what the fact changes and goes
on. Inside a plan amounts are whole numbers of 1/`scale` minor units: scale is 1 unless the agreement never
rounds, so that one set of integer rules serves both.
"""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple, Protocol

from ledger.loanmath.interest import ZERO, Period, Rates, due_dates, make_period, step
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.terms import AheadInterest, LastRow, LoanTerms, Method, Residue

UNROUNDED_SCALE = 10**20
MOST_BILLS = 1200  # where a kept payment no longer repays within a lifetime, the last of these takes the rest


@dataclass(slots=True)
class Ahead:
    """What was paid of a bill not made up yet, in plan amounts; `whole` if that was all it asked for."""

    principal: int = 0
    interest: int = 0
    whole: bool = False
    since: list[tuple[date, int]] = field(default_factory=list)  # the principal, by the day it was paid


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
    payment: int
    relief: int

    @property
    def closing(self) -> int:
        return self.opening - self.principal


class PlanWitness(Protocol):
    """Someone told how the plan comes to its figures, so that they can be explained; nobody listens otherwise."""

    def taking(self, plan: Plan) -> None:
        """The plan is about to make up its next bill."""

    def accruing(self, plan: Plan, day: date, overdue: int) -> None:
        """The interest of the current period is about to be fixed up to `day`, on `overdue` minor units as well."""

    def adding_late(self, plan: Plan, overdue: int, since: date, until: date) -> None:
        """Interest on `overdue` minor units between two days is about to be added to that of the current period."""

    def rounding(self, plan: Plan) -> None:
        """Fixed interest is about to be rounded."""

    def restarting(self, plan: Plan) -> None:
        """Interest is about to be counted anew."""

    def restoring(self, plan: Plan) -> None:
        """Interest is about to be as it was before it was counted anew."""

    def solving(self, plan: Plan) -> None:
        """Payment or part are about to be worked out."""


class PlanState(NamedTuple):
    """What a bill's deferral changes of the plan besides its row, so that it can be taken back."""

    balance: int
    accrued: Fraction
    accrued_to: date | None
    carry: int
    payment: int
    part: int
    first_more: int
    prorate_listed: bool
    last: int


@dataclass(slots=True)
class Plan:
    """The bills from index `at` on, for a `balance` still owed.

    `accrued` is interest of the current period up to `accrued_to` (None: its start), not yet in a bill, `late` what of
    it grew on overdue principal; `carry` is interest an earlier bill had no room for. `payment` is the full level
    payment, `part` the equal part of principal; `last` is the index of the last bill, which an `open_ended` plan moves
    on until the kept payment has repaid everything. `first` is the index at which these terms took over, `skipped` how
    many of their rows lie before it. `ahead` is what was paid of single bills to come, `paid_ahead` the principal of
    those not taken yet: it bears no interest, but `balance` still contains it. `overpaid` is by how much that went
    beyond what the bill taken last planned, `relief` what bills to come ask for less because of it.
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
    late: Fraction = ZERO
    carry: int = 0
    prorate_listed: bool = False
    first: int = 0
    skipped: int = 0
    ahead: dict[int, Ahead] = field(default_factory=dict)
    paid_ahead: int = 0
    overpaid: int = 0
    relief: int = 0
    agreed: dict[int, date] = field(default_factory=dict)  # due dates that deferrals have moved, as they were
    moved: dict[int, date] = field(default_factory=dict)  # the days they have moved to
    agreed_last: int = 0  # the index of the last bill as agreed, extensions included
    without_principal: set[int] = field(default_factory=set)  # bills that ask for interest only
    empty: list[int] = field(default_factory=list)  # bills put off to the end, which ask for nothing; ascending
    witness: PlanWitness | None = None
    anchor: int | None = None  # the due day of the month since it was moved; None: as agreed
    is_plain: bool = False  # whether the agreement has no rule of its own for single bills
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
            self.dates.append(step(self.terms, self.dates[-1], 1, self.anchor))
        return self.dates[index]

    def period(self, index: int) -> Period:
        """The days bill `index` bears interest for: its start included, its due date not."""
        period = self._periods.get(index)
        if period is None:
            starts_on = self.starts_on if index <= self.first else self.due_on(index - 1)
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
        paused = sum((min(after, b) - max(first, a)).days for first, after in self.rates.pauses_within(a, b))
        interest = self.terms.listed[self.place(index)].parts.interest
        return Fraction(interest * ((b - a).days - paused), owed * days)

    def interest_to(self, day: date) -> Fraction:
        """Interest of the current period up to `day` that is in no bill yet, unrounded."""
        period = self.period(self.at)
        since = self.accrued_to or period.starts_on
        day = min(day, period.due_on)
        if day <= since:
            return self.accrued
        base = self.flat_base if self.terms.method is Method.FLAT else self.balance - self.paid_ahead
        accrued = self.accrued
        if self.terms.round_parts:
            for cut in self.rates.resumptions(since, day):
                accrued += base * self.factor(self.at, since, cut)
                accrued, since = Fraction(self.round_interest(accrued.numerator, accrued.denominator)), cut
        return accrued + base * self.factor(self.at, since, day)

    def accrue_to(self, day: date, overdue: int = 0) -> None:
        """Fix the interest up to `day`, so that balance or rate may change from then on; on the balance, and on
        `overdue` principal where the agreement says so."""
        if self.done or day <= (self.accrued_to or self.period(self.at).starts_on):
            return
        until = min(day, self.period(self.at).due_on)
        if self.witness is not None:
            self.witness.accruing(self, until, overdue)
        late = self.late_to(until, overdue)
        self.late += late
        self.accrued = self.interest_to(until) + late
        self.accrued_to = until

    def late_to(self, day: date, overdue: int) -> Fraction:
        """Interest of the current period on `overdue`, in minor units, from where it is counted to up to `day`."""
        since = self.accrued_to or self.period(self.at).starts_on
        return overdue * self.scale * self.factor(self.at, since, day) if overdue and since < day else ZERO

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
        kept.dates, kept._periods, kept.agreed = list(self.dates), dict(self._periods), dict(self.agreed)
        kept.empty, kept.without_principal = list(self.empty), set(self.without_principal)
        kept.ahead = {index: replace(met, since=list(met.since)) for index, met in self.ahead.items()}
        kept.rates = copy(self.rates)
        kept.rates.segments, kept.rates.pauses = list(self.rates.segments), list(self.rates.pauses)
        return kept

    def add_late(self, overdue: int, since: date, until: date) -> None:
        """Interest of the current period on `overdue`, in minor units, between two of its days; rounded by itself if
        parts are rounded."""
        if self.witness is not None:
            self.witness.adding_late(self, overdue, since, until)
        late = overdue * self.scale * self.factor(self.at, since, until)
        if self.terms.round_parts:
            late = Fraction(self.round_interest(late.numerator, late.denominator))
        self.accrued += late

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
        place = index - self.first + self.skipped
        return place - bisect_left(self.empty, index) if self.empty else place

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

    def in_interest_grace(self, index: int) -> bool:
        """Whether bill `index` asks for no interest; the last one always does."""
        return index != self.last and self.place(index) < self.terms.interest_grace

    def take(self) -> PlanRow:
        """The next bill; the plan moves on behind it."""
        if self.witness is not None:
            self.witness.taking(self)
        if self.is_plain and (plain := self._take_plain()) is not None:
            return plain
        index, period = self.at, self.period(self.at)
        if index < self.first:
            return self._take_down_payment(period)
        if self.empty and index in self.empty:
            return self._take_empty(index, period)
        calculated = interest = self._interest_due(period) + self.carry
        if self.open_ended and index == self.last and self._needs_another(index, interest):
            self.last += 1
        if index == self.last:
            principal, interest, carry = self._last_parts(interest)
        elif self.in_interest_grace(index):
            carry = interest
            principal, interest, _ = self._parts(index, 0)
        else:
            principal, interest, carry = self._parts(index, interest)
        if self.ahead:
            principal, interest, carry = self._with_ahead(index, calculated, (principal, interest, carry))
        if self.relief and index != self.last:
            principal = self._relieved(principal)
        row = PlanRow(
            index, period, principal, interest, self.fee(index) * self.scale,
            self.balance, self.accrued, self.accrued_to, self.carry, self.payment, self.relief,
        )  # fmt: skip
        self.at, self.balance, self.carry = index + 1, self.balance - principal, carry
        self.accrued, self.accrued_to, self.late = ZERO, None, ZERO
        return row

    def _take_plain(self) -> PlanRow | None:
        """The next bill of a level loan on which nothing happened since the last one: interest, and the rest of the
        payment. None where there is more to it (the same figures then come from the general way)."""
        index, balance, payment = self.at, self.balance, self.payment
        if not self.first < index < self.last or self.accrued_to or self.accrued or self.carry or self.relief:
            return None
        if self.ahead or self.empty or self.without_principal:
            return None
        period = self.period(index)
        factor = self.rates.factor(period, period.starts_on, period.due_on)
        interest = self.round_interest(balance * factor.numerator, factor.denominator)
        principal = payment - interest
        if not 0 <= principal <= balance:
            return None
        fee = self.terms.bill_fee * self.scale
        row = PlanRow(index, period, principal, interest, fee, balance, ZERO, None, 0, payment, 0)
        self.at, self.balance, self.late = index + 1, balance - principal, ZERO
        return row

    def _take_down_payment(self, period: Period) -> PlanRow:
        """The bill of the day of the disbursement: principal alone."""
        principal = min(self.terms.down_payment * self.scale, self.balance)
        row = PlanRow(
            self.at, period, principal, 0, 0,
            self.balance, self.accrued, self.accrued_to, self.carry, self.payment, self.relief,
        )  # fmt: skip
        self.at, self.balance = self.at + 1, self.balance - principal
        return row

    def _take_empty(self, index: int, period: Period) -> PlanRow:
        """A bill that asks for nothing but what was paid of it: its interest is asked for with the next one."""
        met = self.ahead.get(index, Ahead())
        row = PlanRow(
            index, period, met.principal, met.interest, 0,
            self.balance, self.accrued, self.accrued_to, self.carry, self.payment, self.relief,
        )  # fmt: skip
        if self.terms.method is not Method.LISTED:
            self.carry += self._interest_due(period) - met.interest
        self.balance, self.paid_ahead = self.balance - met.principal, self.paid_ahead - met.principal
        self.at, self.accrued, self.accrued_to = index + 1, ZERO, None
        return row

    def _needs_another(self, index: int, interest: int) -> bool:
        """Whether the kept payment leaves more than rounding does."""
        left = self.balance + interest - self.level_payment(index) - self.terms.balloon * self.scale
        return left > (index - self.first + 1) * self.scale and index + 1 < MOST_BILLS

    def _interest_due(self, period: Period) -> int:
        cut = self.terms.round_parts and self.rates.pauses_within(period.starts_on, period.due_on)
        if self.accrued or self.accrued_to or cut:
            exact = self.interest_to(period.due_on)
            return self.round_interest(exact.numerator, exact.denominator)
        base = self.flat_base if self.terms.method is Method.FLAT else self.balance - self.paid_ahead
        factor = self.factor(self.at, period.starts_on, period.due_on)
        return self.round_interest(base * factor.numerator, factor.denominator)

    def take_back(self, row: PlanRow) -> None:
        """The plan as it was before `row`, the last one taken."""
        self.at, self.balance, self.carry = row.at, row.opening, row.carry
        self.payment, self.relief = row.payment, row.relief
        if row.at in self.ahead:
            self.paid_ahead += self.ahead[row.at].principal
        self.accrued, self.accrued_to = row.accrued, row.accrued_to

    def state(self) -> PlanState:
        """What `restore` brings back."""
        return PlanState(
            self.balance, self.accrued, self.accrued_to, self.carry,
            self.payment, self.part, self.first_more, self.prorate_listed, self.last,
        )  # fmt: skip

    def ends_at(self, due_on: date | None = None) -> int:
        """The index of the last bill had the bill to come not been deferred: due on `due_on` if that is given, the
        others one later; asking for principal even if it is let off."""
        trial = copy(self)
        trial.witness = None
        trial.without_principal = self.without_principal - {self.at}
        if due_on is not None:
            trial.dates, trial._periods = [*self.dates[: self.at], due_on, *self.dates[self.at :]], {}
        while not trial.done:
            trial.take()
        return trial.at - 1

    def restore(self, state: PlanState) -> None:
        """The plan as it was when `state` was noted, for the same next bill."""
        if self.witness is not None:
            self.witness.restoring(self)
        self.balance, self.accrued, self.accrued_to, self.carry = state[:4]
        self.restore_payment(state)
        self.forget_period(self.at)

    def restore_payment(self, state: PlanState) -> None:
        """The payment as it was, and the bills it was worked out for."""
        self.payment, self.part, self.first_more, self.prorate_listed, self.last = state[4:]

    def pay_ahead(self, index: int, day: date, principal: int, interest: int, *, whole: bool) -> None:
        """So much of bill `index` is paid before its due date; it bears no interest from `day` on, or, if the bill is
        made up already, once it is taken back."""
        met = self.ahead.setdefault(index, Ahead())
        met.since.append((day, principal))
        met.principal += principal
        met.interest += interest
        met.whole = whole
        if index >= self.at:
            self.paid_ahead += principal

    def release_ahead(self) -> None:
        """Forget what was paid of bills to come."""
        self.ahead, self.paid_ahead = {}, 0

    def is_whole(self, index: int) -> bool:
        """Whether bill `index`, still to come, is paid whole."""
        return index >= self.at and index in self.ahead and self.ahead[index].whole

    def reopen_ahead(self) -> None:
        """After the level payment changed: a bill paid ahead is paid whole if it asks for no more than was paid."""
        for index, met in self.ahead.items():
            if index >= self.at:
                met.whole = met.principal + met.interest >= self.level_payment(index)

    def opening(self) -> int:
        """What bore interest when the current period began, and what was drawn in it since."""
        day = self.period(self.at).starts_on
        before = (met.since for index, met in self.ahead.items() if index >= self.at)
        return self.balance - sum(principal for paid in before for on, principal in paid if on < day)

    def interest_ahead(self, day: date) -> int:
        """Interest up to `day` that neither a bill asks for nor money paid ahead has met."""
        exact = self.interest_to(day)
        met = sum(ahead.interest for index, ahead in self.ahead.items() if index >= self.at)
        return max(self.round_interest(exact.numerator, exact.denominator) + self.carry - met, 0)

    def principal_ahead(self, index: int, interest: int) -> int:
        """What bill `index`, still to come, asks for in principal, beside `interest` and what was paid of it."""
        met = self.ahead.get(index, Ahead())
        return 0 if self.is_whole(index) else max(self._parts(index, interest + met.interest)[0] - met.principal, 0)

    def _with_ahead(self, index: int, calculated: int, planned: tuple[int, int, int]) -> tuple[int, int, int]:
        """Principal, interest and carry of a bill where some are paid ahead: one paid whole asks for what was paid,
        the rest of its `calculated` interest moves on, and the last one not paid whole takes the rest. None asks for
        less interest than was paid of it."""
        principal, interest, carry = planned
        met = self.ahead.get(index, Ahead())
        self.paid_ahead -= met.principal
        if self.terms.ahead_interest is AheadInterest.ON_BALANCE:
            self.overpaid = max(met.principal - principal, 0)
            interest = max(calculated - carry, met.interest)
            return principal + self.overpaid, interest, calculated - interest
        rest = self.balance - self.paid_ahead
        if self.is_whole(index) and index != self.last:
            return min(met.principal, rest), met.interest, calculated - met.interest
        if all(self.is_whole(n) for n in range(index + 1, self.last + 1)):
            interest = max(calculated, met.interest)
            return rest, interest, calculated - interest
        if met.principal > principal:
            whole = self.level_payment(index) if self.terms.method is Method.LEVEL else 0
            principal, interest = max(whole - met.interest, met.principal), met.interest
            carry = calculated - interest
        return min(principal, rest), interest, carry

    def _relieved(self, principal: int) -> int:
        """What a bill asks for in principal once money paid before has made it smaller."""
        less = min(self.relief, principal)
        self.relief -= less
        return principal - less

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
        if self.place(index) < self.terms.principal_grace or index in self.without_principal:
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
        if not owed:
            return 0
        stated = self.terms.listed[self.place(index)].parts.principal
        if not self.prorate_listed:
            return stated * self.scale
        return self._round(self.balance * stated, owed, self.terms.rounding)

    def _listed_owed(self, index: int) -> int:
        """What the lender's own table still shows as owed before row `index`; nothing where it has no such row."""
        if not self._owed:
            parts = (row.parts.principal for row in reversed(self.terms.listed))
            self._owed.extend(reversed(list(accumulate(parts))))
        place = self.place(index)
        return self._owed[place] if place < len(self._owed) else 0

    def _last_parts(self, interest: int) -> tuple[int, int, int]:
        if self.terms.method is not Method.LEVEL or self.terms.last_row is LastRow.REST:
            return self.balance, interest, 0
        payment = self.level_payment(self.at)
        if self.terms.last_row is LastRow.SQUEEZE_INTEREST:
            return self.balance, max(payment - self.balance, 0), 0
        return max(min(payment - interest, self.balance), 0), interest, 0

    def fee(self, index: int) -> int:
        """What bill `index` asks for as fees of the agreement, in minor units."""
        at = self.place(index)
        fee = self.terms.bill_fee
        if self.terms.bill_fee_rate:
            numerator, denominator = self.terms.bill_fee_rate.as_integer_ratio()
            fee += round_ratio(self.terms.principal * numerator, denominator, self.terms.rounding)
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
    last = len(dates) - 1
    plan = Plan(terms, Rates(terms), dates, terms.disbursed_on, scale, balance, last=last, agreed_last=last)
    plan.flat_base = balance - terms.down_payment * scale
    plan.first = 1 if terms.down_payment else 0
    plan.is_plain = terms.method is Method.LEVEL and not (
        terms.weights
        or terms.principal_grace
        or terms.interest_grace
        or terms.extra_payment
        or terms.flat_fee
        or terms.bill_fee_rate
        or terms.round_parts
    )
    return plan
