"""Bills paid before their due date where interest is counted up to the day: ¥3,000.00 at 1 % a month, paid on
25 January, 15 of the 31 days into the first period."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import ApplyTo, Coupon, CouponKind, Deferral, Repayment
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote, payoff_total
from ledger.loanmath.project import project
from ledger.loanmath.projection import ProjectedAllocation
from ledger.loanmath.terms import AheadInterest, Component, LoanTerms
from tests.loanmath.builders import loan

EARLY = date(2026, 1, 25)


def to_date(**changes: object) -> LoanTerms:
    values: dict[str, object] = {
        "principal": 300_000,
        "annual_rate": Decimal("0.12"),
        "count": 3,
        "ahead_interest": AheadInterest.TO_DATE,
        "part_period": DayCount.PERIODIC,
    }
    return loan(**(values | changes))


def paid(amount: int, apply_to: ApplyTo = ApplyTo.DUE, *, on: date = EARLY, number: int = 1) -> Repayment:
    return Repayment(id=number, effective_on=on, amount=amount, apply_to=apply_to)


def asked(terms: LoanTerms, *facts: Repayment) -> list[tuple[int, int]]:
    return [(bill.due.principal, bill.due.interest) for bill in project(terms, facts, EARLY).bills]


def test_part_of_a_bill_paid_early_meets_interest_to_the_day_and_lowers_the_rest() -> None:
    """30.00 x 15/31 = 14.52; then 1 % x 16/31 of 2,514.52 = 12.98, together 27.49 (14.516 + 12.978)."""
    found = project(to_date(), [paid(50000)], EARLY)

    assert found.allocations == (ProjectedAllocation(repayment=1, bill=1, parts=Parts(48548, 1452)),)
    assert asked(to_date(), paid(50000)) == [(99258, 2749), (100000, 2007), (100742, 1007)]


def test_a_bill_paid_whole_early_leaves_the_rest_of_its_interest_to_the_next() -> None:
    """1,020.07 - 14.52 = 1,005.55; on the 1,994.45 left 10.29 grows until 10 February, and 19.94 until 10 March."""
    assert asked(to_date(), paid(102007)) == [(100555, 1452), (98984, 3023), (100461, 1005)]


def test_bills_further_ahead_ask_for_no_interest() -> None:
    found = project(to_date(), [paid(152007)], EARLY)

    assert [one.parts for one in found.allocations] == [Parts(100555, 1452), Parts(50000, 0)]


def test_a_bill_paid_from_the_end_is_principal_and_the_one_before_it_takes_the_rest() -> None:
    """On 2,000.00 from 25 January on: 14.516 + 10.323 = 24.84, then 1 % of 1,004.77 = 10.05."""
    assert asked(to_date(), paid(100000, ApplyTo.LAST)) == [(99523, 2484), (100477, 1005), (100000, 0)]


def test_a_last_bill_paid_whole_bears_nothing() -> None:
    """On 1,979.93 from 25 January on: 14.516 + 10.219 = 24.74, then 1 % of 984.60 = 9.85."""
    assert asked(to_date(), paid(102007, ApplyTo.LAST)) == [(99533, 2474), (98460, 985), (102007, 0)]


def test_the_payoff_is_principal_and_interest_to_the_day_spread_over_the_bills() -> None:
    quote = payoff_quote(to_date(), [], EARLY)
    found = project(to_date(), [paid(quote.total, ApplyTo.PAYOFF)], EARLY)

    assert (quote.principal, quote.interest, quote.total) == (300000, 1452, 301452)
    assert payoff_total(to_date(), [], EARLY) == 301452
    assert [one.parts for one in found.allocations] == [Parts(100555, 1452), Parts(102007), Parts(97438)]
    assert (found.settled_on, found.outstanding_principal) == (EARLY, 0)


def test_the_total_alone_is_that_of_the_quote_and_nothing_once_the_loan_is_settled() -> None:
    settled = [paid(301452, ApplyTo.PAYOFF)]
    for facts, on in (([], date(2026, 2, 20)), ([paid(102007)], date(2026, 1, 30)), (settled, date(2026, 1, 30))):
        assert payoff_total(to_date(), facts, on) == payoff_quote(to_date(), facts, on).total
    assert payoff_total(to_date(), settled, date(2026, 1, 30)) == 0


def test_a_second_early_repayment_meets_only_the_interest_since_the_first() -> None:
    """14.516, and on 1,994.45 for the 5 days to 30 January 3.217, are 17.73; 14.52 is met already."""
    facts = [paid(102007), paid(50000, on=date(2026, 1, 30), number=2)]
    found = project(to_date(), facts, date(2026, 1, 30))

    assert found.allocations[1] == ProjectedAllocation(repayment=2, bill=2, parts=Parts(49679, 321))


def test_principal_first_leaves_the_interest_open() -> None:
    terms = to_date(order=(Component.PRINCIPAL, Component.INTEREST))
    found = project(terms, [paid(50000)], EARLY)

    assert found.allocations == (ProjectedAllocation(repayment=1, bill=1, parts=Parts(50000, 0)),)
    assert found.bills[0].open.total == 102007 - 50000


def test_a_payoff_may_ask_for_the_interest_of_the_whole_period() -> None:
    """30.00 instead of 14.52; an early repayment that is no payoff still meets interest to the day."""
    terms = to_date(payoff_to_period_end=True)
    found = project(terms, [paid(303000)], EARLY)

    assert payoff_quote(terms, [], EARLY).interest == 3000
    assert [one.parts for one in found.allocations] == [Parts(99007, 3000), Parts(102007), Parts(98986)]
    assert project(terms, [paid(302999)], EARLY).allocations[0].parts == Parts(100555, 1452)


def test_a_payoff_to_the_end_of_the_period_counts_what_is_overdue_to_its_day() -> None:
    """On 20 February, February's bill unpaid: 30.00, 1 % of 2,009.93 until 10 March, and on the 990.07 that are overdue
    until they are paid, 10 of 28 days: 20.10 + 3.54."""
    terms = to_date(payoff_to_period_end=True, overdue_accrues=True)

    assert payoff_quote(terms, [], date(2026, 2, 20)).interest == 5364


def test_a_bill_a_deferral_moved_takes_the_money_before_those_to_come() -> None:
    """February's bill, put off to the 25th, asks for its 30.00 of interest whole."""
    moved = Deferral(id=9, effective_on=date(2026, 1, 12), bill=1, due_on=date(2026, 2, 25))
    found = project(to_date(), [moved, paid(50_000, on=date(2026, 2, 15))], date(2026, 2, 15))

    assert found.allocations == (ProjectedAllocation(repayment=1, bill=1, parts=Parts(47_000, 3_000)),)


