"""Repayments: what is due first, then what is beyond it: bills ahead, principal early, or the whole loan."""

from __future__ import annotations

from datetime import date

from ledger.loanmath.allocation import Amounts, meet
from ledger.loanmath.books import Books, Source
from ledger.loanmath.facts import ApplyTo, Repayment
from ledger.loanmath.money import Parts, round_ratio
from ledger.loanmath.paying import pay, pay_ahead_again, pay_due, pay_next, pay_shares
from ledger.loanmath.payment import solve
from ledger.loanmath.prepayment import prepayment_fee, split_prepayment
from ledger.loanmath.terms import Excess
from ledger.loanmath.working_bill import nothing

BEYOND_DUE = {
    ApplyTo.NEXT: Excess.NEXT_BILL,
    ApplyTo.LAST: Excess.LAST_BILL,
    ApplyTo.SHARES: Excess.EQUAL_SHARES,
    ApplyTo.HOLD: Excess.HOLD,
    ApplyTo.SHORTEN: Excess.SHORTEN,
    ApplyTo.LOWER: Excess.LOWER,
    ApplyTo.PAYOFF: Excess.SHORTEN,
}


def repay(books: Books, fact: Repayment) -> None:
    """Let a repayment count on its day: a payoff that is enough settles everything; else the bill it names, what is
    due up to and on that day, and then what the repayment or else the agreement says; the rest is credit."""
    day, left = fact.effective_on, fact.amount
    if fact.apply_to is ApplyTo.PAYOFF and pay_off(books, fact.id, day, left):
        return
    if fact.apply_to is ApplyTo.BILL and fact.bill is not None:
        bill = books.reach(fact.bill)
        left = left if bill is None else pay(books, (fact.id, day, left), [bill])
    left = pay_due(books, (fact.id, day, left))
    policy = BEYOND_DUE.get(fact.apply_to, books.terms.excess)
    if left and policy in (Excess.SHORTEN, Excess.LOWER):
        left = prepay(books, fact.id, day, left, lower=policy is Excess.LOWER)
    elif policy is Excess.LAST_BILL:
        left = pay(books, (fact.id, day, left), reversed(books.all_open()))
    elif policy is Excess.EQUAL_SHARES:
        left = pay_shares(books, fact.id, day, left)
    elif policy is Excess.NEXT_BILL:
        left = pay_next(books, fact.id, day, left)
    if left:
        books.credit.append((fact.id, day, left))


def prepay(books: Books, repayment: int, day: date, amount: int, *, lower: bool) -> int:
    """Repay principal that is not due yet, and what the bills to come ask for once no principal is left; what
    is left. Enough to settle everything settles everything."""
    if pay_off(books, repayment, day, amount):
        return 0
    plan = books.plan
    books.take_back(day)
    plan.cut_at(day)
    balance = plan.shown(plan.balance)
    principal, fee = split_prepayment(books.terms, amount, balance, day)
    if principal:
        books.beside.append((repayment, Parts(principal=principal, fee=fee)))
        books.prepaid += principal
        plan.balance -= principal * plan.scale
        amount -= principal + fee
        plan.prorate_listed = lower
        if lower:
            solve(plan)
    pay_ahead_again(books, day)
    return pay_next(books, repayment, day, amount) if principal == balance else amount


def payoff(books: Books, day: date) -> tuple[Parts, int]:
    """What settles the loan on `day`, interest of that day not included, and the money already held towards it, in
    minor units. Takes back the bills to come."""
    books.take_back(day)
    needed = _rest_on(books, day)
    for bill in books.open.values():
        bill.accrue_penalty(books.terms.penalty, day)
        needed += Parts(*bill.open())
    return needed, books.held()


def pay_off(books: Books, repayment: int, day: date, amount: int) -> bool:
    """Settle what is left if the amount, with what is held already, is enough; else change nothing."""
    needed, held = payoff(books, day)
    if amount + held < needed.total or not needed.total:
        pay_ahead_again(books, day)
        return False
    rest = _rest_on(books, day)
    sources = [*books.credit, *(source for source, _ in books.ahead), (repayment, day, amount)]
    books.credit, books.ahead = [], []
    _settle(books, sources, rest, day)
    return True


def _settle(books: Books, sources: list[Source], rest: Parts, day: date) -> None:
    """Settle all bills made up so far and the `rest` of the plan; money beyond that is credit."""
    needed = [rest.principal, rest.interest, rest.fee, rest.penalty]
    for repayment, _, amount in sources:
        left = pay(books, (repayment, day, amount), list(books.open.values()))
        met = meet(left, needed, books.order)
        if sum(met):
            books.beside.append((repayment, Parts(*met)))
            needed = [a - b for a, b in zip(needed, met, strict=True)]
            left -= sum(met)
        if left:
            books.credit.append((repayment, day, left))
    books.prepaid += books.plan.shown(books.plan.balance)
    books.plan.close()
    books.book = {bill.number: bill for bill in books.bills}
    books.charged &= books.book.keys()
    books.paid_off_on = day


def _rest_on(books: Books, day: date) -> Parts:
    """What settles the part of the loan that is in no bill yet, once the bills to come are taken back. Principal
    that money of those bills covers was paid as agreed, if ahead: no prepayment fee is due on it."""
    plan = books.plan
    principal, interest = plan.shown(plan.balance), 0
    if not plan.done:
        exact = plan.interest_to(day)
        interest = round_ratio(exact.numerator, exact.denominator * plan.scale, books.interest_rounding)
        interest += plan.shown(plan.carry)
    coming = books.book.get(plan.at + 1)
    if coming is not None:
        interest = max(interest - coming.waivers[1], 0)
    charges = [sum(amounts) for amounts in zip(nothing(), *charges_to_come(books), strict=True)]
    ahead = sum(source[2] for source, _ in books.ahead)
    early = max(min(principal, principal + interest + sum(charges) - ahead), 0)
    fee = prepayment_fee(books.terms, early, day) + charges[2]
    return Parts(principal + charges[0], interest + charges[1], fee, charges[3])


def charges_to_come(books: Books) -> list[Amounts]:
    """Charges on bills not made up yet, less what was waived of them."""
    later = [books.book[number] for number in books.charged if number > len(books.bills)]
    return [[max(a - b, 0) for a, b in zip(bill.charges, bill.waivers, strict=True)] for bill in later]
