"""Arrangements that replace the schedule; loans that are settled and opened again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.loanmath.facts import (
    ApplyTo,
    Arrangement,
    Charge,
    Deferral,
    DeferralTreatment,
    Fact,
    LenderFigure,
    Reversal,
    TermsVersion,
)
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.projection import Projection
from ledger.loanmath.terms import LoanTerms, PenaltyTerms
from tests.loanmath.builders import day, first_three_paid, loan, repayment

ON = day("2026-06-15")
LATE = loan(penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
FREE_OF_INTEREST = loan(annual_rate=Decimal(0), count=10, disbursed_on=ON, first_due_on=day("2026-07-15"))


def arranged(terms: LoanTerms = FREE_OF_INTEREST, forgives: bool = False) -> Arrangement:
    return Arrangement(id=9, effective_on=ON, terms=terms, forgives=forgives)


def seen(*facts: Fact, on: str = "2026-06-15", terms: LoanTerms = LATE) -> Projection:
    return project(terms, [*first_three_paid(), *facts], day(on))


def test_everything_owed_is_repaid_under_the_arrangement() -> None:
    """Bills 4 and 5 are unpaid: 969.80 + 981.44 principal, 109.91 + 98.27 interest; 5 days' interest on 7,207.81 is
    14.22; penalty 969.80 x 36 and 981.44 x 5 days at 0.05 %: 17.46 + 2.45."""
    projection = seen(arranged())
    owed = 915_905 + 10_991 + 9_827 + 1_422 + 1_746 + 245
    assert projection.outstanding_principal == owed
    assert [bill.due.total for bill in projection.bills[5:]] == [94_014] * 9 + [owed - 9 * 94_014]
    assert [str(bill.due_on) for bill in projection.bills[5:7]] == ["2026-07-15", "2026-08-15"]


def test_what_is_forgiven_is_asked_for_no_more() -> None:
    projection = seen(arranged(forgives=True))
    assert projection.outstanding_principal == 915_905
    assert [bill.due.total for bill in projection.bills[5:]] == [91_591] * 9 + [91_586]


def test_the_bills_it_replaces_ask_for_no_more_than_was_paid() -> None:
    paid = repayment(8, "2026-06-01", 50_000)
    projection = seen(paid, arranged(), on="2026-09-01")
    fourth, fifth = projection.bills[3:5]
    assert (fourth.due, fourth.open, fourth.settled_on) == (fourth.paid, Parts(), ON)
    assert (fourth.paid.total, fifth.due) == (50_000, Parts())
    assert seen(paid, arranged()).bills[:5] == projection.bills[:5]


def test_the_principal_is_the_same_right_before_and_after() -> None:
    paid = repayment(8, "2026-06-01", 50_000)
    before = seen(paid).outstanding_principal
    assert seen(paid, arranged(forgives=True)).outstanding_principal == before


def test_it_bears_interest_from_its_day_at_its_rate() -> None:
    """9,159.05 forgiven down to, over 10 bills at 0.5 % a month: 45.80 the first month."""
    terms = loan(annual_rate=Decimal("0.06"), count=10, disbursed_on=ON, first_due_on=day("2026-07-15"))
    first = seen(arranged(terms, forgives=True)).bills[5]
    assert (first.starts_on, first.due.interest) == (ON, 4_580)


def test_its_own_penalty_holds_for_its_bills() -> None:
    strict = loan(
        annual_rate=Decimal(0), count=10, disbursed_on=ON, first_due_on=day("2026-07-15"),
        penalty=PenaltyTerms(late_fee=1_000),
    )  # fmt: skip
    bills = seen(arranged(strict), on="2026-07-20").bills
    assert [bill.due.penalty for bill in bills[:7]] == [0, 0, 0, 0, 0, 1_000, 0]


def test_its_penalty_does_not_reach_back_to_a_bill_paid_late() -> None:
    """935.71 of principal ten days late at 24 % is 6.24, capped at 2.00 and paid with the bill; the arrangement has no
    cap, and 5.00 charged later on the bill ask for 5.00 and no more penalty: nothing of its base is unpaid."""
    uncapped = PenaltyTerms(annual_rate=Decimal("0.24"))
    facts: list[Fact] = [
        repayment(1, "2026-02-20", 108_171),
        Arrangement(id=2, effective_on=day("2026-03-01"), terms=replace(FREE_OF_INTEREST, penalty=uncapped)),
        Charge(id=3, effective_on=day("2026-03-05"), amount=500, bill=1),
    ]
    bill = project(loan(penalty=replace(uncapped, cap=200)), facts, day("2026-03-06")).bills[0]
    assert (bill.due, bill.open) == (Parts(93_571, 14_400, 500, 200), Parts(fee=500))


def test_a_payment_too_low_for_its_interest_is_worked_out_instead() -> None:
    terms = loan(count=10, disbursed_on=ON, first_due_on=day("2026-07-15"), payment=100)
    assert len(seen(arranged(terms)).bills) == 15


def test_terms_whose_days_have_passed_ask_for_one_bill() -> None:
    bills = seen(arranged(loan(annual_rate=Decimal(0), count=2)), on="2026-06-15").bills
    assert [(str(bill.due_on), bill.due.principal) for bill in bills[5:]] == [("2026-06-15", 940_136)]


def test_repayments_meet_the_new_bills() -> None:
    projection = seen(arranged(), repayment(10, "2026-07-15", 94_014), on="2026-07-15")
    assert projection.bills[5].settled_on == day("2026-07-15")


def test_money_paid_ahead_meets_the_new_bills() -> None:
    terms = loan()
    early = repayment(8, "2026-04-15", 3 * 107_971 + 5_000)
    projection = project(terms, [*first_three_paid(), early, arranged()], ON)
    assert [bill.paid.total for bill in projection.bills[3:8]] == [107_971, 107_971, 107_971, 5_000, 0]


def test_a_settled_loan_has_nothing_to_arrange() -> None:
    paid = repayment(8, "2026-04-10", 2_000_000, apply_to=ApplyTo.PAYOFF)
    assert seen(paid, arranged()).bills == seen(paid).bills
    assert seen(paid, arranged()).settled_on == day("2026-04-10")


def test_what_was_said_of_bills_to_come_is_answered() -> None:
    figure = LenderFigure(id=7, effective_on=day("2026-04-11"), bill=6, parts=Parts(principal=1))
    shifted = Deferral(id=8, effective_on=day("2026-04-11"), bill=8, treatment=DeferralTreatment.SHIFT)
    assert seen(figure, shifted, arranged()).bills[5:] == seen(arranged()).bills[5:]
    since = LenderFigure(id=10, effective_on=ON, bill=6, parts=Parts(principal=90_000))
    assert seen(arranged(), since).bills[5].due == Parts(principal=90_000)


def test_an_extra_bill_of_a_late_charge_joins_too() -> None:
    late = Charge(id=8, effective_on=day("2027-02-01"), amount=500)
    arrangement = Arrangement(id=9, effective_on=day("2027-02-01"), terms=loan(count=20, annual_rate=Decimal(0)))
    projection = project(loan(), [late, arrangement], day("2027-02-01"))
    assert projection.outstanding_principal == 1_295_645 + 500
    assert sum(bill.due.total for bill in projection.bills) == 1_295_645 + 500


def test_a_charge_after_it_falls_on_a_new_bill() -> None:
    fee = Charge(id=10, effective_on=day("2026-06-20"), amount=500)
    assert seen(arranged(), fee, on="2026-06-20").bills[5].due.fee == 500


def test_new_terms_may_follow_an_arrangement() -> None:
    version = TermsVersion(id=12, effective_on=day("2026-07-16"), terms=FREE_OF_INTEREST)
    longer = TermsVersion(
        id=12, effective_on=day("2026-07-16"),
        terms=loan(annual_rate=Decimal(0), count=20, disbursed_on=ON, first_due_on=day("2026-07-15")),
    )  # fmt: skip
    assert len(seen(arranged(), version, on="2026-07-16").bills) == 15
    assert len(seen(arranged(), longer, on="2026-07-16").bills) == 25


def test_undoing_an_arrangement_brings_the_schedule_back() -> None:
    undo = Reversal(id=10, effective_on=ON, of=9)
    redo = Reversal(id=11, effective_on=ON, of=10)
    assert seen(arranged(), undo) == seen()
    assert seen(arranged(), undo, redo) == seen(arranged())


def paid_off() -> Fact:
    quote = payoff_quote(loan(), first_three_paid(), day("2026-04-25"))
    return repayment(4, "2026-04-25", quote.total, apply_to=ApplyTo.PAYOFF)


@pytest.mark.parametrize("undone, settled_on", [((), "2026-04-25"), ((4,), None), ((4, 5), "2026-04-25")])
def test_undoing_the_payoff_reopens_the_loan_and_undoing_that_settles_it(
    undone: tuple[int, ...], settled_on: str | None
) -> None:
    reversals = [Reversal(id=n, effective_on=day("2026-05-01"), of=of) for n, of in enumerate(undone, start=5)]
    projection = project(loan(), [*first_three_paid(), paid_off(), *reversals], day("2026-05-01"))
    assert projection.settled_on == (None if settled_on is None else day(settled_on))
    assert projection.outstanding_principal == (0 if settled_on else 915_905)


def test_undoing_the_last_of_all_repayments_reopens_one_bill() -> None:
    bills = project(loan(), [], day("2026-01-10")).bills
    paid = [repayment(bill.number, str(bill.due_on), bill.due.total) for bill in bills]
    assert project(loan(), paid, day("2027-02-01")).settled_on == day("2027-01-10")
    undo = Reversal(id=20, effective_on=day("2027-01-12"), of=12)
    reopened = project(loan(), [*paid, undo], day("2027-02-01"))
    assert (reopened.settled_on, reopened.outstanding_principal) == (None, bills[-1].due.principal)
    redo = Reversal(id=21, effective_on=day("2027-01-13"), of=20)
    assert project(loan(), [*paid, undo, redo], day("2027-02-01")).settled_on == day("2027-01-10")


def test_undoing_an_early_repayment_of_a_settled_loan_leaves_a_rest() -> None:
    """The payoff was for less than is owed without the third repayment."""
    undo = Reversal(id=20, effective_on=day("2026-05-01"), of=3)
    projection = project(loan(), [*first_three_paid(), paid_off(), undo], day("2026-05-01"))
    assert projection.settled_on is None
    assert projection.outstanding_principal > 0


def test_a_figure_of_a_bill_begun_ahead_is_answered_by_the_arrangement() -> None:
    """1,000.00 a month; 500.00 of the second bill, said to be 900.00 and a fine of 10.00, is paid ahead. The other
    11,000.00 are arranged over ten months: 1,100.00, ours alone, nothing beside it that we had computed."""
    said = LenderFigure(id=1, effective_on=day("2026-01-12"), bill=2, parts=Parts(principal=90_000, penalty=1_000))
    ten_months = loan(annual_rate=Decimal(0), count=10, disbursed_on=day("2026-01-20"), first_due_on=day("2026-02-20"))
    facts: list[Fact] = [said, repayment(2, "2026-01-13", 150_000)]
    before = project(loan(annual_rate=Decimal(0)), facts, day("2026-01-20")).bills[1]
    assert (before.due, before.computed) == (Parts(principal=90_000, penalty=1_000), Parts(principal=100_000))
    facts.append(Arrangement(id=3, effective_on=day("2026-01-20"), terms=ten_months))
    after = project(loan(annual_rate=Decimal(0)), facts, day("2026-01-20")).bills[1]
    assert (after.due, after.paid.total, after.computed) == (Parts(principal=110_000), 50_000, None)
