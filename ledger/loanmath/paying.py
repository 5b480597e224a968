"""Paying: how money meets bills, the due ones, those to come, and those made up again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from ledger.loanmath.allocation import Amounts, allocate, allocate_shares, meet, slots
from ledger.loanmath.books import Books, Source
from ledger.loanmath.penalty import accrue_penalty
from ledger.loanmath.terms import AheadInterest, OverdueRest, Spread
from ledger.loanmath.working_bill import WorkingBill


def advance(books: Books, day: date) -> None:
    """Make up every bill due on or before `day`; money held meets each as it falls due."""
    while (next_due := books.next_due_on()) is not None and next_due <= day:
        books.accrue_overdue(next_due)
        bill = books.make_bill()
        if books.credit:
            use_credit(books, bill.asked_on)


def accrue_for_repayment(books: Books, day: date) -> None:
    """Interest on overdue principal where it is counted only when a repayment comes in; the bill due on that day bears
    it already."""
    if books.terms.overdue_rest is not OverdueRest.DAY:
        advance(books, day - timedelta(days=1))
        books.accrue_for_repayment(day)


def pay(books: Books, source: Source, bills: Iterable[WorkingBill]) -> int:
    """Put money against bills in the agreed `order` and `spread`; what is left of it, in minor units."""
    repayment, day, amount = source
    if books.terms.spread is Spread.COMPONENT_BY_COMPONENT:
        return _pay_across(books, source, list(bills))
    for bill in bills:
        if amount <= 0:
            break
        if day > bill.payable_on:
            accrue_penalty(books, bill, day)
        order = _order_on(books, day, bill) if books.terms.order_ahead else books.order
        amount -= _book_payment(books, bill, repayment, day, meet(amount, bill.open(), order))
    return amount


def _pay_across(books: Books, source: Source, bills: list[WorkingBill]) -> int:
    repayment, day, amount = source
    for bill in bills:
        accrue_penalty(books, bill, day)
    order = _order_on(books, day, *bills)
    mets = allocate(amount, [bill.open() for bill in bills], order, books.terms.spread)
    return amount - sum(_book_payment(books, bill, repayment, day, met) for bill, met in zip(bills, mets, strict=True))


def _book_payment(books: Books, bill: WorkingBill, repayment: int, day: date, met: Amounts) -> int:
    total = sum(met)
    if total:
        if bill.row is not None and bill.planned_on > day and books.ahead_interest is not AheadInterest.PLANNED:
            scale, open_ = books.plan.scale, bill.open()
            whole = met[:2] == open_[:2]
            books.plan.pay_ahead(bill.row.at, day, met[0] * scale, met[1] * scale, whole=whole)
        bill.take_payment(repayment, day, met)
        books.note(bill, day)
    return total


def _order_on(books: Books, day: date, *bills: WorkingBill) -> tuple[int, ...]:
    """The order in which components are met: another one, if agreed, where all bills are paid ahead."""
    ahead = books.terms.order_ahead
    return slots(ahead) if ahead and all(bill.due_on > day for bill in bills) else books.order


def due_bills(books: Books, day: date) -> tuple[list[WorkingBill], list[WorkingBill]]:
    """Open bills past due, and those due on `day`, oldest first."""
    past: list[WorkingBill] = []
    now: list[WorkingBill] = []
    for bill in books.open.values():
        if bill.asked_on > day:
            break
        (past if bill.payable_on < day else now).append(bill)
    return past, now


def pay_due(books: Books, source: Source) -> int:
    """Pay the bills due up to and on the day, those past due first; what is left."""
    repayment, day, amount = source
    for group in due_bills(books, day):
        if group:
            amount = pay(books, (repayment, day, amount), group)
    return amount


def pay_charges_due(books: Books, source: Source) -> int:
    """Pay charges that are due though their bill is not, where bills paid ahead have an order of their own; what is
    left."""
    repayment, day, amount = source
    if books.terms.order_ahead in ((), books.terms.order):
        return amount
    for bill in list(books.open.values()):
        if amount and bill.charges_due and bill.due_on > day:
            amount -= _book_payment(books, bill, repayment, day, meet(amount, bill.charges_open(day), books.order))
    return amount


def pay_next(books: Books, repayment: int, day: date, amount: int) -> int:
    """Pay the bills to come, one after the other; what is left once all are paid."""
    if amount and books.terms.spread is Spread.COMPONENT_BY_COMPONENT:
        return pay(books, (repayment, day, amount), books.all_open())
    amount = pay(books, (repayment, day, amount), list(books.open.values())) if amount else 0
    while amount > 0 and books.next_due_on() is not None:
        amount = pay(books, (repayment, day, amount), [books.make_bill()])
    return amount


def pay_shares(books: Books, repayment: int, day: date, amount: int) -> int:
    """Pay all open bills in equal shares, again as long as one has room for more; what is left."""
    bills = books.all_open()
    for bill in bills:
        accrue_penalty(books, bill, day)
    mets = allocate_shares(amount, [bill.open() for bill in bills], _order_on(books, day, *bills))
    return amount - sum(_book_payment(books, bill, repayment, day, met) for bill, met in zip(bills, mets, strict=True))


def use_credit(books: Books, day: date) -> None:
    """Money held meets what is due."""
    held, books.credit = books.credit, []
    for repayment, paid_on, amount in held:
        left = pay_due(books, (repayment, max(day, paid_on), amount))
        if left:
            books.credit.append((repayment, paid_on, left))


def pay_ahead_again(books: Books, day: date) -> None:
    """Money that had paid taken-back bills pays the ones that replace them, else the ones after."""
    waiting, books.ahead = sorted(books.ahead, key=lambda entry: (entry[1], entry[0][1], entry[0][0])), []
    for (repayment, paid_on, amount), number in waiting:
        bill = books.reach(number)
        left = amount if bill is None else pay(books, (repayment, paid_on, amount), [bill])
        left = pay_next(books, repayment, paid_on, left)
        if left:
            books.credit.append((repayment, paid_on, left))
