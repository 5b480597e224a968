"""Properties of the penalty that hold for every agreement and every history, searched by hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from ledger.loanmath.facts import (
    ApplyTo,
    Charge,
    Fact,
    RateChange,
    Repayment,
    Reversal,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.penalty import accrue_penalty
from ledger.loanmath.project import live, project
from ledger.loanmath.replay import replay
from ledger.loanmath.terms import (
    Component,
    LoanTerms,
    Method,
    PenaltyBase,
    PenaltyTerms,
    PrepaymentBase,
    PrepaymentFee,
    PrepaymentTier,
    UnbilledFees,
)
from tests.loanmath.test_properties import START, agreements, check_books, days, histories, may_let_go_of_more

LENT = date(2026, 1, 10)
FIRST_DUE = date(2026, 2, 10)
YEARLY = st.sampled_from(["0", "0.0001", "0.06", "0.24", "0.27", "3.65"]).map(Decimal)
fact_days = st.integers(0, 250).map(lambda n: FIRST_DUE + timedelta(days=n - 20))


@st.composite
def penalties(draw: st.DrawFn) -> PenaltyTerms:
    return PenaltyTerms(
        annual_rate=draw(YEARLY),
        base=draw(st.sampled_from(list(PenaltyBase))),
        year_days=draw(st.sampled_from([360, 365])),
        grace_days=draw(st.sampled_from([0, 0, 1, 3, 40])),
        from_due=draw(st.booleans()),
        adds_on=draw(st.booleans()),
        compounds=draw(st.booleans()),
        cap=draw(st.sampled_from([None, None, 0, 777])),
        cap_share=draw(st.sampled_from([None, None, Decimal("0.01")])),
        late_fee=draw(st.sampled_from([0, 0, 500])),
        late_fee_share=draw(st.sampled_from([Decimal(0), Decimal("0.05")])),
        late_fee_base=draw(st.sampled_from(list(PenaltyBase))),
        late_fee_floor=draw(st.sampled_from([0, 0, 1_000])),
        late_fee_cap=draw(st.sampled_from([None, 1_200])),
    )


@st.composite
def loans(draw: st.DrawFn, penalty: st.SearchStrategy[PenaltyTerms] | None = None) -> LoanTerms:
    return LoanTerms(
        currency="CNY",
        principal=draw(st.one_of(st.integers(1, 50), st.integers(1, 1_500_000))),
        disbursed_on=LENT,
        annual_rate=draw(st.sampled_from(["0", "0.12", "0.24"]).map(Decimal)),
        count=draw(st.integers(1, 4)),
        first_due_on=FIRST_DUE,
        method=draw(st.sampled_from([Method.LEVEL, Method.INTEREST_ONLY])),
        bill_fee=draw(st.sampled_from([0, 150])),
        penalty=draw(penalties() if penalty is None else penalty),
        minimum_share=draw(st.sampled_from([Decimal(1), Decimal("0.1"), Decimal(0)])),
        minimum_floor=draw(st.sampled_from([0, 10_000])),
        order=draw(st.sampled_from([tuple(Component), (Component.PRINCIPAL, Component.PENALTY)])),
    )


@st.composite
def one_fact(draw: st.DrawFn, number: int) -> Fact:
    on, amount = draw(fact_days), draw(st.one_of(st.integers(1, 500), st.integers(1, 500_000)))
    kind = draw(st.integers(0, 6))
    bill = draw(st.integers(1, 4))
    if kind == 0:
        component = draw(st.sampled_from([Component.FEE, Component.PENALTY]))
        return Charge(id=number, effective_on=on, amount=amount, component=component, bill=bill)
    if kind == 1:
        component = draw(st.sampled_from(list(Component)))
        return Waiver(id=number, effective_on=on, amount=amount, component=component, bill=bill)
    if kind == 2:
        return RateChange(id=number, effective_on=on, annual_rate=draw(YEARLY))
    if kind == 3:
        return TermsVersion(id=number, effective_on=on, terms=draw(loans()))
    return Repayment(id=number, effective_on=on, amount=amount, apply_to=draw(st.sampled_from(list(ApplyTo))))


@st.composite
def stories(draw: st.DrawFn) -> list[Fact]:
    return [draw(one_fact(number)) for number in range(1, draw(st.integers(0, 4)) + 1)]


def penalties_on(terms: LoanTerms, facts: list[Fact], on: date) -> list[int]:
    return [bill.due.penalty for bill in project(terms, facts, on).bills]


@given(loans(), stories(), fact_days, st.integers(1, 100))
def test_a_penalty_never_falls_by_a_passing_day(terms: LoanTerms, facts: list[Fact], on: date, later: int) -> None:
    known = [fact for fact in facts if fact.effective_on <= on]
    now = penalties_on(terms, known, on)
    then = penalties_on(terms, known, on + timedelta(days=later))
    assert all(a <= b for a, b in zip(now, then, strict=False))


@given(loans(), st.integers(0, 400))
def test_nothing_is_asked_within_the_grace(terms: LoanTerms, after: int) -> None:
    on = FIRST_DUE + timedelta(days=after)
    for bill in project(terms, [], on).bills:
        if (on - bill.payable_on).days <= terms.penalty.grace_days:
            assert bill.due.penalty == 0


@given(loans(), stories(), fact_days)
def test_penalty_interest_never_passes_its_cap(terms: LoanTerms, facts: list[Fact], on: date) -> None:
    """The terms stay; a late fee and penalties the lender charged, be it on a bill that never comes, come beside."""
    facts = [fact for fact in facts if not isinstance(fact, TermsVersion)]
    penalty = terms.penalty
    for bill in project(terms, facts, on).bills:
        charged = sum(fact.amount for fact in facts if isinstance(fact, Charge) and fact.component is Component.PENALTY)
        asked = bill.due.total - bill.due.penalty
        limits = [Decimal(most) for most in (penalty.cap,) if most is not None]
        limits += [share * asked for share in (penalty.cap_share,) if share is not None]
        if limits and penalty.late_fee_cap is not None:
            assert bill.due.penalty - charged <= min(limits) + Decimal("0.5") + penalty.late_fee_cap


@given(loans(), stories(), one_fact(50), fact_days)
def test_recording_and_undoing_changes_no_penalty(
    terms: LoanTerms, facts: list[Fact], extra: Fact, as_of: date
) -> None:
    undo = Reversal(id=51, effective_on=extra.effective_on, of=extra.id)
    assert project(terms, [*facts, extra, undo], as_of) == project(terms, facts, as_of)


@example(
    LoanTerms(
        currency="CNY", principal=100_000, disbursed_on=LENT, annual_rate=Decimal(0), count=1, first_due_on=FIRST_DUE,
        penalty=PenaltyTerms(annual_rate=Decimal("0.36"), compounds=True),
    ),
    [],
    FIRST_DUE + timedelta(days=40),
    50,
)  # fmt: skip
@given(loans(), stories(), fact_days, st.integers(1, 200))
def test_counting_in_two_steps_comes_to_the_same(terms: LoanTerms, facts: list[Fact], on: date, later: int) -> None:
    as_of = on + timedelta(days=later)
    known = [fact for fact in live(facts) if fact.effective_on <= on]
    at_once, in_two = replay(terms, known, on), replay(terms, known, on)
    for bill, same in zip(at_once.open.values(), in_two.open.values(), strict=True):
        accrue_penalty(at_once, bill, as_of)
        accrue_penalty(in_two, same, on)
        accrue_penalty(in_two, same, as_of)
        assert bill.penalty == same.penalty
        assert bill.lateness._replace(stretches=()) == same.lateness._replace(stretches=())
        grown = [sum(stretch.interest for stretch in one.lateness.stretches) for one in (bill, same)]
        assert grown[0] == grown[1] >= bill.lateness.earlier + bill.lateness.interest


@given(loans(), stories(), fact_days)
def test_the_announced_day_is_the_first_that_may_differ(terms: LoanTerms, facts: list[Fact], as_of: date) -> None:
    announced = project(terms, facts, as_of)
    until = announced.next_change_on or as_of + timedelta(days=400)
    quiet = project(terms, facts, max(until - timedelta(days=1), as_of))
    assert (quiet.bills, quiet.credit) == (announced.bills, announced.credit)


@given(loans(), fact_days)
def test_without_facts_the_announced_day_differs(terms: LoanTerms, as_of: date) -> None:
    announced = project(terms, [], as_of)
    if announced.next_change_on is not None:
        assert project(terms, [], announced.next_change_on).bills != announced.bills


@given(st.integers(1, 900), st.integers(1, 300), st.integers(1, 300), st.booleans())
def test_simple_penalty_interest_adds_up_over_the_days(yuan: int, first: int, second: int, adds_on: bool) -> None:
    """Whole tenths of a percent a day on whole tens of yuan: no cent is rounded."""
    own = Decimal("0.36") if adds_on else Decimal(0)
    terms = LoanTerms(
        currency="CNY", principal=yuan * 1_000, disbursed_on=LENT, annual_rate=own, count=1, first_due_on=FIRST_DUE,
        penalty=PenaltyTerms(annual_rate=Decimal("0.36"), adds_on=adds_on),
    )  # fmt: skip
    found = [penalties_on(terms, [], FIRST_DUE + timedelta(days=late))[0] for late in (first, second, first + second)]
    assert found[0] + found[1] == found[2] == yuan * (2 if adds_on else 1) * (first + second)


@given(loans(), st.integers(0, 40))
def test_what_is_paid_within_the_grace_costs_nothing(terms: LoanTerms, late: int) -> None:
    """However late it is told."""
    late = min(late, terms.penalty.grace_days)
    one = replace(terms, count=1)
    asked = project(one, [], LENT).bills[0].due.total
    paid = Repayment(id=1, effective_on=FIRST_DUE + timedelta(days=late), amount=asked)
    assert penalties_on(one, [paid], FIRST_DUE + timedelta(days=500)) == [0]


@st.composite
def prepayment_fees(draw: st.DrawFn) -> PrepaymentFee:
    return PrepaymentFee(
        fraction=draw(st.sampled_from([Decimal(0), Decimal("0.01")])),
        free_after_months=draw(st.sampled_from([None, 6])),
        base=draw(st.sampled_from(list(PrepaymentBase))),
        tiers=draw(st.sampled_from([(), (PrepaymentTier(3, Decimal("0.05")), PrepaymentTier(9, Decimal("0.02")))])),
        months_of_interest=draw(st.sampled_from([Decimal(0), Decimal("1.5")])),
        least=draw(st.sampled_from([0, 0, 5_000])),
    )


@st.composite
def whole_agreements(draw: st.DrawFn) -> LoanTerms:
    """Agreements of every kind with costs of every kind."""
    return replace(
        draw(agreements()),
        penalty=draw(penalties()),
        prepayment_fee=draw(prepayment_fees()),
        unbilled_fees=draw(st.sampled_from(list(UnbilledFees))),
        unbilled_fee_share=draw(st.sampled_from([Decimal(1), Decimal("0.5")])),
        minimum_share=draw(st.sampled_from([Decimal(1), Decimal("0.1")])),
        payoff_to_period_end=draw(st.booleans()),
    )


@given(whole_agreements(), histories(), days)
def test_every_cent_is_found_again_whatever_lateness_and_prepaying_cost(
    terms: LoanTerms, facts: list[Fact], as_of: date
) -> None:
    check_books(terms, facts, project(terms, facts, as_of))


@given(whole_agreements(), histories(), days)
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
        short = replace(exact, amount=quote.total - 1)
        assert project(terms, [*facts, short], on).settled_on is None


@given(whole_agreements(), histories(), days)
def test_a_quote_is_good_through_its_day(terms: LoanTerms, facts: list[Fact], on: date) -> None:
    facts = [fact for fact in facts if fact.effective_on <= on]
    quote = payoff_quote(terms, facts, on)
    assert START <= on <= quote.good_through
    assert payoff_quote(terms, facts, quote.good_through).total <= quote.total
