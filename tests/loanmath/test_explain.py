"""Every amount explains itself: the terms shown add up to it, for any loan and any history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.explain import Explainer, cells, explain, explain_payoff
from ledger.loanmath.explanation import (
    NoSuchCell,
    Part,
    Term,
    TermKind,
    Unexplained,
    cell_named,
    explained,
    rounding_terms,
)
from ledger.loanmath.facts import (
    ApplyTo,
    Arrangement,
    Charge,
    Coupon,
    CouponKind,
    Deferral,
    DeferralTreatment,
    Drawdown,
    Extension,
    Fact,
    LenderFigure,
    Pause,
    RateChange,
    Refund,
    TermsVersion,
    Waiver,
)
from ledger.loanmath.interest import due_dates
from ledger.loanmath.money import Parts, Rounding, split
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.terms import (
    AheadInterest,
    Component,
    Excess,
    LastRow,
    ListedRow,
    LoanTerms,
    Method,
    OverdueRest,
    PaymentFit,
    PenaltyBase,
    PenaltyTerms,
    PrepaymentBase,
    PrepaymentFee,
    PrepaymentTier,
    Residue,
    UnbilledFees,
    Unit,
)
from tests.loanmath.builders import day, first_three_paid, loan, repayment
from tests.loanmath.test_properties import agreements, amounts, bill_numbers, days, histories


@st.composite
def any_agreements(draw: st.DrawFn) -> LoanTerms:
    """Any agreement of the other properties, with the conventions they leave out."""
    terms = draw(agreements())
    method = draw(st.sampled_from([*Method, Method.LEVEL]))
    terms = replace(terms, method=method, **draw(conventions()))
    if method is Method.LISTED:
        dates, shares = (
            due_dates(replace(terms, method=Method.LEVEL, down_payment=0)),
            split(terms.principal, terms.count),
        )
        rows = (Parts(share, draw(st.integers(0, 900)), draw(st.sampled_from([0, 20]))) for share in shares)
        return replace(terms, listed=tuple(map(ListedRow, dates, rows)), opening_balance=None, down_payment=0)
    if method is Method.LEVEL and draw(st.booleans()):
        before_last = terms.count - 1
        weights = draw(st.lists(st.sampled_from(["0", "1", "2.5"]), min_size=before_last, max_size=before_last))
        terms = replace(terms, weights=tuple(map(Decimal, [*weights, "1"])))
    return terms


@st.composite
def conventions(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "day_count": draw(st.sampled_from(list(DayCount))),
        "part_period": draw(st.sampled_from([DayCount.ACT_365F, DayCount.PERIODIC, DayCount.THIRTY_E_360])),
        "interest_rounding": draw(st.sampled_from([None, None, Rounding.NONE, Rounding.UP])),
        "payment_rounding": draw(st.sampled_from([None, None, Rounding.UP])),
        "payment_unit": draw(st.sampled_from([1, 1, 100])),
        "payment_fit": draw(st.sampled_from([PaymentFit.NONE, *PaymentFit])),
        "last_row": draw(st.sampled_from([LastRow.REST, *LastRow])),
        "opening_balance": draw(st.sampled_from([None, None, 60_000])),
        "principal_part": draw(st.sampled_from([None, 5_000])),
        "extra_payment": draw(st.sampled_from([0, 0, 700])),
        "rate_from_payments": draw(st.booleans()),
        "first_day_free": draw(st.booleans()),
        "odd_period_whole": draw(st.booleans()),
        "ahead_interest": draw(st.sampled_from([AheadInterest.PLANNED, *AheadInterest])),
        "overdue_rest": draw(st.sampled_from(list(OverdueRest))),
        "overdue_compounds": draw(st.booleans()),
        "thirty_day_payment": draw(st.booleans()),
        "payoff_to_period_end": draw(st.booleans()),
        "penalty": draw(any_penalties()),
        "prepayment_fee": draw(st.sampled_from(PREPAYMENT_FEES)),
        "unbilled_fees": draw(st.sampled_from(list(UnbilledFees))),
        "unbilled_fee_share": Decimal("0.5"),
        "upfront_fee": draw(st.sampled_from([0, 900])),
    }


PREPAYMENT_FEES = [
    PrepaymentFee(),
    PrepaymentFee(Decimal("0.01"), 6),
    PrepaymentFee(
        Decimal("0.01"), base=PrepaymentBase.REMAINING, tiers=(PrepaymentTier(3, Decimal("0.03")),), least=300
    ),
    PrepaymentFee(months_of_interest=Decimal("1.5")),
]


@st.composite
def any_penalties(draw: st.DrawFn) -> PenaltyTerms:
    return PenaltyTerms(
        annual_rate=draw(st.sampled_from([Decimal(0), Decimal("0.27"), Decimal("3.65")])),
        base=draw(st.sampled_from(list(PenaltyBase))),
        grace_days=draw(st.sampled_from([0, 3])),
        from_due=draw(st.booleans()),
        adds_on=draw(st.booleans()),
        compounds=draw(st.booleans()),
        cap=draw(st.sampled_from([None, None, 900])),
        cap_share=draw(st.sampled_from([None, None, Decimal("0.1")])),
        late_fee=draw(st.sampled_from([0, 500])),
        late_fee_share=draw(st.sampled_from([Decimal(0), Decimal("0.05")])),
        late_fee_floor=draw(st.sampled_from([0, 200])),
        late_fee_cap=draw(st.sampled_from([None, 700])),
    )


@st.composite
def any_histories(draw: st.DrawFn) -> list[Fact]:
    """Any history of the other properties, with the lender's figures and capitalized interest."""
    facts = draw(histories())
    if draw(st.booleans()):
        parts = Parts(*(draw(st.integers(0, 4_000)) for _ in range(4)))
        facts.append(LenderFigure(id=20, effective_on=draw(days), bill=draw(bill_numbers), parts=parts))
    if draw(st.booleans()):
        on, how = draw(days), draw(st.sampled_from([DeferralTreatment.CAPITALIZE, DeferralTreatment.SHIFT]))
        later = on + timedelta(days=draw(st.integers(1, 90)))
        facts.append(Deferral(id=21, effective_on=on, bill=draw(bill_numbers), due_on=later, treatment=how))
    if draw(st.booleans()):
        facts.append(Charge(id=22, effective_on=draw(days), amount=draw(amounts), bill=draw(bill_numbers)))
    return facts


