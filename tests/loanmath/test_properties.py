"""Properties of the engine that hold for every loan and every history, searched by hypothesis."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

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
    Drawdown,
    DueDateMove,
    Extension,
    Fact,
    LenderFigure,
    Pause,
    RateChange,
    RateEffect,
    Refund,
    Repayment,
    Reversal,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.interest import due_dates
from ledger.loanmath.money import Parts, Rounding
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import Projection
from ledger.loanmath.schedule import schedule
from ledger.loanmath.terms import (
    AheadInterest,
    Component,
    Excess,
    HolidayRule,
    LoanTerms,
    Method,
    OverdueRest,
    PenaltyBase,
    PenaltyTerms,
    PrepaymentFee,
    Residue,
    Spread,
    Unit,
)

START = date(2026, 1, 31)
BEFORE_THE_END = START + timedelta(days=900)
METHODS = [Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY, Method.FLAT]
ROUNDINGS = [Rounding.HALF_UP, Rounding.HALF_EVEN, Rounding.DOWN, Rounding.UP]
rates = st.sampled_from(["0", "0.01", "0.0345", "0.12", "0.144", "0.24", "3.65"]).map(Decimal)
days = st.integers(0, 500).map(lambda n: START + timedelta(days=n))
amounts = st.one_of(st.integers(1, 500), st.integers(1, 150_000), st.integers(1, 2_000_000))
bill_numbers = st.integers(1, 8)


ONE_FREE_BILL = LoanTerms(
    currency="CNY",
    principal=10_000,
    disbursed_on=START,
    annual_rate=Decimal(0),
    count=1,
    first_due_on=START + timedelta(days=1),
    prepayment_fee=PrepaymentFee(Decimal("0.01")),
)


@st.composite
def agreements(draw: st.DrawFn) -> LoanTerms:
    principal = draw(st.one_of(st.integers(1, 50), st.integers(1, 1_500_000), st.just(10**13)))
    terms = LoanTerms(
        currency="CNY",
        principal=principal,
        disbursed_on=START,
        annual_rate=draw(rates),
        count=draw(st.integers(1, 8)),
        first_due_on=START + timedelta(days=draw(st.integers(1, 60))),
        method=draw(st.sampled_from(METHODS)),
        unit=draw(st.sampled_from([Unit.MONTH, Unit.MONTH, Unit.WEEK, Unit.DAY, Unit.YEAR])),
        every=draw(st.integers(1, 3)),
        anchor_day=draw(st.sampled_from([None, None, 31])),
        day_count=draw(st.sampled_from([DayCount.PERIODIC, DayCount.PERIODIC, DayCount.ACT_365F, DayCount.ACT_360])),
        rounding=draw(st.sampled_from(ROUNDINGS)),
        residue=draw(st.sampled_from(list(Residue))),
        flat_fee=draw(st.sampled_from([0, 0, 7_201])),
        bill_fee=draw(st.sampled_from([0, 0, 150])),
        excess=draw(st.sampled_from(list(Excess))),
        spread=draw(st.sampled_from(list(Spread))),
        order_ahead=draw(st.sampled_from([(), (Component.PRINCIPAL, Component.INTEREST)])),
        round_parts=draw(st.booleans()),
        penalty=draw(penalties()),
        balloon=draw(st.sampled_from([0, 0, 20])),
        principal_grace=draw(st.sampled_from([0, 0, 2])),
        interest_grace=draw(st.sampled_from([0, 0, 0, 2])),
        overdue_accrues=draw(st.booleans()),
        overdue_rest=draw(st.sampled_from(list(OverdueRest))),
        overdue_compounds=draw(st.booleans()),
        ahead_interest=draw(st.sampled_from([AheadInterest.PLANNED, *AheadInterest])),
        thirty_day_payment=draw(st.booleans()),
        prepayment_fee=draw(st.sampled_from([PrepaymentFee(), PrepaymentFee(Decimal("0.01"), 6)])),
        down_payment=draw(st.sampled_from([0, 0, 0, principal // 4])),
        bill_fee_rate=draw(st.sampled_from([Decimal(0), Decimal(0), Decimal("0.006")])),
        interest_free_days=draw(st.sampled_from([0, 0, 0, 15, 70])),
        first_day_free=draw(st.booleans()),
        part_period=draw(st.sampled_from([DayCount.ACT_365F, DayCount.PERIODIC])),
        holiday_rule=draw(st.sampled_from([HolidayRule.SAME_DAY, *HolidayRule])),
    )
    late = draw(st.sampled_from([None, None, None, 0, 20]))
    return terms if late is None else replace(terms, last_due_on=due_dates(terms)[-1] + timedelta(days=late))


@st.composite
def penalties(draw: st.DrawFn) -> PenaltyTerms:
    return PenaltyTerms(
        annual_rate=draw(st.sampled_from([Decimal(0), Decimal("0.27")])),
        base=draw(st.sampled_from(list(PenaltyBase))),
        grace_days=draw(st.sampled_from([0, 3])),
        from_due=draw(st.booleans()),
        late_fee=draw(st.sampled_from([0, 0, 500])),
    )


@st.composite
def coupons(draw: st.DrawFn, number: int, on: date) -> Coupon:
    return Coupon(
        id=number,
        effective_on=on,
        kind=draw(st.sampled_from(list(CouponKind))),
        amount=draw(amounts),
        fraction=draw(st.sampled_from([Decimal("0.01"), Decimal("0.5"), Decimal(1)])),
        count=draw(st.integers(1, 40)),
        bill=draw(st.one_of(st.none(), bill_numbers)),
        until=draw(st.sampled_from([None, on + timedelta(100)])),
        cap=draw(st.one_of(st.none(), amounts)),
    )


@st.composite
def one_fact(draw: st.DrawFn, number: int) -> Fact:
    kind = draw(st.integers(0, 24))
    on = draw(days)
    component = draw(st.sampled_from([Component.FEE, Component.PENALTY]))
    if kind == 0:
        effect = draw(st.sampled_from(list(RateEffect)))
        return RateChange(id=number, effective_on=on, annual_rate=draw(rates), effect=effect)
    if kind == 1:
        bill = draw(st.one_of(st.none(), bill_numbers))
        due_on = draw(st.one_of(st.none(), days))
        return Charge(id=number, effective_on=on, amount=draw(amounts), component=component, bill=bill, due_on=due_on)
    if kind == 2:
        waived = draw(st.sampled_from([Component.INTEREST, component]))
        return Waiver(id=number, effective_on=on, amount=draw(amounts), component=waived, bill=draw(bill_numbers))
    if kind in (3, 8):
        treatment = draw(st.sampled_from(list(DeferralTreatment)))
        due_on = draw(st.sampled_from([None, on + timedelta(40)]))
        return Deferral(id=number, effective_on=on, bill=draw(bill_numbers), due_on=due_on, treatment=treatment)
    if kind == 4 and number > 1:
        return Reversal(id=number, effective_on=on, of=draw(st.integers(1, number - 1)))
    if kind == 5 and number > 1:
        return Confirmation(id=number, effective_on=on, of=draw(st.integers(1, number - 1)))
    if kind == 6:
        return TermsVersion(id=number, effective_on=on + timedelta(days=1), terms=draw(agreements()))
    if kind == 7:
        return Drawdown(id=number, effective_on=on, amount=draw(amounts))
    if kind == 9:
        return Pause(id=number, effective_on=on, until=on + timedelta(days=draw(st.integers(0, 90))))
    if kind == 10:
        return Extension(id=number, effective_on=on, bills=draw(st.integers(1, 3)))
    if kind in (11, 12):
        return Refund(id=number, effective_on=on, amount=draw(amounts))
    if kind == 13:
        return DueDateMove(id=number, effective_on=on, bill=draw(bill_numbers), due_on=draw(days))
    if kind in (14, 15):
        return draw(coupons(number, on))
    if kind in (16, 17):
        terms = draw(agreements())
        return Arrangement(id=number, effective_on=on, terms=terms, forgives=draw(st.booleans()))
    apply_to = draw(st.sampled_from(list(ApplyTo)))
    bill = draw(bill_numbers) if apply_to is ApplyTo.BILL else None
    return Repayment(
        id=number,
        effective_on=on,
        amount=draw(amounts),
        apply_to=apply_to,
        bill=bill,
        presumed=draw(st.booleans()),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    return [draw(one_fact(number)) for number in range(1, draw(st.integers(0, 7)) + 1)]


def counted_repayments(facts: list[Fact], as_of: date) -> dict[int, int]:
    paid = [fact for fact in live(facts) if isinstance(fact, Repayment | Refund)]
    return {fact.id: fact.amount for fact in paid if START <= fact.effective_on <= as_of}


# An amount may be taken off a bill to come; free days are shared by days over interest fixed in between.
OFF_LATER_BILLS = (CouponKind.AMOUNT, CouponKind.FREE_DAYS)


def may_let_go_of_more(fact: Fact, on: date) -> bool:
    """Whether less than what is asked on a day may settle: an arrangement of that day counts after what is paid on it
    and, if it forgives, lets go of the interest and charges that are left."""
    if isinstance(fact, Arrangement):
        return fact.forgives and fact.effective_on == on
    return isinstance(fact, Coupon) and fact.kind in OFF_LATER_BILLS


def adds_to_principal(fact: Fact) -> bool:
    """Whether interest or charges may become principal by it."""
    treatment = fact.treatment if isinstance(fact, Deferral) else None
    return treatment is DeferralTreatment.CAPITALIZE or (isinstance(fact, Arrangement) and not fact.forgives)


def check_books(terms: LoanTerms, facts: list[Fact], projection: Projection) -> None:
    """What must be true of every projection."""
    met: dict[int, int] = {}
    for allocation in projection.allocations:
        parts = allocation.parts
        assert min(parts.principal, parts.interest, parts.fee, parts.penalty) >= 0
        assert parts.total > 0
        met[allocation.repayment] = met.get(allocation.repayment, 0) + parts.total
    paid = counted_repayments(facts, projection.as_of)
    assert all(amount <= paid[repayment] for repayment, amount in met.items())
    assert sum(met.values()) + projection.credit == sum(paid.values())
    assert projection.credit >= 0
    for bill in projection.bills:
        for amounts_of in (bill.due, bill.paid, bill.waived, bill.open):
            assert min(amounts_of.principal, amounts_of.interest, amounts_of.fee, amounts_of.penalty) >= 0
        to_bill = [a.parts.total for a in projection.allocations if a.bill == bill.number]
        assert sum(to_bill) == bill.paid.total
        assert (bill.settled_on is None) == (bill.open.total > 0)
        assert 0 <= bill.presumed <= bill.paid.total
    assert [bill.number for bill in projection.bills] == list(range(1, len(projection.bills) + 1))
    beside = sum(a.parts.principal for a in projection.allocations if a.bill is None)
    drawn = sum(f.amount for f in live(facts) if isinstance(f, Drawdown) and f.effective_on <= projection.as_of)
    joined = sum(bill.due.principal for bill in projection.bills) + beside - terms.opening - drawn
    assert joined >= 0
    assert joined == 0 or any(adds_to_principal(fact) for fact in live(facts) if fact.effective_on <= projection.as_of)
    assert sum(bill.open.principal for bill in projection.bills) == projection.outstanding_principal


@given(agreements())
def test_principal_of_all_bills_sums_to_the_amount_lent(terms: LoanTerms) -> None:
    rows = schedule(terms)
    assert sum(row.principal for row in rows) == terms.principal
    assert rows[-1].balance == 0
    assert all(min(row.principal, row.interest, row.fee, row.balance) >= 0 for row in rows)


@given(agreements())
def test_a_loan_without_facts_asks_for_what_was_scheduled(terms: LoanTerms) -> None:
    bills = project(terms, [], START).bills
    assert [(b.due_on, b.due) for b in bills] == [
        (row.due_on, Parts(row.principal, row.interest, row.fee)) for row in schedule(terms)
    ]


@given(agreements(), histories(), days)
def test_every_cent_paid_is_found_again(terms: LoanTerms, facts: list[Fact], as_of: date) -> None:
    check_books(terms, facts, project(terms, facts, as_of))


@given(agreements(), histories(), days, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_were_typed_never_matters(
    terms: LoanTerms, facts: list[Fact], as_of: date, chance: random.Random
) -> None:
    shuffled = facts.copy()
    chance.shuffle(shuffled)
    assert project(terms, shuffled, as_of) == project(terms, facts, as_of)


@given(agreements(), histories(), one_fact(50), days)
def test_recording_and_undoing_is_as_if_nothing_happened(
    terms: LoanTerms, facts: list[Fact], extra: Fact, as_of: date
) -> None:
    undo = Reversal(id=51, effective_on=extra.effective_on, of=extra.id)
    redo = Reversal(id=52, effective_on=extra.effective_on, of=undo.id)
    facts = [fact for fact in facts if not isinstance(fact, Reversal)]
    if isinstance(extra, Reversal):
        return
    assert project(terms, [*facts, extra, undo], as_of) == project(terms, facts, as_of)
    assert project(terms, [*facts, extra, undo, redo], as_of) == project(terms, [*facts, extra], as_of)


@given(agreements(), histories(), days)
def test_facts_of_later_days_do_not_count_yet(terms: LoanTerms, facts: list[Fact], as_of: date) -> None:
    known = [fact for fact in live(facts) if fact.effective_on <= as_of]
    now, then = project(terms, known, as_of), project(terms, facts, as_of)
    assert (now.bills, now.allocations, now.credit) == (then.bills, then.allocations, then.credit)


@given(agreements(), histories(), days)
def test_nothing_changes_before_the_announced_day(terms: LoanTerms, facts: list[Fact], as_of: date) -> None:
    announced = project(terms, facts, as_of)
    until = announced.next_change_on or BEFORE_THE_END
    last_quiet_day = until - timedelta(days=1)
    later = project(terms, facts, max(last_quiet_day, as_of))
    assert later.bills == announced.bills
    assert later.allocations == announced.allocations
    assert (later.outstanding_principal, later.credit, later.settled_on) == (
        announced.outstanding_principal,
        announced.credit,
        announced.settled_on,
    )


@example(ONE_FREE_BILL, [Repayment(id=1, effective_on=START, amount=50)], START)
@example(ONE_FREE_BILL, [Repayment(id=1, effective_on=START, amount=30)], START)
@given(agreements(), histories(), days)
def test_paying_the_quoted_amount_settles_and_one_less_does_not(terms: LoanTerms, facts: list[Fact], on: date) -> None:
    facts = [fact for fact in facts if fact.effective_on <= on]
    quote = payoff_quote(terms, facts, on)
    assert quote.total == quote.principal + quote.interest + quote.fee + quote.penalty - quote.credit
    if not quote.total:
        return
    exact = Repayment(id=90, effective_on=on, amount=quote.total, apply_to=ApplyTo.PAYOFF)
    settled = project(terms, [*facts, exact], on)
    check_books(terms, [*facts, exact], settled)
    assert (settled.settled_on, settled.outstanding_principal, settled.credit) == (on, 0, 0)
    if quote.total > 1 and not any(may_let_go_of_more(fact, on) for fact in facts):
        short = Repayment(id=90, effective_on=on, amount=quote.total - 1, apply_to=ApplyTo.PAYOFF)
        assert project(terms, [*facts, short], on).settled_on is None


@given(agreements(), histories(), days)
def test_what_is_owed_only_falls_from_bill_to_bill(terms: LoanTerms, facts: list[Fact], as_of: date) -> None:
    facts = [f for f in facts if not adds_to_principal(f) and not isinstance(f, Drawdown | Arrangement)]
    bills = [bill for bill in project(terms, facts, as_of).bills if bill.deferred_from is None]
    owed = [bill.outstanding_after for bill in bills]
    assert owed == sorted(owed, reverse=True)


@given(agreements(), histories(), st.booleans(), agreements(), days)
def test_an_arrangement_moves_principal_and_loses_none(
    terms: LoanTerms, facts: list[Fact], forgives: bool, new: LoanTerms, on: date
) -> None:
    facts = [f for f in facts if f.effective_on <= on and not isinstance(f, Reversal | Waiver | Coupon | Refund)]
    facts = [f for f in facts if isinstance(f, Arrangement) or not adds_to_principal(f)]  # it may be for a bill to come
    facts = [replace(f, apply_to=ApplyTo.HOLD) if isinstance(f, Repayment) else f for f in facts]
    before = project(terms, facts, on)
    arranged = Arrangement(id=70, effective_on=on, terms=new, forgives=forgives)
    after = project(terms, [*facts, arranged], on)
    joined = after.outstanding_principal - before.outstanding_principal
    assert before.credit or joined == 0 or (not forgives and joined > 0)
    assert all(bill.open == Parts() for bill in after.bills if bill.due_on < on)


@given(agreements(), histories(), bill_numbers, amounts, days)
def test_a_lenders_figure_is_what_the_bill_asks_for(
    terms: LoanTerms, facts: list[Fact], number: int, interest: int, as_of: date
) -> None:
    facts = [f for f in facts if isinstance(f, Repayment)]
    parts = Parts(principal=0, interest=interest)
    figure = LenderFigure(id=60, effective_on=START, bill=number, parts=parts)
    projection = project(terms, [*facts, figure], as_of)
    for bill in projection.bills:
        if bill.number == number:
            assert (bill.due.principal, bill.due.interest) == (0, interest)
            assert bill.computed is not None
