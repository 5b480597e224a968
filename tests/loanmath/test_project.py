"""Projections of one loan: what repayments meet, and what charges, waivers, figures and new terms change."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import (
    ApplyTo,
    Charge,
    Confirmation,
    Deferral,
    DeferralTreatment,
    Drawdown,
    Fact,
    LenderFigure,
    RateChange,
    Reversal,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.money import Parts, Rounding
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import ProjectedAllocation, ProjectedBill, Projection
from ledger.loanmath.terms import Component, Excess, LoanTerms, Method, PenaltyTerms, Spread
from tests.loanmath.builders import day, first_three_paid, loan, repayment


def seen(*facts: Fact, on: str = "2026-02-10", terms: LoanTerms | None = None) -> Projection:
    return project(terms or loan(), facts, day(on))


def open_of(projection: Projection, number: int) -> Parts:
    return projection.bills[number - 1].open


def test_a_partial_repayment_meets_interest_before_principal() -> None:
    projection = seen(repayment(1, "2026-02-10", 40_000))
    assert projection.bills[0] == ProjectedBill(
        number=1,
        starts_on=day("2026-01-10"),
        due_on=day("2026-02-10"),
        payable_on=day("2026-02-10"),
        due=Parts(principal=93_571, interest=14_400),
        paid=Parts(principal=25_600, interest=14_400),
        waived=Parts(),
        presumed=0,
        outstanding_after=1_106_429,
        settled_on=None,
    )
    assert open_of(projection, 1).total == 67_971
    assert projection.outstanding_principal == 1_174_400


def test_the_oldest_bill_is_paid_first() -> None:
    projection = seen(repayment(1, "2026-03-10", 110_000), on="2026-03-10")
    assert [bill.paid.total for bill in projection.bills[:3]] == [107_971, 2_029, 0]
    assert projection.bills[0].settled_on == day("2026-03-10")
    assert projection.allocations == (
        ProjectedAllocation(repayment=1, bill=1, parts=Parts(principal=93_571, interest=14_400)),
        ProjectedAllocation(repayment=1, bill=2, parts=Parts(interest=2_029)),
    )


@pytest.mark.parametrize(
    "order, paid",
    [
        (("penalty", "fee", "interest", "principal"), Parts(fee=2_000, penalty=1_000)),
        (("principal", "interest", "fee", "penalty"), Parts(principal=3_000)),
        (("interest", "principal", "penalty", "fee"), Parts(interest=3_000)),
        (("fee", "penalty", "interest", "principal"), Parts(fee=2_000, penalty=1_000)),
    ],
)
def test_the_agreed_order_of_components_is_kept(order: tuple[str, ...], paid: Parts) -> None:
    terms = loan(order=tuple(Component(name) for name in order))
    fee = Charge(id=1, effective_on=day("2026-02-01"), amount=2_000)
    fine = Charge(id=2, effective_on=day("2026-02-01"), amount=1_000, component=Component.PENALTY)
    projection = seen(fee, fine, repayment(3, "2026-02-10", 3_000), terms=terms)
    assert projection.bills[0].paid == paid


def test_one_component_of_all_bills_may_come_before_the_next_component() -> None:
    terms = loan(spread=Spread.COMPONENT_BY_COMPONENT)
    projection = seen(repayment(1, "2026-04-11", 30_000), on="2026-04-11", terms=terms)
    assert [bill.paid for bill in projection.bills[:3]] == [
        Parts(interest=14_400),
        Parts(interest=13_277),
        Parts(interest=2_323),
    ]


def test_a_named_bill_is_paid_before_older_ones() -> None:
    paid = repayment(1, "2026-03-10", 120_000, apply_to=ApplyTo.BILL, bill=2)
    projection = seen(paid, on="2026-03-10")
    assert [bill.paid.total for bill in projection.bills[:3]] == [12_029, 107_971, 0]


def test_paying_the_next_bill_before_its_day_settles_it() -> None:
    projection = seen(repayment(1, "2026-02-05", 107_971), on="2026-02-05")
    assert projection.bills[0].settled_on == day("2026-02-05")
    assert projection.bills[1].due == seen().bills[1].due


def test_money_toward_principal_leaves_the_next_bill_due() -> None:
    """Cash line of 6,000 at 0.05 % a day: the same sum on 5 February, said to be for the principal."""
    terms = loan(
        principal=600_000, disbursed_on=day("2026-01-05"), annual_rate=Decimal("0.18"), count=6,
        day_count=DayCount.ACT_360, payment_rounding=Rounding.UP,
    )  # fmt: skip
    toward = repayment(1, "2026-02-05", 105_592, apply_to=ApplyTo.SHORTEN)
    first = seen(toward, on="2026-02-05", terms=terms).bills[0]
    assert first.open.total == 105_592
    assert first.due.interest == 10_536  # 6,000.00 for 31 days, 4,944.08 for 5
    assert seen(replace(toward, apply_to=ApplyTo.DUE), on="2026-02-05", terms=terms).bills[0].open.total == 0


def test_money_beyond_all_bills_is_credit_and_never_a_negative_debt() -> None:
    projection = seen(repayment(1, "2026-02-10", 1_400_000))
    assert (projection.outstanding_principal, projection.credit) == (0, 1_400_000 - 1_295_645)
    assert projection.settled_on == day("2026-02-10")


def test_a_repayment_before_the_disbursement_is_history() -> None:
    assert seen(repayment(1, "2026-01-09", 50_000)) == seen()


def test_a_planned_repayment_counts_from_its_day() -> None:
    planned = repayment(1, "2026-02-10", 107_971)
    before = seen(planned, on="2026-02-09")
    assert before.bills == seen(on="2026-02-09").bills
    assert before.next_change_on == day("2026-02-10")
    assert seen(planned).bills[0].settled_on == day("2026-02-10")


def test_the_order_of_typing_does_not_matter() -> None:
    facts = [
        *first_three_paid(),
        RateChange(id=4, effective_on=day("2026-03-10"), annual_rate=Decimal("0.12")),
        Charge(id=5, effective_on=day("2026-03-10"), amount=500),
        Waiver(id=6, effective_on=day("2026-03-10"), amount=300, component=Component.FEE, bill=2),
    ]
    expected = seen(*facts, on="2026-05-01")
    for seed in range(5):
        shuffled = facts.copy()
        random.Random(seed).shuffle(shuffled)
        assert seen(*shuffled, on="2026-05-01") == expected


def test_a_reversal_undoes_and_reversing_it_brings_back() -> None:
    paid = repayment(1, "2026-02-10", 107_971)
    undo = Reversal(id=2, effective_on=day("2026-02-11"), of=1)
    redo = Reversal(id=3, effective_on=day("2026-02-12"), of=2)
    again = Reversal(id=4, effective_on=day("2026-02-12"), of=3)
    assert live([paid, undo]) == []
    assert live([redo, undo, paid]) == [paid]
    assert live([paid, undo, redo, again]) == []
    assert seen(paid, undo, on="2026-02-20") == seen(on="2026-02-20")
    assert seen(paid, undo, redo, on="2026-02-20") == seen(paid, on="2026-02-20")


def test_a_settled_loan_reopens_when_its_last_repayment_is_undone() -> None:
    paid = repayment(1, "2026-02-10", 1_300_000, apply_to=ApplyTo.PAYOFF)
    assert seen(paid).settled_on == day("2026-02-10")
    undo = Reversal(id=2, effective_on=day("2026-02-10"), of=1)
    assert seen(paid, undo) == seen()


def test_a_presumed_repayment_is_told_apart_until_confirmed() -> None:
    presumed = repayment(1, "2026-02-10", 107_971, presumed=True)
    assert seen(presumed).bills[0].presumed == 107_971
    confirmed = Confirmation(id=2, effective_on=day("2026-02-12"), of=1)
    assert seen(presumed, confirmed, on="2026-02-11").bills[0].presumed == 107_971
    assert seen(presumed, confirmed, on="2026-02-12").bills[0].presumed == 0


def test_a_charge_falls_on_the_first_bill_due_on_or_after_its_day() -> None:
    on_due_day = Charge(id=1, effective_on=day("2026-02-10"), amount=500)
    day_after = replace(on_due_day, effective_on=day("2026-02-11"))
    assert [b.due.fee for b in seen(on_due_day, on="2026-03-01").bills[:2]] == [500, 0]
    assert [b.due.fee for b in seen(day_after, on="2026-03-01").bills[:2]] == [0, 500]
    named = replace(on_due_day, bill=3, component=Component.PENALTY)
    assert seen(named, on="2026-03-01").bills[2].due.penalty == 500


def test_a_charge_after_the_last_bill_makes_an_extra_one_and_meets_money_held() -> None:
    paid = repayment(1, "2026-02-10", 1_300_000, apply_to=ApplyTo.PAYOFF)
    late = Charge(id=2, effective_on=day("2026-03-01"), amount=2_000)
    projection = seen(paid, late, on="2026-03-01")
    extra = projection.bills[-1]
    assert (extra.number, extra.due_on, extra.due) == (2, day("2026-03-01"), Parts(fee=2_000))
    assert (extra.open.total, projection.credit) == (0, seen(paid).credit - 2_000)


def test_a_charge_on_a_bill_that_a_prepayment_removes_is_still_asked_for() -> None:
    named = Charge(id=1, effective_on=day("2026-02-01"), amount=700, bill=12)
    prepaid = repayment(2, "2026-02-10", 700_000, apply_to=ApplyTo.SHORTEN)
    bills = seen(named, prepaid).bills
    assert len(bills) < 12
    assert (bills[-1].due, bills[-1].due_on) == (Parts(fee=700), day("2027-01-10"))


def test_a_waiver_is_never_a_repayment() -> None:
    coupon = Waiver(id=1, effective_on=day("2026-02-01"), amount=4_400, component=Component.INTEREST, bill=1)
    projection = seen(coupon, repayment(2, "2026-02-10", 103_571))
    first = projection.bills[0]
    assert (first.paid.total, first.waived, first.settled_on) == (
        103_571,
        Parts(interest=4_400),
        day("2026-02-10"),
    )
    assert [a.parts.total for a in projection.allocations] == [103_571]


def test_a_waiver_forgives_no_more_than_is_open() -> None:
    coupon = Waiver(id=1, effective_on=day("2026-02-01"), amount=99_999, component=Component.INTEREST, bill=1)
    assert seen(coupon).bills[0].waived == Parts(interest=14_400)


def test_the_lenders_figure_replaces_ours_and_ours_is_kept() -> None:
    stated = Parts(principal=93_600, interest=14_371)
    figure = LenderFigure(id=1, effective_on=day("2026-02-01"), bill=1, parts=stated)
    projection = seen(figure)
    first = projection.bills[0]
    assert (first.due, first.computed) == (stated, Parts(principal=93_571, interest=14_400))
    assert first.outstanding_after == 1_106_400
    assert [bill.due.total for bill in projection.bills[1:]] == [107_971] * 10 + [107_932]
    assert sum(bill.due.principal for bill in projection.bills) == 1_200_000
    assert seen(figure, on="2026-01-31").bills[0].computed is None


def test_the_latest_figure_of_the_lender_wins() -> None:
    first = LenderFigure(id=1, effective_on=day("2026-02-01"), bill=1, parts=Parts(interest=100))
    second = replace(first, id=2, parts=Parts(interest=200))
    assert seen(second, first).bills[0].due == Parts(interest=200)


def test_a_stated_penalty_replaces_the_estimate() -> None:
    terms = loan(penalty=PenaltyTerms(annual_rate=Decimal("0.24")))
    stated = Parts(principal=93_571, interest=14_400, penalty=1_234)
    figure = LenderFigure(id=1, effective_on=day("2026-02-20"), bill=1, parts=stated)
    first = seen(figure, on="2026-02-20", terms=terms).bills[0]
    assert first.due.penalty == 1_234
    assert seen(on="2026-02-20", terms=terms).bills[0].due.penalty == 624


def test_a_moved_bill_is_due_later_and_nothing_else_changes() -> None:
    moved = Deferral(id=1, effective_on=day("2026-02-01"), bill=1, due_on=day("2026-02-25"))
    projection = seen(moved)
    first = projection.bills[0]
    assert (first.due_on, first.payable_on, first.deferred_from) == (
        day("2026-02-25"),
        day("2026-02-25"),
        day("2026-02-10"),
    )
    assert first.due == seen().bills[0].due
    assert projection.bills[1:] == seen().bills[1:]


def test_a_shifted_bill_takes_all_later_bills_along() -> None:
    shifted = Deferral(
        id=1, effective_on=day("2026-04-15"), bill=4, due_on=day("2026-06-10"), treatment=DeferralTreatment.SHIFT
    )
    bills = seen(*first_three_paid(), replace(shifted, id=9), on="2026-04-15").bills
    assert [str(bill.due_on) for bill in bills[3:6]] == ["2026-06-10", "2026-07-10", "2026-08-10"]
    assert (bills[3].due.interest, bills[3].due.total, bills[-1].due_on) == (
        21_982,
        107_971,
        day("2027-02-10"),
    )
    assert sum(bill.due.principal for bill in bills) == 1_200_000


def test_a_capitalized_bill_adds_its_interest_to_the_principal() -> None:
    deferred = Deferral(
        id=9, effective_on=day("2026-04-15"), bill=4, due_on=day("2026-06-10"),
        treatment=DeferralTreatment.CAPITALIZE,
    )  # fmt: skip
    bills = seen(*first_three_paid(), deferred, on="2026-04-15").bills
    assert sum(bill.due.principal for bill in bills[3:]) == 926_896
    assert [bill.due.total for bill in bills[3:]] == [109_266] * 9


def test_new_terms_plan_the_bills_due_after_them() -> None:
    new = replace(loan(), annual_rate=Decimal("0.12"), count=15)
    version = TermsVersion(id=4, effective_on=day("2026-04-10"), terms=new)
    bills = seen(*first_three_paid(), version, on="2026-04-10").bills
    assert bills[:3] == seen(*first_three_paid(), on="2026-04-10").bills[:3]
    assert len(bills) == 15
    assert bills[3].due == Parts(principal=72_218, interest=9_159)
    assert sum(bill.due.principal for bill in bills) == 1_200_000


def test_new_terms_that_ask_for_the_same_bills_leave_them_alone() -> None:
    new = replace(loan(), excess=Excess.HOLD, penalty=PenaltyTerms(annual_rate=Decimal("0.24")))
    version = TermsVersion(id=4, effective_on=day("2026-04-20"), terms=new)
    assert seen(*first_three_paid(), version, on="2026-04-20").bills == seen(*first_three_paid(), on="2026-04-20").bills


def test_terms_corrected_from_the_start_replace_the_first_ones() -> None:
    right = loan(principal=1_000_000, annual_rate=Decimal("0.12"))
    version = TermsVersion(id=4, effective_on=day("2026-01-10"), terms=right)
    assert seen(*first_three_paid(), version) == seen(*first_three_paid(), terms=right)


def test_a_restructured_loan_may_change_its_method() -> None:
    new = loan(method=Method.INTEREST_ONLY, first_due_on=day("2026-06-10"), count=3)
    version = TermsVersion(id=4, effective_on=day("2026-04-10"), terms=new)
    bills = seen(*first_three_paid(), version, on="2026-04-10").bills
    assert [(bill.due_on, bill.due.principal) for bill in bills[3:]] == [
        (day("2026-06-10"), 0),
        (day("2026-07-10"), 0),
        (day("2026-08-10"), 915_905),
    ]


def test_a_loan_of_yen_and_one_of_dinars_are_ordinary() -> None:
    for currency in ("JPY", "KWD"):
        projection = seen(repayment(1, "2026-02-10", 107_971), terms=loan(currency=currency))
        assert (projection.currency, projection.bills[0].open.total) == (currency, 0)


def test_projecting_a_long_history_does_not_depend_on_the_calendar() -> None:
    terms = loan(count=360)
    assert project(terms, [], date(2056, 1, 10)).settled_on is None


def test_a_second_drawdown_raises_the_bills_to_come() -> None:
    """A published table: 100.00 at 9.4822 %, 200.00 more in the middle of the second month."""
    terms = loan(
        principal=10_000, annual_rate=Decimal("0.094822"), disbursed_on=day("2024-01-01"), count=6,
        first_due_on=day("2024-02-01"), part_period=DayCount.PERIODIC,
    )  # fmt: skip
    drawn = Drawdown(id=1, effective_on=day("2024-02-15"), amount=20_000)
    projection = project(terms, [drawn], day("2024-02-15"))
    assert projection.bills[0].due.total == 1_713
    assert projection.outstanding_principal == 30_000
    assert sum(bill.due.principal for bill in projection.bills) == 30_000
    assert len({bill.due.total for bill in projection.bills[1:5]}) == 1


def test_a_due_date_moved_by_some_days_takes_the_later_ones_along() -> None:
    """A published table: the first due date moved by 17 days, the payment kept."""
    terms = loan(
        principal=10_000, annual_rate=Decimal("0.094822"), disbursed_on=day("2024-01-01"), count=6,
        first_due_on=day("2024-02-01"),
    )  # fmt: skip
    moved = Deferral(
        id=1, effective_on=day("2024-02-18"), bill=1, due_on=day("2024-02-18"),
        treatment=DeferralTreatment.SHIFT,
    )  # fmt: skip
    bills = project(terms, [moved], day("2024-02-18")).bills
    assert [(str(bill.due_on), bill.due.principal, bill.due.interest) for bill in bills] == [
        ("2024-02-18", 1_588, 125),
        ("2024-03-18", 1_647, 66),
        ("2024-04-18", 1_660, 53),
        ("2024-05-18", 1_673, 40),
        ("2024-06-18", 1_686, 27),
        ("2024-07-18", 1_746, 14),
    ]
