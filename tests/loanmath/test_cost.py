"""True cost: each flow and each item of a loan as agreed and as it went, worked by hand, and that they add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.loanmath.cost import (
    Advertised,
    ContingentKind,
    CostItem,
    Flow,
    FlowKind,
    ItemKind,
    LifeCost,
    TrueCost,
    advertised,
    agreed_cost,
    contingent,
    true_cost,
)
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.explain import explain
from ledger.loanmath.explanation import Cell, Part, Subject, TermKind
from ledger.loanmath.facts import ApplyTo, Charge, Drawdown, Fact, Refund, Reversal, Waiver
from ledger.loanmath.project import project
from ledger.loanmath.terms import (
    Component,
    LoanTerms,
    Method,
    PenaltyTerms,
    PrepaymentFee,
    UnbilledFees,
    Unit,
)
from tests.loanmath.builders import day, loan, repayment
from tests.loanmath.test_loan_file import START, agreements, histories


def small(**changes: Any) -> LoanTerms:
    """3,000.00 at 12 % over three months: 1,020.07, 1,020.07, 1,020.06."""
    return loan(principal=300_000, annual_rate=Decimal("0.12"), count=3, **changes)


def flat(**changes: Any) -> LoanTerms:
    """12,000.00 at "0.6 % a month", 864.00 in all: twelve bills of 1,072.00."""
    return loan(annual_rate=Decimal(0), method=Method.FLAT, flat_fee=86_400, **changes)


def rates(cost: LifeCost) -> tuple[str, str]:
    assert cost.annual is not None
    return f"{cost.annual.simple * 100:.2f}", f"{cost.annual.compound * 100:.2f}"


def amounts(cost: LifeCost) -> dict[ItemKind, int]:
    return {item.kind: item.amount for item in cost.items}


def shares(cost: LifeCost) -> list[str]:
    return [f"{(item.annual or 0) * 100:.2f}" for item in cost.items]


def as_it_went(terms: LoanTerms, *facts: Fact, on: str) -> TrueCost:
    return true_cost(terms, facts, day(on))


# --- As agreed.


def test_each_flow_and_each_item_of_an_agreement() -> None:
    """60.20 interest + 15.00 with the bills + 30.00 up front = 105.20, or 35.07 on each 1,000.00."""
    cost = agreed_cost(small(bill_fee=500, upfront_fee=3_000))
    assert cost.flows == (
        Flow(day("2026-01-10"), FlowKind.LENT, 300_000),
        Flow(day("2026-01-10"), FlowKind.UPFRONT_FEE, -3_000),
        Flow(day("2026-02-10"), FlowKind.BILL, -102_507, 1, True),
        Flow(day("2026-03-10"), FlowKind.BILL, -102_507, 2, True),
        Flow(day("2026-04-10"), FlowKind.BILL, -102_506, 3, True),
    )
    assert amounts(cost) == {ItemKind.INTEREST: 6_020, ItemKind.BILL_FEE: 1_500, ItemKind.UPFRONT_FEE: 3_000}
    assert (cost.lent, cost.received, cost.paid, cost.total, cost.per_thousand) == (
        300_000,
        300_000,
        310_520,
        10_520,
        3_507,
    )


def test_items_say_what_they_add_to_the_yearly_cost() -> None:
    """12 % interest alone; 2.98 points more with 5.00 on each bill, 6.15 more with 30.00 up front."""
    cost = agreed_cost(small(bill_fee=500, upfront_fee=3_000))
    assert cost.annual is not None
    assert sum((item.annual for item in cost.items if item.annual), Decimal(0)) - cost.annual.simple < Decimal("1e-25")
    assert shares(cost) == ["12.00", "2.98", "6.15"]
    assert rates(cost) == ("21.13", "23.30")


def test_a_flat_price_beside_what_it_costs() -> None:
    """ "0.60 % a month × 12": 13.03 % a year, 13.84 % compounded."""
    terms = flat()
    assert advertised(terms) == Advertised(Decimal("0.006"), Unit.MONTH, 1, Decimal(12))
    assert advertised(terms).annual == Decimal("0.072")
    cost = agreed_cost(terms)
    assert (rates(cost), cost.items[0].kind, cost.total, cost.per_thousand) == (
        ("13.03", "13.84"),
        ItemKind.FLAT_FEE,
        86_400,
        7_200,
    )


def test_a_flat_fee_and_a_fee_on_each_bill_stand_apart() -> None:
    cost = agreed_cost(flat(bill_fee=100))
    assert amounts(cost) == {ItemKind.FLAT_FEE: 86_400, ItemKind.BILL_FEE: 1_200}


def test_rates_are_advertised_as_lenders_put_them() -> None:
    daily = loan(annual_rate=Decimal("0.18"), day_count=DayCount.ACT_360)
    assert advertised(daily) == Advertised(Decimal("0.0005"), Unit.DAY, 1, Decimal(360))
    assert advertised(loan()) == Advertised(Decimal("0.144"), Unit.YEAR, 1, Decimal(1))
    endless = loan(annual_rate=Decimal("0.06"), day_count=DayCount.ACT_360)  # 6 / 360 = 0.01666… % a day
    assert advertised(endless) == Advertised(Decimal("0.06"), Unit.YEAR, 1, Decimal(1))
    weekly = flat(unit=Unit.WEEK, every=2, first_due_on=day("2026-01-24"))
    assert advertised(weekly) == Advertised(Decimal("0.006"), Unit.WEEK, 2, Decimal(26))


def test_a_financed_fee_is_a_cost_though_it_is_repaid_as_principal() -> None:
    cost = agreed_cost(small(opening_balance=303_000))
    assert amounts(cost)[ItemKind.ADDED] == 3_000
    assert cost.total == sum(amounts(cost).values())
    assert cost.received == 300_000


def test_without_interest_and_fees_there_is_no_item_and_no_cost() -> None:
    cost = agreed_cost(replace(small(), annual_rate=Decimal(0)))
    assert (cost.items, cost.total, cost.per_thousand, rates(cost)) == ((), 0, 0, ("0.00", "0.00"))


def test_what_may_come_on_top_is_named() -> None:
    assert contingent(loan()) == ()
    terms = loan(
        bill_fee=100,
        unbilled_fees=UnbilledFees.DUE,
        penalty=PenaltyTerms(annual_rate=Decimal("0.27"), late_fee=1_000),
        prepayment_fee=PrepaymentFee(months_of_interest=Decimal(1)),
    )
    assert contingent(terms) == tuple(ContingentKind)


# --- As it went.


def test_while_all_goes_as_planned_both_costs_are_the_same() -> None:
    terms = small(bill_fee=500, upfront_fee=3_000)
    paid = (repayment(1, "2026-02-10", 102_507), repayment(2, "2026-03-10", 102_507))
    cost = as_it_went(terms, *paid, on="2026-03-15")
    assert cost.real.annual == cost.agreed.annual
    assert amounts(cost.real) == amounts(cost.agreed)
    assert [(flow.kind, flow.amount, flow.number, flow.is_expected) for flow in cost.real.flows[2:]] == [
        (FlowKind.REPAYMENT, -102_507, 1, False),
        (FlowKind.REPAYMENT, -102_507, 2, False),
        (FlowKind.BILL, -102_506, 3, True),
    ]


def test_repaying_early_makes_fees_up_front_dearer() -> None:
    """Settled after ten days with a fee of 1 %: 9.86 interest, 30.00 early, 30.00 up front, on 3,000.00."""
    terms = small(upfront_fee=3_000, prepayment_fee=PrepaymentFee(Decimal("0.01")))
    cost = as_it_went(terms, repayment(1, "2026-01-20", 303_986, apply_to=ApplyTo.PAYOFF), on="2026-01-20")
    assert amounts(cost.real) == {ItemKind.INTEREST: 986, ItemKind.UPFRONT_FEE: 3_000, ItemKind.EARLY_FEE: 3_000}
    assert (cost.real.total, cost.real.per_thousand) == (6_986, 2_329)
    assert cost.real.annual is not None
    assert cost.agreed.annual is not None
    assert cost.real.annual.by_days
    assert f"{cost.real.annual.compound:.4f}" == "1.3364"  # (3,039.86 / 2,970.00) ^ 36.5 - 1
    assert cost.real.annual.simple > 4 * cost.agreed.annual.simple


def test_a_bill_paid_late_costs_its_penalty_and_the_days_are_counted() -> None:
    """990.07 × 18 % × 10 / 360 = 4.95 more."""
    terms = small(penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
    cost = as_it_went(terms, repayment(1, "2026-02-20", 102_502), on="2026-02-20")
    assert amounts(cost.real) == {ItemKind.INTEREST: 6_020, ItemKind.PENALTY: 495}
    assert cost.real.total == 6_515


def test_an_overdue_bill_is_expected_today() -> None:
    cost = as_it_went(small(), on="2026-02-20")
    assert cost.real.flows[1:] == (
        Flow(day("2026-02-20"), FlowKind.BILL, -102_007, 1, True),
        Flow(day("2026-03-10"), FlowKind.BILL, -102_007, 2, True),
        Flow(day("2026-04-10"), FlowKind.BILL, -102_006, 3, True),
    )


def test_charges_count_and_what_is_waived_does_not() -> None:
    charged = Charge(id=1, effective_on=day("2026-02-01"), amount=2_000, bill=1)
    waived = Waiver(id=2, effective_on=day("2026-02-02"), amount=500, component=Component.FEE, bill=1)
    undone = Charge(id=3, effective_on=day("2026-02-02"), amount=9_000, bill=1)
    cost = as_it_went(
        small(), charged, waived, undone, Reversal(id=4, effective_on=day("2026-02-02"), of=3), on="2026-02-05"
    )
    assert amounts(cost.real) == {ItemKind.INTEREST: 6_020, ItemKind.BILL_FEE: 1_500}


def test_money_drawn_on_several_days_is_received_on_each() -> None:
    drawn = Drawdown(id=1, effective_on=day("2026-02-10"), amount=100_000)
    cost = as_it_went(small(), drawn, repayment(2, "2026-02-10", 102_007), on="2026-02-10")
    assert cost.real.lent == cost.real.received == 400_000
    assert [flow.kind for flow in cost.real.flows[:3]] == [FlowKind.LENT, FlowKind.DRAWN, FlowKind.REPAYMENT]
    assert rates(cost.real) == ("12.00", "12.68")


def test_money_beyond_what_is_owed_is_no_cost() -> None:
    paid = (repayment(n, f"2026-0{n + 1}-10", 102_007) for n in (1, 2, 3))
    cost = as_it_went(small(), *paid, on="2026-05-01")
    assert cost.real.flows[-1] == Flow(day("2026-04-10"), FlowKind.CREDIT, 1)
    assert cost.real.total == 6_020


def test_money_held_pays_the_bills_to_come() -> None:
    cost = as_it_went(small(), repayment(1, "2026-02-01", 110_000, apply_to=ApplyTo.HOLD), on="2026-02-02")
    assert [(flow.kind, flow.amount, flow.number) for flow in cost.real.flows[1:]] == [
        (FlowKind.REPAYMENT, -110_000, 1),
        (FlowKind.BILL, -94_014, 2),
        (FlowKind.BILL, -102_006, 3),
    ]


def test_a_purchase_given_back_is_worth_what_it_cost() -> None:
    given_back = Refund(id=1, effective_on=day("2026-01-20"), amount=50_000)
    cost = as_it_went(small(), given_back, on="2026-01-20")
    assert Flow(day("2026-01-20"), FlowKind.REFUND, -50_000, 1) in cost.real.flows


def test_principal_that_is_forgiven_makes_the_cost_less_than_nothing() -> None:
    """1,000.00 of 3,000.00 forgiven, without interest: 2,000.00 is paid for 3,000.00."""
    terms = loan(principal=300_000, annual_rate=Decimal(0), count=3)
    forgiven = Waiver(id=1, effective_on=day("2026-01-11"), amount=100_000, component=Component.PRINCIPAL, bill=3)
    cost = as_it_went(terms, forgiven, on="2026-01-12").real
    assert (cost.items, cost.per_thousand) == ((CostItem(ItemKind.FORGIVEN, -100_000),), -33_333)
    assert cost.annual is not None
    assert cost.annual.simple < 0


def test_where_nothing_is_paid_there_is_no_rate() -> None:
    terms = loan(principal=300_000, annual_rate=Decimal(0), count=1)
    forgiven = Waiver(id=1, effective_on=day("2026-01-11"), amount=300_000, component=Component.PRINCIPAL, bill=1)
    cost = as_it_went(terms, forgiven, on="2026-01-12").real
    assert (cost.annual, cost.total, cost.paid) == (None, -300_000, 0)


def test_before_the_disbursement_only_the_plan_counts() -> None:
    cost = as_it_went(small(), repayment(1, "2026-01-01", 5_000), on="2026-01-05")
    assert cost.real.flows == cost.agreed.flows


def test_the_day_asked_about_bounds_what_is_known() -> None:
    paid = repayment(1, "2026-02-10", 102_007)
    assert as_it_went(small(), paid, on="2026-02-09").real.flows == agreed_cost(small()).flows
    assert as_it_went(small(), paid, on="2026-02-10").real.flows[1].kind is FlowKind.REPAYMENT


# --- What always holds.


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data())
def test_items_add_up_to_what_is_paid_less_what_is_received(data: st.DataObject) -> None:
    terms = data.draw(agreements())
    facts = data.draw(histories(terms.currency))
    as_of: date = START + timedelta(days=data.draw(st.integers(0, 900)))
    cost = true_cost(terms, facts, as_of)
    for life in (cost.agreed, cost.real):
        assert life.total == life.paid - life.received == sum(item.amount for item in life.items)
    loan_then = project(terms, facts, as_of)
    expected = sum(-flow.amount for flow in cost.real.flows if flow.is_expected)
    assert expected == max(sum(bill.open.total for bill in loan_then.bills) - loan_then.credit, 0)


def test_the_explanation_of_the_cost_names_each_part_of_it() -> None:
    """Interest, a charge of 20.00 of which 5.00 waived, 1 % for repaying early, 30.00 up front, 10.00 financed."""
    terms = small(upfront_fee=3_000, prepayment_fee=PrepaymentFee(Decimal("0.01")), opening_balance=301_000)
    charged = Charge(id=1, effective_on=day("2026-01-12"), amount=2_000)
    waived = Waiver(id=2, effective_on=day("2026-01-13"), amount=500, component=Component.FEE, bill=1)
    paid = repayment(3, "2026-02-10", 250_000, apply_to=ApplyTo.SHORTEN)
    facts = [charged, waived, paid]
    found = explain(project(terms, facts, day("2026-02-10")), Cell(subject=Subject.COST))
    cost = as_it_went(terms, *facts, on="2026-02-10").real
    named = {(term.kind, term.part): int(term.amount) for term in found.terms}
    early = amounts(cost)[ItemKind.EARLY_FEE]
    assert named == {
        (TermKind.PART, Part.INTEREST): amounts(cost)[ItemKind.INTEREST],
        (TermKind.PART, Part.FEE): 2_000,
        (TermKind.LET_GO, Part.FEE): -500,
        (TermKind.PREPAID, None): early,
        (TermKind.UPFRONT_FEE, None): 3_000,
        (TermKind.FINANCED, None): 1_000,
    }
    assert found.amount == cost.total
