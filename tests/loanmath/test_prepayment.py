"""What prepaying costs and when it may be done, on 12,000.00 at 1.2 % a month unless said otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ledger.loanmath.facts import ApplyTo, Drawdown, Fact, RateChange, TermsVersion, Waiver
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote, repayment_problem
from ledger.loanmath.prepayment import (
    Bar,
    Early,
    PrepaymentProblem,
    prepayment_fee,
    prepayment_problem,
    split_prepayment,
)
from ledger.loanmath.project import project
from ledger.loanmath.terms import (
    Component,
    Excess,
    ListedRow,
    LoanTerms,
    Method,
    PrepaymentBase,
    PrepaymentFee,
    PrepaymentTier,
    UnbilledFees,
)
from tests.loanmath.builders import day, first_three_paid, loan, repayment

ONE_PERCENT = Decimal("0.01")
OWN_RATE = Fraction("0.144")


def with_fee(**changes: Any) -> LoanTerms:
    return loan(prepayment_fee=PrepaymentFee(**changes))


def fee_on(on: str, **changes: Any) -> int:
    """For 3,000.00 of the 9,159.05 that are left."""
    return prepayment_fee(with_fee(**changes), 300_000, Early(day(on), 915_905, OWN_RATE))


# what it costs


def test_a_share_of_what_is_prepaid_or_of_all_that_is_left() -> None:
    assert fee_on("2026-04-10", fraction=ONE_PERCENT) == 3_000
    assert fee_on("2026-04-10", fraction=ONE_PERCENT, base=PrepaymentBase.REMAINING) == 9_159


@pytest.mark.parametrize("on, fee", [("2026-07-09", 9_000), ("2026-07-10", 6_000), ("2027-01-10", 3_000)])
def test_a_young_loan_costs_more(on: str, fee: int) -> None:
    """3 % in the first six months, 2 % to the end of the first year, then 1 %."""
    tiers = (PrepaymentTier(6, Decimal("0.03")), PrepaymentTier(12, Decimal("0.02")))
    assert fee_on(on, fraction=ONE_PERCENT, tiers=tiers) == fee


def test_months_of_interest_are_counted_on_what_is_prepaid() -> None:
    """3,000.00 x 14.4 % / 12 x 1.5."""
    assert fee_on("2026-04-10", months_of_interest=Decimal("1.5")) == 5_400
    assert fee_on("2026-04-10", months_of_interest=Decimal(1), fraction=ONE_PERCENT) == 3_600 + 3_000


def test_months_of_interest_follow_the_rate_in_force() -> None:
    terms = with_fee(months_of_interest=Decimal(1))
    cheaper = RateChange(id=4, effective_on=day("2026-04-10"), annual_rate=Decimal("0.12"))
    quote = payoff_quote(terms, [*first_three_paid(), cheaper], day("2026-04-10"))
    assert (quote.principal, quote.interest, quote.fee) == (915_905, 0, 9_159)


def test_a_fee_has_a_least_amount_unless_prepaying_is_free_by_then() -> None:
    assert fee_on("2026-04-10", fraction=ONE_PERCENT, least=5_000) == 5_000
    assert fee_on("2027-01-09", least=5_000, free_after_months=12) == 5_000
    assert fee_on("2027-01-10", least=5_000, free_after_months=12) == 0
    assert prepayment_fee(with_fee(least=5_000), 0, Early(day("2026-04-10"), 915_905, OWN_RATE)) == 0


def test_an_age_counted_from_a_month_end_is_reached_at_a_month_end() -> None:
    terms = replace(with_fee(fraction=ONE_PERCENT, free_after_months=1), disbursed_on=day("2026-01-31"))
    fees = [prepayment_fee(terms, 10_000, Early(day(on), 10_000, OWN_RATE)) for on in ("2026-02-27", "2026-02-28")]
    assert fees == [100, 0]


@pytest.mark.parametrize(
    "fee, amount, expected",
    [
        ({"fraction": ONE_PERCENT}, 303_000, (300_000, 3_000)),
        ({"fraction": ONE_PERCENT}, 100_000, (99_010, 990)),
        ({"fraction": ONE_PERCENT, "base": PrepaymentBase.REMAINING}, 309_159, (300_000, 9_159)),
        ({"fraction": ONE_PERCENT, "base": PrepaymentBase.REMAINING}, 9_159, (0, 0)),
        ({"least": 5_000}, 5_001, (1, 5_000)),
        ({"fraction": ONE_PERCENT}, 2_000_000, (915_905, 9_159)),
    ],
)
def test_an_amount_repays_the_most_that_leaves_room_for_the_fee(
    fee: dict[str, Any], amount: int, expected: tuple[int, int]
) -> None:
    assert split_prepayment(with_fee(**fee), amount, 915_905, Early(day("2026-04-10"), 915_905, OWN_RATE)) == expected


def test_a_fee_on_all_that_is_left_comes_out_of_the_amount() -> None:
    """3 % of 9,159.05 is 274.77, whatever part is prepaid."""
    terms = with_fee(fraction=Decimal("0.03"), base=PrepaymentBase.REMAINING)
    prepaid = repayment(4, "2026-04-10", 327_477, apply_to=ApplyTo.SHORTEN)
    projection = project(terms, [*first_three_paid(), prepaid], day("2026-04-10"))
    assert projection.allocations[-1].parts == Parts(principal=300_000, fee=27_477)


def test_what_a_payoff_saves_is_the_interest_to_come_less_its_cost() -> None:
    """Nine bills hold 558.27 of interest; 54.20 of it has grown by 25 April, and 1 % of 9,159.05 is 91.59."""
    terms = with_fee(fraction=ONE_PERCENT)
    bills = project(terms, first_three_paid(), day("2026-04-10")).bills[3:]
    quote = payoff_quote(terms, first_three_paid(), day("2026-04-25"))
    assert (quote.principal, quote.interest, quote.fee, quote.total) == (915_905, 5_420, 9_159, 930_484)
    assert sum(bill.due.total for bill in bills) - quote.total == 41_248


# the laws of other places, as terms


@pytest.mark.parametrize("on, fee", [("2028-01-09", 10_000), ("2028-01-10", 5_000)])
def test_compensation_in_the_european_union_halves_in_the_last_year(on: str, fee: int) -> None:
    """At most 1 % with more than a year to go, 0.5 % after (2008/48/EC art. 16); a loan of 36 months."""
    terms = loan(
        count=36,
        prepayment_fee=PrepaymentFee(fraction=Decimal("0.005"), tiers=(PrepaymentTier(24, ONE_PERCENT),)),
    )
    assert prepayment_fee(terms, 1_000_000, Early(day(on), 1_000_000, OWN_RATE)) == fee


@pytest.mark.parametrize("law", ["India: no charge on a floating rate", "Brazil: interest falls in proportion"])
def test_where_the_law_forbids_a_fee_the_default_asks_none(law: str) -> None:
    quote = payoff_quote(loan(), first_three_paid(), day("2026-04-25"))
    assert (quote.fee, quote.total) == (0, 915_905 + 5_420), law


# fees of bills to come


def flat_plan(policy: UnbilledFees, **changes: Any) -> LoanTerms:
    """1,200.00 in twelve parts with a fee of 7.92 each."""
    values = {"principal": 120_000, "annual_rate": Decimal(0), "method": Method.FLAT, "flat_fee": 9_504}
    return loan(**(values | {"unbilled_fees": policy} | changes))


def three_parts_paid() -> list[Fact]:
    return [repayment(n, f"2026-{n + 1:02d}-10", 10_792) for n in (1, 2, 3)]


UNBILLED = [
    (UnbilledFees.WAIVED, 0),
    (UnbilledFees.DUE, 9 * 792),
    (UnbilledFees.ONE_PERIOD, 792),
    (UnbilledFees.SHARE, 3_564),
]


@pytest.mark.parametrize("policy, fee", UNBILLED)
def test_a_payoff_asks_of_the_fees_to_come_what_was_agreed(policy: UnbilledFees, fee: int) -> None:
    """900.00 left after three parts; nine fees of 7.92 are 71.28, half of them 35.64."""
    terms = flat_plan(policy, unbilled_fee_share=Decimal("0.5"))
    quote = payoff_quote(terms, three_parts_paid(), day("2026-04-10"))
    assert (quote.principal, quote.fee, quote.total) == (90_000, fee, 90_000 + fee)
    paid = repayment(4, "2026-04-10", quote.total, apply_to=ApplyTo.PAYOFF)
    settled = project(terms, [*three_parts_paid(), paid], day("2026-04-10"))
    assert settled.allocations[-1].parts == Parts(principal=90_000, fee=fee)
    assert (settled.settled_on, len(settled.bills)) == (day("2026-04-10"), 3)


def test_fees_of_each_bill_and_of_the_lenders_own_table_count_as_well() -> None:
    quote = payoff_quote(
        loan(bill_fee=500, unbilled_fees=UnbilledFees.DUE),
        [repayment(n, f"2026-{n + 1:02d}-10", 108_471) for n in (1, 2, 3)],
        day("2026-04-10"),
    )
    assert quote.fee == 9 * 500
    rows = tuple(ListedRow(date(2026, month, 10), Parts(principal=40_000, fee=month * 100)) for month in (2, 3, 4))
    listed = flat_plan(UnbilledFees.DUE, method=Method.LISTED, flat_fee=0, count=3, listed=rows)
    assert payoff_quote(listed, [repayment(1, "2026-02-10", 40_200)], day("2026-02-10")).fee == 300 + 400


def test_a_fee_waived_of_a_bill_to_come_is_not_asked_for() -> None:
    waived = Waiver(id=9, effective_on=day("2026-04-10"), amount=500, component=Component.FEE, bill=5)
    quote = payoff_quote(flat_plan(UnbilledFees.DUE), [*three_parts_paid(), waived], day("2026-04-10"))
    assert quote.fee == 9 * 792 - 500


def test_a_shortened_plan_has_fewer_fees_to_come() -> None:
    """400.00 prepaid: five parts of 100.00 are left, with five fees."""
    prepaid = repayment(4, "2026-04-10", 40_000, apply_to=ApplyTo.SHORTEN)
    quote = payoff_quote(flat_plan(UnbilledFees.DUE), [*three_parts_paid(), prepaid], day("2026-04-10"))
    assert (quote.principal, quote.fee) == (50_000, 5 * 792)


def test_prepaying_all_principal_leaves_the_fees_to_be_paid() -> None:
    """950.00 of the 971.28 that would settle: 900.00 of principal, and 50.00 of the 71.28."""
    terms = flat_plan(UnbilledFees.DUE)
    facts = [*three_parts_paid(), repayment(4, "2026-04-10", 95_000, apply_to=ApplyTo.SHORTEN)]
    left = project(terms, facts, day("2026-04-10"))
    assert [bill.open for bill in left.bills[3:]] == [Parts(fee=2_128)]
    assert (left.bills[3].due_on, left.outstanding_principal) == (day("2026-05-10"), 0)
    assert payoff_quote(terms, facts, day("2026-04-20")).total == 2_128
    rest = repayment(5, "2026-05-10", 2_128)
    assert project(terms, [*facts, rest], day("2026-05-10")).settled_on == day("2026-05-10")


def test_interest_left_after_all_principal_brings_its_own_fee() -> None:
    """15 days on 12,000.00 are 71.01, and twelve fees of 5.00; one fee comes with the bill of that interest."""
    terms = loan(bill_fee=500, unbilled_fees=UnbilledFees.DUE)
    prepaid = repayment(1, "2026-01-25", 1_200_000, apply_to=ApplyTo.SHORTEN)
    left = project(terms, [prepaid], day("2026-01-25"))
    assert [bill.open for bill in left.bills] == [Parts(interest=7_101, fee=6_000)]
    one = replace(terms, unbilled_fees=UnbilledFees.ONE_PERIOD)
    assert [bill.open for bill in project(one, [prepaid], day("2026-01-25")).bills] == [Parts(interest=7_101, fee=500)]


# when it may be done


NO_SOONER = PrepaymentFee(lock_in_months=6, least_amount=500_000, multiple_of=100_000, notice_days=15)


@pytest.mark.parametrize(
    "on, asked_on, principal, problem",
    [
        ("2026-07-09", "2026-01-10", 500_000, PrepaymentProblem(Bar.LOCKED_IN, earliest=day("2026-07-10"))),
        ("2026-07-10", "2026-06-26", 500_000, PrepaymentProblem(Bar.SHORT_NOTICE, earliest=day("2026-07-11"))),
        ("2026-07-10", "2026-06-25", 400_000, PrepaymentProblem(Bar.BELOW_LEAST, amount=500_000)),
        ("2026-07-10", "2026-06-25", 550_000, PrepaymentProblem(Bar.NOT_A_MULTIPLE, amount=100_000)),
        ("2026-07-10", "2026-06-25", 600_000, None),
    ],
)
def test_a_prepayment_that_is_not_allowed_is_told_what_would_be(
    on: str, asked_on: str, principal: int, problem: PrepaymentProblem | None
) -> None:
    terms = loan(prepayment_fee=NO_SOONER)
    assert prepayment_problem(terms, principal, day(on), asked_on=day(asked_on)) == problem


def test_a_payoff_may_be_of_any_amount_but_not_sooner() -> None:
    terms = loan(prepayment_fee=NO_SOONER)
    asked_on = day("2026-06-01")
    assert prepayment_problem(terms, 123_456, day("2026-07-10"), asked_on=asked_on, settles=True) is None
    too_soon = prepayment_problem(terms, 123_456, day("2026-07-09"), asked_on=asked_on, settles=True)
    assert too_soon == PrepaymentProblem(Bar.LOCKED_IN, earliest=day("2026-07-10"))


def test_an_ordinary_agreement_allows_any_prepayment() -> None:
    assert prepayment_problem(loan(), 1, day("2026-01-10"), asked_on=day("2026-01-10")) is None


def problem_of(terms: LoanTerms, amount: int, apply_to: ApplyTo, *facts: Fact) -> PrepaymentProblem | None:
    draft = repayment(9, "2026-04-10", amount, apply_to=apply_to)
    return repayment_problem(terms, [*first_three_paid(), *facts], draft, day("2026-04-10"))


def test_only_the_part_of_a_repayment_that_prepays_is_looked_at() -> None:
    terms = with_fee(least_amount=200_000)
    too_little = PrepaymentProblem(Bar.BELOW_LEAST, amount=200_000)
    assert problem_of(terms, 199_999, ApplyTo.SHORTEN) == too_little
    assert problem_of(terms, 200_000, ApplyTo.SHORTEN) is None
    assert problem_of(terms, 199_999, ApplyTo.NEXT) is None
    assert problem_of(replace(terms, excess=Excess.SHORTEN), 199_999, ApplyTo.DUE) == too_little
    assert problem_of(terms, 915_905, ApplyTo.PAYOFF) is None


def test_the_terms_in_force_on_the_day_decide() -> None:
    locked = replace(loan(), prepayment_fee=PrepaymentFee(lock_in_months=12))
    version = TermsVersion(id=4, effective_on=day("2026-04-01"), terms=locked)
    until = PrepaymentProblem(Bar.LOCKED_IN, earliest=day("2027-01-10"))
    assert problem_of(loan(), 200_000, ApplyTo.LOWER, version) == until
    assert problem_of(loan(), 915_905, ApplyTo.PAYOFF, version) == until
    assert problem_of(loan(), 200_000, ApplyTo.LOWER, replace(version, effective_on=day("2026-04-11"))) is None


def test_money_drawn_later_does_not_matter_yet() -> None:
    later = Drawdown(id=4, effective_on=day("2026-05-01"), amount=100_000)
    assert problem_of(with_fee(least_amount=2_000_000), 915_905, ApplyTo.PAYOFF, later) is None


def test_a_prepayment_that_would_be_fee_alone_is_kept() -> None:
    """At least 10.00 for prepaying: of 9.00 nothing would be left."""
    terms = loan(annual_rate=Decimal(0), principal=40_000, count=4, prepayment_fee=PrepaymentFee(least=1_000))
    small = repayment(1, "2026-01-20", 900, apply_to=ApplyTo.SHORTEN)
    found = project(terms, [small], day("2026-01-20"))
    assert (found.allocations, found.credit, found.outstanding_principal) == ((), 900, 40_000)
