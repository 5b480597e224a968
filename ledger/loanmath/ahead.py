"""Paying bills to come where interest is counted up to the day: they are not made up yet, so what was paid lowers the
balance that goes on bearing interest, and each is made up on its due date with what was paid of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ledger.loanmath.allocation import Amounts, allocate, allocate_shares, slots
from ledger.loanmath.books import Books, Source
from ledger.loanmath.money import Parts
from ledger.loanmath.paying import pay
from ledger.loanmath.terms import Excess
from ledger.loanmath.unbilled import ask_for_unbilled, count_interest
from ledger.loanmath.working_bill import nothing


def pay_to_date(books: Books, source: Source, policy: Excess) -> int:
    """Pay bills to come with interest up to the day, in the order the `policy` says; what is left, in minor units."""
    repayment, day, amount = source
    books.take_back(day)
    books.plan.cut_at(day)
    amount = pay(books, source, list(books.open.values()))  # bills a deferral moved
    if books.plan.done or not amount:
        return amount
    indexes = list(range(books.plan.at, books.plan.last + 1))
    return _pay(books, (repayment, day, amount), indexes[::-1] if policy is Excess.LAST_BILL else indexes, policy)


def asked_to_date(books: Books, day: date) -> Parts:
    """What the bills to come ask for in all if they are paid on the day, once they are taken back."""
    plan = books.plan
    indexes = [] if plan.done else range(plan.at, plan.last + 1)
    opens = _open_to_date(books, day, indexes, Excess.NEXT_BILL)
    return Parts(*(sum(amounts) for amounts in zip(nothing(), *opens, strict=True)))


def pay_bill_to_date(books: Books, source: Source, number: int) -> int:
    """Pay bill `number`, still to come, with interest up to the day; what is left, in minor units."""
    books.take_back(source[1])
    books.plan.cut_at(source[1])
    index = number - 1
    if books.plan.done or not books.plan.at <= index <= books.plan.last:
        return source[2]
    return _pay(books, source, [index], Excess.NEXT_BILL)


def pay_on_balance(books: Books, source: Source) -> int:
    """Repay principal with money that comes early, as part of the bill due on that day or next; what is left."""
    repayment, day, amount = source
    books.take_back(day)
    plan = books.plan
    balance = plan.shown(plan.balance - plan.paid_ahead)
    principal = min(amount, balance)
    count_interest(books, day, whole=principal == balance)
    if not principal:
        return amount
    if principal == balance:
        ask_for_unbilled(books)
    if books.bills and books.bills[-1].planned_on == day:
        bill = books.bills[-1]
        bill.asked[0] += principal
        bill.take_payment(repayment, day, [principal, 0, 0, 0])
        plan.balance -= principal * plan.scale
        bill.outstanding_after = plan.shown(plan.balance)
        books.note(bill, day)
        books.overpaid(principal * plan.scale)
    else:
        bill = books.in_book(plan.at + 1)
        bill.paid[0] += principal
        bill.met_by.append((repayment, day, [principal, 0, 0, 0]))
        plan.pay_ahead(plan.at, day, principal * plan.scale, 0, whole=False)
    return amount - principal


def _pay(books: Books, source: Source, indexes: Sequence[int], policy: Excess) -> int:
    repayment, day, amount = source
    opens = _open_to_date(books, day, indexes, policy)
    order = slots(books.terms.order_ahead) if books.terms.order_ahead else books.order
    if policy is Excess.EQUAL_SHARES:
        mets = allocate_shares(min(amount, _all_open(books, opens)), opens, order)
    else:
        mets = allocate(amount, opens, order, books.terms.spread)
    for index, asked, met in zip(indexes, opens, mets, strict=True):
        if not sum(met):
            continue
        amount -= sum(met)
        bill, plan = books.in_book(index + 1), books.plan
        bill.paid = [a + b for a, b in zip(bill.paid, met, strict=True)]
        bill.met_by.append((repayment, day, met))
        plan.pay_ahead(index, day, met[0] * plan.scale, met[1] * plan.scale, whole=met[:2] == asked[:2])
    return amount


def _all_open(books: Books, opens: Sequence[Amounts]) -> int:
    """What is owed in all: the principal that is left and what the bills ask for beside it."""
    plan = books.plan
    return plan.shown(plan.balance - plan.paid_ahead) + sum(sum(asked[1:]) for asked in opens)


def _open_to_date(books: Books, day: date, indexes: Sequence[int], policy: Excess) -> list[Amounts]:
    """What each bill to come asks for on the day: the first one not paid whole the interest up to that day, unless it
    asks for none, the others none; the last one, reached from the front, all principal that is left."""
    plan = books.plan
    unpaid = [index for index in range(plan.at, plan.last + 1) if not plan.is_whole(index)]
    left, interest = plan.balance - plan.paid_ahead, plan.interest_ahead(day)
    rest_to_last = policy is Excess.NEXT_BILL or len(unpaid) == 1
    opens = []
    for index in indexes:
        now = interest if unpaid and index == unpaid[0] and not plan.in_interest_grace(index) else 0
        principal = plan.principal_ahead(index, now)
        if unpaid and index == unpaid[-1] and rest_to_last:
            principal = left
        principal = min(principal, left)
        if policy is not Excess.EQUAL_SHARES:
            left -= principal
        bill = books.in_book(index + 1)
        fee = plan.fee(index) if unpaid and index == unpaid[0] else 0  # of bills further ahead: with the bill
        asked = [plan.shown(principal), plan.shown(now), fee, 0]
        charged = [a - b - c for a, b, c in zip(bill.charges, bill.waivers, bill.paid, strict=True)]
        opens.append([asked[0] + max(charged[0], 0), asked[1], max(asked[2] + charged[2], 0), max(charged[3], 0)])
    return opens
