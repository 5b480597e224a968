"""Coupons and subsidies: what they take off a bill. It is waived, never repaid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from ledger.loanmath.allocation import Amounts, meet
from ledger.loanmath.facts import Coupon, CouponKind
from ledger.loanmath.interest import ZERO
from ledger.loanmath.money import Rounding, round_ratio
from ledger.loanmath.plan import Plan
from ledger.loanmath.terms import Method
from ledger.loanmath.working_bill import WorkingBill

INTEREST_FIRST = (1, 2, 0)
FEE_FIRST = (2, 1, 0)


@dataclass(slots=True)
class CouponInUse:
    """A coupon, what it has taken off so far in minor units, and on how many bills."""

    fact: Coupon
    used: int = 0
    bills: int = 0

    def covers(self, number: int, due_on: date) -> bool:
        """Whether it counts for bill `number`."""
        fact = self.fact
        if fact.bill is not None and fact.bill != number:
            return False
        if fact.bill is None and (due_on < fact.effective_on or due_on > (fact.until or date.max)):
            return False
        if fact.kind is CouponKind.AMOUNT:
            return self.bills < 1
        return fact.kind is not CouponKind.FREE_BILLS or self.bills < fact.count

    @property
    def left(self) -> int | None:
        """The most it may still take off; None: no limit."""
        limits = [self.fact.cap] if self.fact.cap is not None else []
        if self.fact.kind is CouponKind.AMOUNT:
            limits.append(self.fact.amount)
        return max(min(limits) - self.used, 0) if limits else None


class Stretch(NamedTuple):
    """Interest, unrounded and in units of the plan, of some days of one bill's period."""

    interest: Fraction
    first: date
    after: date


def stretches(
    plan: Plan, at: int, opening: int, accrued: Fraction, accrued_to: date | None, until: date
) -> Iterator[Stretch]:
    """The interest of bill `at` up to `until`: what was fixed when balance or rate changed, and what came after."""
    starts_on = plan.period(at).starts_on
    since = accrued_to or starts_on
    if accrued:
        yield Stretch(accrued, starts_on, since)
    if since < until:
        base = plan.flat_base if plan.terms.method is Method.FLAT else opening
        yield Stretch(base * plan.factor(at, since, until), since, until)


def interest_off(coupon: CouponInUse, plan: Plan, parts: Iterator[Stretch], asked: int, rounding: Rounding) -> int:
    """What a coupon takes off the interest of one bill, which `asks` for so much; in minor units. A share of the rate
    is that share of the interest itself, so it is counted on the bill's own days and balance."""
    fact, off = coupon.fact, ZERO
    if fact.kind is CouponKind.FREE_BILLS:
        return asked
    if fact.kind is CouponKind.SHARE:
        off = asked * Fraction(fact.fraction)
    for part in parts if fact.kind in (CouponKind.RATE, CouponKind.FREE_DAYS) else ():
        if fact.kind is CouponKind.RATE:
            rate = plan.rates.rate_on(part.first)
            off += part.interest * Fraction(fact.fraction) / rate / plan.scale if rate else 0
        else:
            off += part.interest * _free_share(fact, part) / plan.scale
    return min(round_ratio(off.numerator, off.denominator, rounding), asked)


def _free_share(fact: Coupon, part: Stretch) -> Fraction:
    """How much of a stretch lies within the free days; nothing where interest on overdue principal alone is fixed."""
    if part.first == part.after:
        return ZERO
    first, after = max(part.first, fact.effective_on), min(part.after, fact.effective_on + timedelta(days=fact.count))
    return Fraction(max((after - first).days, 0), max((part.after - part.first).days, 1))


def taken_off(coupon: CouponInUse, plan: Plan, bill: WorkingBill, rounding: Rounding) -> Amounts:
    """What a coupon that covers `bill` takes off what is open of it. Charges have nothing off but from an amount."""
    fact, still_open = coupon.fact, bill.open()
    limit = coupon.left
    if fact.kind is CouponKind.AMOUNT:
        return meet(limit or 0, still_open, FEE_FIRST)
    row = bill.row
    if row is None:
        return [0, 0, 0, 0]
    charges = [0, 0, 0, 0] if bill.computed is not None else bill.charges
    interest, fee = bill.asked[1] - charges[1], bill.asked[2] - charges[2]
    parts = stretches(plan, row.at, row.opening, row.accrued, row.accrued_to, row.period.due_on)
    off = [0, interest_off(coupon, plan, parts, interest, rounding), 0, 0]
    if fact.kind is CouponKind.FREE_BILLS:
        off[2] = fee
    elif fact.kind is CouponKind.SHARE:
        off[2] = round_ratio(fee * fact.fraction.as_integer_ratio()[0], fact.fraction.as_integer_ratio()[1], rounding)
    off = [min(a, b) for a, b in zip(off, still_open, strict=True)]
    return meet(sum(off) if limit is None else limit, off, INTEREST_FIRST)


def off_interest_to(coupons: list[CouponInUse], plan: Plan, day: date, interest: int, rounding: Rounding) -> int:
    """What coupons take off the `interest` that the bill to come has borne up to `day`, for a payoff on that day."""
    number, due_on = plan.at + 1, plan.due_on(plan.at)
    off = 0
    for coupon in coupons:
        if not coupon.covers(number, due_on):
            continue
        limit = interest if coupon.left is None else coupon.left
        if coupon.fact.kind is not CouponKind.AMOUNT:
            parts = stretches(plan, plan.at, plan.balance, plan.accrued, plan.accrued_to, min(day, due_on))
            limit = min(limit, interest_off(coupon, plan, parts, interest, rounding))
        off += min(limit, interest - off)
    return off
