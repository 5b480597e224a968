"""A rounded payment moved until the last bill comes close to it, and the rate at which rounded payments repay."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import RateChange
from ledger.loanmath.money import Parts
from ledger.loanmath.payment import start_plan
from ledger.loanmath.project import project
from ledger.loanmath.schedule import schedule
from ledger.loanmath.terms import AheadInterest, Excess, LoanTerms, PaymentFit
from tests.loanmath.builders import day, loan, repayment


def payments(terms: LoanTerms) -> list[int]:
    return [row.payment for row in schedule(terms)]


def test_a_payment_far_too_low_is_raised_until_the_last_is_not_higher() -> None:
    """Worked out for months of 30 days while 365 days bear interest: the last of 1,079.71 takes 10.06 more. Of
    1,080.50 it takes 0.09 less; of a cent less, eleven cents and their interest more and the cent less: 0.06 more."""
    terms = loan(day_count=DayCount.ACT_360, thirty_day_payment=True)
    assert payments(terms) == [107_971] * 11 + [108_977]
    assert payments(replace(terms, payment_fit=PaymentFit.LOWER_LAST)) == [108_050] * 11 + [108_041]
    assert payments(replace(terms, payment=108_049)) == [108_049] * 11 + [108_055]


def test_a_payment_that_another_would_not_make_fit_better_is_kept() -> None:
    """0.50 in two payments of whole 0.10: the last is 0.09 lower, and half of that is no 0.10."""
    terms = loan(principal=50, annual_rate=Decimal("0.12"), count=2, payment_unit=10, payment_fit=PaymentFit.REFIT)
    assert payments(terms) == [30, 21]


def test_a_payment_is_fitted_again_three_times_at_most() -> None:
    """The last bill of 564.90 is higher by 20.69, of 565.80 lower by 3.61, of 565.60 higher by 1.79: a twenty-fourth of
    each moves it by 0.90, 0.20 and 0.10. Of 565.70 it is still lower by 0.88, more than the 0.12 that would do."""
    terms = loan(
        annual_rate=Decimal("0.12"), count=24, day_count=DayCount.ACT_360, thirty_day_payment=True, payment_unit=10,
    )  # fmt: skip
    assert [payments(replace(terms, payment=payment))[-1] - payment for payment in (56_490, 56_580, 56_560)] == [
        2_069,
        -361,
        179,
    ]
    assert payments(replace(terms, payment_fit=PaymentFit.REFIT)) == [56_570] * 23 + [56_482]


@pytest.mark.parametrize(
    ("fit", "asked"),
    [
        (PaymentFit.REFIT, [20_690, 20_690, 20_690, 20_694]),
        (PaymentFit.NONE, [20_920, 20_920, 20_920, 19_982]),
    ],
)
def test_a_bill_paid_whole_ahead_is_not_the_one_that_has_to_fit(fit: PaymentFit, asked: list[int]) -> None:
    """1,200.00; the last bill's 205.92 paid at once. After the first bill 797.51 is left for four at 1.5 % a month:
    206.92 each, 206.90 in whole 0.10."""
    terms = loan(
        principal=120_000, count=6, ahead_interest=AheadInterest.TO_DATE, excess=Excess.LAST_BILL, payment_unit=10,
        payment_fit=fit,
    )  # fmt: skip
    dearer = RateChange(id=2, effective_on=day("2026-02-10"), annual_rate=Decimal("0.18"))
    bills = project(terms, [repayment(1, "2026-01-10", 20_592), dearer], day("2026-02-10")).bills
    assert (bills[0].due, bills[5].due) == (Parts(principal=19_657, interest=1_193), Parts(principal=20_592))
    assert bills[5].settled_on == day("2026-01-10")
    assert [bill.due.total for bill in bills[1:5]] == asked


def test_payments_of_a_few_cents_leave_the_agreed_rate() -> None:
    """0.05 over five months at 1 % a month: 0.01 each, which repays it at no interest at all."""
    terms = loan(principal=5, annual_rate=Decimal("0.12"), count=5, rate_from_payments=True)
    assert payments(terms) == [1] * 5
    assert start_plan(terms).rates.rate_on(day("2026-01-10")) == Fraction(12, 100)
