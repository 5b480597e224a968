"""Interest day by day on what is owed: principal repaid early inside a bill's own period, and principal that is late.
¥3,000.00 at 1 % a month in three bills of 1,020.07; part of a month is a part of its interest."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import ApplyTo, Fact, RateChange, Repayment
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.schedule import level_payment
from ledger.loanmath.terms import AheadInterest, Excess, LoanTerms, OverdueRest
from tests.loanmath.builders import loan, repayment

EARLY = date(2026, 1, 25)  # 15 of 31 days into the first period
LATE = date(2026, 2, 20)  # 10 of 28 days into the second


def small(**changes: object) -> LoanTerms:
    values: dict[str, object] = {"principal": 300_000, "annual_rate": Decimal("0.12"), "count": 3}
    return loan(**(values | {"part_period": DayCount.PERIODIC} | changes))


def on_balance(excess: Excess = Excess.LOWER) -> LoanTerms:
    return small(ahead_interest=AheadInterest.ON_BALANCE, excess=excess)


def asked(terms: LoanTerms, as_of: date, *facts: Fact) -> list[tuple[int, int]]:
    return [(bill.due.principal, bill.due.interest) for bill in project(terms, facts, as_of).bills if any_due(bill.due)]


def any_due(due: object) -> bool:
    return bool(getattr(due, "total", 0))


def test_a_small_early_repayment_is_principal_and_part_of_the_bill() -> None:
    """Interest 30.00 x 15/31 = 14.516, then 12.903 on 2,500.00: 27.42. Of 1,020.07 500.00 is paid."""
    found = project(on_balance(), [repayment(1, "2026-01-25", 50_000)], EARLY)

    first = found.bills[0]
    assert (first.due.principal, first.due.interest, first.paid.principal, first.open.total) == (
        99_265, 2_742, 50_000, 52_007,
    )  # fmt: skip
    assert found.bills[1].due.total == 102_007


@pytest.mark.parametrize(
    ("excess", "rest"),
    [
        (Excess.LOWER, [(74_627, 1_500), (75_373, 754)]),  # 1,500.00 over two bills: 761.27
        (Excess.SHORTEN, [(100_507, 1_500), (49_493, 495)]),  # 1,020.07 as before
        (Excess.NEXT_BILL, [(50_288, 1_500), (99_712, 997)]),  # 502.19 less: 1,500.00 - (1,020.07 - 22.26)
    ],
)
def test_a_large_early_repayment_exceeds_its_bill(excess: Excess, rest: list[tuple[int, int]]) -> None:
    """14.516 + 7.742 = 22.26 interest, which stays open, and all 1,500.00 as principal."""
    facts = [repayment(1, "2026-01-25", 150_000)]

    assert asked(on_balance(excess), EARLY, *facts) == [(150_000, 2_226), *rest]
    assert project(on_balance(excess), facts, EARLY).bills[0].open.interest == 2_226


def test_money_beyond_the_bill_on_its_due_date_shows_in_that_bill() -> None:
    """30.00 interest first, then 1,490.07 principal; 1,509.93 over two bills: 766.31."""
    facts = [repayment(1, "2026-02-10", 152_007)]

    assert asked(on_balance(), date(2026, 2, 10), *facts) == [(149_007, 3_000), (75_121, 1_510), (75_872, 759)]
    assert project(on_balance(), facts, date(2026, 2, 10)).bills[0].settled_on == date(2026, 2, 10)


def test_a_rate_change_after_an_early_repayment_keeps_what_was_paid() -> None:
    facts: list[Fact] = [
        repayment(1, "2026-01-25", 150_000),
        RateChange(id=2, effective_on=date(2026, 2, 10), annual_rate=Decimal("0.24")),
    ]

    assert asked(on_balance(), date(2026, 2, 10), *facts)[0] == (150_000, 2_226)
    assert asked(on_balance(), date(2026, 2, 10), *facts)[1] == (74_257, 3_000)


def test_the_payoff_after_an_early_repayment_asks_for_what_is_left() -> None:
    """1,500.00 and the 14.52 of 15 days."""
    quote = payoff_quote(on_balance(), [repayment(1, "2026-01-25", 150_000)], EARLY)

    assert (quote.principal, quote.interest) == (150_000, 1_452)


# being late


def late(rest: OverdueRest, *facts: Repayment, compounds: bool = False, as_of: date = LATE) -> int:
    """The second bill's interest; on time it is 20.10."""
    terms = small(overdue_accrues=True, overdue_rest=rest, overdue_compounds=compounds)
    return project(terms, facts, as_of).bills[1].due.interest


