"""Charges and waivers: what a lender adds to a bill and what it lets go of."""

from __future__ import annotations

from ledger.loanmath.allocation import SLOTS
from ledger.loanmath.books import Books
from ledger.loanmath.facts import Charge, Waiver
from ledger.loanmath.paying import pay
from ledger.loanmath.terms import Excess
from ledger.loanmath.working_bill import WorkingBill


def charge(books: Books, fact: Charge) -> None:
    """Add a charge, in minor units, to its bill. Where the lender has stated the bill's figure since, only what we
    computed changes. Money held pays it at once, unless the agreement holds money."""
    day = fact.effective_on
    bill = _charged_bill(books, fact)
    books.charged.add(bill.number)
    bill.accrue_penalty(books.terms.penalty, day)
    slot = SLOTS[fact.component]
    figure = books.figures.get(bill.number)
    if figure is None or (figure.effective_on, figure.id) < (day, fact.id):
        bill.charges[slot] += fact.amount
        if figure is not None:
            bill.since_figure[slot] += fact.amount
        bill.asked[slot] += fact.amount
    elif bill.computed is not None:
        bill.computed[slot] += fact.amount
    books.note(bill, day)
    if books.credit and books.terms.excess is not Excess.HOLD:
        held, books.credit = books.credit, []
        for repayment, paid_on, amount in held:
            left = pay(books, (repayment, day, amount), list(books.open.values()))
            if left:
                books.credit.append((repayment, paid_on, left))


def _charged_bill(books: Books, fact: Charge) -> WorkingBill:
    """The bill a charge falls on: the one it names, else the first due on or after its day, else an extra one."""
    if fact.bill is not None and (named := books.reach(fact.bill)) is not None:
        return named
    day = fact.due_on or fact.effective_on
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
    bill.accrue_penalty(books.terms.penalty, fact.effective_on)
    slot = SLOTS[fact.component]
    bill.waivers[slot] += fact.amount
    bill.waived[slot] += min(fact.amount, bill.open()[slot])
    books.note(bill, fact.effective_on)
