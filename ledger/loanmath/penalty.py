"""The penalty: what being late adds to a bill, counted from one fact to the next.

Whatever changes what is open of a bill first calls `accrue_penalty`; each fact then costs the same, however long the
bill has been late. Where penalty interest compounds, each month costs the same as well.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil

from ledger.loanmath.books import Books
from ledger.loanmath.dates import add_months
from ledger.loanmath.interest import ZERO, Rates
from ledger.loanmath.minimum import minimum_due
from ledger.loanmath.money import Parts, round_minor
from ledger.loanmath.terms import LoanTerms, PenaltyBase, PenaltyTerms
from ledger.loanmath.working_bill import Lateness, Stretch, WorkingBill

LONGEST = 1 << 17  # days ahead beyond which nothing is said of a growing penalty
HALF = Fraction(1, 2)


def accrue_penalty(books: Books, bill: WorkingBill, day: date) -> None:
    """Count what lateness has added to a bill up to `day`, that day not included."""
    if day > bill.late_from and costs_anything(books.terms.penalty):
        bill.lateness = _late_on(books, bill, bill.lateness, day)
        bill.penalty = _shown(books.terms, bill, bill.lateness)


def keep_penalty(books: Books, bill: WorkingBill, day: date) -> None:
    """What lateness came to under the terms in force stays, as other terms take over from `day` on: the late fee, and
    penalty interest up to its cap. They do not reach back, even where the old ones asked for nothing."""
    if day > bill.late_from:
        late = _late_on(books, bill, bill.lateness, day)
        bill.penalty = _shown(books.terms, bill, late)
        bill.lateness = late._replace(earlier=capped(books.terms, bill, late), interest=ZERO)


def next_penalty_change(books: Books, bill: WorkingBill, as_of: date) -> date | None:
    """The first day after `as_of` on which the penalty of a bill is another, if nothing happens; None also where that
    is centuries away."""
    terms = books.terms
    if bill.penalty_stated or not costs_anything(terms.penalty):
        return None
    grace_passes = bill.late_from + timedelta(days=terms.penalty.grace_days + 1)
    if bill.lateness.passed:
        day = max(as_of, _grows_from(bill, terms.penalty))
    else:  # a shorter grace agreed today passes tomorrow at the earliest
        day = grace_passes = max(grace_passes, as_of + timedelta(days=1))
    late = _late_on(books, bill, bill.lateness, day)
    shown = _shown(terms, bill, late)
    if as_of < grace_passes and shown != bill.penalty:
        return grace_passes
    return _day_of(books, bill, late, day, shown - late.fee + HALF)


def shows_at_once(terms: LoanTerms) -> int | None:
    """The least unpaid base of a bill, in minor units, whose penalty interest surely shows on the first day after the
    grace; None where an agreement does not say. (Most bills have it, and comparing is cheaper than counting.)"""
    penalty = terms.penalty
    if not penalty.annual_rate or penalty.cap is not None or penalty.cap_share is not None:
        return None
    days = penalty.grace_days + 1 if penalty.from_due else 1
    return ceil(penalty.year_days / (2 * days * _as_fraction(penalty.annual_rate)))


def _day_of(books: Books, bill: WorkingBill, late: Lateness, day: date, wanted: Fraction) -> date | None:
    """The first day on which penalty interest, less than that on `day` after the grace, comes to `wanted`."""
    penalty, most = books.terms.penalty, _most(books.terms, bill)
    if most is not None and most < wanted:
        return None
    rate = Fraction(penalty.annual_rate) + (books.plan.rates.segments[-1][1] if penalty.adds_on else 0)
    while True:
        daily = _bearing(books, bill, late) * rate / penalty.year_days
        days = ceil((wanted - late.earlier - late.interest) / daily) if daily else LONGEST
        if not penalty.compounds or days <= ((returns_on := _next_return(bill, day)) - day).days:
            break
        then = _late_on(books, bill, late, returns_on)
        if then.joined == late.joined:
            break
        late, day = then, returns_on
    return day + timedelta(days=days) if days < LONGEST else None


def costs_anything(penalty: PenaltyTerms) -> bool:
    """Whether an agreement asks for anything when a bill is late."""
    fee = penalty.late_fee or penalty.late_fee_share or penalty.late_fee_floor
    return bool(penalty.annual_rate or penalty.adds_on or fee)


def unpaid(bill: WorkingBill, base: PenaltyBase, terms: LoanTerms) -> int:
    """What is unpaid of that base of a bill, in minor units. No penalty is part of it."""
    principal, interest, fee, _ = bill.open()
    if base is PenaltyBase.PRINCIPAL:
        return principal
    if base is PenaltyBase.PRINCIPAL_AND_INTEREST:
        return principal + interest
    if base is PenaltyBase.BILL:
        return principal + interest + fee
    asked = Parts(*bill.asked[:3])
    return max(minimum_due(asked, terms) - (asked.total - principal - interest - fee), 0)


def _late_on(books: Books, bill: WorkingBill, late: Lateness, day: date) -> Lateness:
    """The lateness of a bill on `day`, after its last day to pay, if nothing happens until then. What was settled by
    the end of the grace has cost nothing, and no later charge brings it back."""
    penalty = books.terms.penalty
    if bill.penalty_stated or (late.counted_to is not None and day <= late.counted_to):
        return late  # money that had paid another bill meets this one under the day on which it was paid
    grace_ends = bill.late_from + timedelta(days=penalty.grace_days)
    starts = _grows_from(bill, penalty)
    late = _interest(books, bill, late, max(late.counted_to or starts, starts), day)
    if late.passed or day <= grace_ends:
        return late._replace(counted_to=day)
    fee = _late_fee(bill, books.terms)
    if unpaid(bill, penalty.base, books.terms) <= 0:
        return Lateness(day, passed=True, fee=fee)
    return late._replace(counted_to=day, passed=True, fee=fee)


def _grows_from(bill: WorkingBill, penalty: PenaltyTerms) -> date:
    """The first day on which penalty interest grows, shown or not."""
    return bill.late_from if penalty.from_due else bill.late_from + timedelta(days=penalty.grace_days)


def _interest(books: Books, bill: WorkingBill, late: Lateness, since: date, day: date) -> Lateness:
    """Penalty interest from `since` up to and without `day` added, month by month if it compounds."""
    while since < day and (bearing := _bearing(books, bill, late)):
        until = day
        if books.terms.penalty.compounds:
            until = min(_next_return(bill, since), day)
        late = _grown(books, late, bearing, since, until)
        if books.terms.penalty.compounds and until == _next_return(bill, since):
            late = late._replace(joined=round_minor(capped(books.terms, bill, late)))
        since = until
    return late


def _bearing(books: Books, bill: WorkingBill, late: Lateness) -> int:
    """What bears penalty interest now, in minor units: the unpaid base, and what had joined it less the penalty paid
    or waived, which goes on alone once the base is paid."""
    base = unpaid(bill, books.terms.penalty.base, books.terms)
    if books.terms.penalty.compounds and (base or (late.passed and bill.open()[3])):
        base += max(late.joined - bill.paid[3] - bill.waived[3], 0)
    return base


def _next_return(bill: WorkingBill, day: date) -> date:
    """The first monthly return after `day` of the last day to pay."""
    start = bill.late_from
    months = (day.year - start.year) * 12 + day.month - start.month
    this_month = add_months(start, months)
    return this_month if this_month > day else add_months(start, months + 1)


def _grown(books: Books, late: Lateness, base: int, since: date, until: date) -> Lateness:
    """Interest on one base from `since` up to and without `until` added."""
    penalty = books.terms.penalty
    rate, interest, stretches = _as_fraction(penalty.annual_rate), late.interest, late.stretches
    rates = [(since, until, rate)]
    if penalty.adds_on:
        rates = [(first, last, rate + own) for first, last, own in _own_rates(books.plan.rates, since, until)]
    for first, last, in_all in rates:
        stretch = Stretch(first, last, base, in_all, penalty.year_days)
        interest = interest + stretch.interest if interest else stretch.interest
        stretches += (stretch,)
    return Lateness(late.counted_to, interest, late.earlier, late.joined, late.passed, late.fee, stretches)


@lru_cache(maxsize=256)
def _as_fraction(rate: Decimal) -> Fraction:
    return Fraction(rate)


def _own_rates(rates: Rates, since: date, until: date) -> list[tuple[date, date, Fraction]]:
    """The loan's own yearly rate by day, from `since` up to and without `until`, as stretches of one rate."""
    found: list[tuple[date, date, Fraction]] = []
    at = len(rates.segments)
    while until > since:
        at -= 1
        changed_on, rate = rates.segments[at]
        first = max(changed_on, since)
        if first < until:
            found.append((first, until, rate))
            until = first
    return found[::-1]