@st.composite
def loans(draw: st.DrawFn) -> tuple[LoanTerms, list[Fact]]:
    """A loan and what happened to it; a lender's table has no row for money drawn after its end."""
    terms, facts = draw(any_agreements()), draw(any_histories())
    if terms.method is Method.LISTED:
        facts = [fact for fact in facts if not isinstance(fact, Drawdown)]
    return terms, facts


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(loans(), days)
def test_the_terms_of_every_amount_add_up_to_it(made: tuple[LoanTerms, list[Fact]], as_of: date) -> None:
    projection = project(*made, as_of)
    explainer = Explainer(projection)
    for cell in cells(projection):
        explanation = explainer.explain(cell)
        assert sum((term.amount for term in explanation.terms), Fraction(0)) == explanation.amount
        assert cell_named(cell.name) == cell


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(loans(), days)
def test_the_terms_of_a_payoff_add_up_to_it(made: tuple[LoanTerms, list[Fact]], on: date) -> None:
    quote = payoff_quote(*made, on)
    for part in Part:
        explanation = explain_payoff(quote, part)
        amount = getattr(quote, part)
        assert (explanation.amount, sum((term.amount for term in explanation.terms), Fraction(0))) == (amount, amount)


SIMPLE_TABLE = tuple(ListedRow(day(f"2026-0{month}-10"), Parts(300, 30, 5)) for month in (2, 3, 4, 5))
TABLE = loan(principal=1_200, method=Method.LISTED, count=4, listed=SIMPLE_TABLE)
DAILY = {"day_count": DayCount.ACT_365F, "excess": Excess.NEXT_BILL}
TO_DATE = loan(ahead_interest=AheadInterest.TO_DATE, **DAILY)
ON_BALANCE = loan(ahead_interest=AheadInterest.ON_BALANCE, **DAILY)
LATE = loan(overdue_accrues=True, overdue_rest=OverdueRest.PERIOD, round_parts=True, **DAILY)
FEE_AFTER_THE_END = Charge(id=2, effective_on=day("2026-01-20"), amount=700, bill=12)
STORIES: list[tuple[LoanTerms, list[Fact]]] = [
    (TABLE, [repayment(1, "2026-02-20", 700, apply_to=ApplyTo.LOWER)]),
    (TABLE, [Pause(id=1, effective_on=day("2026-02-15"), until=day("2026-02-20"))]),
    (replace(TABLE, rounding=Rounding.NONE), [repayment(1, "2026-02-20", 700, apply_to=ApplyTo.LOWER)]),
    (TO_DATE, [repayment(1, "2026-01-20", 150_000)]),
    (TO_DATE, [repayment(1, "2026-01-20", 500_000, apply_to=ApplyTo.LAST)]),
    (TO_DATE, [repayment(1, "2026-01-20", 1_100_000), repayment(2, "2026-03-01", 5_000)]),
    (TO_DATE, [repayment(1, "2026-01-20", 900_000, apply_to=ApplyTo.SHARES)]),
    (TO_DATE, [repayment(1, "2026-01-20", 90_000), repayment(2, "2026-01-25", 90_000, apply_to=ApplyTo.LAST)]),
    (ON_BALANCE, [repayment(1, "2026-01-20", 50_000), repayment(2, "2026-02-10", 90_000)]),
    (ON_BALANCE, [repayment(1, "2026-02-10", 300_000)]),
    (ON_BALANCE, [repayment(1, "2026-01-20", 300_000)]),
    (LATE, [repayment(1, "2026-02-25", 30_000), repayment(2, "2026-03-25", 30_000)]),
    (replace(LATE, round_parts=False, overdue_rest=OverdueRest.DAY), [repayment(1, "2026-02-25", 30_000)]),
    (loan(), [FEE_AFTER_THE_END, repayment(1, "2026-02-20", 1_150_000, apply_to=ApplyTo.SHORTEN)]),
    (loan(last_row=LastRow.SQUEEZE_INTEREST), []),
    (loan(method=Method.INTEREST_ONLY), []),
    (
        loan(**DAILY),
        [
            Deferral(
                id=1,
                effective_on=day("2026-01-15"),
                bill=2,
                due_on=day("2026-04-10"),
                treatment=DeferralTreatment.WAIVE,
            )
        ],
    ),
    (
        replace(TO_DATE, order_ahead=(Component.PRINCIPAL, Component.INTEREST)),
        [repayment(1, "2026-01-12", 107_000)],
    ),
    (
        replace(TO_DATE, method=Method.EQUAL_PRINCIPAL, order_ahead=(Component.PRINCIPAL, Component.INTEREST)),
        [repayment(1, "2026-01-12", 99_000), Refund(id=2, effective_on=day("2026-01-14"), amount=900_000)],
    ),
    (
        TABLE,
        [
            LenderFigure(id=2, effective_on=day("2026-01-15"), bill=4, parts=Parts(100, 30, 5)),
            Extension(id=1, effective_on=day("2026-01-20"), bills=2),
        ],
    ),
    (
        loan(**DAILY),
        [
            Pause(id=1, effective_on=day("2026-02-15"), until=day("2026-02-20")),
            RateChange(id=2, effective_on=day("2026-02-25"), annual_rate=Decimal("0.1")),
        ],
    ),
    (loan(principal_grace=2, interest_grace=1), []),
    (TO_DATE, [repayment(1, "2026-01-12", 107_000), repayment(2, "2026-01-14", 50_000, apply_to=ApplyTo.SHARES)]),
    (
        replace(TO_DATE, excess=Excess.SHORTEN, order_ahead=(Component.PRINCIPAL,)),
        [repayment(1, "2026-01-12", 100_000, apply_to=ApplyTo.NEXT)],
    ),
    (TABLE, [Extension(id=1, effective_on=day("2026-02-15"), bills=2)]),
    (replace(LATE, round_parts=False), [repayment(1, "2026-02-25", 30_000), repayment(2, "2026-03-25", 30_000)]),
    (loan(**DAILY), [Pause(id=1, effective_on=day("2026-02-10"), until=day("2026-03-20"))]),
    (loan(**DAILY), [Pause(id=1, effective_on=day("2026-02-12"), until=day("2026-02-13"))]),
    (
        loan(day_count=DayCount.THIRTY_E_360),
        [
            RateChange(id=1, effective_on=day("2026-01-30"), annual_rate=Decimal("0.2")),
            RateChange(id=2, effective_on=day("2026-01-31"), annual_rate=Decimal("0.1")),
        ],
    ),
    (
        loan(penalty=PenaltyTerms(annual_rate=Decimal("0.24"))),
        [Charge(id=1, effective_on=day("2026-02-25"), amount=300, component=Component.PENALTY, bill=1)],
    ),
    (
        loan(),
        [
            LenderFigure(id=1, effective_on=day("2026-01-15"), bill=1, parts=Parts(93_000, 14_500, 100)),
            repayment(2, "2026-02-10", 90_000),
        ],
    ),
    (
        loan(),
        [
            Deferral(
                id=1,
                effective_on=day("2026-01-15"),
                bill=2,
                due_on=day("2026-04-10"),
                treatment=DeferralTreatment.CAPITALIZE,
            ),
            repayment(2, "2026-01-20", 150_000),
            repayment(3, "2026-01-25", 100_000, apply_to=ApplyTo.SHORTEN),
        ],
    ),
    (loan(round_parts=True, **DAILY), [repayment(1, "2026-02-20", 300_000, apply_to=ApplyTo.LOWER)]),
    (loan(round_parts=True, **DAILY), [Pause(id=1, effective_on=day("2026-02-15"), until=day("2026-02-20"))]),
    (loan(**DAILY), [Pause(id=1, effective_on=day("2026-02-15"), until=day("2026-03-20"))]),
    (loan(prepayment_fee=PREPAYMENT_FEES[1], unbilled_fees=UnbilledFees.DUE, bill_fee=100), []),
    (loan(prepayment_fee=PREPAYMENT_FEES[2]), []),
    (loan(prepayment_fee=PREPAYMENT_FEES[3], payoff_to_period_end=True, overdue_accrues=True), []),
    (replace(TO_DATE, prepayment_fee=PREPAYMENT_FEES[1]), [repayment(1, "2026-01-20", 150_000)]),
    (loan(rounding=Rounding.NONE), [repayment(1, "2026-02-20", 300_000, apply_to=ApplyTo.LOWER)]),
    (replace(TO_DATE, method=Method.EQUAL_PRINCIPAL), [repayment(1, "2026-01-20", 150_000)]),
    (TO_DATE, [repayment(1, "2026-02-20", 2_000), repayment(2, "2026-02-25", 60_000, apply_to=ApplyTo.SHARES)]),
    (loan(count=1), [Charge(id=1, effective_on=day("2026-03-20"), amount=700)]),
    (loan(last_row=LastRow.AS_IS), []),
    (loan(method=Method.FLAT, payment_unit=100), []),
    (loan(payment_fit=PaymentFit.LOWER_LAST), []),
    (loan(payment=150_000), []),
    (loan(method=Method.EQUAL_PRINCIPAL, residue=Residue.FIRST, principal=1_000_000), []),
    (loan(annual_rate=Decimal(0), principal=1_000_000), []),
    (loan(down_payment=100_000, bill_fee_rate=Decimal("0.006"), flat_fee=1_000), []),
    (loan(day_count=DayCount.ACT_ACT, first_day_free=True, disbursed_on=day("2025-12-10")), []),
    (loan(day_count=DayCount.ACT_ACT_DEC31, disbursed_on=day("2025-12-10")), []),
    (loan(unit=Unit.DAY, first_due_on=day("2026-01-10"), odd_period_whole=True, count=3), []),
    (loan(unit=Unit.DAY, first_due_on=day("2026-01-10"), odd_period_whole=True, annual_rate=Decimal(0)), []),
    (
        loan(),
        [
            Deferral(id=1, effective_on=day("2026-03-01"), bill=2, due_on=day("2026-04-10"), treatment=treatment)
            for treatment in (DeferralTreatment.CAPITALIZE,)
        ],
    ),
    (
        loan(),
        [
            Deferral(
                id=1,
                effective_on=day("2026-03-01"),
                bill=2,
                due_on=day("2026-04-10"),
                treatment=DeferralTreatment.ADD_TO_END,
            )
        ],
    ),
    (loan(), [Coupon(id=1, effective_on=day("2026-02-01"), kind=CouponKind.SHARE, fraction=Decimal("0.5"))]),
    (
        TABLE,
        [
            Deferral(
                id=1, effective_on=day("2026-01-20"), bill=bill, due_on=None, treatment=DeferralTreatment.ADD_TO_END
            )
            for bill in (3, 2)
        ],
    ),
    (
        TO_DATE,
        [
            repayment(1, "2026-01-20", 150_000),
            Deferral(id=2, effective_on=day("2026-01-25"), bill=2, treatment=DeferralTreatment.ADD_TO_END),
        ],
    ),
    (loan(), [Refund(id=1, effective_on=day("2026-02-20"), amount=200_000)]),
    (loan(), [Drawdown(id=1, effective_on=day("2026-02-20"), amount=200_000)]),
    (loan(), [Arrangement(id=1, effective_on=day("2026-04-20"), terms=loan(count=24))]),
    (
        loan(down_payment=60_000),
        [
            Deferral(
                id=1,
                effective_on=day("2026-01-20"),
                bill=1,
                due_on=day("2026-05-17"),
                treatment=DeferralTreatment.CAPITALIZE,
            ),
            Charge(id=2, effective_on=day("2026-01-21"), amount=500, bill=7),
            repayment(3, "2026-03-14", 4_637, apply_to=ApplyTo.LOWER),
        ],
    ),
    (
        loan(bill_fee=100),
        [
            repayment(1, "2026-01-20", 120_000),
            Arrangement(id=2, effective_on=day("2026-02-20"), terms=loan(count=24, bill_fee=150)),
        ],
    ),
    (
        loan(),
        [
            repayment(1, "2026-02-10", 50_000),
            Waiver(id=2, effective_on=day("2026-02-11"), amount=90_000, component=Component.INTEREST, bill=1),
        ],
    ),
    (
        loan(),
        [
            LenderFigure(id=1, effective_on=day("2026-01-15"), bill=1, parts=Parts(93_000, 14_500, 100)),
            Charge(id=2, effective_on=day("2026-01-14"), amount=300, bill=1),
            Charge(id=3, effective_on=day("2026-01-16"), amount=400, bill=1),
        ],
    ),
    (loan(penalty=PenaltyTerms(annual_rate=Decimal("0.24"), adds_on=True, compounds=True, late_fee=500)), []),
    (loan(penalty=PenaltyTerms(annual_rate=Decimal("0.24"), cap=300, grace_days=20)), []),
    (
        loan(penalty=PenaltyTerms(annual_rate=Decimal("9"), cap_share=Decimal("0.1"))),
        [repayment(1, "2026-03-20", 50_000)],
    ),
]


