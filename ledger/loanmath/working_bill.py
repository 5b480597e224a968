"""A bill while facts are replayed: what it asks for, what met it so far, and what being late adds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from ledger.loanmath.allocation import Amounts
from ledger.loanmath.interest import ZERO
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.plan import PlanRow
from ledger.loanmath.terms import PenaltyBase, PenaltyTerms

LONGEST_SEARCH = 1 << 17  # days ahead within which a growing penalty is looked for


def nothing() -> Amounts:
    return [0, 0, 0, 0]


class Stretch(NamedTuple):
    """Days on which penalty interest grew on the same base, under the same terms."""

    since: date
    until: date
    base: int
    terms: PenaltyTerms


@dataclass(slots=True)
class WorkingBill:
    """`asked` is what plan, lender and charges ask for; the penalty that grows by the day comes on top.

    Penalty interest is simple, so it is kept as the sum of base x days (`base_days`, under the penalty terms in
    force) plus what earlier penalty terms came to (`earlier`). Nothing shows before the grace has passed.
    """

    number: int
    row: PlanRow | None = None
    starts_on: date = date.min
    due_on: date = date.min
    deferred_from: date | None = None
    outstanding_after: int = 0
    asked: Amounts = field(default_factory=nothing)
    charges: Amounts = field(default_factory=nothing)
    since_figure: Amounts = field(default_factory=nothing)  # charges later than the lender's figure
    computed: Amounts | None = None
    penalty_stated: bool = False
    paid: Amounts = field(default_factory=nothing)
    waivers: Amounts = field(default_factory=nothing)
    waived: Amounts = field(default_factory=nothing)
    met_by: list[tuple[int, date, Amounts]] = field(default_factory=list)
    settled_on: date | None = None
    base_days: int = 0
    earlier: Fraction = ZERO
    penalty_from: date | None = None
    grace_passed: bool = False
    late_fee: int = 0  # the one of the terms under which the grace passed
    stretches: tuple[Stretch, ...] = ()
    penalty: int = 0

    @property
    def planned_on(self) -> date:
        """The due date the plan knows, a moved bill's old one."""
        return self.due_on if self.row is None else self.row.period.due_on

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

    def take_payment(self, repayment: int, day: date, met: Amounts) -> None:
        self.paid = [a + b for a, b in zip(self.paid, met, strict=True)]
        self.met_by.append((repayment, day, met))
        self.check_settled(day)

    def check_settled(self, day: date) -> None:
        self.settled_on = None if sum(self.open()) else day

    # being late

    def penalty_base(self, terms: PenaltyTerms) -> int:
        principal, interest, fee, _ = self.open()
        if terms.base is PenaltyBase.PRINCIPAL:
            return principal
        return principal + interest + (fee if terms.base is PenaltyBase.BILL else 0)

    def _late(self, terms: PenaltyTerms, day: date) -> tuple[int, bool]:
        """Base x days, and whether the grace has passed, on `day` if nothing is paid until then."""
        base = 0 if self.penalty_stated else self.penalty_base(terms)
        if base <= 0 or day <= self.due_on:
            return self.base_days, self.grace_passed
        starts = self.due_on if terms.from_due else self.due_on + timedelta(days=terms.grace_days)
        since = max(self.penalty_from or starts, starts)
        passed = self.grace_passed or (day - self.due_on).days > terms.grace_days
        return self.base_days + base * max((day - since).days, 0), passed

    def _penalty(self, terms: PenaltyTerms, base_days: int, passed: bool) -> int:
        if not passed:
            return 0
        numerator, denominator = terms.annual_rate.as_integer_ratio()
        numerator, denominator = base_days * numerator, denominator * terms.year_days
        if self.earlier:
            exact = self.earlier + Fraction(numerator, denominator)
            numerator, denominator = exact.numerator, exact.denominator
        return round_ratio(numerator, denominator, Rounding.HALF_UP) + terms.late_fee

    def penalty_on(self, terms: PenaltyTerms, day: date) -> int:
        """The penalty on `day` if nothing is paid until then."""
        return self._penalty(terms, *self._late(terms, day))

    def accrue_penalty(self, terms: PenaltyTerms, day: date) -> None:
        """Count what lateness has added up to `day`."""
        if day <= self.due_on or not (terms.annual_rate or terms.late_fee):
            return
        base_days, passed = self._late(terms, day)
        if base_days > self.base_days:
            base = self.penalty_base(terms)
            since = day - timedelta(days=(base_days - self.base_days) // base)
            self.stretches += (Stretch(since, day, base, terms),)
        if passed and not self.grace_passed:
            self.late_fee = terms.late_fee
        self.base_days, self.grace_passed = base_days, passed
        self.penalty_from = max(self.penalty_from or day, day)
        self.penalty = self._penalty(terms, self.base_days, self.grace_passed)

    def change_penalty_terms(self, old: PenaltyTerms, new: PenaltyTerms, day: date) -> None:
        """Go on under other penalty terms from `day` on; what the old ones came to stays, the fee included."""
        self.accrue_penalty(old, day)
        fee = old.late_fee - new.late_fee if self.grace_passed else 0
        self.earlier += self.base_days * Fraction(old.annual_rate) / old.year_days + fee
        self.base_days = 0

    def next_penalty_change(self, terms: PenaltyTerms, as_of: date) -> date | None:
        """The first day after `as_of` on which the penalty is another, if nothing happens."""
        if not (terms.annual_rate or terms.late_fee) or self.penalty_stated or self.penalty_base(terms) <= 0:
            return None
        start = max(as_of, self.due_on + timedelta(days=terms.grace_days))
        now = self.penalty_on(terms, as_of)
        ahead = 1
        while self.penalty_on(terms, start + timedelta(days=ahead)) == now:
            ahead *= 2
            if ahead > LONGEST_SEARCH:
                return None
        same = ahead // 2
        while ahead - same > 1:
            middle = (same + ahead) // 2
            if self.penalty_on(terms, start + timedelta(days=middle)) == now:
                same = middle
            else:
                ahead = middle
        return start + timedelta(days=ahead)
