"""Defects seen in other systems, each with the test that keeps it out (dates, schedules, allocation, cost)."""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.loanmath.apr import advertised_rate, annual_cost
from ledger.loanmath.dates import due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import (
    ApplyTo,
    Arrangement,
    Charge,
    Coupon,
    CouponKind,
    Deferral,
    DueDateMove,
    Fact,
    RateChange,
    RateEffect,
    Repayment,
    Reversal,
    Waiver,
)
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.prepayment import Early, prepayment_fee
from ledger.loanmath.project import project
from ledger.loanmath.schedule import schedule
from ledger.loanmath.standing import Standing, days_past_due, standing
from ledger.loanmath.terms import (
    AheadInterest,
    Component,
    Excess,
    LoanTerms,
    Method,
    PenaltyTerms,
    PrepaymentFee,
    UnbilledFees,
    Unit,
)
from tests.loanmath.builders import day, first_three_paid, loan, repayment


def due_days(first: str, count: int, **changes: object) -> list[str]:
    terms = loan(disbursed_on=day(first) - timedelta(days=31), first_due_on=day(first), count=count, **changes)
    return [str(row.due_on) for row in schedule(terms)]


def test_the_31st_does_not_skip_february() -> None:
    """T-DATE-1. Adding a month to 31 January gave 3 March."""
    assert due_days("2026-01-31", 5) == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


def test_the_31st_comes_back_after_february_for_good() -> None:
    """T-DATE-1. Counted from the date before, it stayed on the 28th for ever."""
    days = due_days("2027-10-31", 14)
    assert days[3:7] == ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]
    assert days[-1] == "2028-11-30"


def test_the_30th_of_april_does_not_become_the_31st_of_may() -> None:
    """T-DATE-2. "The last day of a month stays the last day" moved the anchor."""
    assert due_days("2026-04-30", 3) == ["2026-04-30", "2026-05-30", "2026-06-30"]


def test_the_29th_comes_back_as_the_29th() -> None:
    """T-DATE-2. 29 January, 28 February, then 31 March."""
    assert due_days("2026-01-29", 3) == ["2026-01-29", "2026-02-28", "2026-03-29"]
    assert due_date(day("2024-02-29"), 29, Unit.YEAR, 1, 4) == day("2028-02-29")


def test_facts_that_move_dates_keep_the_anchor() -> None:
    """T-DATE-1 for bills planned again: moved to the 31st, they are due on month ends from then on."""
    moved = DueDateMove(id=1, effective_on=day("2026-01-15"), bill=1, due_on=day("2026-01-31"))
    longer = loan(count=4)
    assert [str(bill.due_on) for bill in project(longer, [moved], day("2026-01-15")).bills] == [
        "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30",
    ]  # fmt: skip


def test_the_next_interest_comes_from_the_balance_and_not_from_the_last_split() -> None:
    """T-SCHED-3. Deriving it from the rounded split before drifts by a cent and more over 360 bills."""
    terms = loan(principal=33_333_333, annual_rate=Decimal("0.0345"), count=360)
    balance = terms.principal
    for row in schedule(terms):
        assert row.interest == (balance * 345 + 60_000) // 120_000  # balance x 0.0345 / 12, half a cent up
        balance -= row.principal
        assert row.balance == balance
    assert balance == 0


@pytest.mark.parametrize("order", list(itertools.permutations(Component)))
def test_money_meets_a_bill_in_the_order_of_this_loan(order: tuple[Component, ...]) -> None:
    """T-ALLOC-1. One order for everybody."""
    facts: list[Fact] = [
        Charge(id=1, effective_on=day("2026-02-01"), amount=3_000, bill=1),
        Charge(id=2, effective_on=day("2026-02-01"), amount=2_000, component=Component.PENALTY, bill=1),
        repayment(3, "2026-02-10", 20_000),
    ]
    asked = {
        Component.PRINCIPAL: 93_571,
        Component.INTEREST: 14_400,
        Component.FEE: 3_000,
        Component.PENALTY: 2_000,
    }
    left, expected = 20_000, dict.fromkeys(asked, 0)
    for component in order:
        expected[component] = min(left, asked[component])
        left -= expected[component]
    bill = project(loan(order=order), facts, day("2026-02-10")).bills[0]
    assert bill.paid == Parts(**{component.value: amount for component, amount in expected.items()})