@pytest.mark.parametrize("story", range(len(STORIES)))
def test_the_terms_add_up_in_every_story(story: int) -> None:
    terms, facts = STORIES[story]
    for as_of in (day("2026-01-10"), day("2026-03-15"), day("2026-06-01")):
        projection = project(terms, facts, as_of)
        explainer = Explainer(projection)
        for cell in cells(projection):
            explanation = explainer.explain(cell)
            assert sum((term.amount for term in explanation.terms), Fraction(0)) == explanation.amount
        for part in Part:
            cell = cell_named(f"payoff-{as_of}-{part}")
            assert explainer.explain(cell) == explain_payoff(payoff_quote(terms, facts, as_of), part)


def test_terms_that_do_not_add_up_are_refused() -> None:
    short = [Term(kind=TermKind.PART, amount=Fraction(3))]
    with pytest.raises(Unexplained, match="outstanding is 5, its terms add up to 3"):
        explained(cell_named("outstanding"), "CNY", day("2026-01-10"), 5, short)


def test_more_than_rounding_is_no_rounding() -> None:
    assert rounding_terms(Fraction(1, 2), Rounding.HALF_UP) == [rounding(Fraction(1, 2))]
    assert rounding_terms(Fraction(-99), Rounding.HALF_UP, 100) == [rounding(Fraction(-99))]
    assert rounding_terms(Fraction(1), Rounding.HALF_UP) == []


