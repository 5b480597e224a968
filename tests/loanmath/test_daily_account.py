"""A loan repaid as the borrower likes: every figure can be worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from ledger.loanmath.daily_account import AccountTerms, Movement, account_on

TERMS = AccountTerms(principal=100_000, opened_on=date(2026, 3, 1), daily_rate=Decimal("0.0005"))
PART = Movement(date(2026, 3, 11), 20_000)


def test_ten_days_cost_ten_days() -> None:
    account = account_on(TERMS, [], date(2026, 3, 11))
    assert (account.interest, account.settlement) == (500, 100_500)


def test_a_payment_meets_interest_before_principal() -> None:
    account = account_on(TERMS, [PART], date(2026, 3, 11))
    assert account.paid == {"charge": 0, "interest": 500, "principal": 19_500}
    assert (account.principal, account.interest) == (80_500, 0)


def test_interest_stays_unrounded_until_it_is_paid() -> None:
    account = account_on(TERMS, [PART], date(2026, 3, 18))
    assert (account.interest, account.settlement) == (Fraction("281.75"), 80_781)
    settled = account_on(TERMS, [PART, Movement(date(2026, 3, 18), settles=True)], date(2026, 4, 1))
    assert (settled.principal, settled.interest, settled.settlement) == (0, 0, 0)
    assert settled.paid == {"charge": 0, "interest": 281, "principal": 80_500}


def test_a_payment_below_the_interest_leaves_the_rest_of_it() -> None:
    account = account_on(TERMS, [Movement(date(2026, 3, 11), 300)], date(2026, 3, 11))
    assert (account.principal, account.interest) == (100_000, 200)


def test_charges_come_first_and_bear_no_interest() -> None:
    charge = Movement(date(2026, 3, 5), 1_000, is_charge=True)
    assert account_on(TERMS, [charge], date(2026, 3, 11)).settlement == 101_500
    assert account_on(TERMS, [PART, charge], date(2026, 3, 11)).paid == {
        "charge": 1_000,
        "interest": 500,
        "principal": 18_500,
    }


def test_settling_within_the_free_days_costs_no_interest() -> None:
    free = replace(TERMS, free_days=3)
    assert account_on(free, [], date(2026, 3, 4)).settlement == 100_000
    assert account_on(free, [], date(2026, 3, 5)).settlement == 100_200
    assert account_on(free, [Movement(date(2026, 3, 4), 50_000)], date(2026, 3, 4)).paid["interest"] == 150


def test_interest_stops_at_the_cap() -> None:
    capped = replace(TERMS, interest_cap=Decimal("0.01"))
    assert account_on(capped, [], date(2026, 3, 20)).interest == 950
    assert account_on(capped, [], date(2026, 12, 31)).interest == 1_000


def test_other_rates_hold_on_their_days_both_included() -> None:
    free_week = replace(TERMS, rates=((date(2026, 3, 2), date(2026, 3, 8), Decimal(0)),))
    assert account_on(free_week, [], date(2026, 3, 8)).interest == 0
    assert account_on(free_week, [], date(2026, 3, 11)).interest == 150


def test_money_paid_too_much_is_owed_back_without_interest() -> None:
    paid = [Movement(date(2026, 3, 11), 100_600)]
    assert account_on(TERMS, paid, date(2026, 6, 1)).settlement == -100
    assert account_on(TERMS, [*paid, Movement(date(2026, 6, 1), -100)], date(2026, 6, 2)).settlement == 0


def test_interest_of_one_day_is_capped_too() -> None:
    """0.05 % a day, capped at 0.04 %: 40.00 instead of 50.00 in ten days."""
    account = account_on(replace(TERMS, daily_cap=Decimal("0.0004")), [], date(2026, 3, 11))
    assert account.interest == 400


def test_interest_forgiven_on_settling_early_was_never_counted() -> None:
    terms = replace(TERMS, free_days=3)
    account = account_on(terms, [Movement(date(2026, 3, 4), settles=True)], date(2026, 3, 4))
    assert (account.principal, account.interest, account.accrued) == (0, 0, 0)