def test_a_part_payment_pays_only_what_it_pays() -> None:
    """T-ALLOC-2. The paid amount was stored, and the whole principal taken off all the same."""
    projection = project(loan(), [repayment(1, "2026-02-10", 40_000)], day("2026-02-10"))
    first = projection.bills[0]
    assert first.paid == Parts(principal=25_600, interest=14_400)
    assert first.open.total == 67_971
    assert projection.outstanding_principal == 1_200_000 - 25_600
    assert first.settled_on is None


def test_nearly_paid_is_not_paid() -> None:
    """T-ALLOC-2. A bill counted as paid at 98 %."""
    first = project(loan(), [repayment(1, "2026-02-10", 107_970)], day("2026-02-11")).bills[0]
    assert (first.settled_on, first.open.total) == (None, 1)
    assert standing(first, day("2026-02-11")) is Standing.OVERDUE


def test_a_payoff_is_dated_by_the_calendar_and_priced_by_the_agreement() -> None:
    """T-ALLOC-2. Payoff dates were 30 days x n ahead, and the fee for it 2 % for everyone."""
    terms = loan(prepayment_fee=PrepaymentFee(Decimal("0.01")))
    assert project(terms, [], day("2026-01-10")).bills[-1].due_on == day("2027-01-10")
    on_that_day = Early(day("2026-04-25"), 915_905, Fraction(terms.annual_rate))
    assert prepayment_fee(terms, 915_905, on_that_day) == 9_159
    assert payoff_quote(terms, first_three_paid(), day("2026-04-25")).total == 930_484
    assert payoff_quote(loan(), first_three_paid(), day("2026-04-25")).total == 921_325


def test_the_order_of_typing_decides_nothing() -> None:
    """T-ALLOC-3."""
    facts: list[Fact] = [
        repayment(1, "2026-03-10", 150_000),
        repayment(2, "2026-02-20", 60_000),
        Charge(id=3, effective_on=day("2026-02-15"), amount=1_500),
        Waiver(id=4, effective_on=day("2026-02-25"), amount=400, component=Component.FEE, bill=2),
        RateChange(id=5, effective_on=day("2026-02-10"), annual_rate=Decimal("0.12")),
        Deferral(id=6, effective_on=day("2026-03-01"), bill=4),
        Reversal(id=7, effective_on=day("2026-03-11"), of=2),
    ]
    expected = project(loan(), facts, day("2026-04-01"))
    chance = random.Random(20260110)
    for _ in range(20):
        chance.shuffle(facts)
        assert project(loan(), facts, day("2026-04-01")) == expected


def test_undoing_leaves_no_trace() -> None:
    """T-UNDO-1. Undone repayments left bills paid, loans closed and marks of lateness behind."""
    terms = loan(penalty=PenaltyTerms(annual_rate=Decimal("0.24"), late_fee=1_000))
    late = repayment(4, "2026-06-01", 107_971)
    off = repayment(5, "2026-06-02", 2_000_000, apply_to=ApplyTo.PAYOFF)
    undone = [
        Reversal(id=6, effective_on=day("2026-06-03"), of=5),
        Reversal(id=7, effective_on=day("2026-06-03"), of=4),
    ]
    for as_of in ("2026-06-02", "2026-06-03", "2026-08-01"):
        plain = project(terms, first_three_paid(), day(as_of))
        assert project(terms, [*first_three_paid(), late, off, *undone], day(as_of)) == plain
    assert project(terms, [*first_three_paid(), late, off], day("2026-06-03")).settled_on == day("2026-06-02")


def test_the_true_cost_of_a_flat_fee_is_not_twelve_times_the_fee() -> None:
    """T-APR-1. 0.66 % a month on 1,200.00 was shown as 7.92 % a year; it costs 14.31 %."""
    terms = loan(principal=120_000, annual_rate=Decimal(0), method=Method.FLAT, flat_fee=9_504)
    cost = annual_cost(terms)
    assert cost is not None
    assert schedule(terms)[0].payment == 10_792
    assert round(advertised_rate(terms), 4) == Decimal("0.0792")
    assert (round(cost.simple, 4), round(cost.compound, 4)) == (Decimal("0.1431"), Decimal("0.1529"))


