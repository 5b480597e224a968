"""A loan repaid as the borrower likes (随借随还): interest grows by the day, and no bills are planned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from ledger.loanmath.money import Rounding, round_minor

CHARGE, INTEREST, PRINCIPAL = "charge", "interest", "principal"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTerms:
    """Interest is simple, on principal only: `daily_rate` a day, for the days after `opened_on`.

    It is kept as fractions of a minor unit and rounded only when it is paid or quoted; what that leaves over is
    forgiven. All interest together is at most `interest_cap` × `principal`, that of one day at most `daily_cap` of what
    is owed. `rates` are other daily rates from a day to another, both included. Whoever settles within `free_days` pays
    no interest.
    """

    principal: int
    opened_on: date
    daily_rate: Decimal
    rounding: Rounding = Rounding.DOWN
    order: tuple[str, ...] = (CHARGE, INTEREST, PRINCIPAL)
    interest_cap: Decimal | None = None
    daily_cap: Decimal | None = None
    free_days: int = 0
    rates: tuple[tuple[date, date, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Movement:
    """Money paid (below zero: given back), or charged if `is_charge`; what `settles` pays all there is."""

    on: date
    amount: int = 0
    is_charge: bool = False
    settles: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What is owed at the end of a day. `principal` below zero is money to give back; `accrued` is all interest so
    far, paid or not. `paid` says what the last payment met."""

    on: date
    principal: int
    interest: Fraction = Fraction(0)
    charges: int = 0
    accrued: Fraction = Fraction(0)
    settlement: int = 0
    paid: dict[str, int] = field(default_factory=dict)


def account_on(terms: AccountTerms, movements: Iterable[Movement], on: date) -> Account:
    """The account at the end of a day, after all movements up to it; those of one day count in the order given."""
    account = Account(terms.opened_on, terms.principal)
    for movement in sorted(movements, key=lambda one: one.on):
        if movement.on > on:
            break
        account = _moved(terms, _accrued(terms, account, movement.on), movement)
    account = _accrued(terms, account, on)
    return replace(account, settlement=settlement(terms, account))


def settlement(terms: AccountTerms, account: Account) -> int:
    """What settles the account on its day, in minor units."""
    return account.principal + account.charges + _interest_to_pay(terms, account)


def _interest_to_pay(terms: AccountTerms, account: Account) -> int:
    if (account.on - terms.opened_on).days <= terms.free_days:
        return 0
    return round_minor(account.interest, terms.rounding)


def _accrued(terms: AccountTerms, account: Account, on: date) -> Account:
    """The account with interest up to the end of a day, within the cap."""
    grown = max(account.principal, 0) * _factor(terms, account.on, on)
    if terms.interest_cap is not None:
        grown = min(grown, terms.principal * Fraction(terms.interest_cap) - account.accrued)
    return replace(account, on=max(on, account.on), interest=account.interest + grown, accrued=account.accrued + grown)


def _factor(terms: AccountTerms, start: date, end: date) -> Fraction:
    """By how much a sum grows over the days after `start`, up to and with `end`."""
    usual = _capped(terms, terms.daily_rate)
    factor = usual * max((end - start).days, 0)
    for first, last, rate in terms.rates:
        days = (min(last, end) - max(first - timedelta(days=1), start)).days
        factor += (_capped(terms, rate) - usual) * max(days, 0)
    return factor


def _capped(terms: AccountTerms, rate: Decimal) -> Fraction:
    return Fraction(rate if terms.daily_cap is None else min(rate, terms.daily_cap))


def _moved(terms: AccountTerms, account: Account, movement: Movement) -> Account:
    if movement.is_charge:
        return replace(account, charges=account.charges + movement.amount)
    due = settlement(terms, account)
    amount = due if movement.settles else movement.amount
    interest = _interest_to_pay(terms, account) if amount >= due else round_minor(account.interest, terms.rounding)
    paid = _shared(terms.order, amount, {CHARGE: account.charges, INTEREST: interest, PRINCIPAL: account.principal})
    all_interest = interest == paid[INTEREST] and (amount >= due or interest > 0)
    forgiven = account.interest if amount >= due and not interest else 0
    return replace(
        account,
        principal=account.principal - paid[PRINCIPAL],
        interest=Fraction(0) if all_interest else account.interest - paid[INTEREST],
        charges=account.charges - paid[CHARGE],
        accrued=account.accrued - forgiven,
        paid=paid,
    )


def _shared(order: Iterable[str], amount: int, owed: dict[str, int]) -> dict[str, int]:
    """An amount put against what is owed, one after the other; principal takes the rest, and what is given back."""
    paid = dict.fromkeys(owed, 0)
    left = amount
    for name in order:
        paid[name] = max(min(left, owed[name]), 0)
        left -= paid[name]
    paid[PRINCIPAL] += left
    return paid
