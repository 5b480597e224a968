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
from ledger.loanmath.explanation import NoSuchCell, Part, Term, TermKind, cell_named
from ledger.loanmath.facts import ApplyTo, Charge, Deferral, DeferralTreatment, Drawdown, Fact, LenderFigure, RateChange
from ledger.loanmath.interest import due_dates
from ledger.loanmath.money import Parts, Rounding, split
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.terms import LastRow, ListedRow, LoanTerms, Method, PaymentFit, PenaltyTerms
from tests.loanmath.builders import day, first_three_paid, loan, repayment
from tests.loanmath.test_properties import agreements, amounts, bill_numbers, days, histories


@st.composite
def any_agreements(draw: st.DrawFn) -> LoanTerms:
    """Any agreement of the other properties, with the conventions they leave out."""
    terms = draw(agreements())
    method = draw(st.sampled_from([*Method, Method.LEVEL]))
    terms = replace(terms, method=method, **draw(conventions()))
    if method is Method.LISTED:
        dates, shares = due_dates(replace(terms, method=Method.LEVEL)), split(terms.principal, terms.count)
        rows = (Parts(share, draw(st.integers(0, 900)), draw(st.sampled_from([0, 20]))) for share in shares)
        return replace(terms, listed=tuple(map(ListedRow, dates, rows)), opening_balance=None)
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
        "upfront_fee": draw(st.sampled_from([0, 900])),
    }


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


def test_a_name_that_is_no_amount_is_refused() -> None:
    projection = project(loan(), [], day("2026-02-01"))
    for name in ("", "bill", "bill-1", "bill-1-due", "bill-01-fee", "payoff-2026-13-01-fee", "apr-1", "all-fee-due"):
        with pytest.raises(NoSuchCell):
            cell_named(name)
    for name in ("bill-13-fee", "bill-0-fee", "bill-1-fee-computed", "bill-1-fee-presumed", "repayment-5-total"):
        with pytest.raises(NoSuchCell):
            explain(projection, cell_named(name))
