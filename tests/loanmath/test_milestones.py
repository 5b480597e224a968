"""The days in a loan's life, beside its bills, that are told of before they come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.loanmath import facts
from ledger.loanmath.benchmarks import RatePoint
from ledger.loanmath.facts import CouponKind
from ledger.loanmath.milestones import Coming, Milestone, milestones
from ledger.loanmath.terms import Benchmark, LoanTerms, PrepaymentFee

TODAY = date(2026, 3, 1)
DUES = [date(2026, month, 10) for month in range(2, 13)]


def terms(**more: Any) -> LoanTerms:
    given: dict[str, Any] = {
        "currency": "CNY",
        "principal": 1_200_000,
        "disbursed_on": date(2026, 1, 10),
        "annual_rate": Decimal("0.12"),
        "count": 11,
        "first_due_on": DUES[0],
    }
    return LoanTerms(**(given | more))


def found(
    agreed: LoanTerms, *recorded: facts.Fact, series: Sequence[RatePoint] = (), first: date = TODAY
) -> list[Coming]:
    return milestones(agreed, recorded, {"lpr": series}, DUES, TODAY, first)


def coupon(kind: CouponKind, **more: Any) -> facts.Coupon:
    given: dict[str, Any] = {"id": 1, "effective_on": date(2026, 2, 1), "until": date(2026, 3, 31)}
    return facts.Coupon(kind=kind, **(given | more))


def test_a_plain_loan_has_none() -> None:
    assert found(terms()) == []


def test_a_coupon_expires_on_its_last_day() -> None:
    given = coupon(CouponKind.SHARE, fraction=Decimal("0.5"))
    assert found(terms(), given) == [Coming(Milestone.COUPON, date(2026, 3, 31), coupon=given)]


def test_a_coupon_without_an_end_or_of_one_bill_never_expires() -> None:
    assert found(terms(), coupon(CouponKind.SHARE, until=None), coupon(CouponKind.SHARE, id=2, bill=3)) == []


def test_a_coupon_whose_end_is_past_is_not_told_of() -> None:
    assert found(terms(), coupon(CouponKind.SHARE, until=date(2026, 2, 28))) == []


def test_a_coupon_that_was_undone_is_not_told_of() -> None:
    undone = facts.Reversal(id=2, effective_on=TODAY, of=1)
    assert found(terms(), coupon(CouponKind.SHARE), undone) == []


def test_a_coupon_used_up_is_not_told_of() -> None:
    # Bill 1, due on 10 February, took the amount and the first free bill.
    assert found(terms(), coupon(CouponKind.AMOUNT, amount=5_000)) == []
    assert found(terms(), coupon(CouponKind.FREE_BILLS, count=1)) == []
    assert [one.on for one in found(terms(), coupon(CouponKind.FREE_BILLS, count=2))] == [date(2026, 3, 31)]
    fresh = coupon(CouponKind.AMOUNT, amount=5_000, effective_on=date(2026, 2, 11))
    assert [one.on for one in found(terms(), fresh)] == [date(2026, 3, 31)]


def test_a_lowered_rate_ends_on_the_day_after_the_coupon() -> None:
    subsidy = coupon(CouponKind.RATE, fraction=Decimal("0.01"))
    assert found(terms(), subsidy) == [Coming(Milestone.PROMOTION, date(2026, 4, 1), coupon=subsidy)]


def rate(on: date, annual_rate: str) -> facts.RateChange:
    return facts.RateChange(id=1, effective_on=on, annual_rate=Decimal(annual_rate))


def test_a_rise_recorded_ahead_ends_a_promotion_and_a_fall_sets_the_rate_anew() -> None:
    day, before = date(2026, 6, 1), Decimal("0.12")
    assert found(terms(), rate(day, "0.18")) == [Coming(Milestone.PROMOTION, day, before, Decimal("0.18"))]
    assert found(terms(), rate(day, "0.06")) == [Coming(Milestone.REPRICING, day, before, Decimal("0.06"))]
    assert found(terms(), rate(day, "0.12")) == []
    assert found(terms(), rate(date(2026, 2, 1), "0.18")) == []


def test_amended_terms_to_come_may_end_a_promotion_too() -> None:
    day = date(2026, 6, 1)
    amended = facts.TermsVersion(id=1, effective_on=day, terms=terms(annual_rate=Decimal("0.18")))
    assert found(terms(), amended) == [Coming(Milestone.PROMOTION, day, Decimal("0.12"), Decimal("0.18"))]


def test_days_without_interest_end() -> None:
    # 100 days from 10 January: 20 April bears the first interest.
    assert found(terms(interest_free_days=100)) == [
        Coming(Milestone.PROMOTION, date(2026, 4, 20), Decimal(0), Decimal("0.12"))
    ]


def test_bills_without_interest_end_with_the_first_that_asks_for_it() -> None:
    assert found(terms(interest_grace=3)) == [
        Coming(Milestone.PROMOTION, date(2026, 5, 10), Decimal(0), Decimal("0.12"))
    ]


LPR = Benchmark("lpr", Decimal("0.01"), every_months=12, repriced_on=date(2026, 7, 1))


def test_a_rate_that_follows_a_series_is_set_anew_on_its_day() -> None:
    agreed = terms(benchmark=LPR)
    # 3.5 % and a spread of 1 %.
    points = [RatePoint(date(2026, 1, 20), Decimal("0.035"))]
    day, before = date(2026, 7, 1), Decimal("0.12")
    assert found(agreed, series=points) == [Coming(Milestone.REPRICING, day, before, Decimal("0.045"))]
    assert found(agreed) == [Coming(Milestone.REPRICING, day, before, None)]


def test_the_repricing_day_itself_is_found_and_then_the_next() -> None:
    agreed = terms(benchmark=LPR)
    assert [one.on for one in found(agreed, first=date(2026, 7, 1))] == [date(2026, 7, 1)]
    assert [one.on for one in found(agreed, first=date(2026, 7, 2))] == [date(2027, 7, 1)]


def test_a_change_recorded_for_a_loan_that_follows_a_series_is_no_promotion() -> None:
    day = date(2026, 6, 1)
    kinds = [(one.what, one.on) for one in found(terms(benchmark=LPR), rate(day, "0.18"))]
    assert kinds == [(Milestone.REPRICING, day), (Milestone.REPRICING, date(2026, 7, 1))]


def test_a_series_that_is_never_set_anew_within_two_cycles_has_no_day() -> None:
    far = Benchmark("lpr", every_months=1, repriced_on=date(2000, 1, 1))
    agreed = terms(benchmark=far, disbursed_on=date(2030, 1, 10), first_due_on=date(2030, 2, 10))
    assert found(agreed) == []


def test_prepaying_becomes_possible_and_then_free() -> None:
    fee = PrepaymentFee(lock_in_months=6, free_after_months=12)
    assert found(terms(prepayment_fee=fee)) == [
        Coming(Milestone.LOCK_IN, date(2026, 7, 10)),
        Coming(Milestone.LOCK_IN, date(2027, 1, 10), is_free=True),
    ]
    same = PrepaymentFee(lock_in_months=6, free_after_months=6)
    assert found(terms(prepayment_fee=same)) == [Coming(Milestone.LOCK_IN, date(2026, 7, 10), is_free=True)]
