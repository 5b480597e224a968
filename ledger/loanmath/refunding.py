"""Refunds: a purchase given back makes the bills to come smaller, and is no repayment."""

from __future__ import annotations

from ledger.loanmath.books import Books
from ledger.loanmath.facts import Refund
from ledger.loanmath.money import Parts, Rounding, round_ratio
from ledger.loanmath.paying import pay, pay_ahead_again, pay_next
from ledger.loanmath.payment import solve
from ledger.loanmath.terms import Method


def refund(books: Books, fact: Refund) -> None:
    """Let a refund count on its day: principal in no bill yet first, the payment worked out again and no prepayment fee
    asked; then bills due and unpaid, then what the bills to come still ask for; the rest is credit."""
    day, plan = fact.effective_on, books.plan
    books.take_back(day)
    plan.cut_at(day)
    balance = plan.shown(plan.balance)
    principal = min(fact.amount, balance)
    if principal:
        books.beside.append((fact.id, Parts(principal=principal)))
        books.prepaid += principal
        _shrink(books, principal, balance)
    pay_ahead_again(books, day)
    left = pay(books, (fact.id, day, fact.amount - principal), list(books.open.values()))
    left = pay_next(books, fact.id, day, left)
    if left:
        books.credit.append((fact.id, day, left))
    if principal and not books.open and books.next_due_on() is None:
        books.paid_off_on = day


def _shrink(books: Books, principal: int, balance: int) -> None:
    """Less is owed, and what is charged on the whole amount falls in proportion."""
    plan = books.plan
    if books.terms.method is Method.FLAT:
        plan.flat_base = round_ratio(plan.flat_base * (balance - principal), balance, Rounding.HALF_UP)
    plan.balance = plan.balance - principal * plan.scale if principal < balance else 0
    if not plan.balance:
        plan.last = plan.at  # the interest of the days before is one bill
    solve(plan)
