"""When a charge counts: on the day it is due, whenever its bill is, and before or after that day's repayments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ledger.loanmath.facts import Charge
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
