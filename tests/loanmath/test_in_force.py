"""The agreement as it stands on a day, and as it would be written down anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from ledger.loanmath.facts import (
    Arrangement,
    Deferral,
    DeferralTreatment,
    DueDateMove,
    Extension,
    Fact,
    RateChange,
    Reversal,
    TermsVersion,
)
from ledger.loanmath.in_force import agreement_from, problems_from, rate_in_force, terms_in_force
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import ListedRow, LoanTerms, Method, Unit
from tests.loanmath.builders import day, loan

MAY = day("2026-05-20")
JUNE = day("2026-06-10")  # the next bill after that day is due


def version(id: int, on: str, **more: object) -> TermsVersion:
    return TermsVersion(id=id, effective_on=day(on), terms=loan(**more))


def dues(terms: LoanTerms) -> tuple[date, int, int | None, tuple[date, ...]]:
    return terms.first_due_on, terms.count, terms.anchor_day, terms.due_dates


def test_without_amendments_the_first_version_holds() -> None:
    assert terms_in_force(loan(), iter([Extension(id=1, effective_on=MAY, bills=3)]), MAY) == loan()


def test_the_last_version_that_counts_by_the_day_holds_unless_undone() -> None:
    second, third = version(1, "2026-03-01", count=18), version(2, "2026-04-01", count=24)
    arranged = Arrangement(id=3, effective_on=day("2026-05-01"), terms=loan(count=30))
    facts: list[Fact] = [arranged, third, second]
    held = [
        terms_in_force(loan(), facts, day(on)).count for on in ("2026-02-28", "2026-03-31", "2026-04-30", "2026-05-01")
    ]
    assert held == [12, 18, 24, 30]
    undone = Reversal(id=4, effective_on=arranged.effective_on, of=3)
    assert terms_in_force(loan(), [*facts, undone], MAY).count == 24


def test_the_rate_is_that_of_the_last_change_or_version() -> None:
    lower = RateChange(id=1, effective_on=day("2026-03-01"), annual_rate=Decimal("0.06"))
    second = version(2, "2026-04-01", annual_rate=Decimal("0.09"))
    rates = [rate_in_force(loan(), [second, lower], day(on)) for on in ("2026-02-28", "2026-03-01", "2026-04-01")]
    assert rates == [loan().annual_rate, Decimal("0.06"), Decimal("0.09")]


def test_on_the_day_of_the_disbursement_it_is_as_agreed() -> None:
    assert agreement_from(loan(), [], loan().disbursed_on) == loan()


def test_after_the_last_bill_it_is_as_agreed() -> None:
    assert agreement_from(loan(), [], day("2030-01-01")) == loan()


def test_written_anew_it_asks_for_the_bills_still_to_come() -> None:
    """Four bills of 12 are due by 20 May; 9,159.05 less the 969.80 of bill 4 is what the others repay."""
    assert agreement_from(loan(upfront_fee=100), [], MAY) == loan(
        principal=818_925, count=8, first_due_on=JUNE, anchor_day=10
    )


def test_a_bill_that_alone_is_due_later_keeps_its_day() -> None:
    later = Deferral(id=1, effective_on=MAY, bill=5, due_on=day("2026-07-01"))
    assert dues(agreement_from(loan(), [later], MAY)) == (JUNE, 8, 10, ())


def test_a_moved_due_day_is_the_new_one() -> None:
    moved = DueDateMove(id=1, effective_on=MAY, bill=5, due_on=day("2026-06-25"))
    assert dues(agreement_from(loan(), [moved], MAY)) == (day("2026-06-25"), 8, 25, ())


def test_the_end_of_the_month_stays_the_due_day() -> None:
    terms = loan(disbursed_on=day("2026-01-31"), first_due_on=day("2026-02-28"), anchor_day=31)
    assert dues(agreement_from(terms, [], MAY)) == (day("2026-05-31"), 9, 31, ())


def test_days_at_no_regular_distance_are_written_down_one_by_one() -> None:
    shifted = Deferral(id=1, effective_on=MAY, bill=5, due_on=day("2026-07-10"), treatment=DeferralTreatment.ADD_TO_END)
    terms = loan(due_dates=(day("2026-02-10"), JUNE, day("2026-08-01"), day("2026-12-24")), count=4)
    anew = agreement_from(terms, [], MAY)
    assert dues(anew) == (JUNE, 3, 24, (JUNE, day("2026-08-01"), day("2026-12-24")))
    assert agreement_from(loan(), [shifted], MAY).count == 9


def test_weekly_bills_keep_their_step() -> None:
    terms = loan(unit=Unit.WEEK, count=30, first_due_on=day("2026-01-17"))
    assert dues(agreement_from(terms, [], MAY)) == (day("2026-05-23"), 12, None, ())


def test_a_stated_payment_stays_while_bills_still_ask_for_it() -> None:
    terms = loan(payment=120_000)
    assert agreement_from(terms, [], MAY).payment == 120_000
    lower = RateChange(id=1, effective_on=MAY, annual_rate=Decimal(0))
    assert agreement_from(terms, [lower], MAY).payment is None


def test_grace_and_weights_go_on_where_they_are() -> None:
    anew = agreement_from(loan(principal_grace=6, interest_grace=2), [], MAY)
    assert (anew.principal_grace, anew.interest_grace) == (2, 0)
    weights = tuple(Decimal(n % 2 + 1) for n in range(12))
    assert agreement_from(loan(weights=weights), [], MAY).weights == weights[4:]


def test_a_flat_plan_asks_for_the_fee_of_the_bills_left() -> None:
    terms = loan(method=Method.FLAT, annual_rate=Decimal(0), flat_fee=12_000, bill_fee=100)
    anew = agreement_from(terms, [], MAY)
    assert (anew.principal, anew.flat_fee, anew.bill_fee) == (800_000, 8_000, 100)


def test_a_table_keeps_the_rows_left() -> None:
    rows = tuple(ListedRow(day(f"2026-0{month}-10"), Parts(400_000, 1000)) for month in (2, 6, 8))
    terms = loan(method=Method.LISTED, annual_rate=Decimal(0), listed=rows, count=3)
    assert agreement_from(terms, [], MAY).listed == rows[1:]


def test_what_asks_for_the_same_bills_is_looked_at_as_it_is() -> None:
    assert problems_from(loan(), loan(), MAY) == []


def test_other_bills_are_looked_at_as_if_the_loan_began_then() -> None:
    fine = loan(count=8, first_due_on=JUNE)
    assert problems_from(fine, loan(), MAY) == []
    codes = [problem.code for problem in problems_from(replace(fine, first_due_on=MAY.replace(day=1)), loan(), MAY)]
    assert codes == ["before_disbursement"]