def test_a_loan_without_bills_has_amounts_as_well() -> None:
    projection = project(loan(), [repayment(1, "2026-01-10", 1_200_000, apply_to=ApplyTo.PAYOFF)], day("2026-01-10"))
    assert explain(projection, cell_named("outstanding")).amount == 0
    assert explain(projection, cell_named("outstanding")).facts == (1,)


def interest(days_counted: int, base: int, since: str, until: str, facts: tuple[int, ...] = ()) -> Term:
    """A term at 12.5 % a year over 365 days."""
    return Term(
        kind=TermKind.INTEREST,
        amount=base * Fraction(1, 8) * days_counted / 365,
        since=day(since),
        until=day(until),
        days=days_counted,
        base=Fraction(base),
        rate=Fraction(1, 8),
        year_part=Fraction(days_counted, 365),
        year_days=365,
        day_count=DayCount.ACT_365F,
        facts=facts,
    )


def rounding(amount: Fraction) -> Term:
    return Term(kind=TermKind.ROUNDING, amount=amount, rounding=Rounding.HALF_UP)


def explained_terms(terms: LoanTerms, facts: list[Fact], name: str) -> tuple[int, tuple[Term, ...]]:
    explanation = explain(project(terms, facts, day("2026-06-01")), cell_named(name))
    return explanation.amount, explanation.terms


