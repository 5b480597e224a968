"""The days in a loan's life, beside its bills, that its borrower wants to know of before they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from ledger.loanmath.benchmarks import RatePoint, priced, repricing_days
from ledger.loanmath.dates import add_months
from ledger.loanmath.facts import Arrangement, Coupon, CouponKind, Fact, RateChange, TermsVersion
from ledger.loanmath.in_force import rate_in_force, terms_in_force
from ledger.loanmath.project import live
from ledger.loanmath.terms import LoanTerms

ONE_DAY = timedelta(days=1)


class Milestone(StrEnum):
    COUPON = "coupon"  # the last day a coupon counts
    PROMOTION = "promotion"  # the first day of a higher rate, or of interest after days that bore none
    REPRICING = "repricing"  # the rate is set anew, or a recorded change of it that is no rise
    LOCK_IN = "lock_in"  # from this day on the loan may be prepaid, or prepaid without a fee


@dataclass(frozen=True, slots=True)
class Coming:
    """A milestone `on` a day. `before` and `after` are the yearly rates as fractions, None where they are not known or
    not what it is about; `coupon` is what expires or ends. With `is_free` prepaying costs no fee from that day on."""

    what: Milestone
    on: date
    before: Decimal | None = None
    after: Decimal | None = None
    coupon: Coupon | None = None
    is_free: bool = False


def milestones(
    terms: LoanTerms,
    facts: Iterable[Fact],
    series: Mapping[str, Sequence[RatePoint]],
    due_dates: Sequence[date],
    today: date,
    first: date,
) -> list[Coming]:
    """The milestones from `first` (included) on, as things stand `today`, earliest first, one of a kind a day; of
    repricing days one only.

    `terms` are the loan's first version and `facts` all that were recorded about its terms, rate and coupons, with
    those that undo them; `series` are the published rates, `due_dates` those of its bills in order.
    """
    standing = live(facts)
    in_force = terms_in_force(terms, standing, today)
    found = [
        *_coupons(standing, due_dates, today),
        *_rate_changes(terms, standing, first),
        *_free_interest(in_force, due_dates),
        *_repricing(terms, standing, in_force, series, first),
        *_prepayable(in_force),
    ]
    days: dict[tuple[Milestone, date], Coming] = {}
    for coming in found:
        if coming.on >= first:
            days.setdefault((coming.what, coming.on), coming)
    return sorted(days.values(), key=lambda coming: (coming.on, coming.what))


def _coupons(facts: Iterable[Fact], due_dates: Sequence[date], today: date) -> Iterator[Coming]:
    """The last days of coupons that are not used up. What lowers the rate is a promotion: it ends the day after."""
    for fact in facts:
        if not isinstance(fact, Coupon) or fact.until is None or fact.bill is not None:
            continue
        if fact.kind is CouponKind.RATE:
            yield Coming(Milestone.PROMOTION, fact.until + ONE_DAY, coupon=fact)
        elif not _is_used_up(fact, due_dates, today):
            yield Coming(Milestone.COUPON, fact.until, coupon=fact)


def _is_used_up(coupon: Coupon, due_dates: Iterable[date], day: date) -> bool:
    """Whether the bills due before `day` have taken all of a coupon that counts for a number of bills."""
    covered = sum(coupon.effective_on <= due_on < day for due_on in due_dates)
    if coupon.kind is CouponKind.AMOUNT:
        return covered >= 1
    return coupon.kind is CouponKind.FREE_BILLS and covered >= coupon.count


def _rate_changes(terms: LoanTerms, facts: Sequence[Fact], first: date) -> Iterator[Coming]:
    """Changes of the rate recorded ahead. One that follows a series is set anew, whichever way it moves."""
    for fact in facts:
        if not isinstance(fact, RateChange | TermsVersion | Arrangement) or fact.effective_on < first:
            continue
        before = rate_in_force(terms, facts, fact.effective_on - ONE_DAY)
        after = fact.annual_rate if isinstance(fact, RateChange) else fact.terms.annual_rate
        follows = terms_in_force(terms, facts, fact.effective_on).benchmark is not None
        if after != before:
            what = Milestone.PROMOTION if after > before and not follows else Milestone.REPRICING
            yield Coming(what, fact.effective_on, before, after)


def _free_interest(terms: LoanTerms, due_dates: Sequence[date]) -> Iterator[Coming]:
    """The first day that bears interest after days that bore none, and the first bill that asks for it."""
    if terms.interest_free_days:
        on = terms.disbursed_on + timedelta(days=terms.interest_free_days)
        yield Coming(Milestone.PROMOTION, on, Decimal(0), terms.annual_rate)
    if 0 < terms.interest_grace < len(due_dates):
        yield Coming(Milestone.PROMOTION, due_dates[terms.interest_grace], Decimal(0), terms.annual_rate)


def _repricing(
    terms: LoanTerms,
    facts: Sequence[Fact],
    in_force: LoanTerms,
    series: Mapping[str, Sequence[RatePoint]],
    first: date,
) -> Iterator[Coming]:
    """The first day from `first` on, on which the rate of a loan that follows a series is set anew."""
    benchmark = in_force.benchmark
    if benchmark is None:
        return
    far = add_months(max(first, benchmark.repriced_on or first), 2 * benchmark.every_months)
    for on in repricing_days(benchmark, terms.disbursed_on, first - ONE_DAY, far):
        before = rate_in_force(terms, facts, on - ONE_DAY)
        after = priced(benchmark, series.get(benchmark.series, ()), on).annual_rate
        yield Coming(Milestone.REPRICING, on, before, after)
        return


def _prepayable(terms: LoanTerms) -> Iterator[Coming]:
    """The day on which the fee falls away comes first, should both be the same."""
    fee = terms.prepayment_fee
    if fee.free_after_months:
        yield Coming(Milestone.LOCK_IN, add_months(terms.disbursed_on, fee.free_after_months), is_free=True)
    if fee.lock_in_months:
        yield Coming(Milestone.LOCK_IN, add_months(terms.disbursed_on, fee.lock_in_months))
