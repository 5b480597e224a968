"""A rate that rises above what the kept payment covers is told, and never loops."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ledger.loanmath.facts import ApplyTo, RateChange, RateEffect
from ledger.loanmath.project import project
from ledger.loanmath.rate_warning import RateWarning, rate_warning
from ledger.loanmath.terms import Method
from tests.loanmath.builders import day, first_three_paid, loan, repayment

ON = day("2026-04-10")
TOO_HIGH = RateChange(id=9, effective_on=ON, annual_rate=Decimal("1.44"), effect=RateEffect.KEEP_PAYMENT)


def test_a_payment_below_the_interest_is_told_with_the_least_that_repays() -> None:
    """9,159.05 at 12 % a month: 1,099.09 of interest, and the payment is 1,079.71."""
    assert rate_warning(loan(), first_three_paid(), TOO_HIGH) == RateWarning(payment=107_971, least_payment=109_910)


def test_recorded_all_the_same_it_is_worked_out_again_for_the_bills_agreed() -> None:
    bills = project(loan(), [*first_three_paid(), TOO_HIGH], ON).bills
    assert len(bills) == 12
    assert bills[3].due.interest == 109_909
    assert len({bill.due.total for bill in bills[3:11]}) == 1
    assert bills[-1].outstanding_after == 0


def test_a_payment_that_suffices_calls_for_no_warning() -> None:
    for rate in ("0.12", "0.18", "1.40"):
        assert rate_warning(loan(), first_three_paid(), replace(TOO_HIGH, annual_rate=Decimal(rate))) is None


def test_nothing_is_kept_that_could_be_too_low() -> None:
    again = replace(TOO_HIGH, effect=RateEffect.KEEP_TERM)
    assert rate_warning(loan(), first_three_paid(), again) is None
    assert rate_warning(loan(method=Method.EQUAL_PRINCIPAL), [], TOO_HIGH) is None
    settled = repayment(8, "2026-04-10", 2_000_000, apply_to=ApplyTo.PAYOFF)
    assert rate_warning(loan(), [*first_three_paid(), settled], TOO_HIGH) is None


def test_a_payment_that_barely_falls_does_not_run_for_ever() -> None:
    """One cent of principal a month: the plan ends after 1200 bills, the last taking the rest."""
    terms = loan(principal=100_000_000, annual_rate=Decimal("0.0120012"), count=600, payment=200_000)
    slow = RateChange(id=1, effective_on=ON, annual_rate=Decimal("0.024"), effect=RateEffect.KEEP_PAYMENT)
    bills = project(terms, [slow], ON).bills
    assert len(bills) <= 1200
    assert sum(bill.due.principal for bill in bills) == 100_000_000
