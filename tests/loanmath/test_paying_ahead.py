"""Money for bills that are not due yet: which of them it reaches, and which part of them first."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ledger.loanmath.facts import ApplyTo, Charge, Drawdown, Fact
from ledger.loanmath.money import Parts, Rounding
from ledger.loanmath.project import project
from ledger.loanmath.terms import Component, Excess, LoanTerms, Spread
from tests.loanmath.builders import day, loan, repayment

FREE = loan(annual_rate=Decimal(0), principal=40_000, count=4)  # four bills of 100.00, from 10 February on
AHEAD = (Component.PRINCIPAL, Component.INTEREST)


def paid(terms: LoanTerms, *facts: Fact, as_of: str = "2026-01-20") -> list[int]:
    return [bill.paid.total for bill in project(terms, facts, day(as_of)).bills]


def test_money_ahead_pays_the_next_bill_unless_something_else_is_said() -> None:
    assert paid(FREE, repayment(1, "2026-01-20", 15_000)) == [10_000, 5_000, 0, 0]
    assert paid(FREE, repayment(1, "2026-01-20", 15_000, apply_to=ApplyTo.LAST)) == [0, 0, 5_000, 10_000]
    assert paid(FREE, repayment(1, "2026-01-20", 15_001, apply_to=ApplyTo.SHARES)) == [3_750, 3_750, 3_750, 3_751]


def test_the_agreement_may_say_so_once_and_for_all() -> None:
    from_the_end = replace(FREE, excess=Excess.LAST_BILL)
    assert paid(from_the_end, repayment(1, "2026-01-20", 15_000)) == [0, 0, 5_000, 10_000]


def test_what_is_due_comes_first_and_a_full_bill_leaves_its_share_to_the_others() -> None:
    facts = [
        repayment(1, "2026-01-20", 9_000, apply_to=ApplyTo.LAST),
        repayment(2, "2026-02-10", 13_000, apply_to=ApplyTo.SHARES),
        repayment(3, "2026-02-10", 6_000, apply_to=ApplyTo.SHARES),
    ]
    assert paid(FREE, *facts[:2], as_of="2026-02-10") == [10_000, 1_000, 1_000, 10_000]
    assert paid(FREE, *facts, as_of="2026-02-10") == [10_000, 4_000, 4_000, 10_000]


def test_more_than_everything_is_kept_as_credit() -> None:
    for apply_to in (ApplyTo.LAST, ApplyTo.SHARES):
        found = project(FREE, [repayment(1, "2026-01-20", 40_001, apply_to=apply_to)], day("2026-01-20"))
        assert (found.credit, found.outstanding_principal) == (1, 0)


def test_a_bill_paid_ahead_may_take_another_order() -> None:
    terms = loan(order_ahead=AHEAD)
    early = project(terms, [repayment(1, "2026-02-09", 100_000)], day("2026-02-09")).bills[0]
    on_time = project(terms, [repayment(1, "2026-02-10", 100_000)], day("2026-02-10")).bills[0]
    assert (early.due, early.paid) == (Parts(93_571, 14_400), Parts(93_571, 6_429))
    assert on_time.paid == Parts(85_600, 14_400)


def test_component_by_component_reaches_over_all_bills_to_come() -> None:
    terms = loan(spread=Spread.COMPONENT_BY_COMPONENT)
    bills = project(terms, [repayment(1, "2026-01-20", 30_000)], day("2026-01-20")).bills
    assert [bill.paid for bill in bills[:3]] == [Parts(interest=14_400), Parts(interest=13_277), Parts(interest=2_323)]


def test_a_charge_known_before_it_is_asked_for_is_on_its_bill_at_once() -> None:
    charge = Charge(id=1, effective_on=day("2026-01-12"), amount=500, due_on=day("2026-03-01"))
    bills = project(FREE, [charge], day("2026-01-12")).bills
    assert [bill.due.fee for bill in bills] == [0, 500, 0, 0]


def test_interest_may_be_rounded_at_every_change() -> None:
    drawn = Drawdown(id=1, effective_on=day("2026-01-17"), amount=1_000_000)  # 33.1397 before, 203.2438 after
    once = loan(rounding=Rounding.DOWN)
    found = [
        project(t, [drawn], day("2026-01-17")).bills[0].due.interest for t in (once, replace(once, round_parts=True))
    ]
    assert found == [23_638, 23_637]
