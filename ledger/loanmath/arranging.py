"""An arrangement with the lender: everything owed on a day is repaid under new terms."""

from __future__ import annotations

from dataclasses import replace

from ledger.loanmath.allocation import slots
from ledger.loanmath.books import Books
from ledger.loanmath.facts import Arrangement
from ledger.loanmath.money import round_ratio
from ledger.loanmath.paying import pay_ahead_again
from ledger.loanmath.penalty import accrue_penalty, keep_penalty
from ledger.loanmath.replan import arranged_plan
from ledger.loanmath.working_bill import ON_TIME


def arrange(books: Books, fact: Arrangement) -> None:
    """Replace the schedule from the day on. What is open of principal, and unless it is forgiven of interest, fees and
    penalty, is the principal of the new plan; a bill it replaces asks for no more than had met it, and one
    paid late before keeps its penalty as the old terms had it. What was said about single bills still to come is
    answered by the arrangement."""
    day = fact.effective_on
    books.take_back(day)
    principal, rest = _in_no_bill(books, fact)
    beside = books.put_beside_what_was_paid_ahead()
    books.prepaid += beside
    replaced = list(books.open.values())
    for bill in replaced:
        accrue_penalty(books, bill, day)
        amounts = bill.open()
        principal, rest = principal + amounts[0], rest + sum(amounts[1:])
        bill.ask_no_more()
        books.note(bill, day)
    for bill in books.bills:
        if bill.lateness is not ON_TIME:
            keep_penalty(books, bill, day)
    joined = 0 if fact.forgives else rest
    books.joined += joined
    for bill in replaced:
        bill.outstanding_after = principal + joined
    _forget_bills_to_come(books, fact)
    owed = principal + joined
    if beside and not owed:
        books.paid_off_on = day
    books.terms = replace(fact.terms, principal=owed, opening_balance=None, down_payment=0)
    books.order = slots(books.terms.order)
    books.plan = arranged_plan(books.plan, books.terms, day, owed, books.moves)
    pay_ahead_again(books, day)


def _in_no_bill(books: Books, fact: Arrangement) -> tuple[int, int]:
    """Principal, and interest up to the day, that no bill made up so far asks for."""
    plan = books.plan
    principal = plan.shown(plan.balance - plan.paid_ahead)
    if plan.done:
        return principal, 0
    if plan.ahead:
        return principal, plan.shown(plan.interest_ahead(fact.effective_on))
    exact = plan.interest_to(fact.effective_on)
    rounded = round_ratio(exact.numerator, exact.denominator * plan.scale, books.interest_rounding)
    return principal, rounded + plan.shown(plan.carry)


def _forget_bills_to_come(books: Books, fact: Arrangement) -> None:
    made, day = len(books.bills), fact.effective_on
    books.figures = {n: said for n, said in books.figures.items() if n <= made or said.effective_on >= day}
    books.moves = [move for move in books.moves if move.effective_on >= day]
    books.deferrals = {n: said for n, said in books.deferrals.items() if n <= made or said.effective_on >= day}
