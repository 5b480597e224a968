"""Standings of one bill along the calendar, days past due, and buckets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger.loanmath.facts import Arrangement, Deferral, Waiver
from ledger.loanmath.project import project
from ledger.loanmath.standing import Standing, bucket, days_past_due, standing
from ledger.loanmath.terms import Component
from tests.loanmath.builders import day, loan, repayment


def first_bill(on: str, *facts: object, grace_days: int = 3) -> Standing:
    bill = project(loan(), facts, day(on)).bills[0]  # type: ignore[arg-type]
    return standing(bill, day(on), grace_days)


@pytest.mark.parametrize(
    "on, expected",
    [
        ("2026-02-09", Standing.UPCOMING),
        ("2026-02-10", Standing.DUE),
        ("2026-02-11", Standing.IN_GRACE),
        ("2026-02-13", Standing.IN_GRACE),
        ("2026-02-14", Standing.OVERDUE),
    ],
)
def test_an_unpaid_bill_walks_from_upcoming_to_overdue(on: str, expected: Standing) -> None:
    assert first_bill(on) is expected


def test_a_part_paid_bill_is_overdue_once_late() -> None:
    part = repayment(1, "2026-02-05", 100)
    assert first_bill("2026-02-09", part) is Standing.PART_PAID
    assert first_bill("2026-02-20", part) is Standing.OVERDUE


def test_a_paid_bill_tells_whether_it_was_late_or_is_presumed() -> None:
    assert first_bill("2026-03-01", repayment(1, "2026-02-10", 107_971)) is Standing.PAID
    assert first_bill("2026-03-01", repayment(1, "2026-02-11", 107_971)) is Standing.PAID_LATE
    assert first_bill("2026-03-01", repayment(1, "2026-02-10", 107_971, presumed=True)) is Standing.PRESUMED


def test_a_deferred_bill_is_not_late_before_its_new_day() -> None:
    deferral = Deferral(id=1, effective_on=day("2026-02-01"), bill=1, due_on=day("2026-02-25"))
    assert first_bill("2026-02-20", deferral) is Standing.DEFERRED
    assert first_bill("2026-03-20", deferral) is Standing.OVERDUE


def test_a_bill_forgiven_whole_is_waived() -> None:
    parts = ((Component.INTEREST, 14_400), (Component.PRINCIPAL, 93_571))
    facts = [
        Waiver(id=n, effective_on=day("2026-02-01"), amount=amount, component=component, bill=1)
        for n, (component, amount) in enumerate(parts, start=1)
    ]
    assert first_bill("2026-03-01", *facts) is Standing.WAIVED


def test_days_past_due_count_from_the_oldest_unpaid_bill() -> None:
    paid_second = repayment(1, "2026-03-10", 107_971)
    bills = project(loan(), [paid_second], day("2026-03-20")).bills
    assert days_past_due(bills, day("2026-03-20")) == 10
    assert days_past_due(project(loan(), [], day("2026-03-20")).bills, day("2026-03-20")) == 38
    assert days_past_due(bills, day("2026-03-10")) == 0


def test_lateness_counts_from_the_payable_date_not_the_due_date() -> None:
    """Due on Saturday 10 January, payable on Monday: nothing is late before Tuesday."""
    bill = project(loan(), [], day("2026-01-10")).bills[0]._replace(due_on=day("2026-01-10"))
    shifted = bill._replace(payable_on=day("2026-01-12"))
    walk = ("2026-01-11", "2026-01-12", "2026-01-13", "2026-01-15", "2026-01-16")
    assert [standing(shifted, day(on), 3) for on in walk] == [
        Standing.UPCOMING,
        Standing.DUE,
        Standing.IN_GRACE,
        Standing.IN_GRACE,
        Standing.OVERDUE,
    ]
    assert [days_past_due([shifted], day(on)) for on in walk] == [0, 0, 1, 3, 4]
    paid_on_monday = shifted._replace(paid=shifted.due, settled_on=day("2026-01-12"))
    assert standing(paid_on_monday, day("2026-02-01")) is Standing.PAID
    paid_on_tuesday = paid_on_monday._replace(settled_on=day("2026-01-13"))
    assert standing(paid_on_tuesday, day("2026-02-01")) is Standing.PAID_LATE


def test_a_later_bill_payable_first_does_not_hide_an_older_one() -> None:
    """The oldest payable date counts, whatever the order of the bills."""
    first, second = project(loan(), [], day("2026-03-20")).bills[:2]
    swapped = [first._replace(payable_on=day("2026-03-12")), second._replace(payable_on=day("2026-03-09"))]
    assert days_past_due(swapped, day("2026-03-20")) == 11


def test_a_bill_settled_by_payment_and_waiver_is_paid() -> None:
    forgiven = Waiver(id=1, effective_on=day("2026-02-01"), amount=14_400, component=Component.INTEREST, bill=1)
    assert first_bill("2026-03-01", forgiven, repayment(2, "2026-02-10", 93_571)) is Standing.PAID


def test_a_bill_that_asks_for_nothing_is_neither_paid_nor_late() -> None:
    terms = loan(annual_rate=Decimal(0), principal_grace=1)
    assert standing(project(terms, [], day("2026-03-01")).bills[0], day("2026-03-01")) is Standing.NOTHING_DUE


@pytest.mark.parametrize(
    "days, expected",
    [(-1, "M0"), (0, "M0"), (1, "M1"), (30, "M1"), (31, "M2"), (60, "M2"), (180, "M6"), (181, "M7"), (900, "M7")],
)
def test_buckets_hold_thirty_days_each(days: int, expected: str) -> None:
    assert bucket(days) == expected


def test_a_bill_an_arrangement_replaced_is_neither_paid_nor_late() -> None:
    """The first bill was paid late, with 1.00 to spare for the second, whose rest the arrangement asks for."""
    new = loan(count=3, first_due_on=day("2026-04-20"), annual_rate=Decimal(0))
    arranged = Arrangement(id=3, effective_on=day("2026-03-20"), terms=new)
    part, first = repayment(1, "2026-02-15", 100), repayment(2, "2026-03-15", 107_971)
    bills = project(loan(), [part, first, arranged], day("2026-05-01")).bills
    assert [standing(bill, day("2026-05-01"), 3) for bill in bills] == [
        Standing.PAID_LATE,
        Standing.REPLACED,
        Standing.OVERDUE,
        Standing.UPCOMING,
        Standing.UPCOMING,
    ]
    assert [bill.is_replaced for bill in bills] == [False, True, False, False, False]
    assert days_past_due(bills, day("2026-05-01")) == 11