@pytest.mark.parametrize(
    "a_month, count, simple, compound",
    [("0.0060", 12, "0.1303", "0.1384"), ("0.0060", 24, "0.1327", None), ("0.0050", 3, "0.0898", None)],
)
def test_the_true_cost_of_other_flat_fees(a_month: str, count: int, simple: str, compound: str | None) -> None:
    """T-APR-1."""
    fee = int(1_200_000 * Decimal(a_month)) * count
    cost = annual_cost(loan(annual_rate=Decimal(0), method=Method.FLAT, flat_fee=fee, count=count))
    assert cost is not None
    assert round(cost.simple, 4) == Decimal(simple)
    assert compound is None or round(cost.compound, 4) == Decimal(compound)


def test_an_unpaid_bill_does_not_roll_into_the_next_month() -> None:
    """T-BILL-1. The next date simply moved on and the unpaid bill was never seen again."""
    for as_of in ("2026-02-11", "2026-03-11", "2027-06-01"):
        first = project(loan(), [], day(as_of)).bills[0]
        assert (first.number, first.due_on, first.open.total) == (1, day("2026-02-10"), 107_971)
        assert standing(first, day(as_of)) is Standing.OVERDUE


def test_an_overdue_bill_does_not_disappear_once_its_day_has_passed() -> None:
    """T-BILL-2. "If the repayment day is before today, nothing is due"."""
    projection = project(loan(), [], day("2026-04-15"))
    late = [bill.number for bill in projection.bills if standing(bill, day("2026-04-15")) is Standing.OVERDUE]
    assert late == [1, 2, 3]
    assert days_past_due(projection.bills, day("2026-04-15")) == 64


def test_days_until_a_bill_are_counted_on_the_calendar() -> None:
    """T-BILL-2. From 27 February to 1 March was shown as five days; it is two."""
    terms = loan(first_due_on=day("2026-02-01"))
    due_on: date = project(terms, [], day("2026-02-27")).bills[1].due_on
    assert (due_on - day("2026-02-27")).days == 2


def test_paying_the_next_bill_early_leaves_later_dates_alone() -> None:
    """T-BILL-1. Paid early, the bill of the month after was skipped."""
    early = repayment(1, "2026-01-20", 107_971)
    paid = project(loan(), [early], day("2026-01-20"))
    plain = project(loan(), [], day("2026-01-20"))
    assert [(bill.due_on, bill.due) for bill in paid.bills] == [(bill.due_on, bill.due) for bill in plain.bills]
    assert [bill.open.total for bill in paid.bills[:3]] == [0, 107_971, 107_971]


def test_paying_too_much_makes_no_negative_debt() -> None:
    projection = project(loan(excess=Excess.HOLD), [repayment(1, "2026-02-10", 5_000_000)], day("2028-01-01"))
    assert (projection.outstanding_principal, projection.credit) == (0, 5_000_000 - 1_295_645)
    assert all(bill.open == Parts() for bill in projection.bills)


def test_a_backdated_repayment_takes_the_lateness_back() -> None:
    terms = loan(penalty=PenaltyTerms(annual_rate=Decimal("0.24"), late_fee=1_000))
    told_late = Repayment(id=1, effective_on=day("2026-02-10"), amount=107_971)
    before, after = (project(terms, facts, day("2026-03-01")).bills[0] for facts in ([], [told_late]))
    assert before.due.penalty > 1_000
    assert (after.due.penalty, standing(after, day("2026-03-01"))) == (0, Standing.PAID)


def test_a_rate_that_rises_above_the_payment_does_not_loop() -> None:
    rise = RateChange(id=9, effective_on=day("2026-04-10"), annual_rate=Decimal("9.99"), effect=RateEffect.KEEP_PAYMENT)
    bills = project(loan(), [*first_three_paid(), rise], day("2026-04-10")).bills
    assert (len(bills), bills[-1].outstanding_after) == (12, 0)


def test_a_loan_entered_in_mid_life_subtracts_no_history() -> None:
    """Earlier payments typed for the record were taken off the balance once more."""
    entered = loan(principal=915_905, disbursed_on=day("2026-04-10"), first_due_on=day("2026-05-10"), count=9)
    history = [repayment(n, f"2026-{n + 1:02d}-09", 107_971) for n in (1, 2, 3)]
    assert project(entered, history, day("2026-04-15")) == project(entered, [], day("2026-04-15"))


def test_first_days_beyond_a_month_are_counted_and_not_lost() -> None:
    """A first period of 15 days more than a month bears 15 days more of interest."""
    terms: LoanTerms = loan(first_due_on=day("2026-02-25"))
    first = schedule(terms)[0]
    assert (first.starts_on, first.interest) == (day("2026-01-10"), 14_400 + round(14_400 * 15 / 28))


