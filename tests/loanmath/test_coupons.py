"""Coupons and subsidies: what they take off is waived, never repaid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import (
    ApplyTo,
    Charge,
    Coupon,
    CouponKind,
    Fact,
    LenderFigure,
    RateChange,
    Reversal,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.projection import Projection
from ledger.loanmath.standing import Standing, standing
from ledger.loanmath.terms import Component, LoanTerms, Method
from tests.loanmath.builders import day, first_three_paid, loan, repayment

DAILY = loan(day_count=DayCount.ACT_360)  # 4.80 a day on the first 12,000.00


def coupon(kind: CouponKind, on: str = "2026-04-15", **values: Any) -> Coupon:
    return Coupon(id=9, effective_on=day(on), kind=kind, **values)


def seen(*facts: Fact, on: str = "2026-04-15", terms: LoanTerms | None = None) -> Projection:
    return project(terms or loan(), [*first_three_paid(), *facts], day(on))


def off(projection: Projection) -> dict[int, Parts]:
    return {bill.number: bill.waived for bill in projection.bills if bill.waived != Parts()}


def test_an_amount_meets_fee_and_interest_before_principal() -> None:
    """Bill 4 asks for 1.50 + 109.91 + 969.80."""
    terms = loan(bill_fee=150)
    facts: list[Fact] = [repayment(n, f"2026-{n + 1:02d}-10", 108_121) for n in (1, 2, 3)]
    projection = project(terms, [*facts, coupon(CouponKind.AMOUNT, amount=20_000, bill=4)], day("2026-04-15"))
    assert off(projection) == {4: Parts(principal=20_000 - 150 - 10_991, interest=10_991, fee=150)}
    assert projection.outstanding_principal == 915_905 - 8_859


def test_an_amount_without_a_bill_is_for_the_next_one() -> None:
    assert off(seen(coupon(CouponKind.AMOUNT, amount=1_000))) == {4: Parts(interest=1_000)}


def test_what_a_coupon_takes_off_is_no_repayment() -> None:
    projection = seen(
        coupon(CouponKind.AMOUNT, amount=1_000, bill=4), repayment(10, "2026-05-10", 106_971), on="2026-05-10"
    )
    assert (projection.bills[3].paid.total, projection.bills[3].settled_on) == (106_971, day("2026-05-10"))
    assert sum(a.parts.total for a in projection.allocations) == 3 * 107_971 + 106_971


def test_a_coupon_is_worth_no_more_than_the_bill_asks_for() -> None:
    projection = seen(coupon(CouponKind.AMOUNT, amount=999_999, bill=4))
    assert projection.bills[3].open == Parts()
    assert standing(projection.bills[3], day("2026-05-10")) is Standing.WAIVED
    assert projection.bills[4].waived == Parts()


def test_half_of_the_interest_until_a_day() -> None:
    """109.91, 98.27 and 86.49 of interest: half of each, half cents up."""
    assert off(seen(coupon(CouponKind.SHARE, fraction=Decimal("0.5"), until=day("2026-07-10")))) == {
        4: Parts(interest=5_496),
        5: Parts(interest=4_914),
        6: Parts(interest=4_325),
    }


def test_a_share_of_a_named_bill_holds_for_its_fee_too() -> None:
    share = coupon(CouponKind.SHARE, fraction=Decimal("0.5"), bill=5)
    assert off(seen(share, terms=loan(bill_fee=300)))[5] == Parts(interest=4_914, fee=150)


def test_together_no_more_than_the_cap() -> None:
    assert off(seen(coupon(CouponKind.SHARE, fraction=Decimal("0.5"), cap=8_000))) == {
        4: Parts(interest=5_496),
        5: Parts(interest=2_504),
    }


def test_the_first_bills_without_interest_and_fee() -> None:
    projection = seen(coupon(CouponKind.FREE_BILLS, count=2), terms=loan(bill_fee=150))
    assert off(projection) == {4: Parts(interest=10_991, fee=150), 5: Parts(interest=9_827, fee=150)}


def test_one_percentage_point_a_year_counts_on_the_bills_own_balance() -> None:
    """9,159.05 x 0.01 / 12 = 7.63, then 8,189.25 and 7,207.81; capped at 20.00."""
    subsidy = coupon(CouponKind.RATE, fraction=Decimal("0.01"), cap=2_000, by_third_party=True)
    assert off(seen(subsidy)) == {4: Parts(interest=763), 5: Parts(interest=682), 6: Parts(interest=555)}


def test_a_subsidy_counts_by_days_where_interest_does() -> None:
    """12,000.00 x 0.01 x 31/360 = 10.33."""
    subsidy = coupon(CouponKind.RATE, on="2026-01-10", fraction=Decimal("0.01"), bill=1)
    assert off(project(DAILY, [subsidy], day("2026-01-10"))) == {1: Parts(interest=1_033)}


def test_a_subsidy_follows_a_balance_that_falls_within_the_period() -> None:
    """12,000.00 for 10 days, 6,000.00 for 21: (120 x 10 + 60 x 21) / 360 = 6.83."""
    subsidy = coupon(CouponKind.RATE, on="2026-01-10", fraction=Decimal("0.01"), bill=1)
    half = repayment(10, "2026-01-20", 600_000, apply_to=ApplyTo.LOWER)
    assert off(project(DAILY, [subsidy, half], day("2026-01-20"))) == {1: Parts(interest=683)}


def test_a_subsidy_of_a_rate_of_nothing_is_nothing() -> None:
    assert off(seen(coupon(CouponKind.RATE, fraction=Decimal("0.01")), terms=loan(annual_rate=Decimal(0)))) == {}


def test_fifteen_free_days() -> None:
    """Repaid on the 25th day: ten days are paid for. Within the free days only the principal."""
    free = coupon(CouponKind.FREE_DAYS, on="2026-01-10", count=15)
    quotes = [payoff_quote(DAILY, [free], day(on)).interest for on in ("2026-01-20", "2026-01-25", "2026-02-04")]
    assert quotes == [0, 0, 10 * 480]
    assert off(project(DAILY, [free], day("2026-01-10"))) == {1: Parts(interest=15 * 480)}


def test_free_days_reach_into_the_next_bill() -> None:
    """31 days of the first period, 9 of the second at the balance then owed."""
    bills = project(DAILY, [coupon(CouponKind.FREE_DAYS, on="2026-01-10", count=40)], day("2026-01-10")).bills
    second = round(bills[0].outstanding_after * 0.144 * 9 / 360)
    assert (bills[0].waived, bills[1].waived) == (Parts(interest=31 * 480), Parts(interest=second))


def test_free_days_of_a_balance_that_fell_count_what_it_was() -> None:
    """10 days of 12,000.00 and 5 of 6,000.00."""
    half = repayment(10, "2026-01-20", 600_000, apply_to=ApplyTo.LOWER)
    free = coupon(CouponKind.FREE_DAYS, on="2026-01-10", count=15)
    assert off(project(DAILY, [free, half], day("2026-01-20"))) == {1: Parts(interest=10 * 480 + 5 * 240)}


def test_payoff_uses_the_coupons_of_the_bill_to_come() -> None:
    """9,159.05 x 0.144 x 15/365 = 54.20."""
    plain = payoff_quote(loan(), first_three_paid(), day("2026-04-25"))
    assert plain.interest == 5_420
    for used, left in [
        (coupon(CouponKind.SHARE, fraction=Decimal("0.5")), 2_710),
        (coupon(CouponKind.FREE_BILLS, count=1), 0),
        (coupon(CouponKind.AMOUNT, amount=1_000), 4_420),
        (coupon(CouponKind.SHARE, fraction=Decimal("0.5"), cap=1_000), 4_420),
        (coupon(CouponKind.RATE, fraction=Decimal("0.0144")), 4_878),
        (coupon(CouponKind.SHARE, fraction=Decimal("0.5"), bill=7), 5_420),
    ]:
        assert payoff_quote(loan(), [*first_three_paid(), used], day("2026-04-25")).interest == left


def test_a_coupon_used_on_the_due_day_or_late_counts_on_the_open_bill() -> None:
    on_the_day = coupon(CouponKind.AMOUNT, on="2026-05-10", amount=1_000)
    late = coupon(CouponKind.AMOUNT, on="2026-05-12", amount=1_000, bill=4)
    assert off(seen(on_the_day, on="2026-05-12")) == {4: Parts(interest=1_000)}
    assert off(seen(late, on="2026-05-12")) == {4: Parts(interest=1_000)}


def test_a_settled_bill_has_nothing_taken_off() -> None:
    early = repayment(8, "2026-04-14", 107_971)
    assert off(seen(early, coupon(CouponKind.SHARE, fraction=Decimal("0.5"), bill=4))) == {}


def test_a_coupon_is_counted_once_however_often_the_bill_is_planned_again() -> None:
    share = coupon(CouponKind.SHARE, fraction=Decimal("0.5"), cap=8_000)
    changed = RateChange(id=10, effective_on=day("2026-04-20"), annual_rate=Decimal("0.144"))
    early = repayment(11, "2026-04-19", 150_000)
    assert off(seen(share, early, changed, on="2026-04-20")) == off(seen(share, on="2026-04-20"))


def test_a_coupon_and_a_waiver_take_off_no_more_than_the_interest() -> None:
    waived = Waiver(id=8, effective_on=day("2026-04-12"), amount=8_000, component=Component.INTEREST, bill=4)
    assert off(seen(waived, coupon(CouponKind.FREE_BILLS, count=1))) == {4: Parts(interest=10_991)}


def test_charges_have_nothing_taken_off_but_by_an_amount() -> None:
    fee = Charge(id=8, effective_on=day("2026-04-12"), amount=700, bill=4)
    assert off(seen(fee, coupon(CouponKind.FREE_BILLS, count=1))) == {4: Parts(interest=10_991)}
    assert off(seen(fee, coupon(CouponKind.AMOUNT, amount=500, bill=4))) == {4: Parts(fee=500)}


def test_a_bill_of_charges_alone_has_no_interest_to_take_off() -> None:
    paid = repayment(8, "2026-04-10", 2_000_000, apply_to=ApplyTo.PAYOFF)
    late = Charge(id=10, effective_on=day("2026-05-01"), amount=5_000_000)
    assert off(seen(paid, coupon(CouponKind.SHARE, fraction=Decimal(1)), late, on="2026-05-01")) == {}
    free = coupon(CouponKind.FREE_BILLS, on="2026-05-02", count=3, bill=4)
    assert off(seen(paid, late, free, on="2026-05-02")) == {}


def test_a_share_of_the_lenders_figure() -> None:
    stated = LenderFigure(id=8, effective_on=day("2026-04-12"), bill=4, parts=Parts(principal=96_980, interest=11_000))
    assert off(seen(stated, coupon(CouponKind.SHARE, fraction=Decimal("0.5"), bill=4))) == {4: Parts(interest=5_500)}


def test_a_flat_plan_has_its_interest_halved() -> None:
    """1.2 % of 12,000.00 each month."""
    half = coupon(CouponKind.RATE, on="2026-01-10", fraction=Decimal("0.072"), bill=2)
    projection = project(loan(method=Method.FLAT), [half], day("2026-01-10"))
    assert off(projection) == {2: Parts(interest=7_200)}


@pytest.mark.parametrize("kind", [CouponKind.FREE_BILLS, CouponKind.FREE_DAYS])
def test_undoing_a_coupon_asks_for_the_interest_again(kind: CouponKind) -> None:
    used = coupon(kind, count=9)
    undo = Reversal(id=10, effective_on=day("2026-04-15"), of=9)
    assert off(seen(used)) != {}
    assert seen(used, undo) == seen()


def test_a_coupon_outlives_new_terms() -> None:
    version = TermsVersion(id=12, effective_on=day("2026-04-20"), terms=loan(count=15))
    free = coupon(CouponKind.FREE_BILLS, count=1)
    assert off(seen(free, version, on="2026-04-20")) == {4: Parts(interest=10_991)}


def test_on_the_first_day_a_payoff_has_no_interest_for_a_coupon_to_take_off() -> None:
    """12,000.00 on 10 January; a day later 4.80 of interest, less the half that the coupon pays."""
    half = coupon(CouponKind.RATE, "2026-01-10", fraction=Decimal("0.072"))
    quotes = [payoff_quote(DAILY, [half], day(on)) for on in ("2026-01-10", "2026-01-11")]
    assert [(quote.principal, quote.interest, quote.total) for quote in quotes] == [
        (1_200_000, 0, 1_200_000),
        (1_200_000, 240, 1_200_240),
    ]
