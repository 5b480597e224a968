"""Days without interest, more bills than agreed, a purchase given back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import (
    Drawdown,
    Extension,
    Fact,
    Pause,
    RateChange,
    RateEffect,
    Refund,
    Reversal,
    TermsVersion,
)
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.projection import ProjectedAllocation, Projection
from ledger.loanmath.terms import ListedRow, LoanTerms, Method, PrepaymentFee
from tests.loanmath.builders import day, first_three_paid, loan, repayment

KEEP = RateEffect.KEEP_PAYMENT
PAUSED = Pause(id=9, effective_on=day("2026-05-10"), until=day("2026-06-09"))


def seen(*facts: Fact, on: str = "2026-04-15", terms: LoanTerms | None = None) -> Projection:
    return project(terms or loan(), [*first_three_paid(), *facts], day(on))


def test_a_paused_month_is_all_principal() -> None:
    bills = seen(PAUSED, on="2026-05-10").bills
    assert [(bill.due.principal, bill.due.interest) for bill in bills[3:6]] == [
        (96_980, 10_991),
        (107_971, 0),
        (99_440, 8_531),  # 7,109.54 x 1.2 %
    ]
    assert (len(bills), bills[-1].due.total) == (12, 96_128 + 1_154)


@pytest.mark.parametrize("day_count", [DayCount.PERIODIC, DayCount.ACT_360, DayCount.THIRTY_E_360])
@pytest.mark.parametrize(
    "first, last, resumes",
    [("2026-05-10", "2026-06-09", "2026-06-10"), ("2026-04-21", "2026-05-25", "2026-05-26")],
)
@pytest.mark.parametrize("round_parts", [False, True])
def test_a_pause_is_two_rate_changes_that_keep_the_payment(
    day_count: DayCount, first: str, last: str, resumes: str, round_parts: bool
) -> None:
    terms = loan(day_count=day_count, round_parts=round_parts)
    pause = Pause(id=9, effective_on=day(first), until=day(last))
    stopped = RateChange(id=9, effective_on=day(first), annual_rate=Decimal(0), effect=KEEP)
    resumed = RateChange(id=10, effective_on=day(resumes), annual_rate=Decimal("0.144"), effect=KEEP)
    assert seen(pause, on=resumes, terms=terms) == seen(stopped, resumed, on=resumes, terms=terms)
    assert seen(pause, on=first, terms=terms).bills == seen(stopped, resumed, on=resumes, terms=terms).bills


def test_a_rate_change_during_a_pause_counts_once_it_ends() -> None:
    """7,109.54 left on 10 June at 1 % a month."""
    changed = RateChange(id=10, effective_on=day("2026-05-20"), annual_rate=Decimal("0.12"), effect=KEEP)
    bills = seen(PAUSED, changed, on="2026-05-20").bills
    assert [bill.due.interest for bill in bills[4:6]] == [0, 7_110]


def test_pauses_that_overlap_are_one() -> None:
    second = Pause(id=10, effective_on=day("2026-06-01"), until=day("2026-07-09"))
    whole = Pause(id=9, effective_on=day("2026-05-10"), until=day("2026-07-09"))
    assert seen(PAUSED, second, on="2026-06-01").bills == seen(whole, on="2026-06-01").bills


def test_a_loan_paused_to_its_end_bears_no_more_interest_when_solved_again() -> None:
    whole = Pause(id=9, effective_on=day("2026-05-10"), until=day("2027-01-09"))
    longer = Extension(id=10, effective_on=day("2026-05-10"), bills=1)
    bills = seen(whole, longer, on="2026-05-10").bills
    assert [bill.due.interest for bill in bills[4:12]] == [0] * 8
    assert len({bill.due.total for bill in bills[4:12]}) == 1


def test_a_listed_plan_pauses_by_the_days_of_its_periods() -> None:
    rows = tuple((bill.due_on, bill.due) for bill in project(loan(count=3), [], day("2026-01-10")).bills)
    terms = loan(count=3, method=Method.LISTED, listed=tuple(ListedRow(due_on, due) for due_on, due in rows))
    pause = Pause(id=1, effective_on=day("2026-02-10"), until=day("2026-02-23"))
    bills = project(terms, [pause], day("2026-02-10")).bills
    assert (rows[1][1].interest, bills[1].due.interest) == (9_657, 4_829)  # 14 of 28 days


def test_an_extension_works_the_payment_out_again() -> None:
    """9,159.05 over twelve bills instead of nine: 824.09."""
    bills = seen(Extension(id=9, effective_on=day("2026-04-15"), bills=3)).bills
    assert [bill.due.total for bill in bills[3:]] == [82_409] * 11 + [82_410]
    assert (len(bills), str(bills[-1].due_on)) == (15, "2027-04-10")


def test_a_rate_change_after_an_extension_keeps_the_longer_term() -> None:
    longer = Extension(id=9, effective_on=day("2026-04-15"), bills=3)
    changed = RateChange(id=10, effective_on=day("2026-05-10"), annual_rate=Decimal("0.12"))
    assert len(seen(longer, changed, on="2026-05-10").bills) == 15


def test_a_settled_loan_is_not_extended() -> None:
    paid = repayment(8, "2026-04-10", 2_000_000)
    longer = Extension(id=9, effective_on=day("2026-04-15"), bills=3)
    assert seen(paid, longer).bills == seen(paid).bills


def test_a_refund_makes_the_bills_to_come_smaller_without_a_fee() -> None:
    """6,159.05 over nine bills at 1.2 %: 726.05, the last 726.07."""
    terms = loan(prepayment_fee=PrepaymentFee(Decimal("0.01")))
    projection = seen(Refund(id=9, effective_on=day("2026-04-10"), amount=300_000), on="2026-04-10", terms=terms)
    assert [bill.due.total for bill in projection.bills[3:]] == [72_605] * 8 + [72_607]
    assert projection.outstanding_principal == 615_905
    assert projection.allocations[-1] == ProjectedAllocation(repayment=9, bill=None, parts=Parts(principal=300_000))
    assert sum(bill.paid.total for bill in projection.bills) == 3 * 107_971


def test_a_refund_of_everything_pays_what_is_open_and_the_rest_is_credit() -> None:
    """Five days after the third bill: 9,159.05 x 0.144 x 5/365 = 18.07; the third is unpaid."""
    facts = [*first_three_paid()[:2], Refund(id=9, effective_on=day("2026-04-15"), amount=1_100_000)]
    projection = project(loan(), facts, day("2026-04-15"))
    assert [a for a in projection.allocations if a.repayment == 9] == [
        ProjectedAllocation(repayment=9, bill=3, parts=Parts(principal=95_830, interest=12_141)),
        ProjectedAllocation(repayment=9, bill=4, parts=Parts(interest=1_807)),
        ProjectedAllocation(repayment=9, bill=None, parts=Parts(principal=915_905)),
    ]
    assert projection.credit == 1_100_000 - 915_905 - 107_971 - 1_807
    assert (projection.settled_on, projection.outstanding_principal) == (day("2026-04-15"), 0)


def test_a_refund_on_the_first_day_leaves_nothing_to_pay() -> None:
    projection = project(loan(), [Refund(id=1, effective_on=day("2026-01-10"), amount=1_200_000)], day("2026-01-10"))
    assert (projection.bills, projection.settled_on, projection.credit) == ((), day("2026-01-10"), 0)


def test_money_paid_ahead_of_a_refund_is_found_again() -> None:
    early = repayment(8, "2026-04-14", 107_971)
    given_back = Refund(id=9, effective_on=day("2026-04-15"), amount=900_000)
    projection = seen(early, given_back)
    assert projection.credit > 0
    met = sum(a.parts.total for a in projection.allocations if a.repayment in (8, 9))
    assert met + projection.credit == 107_971 + 900_000


def test_half_of_a_flat_plan_given_back_halves_what_it_charges() -> None:
    """12,000 flat at 1.2 % a month: 144.00 a month; half of the 9,000 left given back: 72.00."""
    terms = loan(method=Method.FLAT)
    paid = [repayment(n, f"2026-{n + 1:02d}-10", 114_400) for n in (1, 2, 3)]
    bills = project(
        terms, [*paid, Refund(id=9, effective_on=day("2026-04-10"), amount=450_000)], day("2026-04-10")
    ).bills
    assert [bill.due for bill in bills[3:]] == [Parts(principal=50_000, interest=7_200)] * 9


def test_a_refund_before_the_disbursement_is_history() -> None:
    early = Refund(id=9, effective_on=day("2026-01-09"), amount=450_000)
    assert seen(early) == seen()


def test_undoing_a_refund_brings_the_bills_back() -> None:
    given_back = Refund(id=9, effective_on=day("2026-04-10"), amount=1_000_000)
    undo = Reversal(id=10, effective_on=day("2026-04-12"), of=9)
    assert seen(given_back, undo) == seen()


@pytest.mark.parametrize("method", [Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY])
def test_a_second_drawdown_joins_the_principal_of_any_method(method: Method) -> None:
    """10,000 counted by days over 360 at 12 %, 5,000 more after 10 of 31 days: 3.333 + 10.50 = 13.83 a 1,000."""
    terms = loan(principal=1_000_000, annual_rate=Decimal("0.12"), count=4, method=method, day_count=DayCount.ACT_360)
    drawn = Drawdown(id=1, effective_on=day("2026-01-20"), amount=500_000)
    projection = project(terms, [drawn], day("2026-01-20"))
    assert projection.bills[0].due.interest == round(1_000_000 * 0.12 * 10 / 360 + 1_500_000 * 0.12 * 21 / 360)
    equal = method is Method.EQUAL_PRINCIPAL
    assert [bill.due.principal for bill in projection.bills] == ([375_000] * 4 if equal else [0, 0, 0, 1_500_000])
    assert projection.outstanding_principal == 1_500_000


def test_two_drawdowns_after_the_first_are_both_repaid() -> None:
    terms = loan(principal=1_000_000, count=3, method=Method.EQUAL_PRINCIPAL)
    drawn = [
        Drawdown(id=1, effective_on=day("2026-02-10"), amount=200_000),
        Drawdown(id=2, effective_on=day("2026-03-10"), amount=100_000),
    ]
    bills = project(terms, drawn, day("2026-03-10")).bills
    assert [bill.due.principal for bill in bills] == [333_333, 433_334, 533_333]


def test_paying_off_during_a_pause_costs_no_interest_of_its_days() -> None:
    quote = payoff_quote(loan(), [*first_three_paid(), repayment(4, "2026-05-10", 107_971), PAUSED], day("2026-05-30"))
    assert (quote.principal, quote.interest) == (818_925, 0)


def test_a_refund_of_a_loan_whose_bills_are_all_made_up_pays_the_open_one() -> None:
    """Two bills of 100.00; 120.00 comes back two days after the second, which is unpaid."""
    terms = loan(annual_rate=Decimal(0), principal=20_000, count=2)
    facts = [repayment(1, "2026-02-10", 10_000), Refund(id=2, effective_on=day("2026-03-12"), amount=12_000)]
    projection = project(terms, facts, day("2026-03-12"))
    assert projection.allocations[-1] == ProjectedAllocation(repayment=2, bill=2, parts=Parts(principal=10_000))
    assert (projection.credit, projection.settled_on) == (2_000, day("2026-03-12"))


def test_days_without_interest_stay_free_under_new_terms() -> None:
    """0.1 % a day on 12,000.00: 31 days are 372.00, 21 of them 252.00."""
    terms = loan(annual_rate=Decimal("0.365"), day_count=DayCount.ACT_365F)
    longer = TermsVersion(id=2, effective_on=day("2026-01-20"), terms=replace(terms, count=13))
    paused = Pause(id=1, effective_on=day("2026-01-15"), until=day("2026-01-24"))
    found = [project(terms, facts, day("2026-01-20")).bills for facts in ([longer], [paused, longer])]
    assert [(len(bills), bills[0].due.interest) for bills in found] == [(13, 37_200), (13, 25_200)]
