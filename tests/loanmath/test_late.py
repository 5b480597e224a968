"""What being late adds, day by day."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import Charge, TermsVersion, Waiver
from ledger.loanmath.money import Parts
from ledger.loanmath.project import project
from ledger.loanmath.projection import ProjectedBill
from ledger.loanmath.terms import Component, LoanTerms, PenaltyBase, PenaltyTerms
from tests.loanmath.builders import day, loan, repayment

DAILY = PenaltyTerms(annual_rate=Decimal("0.24"), year_days=365, grace_days=3, from_due=False)


def single_bill(principal: int, penalty: PenaltyTerms) -> LoanTerms:
    """One bill without interest, due on 10 February."""
    return loan(principal=principal, annual_rate=Decimal(0), count=1, penalty=penalty)


def bill_on(terms: LoanTerms, on: str, *facts: object) -> ProjectedBill:
    return project(terms, facts, day(on)).bills[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("from_due, after_ten_days", [(False, 241), (True, 344)])
def test_grace_is_free_or_charged_after_all(from_due: bool, after_ten_days: int) -> None:
    """523.61 at 24 % over 365, ten days late, three days of grace."""
    terms = single_bill(52_361, replace(DAILY, from_due=from_due))
    assert bill_on(terms, "2026-02-13").due.penalty == 0
    assert bill_on(terms, "2026-02-20").due.penalty == after_ten_days


def test_one_and_a_half_times_the_daily_rate() -> None:
    """1,065.15 at 0.05 % x 1.5 for seven days."""
    terms = single_bill(106_515, PenaltyTerms(annual_rate=Decimal("0.27")))
    assert bill_on(terms, "2026-02-17").due.penalty == 559


@pytest.mark.parametrize(
    "base, penalty",
    [(PenaltyBase.PRINCIPAL, 624), (PenaltyBase.PRINCIPAL_AND_INTEREST, 720), (PenaltyBase.BILL, 730)],
)
def test_the_agreement_names_what_the_penalty_is_counted_on(base: PenaltyBase, penalty: int) -> None:
    terms = loan(bill_fee=1_500, penalty=PenaltyTerms(annual_rate=Decimal("0.24"), base=base))
    assert bill_on(terms, "2026-02-20").due.penalty == penalty


def test_three_days_on_the_unpaid_principal_of_two_draws() -> None:
    """450.32 and 293.27 unpaid at 0.075 % a day: 1.01 and 0.66; the penalty is met first."""
    penalty = PenaltyTerms(annual_rate=Decimal("0.27"))
    for principal, expected in ((45_032, 101), (29_327, 66)):
        terms = single_bill(principal, penalty)
        paid = repayment(1, "2026-02-13", principal + expected)
        settled = bill_on(terms, "2026-02-13", paid)
        assert settled.paid == Parts(principal=principal, penalty=expected)
        assert settled.settled_on == day("2026-02-13")


def test_a_part_payment_reduces_the_base_from_its_day_only() -> None:
    """100,000 for 5 days, then 40,000 less the penalty paid for 5 more, at 0.1 % a day."""
    terms = single_bill(10_000_000, PenaltyTerms(annual_rate=Decimal("0.36")))
    paid = repayment(1, "2026-02-15", 6_000_000)
    first = bill_on(terms, "2026-02-20", paid)
    assert first.paid == Parts(principal=5_950_000, penalty=50_000)
    assert first.due.penalty == 50_000 + 4_050_000 * 5 // 1000


def test_paying_within_the_grace_costs_nothing_even_when_told_late() -> None:
    terms = single_bill(52_361, replace(DAILY, from_due=True))
    assert bill_on(terms, "2026-03-10").due.penalty > 0
    told_late = repayment(9, "2026-02-13", 52_361)
    assert bill_on(terms, "2026-03-10", told_late).due.penalty == 0


def test_the_late_fee_is_added_once_when_the_grace_has_passed() -> None:
    terms = single_bill(52_361, PenaltyTerms(grace_days=3, late_fee=1_000))
    assert [bill_on(terms, on).due.penalty for on in ("2026-02-13", "2026-02-14", "2026-05-01")] == [
        0,
        1_000,
        1_000,
    ]


def test_a_penalty_bears_no_penalty() -> None:
    terms = single_bill(52_361, PenaltyTerms(annual_rate=Decimal("0.24"), base=PenaltyBase.BILL))
    fined = Charge(id=1, effective_on=day("2026-02-10"), amount=5_000, component=Component.PENALTY)
    assert bill_on(terms, "2026-02-20", fined).due.penalty == 5_000 + 349


def test_a_waived_penalty_grows_on_from_what_was_forgiven() -> None:
    terms = single_bill(10_000_000, PenaltyTerms(annual_rate=Decimal("0.36")))
    forgiven = Waiver(id=1, effective_on=day("2026-02-15"), amount=99_999, component=Component.PENALTY, bill=1)
    first = bill_on(terms, "2026-02-20", forgiven)
    assert (first.waived.penalty, first.open.penalty) == (50_000, 50_000)


def test_other_penalty_terms_count_from_their_day() -> None:
    terms = single_bill(10_000_000, PenaltyTerms(annual_rate=Decimal("0.36")))
    version = TermsVersion(
        id=1,
        effective_on=day("2026-02-15"),
        terms=replace(terms, penalty=PenaltyTerms(annual_rate=Decimal("0.72"))),
    )
    assert bill_on(terms, "2026-02-20", version).due.penalty == 5 * 10_000 + 5 * 20_000


def test_the_next_change_is_the_day_the_penalty_grows() -> None:
    """0.01 on 10.00 takes more than a day at 24 %."""
    terms = single_bill(1_000, PenaltyTerms(annual_rate=Decimal("0.24")))
    before = project(terms, [], day("2026-02-01"))
    assert before.next_change_on == day("2026-02-11")
    projection = project(terms, [], day("2026-02-11"))
    assert (projection.bills[0].due.penalty, projection.next_change_on) == (1, day("2026-02-13"))
    within_grace = project(single_bill(52_361, DAILY), [], day("2026-02-11"))
    assert within_grace.next_change_on == day("2026-02-14")


def test_without_a_penalty_only_new_facts_change_a_late_loan() -> None:
    assert project(loan(), [], day("2026-05-01")).next_change_on is None


def test_unpaid_principal_may_go_on_bearing_interest() -> None:
    """A published table: 100.00 at 7 %, the first bill unpaid on 15 February: half a month on 16.43 more."""
    terms = loan(
        principal=10_000, annual_rate=Decimal("0.07"), disbursed_on=day("2024-01-01"), count=6,
        first_due_on=day("2024-02-01"), part_period=DayCount.PERIODIC, overdue_accrues=True,
    )  # fmt: skip
    projection = project(terms, [], day("2024-02-15"))
    assert [(bill.due.principal, bill.due.interest) for bill in projection.bills] == [
        (1_643, 58),
        (1_648, 53),
        (1_662, 39),
        (1_672, 29),
        (1_681, 20),
        (1_694, 10),
    ]
    assert projection.next_change_on == day("2024-02-16")