CAR = {"principal": 300_000, "annual_rate": Decimal("0.125"), "day_count": DayCount.ACT_365F}


def test_interest_is_days_times_rate_times_base() -> None:
    """31 days x 12.5 % / 365 x 3,000.00 = 31.849..., rounded to 31.85."""
    assert explained_terms(loan(**CAR), [], "bill-1-interest") == (
        3_185,
        (interest(31, 300_000, "2026-01-10", "2026-02-10"), rounding(Fraction(5, 73))),
    )


def test_a_prepayment_inside_a_period_makes_two_stretches() -> None:
    """Bill 1 of 267.18 repays 235.33, so 2,764.67 is left; of 1,000.00 paid on 20 February 267.18 meets bill 1 and
    732.82 is prepaid: 10 days on 2,764.67, then 18 days on 2,031.85, 9.468 + 12.525 = 21.99."""
    prepaid = [repayment(1, "2026-02-20", 100_000, apply_to=ApplyTo.LOWER)]
    assert explained_terms(loan(**CAR), prepaid, "bill-2-interest") == (
        2_199,
        (
            interest(10, 276_467, "2026-02-10", "2026-02-20"),
            interest(18, 203_185, "2026-02-20", "2026-03-10", facts=(1,)),
            rounding(Fraction(-23, 73)),
        ),
    )