def _late_fee(bill: WorkingBill, terms: LoanTerms) -> int:
    """The fee for a bill that is unpaid when its grace has passed, in minor units; none if its base is paid."""
    penalty = terms.penalty
    missed = unpaid(bill, penalty.late_fee_base, terms)
    if missed <= 0:
        return 0
    fee = penalty.late_fee + (round_minor(Fraction(penalty.late_fee_share) * missed) if penalty.late_fee_share else 0)
    fee = max(fee, penalty.late_fee_floor)
    return fee if penalty.late_fee_cap is None else min(fee, penalty.late_fee_cap)


def _most(terms: LoanTerms, bill: WorkingBill) -> Fraction | None:
    """The most that penalty interest on a bill may come to, in minor units."""
    penalty = terms.penalty
    if penalty.cap is None and penalty.cap_share is None:
        return None
    limits = []
    if penalty.cap is not None:
        limits.append(Fraction(penalty.cap))
    if penalty.cap_share is not None:
        limits.append(Fraction(penalty.cap_share) * sum(bill.asked[:3]))
    return min(limits)


def capped(terms: LoanTerms, bill: WorkingBill, late: Lateness) -> Fraction:
    """Penalty interest up to what it may come to, unrounded; what earlier terms came to stays."""
    total = late.earlier + late.interest if late.earlier else late.interest
    most = _most(terms, bill)
    return total if most is None else max(min(total, most), late.earlier)


def _shown(terms: LoanTerms, bill: WorkingBill, late: Lateness) -> int:
    """The penalty of a bill in whole minor units, never less than it was; nothing before the grace has passed."""
    return max(bill.penalty, round_minor(capped(terms, bill, late)) + late.fee) if late.passed else bill.penalty
