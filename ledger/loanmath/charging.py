"""Charges, waivers and coupons: what a lender adds to a bill and what it lets go of."""

from __future__ import annotations

from datetime import timedelta

from ledger.loanmath.allocation import SLOTS
from ledger.loanmath.books import Books
from ledger.loanmath.coupons import CouponInUse
from ledger.loanmath.facts import Charge, Coupon, Waiver
from ledger.loanmath.paying import pay, pay_ahead_again
from ledger.loanmath.penalty import accrue_penalty
from ledger.loanmath.terms import Excess
from ledger.loanmath.working_bill import WorkingBill


def charge(books: Books, fact: Charge) -> None:
    """Add a charge, in minor units, to its bill. Where the lender has stated the bill's figure since, only what we
    computed changes. Money held pays it at once, unless the agreement holds money."""
    day = fact.effective_on
    bill = _charged_bill(books, fact)
    books.charged.add(bill.number)
    accrue_penalty(books, bill, day)
    slot = SLOTS[fact.component]
    bill.charges_due.append((fact.due_on or day, slot, fact.amount))
    figure, computed = books.figures.get(bill.number), bill.computed
    if figure is None or computed is None or (figure.effective_on, figure.id) < (day, fact.id):
        bill.charges[slot] += fact.amount
        if figure is not None:
            bill.since_figure[slot] += fact.amount
        bill.asked[slot] += fact.amount
    else:
        computed[slot] += fact.amount
    books.note(bill, day)
    if books.credit and books.terms.excess is not Excess.HOLD:
        held, books.credit = books.credit, []
        for repayment, paid_on, amount in held:
            left = pay(books, (repayment, day, amount), list(books.open.values()))
            if left:
                books.credit.append((repayment, paid_on, left))


def _charged_bill(books: Books, fact: Charge) -> WorkingBill:
    """The bill a charge falls on: the one it names, else the first due on or after its day, but after the day of the
    disbursement (what is due then was not lent), else an extra one."""
    if fact.bill is not None and (named := books.reach(fact.bill)) is not None:
        return named
    day = max(fact.due_on or fact.effective_on, books.terms.disbursed_on + timedelta(days=1))
    while books.next_due_on() is not None and not (books.bills and books.bills[-1].due_on >= day):
        books.make_bill()
    later = [bill for bill in books.bills[-1:] if bill.due_on >= day]
    for bill in reversed(books.bills):
        if bill.due_on < day:
            break
        later.append(bill)
    return min(later, key=lambda bill: (bill.due_on, bill.number)) if later else books.extra_bill(day)


def waive(books: Books, fact: Waiver) -> None:
    """Let go of a component of a bill, up to what is open of it on that day; more of it counts once the bill is made
    up anew. A waiver of a bill the plan does not have is ignored."""
    bill = books.reach(fact.bill)
    if bill is None:
        return
    accrue_penalty(books, bill, fact.effective_on)
    slot = SLOTS[fact.component]
    bill.waivers[slot] += fact.amount
    bill.waived[slot] += min(fact.amount, bill.open()[slot])
    books.note(bill, fact.effective_on)


def use_coupon(books: Books, fact: Coupon) -> None:
    """Let a coupon count from its day on, for bills due or open on it and for those to come; what is settled stays."""
    day = fact.effective_on
    books.take_back(day)
    coupon = CouponInUse(fact)
    books.coupons.append(coupon)
    for bill in list(books.open.values()):
        accrue_penalty(books, bill, day)
        books.take_off(bill, coupon)
        books.note(bill, day)
    pay_ahead_again(books, day)
