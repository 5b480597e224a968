"""Interest and fees of bills to come: what is asked of them when all principal is repaid before they are made up."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import date
from fractions import Fraction

from ledger.loanmath.books import Books
from ledger.loanmath.coupons import taken_off
from ledger.loanmath.facts import CouponKind
from ledger.loanmath.money import round_minor
from ledger.loanmath.terms import UnbilledFees
from ledger.loanmath.working_bill import WorkingBill

ON_WHOLE_BILLS = (CouponKind.SHARE, CouponKind.FREE_BILLS)


def unbilled_fee(books: Books) -> int:
    """What the agreement asks of the fees of bills to come (`UnbilledFees`) if they never come, in minor units. Once
    the bills to come are taken back; charges on them are not part of it."""
    policy = books.terms.unbilled_fees
    if policy is UnbilledFees.WAIVED:
        return 0
    fees = _fees_to_come(books)
    if policy is UnbilledFees.ONE_PERIOD:
        return sum(fees[:1])
    if policy is UnbilledFees.SHARE:
        return round_minor(Fraction(books.terms.unbilled_fee_share) * sum(fees))
    return sum(fees)


def count_interest(books: Books, day: date, *, whole: bool) -> None:
    """Fix the interest up to a day on which principal is repaid early; if it is the whole of it, as for a payoff."""
    if whole and (until := books.payoff_counts_to(day)) > day:
        books.plan.accrue_to(until)
    else:
        books.plan.cut_at(day)


def ask_for_unbilled(books: Books) -> None:
    """Let the next bill ask for those fees, since all principal is about to be prepaid and the bills they belong to
    will not come; if interest is left for a bill of its own, that one brings its own fee."""
    plan, fee = books.plan, unbilled_fee(books)
    if plan.accrued or plan.carry:
        fee -= sum(_fees_to_come(books)[:1])
    if fee > 0:
        bill = books.in_book(plan.at + 1)
        bill.due_on = plan.due_on(plan.at)
        bill.charges[2] += fee
        books.charged.add(bill.number)


def _fees_to_come(books: Books) -> list[int]:
    """The fees of the bills to come, less what was waived of them and what coupons on whole bills take off, in minor
    units."""
    fees, rest = [], copy(books.plan)
    rest.dates = [*rest.dates]
    coupons = [replace(coupon) for coupon in books.coupons if coupon.fact.kind in ON_WHOLE_BILLS]
    while not rest.done:
        row = rest.take()
        known = books.book.get(row.at + 1)
        waived = 0 if known is None else max(known.waivers[2] - known.charges[2], 0)
        bill = WorkingBill(row.at + 1, row, due_on=row.period.due_on)
        bill.asked[2] = max(row.fee // rest.scale - waived, 0)
        for coupon in coupons:
            if coupon.covers(bill.number, bill.due_on):
                off = taken_off(coupon, rest, bill, books.interest_rounding)[2]
                bill.waived[2] += off
                coupon.used, coupon.bills = coupon.used + off, coupon.bills + 1
        fees.append(bill.open()[2])
    return fees