def test_overdue_principal_bears_interest_up_to_the_day_a_repayment_comes_in() -> None:
    """990.07 x 1 % x 10/28 = 3.536, and 20.099."""
    assert late(OverdueRest.REPAYMENT, repayment(1, "2026-02-20", 102_007)) == 2_364
    assert late(OverdueRest.REPAYMENT) == 2_010
    assert late(OverdueRest.DAY) == 2_364


def test_unpaid_interest_bears_interest_where_it_compounds() -> None:
    """1,020.07 x 1 % x 10/28 = 3.643."""
    assert late(OverdueRest.REPAYMENT, repayment(1, "2026-02-20", 102_007), compounds=True) == 2_374


def test_overdue_principal_bears_interest_for_the_whole_period_of_a_repayment() -> None:
    """990.07 x 1 % = 9.90, wherever in the period it is paid, its last day included."""
    assert late(OverdueRest.PERIOD, repayment(1, "2026-02-20", 102_007)) == 3_000
    assert late(OverdueRest.PERIOD, repayment(1, "2026-03-10", 102_007), as_of=date(2026, 3, 10)) == 3_000


def test_a_second_repayment_in_the_period_counts_only_the_days_since_the_first() -> None:
    """3.536 to 20 February; 520.07 meets 30.00 interest and 490.07 principal, so 500.00 x 1 % x 8/28 = 1.43."""
    facts = [repayment(1, "2026-02-20", 52_007), repayment(2, "2026-02-28", 50_000)]

    assert late(OverdueRest.REPAYMENT, *facts, as_of=date(2026, 2, 28)) == 2_506


# the payment


def test_a_thirty_day_payment_is_worked_out_over_months_of_thirty_days() -> None:
    """Six bills at 0.12 x 30/365 = 0.986301 % a month: 517.40; by the real days, up to 31 of them: 517.46."""
    assert level_payment(small(count=6, day_count=DayCount.ACT_365F, thirty_day_payment=True)) == 51_740
    assert level_payment(small(count=6, day_count=DayCount.ACT_365F)) == 51_746


def test_a_bill_that_is_named_before_its_turn_is_not_what_early_money_pays() -> None:
    """It is principal, and part of the bill due next, whatever bill it was meant for."""
    meant = repayment(1, "2026-01-25", 50_000, apply_to=ApplyTo.BILL, bill=2)
    plain = repayment(1, "2026-01-25", 50_000)

    assert project(on_balance(), [meant], EARLY) == project(on_balance(), [plain], EARLY)


def test_where_no_principal_is_left_more_early_money_is_kept() -> None:
    """3,000.00 repaid; the 14.52 of 15 days wait for their due date."""
    facts = [repayment(1, "2026-01-25", 300_000), repayment(2, "2026-01-26", 1_000)]
    found = project(on_balance(), facts, date(2026, 1, 26))

    assert (found.credit, found.outstanding_principal) == (1_000, 0)
    assert [(bill.due.principal, bill.open.interest) for bill in found.bills] == [(300_000, 1_452)]


def test_a_second_repayment_on_one_day_counts_no_day_twice() -> None:
    """990.07 overdue for 10 of 28 days, 3.536, when the first comes in; nothing more for the second."""
    facts = [repayment(1, "2026-02-20", 52_007), repayment(2, "2026-02-20", 50_000)]

    assert late(OverdueRest.REPAYMENT, *facts) == 2_364
