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
    principal = min(fact.amount, plan.shown(plan.balance - plan.paid_ahead))
    if principal:
        books.beside.append((fact.id, Parts(principal=principal)))
        books.prepaid += principal
        _shrink(books, principal)
    pay_ahead_again(books, day)
    left = pay(books, (fact.id, day, fact.amount - principal), list(books.open.values()))
    left = pay_next(books, fact.id, day, left)
    if left:
        books.credit.append((fact.id, day, left))
    if principal and not books.open and books.next_due_on() is None:
        books.paid_off_on = day


def _shrink(books: Books, principal: int) -> None:
    """Less is owed, and what is charged on the whole amount falls in proportion."""
    plan, owed = books.plan, books.plan.balance
    whole = principal == plan.shown(owed - plan.paid_ahead)
    plan.balance = plan.paid_ahead if whole else owed - principal * plan.scale
    if books.terms.method is Method.FLAT:
        plan.flat_base = round_ratio(plan.flat_base * plan.balance, owed, Rounding.HALF_UP)
    if not plan.balance:
        plan.last = plan.at  # the interest of the days before is one bill
    solve(plan)
