"""Paying early, rate changes and payoff, on 12,000.00 at 1.2 % a month after three bills are paid."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import ApplyTo, RateChange, RateEffect
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import PayoffQuote, payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.projection import ProjectedAllocation, ProjectedBill
from ledger.loanmath.terms import Excess, LoanTerms, Method, PrepaymentFee
from tests.loanmath.builders import day, first_three_paid, loan, repayment

THIRD_DUE = day("2026-04-10")
FEE = PrepaymentFee(fraction=Decimal("0.01"))


def bills_to_come(*facts: object, terms: LoanTerms | None = None) -> list[ProjectedBill]:
    projection = project(terms or loan(), [*first_three_paid(), *facts], THIRD_DUE)  # type: ignore[list-item]
    return [bill for bill in projection.bills if bill.due_on > THIRD_DUE]


def summary(bills: list[ProjectedBill]) -> tuple[int, int, int, int]:
    """How many bills, the first and the last payment, all interest."""
    return len(bills), bills[0].due.total, bills[-1].due.total, sum(bill.due.interest for bill in bills)


def test_without_a_prepayment_nine_bills_are_to_come() -> None:
    assert summary(bills_to_come()) == (9, 107_971, 107_964, 55_827)


def test_a_prepayment_can_shorten_the_term() -> None:
    bills = bills_to_come(repayment(4, "2026-04-10", 300_000, apply_to=ApplyTo.SHORTEN))
    assert summary(bills) == (6, 107_971, 101_997, 25_947)


def test_a_prepayment_can_lower_the_payment() -> None:
    bills = bills_to_come(repayment(4, "2026-04-10", 300_000, apply_to=ApplyTo.LOWER))
    assert summary(bills) == (9, 72_605, 72_607, 37_542)


def test_a_prepayment_meets_what_is_due_first() -> None:
    facts = first_three_paid()[:2]
    facts.append(repayment(4, "2026-04-10", 407_971, apply_to=ApplyTo.SHORTEN))
    projection = project(loan(), facts, THIRD_DUE)
    assert projection.allocations[-2:] == (
        ProjectedAllocation(repayment=4, bill=3, parts=Parts(principal=95_830, interest=12_141)),
        ProjectedAllocation(repayment=4, bill=None, parts=Parts(principal=300_000)),
    )
    assert projection.outstanding_principal == 615_905


def test_money_beyond_what_is_due_follows_the_agreement() -> None:
    extra = repayment(4, "2026-04-10", 300_000)
    shortened = bills_to_come(extra, terms=loan(excess=Excess.SHORTEN))
    assert summary(shortened) == (6, 107_971, 101_997, 25_947)
    lowered = bills_to_come(extra, terms=loan(excess=Excess.LOWER))
    assert summary(lowered) == (9, 72_605, 72_607, 37_542)
    ahead = bills_to_come(extra)
    assert [bill.paid.total for bill in ahead[:4]] == [107_971, 107_971, 84_058, 0]
    held = project(loan(excess=Excess.HOLD), [*first_three_paid(), extra], THIRD_DUE)
    assert (held.credit, held.next_change_on) == (300_000, day("2026-05-10"))
    met = project(loan(excess=Excess.HOLD), [*first_three_paid(), extra], day("2026-05-10"))
    assert (met.credit, met.bills[3].settled_on) == (192_029, day("2026-05-10"))


def test_a_prepayment_between_due_dates_saves_interest_from_its_day() -> None:
    """Actual days over 365: 15 days on 9,159.05 and 15 on 6,159.05."""
    terms = loan(day_count=DayCount.ACT_365F, payment=107_971)
    before = project(terms, first_three_paid(), THIRD_DUE)
    prepaid = repayment(4, "2026-04-25", 300_000, apply_to=ApplyTo.SHORTEN)
    after = project(terms, [*first_three_paid(), prepaid], day("2026-04-25"))
    owed = before.outstanding_principal
    expected = Decimal(owed * 15 + (owed - 300_000) * 15) * Decimal("0.144") / 365
    assert after.bills[3].due.interest == round(expected)


def test_the_fee_for_prepaying_comes_out_of_the_amount() -> None:
    prepaid = repayment(4, "2026-04-10", 303_000, apply_to=ApplyTo.SHORTEN)
    projection = project(loan(prepayment_fee=FEE), [*first_three_paid(), prepaid], THIRD_DUE)
    assert projection.allocations[-1].parts == Parts(principal=300_000, fee=3_000)
    free = loan(prepayment_fee=replace(FEE, free_after_months=3))
    projection = project(free, [*first_three_paid(), prepaid], THIRD_DUE)
    assert projection.allocations[-1].parts == Parts(principal=303_000)


@pytest.mark.parametrize(
    "effect, expected",
    [
        (RateEffect.KEEP_TERM, (9, 106_923, 106_924, 46_403)),
        (RateEffect.KEEP_PAYMENT, (9, 107_971, 98_154, 46_017)),
    ],
)
def test_a_lower_rate_keeps_term_or_payment(effect: RateEffect, expected: tuple[int, int, int, int]) -> None:
    change = RateChange(id=4, effective_on=THIRD_DUE, annual_rate=Decimal("0.12"), effect=effect)
    assert summary(bills_to_come(change)) == expected


def test_a_kept_payment_takes_longer_when_the_rate_rises() -> None:
    change = RateChange(id=4, effective_on=THIRD_DUE, annual_rate=Decimal("0.36"), effect=RateEffect.KEEP_PAYMENT)
    count, first, last, _ = summary(bills_to_come(change))
    assert (count, first) == (10, 107_971)
    assert last < first


def test_a_kept_payment_below_the_interest_is_worked_out_again() -> None:
    change = RateChange(id=4, effective_on=THIRD_DUE, annual_rate=Decimal("2.4"), effect=RateEffect.KEEP_PAYMENT)
    kept_term = replace(change, effect=RateEffect.KEEP_TERM)
    assert bills_to_come(change) == bills_to_come(kept_term)


def test_payoff_is_principal_and_interest_to_the_day() -> None:
    quote = payoff_quote(loan(), first_three_paid(), day("2026-04-25"))
    assert quote == PayoffQuote(
        on=day("2026-04-25"),
        good_through=day("2026-04-25"),
        principal=915_905,
        interest=5_420,
        fee=0,
        penalty=0,
        total=921_325,
        terms=loan(),
        facts=(),
    )
    assert payoff_quote(loan(prepayment_fee=FEE), first_three_paid(), day("2026-04-25")).total == 930_484


def test_a_daily_loan_repaid_after_ten_days_costs_ten_days() -> None:
    terms = loan(principal=1_000_000, annual_rate=Decimal("0.18"), day_count=DayCount.ACT_360)
    assert payoff_quote(terms, [], day("2026-01-20")).interest == 5_000


def test_paying_the_quote_settles_the_loan_and_a_cent_less_does_not() -> None:
    facts = first_three_paid()
    exact = repayment(4, "2026-04-25", 921_325, apply_to=ApplyTo.PAYOFF)
    settled = project(loan(), [*facts, exact], day("2026-12-31"))
    assert [bill.number for bill in settled.bills] == [1, 2, 3]
    assert (settled.outstanding_principal, settled.credit) == (0, 0)
    assert (settled.settled_on, settled.next_change_on) == (day("2026-04-25"), None)
    assert settled.allocations[-1].parts == Parts(principal=915_905, interest=5_420)
    short = project(loan(), [*facts, replace(exact, amount=921_324)], day("2026-04-25"))
    assert short.settled_on is None


def test_money_beyond_the_payoff_is_kept_as_credit() -> None:
    paid = repayment(4, "2026-04-25", 921_425, apply_to=ApplyTo.PAYOFF)
    assert project(loan(), [*first_three_paid(), paid], day("2026-04-25")).credit == 100


def test_a_payoff_counts_overdue_bills_and_money_already_held() -> None:
    facts = first_three_paid()[:2]
    quote = payoff_quote(loan(), facts, day("2026-04-25"))
    assert (quote.principal, quote.interest) == (1_011_735, 12_141 + 5_420)
    held = [*first_three_paid(), repayment(4, "2026-04-20", 10_000)]
    quote = payoff_quote(loan(excess=Excess.HOLD), held, day("2026-04-25"))
    assert (quote.credit, quote.total) == (10_000, 911_325)


def test_principal_paid_ahead_bears_no_prepayment_fee() -> None:
    terms, facts = loan(annual_rate=Decimal(0), prepayment_fee=FEE), [repayment(1, "2026-01-10", 250_000)]
    quote = payoff_quote(terms, facts, day("2026-01-10"))
    assert (quote.principal, quote.fee, quote.credit, quote.total) == (1_000_000, 9_500, 50_000, 959_500)
    exact = repayment(2, "2026-01-10", quote.total, apply_to=ApplyTo.PAYOFF)
    assert project(terms, [*facts, exact], day("2026-01-10")).settled_on == day("2026-01-10")
    short = project(terms, [*facts, replace(exact, amount=quote.total - 1)], day("2026-01-10"))
    assert (short.settled_on, short.outstanding_principal, short.credit) == (None, 1, 0)


def test_money_held_unused_does_not_lower_the_prepayment_fee() -> None:
    terms = loan(annual_rate=Decimal(0), prepayment_fee=FEE, excess=Excess.HOLD)
    quote = payoff_quote(terms, [repayment(1, "2026-01-10", 50_000)], day("2026-01-10"))
    assert (quote.fee, quote.credit, quote.total) == (12_000, 50_000, 1_162_000)


def test_a_quote_of_a_loan_without_interest_stays_good() -> None:
    quote = payoff_quote(loan(annual_rate=Decimal(0)), [], day("2026-01-15"))
    assert (quote.total, quote.good_through) == (1_200_000, day("2026-02-15"))


def test_equal_principal_keeps_its_part_or_its_end() -> None:
    terms = loan(method=Method.EQUAL_PRINCIPAL)
    shortened = project(terms, [repayment(1, "2026-01-10", 300_000, apply_to=ApplyTo.SHORTEN)], day("2026-01-10"))
    assert [bill.due.principal for bill in shortened.bills] == [100_000] * 9
    lowered = project(terms, [repayment(1, "2026-01-10", 300_000, apply_to=ApplyTo.LOWER)], day("2026-01-10"))
    assert [bill.due.principal for bill in lowered.bills] == [75_000] * 12