def test_looking_at_a_loan_nothing_of_which_is_overdue_leaves_its_interest_alone() -> None:
    """One bill after the 366 days of 2028: 36.6% of 10,000.00. Counted in two pieces, the days after July, which have
    no 29 February among them, would be of a year of 365: 1,820.00 + 366,000 * 184 / 365 = 1,845.04."""
    terms = loan(
        principal=1_000_000, annual_rate=Decimal("0.366"), disbursed_on=day("2028-01-01"), count=1,
        first_due_on=day("2029-01-01"), unit=Unit.YEAR, day_count=DayCount.ACT_ACT_FEB29, overdue_accrues=True,
    )  # fmt: skip
    for looked_on in ("2028-01-01", "2028-07-01", "2028-12-31"):
        assert project(terms, [], day(looked_on)).bills[0].due == Parts(1_000_000, 366_000)


def test_a_bill_paid_ahead_asks_for_no_less_interest_than_was_paid_of_it() -> None:
    """1,200.00 of which 2,150.00 was paid ahead with its fees; then repaid over two years at 12%, where 144.00 and
    72.00 of interest are paid at once. A coupon that covers neither bill makes them up again: the last one asked for
    less than nothing, as it took back interest of the first that the money had saved."""
    terms = loan(principal=120_000, annual_rate=Decimal(0), count=2, bill_fee=50_000)
    arranged = loan(
        principal=120_000, annual_rate=Decimal("0.12"), count=2, first_due_on=day("2027-02-05"), unit=Unit.YEAR,
        method=Method.EQUAL_PRINCIPAL, ahead_interest=AheadInterest.TO_DATE,
    )  # fmt: skip
    facts: list[Fact] = [
        repayment(1, "2026-02-01", 215_000, apply_to=ApplyTo.LAST),
        Arrangement(id=2, effective_on=day("2026-02-05"), terms=arranged),
        Coupon(
            id=3, effective_on=day("2026-06-05"), kind=CouponKind.SHARE, fraction=Decimal(1), until=day("2026-09-05")
        ),
    ]
    projection = project(terms, facts, day("2026-06-05"))
    assert [bill.due for bill in projection.bills] == [Parts(60_000, 14_400), Parts(60_000, 7_200)]
    assert [bill.open for bill in projection.bills] == [Parts(), Parts()]
    assert projection.credit == 215_000 - 120_000 - 14_400 - 7_200


@pytest.mark.parametrize(
    ("kind", "bills", "fee"),
    [(CouponKind.SHARE, 9, 5_000), (CouponKind.FREE_BILLS, 1, 5_000), (CouponKind.RATE, 9, 10_000)],
)
def test_a_payoff_asks_for_no_fee_that_a_coupon_takes_off_its_bill(kind: CouponKind, bills: int, fee: int) -> None:
    """1,200.00 in two bills, each with a fee of 50.00 that is due though the bill never comes: half off both, or the
    whole of one, leaves 50.00. The payoff asked for 100.00, more than the bills would have."""
    terms = loan(principal=120_000, annual_rate=Decimal(0), count=2, bill_fee=5_000, unbilled_fees=UnbilledFees.DUE)
    coupon = Coupon(id=1, effective_on=day("2026-01-20"), kind=kind, fraction=Decimal("0.5"), count=bills)
    quote = payoff_quote(terms, [coupon], day("2026-01-20"))
    assert (quote.principal, quote.interest, quote.fee, quote.total) == (120_000, 0, fee, 120_000 + fee)


@pytest.mark.parametrize("free_days", [0, 15])
def test_free_days_long_over_take_nothing_off_a_bill_of_today(free_days: int) -> None:
    """1,200.00 arranged to be paid on the day itself, where every period counts whole: a month at 12% a year is 12.00.
    With free days in January, of another period, the bill asked for no interest."""
    terms = loan(principal=120_000, annual_rate=Decimal(0), count=1)
    arranged = loan(
        annual_rate=Decimal("0.12"), count=1, odd_period_whole=True, round_parts=True, interest_free_days=free_days
    )
    facts = [Arrangement(id=1, effective_on=day("2026-06-10"), terms=arranged)]
    assert project(terms, facts, day("2026-06-10")).bills[-1].due == Parts(120_000, 1_200)
