"""Changes of an agreement on its way: another rate, more money lent, other terms."""

from __future__ import annotations

from datetime import timedelta

from ledger.loanmath.allocation import slots
from ledger.loanmath.books import Books
from ledger.loanmath.facts import (
    Deferral,
    DeferralTreatment,
    Drawdown,
    DueDateMove,
    Extension,
    Pause,
    RateChange,
    RateEffect,
    TermsVersion,
)
from ledger.loanmath.paying import pay_ahead_again
from ledger.loanmath.payment import minimum_payment, solve
from ledger.loanmath.penalty import keep_penalty
from ledger.loanmath.plan import Plan
from ledger.loanmath.replan import plan_from, same_plan
from ledger.loanmath.terms import Method
from ledger.loanmath.working_bill import ON_TIME


def draw(books: Books, fact: Drawdown) -> None:
    """More is owed from the day on, so that bills paid ahead ask for more; an agreement that had ended asks for one
    more bill."""
    books.take_back(fact.effective_on, settled=True)
    plan = books.plan
    plan.cut_at(fact.effective_on)
    plan.last = max(plan.last, plan.at)
    plan.balance += fact.amount * plan.scale
    plan.flat_base += fact.amount * plan.scale
    books.drawn += fact.amount
    books.paid_off_on = None
    solve(plan)
    pay_ahead_again(books, fact.effective_on)


def change_rate(books: Books, fact: RateChange) -> None:
    """Another yearly rate from its day on, that day included: the payment or the number of bills follows. A kept
    payment that no longer covers the interest is worked out again."""
    books.take_back(fact.effective_on)
    plan = books.plan
    plan.cut_at(fact.effective_on)
    plan.rates.change(fact.effective_on, fact.annual_rate)
    if not plan.done:
        kept = fact.effect is RateEffect.KEEP_PAYMENT and books.terms.method is Method.LEVEL
        plan.open_ended = kept and plan.shown(plan.payment) >= minimum_payment(plan)
        if not plan.open_ended:
            _plan_to_the_end(plan)
    pay_ahead_again(books, fact.effective_on)


def _plan_to_the_end(plan: Plan) -> None:
    """Work the payment out again for the bills agreed, one at the least."""
    plan.open_ended, plan.last = False, max(plan.agreed_last, plan.at)
    solve(plan)


def pause(books: Books, fact: Pause) -> None:
    """Days without interest, both ends included; the payment is kept, so that a level loan ends sooner."""
    books.take_back(fact.effective_on)
    plan = books.plan
    plan.cut_at(fact.effective_on)
    plan.rates.pause(fact.effective_on, fact.until + timedelta(days=1))
    if books.terms.method is Method.LEVEL and not plan.done:
        plan.open_ended = True
    pay_ahead_again(books, fact.effective_on)


def extend(books: Books, fact: Extension) -> None:
    """So many bills more than were agreed, and the payment worked out again for those to come; a loan whose bills are
    all made up has none to come."""
    books.take_back(fact.effective_on)
    plan = books.plan
    plan.cut_at(fact.effective_on)
    if not plan.done:
        plan.agreed_last += fact.bills
        _plan_to_the_end(plan)
    pay_ahead_again(books, fact.effective_on)


def _counts_after(move: Deferral | DueDateMove, version: TermsVersion) -> bool:
    """Whether a date was moved after the terms were amended: what was moved before is in the new terms."""
    return (move.effective_on, move.id) > (version.effective_on, version.id)


def _moves_alone(move: Deferral | DueDateMove) -> bool:
    """Whether it moves one bill and no other, so that new terms do not answer it."""
    return isinstance(move, Deferral) and move.treatment is DeferralTreatment.MOVE


def change_terms(books: Books, fact: TermsVersion) -> None:
    """Other terms for what is still owed, and the bills due after their day. Penalty to the day stays as the old terms
    had it; terms that ask for the same bills leave the bills alone."""
    old, new, day = books.terms, fact.terms, fact.effective_on
    books.order = slots(new.order)
    for bill in books.bills:
        if bill.number in books.open or bill.lateness is not ON_TIME:
            keep_penalty(books, bill, day)
    if same_plan(old, new):
        books.terms = new
        return
    books.take_back(day)
    if old.ahead_interest is not new.ahead_interest or old.method is not new.method:
        books.release_ahead()
    books.terms = new
    if books.plan.done:
        books.plan.rates.change(day, new.annual_rate)
    else:
        books.plan.cut_at(day)
        later = [move for move in books.moves if _counts_after(move, fact) or _moves_alone(move)]
        plan = plan_from(books.plan, new, day, later)
        if any(index > plan.last for index in plan.ahead):  # money of bills that the new terms do not have
            books.release_ahead()
            plan = plan_from(books.plan, new, day, later)
        books.plan = plan
    pay_ahead_again(books, day)