def test_a_rate_change_inside_a_period_names_the_fact() -> None:
    change = RateChange(id=7, effective_on=day("2026-01-20"), annual_rate=Decimal("0.25"))
    amount, (before, after, rounded) = explained_terms(loan(**CAR), [change], "bill-1-interest")
    assert (before.days, before.rate, before.facts) == (10, Fraction(1, 8), ())
    assert (after.days, after.rate, after.facts) == (21, Fraction(1, 4), (7, 7))
    assert before.amount + after.amount + rounded.amount == amount == 5_342  # 10.27 + 43.15


def test_principal_is_the_payment_less_the_interest() -> None:
    amount, terms = explained_terms(loan(), [], "bill-1-principal")
    assert (amount, [(term.kind, term.amount, term.cell) for term in terms]) == (
        93_571,
        [
            (TermKind.PAYMENT, 107_971, cell_named("payment-1")),
            (TermKind.LESS_INTEREST, -14_400, cell_named("bill-1-interest")),
        ],
    )


def test_the_last_bill_takes_the_rest() -> None:
    amount, terms = explained_terms(loan(), [], "bill-12-principal")
    assert (amount, [(term.kind, term.amount) for term in terms]) == (106_684, [(TermKind.REST, 106_684)])


def test_the_level_payment_says_how_it_was_worked_out() -> None:
    amount, (annuity, rounded) = explained_terms(loan(), [], "payment-3")
    assert amount == 107_971
    assert (annuity.kind, annuity.base, annuity.number, annuity.rate) == (
        TermKind.ANNUITY,
        1_200_000,
        12,
        Fraction("0.144"),
    )
    assert (rounded.kind, annuity.amount + rounded.amount) == (TermKind.ROUNDING, 107_971)


def test_penalty_interest_is_shown_stretch_by_stretch() -> None:
    """523.61 at 24 % a year, 3 days of grace: 5 days on all of it, then, as 200.00 pays the
    penalty of 1.72 and 198.28 of the bill, 2 days on 325.33."""
    terms = loan(
        principal=52_361,
        annual_rate=Decimal(0),
        count=1,
        penalty=PenaltyTerms(annual_rate=Decimal("0.24"), year_days=365, grace_days=3, from_due=False),
    )
    paid = [repayment(4, "2026-02-18", 20_000)]
    explanation = explain(project(terms, paid, day("2026-02-20")), cell_named("bill-1-penalty"))
    assert [(t.kind, t.days, t.base) for t in explanation.terms] == [
        (TermKind.PENALTY, 5, 52_361),
        (TermKind.PENALTY, 2, 32_533),
        (TermKind.ROUNDING, None, None),
    ]
    assert explanation.amount == 215  # 1.7214 + 0.4278


