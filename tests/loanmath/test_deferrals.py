"""Bills that are put off, due days that move: what the bills then ask for, and when."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ledger.loanmath.facts import (
    ApplyTo,
    Deferral,
    DeferralTreatment,
    DueDateMove,
    Fact,
    RateChange,
    RateEffect,
    Repayment,
    TermsVersion,
)
from ledger.loanmath.money import Parts
from ledger.loanmath.project import project
from ledger.loanmath.projection import ProjectedBill, Projection
from ledger.loanmath.standing import Standing, standing
from ledger.loanmath.terms import ListedRow, LoanTerms, Method, Unit
from tests.loanmath.builders import day, first_three_paid, loan, repayment

AGREED_ON = day("2026-04-15")


def deferred(treatment: DeferralTreatment, bill: int = 4, due_on: date | None = None) -> Deferral:
    return Deferral(id=9, effective_on=AGREED_ON, bill=bill, due_on=due_on, treatment=treatment)


def seen(*facts: Fact, terms: LoanTerms | None = None, on: date = AGREED_ON) -> Projection:
    return project(terms or loan(), [*first_three_paid(), *facts], on)


def asked(bill: ProjectedBill) -> tuple[str, int, int]:
    return (str(bill.due_on), bill.due.principal, bill.due.interest)


def test_a_capitalized_bill_is_paid_for_by_nine_higher_ones() -> None:
    """9,159.05 owed; 1.2 % of it joins: 9,268.96, over nine bills."""
    projection = seen(deferred(DeferralTreatment.CAPITALIZE))
    assert projection.outstanding_principal == 915_905 + 10_991 == 926_896
    assert [bill.due.total for bill in projection.bills[3:]] == [109_266] * 9
    assert asked(projection.bills[3]) == ("2026-06-10", 109_266 - 11_123, 11_123)


def test_interest_is_capitalized_once_however_often_the_bill_is_planned_again() -> None:
    """Bills paid ahead are made up at once; a rate change on the day takes them back."""
    same_rate = RateChange(id=12, effective_on=AGREED_ON, annual_rate=loan().annual_rate)
    early = repayment(11, "2026-04-15", 300_000)
    plain = seen(deferred(DeferralTreatment.CAPITALIZE))
    again = seen(deferred(DeferralTreatment.CAPITALIZE), early, same_rate)
    assert [bill.due.total for bill in again.bills] == [bill.due.total for bill in plain.bills]
    assert again.outstanding_principal == plain.outstanding_principal - sum(b.paid.principal for b in again.bills[3:])


def test_a_shift_without_a_day_is_one_step() -> None:
    assert seen(deferred(DeferralTreatment.SHIFT)) == seen(deferred(DeferralTreatment.SHIFT, due_on=day("2026-06-10")))
    assert [str(b.due_on) for b in seen(deferred(DeferralTreatment.MOVE)).bills[3:5]] == ["2026-06-10", "2026-06-10"]


def test_an_interest_only_bill_leaves_its_principal_to_the_others() -> None:
    """9,159.05 x 1.2 % = 109.91; eight bills repay 9,159.05: 1,207.57 each."""
    bills = seen(deferred(DeferralTreatment.INTEREST_ONLY)).bills
    assert asked(bills[3]) == ("2026-05-10", 0, 10_991)
    assert [bill.due.total for bill in bills[4:]] == [120_757] * 7 + [120_755]
    assert (bills[3].deferred_from, len(bills)) == (None, 12)


def test_an_interest_only_bill_taken_back_and_made_up_again_asks_the_same() -> None:
    early = repayment(11, "2026-04-16", 5_000)
    kept = RateChange(
        id=12, effective_on=day("2026-04-17"), annual_rate=loan().annual_rate, effect=RateEffect.KEEP_PAYMENT
    )
    plain = seen(deferred(DeferralTreatment.INTEREST_ONLY))
    again = seen(deferred(DeferralTreatment.INTEREST_ONLY), early, kept, on=day("2026-04-17"))
    assert [bill.due.total for bill in again.bills[4:]] == [bill.due.total for bill in plain.bills[4:]]


def test_a_bill_let_off_its_principal_does_not_make_a_shortened_loan_longer() -> None:
    sooner = repayment(8, "2026-04-10", 300_000, apply_to=ApplyTo.SHORTEN)
    assert len(seen(sooner).bills) == 9
    assert len(seen(sooner, deferred(DeferralTreatment.INTEREST_ONLY)).bills) == 9
    assert len(seen(sooner, deferred(DeferralTreatment.CAPITALIZE)).bills) == 9


def test_a_bill_added_to_the_end_asks_for_nothing_on_its_day() -> None:
    """Its interest is asked for with the next bill and bears none itself: 109.91 + 109.91."""
    bills = seen(deferred(DeferralTreatment.ADD_TO_END)).bills
    assert asked(bills[3]) == ("2026-05-10", 0, 0)
    assert asked(bills[4]) == ("2026-06-10", 107_971 - 21_982, 21_982)
    assert [bill.due.total for bill in bills[4:12]] == [107_971] * 8
    assert (len(bills), str(bills[12].due_on), bills[12].due.total) == (13, "2027-02-10", 118_633 + 1_424)


def test_equal_principal_added_to_the_end_keeps_its_parts() -> None:
    terms = loan(method=Method.EQUAL_PRINCIPAL)
    bills = project(terms, [deferred(DeferralTreatment.ADD_TO_END, bill=1)], AGREED_ON).bills
    assert [bill.due.principal for bill in bills] == [0, *[100_000] * 12]
    assert [bill.due.interest for bill in bills[:3]] == [0, 28_800, 13_200]


def test_a_listed_row_added_to_the_end_follows_the_others() -> None:
    rows = project(loan(count=3), [], AGREED_ON).bills
    from_table = loan(
        count=3,
        method=Method.LISTED,
        listed=tuple(ListedRow(bill.due_on, bill.due) for bill in rows),
    )
    bills = project(from_table, [deferred(DeferralTreatment.ADD_TO_END, bill=2)], AGREED_ON).bills
    assert [bill.due for bill in bills] == [rows[0].due, Parts(), rows[1].due, rows[2].due]
    assert str(bills[3].due_on) == "2026-05-10"


def test_a_waived_month_only_moves_the_bills() -> None:
    plain, bills = seen().bills, seen(deferred(DeferralTreatment.WAIVE)).bills
    assert [bill.due for bill in bills] == [bill.due for bill in plain]
    assert [bill.due_on for bill in bills[3:11]] == [bill.due_on for bill in plain[4:]]
    assert str(bills[11].due_on) == "2027-02-10"


def test_a_deferred_bill_is_not_overdue_until_its_new_day() -> None:
    moved = deferred(DeferralTreatment.SHIFT)
    assert standing(seen(moved, on=day("2026-05-11")).bills[3], day("2026-05-11")) is Standing.DEFERRED
    assert standing(seen(moved, on=day("2026-06-11")).bills[3], day("2026-06-11")) is Standing.OVERDUE


def test_the_latest_deferral_of_a_bill_counts() -> None:
    first = deferred(DeferralTreatment.ADD_TO_END)
    second = Deferral(id=10, effective_on=AGREED_ON, bill=4, treatment=DeferralTreatment.INTEREST_ONLY)
    assert seen(first, second).bills == seen(second).bills


def test_new_terms_keep_a_single_moved_bill_and_forget_a_shift() -> None:
    version = TermsVersion(id=12, effective_on=day("2026-04-20"), terms=loan(count=13))
    moved = deferred(DeferralTreatment.MOVE, due_on=day("2026-05-20"))
    assert str(seen(moved, version, on=day("2026-04-20")).bills[3].due_on) == "2026-05-20"
    shifted = deferred(DeferralTreatment.SHIFT)
    assert str(seen(shifted, version, on=day("2026-04-20")).bills[3].due_on) == "2026-05-10"


@pytest.mark.parametrize("to, interest", [("2026-05-20", 14_536), ("2026-05-01", 7_694)])
def test_a_moved_due_day_takes_later_bills_along_and_keeps_the_payment(to: str, interest: int) -> None:
    """Later: a month and 10 of 31 days, 9,159.05 x 0.012 x (1 + 10/31). Earlier: 21 of 30 days."""
    bills = seen(DueDateMove(id=9, effective_on=AGREED_ON, bill=4, due_on=day(to))).bills
    assert (str(bills[3].due_on), bills[3].due.interest) == (to, interest)
    assert {bill.due_on.day for bill in bills[3:]} == {day(to).day}
    assert [bill.due.total for bill in bills[3:11]] == [107_971] * 8
    assert (len(bills), {bill.deferred_from for bill in bills}) == (12, {None})


def test_a_due_day_cannot_move_before_the_bill_before_it() -> None:
    assert seen(DueDateMove(id=9, effective_on=AGREED_ON, bill=4, due_on=day("2026-04-10"))).bills == seen().bills


def test_a_due_day_moved_after_a_deferral_replaces_it() -> None:
    shifted = deferred(DeferralTreatment.SHIFT, bill=4)
    moved = DueDateMove(id=10, effective_on=day("2026-04-16"), bill=4, due_on=day("2026-05-20"))
    both = seen(shifted, moved, on=day("2026-04-16"))
    assert both.bills == seen(moved, on=day("2026-04-16")).bills


def test_a_single_moved_bill_is_due_no_earlier_than_its_neighbours_move_it() -> None:
    alone = deferred(DeferralTreatment.MOVE, bill=5, due_on=day("2026-06-15"))
    moved = DueDateMove(id=10, effective_on=day("2026-04-16"), bill=4, due_on=day("2026-05-20"))
    bills = seen(alone, moved, on=day("2026-04-16")).bills
    assert [str(bill.due_on) for bill in bills[3:6]] == ["2026-05-20", "2026-06-20", "2026-07-20"]


def test_a_single_moved_bill_stays_where_it_is_while_its_neighbours_move_less_far() -> None:
    alone = deferred(DeferralTreatment.MOVE, bill=5, due_on=day("2026-06-30"))
    moved = DueDateMove(id=10, effective_on=day("2026-04-16"), bill=4, due_on=day("2026-05-20"))
    bills = seen(alone, moved, on=day("2026-04-16")).bills
    assert [str(bill.due_on) for bill in bills[3:6]] == ["2026-05-20", "2026-06-30", "2026-07-20"]
    assert [bill.deferred_from for bill in bills[3:6]] == [None, day("2026-06-20"), None]


def test_a_repayment_meets_a_moved_bill_on_its_new_day() -> None:
    moved = DueDateMove(id=9, effective_on=AGREED_ON, bill=4, due_on=day("2026-05-20"))
    paid = Repayment(id=10, effective_on=day("2026-05-20"), amount=107_971)
    assert seen(moved, paid, on=day("2026-05-20")).bills[3].settled_on == day("2026-05-20")


def test_a_capitalized_bill_made_up_again_after_its_old_day_capitalizes_once() -> None:
    """Paid in part ahead, and taken back between the old due date, 10 May, and the new one."""
    early = repayment(11, "2026-05-14", 100_000)
    same_rate = RateChange(id=12, effective_on=day("2026-05-15"), annual_rate=loan().annual_rate)
    again = seen(deferred(DeferralTreatment.CAPITALIZE), early, same_rate, on=day("2026-05-15"))
    assert [bill.due.total for bill in again.bills[3:]] == [109_266] * 9
    assert again.bills[3].paid == Parts(principal=100_000 - 11_123, interest=11_123)
    assert again.outstanding_principal == 926_896 - 88_877


def test_a_deferral_of_no_bill_and_one_to_an_earlier_day_change_nothing() -> None:
    assert seen(deferred(DeferralTreatment.SHIFT, bill=40)).bills == seen().bills
    assert seen(deferred(DeferralTreatment.SHIFT, due_on=day("2026-05-01"))).bills == seen().bills


def test_a_moved_due_day_takes_later_bills_of_every_two_weeks_along() -> None:
    """52 % a year is 2 % in two weeks: 60.00 on 3,000.00; 17 of 14 days on 2,272.13: 55.18."""
    terms = loan(principal=300_000, annual_rate=Decimal("0.52"), unit=Unit.WEEK, every=2, count=4,
                 first_due_on=day("2026-01-24"))  # fmt: skip
    moved = DueDateMove(id=1, effective_on=day("2026-01-11"), bill=2, due_on=day("2026-02-10"))
    bills = project(terms, [moved], day("2026-01-11")).bills
    assert [str(bill.due_on) for bill in bills] == ["2026-01-24", "2026-02-10", "2026-02-24", "2026-03-10"]
    assert [asked(bill)[1:] for bill in bills[:2]] == [(72_787, 6_000), (73_269, 5_518)]


def test_a_bill_moved_beyond_the_next_one_is_paid_after_it() -> None:
    """On 20 June both are due: May's since that day, June's since the 10th."""
    moved = deferred(DeferralTreatment.MOVE, due_on=day("2026-06-20"))
    bills = seen(moved, repayment(10, "2026-06-20", 107_971 + 1_000), on=day("2026-06-20")).bills
    assert [(bill.number, bill.paid.total) for bill in bills[3:6]] == [(4, 1_000), (5, 107_971), (6, 0)]