def test_a_bill_named_before_its_turn_is_paid_and_bears_nothing() -> None:
    """500.00 of March's bill: 14.516 and 16/31 of 1 % of 2,500.00, together 27.42, then 1 % of 1,507.35 = 15.07."""
    found = project(to_date(), [named(2)], EARLY)

    assert found.allocations == (ProjectedAllocation(repayment=1, bill=2, parts=Parts(50_000)),)
    assert asked(to_date(), named(2)) == [(99_265, 2_742), (100_500, 1_507), (100_235, 1_002)]


def test_a_bill_that_is_named_but_does_not_exist_leaves_the_money_to_the_next() -> None:
    assert asked(to_date(), named(9)) == asked(to_date(), paid(50_000))


def test_more_than_a_payoff_needs_is_kept() -> None:
    """3,000.00 and 14.52 of 3,020.00."""
    found = project(to_date(), [paid(302_000, ApplyTo.PAYOFF)], EARLY)

    assert (found.settled_on, found.credit) == (EARLY, 548)
    assert [one.parts for one in found.allocations] == [Parts(100555, 1452), Parts(102007), Parts(97438)]


def test_a_coupon_takes_off_no_interest_that_was_paid_on_its_day() -> None:
    """Half the rate off: 12.46 of 24.91 (14.516, and 10.398 on 2,014.52), but only the 10.39 that nobody has paid; then
    half of 20.05 and of 10.05."""
    half = Coupon(id=9, effective_on=EARLY, kind=CouponKind.RATE, fraction=Decimal("0.06"))
    found = project(to_date(), [paid(50_000), half, paid(50_000, number=2)], EARLY)

    assert [one.parts for one in found.allocations] == [Parts(48_548, 1_452), Parts(50_000)]
    assert [(bill.due.interest, bill.waived.interest) for bill in found.bills] == [
        (2_491, 1_039),
        (2_005, 1_002),
        (1_005, 502),
    ]


def named(bill: int) -> Repayment:
    return Repayment(id=1, effective_on=EARLY, amount=50_000, apply_to=ApplyTo.BILL, bill=bill)