def test_a_lenders_figure_shows_what_it_differs_by() -> None:
    figure = LenderFigure(id=3, effective_on=day("2026-02-01"), bill=1, parts=Parts(93_571, 14_500))
    amount, terms = explained_terms(loan(), [figure], "bill-1-interest")
    assert (amount, [(t.kind, t.amount, t.facts) for t in terms]) == (
        14_500,
        [(TermKind.INTEREST, 14_400, ()), (TermKind.FIGURE, 100, (3,))],
    )


def test_a_payoff_counts_the_days_since_the_last_bill() -> None:
    quote = payoff_quote(loan(), first_three_paid(), day("2026-04-25"))
    explanation = explain_payoff(quote, Part.INTEREST)
    assert (explanation.amount, explanation.cell.name) == (5_420, "payoff-2026-04-25-interest")
    assert [(t.kind, t.days, t.base, t.year_days) for t in explanation.terms[:1]] == [
        (TermKind.INTEREST, 15, 915_905, 365)
    ]


def test_a_charge_after_the_lenders_figure_stays_when_the_bill_is_made_up_again() -> None:
    facts = [
        LenderFigure(id=1, effective_on=day("2026-01-15"), bill=2, parts=Parts(90_000, 14_000)),
        Charge(id=2, effective_on=day("2026-01-20"), amount=500, bill=2),
        repayment(3, "2026-01-25", 100_000, apply_to=ApplyTo.SHORTEN),
    ]
    bill = project(loan(), facts, day("2026-02-01")).bills[1]
    assert bill.due == Parts(90_000, 14_000, 500)


def test_a_replaced_bill_asks_for_what_it_is_charged_later() -> None:
    """Bill 1 was paid 500.00 and let off 20.00 of its fee when the arrangement came; 7.00 charged after that stay,
    3.00 of them let go and 4.00 paid."""
    facts: list[Fact] = [
        Charge(id=1, effective_on=day("2026-02-01"), amount=3_000, bill=1),
        Waiver(id=2, effective_on=day("2026-02-12"), amount=2_000, component=Component.FEE, bill=1),
        repayment(3, "2026-02-15", 50_000),
        Arrangement(id=4, effective_on=day("2026-02-20"), terms=loan(count=24, first_due_on=day("2026-08-10"))),
        Charge(id=5, effective_on=day("2026-02-21"), amount=700, bill=1),
        Waiver(id=6, effective_on=day("2026-02-22"), amount=300, component=Component.FEE, bill=1),
        repayment(7, "2026-02-23", 400),
    ]
    amount, terms = explained_terms(loan(), facts, "bill-1-fee")
    assert (amount, [(term.kind, term.amount, term.facts) for term in terms]) == (
        3_700,
        [
            (TermKind.REPLACED, 0, (4,)),
            (TermKind.REPAID, 1_000, (3,)),
            (TermKind.WAIVER, 2_000, (2,)),
            (TermKind.CHARGE, 700, (5,)),
        ],
    )


def test_a_repayment_shows_what_is_kept_of_it() -> None:
    """Of 1,500.00 bill 1 takes 1,079.71; the rest waits."""
    kept = [repayment(1, "2026-02-10", 150_000, apply_to=ApplyTo.HOLD)]
    found = explain(project(loan(), kept, day("2026-02-20")), cell_named("repayment-1-total"))
    assert [(term.kind, term.amount, term.number) for term in found.terms] == [
        (TermKind.HELD, 42_029, None),
        (TermKind.OF_BILL, 107_971, 1),
    ]
    assert found.amount == 150_000


