"""What settles a loan on a day, to the cent and no cent less, under rules that meet; and facts of one day.
¥3,000.00 at 1 % a month in three bills of 1,020.07, part of a month a part of its interest, unless said otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import (
    ApplyTo,
    Arrangement,
    Charge,
    Coupon,
    CouponKind,
    Drawdown,
    Fact,
    Repayment,
    TermsVersion,
)
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.terms import (
    AheadInterest,
    ListedRow,
    LoanTerms,
    Method,
    OverdueRest,
    PenaltyTerms,
    UnbilledFees,
)
from tests.loanmath.builders import day, loan, repayment

EARLY = date(2026, 1, 25)  # 15 of 31 days into the first period


def small(**changes: Any) -> LoanTerms:
    values = {"principal": 300_000, "annual_rate": Decimal("0.12"), "count": 3, "part_period": DayCount.PERIODIC}
    return loan(**(values | changes))


def settles(terms: LoanTerms, facts: list[Fact], on: date, amount: int) -> bool:
    paid = Repayment(id=90, effective_on=on, amount=amount, apply_to=ApplyTo.PAYOFF)
    found = project(terms, [*facts, paid], on)
    return (found.settled_on, found.outstanding_principal, found.credit) == (on, 0, 0)


def check_quote(terms: LoanTerms, facts: list[Fact], on: date, total: int) -> None:
    assert payoff_quote(terms, facts, on).total == total
    assert settles(terms, facts, on, total)
    assert not settles(terms, facts, on, total - 1)


def test_money_drawn_after_a_payoff_of_the_same_day_is_owed_again() -> None:
    """Interest of 15 days: 14.52. What was paid first was enough for what was owed then."""
    paid = repayment(1, "2026-01-25", 301_452, apply_to=ApplyTo.PAYOFF)
    drawn = Drawdown(id=2, effective_on=EARLY, amount=100_000)
    found = project(small(), [paid, drawn], EARLY)
    assert (found.outstanding_principal, found.credit, found.settled_on) == (100_000, 0, None)
    assert found.allocations[0].parts == Parts(300_000, 1_452)


def test_a_payoff_after_money_drawn_that_day_asks_for_it_too() -> None:
    drawn = Drawdown(id=2, effective_on=EARLY, amount=100_000)
    check_quote(small(), [drawn], EARLY, 401_452)


def test_a_quote_for_the_day_of_an_arrangement_is_what_settles_before_it() -> None:
    """Forgiven or not: the arrangement counts after what is paid on its day."""
    arranged = Arrangement(id=1, effective_on=EARLY, terms=small(annual_rate=Decimal(0)), forgives=True)
    check_quote(small(), [arranged], EARLY, 301_452)


def test_a_quote_under_an_arrangement_counts_overdue_interest_by_its_terms() -> None:
    """From 25 January on 3,014.52 in two bills of 1,522.28 (30 days of 31 are 29.17, then a month): on 20 February the
    first is overdue since the 10th, and a repayment makes its principal bear interest for 10 days of 28."""
    new = small(count=2, overdue_accrues=True, overdue_rest=OverdueRest.REPAYMENT, part_period=DayCount.PERIODIC)
    arranged = Arrangement(id=1, effective_on=EARLY, terms=new)
    quote = payoff_quote(small(), [arranged], day("2026-02-20"))
    assert settles(small(), [arranged], day("2026-02-20"), quote.total)
    assert not settles(small(), [arranged], day("2026-02-20"), quote.total - 1)


def test_a_payoff_to_the_end_of_the_period_is_not_had_for_less() -> None:
    """With the first bill overdue: 30.00, 20.10 on 2,009.93 to 10 March and 3.54 on the overdue 990.07 to the day."""
    check_quote(small(payoff_to_period_end=True, overdue_accrues=True), [], day("2026-02-20"), 305_364)


def test_a_payoff_on_a_due_date_asks_for_no_day_of_the_period_to_come() -> None:
    check_quote(small(payoff_to_period_end=True), [], day("2026-02-10"), 303_000)


def test_a_rounded_part_does_not_make_a_payoff_to_the_end_of_the_period_cheaper() -> None:
    """¥0.16 at 365 % over 3 days: 0.48 rounds to 0, so 0.17 are asked with 0.01 more a period of 4 days."""
    terms = loan(
        principal=16, annual_rate=Decimal("3.65"), count=1, first_due_on=day("2026-01-14"), day_count=DayCount.ACT_365F,
        round_parts=True, payoff_to_period_end=True,
    )  # fmt: skip
    check_quote(terms, [], day("2026-01-11"), 17)


@pytest.mark.parametrize("ahead", list(AheadInterest))
def test_fees_to_come_are_asked_however_bills_paid_ahead_bear_interest(ahead: AheadInterest) -> None:
    """14.52 of interest and 5.00 for each of three bills."""
    terms = small(bill_fee=500, unbilled_fees=UnbilledFees.DUE, ahead_interest=ahead)
    check_quote(terms, [], EARLY, 302_952)


def test_a_charge_after_the_last_bill_is_part_of_a_payoff_to_date() -> None:
    charged = Charge(id=1, effective_on=EARLY, amount=700, due_on=day("2026-05-02"))
    check_quote(small(ahead_interest=AheadInterest.TO_DATE), [charged], EARLY, 302_152)


def test_a_bill_without_interest_meets_none_when_paid_to_date() -> None:
    """The interest of the first bill is asked for with the second."""
    terms = small(ahead_interest=AheadInterest.TO_DATE, interest_grace=1)
    found = project(terms, [repayment(1, "2026-01-25", 50_000)], EARLY)
    assert found.allocations[0].parts == Parts(50_000)
    assert (found.bills[0].due.interest, found.bills[0].open.interest) == (0, 0)


def test_terms_that_list_the_bills_say_what_interest_they_ask_for() -> None:
    """Twelve days into February's period, the lender's new table takes over."""
    table = (ListedRow(day("2026-03-10"), Parts(100_000, 900)), ListedRow(day("2026-04-10"), Parts(100_993, 1_000)))
    new = small(method=Method.LISTED, principal=200_993, count=2, listed=table, first_due_on=day("2026-03-10"))
    version = TermsVersion(id=2, effective_on=day("2026-02-22"), terms=new)
    found = project(small(), [repayment(1, "2026-02-10", 102_007), version], day("2026-02-22"))
    assert [bill.due for bill in found.bills[1:]] == [Parts(100_000, 900), Parts(100_993, 1_000)]


def test_free_days_take_nothing_off_interest_on_overdue_principal() -> None:
    """On 20 February, 10 of 28 days on: 30.00 of the unpaid bill; 7.178 on 2,009.93 and 3.536 on the overdue 990.07 are
    10.71, less 3.59 for 5 free days."""
    terms = small(overdue_accrues=True, overdue_rest=OverdueRest.REPAYMENT)
    coupon = Coupon(id=3, effective_on=day("2026-02-12"), kind=CouponKind.FREE_DAYS, count=5)
    check_quote(terms, [coupon], day("2026-02-20"), 303_712)


def test_a_grace_agreed_once_a_penalty_shows_does_not_hide_its_growth() -> None:
    """990.07 unpaid since 10 February: 0.05 % a day from the 11th, 0.50 a day, so the second day is announced."""
    terms = small(penalty=PenaltyTerms(annual_rate=Decimal("0.18"), grace_days=0))
    longer = small(penalty=PenaltyTerms(annual_rate=Decimal("0.18"), grace_days=40))
    version = TermsVersion(id=1, effective_on=day("2026-02-12"), terms=longer)
    found = project(terms, [version], day("2026-02-12"))
    assert (found.bills[0].due.penalty, found.next_change_on) == (99, day("2026-02-13"))


def test_a_shorter_grace_asks_for_its_late_fee_the_day_after_it_is_agreed() -> None:
    terms = small(penalty=PenaltyTerms(grace_days=1))
    version = TermsVersion(id=1, effective_on=day("2026-02-11"), terms=small(penalty=PenaltyTerms(late_fee=1_000)))
    today, tomorrow = (project(terms, [version], day(on)) for on in ("2026-02-11", "2026-02-12"))
    assert (today.bills[0].due.penalty, today.next_change_on) == (0, day("2026-02-12"))
    assert tomorrow.bills[0].due.penalty == 1_000


def test_money_of_bills_that_new_terms_do_not_have_pays_those_they_have() -> None:
    """All three bills are paid ahead; from 26 January on there is one bill alone, which asks for 14.52 to that day and
    15 of 31 days of 30.00."""
    paid = repayment(1, "2026-01-25", 301_452)
    terms = small(ahead_interest=AheadInterest.TO_DATE)
    version = TermsVersion(id=2, effective_on=day("2026-01-26"), terms=replace(terms, count=1))
    found = project(terms, [paid, version], day("2026-01-26"))
    assert [met.parts for met in found.allocations] == [Parts(298_549, 2_903)]
    assert (found.outstanding_principal, found.credit) == (1_451, 0)


def test_a_loan_paid_off_to_date_stays_so_if_an_arrangement_of_that_day_follows() -> None:
    arranged = Arrangement(id=2, effective_on=EARLY, terms=small(count=1))
    check_quote(small(ahead_interest=AheadInterest.TO_DATE), [arranged], EARLY, 301_452)
