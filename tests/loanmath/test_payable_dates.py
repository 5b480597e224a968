"""Payable dates: due on no working day, and what lateness is then counted from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.loanmath.calendars import WEEKENDS, Calendar
from ledger.loanmath.facts import ApplyTo, Charge, Deferral
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.standing import Standing, standing
from ledger.loanmath.terms import Excess, HolidayRule, LoanTerms, PenaltyTerms
from tests.loanmath.builders import day, loan, repayment

SATURDAY = day("2026-05-09")  # the fourth bill of a loan due on the 9th
FINE = PenaltyTerms(annual_rate=Decimal("0.36"), year_days=360)


def due_on_the_ninth(rule: HolidayRule, **changes: object) -> LoanTerms:
    """12,000.00 in twelve bills without interest from 9 February: that of May falls on a Saturday."""
    return loan(first_due_on=day("2026-02-09"), annual_rate=Decimal(0), holiday_rule=rule, **changes)


@pytest.mark.parametrize(
    "rule, payable_on",
    [
        (HolidayRule.SAME_DAY, "2026-05-09"),
        (HolidayRule.NEXT_WORKDAY, "2026-05-11"),
        (HolidayRule.PREVIOUS_WORKDAY, "2026-05-08"),
        (HolidayRule.NEXT_DUE_DATE, "2026-06-09"),
    ],
)
def test_a_bill_due_on_a_saturday(rule: HolidayRule, payable_on: str) -> None:
    bill = project(due_on_the_ninth(rule), [], day("2026-02-01")).bills[3]
    assert (bill.due_on, bill.payable_on) == (SATURDAY, day(payable_on))


def test_the_last_bill_has_no_next_due_date_to_wait_for() -> None:
    bills = project(due_on_the_ninth(HolidayRule.NEXT_DUE_DATE, count=4), [], day("2026-02-01")).bills
    assert bills[3].payable_on == day("2026-05-11")


def test_holidays_and_shifted_working_saturdays_count() -> None:
    monday_off = Calendar(holidays=frozenset([day("2026-05-11")]))
    works = Calendar(workdays=frozenset([SATURDAY]))
    terms = due_on_the_ninth(HolidayRule.NEXT_WORKDAY)
    assert project(terms, [], day("2026-02-01"), monday_off).bills[3].payable_on == day("2026-05-12")
    assert project(terms, [], day("2026-02-01"), works).bills[3].payable_on == SATURDAY


def test_interest_does_not_care_until_when_a_bill_may_be_paid() -> None:
    plain = loan(first_due_on=day("2026-02-09"))
    for rule in HolidayRule:
        bills = project(replace(plain, holiday_rule=rule), [], day("2026-02-01")).bills
        expected = project(plain, [], day("2026-02-01")).bills
        assert [(b.due_on, b.due, b.starts_on) for b in bills] == [(b.due_on, b.due, b.starts_on) for b in expected]


def test_lateness_and_penalty_count_from_the_payable_date() -> None:
    """1,000.00 unpaid at 0.1 % a day: from Monday the 11th, not from Saturday the 9th."""
    terms = due_on_the_ninth(HolidayRule.NEXT_WORKDAY, penalty=FINE)
    paid = [repayment(n, f"2026-0{n + 1}-09", 100_000) for n in (1, 2, 3)]
    on_monday, on_tuesday = (project(terms, paid, day(on)).bills[3] for on in ("2026-05-11", "2026-05-12"))
    assert (on_monday.due.penalty, on_tuesday.due.penalty) == (0, 100)
    assert standing(on_monday, day("2026-05-11")) is Standing.DUE
    assert standing(on_tuesday, day("2026-05-12")) is Standing.OVERDUE
    assert project(terms, paid, day("2026-05-09")).next_change_on == day("2026-05-12")
    assert payoff_quote(terms, paid, day("2026-05-12")).penalty == 100


def test_grace_counts_from_the_payable_date() -> None:
    terms = due_on_the_ninth(HolidayRule.NEXT_WORKDAY, penalty=replace(FINE, grace_days=3))
    paid = [repayment(n, f"2026-0{n + 1}-09", 100_000) for n in (1, 2, 3)]
    assert [project(terms, paid, day(on)).bills[3].due.penalty for on in ("2026-05-14", "2026-05-15")] == [0, 400]


def test_a_bill_payable_before_its_due_date_is_due_then() -> None:
    """Money beyond the bill of Friday the 8th is held; the bill itself is paid."""
    terms = due_on_the_ninth(HolidayRule.PREVIOUS_WORKDAY, excess=Excess.HOLD)
    paid = [repayment(n, f"2026-0{n + 1}-09", 100_000) for n in (1, 2, 3)]
    projection = project(terms, [*paid, repayment(4, "2026-05-08", 100_500)], day("2026-05-08"))
    assert (projection.bills[3].settled_on, projection.credit) == (day("2026-05-08"), 500)


def test_money_held_meets_a_bill_on_its_payable_date_if_that_is_earlier() -> None:
    terms = due_on_the_ninth(HolidayRule.PREVIOUS_WORKDAY)
    paid = [repayment(n, f"2026-0{n + 1}-09", 100_000) for n in (1, 2, 3)]
    held = repayment(4, "2026-04-20", 100_000, apply_to=ApplyTo.HOLD)
    assert project(terms, [*paid, held], day("2026-05-07")).next_change_on == day("2026-05-08")
    assert project(terms, [*paid, held], day("2026-05-08")).bills[3].settled_on == day("2026-05-08")


def test_a_moved_bill_and_an_extra_one_have_payable_dates_too() -> None:
    terms = due_on_the_ninth(HolidayRule.NEXT_WORKDAY, count=3)
    moved = Deferral(id=1, effective_on=day("2026-02-01"), bill=3, due_on=day("2026-05-23"))
    extra = Charge(id=2, effective_on=day("2026-06-06"), amount=500)
    bills = project(terms, [moved, extra], day("2026-06-06")).bills
    assert [str(bill.payable_on) for bill in bills[2:]] == ["2026-05-25", "2026-06-08"]


def test_weekends_alone_are_known_without_a_calendar() -> None:
    terms = due_on_the_ninth(HolidayRule.NEXT_WORKDAY)
    assert project(terms, [], SATURDAY) == project(terms, [], SATURDAY, WEEKENDS)
