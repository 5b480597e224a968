"""When a charge counts: on the day it is due, whenever its bill is, and before or after that day's repayments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ledger.loanmath.facts import Charge, LenderFigure, Waiver
from ledger.loanmath.money import Parts
from ledger.loanmath.project import project
from ledger.loanmath.terms import DEFAULT_ORDER, Component, LoanTerms
from tests.loanmath.builders import loan, repayment

PRINCIPAL_FIRST = (Component.PRINCIPAL, Component.PENALTY, Component.FEE, Component.INTEREST)


def terms(**changes: object) -> LoanTerms:
    """¥1,000.00 without interest, one bill due on 10 February."""
    return loan(principal=100_000, annual_rate=Decimal(0), count=1, **changes)


def charge(number: int, amount: int, due: str, *, known: str = "2026-01-15", after: bool = False) -> Charge:
    return Charge(
        id=number,
        effective_on=date.fromisoformat(known),
        amount=amount,
        component=Component.PENALTY,
        due_on=date.fromisoformat(due),
        after_repayments=after,
    )


def met(agreed: LoanTerms, *facts: object) -> list[Parts]:
    found = project(agreed, facts, date(2026, 1, 31))  # type: ignore[arg-type]
    return [allocation.parts for allocation in found.allocations]


def test_a_charge_that_is_due_is_paid_before_principal_ahead_and_a_later_one_after_it() -> None:
    """100.00 on 20 January: the 50.00 due that day first, then principal; the 10.00 due on the 23rd waits."""
    agreed = terms(order=DEFAULT_ORDER, order_ahead=PRINCIPAL_FIRST)
    charges = [charge(1, 5_000, "2026-01-20"), charge(2, 1_000, "2026-01-23", known="2026-01-19")]

    assert met(agreed, *charges, repayment(3, "2026-01-20", 10_000)) == [Parts(principal=5_000, penalty=5_000)]


def test_a_charge_that_is_due_is_paid_once() -> None:
    agreed = terms(order=DEFAULT_ORDER, order_ahead=PRINCIPAL_FIRST)
    facts = [charge(1, 5_000, "2026-01-20"), repayment(2, "2026-01-20", 3_000), repayment(3, "2026-01-21", 4_000)]

    assert met(agreed, *facts) == [Parts(penalty=3_000), Parts(principal=2_000, penalty=2_000)]


def test_a_charge_counts_before_the_repayments_of_its_day_unless_added_after_them() -> None:
    day, paid = "2026-02-10", repayment(1, "2026-02-10", 100_000)
    first = project(terms(), [paid, charge(2, 280, day, known=day)], date(2026, 2, 10))
    after = project(terms(), [paid, charge(2, 280, day, known=day, after=True)], date(2026, 2, 10))

    assert [one.parts for one in first.allocations] == [Parts(principal=99_720, penalty=280)]
    assert [one.parts for one in after.allocations] == [Parts(principal=100_000)]
    assert after.bills[0].open == Parts(penalty=280)


def test_money_that_comes_early_passes_over_bills_without_a_charge_that_is_due() -> None:
    """Four bills of 100.00: 30.00 of the first is paid; of 8.00 more the 5.00 due with the second come first."""
    agreed = loan(principal=40_000, annual_rate=Decimal(0), count=4, order_ahead=PRINCIPAL_FIRST)
    begun = repayment(1, "2026-01-11", 3_000)
    fee = Charge(id=2, effective_on=date(2026, 1, 12), amount=500, bill=2, due_on=date(2026, 1, 12))
    bills = project(agreed, [begun, fee, repayment(3, "2026-01-20", 800)], date(2026, 1, 31)).bills

    assert [bill.paid for bill in bills[:2]] == [Parts(principal=3_300), Parts(fee=500)]


def test_the_lender_may_say_what_a_bill_of_charges_alone_is() -> None:
    """5.00 charged after the only bill; 7.00 says the lender."""
    late = Charge(id=1, effective_on=date(2026, 2, 12), amount=500)
    said = LenderFigure(id=2, effective_on=date(2026, 2, 13), bill=2, parts=Parts(fee=700))
    bill = project(terms(), [late, said], date(2026, 2, 13)).bills[1]

    assert (bill.due_on, bill.due, bill.computed) == (date(2026, 2, 12), Parts(fee=700), Parts(fee=500))


def test_a_waiver_of_a_bill_that_does_not_exist_changes_nothing() -> None:
    waived = Waiver(id=1, effective_on=date(2026, 1, 12), bill=9, component=Component.PRINCIPAL, amount=100)

    assert project(terms(), [waived], date(2026, 1, 12)) == project(terms(), [], date(2026, 1, 12))
