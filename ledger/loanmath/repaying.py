"""Repayments: what is due first, then what is beyond it: bills ahead, principal early, or the whole loan."""

from __future__ import annotations

from datetime import date

from ledger.loanmath.ahead import asked_to_date, pay_bill_to_date, pay_on_balance, pay_to_date
from ledger.loanmath.allocation import Amounts, meet
from ledger.loanmath.books import Books, Source
from ledger.loanmath.coupons import off_interest_to
from ledger.loanmath.facts import ApplyTo, Repayment
from ledger.loanmath.money import Parts, round_ratio
from ledger.loanmath.paying import pay, pay_ahead_again, pay_charges_due, pay_due, pay_next, pay_shares
from ledger.loanmath.payment import solve
from ledger.loanmath.penalty import accrue_penalty
from ledger.loanmath.prepayment import early, prepayment_fee, split_prepayment
from ledger.loanmath.terms import AheadInterest, Excess
from ledger.loanmath.unbilled import ask_for_unbilled, count_interest, unbilled_fee
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
    if books.terms.payoff_to_period_end and books.ahead_interest is AheadInterest.TO_DATE:
        _accrue_if_enough(books, day, left)
    if fact.apply_to is ApplyTo.PAYOFF and pay_off(books, fact.id, day, left):
        return
    if fact.apply_to is ApplyTo.BILL and fact.bill is not None:
        left = _pay_named(books, (fact.id, day, left), fact.bill)
    left = pay_due(books, (fact.id, day, left))
    if not left:
        return
    left = pay_charges_due(books, (fact.id, day, left))
    policy = BEYOND_DUE.get(fact.apply_to, books.terms.excess)
    free = books.ahead_interest is AheadInterest.ON_BALANCE and not _fee_for(books, left, day)
    if left and free and policy is not Excess.HOLD:
        left = pay_on_balance(books, (fact.id, day, left))
    elif left and policy in (Excess.SHORTEN, Excess.LOWER):
        left = prepay(books, fact.id, day, left, lower=policy is Excess.LOWER)
    elif left and books.ahead_interest is AheadInterest.TO_DATE and policy is not Excess.HOLD:
        left = pay_to_date(books, (fact.id, day, left), policy)
    elif policy is Excess.LAST_BILL:
        left = pay(books, (fact.id, day, left), reversed(books.all_open()))
    elif policy is Excess.EQUAL_SHARES:
        left = pay_shares(books, fact.id, day, left)
    elif policy is Excess.NEXT_BILL:
        left = pay_next(books, fact.id, day, left)
    if left:
        books.credit.append((fact.id, day, left))


def _fee_for(books: Books, principal: int, day: date) -> int:
    """What prepaying so much on the day costs."""
    balance = books.plan.shown(books.plan.balance - books.plan.paid_ahead)
    return prepayment_fee(books.terms, principal, early(books, day, balance))


def _pay_named(books: Books, source: Source, number: int) -> int:
    """Pay the bill the borrower named; what is left. One still to come counts as any money paid ahead does."""
    made = books.bills[number - 1] if 0 < number <= len(books.bills) else None
    if books.ahead_interest is AheadInterest.PLANNED or (made is not None and made.planned_on <= source[1]):
        bill = books.reach(number)
        return source[2] if bill is None else pay(books, source, [bill])
    if books.ahead_interest is AheadInterest.TO_DATE:
        return pay_bill_to_date(books, source, number)
    return source[2]


def prepay(books: Books, repayment: int, day: date, amount: int, *, lower: bool) -> int:
    """Repay principal that is not due yet, and what the bills to come ask for once no principal is left; what
    is left. Enough to settle everything settles everything."""
    if pay_off(books, repayment, day, amount):
        return 0
    plan = books.plan
    books.take_back(day)
    balance = plan.shown(plan.balance - plan.paid_ahead)
    principal, fee = split_prepayment(books.terms, amount, balance, early(books, day, balance))
    count_interest(books, day, whole=principal == balance)
    if principal:
        if principal == balance:
            ask_for_unbilled(books)
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
        accrue_penalty(books, bill, day)
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
    fees = any(books.plan.fee(index) for index in range(books.plan.at, books.plan.last + 1))
    to_date = books.ahead_interest is AheadInterest.TO_DATE and not fees  # a payoff asks for no fees of bills to come
    if to_date and rest == asked_to_date(books, day):
        _settle_bills(books, sources, day)
    else:
        _settle(books, sources, rest, day)
    return True


def _settle_bills(books: Books, sources: list[Source], day: date) -> None:
    """Settle all bills, those to come as well, each with the interest it asks for on the day."""
    for repayment, _, amount in sources:
        left = pay_due(books, (repayment, day, amount))
        left = pay_to_date(books, (repayment, day, left), Excess.NEXT_BILL) if left else 0
        if left:
            books.credit.append((repayment, day, left))


def _accrue_if_enough(books: Books, day: date, amount: int) -> None:
    """Count the interest of the running period to its end if the amount, with what is held, settles everything."""
    needed, held = payoff(books, day)
    if needed.total and amount + held >= needed.total and not books.plan.done:
        books.plan.accrue_to(books.payoff_counts_to(day))


def _settle(books: Books, sources: list[Source], rest: Parts, day: date) -> None:
    """Settle all bills made up so far and the `rest` of the plan; money beyond that is credit."""
    books.put_beside_what_was_paid_ahead()
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
    principal, interest = plan.shown(plan.balance - plan.paid_ahead), 0
    until = books.payoff_counts_to(day)
    if plan.ahead:
        interest = plan.shown(plan.interest_ahead(until))
    elif not plan.done:
        exact = plan.interest_to(until)
        interest = round_ratio(exact.numerator, exact.denominator * plan.scale, books.interest_rounding)
        interest += plan.shown(plan.carry)
    coming = books.book.get(plan.at + 1)
    if coming is not None:
        interest = max(interest - coming.waivers[1], 0)
    if books.coupons and not plan.done:
        interest -= off_interest_to(books.coupons, plan, day, interest, books.interest_rounding)
    charges = [sum(amounts) for amounts in zip(nothing(), *charges_to_come(books), strict=True)]
    charges[2] += unbilled_fee(books)
    ahead = sum(source[2] for source, _ in books.ahead)
    prepaid = max(min(principal, principal + interest + sum(charges) - ahead), 0)
    fee = prepayment_fee(books.terms, prepaid, early(books, day, prepaid)) + charges[2]
    return Parts(principal + charges[0], interest + charges[1], fee, charges[3])


def charges_to_come(books: Books) -> list[Amounts]:
    """Charges on bills not made up yet, less what was waived of them."""
    later = [books.book[number] for number in books.charged if number > len(books.bills)]
    return [[max(a - b, 0) for a, b in zip(bill.charges, bill.waivers, strict=True)] for bill in later]