def test_a_name_that_is_no_amount_is_refused() -> None:
    projection = project(loan(), [], day("2026-02-01"))
    for name in ("", "bill", "bill-1", "bill-1-due", "bill-01-fee", "payoff-2026-13-01-fee", "apr-1", "all-fee-due"):
        with pytest.raises(NoSuchCell):
            cell_named(name)
    for name in (
        "payoff-2026-01-31-fee",
        "all-total-computed",
        "payment-13",
        "bill-13-fee",
        "balance-13",
        "bill-0-fee",
        "bill-1-fee-computed",
        "bill-1-fee-presumed",
        "repayment-5-total",
    ):
        with pytest.raises(NoSuchCell):
            explain(projection, cell_named(name))


def test_a_penalty_that_was_capped_explains_itself_under_terms_without_the_cap() -> None:
    """1,079.71 paid ten days late at 24 % of 935.71 of principal: 6.24, capped at 2.00; the new terms have no cap."""
    capped = PenaltyTerms(annual_rate=Decimal("0.24"), cap=200)
    terms = loan(penalty=capped)
    facts: list[Fact] = [
        repayment(1, "2026-02-20", 108_171),
        TermsVersion(id=2, effective_on=day("2026-03-01"), terms=replace(terms, penalty=replace(capped, cap=None))),
    ]
    amount, (grown, cut) = explained_terms(terms, facts, "bill-1-penalty")
    assert (amount, grown.amount, cut.amount) == (200, Fraction(93_571, 150), 200 - Fraction(93_571, 150))
    assert (grown.kind, cut.kind) == (TermKind.PENALTY, TermKind.PENALTY_CAP)


def test_a_penalty_that_was_capped_explains_itself_under_an_arrangement_without_the_cap() -> None:
    """8.91 paid 134 days late at 27 % over 360 days: 0.895455, capped at a tenth, 0.891, and so 0.89. The arrangement
    of the same day, which has neither cap nor penalty, finds the bill paid."""
    terms = loan(
        principal=1_781,
        annual_rate=Decimal(0),
        count=2,
        first_due_on=day("2026-02-01"),
        penalty=PenaltyTerms(annual_rate=Decimal("0.27"), year_days=360, cap_share=Decimal("0.1")),
    )
    after = replace(terms, first_due_on=day("2026-07-01"), penalty=PenaltyTerms())
    facts: list[Fact] = [
        Arrangement(id=1, effective_on=day("2026-06-15"), terms=after),
        repayment(2, "2026-06-15", 980),
    ]
    projection = project(terms, facts, day("2026-06-15"))
    explanation = explain(projection, cell_named("bill-1-penalty"))
    assert projection.bills[0].due == Parts(891, 0, 0, 89)
    assert [(term.kind, term.amount) for term in explanation.terms] == [
        (TermKind.PENALTY, Fraction("89.5455")),
        (TermKind.PENALTY_CAP, Fraction("-0.4455")),
        (TermKind.ROUNDING, Fraction("-0.1")),
    ]


def test_principal_gives_way_to_the_interest_worked_out_where_more_of_it_was_paid() -> None:
    """1,000.00 in two bills of 507.51 at 1 % a month. Prepaying 100.00 would cost a fee, so that it meets bill 1: 10.00
    of interest and 90.00 of principal. 0.10 more would cost none and lowers the balance to 909.90, which bears 9.10:
    498.41 of the payment is principal, bill 1 asks for the 10.00 paid all the same, and bill 2 for 0.90 less."""
    terms = loan(
        principal=100_000,
        annual_rate=Decimal("0.12"),
        count=2,
        ahead_interest=AheadInterest.ON_BALANCE,
        excess=Excess.NEXT_BILL,
        prepayment_fee=PrepaymentFee(Decimal("0.01"), 6),
        order=(Component.INTEREST, Component.PRINCIPAL),
    )
    facts: list[Fact] = [repayment(1, "2026-01-10", 10_000), repayment(2, "2026-01-10", 10)]
    amount, found = explained_terms(terms, facts, "bill-1-principal")
    assert (amount, [(term.kind, term.amount) for term in found]) == (
        49_841,
        [(TermKind.PAYMENT, 50_751), (TermKind.LESS_INTEREST, -910)],
    )
    amount, found = explained_terms(terms, facts, "bill-1-interest")
    assert (amount, [(term.kind, term.amount) for term in found]) == (
        1_000,
        [
            (TermKind.INTEREST, Fraction("909.9")),
            (TermKind.ROUNDING, Fraction("0.1")),
            (TermKind.CARRIED_ON, 90),
        ],
    )
