"""Settling a bill on stored figures: whatever it says is what the projection says, and it speaks in the usual cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.loanmath.calendars import WEEKENDS
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import (
    ApplyTo,
    Arrangement,
    Charge,
    Confirmation,
    Coupon,
    CouponKind,
    Deferral,
    DeferralTreatment,
    DueDateMove,
    Extension,
    Fact,
    Pause,
    RateChange,
    Repayment,
    Waiver,
)
from ledger.loanmath.money import Parts, Rounding
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import ProjectedAllocation, ProjectedBill, Projection
from ledger.loanmath.settling_bills import (
    OtherBills,
    Payment,
    Settled,
    Settling,
    StoredBill,
    StoredLoan,
    settle_bill,
)
from ledger.loanmath.terms import (
    AheadInterest,
    Component,
    HolidayRule,
    LastRow,
    LoanTerms,
    Method,
    OverdueRest,
    PenaltyBase,
    PenaltyTerms,
    Spread,
    Unit,
)
from tests.loanmath.builders import day, loan, repayment
from tests.loanmath.test_properties import agreements, days, histories

AHEAD = (RateChange, Pause, Extension, DueDateMove)
ONE_DAY = timedelta(days=1)


def projected(terms: LoanTerms, facts: Iterable[Fact], as_of: date) -> Projection:
    """As the program does it: with what is agreed for later days."""
    agreed = [fact for fact in live(facts) if isinstance(fact, AHEAD) and fact.effective_on > as_of]
    return project(terms, facts, as_of, WEEKENDS, agreed)


def four(parts: Parts) -> tuple[int, int, int, int]:
    return (parts.principal, parts.interest, parts.fee, parts.penalty)


def stored_loan(found: Projection) -> StoredLoan:
    return StoredLoan(found.as_of, found.next_change_on, found.settling, found.outstanding_principal)


def stored_bill(found: Projection, bill: ProjectedBill) -> StoredBill:
    return StoredBill(
        bill.starts_on,
        bill.due_on,
        bill.payable_on,
        bill.deferred_from,
        four(bill.due),
        four(bill.paid),
        four(bill.waived),
        bill.presumed,
        found.changes_after[bill.number],
    )


def others(found: Projection, bill: ProjectedBill) -> OtherBills:
    rest = [one for one in found.bills if one.number != bill.number]
    asked = [min(one.due_on, one.payable_on) for one in rest if one.settled_on is None]
    settled = [one.settled_on for one in rest if one.settled_on is not None and one.due != Parts()]
    return OtherBills(min(asked, default=None), max(settled, default=None))


def first_open(found: Projection) -> ProjectedBill | None:
    return min((bill for bill in found.bills if bill.settled_on is None), key=lambda bill: bill.due_on, default=None)


def settled(found: Projection, bill: ProjectedBill, paid_on: date, today: date, **more: Any) -> Settled | None:
    payment = Payment(more.get("amount", bill.open.total), paid_on, more.get("presumed", False))
    return settle_bill(stored_loan(found), stored_bill(found, bill), others(found, bill), payment, today)


def as_stored(found: Projection, number: int, repayment: int, result: Settled) -> Projection:
    """The stored projection once the result is written."""
    bill = found.bills[number - 1]._replace(
        paid=Parts(*result.paid), presumed=result.presumed, settled_on=result.bill_settled_on
    )
    met = ProjectedAllocation(repayment=repayment, bill=number, parts=Parts(*result.met))
    return replace(
        found,
        as_of=result.projected_on,
        bills=(*found.bills[: number - 1], bill, *found.bills[number:]),
        allocations=(*found.allocations, met),
        outstanding_principal=result.outstanding_principal,
        settled_on=result.settled_on,
        next_change_on=result.next_change_on,
        changes_after={n: on for n, on in found.changes_after.items() if n != number},
    )


def paying(id: int, bill: ProjectedBill, on: date, presumed: bool = False) -> Repayment:
    return Repayment(
        id=id,
        effective_on=on,
        amount=bill.open.total,
        apply_to=ApplyTo.BILL,
        bill=bill.number,
        presumed=presumed,
    )


# Whatever it says is true.


@st.composite
def odd_agreements(draw: st.DrawFn) -> LoanTerms:
    """Agreements with what those of the other properties leave out."""
    terms = draw(agreements())
    return replace(
        terms,
        payoff_to_period_end=draw(st.booleans()),
        order=draw(st.permutations(list(Component))),
        minimum_share=draw(st.sampled_from([Decimal(1), Decimal("0.1")])),
        last_row=draw(st.sampled_from([LastRow.REST, *LastRow])),
        day_count=draw(st.sampled_from([terms.day_count, *DayCount])),
        rounding=draw(st.sampled_from([terms.rounding, Rounding.NONE])),
        penalty=replace(
            terms.penalty,
            adds_on=draw(st.booleans()),
            compounds=draw(st.booleans()),
            cap=draw(st.sampled_from([None, None, 3])),
            late_fee_floor=draw(st.sampled_from([0, 0, 70])),
        ),
        interest_grace=0 if terms.method is Method.FLAT else terms.interest_grace,
    )


@settings(max_examples=400)
@given(
    odd_agreements(), histories(), st.integers(0, 4), st.integers(-2, 2), st.integers(0, 9), st.booleans(), st.data()
)
def test_what_it_says_is_what_the_projection_says(
    terms: LoanTerms, facts: list[Fact], bills: int, early: int, late: int, presumed: bool, data: st.DataObject
) -> None:
    """After some history, the bills that are open then are paid one after the other, each around its payable date and
    looked at then or a little later."""
    since = data.draw(days)
    found = projected(terms, facts, since)
    for number in range(bills + 1):
        bill = first_open(found)
        if bill is None:
            return
        paid_on = max(bill.payable_on - timedelta(days=early if number == bills else 0), since)
        if found.next_change_on is not None and found.next_change_on <= paid_on:
            found = projected(terms, facts, paid_on)
            bill = first_open(found)
            if bill is None:
                return
        today = paid_on + timedelta(days=late if number == bills else 0)
        paid = paying(100 + number, bill, paid_on, presumed)
        result = settled(found, bill, paid_on, today, presumed=presumed)
        facts = [*facts, paid]
        afresh = projected(terms, facts, today)
        if result is not None:
            assert as_stored(found, bill.number, paid.id, result) == afresh
        found = afresh


@settings(max_examples=300)
@given(odd_agreements(), histories(), days, st.integers(1, 8), st.integers(0, 5), st.integers(0, 5))
def test_what_it_says_of_any_bill_is_what_the_projection_says(
    terms: LoanTerms, facts: list[Fact], since: date, number: int, paid_after: int, seen_after: int
) -> None:
    found = projected(terms, facts, since)
    assume(number <= len(found.bills) and found.bills[number - 1].open.total > 0)
    bill = found.bills[number - 1]
    paid_on = max(since, bill.payable_on - timedelta(days=1)) + timedelta(days=paid_after - 1)
    today = paid_on + timedelta(days=seen_after)
    result = settled(found, bill, paid_on, today)
    if result is not None:
        paid = paying(100, bill, paid_on)
        assert as_stored(found, number, 100, result) == projected(terms, [*facts, paid], today)


# It speaks in the usual cases: each bill of a loan in turn, on what it said of the one before.


def pay_every_bill(terms: LoanTerms, facts: list[Fact], since: date) -> Projection:
    """Pay all bills that are open on a day in full on their payable dates, by stored figures alone."""
    found = projected(terms, facts, since)
    facts = list(facts)
    while (bill := first_open(found)) is not None:
        if found.next_change_on is not None and found.next_change_on <= bill.payable_on:
            found = projected(terms, facts, found.next_change_on)
            continue
        result = settled(found, bill, bill.payable_on, bill.payable_on)
        assert result is not None, bill
        facts.append(paying(100 + bill.number, bill, bill.payable_on))
        found = as_stored(found, bill.number, facts[-1].id, result)
        assert found == projected(terms, facts, bill.payable_on)
    return found


PENALTIES = [
    PenaltyTerms(),
    PenaltyTerms(annual_rate=Decimal("0.18")),
    PenaltyTerms(annual_rate=Decimal("0.18"), grace_days=3, from_due=False, base=PenaltyBase.BILL),
    PenaltyTerms(annual_rate=Decimal("0.00001"), cap=40),
    PenaltyTerms(late_fee=2_000, grace_days=10),
    PenaltyTerms(adds_on=True, compounds=True, base=PenaltyBase.MINIMUM, late_fee_share=Decimal("0.05")),
]


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("method", [Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY, Method.FLAT])
@pytest.mark.parametrize("rule", [HolidayRule.SAME_DAY, HolidayRule.NEXT_WORKDAY, HolidayRule.PREVIOUS_WORKDAY])
def test_every_bill_of_a_plain_loan_is_settled(method: Method, rule: HolidayRule, penalty: PenaltyTerms) -> None:
    terms = loan(method=method, holiday_rule=rule, penalty=penalty, flat_fee=1_200 * (method is Method.FLAT))
    found = pay_every_bill(terms, [], terms.disbursed_on)
    assert (len(found.bills), found.outstanding_principal, found.credit, found.next_change_on) == (12, 0, 0, None)
    assert found.settled_on == found.bills[-1].payable_on


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 1},
        {"count": 36, "day_count": DayCount.ACT_360},
        {"unit": Unit.WEEK, "every": 2, "day_count": DayCount.ACT_365F},
        {"spread": Spread.COMPONENT_BY_COMPONENT, "order": (Component.PRINCIPAL, Component.INTEREST)},
        {"overdue_accrues": True, "overdue_rest": OverdueRest.DAY},
        {"overdue_accrues": True, "overdue_rest": OverdueRest.REPAYMENT},
        {"ahead_interest": AheadInterest.TO_DATE},
        {"ahead_interest": AheadInterest.ON_BALANCE},
        {"down_payment": 200_000, "bill_fee": 300},
        {"interest_grace": 2, "principal_grace": 3},
        {"balloon": 500_000, "payoff_to_period_end": True},
        {"rounding": Rounding.NONE, "annual_rate": Decimal("0.0435")},
        {"annual_rate": Decimal(0)},
    ],
)
def test_every_bill_of_a_loan_of_another_kind_is_settled(changes: dict[str, Any]) -> None:
    terms = loan(penalty=PenaltyTerms(annual_rate=Decimal("0.18")), **changes)
    found = pay_every_bill(terms, [], terms.disbursed_on)
    assert (found.outstanding_principal, found.settled_on) == (0, found.bills[-1].due_on)


@pytest.mark.parametrize(
    "facts",
    [
        [repayment(1, "2026-02-20", 200_000)],  # late, with a penalty, and part of the next bill
        [repayment(1, "2026-01-25", 300_000, apply_to=ApplyTo.LOWER)],
        [repayment(1, "2026-02-10", 107_971, presumed=True), Confirmation(id=2, effective_on=day("2026-02-11"), of=1)],
        [RateChange(id=1, effective_on=day("2026-03-20"), annual_rate=Decimal("0.09"))],  # announced
        [Pause(id=1, effective_on=day("2026-04-01"), until=day("2026-04-20"))],
        [Charge(id=1, effective_on=day("2026-02-01"), amount=500)],
        [Waiver(id=1, effective_on=day("2026-02-01"), amount=500, component=Component.INTEREST, bill=2)],
        [Deferral(id=1, effective_on=day("2026-02-05"), bill=2, treatment=DeferralTreatment.SHIFT)],
        [Coupon(id=1, effective_on=day("2026-01-20"), kind=CouponKind.FREE_BILLS, count=2)],
        [Coupon(id=1, effective_on=day("2026-01-20"), kind=CouponKind.AMOUNT, amount=200_000, bill=12)],
    ],
)
def test_every_bill_is_settled_after_what_happens_to_loans(facts: list[Fact]) -> None:
    """All bills are paid from 21 February on, what is overdue by then having been paid before."""
    terms = loan(penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
    since = day("2026-02-21")
    owed = sum(bill.open.total for bill in projected(terms, facts, since).bills if bill.payable_on < since)
    if owed:
        facts = [*facts, repayment(9, "2026-02-21", owed)]
    found = pay_every_bill(terms, facts, since)
    assert (found.outstanding_principal, found.credit) == (0, 0)


def test_a_loan_is_settled_on_the_last_day_something_was() -> None:
    """The last bill is met by a coupon on its due date, 10 January; the one before it is paid on 10 December."""
    coupon = Coupon(id=1, effective_on=day("2026-01-20"), kind=CouponKind.AMOUNT, amount=200_000, bill=12)
    assert pay_every_bill(loan(), [coupon], day("2026-01-20")).settled_on == day("2027-01-10")


def test_it_says_what_a_repayment_met() -> None:
    """935.71 + 144.00 of the first bill on its day; the second asks for 946.94 + 132.77 on 10 March and, unpaid, for
    0.47 a day from the 11th on."""
    found = projected(loan(penalty=PenaltyTerms(annual_rate=Decimal("0.18"))), [], day("2026-02-01"))
    assert settled(found, found.bills[0], day("2026-02-10"), day("2026-02-10"), presumed=True) == Settled(
        met=(93_571, 14_400, 0, 0),
        paid=(93_571, 14_400, 0, 0),
        presumed=107_971,
        bill_settled_on=day("2026-02-10"),
        outstanding_principal=1_106_429,
        settled_on=None,
        projected_on=day("2026-02-10"),
        next_change_on=day("2026-03-11"),
    )


# It is silent where it cannot know.


def silent(terms: LoanTerms, facts: list[Fact], seen: str, paid: str, number: int = 1, **more: Any) -> bool:
    found = projected(terms, facts, day(seen))
    today = day(more.pop("today", paid))
    return settled(found, found.bills[number - 1], day(paid), today, **more) is None


def test_it_is_silent_where_the_bill_is_late_or_not_the_first() -> None:
    penalty = loan(penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
    assert silent(loan(), [], "2026-02-01", "2026-02-11")
    assert silent(penalty, [], "2026-02-11", "2026-02-11")
    assert silent(loan(), [], "2026-02-01", "2026-03-10", number=2)  # the first is open as well
    assert silent(loan(), [], "2026-02-01", "2026-02-08", number=2)


def test_it_is_silent_on_any_other_amount() -> None:
    assert silent(loan(), [], "2026-02-01", "2026-02-10", amount=107_970)
    assert silent(loan(), [], "2026-02-01", "2026-02-10", amount=107_972)
    assert silent(loan(), [], "2026-02-01", "2026-02-10", amount=0)


def test_it_is_silent_where_the_books_are_of_another_day() -> None:
    penalty = loan(penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
    assert silent(loan(), [], "2026-02-11", "2026-02-10", today="2026-02-11")  # a fact of the 11th may count
    assert silent(loan(), [], "2026-02-01", "2026-02-11", today="2026-02-10")
    assert silent(penalty, [], "2026-02-01", "2026-02-10", today="2026-02-11")  # overtaken by the penalty


def test_it_is_silent_while_money_is_held() -> None:
    held = [repayment(1, "2026-01-20", 5_000, apply_to=ApplyTo.HOLD)]
    assert projected(loan(), held, day("2026-02-01")).settling is Settling.NEVER
    assert silent(loan(), held, "2026-02-01", "2026-02-10")


def test_it_is_silent_where_a_fact_counts_after_the_repayments_of_the_day() -> None:
    charged = Charge(id=1, effective_on=day("2026-02-10"), amount=500, after_repayments=True)
    arranged = Arrangement(id=1, effective_on=day("2026-02-10"), terms=loan())
    assert projected(loan(), [charged], day("2026-02-10")).settling is Settling.NEVER
    assert projected(loan(), [arranged], day("2026-02-10")).settling is Settling.NEVER
    assert projected(loan(), [charged], day("2026-02-11")).settling is Settling.NEVER  # late by then
    assert projected(loan(), [charged], day("2026-02-09")).settling is Settling.ANY_DAY  # overtaken on the 10th


def test_where_each_repayment_is_weighed_against_a_payoff_it_is_silent() -> None:
    terms = loan(payoff_to_period_end=True, ahead_interest=AheadInterest.TO_DATE)
    assert projected(terms, [], day("2026-02-01")).settling is Settling.NEVER


def test_where_the_day_changes_interest_only_the_due_date_will_do() -> None:
    """10 May 2026 is a Sunday: payable on the 11th."""
    paid = [repayment(n, f"2026-{n + 1:02}-10", 107_971) for n in (1, 2, 3)]
    for changes in ({"overdue_accrues": True}, {"ahead_interest": AheadInterest.TO_DATE}):
        terms = loan(holiday_rule=HolidayRule.NEXT_WORKDAY, **changes)
        assert projected(terms, paid, day("2026-05-01")).settling is Settling.ON_DUE_DATE
        assert not silent(terms, paid, "2026-05-01", "2026-05-10", number=4)
        assert silent(terms, paid, "2026-05-01", "2026-05-11", number=4)
        assert silent(terms, paid, "2026-05-01", "2026-05-09", number=4)
    assert not silent(loan(holiday_rule=HolidayRule.NEXT_WORKDAY), paid, "2026-05-01", "2026-05-11", number=4)


def test_the_day_before_will_do_unless_a_change_is_agreed_for_the_due_date() -> None:
    change = RateChange(id=1, effective_on=day("2026-02-10"), annual_rate=Decimal("0.09"))
    before = replace(change, effective_on=day("2026-02-09"))
    assert not silent(loan(), [], "2026-02-01", "2026-02-09")
    assert not silent(loan(), [change], "2026-02-01", "2026-02-09")
    assert silent(loan(), [before], "2026-02-01", "2026-02-08")


def test_it_is_silent_before_the_bill_begins() -> None:
    assert silent(loan(down_payment=100_000), [], "2026-01-01", "2026-01-09")
