"""First due dates, a last day of its own, a down payment, interest-free days, fees that are a share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.loanmath.apr import annual_cost
from ledger.loanmath.checks import Problem, problems
from ledger.loanmath.dates import first_due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import ApplyTo, DueDateMove, Extension, RateChange, TermsVersion
from ledger.loanmath.money import Parts, Rounding
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.schedule import NeverAmortizes, schedule
from ledger.loanmath.solve import Unknown, solve_missing
from ledger.loanmath.terms import FirstDue, ListedRow, LoanTerms, Method, Residue, Unit
from tests.loanmath.builders import day, loan, repayment


@pytest.mark.parametrize(
    "rule, lent_on, due_day, more, due_on",
    [
        # a mall's reserve credit: drawn on any day of a month, due in the next one
        (FirstDue.NEXT_MONTH, "2026-01-05", 10, {}, "2026-02-10"),
        (FirstDue.NEXT_MONTH, "2026-01-31", 10, {}, "2026-02-10"),
        (FirstDue.NEXT_MONTH, "2026-01-15", 31, {}, "2026-02-28"),
        (FirstDue.NEXT_MONTH, "2026-01-31", None, {}, "2026-02-28"),
        # a mortgage with a chosen day: released 30 May to 9 June, or 10 to 30 June
        (FirstDue.MIN_GAP, "2026-05-30", 10, {"gap": 1}, "2026-06-10"),
        (FirstDue.MIN_GAP, "2026-06-09", 10, {"gap": 1}, "2026-06-10"),
        (FirstDue.MIN_GAP, "2026-06-10", 10, {"gap": 1}, "2026-07-10"),
        (FirstDue.MIN_GAP, "2026-06-30", 10, {"gap": 1}, "2026-07-10"),
        (FirstDue.MIN_GAP, "2026-06-10", 10, {}, "2026-07-10"),
        (FirstDue.MIN_GAP, "2026-06-01", 10, {"gap": 15}, "2026-07-10"),
        (FirstDue.MIN_GAP, "2026-12-28", 31, {"gap": 5}, "2027-01-31"),
        (FirstDue.MIN_GAP, "2026-01-05", None, {"unit": Unit.WEEK, "every": 2, "gap": 20}, "2026-02-02"),
        # a line whose later draws skip the next due day
        (FirstDue.SKIP_ONE, "2026-01-15", 21, {}, "2026-02-21"),
        (FirstDue.SKIP_ONE, "2026-01-21", 21, {}, "2026-02-21"),
        (FirstDue.SKIP_ONE, "2026-01-22", 21, {}, "2026-03-21"),
        (FirstDue.SKIP_ONE, "2026-01-05", None, {"unit": Unit.WEEK}, "2026-01-19"),
        (FirstDue.ONE_PERIOD, "2026-01-31", None, {}, "2026-02-28"),
        (FirstDue.ONE_PERIOD, "2026-01-31", 10, {"every": 3}, "2026-04-30"),
        (FirstDue.ONE_PERIOD, "2026-01-05", None, {"unit": Unit.WEEK, "every": 2}, "2026-01-19"),
        (FirstDue.ONE_PERIOD, "2024-02-29", None, {"unit": Unit.YEAR}, "2025-02-28"),
    ],
)
def test_the_first_due_date_follows_from_the_disbursement(
    rule: FirstDue, lent_on: str, due_day: int | None, more: dict[str, Any], due_on: str
) -> None:
    assert first_due_date(rule, day(lent_on), due_day, **more) == day(due_on)


def test_nothing_follows_from_an_explicit_first_due_date() -> None:
    with pytest.raises(ValueError, match="explicit"):
        first_due_date(FirstDue.EXPLICIT, day("2026-01-05"))


# a last day of its own


def student_loan(**changes: Any) -> LoanTerms:
    """8,000.00 at 3.6 % by days over 360, interest from 1 September, yearly on 20 December, the last 20 September."""
    values: dict[str, Any] = {
        "principal": 800_000,
        "disbursed_on": day("2026-09-01"),
        "annual_rate": Decimal("0.036"),
        "count": 4,
        "first_due_on": day("2026-12-20"),
        "method": Method.EQUAL_PRINCIPAL,
        "unit": Unit.YEAR,
        "day_count": DayCount.ACT_360,
        "last_due_on": day("2029-09-20"),
    }
    return loan(**(values | changes))


def test_the_last_bill_may_have_a_day_of_its_own() -> None:
    """0.80 a day on 8,000.00: 110 days to 20 December; the last 2,000.00 from 20 December 2028 for 274 days."""
    rows = schedule(student_loan())
    assert [str(row.due_on) for row in rows] == ["2026-12-20", "2027-12-20", "2028-12-20", "2029-09-20"]
    assert (rows[0].interest, rows[3].interest) == (110 * 80, 274 * 20)


def test_an_extended_loan_goes_on_from_its_last_day() -> None:
    longer = Extension(id=1, effective_on=day("2027-01-10"), bills=1)
    bills = project(student_loan(), [longer], day("2027-01-10")).bills
    assert [str(bill.due_on) for bill in bills[3:]] == ["2029-09-20", "2030-09-20"]


def test_an_agreed_list_of_dates_may_end_on_another_day() -> None:
    listed = student_loan(count=2, due_dates=(day("2026-12-20"), day("2027-12-20")), last_due_on=day("2027-09-20"))
    assert [str(row.due_on) for row in schedule(listed)] == ["2026-12-20", "2027-09-20"]


# a down payment


def test_a_down_payment_is_a_bill_of_the_first_day() -> None:
    """12,000.00, a quarter down; the rest in three by 14 days without interest: pay in four."""
    terms = loan(
        annual_rate=Decimal(0), count=3, unit=Unit.WEEK, every=2, first_due_on=day("2026-01-24"), down_payment=300_000
    )
    rows = schedule(terms)
    assert [(row.number, str(row.due_on), row.principal, row.interest, row.balance) for row in rows] == [
        (1, "2026-01-10", 300_000, 0, 900_000),
        (2, "2026-01-24", 300_000, 0, 600_000),
        (3, "2026-02-07", 300_000, 0, 300_000),
        (4, "2026-02-21", 300_000, 0, 0),
    ]
    bills = project(terms, [], day("2026-01-10")).bills
    assert [(bill.number, bill.due) for bill in bills] == [(n, Parts(principal=300_000)) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("method", [Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY, Method.FLAT])
@pytest.mark.parametrize("residue", list(Residue))
def test_the_other_bills_are_those_of_a_loan_of_the_rest(method: Method, residue: Residue) -> None:
    rest = loan(principal=900_001, method=method, residue=residue, bill_fee=150, principal_grace=1)
    whole = replace(rest, principal=1_200_000, down_payment=299_999)
    assert [(row.due_on, row.principal, row.interest, row.fee, row.balance) for row in schedule(whole)[1:]] == [
        (row.due_on, row.principal, row.interest, row.fee, row.balance) for row in schedule(rest)
    ]


def test_a_flat_fee_is_shared_by_the_other_bills() -> None:
    terms = loan(method=Method.FLAT, annual_rate=Decimal(0), flat_fee=12_000, down_payment=120_000)
    assert [row.fee for row in schedule(terms)] == [0, *[1_000] * 12]


def test_a_listed_plan_begins_after_the_down_payment() -> None:
    rows = tuple(ListedRow(row.due_on, Parts(row.principal, row.interest)) for row in schedule(loan(principal=900_000)))
    terms = loan(method=Method.LISTED, listed=rows, down_payment=300_000)
    assert problems(terms) == []
    assert [row.principal for row in schedule(terms)] == [300_000, *(row.parts.principal for row in rows)]


def test_a_down_payment_is_paid_and_facts_count_after_it() -> None:
    terms = loan(down_payment=300_000)
    paid = repayment(1, "2026-01-10", 300_000)
    changed = RateChange(id=2, effective_on=day("2026-01-10"), annual_rate=Decimal("0.12"))
    projection = project(terms, [paid, changed], day("2026-01-10"))
    assert (projection.outstanding_principal, projection.bills[1].due.interest) == (900_000, 9_000)
    assert [bill.due for bill in projection.bills[1:]] == [
        bill.due for bill in project(loan(principal=900_000, annual_rate=Decimal("0.12")), [], day("2026-01-10")).bills
    ]


def test_a_rate_known_before_the_disbursement_is_worked_out_for_the_rest() -> None:
    before = RateChange(id=2, effective_on=day("2026-01-05"), annual_rate=Decimal("0.12"))
    bills = project(loan(down_payment=300_000), [before], day("2026-01-05")).bills
    at_once = schedule(loan(down_payment=300_000, annual_rate=Decimal("0.12")))
    assert [bill.due.total for bill in bills] == [row.payment for row in at_once]


def test_new_terms_ask_for_no_second_down_payment() -> None:
    terms = loan(down_payment=300_000)
    version = TermsVersion(id=2, effective_on=day("2026-03-15"), terms=replace(terms, annual_rate=Decimal("0.12")))
    bills = project(terms, [version], day("2026-03-15")).bills
    assert (len(bills), sum(bill.due.principal for bill in bills)) == (13, 1_200_000)
    assert (bills[3].outstanding_after, bills[4].due.interest) == (686_497, 6_865)  # 1 % a month


def test_a_stated_payment_is_for_the_rest() -> None:
    rows = schedule(loan(down_payment=300_000, payment=90_000))
    assert [row.payment for row in rows[:3]] == [300_000, 90_000, 90_000]
    with pytest.raises(NeverAmortizes):
        schedule(loan(down_payment=300_000, payment=10_800))


def test_what_is_missing_is_found_beside_a_down_payment() -> None:
    known = loan(down_payment=300_000)
    payment = schedule(known)[1].payment
    assert solve_missing(replace(known, count=1), Unknown.COUNT, payment) == replace(known, payment=payment)
    assert solve_missing(replace(known, annual_rate=Decimal(0)), Unknown.RATE, payment) == known


def test_all_of_it_paid_down_leaves_no_other_bill() -> None:
    assert [row.principal for row in schedule(loan(principal=300_000, down_payment=300_000))] == [300_000]


# interest-free days


@pytest.mark.parametrize(
    "changes, interest",
    [
        ({"day_count": DayCount.ACT_360}, 16 * 480),  # 31 days less 15
        ({"day_count": DayCount.ACT_360, "first_day_free": True}, 15 * 480),
        ({"part_period": DayCount.PERIODIC}, 14_400 * 16 / 31),
        ({"part_period": DayCount.PERIODIC, "first_day_free": True}, 14_400 * 15 / 30),
        ({}, 14_400 - 1_200_000 * 0.144 * 15 / 365),  # a month less 15 days over 365
        ({"day_count": DayCount.THIRTY_E_360}, 480 * 15),  # from the 25th of January to the 10th: 15 days
    ],
)
def test_the_first_days_bear_no_interest(changes: dict[str, Any], interest: float) -> None:
    row = schedule(loan(interest_free_days=15, **changes))[0]
    assert row.interest == round(interest)


def test_free_days_longer_than_a_period_reach_into_the_next() -> None:
    rows = schedule(loan(interest_free_days=40, day_count=DayCount.ACT_360, method=Method.EQUAL_PRINCIPAL))
    assert [row.interest for row in rows[:3]] == [0, 440 * 19, 400 * 31]


def test_the_level_payment_knows_of_the_free_days() -> None:
    rows = schedule(loan(interest_free_days=15, day_count=DayCount.ACT_360))
    assert len({row.payment for row in rows[:-1]}) == 1
    assert abs(rows[-1].payment - rows[0].payment) < 12
    assert rows[0].payment < schedule(loan(day_count=DayCount.ACT_360))[0].payment


def test_paying_off_within_the_free_days_costs_the_principal_alone() -> None:
    terms = loan(interest_free_days=15, day_count=DayCount.ACT_360)
    assert payoff_quote(terms, [], day("2026-01-25")).interest == 0
    assert payoff_quote(terms, [], day("2026-02-04")).interest == 10 * 480


def test_a_rate_change_does_not_end_the_free_days() -> None:
    """To 7.2 % on the 20th: 16 days of the period bear 2.40 a day."""
    terms = loan(interest_free_days=15, day_count=DayCount.ACT_360)
    changed = RateChange(id=1, effective_on=day("2026-01-20"), annual_rate=Decimal("0.072"))
    assert project(terms, [changed], day("2026-01-20")).bills[0].due.interest == 16 * 240


# fees that are a share


def test_a_fee_may_be_a_share_of_what_was_lent() -> None:
    """0.123 % of 12,000.00, and 1.50: 16.26 a bill, whatever is still owed."""
    rows = schedule(loan(bill_fee_rate=Decimal("0.00123"), bill_fee=150))
    assert [row.fee for row in rows] == [1_626] * 12
    odd = loan(principal=100_050, bill_fee_rate=Decimal("0.0101"), rounding=Rounding.DOWN)
    assert schedule(odd)[0].fee == 1_010  # 1010.505


# what cannot be


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"down_payment": -1}, Problem("down_payment", "negative")),
        ({"down_payment": 1_200_000}, Problem("down_payment", "out_of_range", {"least": 0, "most": 1_199_999})),
        ({"bill_fee_rate": Decimal(2)}, Problem("bill_fee_rate", "out_of_range", {"least": 0, "most": 1})),
        (
            {"interest_free_days": -1},
            Problem("interest_free_days", "out_of_range", {"least": 0, "most": 36_600}),
        ),
        ({"first_due_gap": 400}, Problem("first_due_gap", "out_of_range", {"least": 0, "most": 366})),
        ({"last_due_on": day("2026-12-10")}, Problem("last_due_on", "not_last")),
        (
            {"last_due_on": day("2300-12-10")},
            Problem("last_due_on", "out_of_range", {"least": date(1970, 1, 1), "most": date(2200, 1, 1)}),
        ),
        ({"count": 1, "last_due_on": day("2026-01-10")}, Problem("last_due_on", "not_last")),
    ],
)
def test_impossible_conventions_are_told(changes: dict[str, Any], problem: Problem) -> None:
    assert problems(loan(**changes)) == [problem]


def test_possible_ones_are_not() -> None:
    assert problems(loan(down_payment=1_199_999, count=1, bill_fee_rate=Decimal("0.01"), interest_free_days=30)) == []
    assert problems(student_loan()) == []


def test_a_moved_due_day_after_a_down_payment_keeps_the_numbers() -> None:
    moved = DueDateMove(id=1, effective_on=day("2026-01-11"), bill=2, due_on=day("2026-02-20"))
    bills = project(loan(down_payment=300_000), [moved], day("2026-01-11")).bills
    assert [str(bill.due_on) for bill in bills[:3]] == ["2026-01-10", "2026-02-20", "2026-03-20"]


def test_an_early_repayment_on_the_first_day_comes_after_the_down_payment() -> None:
    early = repayment(1, "2026-01-10", 400_000, apply_to=ApplyTo.LOWER)
    projection = project(loan(down_payment=300_000), [early], day("2026-01-10"))
    assert projection.bills[0].paid == Parts(principal=300_000)
    assert projection.outstanding_principal == 800_000


# what they cost a year


def test_what_is_paid_down_at_once_was_never_received() -> None:
    whole = annual_cost(loan(down_payment=300_000, upfront_fee=5_000))
    rest = annual_cost(loan(principal=900_000, upfront_fee=5_000))
    assert whole == rest


def test_an_earlier_last_day_counts_by_its_date() -> None:
    """Yearly payments of interest at 3.6 %: that is the compound cost."""
    cost = annual_cost(student_loan(day_count=DayCount.ACT_365F))
    assert cost is not None
    assert round(cost.compound, 3) == Decimal("0.036")
