"""What lateness costs under each penalty term, with figures to redo by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import ApplyTo, Charge, Fact, LenderFigure, RateChange, TermsVersion, Waiver
from ledger.loanmath.money import Parts, Rounding
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.projection import ProjectedBill
from ledger.loanmath.standing import Standing, bucket, days_past_due, standing
from ledger.loanmath.terms import Component, LoanTerms, Method, PenaltyBase, PenaltyTerms
from tests.loanmath.builders import day, loan, repayment

A_TENTH_OF_A_PERCENT = Decimal("0.36")  # a day, over 360


def thousand(penalty: PenaltyTerms, **changes: Any) -> LoanTerms:
    """One bill of 1,000.00 without interest, due on 10 February."""
    return loan(**({"principal": 100_000, "annual_rate": Decimal(0), "count": 1, "penalty": penalty} | changes))


def bill_on(terms: LoanTerms, on: str, *facts: Fact) -> ProjectedBill:
    return project(terms, facts, day(on)).bills[0]


def penalty_on(terms: LoanTerms, on: str, *facts: Fact) -> int:
    return bill_on(terms, on, *facts).due.penalty


# in place of the loan's own rate, or on top of it


def test_the_penalty_rate_stands_in_place_of_the_loans_own_or_on_top_of_it() -> None:
    """1,000.00 of principal, ten days late: 6 % alone, or 12 % + 6 %, over 360."""
    instead = PenaltyTerms(annual_rate=Decimal("0.06"))
    own = {"annual_rate": Decimal("0.12")}
    assert penalty_on(thousand(instead, **own), "2026-02-20") == 167
    assert penalty_on(thousand(replace(instead, adds_on=True), **own), "2026-02-20") == 500
    assert penalty_on(thousand(PenaltyTerms(adds_on=True), **own), "2026-02-20") == 333


def test_on_top_it_follows_the_loans_own_rate() -> None:
    """Five days at 12 % + 6 %, five at 24 % + 6 %: 2.50 + 4.1667."""
    terms = thousand(PenaltyTerms(annual_rate=Decimal("0.06"), adds_on=True), annual_rate=Decimal("0.12"))
    change = RateChange(id=1, effective_on=day("2026-02-15"), annual_rate=Decimal("0.24"))
    assert penalty_on(terms, "2026-02-20", change) == 667
    assert penalty_on(terms, "2026-02-20", change, charge_nothing("2026-02-18")) == 667
    version = TermsVersion(
        id=1, effective_on=day("2026-02-15"), terms=replace(terms, annual_rate=Decimal("0.24"), payment=None)
    )
    assert penalty_on(terms, "2026-02-20", version) == 667


def charge_nothing(on: str) -> Charge:
    """A fact that touches the first bill and changes nothing."""
    return Charge(id=90, effective_on=day(on), amount=0, bill=1)


# compounding


def test_penalty_interest_may_bear_interest_from_month_to_month() -> None:
    """0.1 % a day: 28.00 to 10 March, 1,028.00 x 31 days = 31.868 to 10 April, 1,059.87 x 10 days = 10.5987."""
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, compounds=True))
    ends = ("2026-03-10", "2026-04-10", "2026-04-20")
    assert [penalty_on(terms, on) for on in ends] == [2_800, 5_987, 7_047]
    simple = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT))
    assert [penalty_on(simple, on) for on in ends] == [2_800, 5_900, 6_900]


def test_penalty_that_was_paid_bears_nothing() -> None:
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, compounds=True))
    paid = repayment(1, "2026-03-10", 2_800)
    assert penalty_on(terms, "2026-04-10", paid) == 2_800 + 3_100


def test_penalty_left_when_the_bill_is_paid_goes_on_bearing_interest() -> None:
    """Principal first: 28.00 of penalty joined on 10 March and stays open: 28.00 x 0.1 % x 31 = 0.868."""
    order = (Component.PRINCIPAL, Component.PENALTY)
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, compounds=True), order=order)
    paid = repayment(1, "2026-03-10", 100_000)
    assert penalty_on(terms, "2026-04-10", paid) == 2_800 + 87
    settled = repayment(2, "2026-03-10", 2_800)
    assert penalty_on(terms, "2026-04-10", paid, settled) == 2_800


def test_compounding_follows_the_day_of_the_month_of_the_payable_date() -> None:
    """From 31 January: 28 days to 28 February, then 31 to 31 March on 1,028.00."""
    penalty = PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, compounds=True)
    terms = thousand(penalty, disbursed_on=day("2025-12-31"), first_due_on=day("2026-01-31"))
    assert penalty_on(terms, "2026-03-31") == 2_800 + 3_187


# caps


@pytest.mark.parametrize("limit", [{"cap": 5_000}, {"cap_share": Decimal("0.05")}])
def test_penalty_interest_stops_at_its_cap(limit: dict[str, Any]) -> None:
    """0.1 % a day of 1,000.00 reaches 50.00 after 50 days, on 1 April."""
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, **limit))
    assert [penalty_on(terms, on) for on in ("2026-03-31", "2026-04-01", "2026-09-01")] == [4_900, 5_000, 5_000]
    assert project(terms, [], day("2026-04-01")).next_change_on is None


def test_a_cap_that_new_terms_bring_takes_nothing_back() -> None:
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT))
    capped = replace(terms, penalty=replace(terms.penalty, cap=500))
    version = TermsVersion(id=1, effective_on=day("2026-02-20"), terms=capped)
    assert penalty_on(terms, "2026-03-20", version) == 1_000


def test_a_late_fee_is_beside_the_cap() -> None:
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, cap=500, late_fee=1_500))
    assert penalty_on(terms, "2026-05-01") == 2_000


# the late fee


@pytest.mark.parametrize(
    "limits, fee",
    [({}, 3_000), ({"late_fee_cap": 2_500}, 2_500), ({"late_fee_floor": 4_000}, 4_000)],
)
def test_a_late_fee_is_an_amount_and_a_share_within_limits(limits: dict[str, int], fee: int) -> None:
    """10.00 and 2 % of 1,000.00."""
    terms = thousand(PenaltyTerms(late_fee=1_000, late_fee_share=Decimal("0.02"), **limits))
    assert [penalty_on(terms, on) for on in ("2026-02-10", "2026-02-11", "2026-06-01")] == [0, fee, fee]


def test_the_share_is_of_what_is_unpaid_when_the_grace_has_passed() -> None:
    terms = thousand(PenaltyTerms(grace_days=3, late_fee_share=Decimal("0.02")))
    assert penalty_on(terms, "2026-03-01", repayment(1, "2026-02-13", 60_000)) == 800
    assert penalty_on(terms, "2026-03-01", repayment(1, "2026-02-15", 60_000)) == 2_000


@pytest.mark.parametrize(
    "base, fee",
    [
        (PenaltyBase.PRINCIPAL, 5_000),
        (PenaltyBase.PRINCIPAL_AND_INTEREST, 5_100),
        (PenaltyBase.BILL, 5_120),
        (PenaltyBase.MINIMUM, 620),
    ],
)
def test_a_late_fee_has_a_base_of_its_own(base: PenaltyBase, fee: int) -> None:
    """1 % of a bill of 5,000.00 + 100.00 + 20.00 whose minimum is a tenth of the principal and all the rest."""
    penalty = PenaltyTerms(late_fee_share=Decimal("0.01"), late_fee_base=base)
    assert penalty_on(card(penalty), "2026-02-20") == fee


def card(penalty: PenaltyTerms) -> LoanTerms:
    return loan(
        principal=500_000, annual_rate=Decimal("0.24"), count=1, bill_fee=2_000, penalty=penalty,
        minimum_share=Decimal("0.1"),
    )  # fmt: skip


@pytest.mark.parametrize("paid, fee", [(1, 3_100), (50_000, 1_000), (61_999, 1_000), (62_000, 0), (100_000, 0)])
def test_a_card_asks_five_percent_of_the_unpaid_part_of_the_minimum(paid: int, fee: int) -> None:
    """The minimum is 620.00: nothing paid, 31.00; 500.00 paid, 6.00, so the floor of 10.00; the minimum paid, none.
    Paying the minimum is no debt that bears penalty interest either."""
    penalty = PenaltyTerms(
        annual_rate=Decimal("0.18"), base=PenaltyBase.MINIMUM,
        late_fee_share=Decimal("0.05"), late_fee_base=PenaltyBase.MINIMUM, late_fee_floor=1_000,
    )  # fmt: skip
    interest = round(Decimal(max(62_000 - paid, 0)) * Decimal("0.18") / 36)
    assert penalty_on(card(penalty), "2026-02-20", repayment(1, "2026-02-10", paid)) == fee + interest


def test_a_bill_that_was_not_missed_pays_no_late_fee_for_a_later_charge() -> None:
    """Paid on time; a fee of 30.00 charged on 1 March bears 0.1 % a day from then on, and nothing else."""
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, base=PenaltyBase.BILL, late_fee=1_000))
    paid = repayment(1, "2026-02-10", 100_000)
    charged = Charge(id=2, effective_on=day("2026-03-01"), amount=3_000, bill=1)
    assert penalty_on(terms, "2026-03-11", paid, charged) == 30


# grace


def test_what_is_paid_within_the_grace_stays_free_whatever_is_charged_later() -> None:
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, base=PenaltyBase.BILL, grace_days=5))
    paid = repayment(1, "2026-02-15", 100_000)
    charged = Charge(id=2, effective_on=day("2026-03-01"), amount=3_000, bill=1)
    assert penalty_on(terms, "2026-03-11", paid, charged) == 30


def test_a_part_paid_within_the_grace_was_late_for_its_days() -> None:
    """600.00 late for three days, 400.00 for ten, at 0.1 % a day, charged after all once the grace has passed."""
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, grace_days=5))
    paid = repayment(1, "2026-02-13", 60_000)
    assert [penalty_on(terms, on, paid) for on in ("2026-02-15", "2026-02-20")] == [0, 180 + 400]
    from_grace_on = replace(terms, penalty=replace(terms.penalty, from_due=False))
    assert penalty_on(from_grace_on, "2026-02-20", paid) == 200


def test_grace_affects_the_penalty_and_not_the_days_late() -> None:
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, grace_days=3))
    walk = [("2026-02-10", 0), ("2026-02-11", 1), ("2026-02-13", 3), ("2026-02-14", 4)]
    found = []
    for on, _ in walk:
        bills = project(terms, [], day(on)).bills
        late = days_past_due(bills, day(on))
        found.append((standing(bills[0], day(on), 3), late, bucket(late), bills[0].due.penalty))
    assert found == [
        (Standing.DUE, 0, "M0", 0),
        (Standing.IN_GRACE, 1, "M1", 0),
        (Standing.IN_GRACE, 3, "M1", 0),
        (Standing.OVERDUE, 4, "M1", 400),
    ]


# other terms, and the lender's own figure


def test_new_penalty_terms_do_not_reach_back() -> None:
    terms = thousand(PenaltyTerms())
    stricter = replace(terms, penalty=PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, late_fee=1_000))
    version = TermsVersion(id=1, effective_on=day("2026-02-20"), terms=stricter)
    assert penalty_on(terms, "2026-02-25", version) == 500


def test_a_late_fee_under_old_terms_is_kept_and_not_asked_twice() -> None:
    terms = thousand(PenaltyTerms(late_fee=1_000))
    version = TermsVersion(
        id=1, effective_on=day("2026-02-20"), terms=replace(terms, penalty=PenaltyTerms(late_fee=2_500))
    )
    assert penalty_on(terms, "2026-02-25", version) == 1_000
    before_it_was_late = replace(version, effective_on=day("2026-02-10"))
    assert penalty_on(terms, "2026-02-25", before_it_was_late) == 2_500


def test_where_the_lender_states_the_penalty_nothing_grows() -> None:
    terms = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, late_fee=1_000))
    figure = LenderFigure(id=1, effective_on=day("2026-02-01"), bill=1, parts=Parts(principal=100_000, penalty=777))
    version = TermsVersion(
        id=2, effective_on=day("2026-02-20"), terms=replace(terms, penalty=PenaltyTerms(late_fee=2_500))
    )
    late = project(terms, [figure, version], day("2026-03-20"))
    assert (late.bills[0].due.penalty, late.next_change_on) == (777, None)


def test_a_waiver_lets_go_of_a_late_fee() -> None:
    terms = thousand(PenaltyTerms(late_fee=1_000))
    forgiven = Waiver(id=1, effective_on=day("2026-02-20"), amount=1_000, component=Component.PENALTY, bill=1)
    bill = bill_on(terms, "2026-03-01", forgiven)
    assert (bill.due.penalty, bill.waived.penalty, bill.open.penalty) == (1_000, 1_000, 0)


def test_the_next_change_is_the_end_of_the_grace_or_nothing() -> None:
    terms = thousand(PenaltyTerms(grace_days=3, late_fee=1_000))
    assert project(terms, [], day("2026-02-01")).next_change_on == day("2026-02-14")
    assert project(terms, [], day("2026-02-14")).next_change_on is None


# other countries


def test_a_fine_of_two_percent_and_one_percent_a_month() -> None:
    """Brazil: 2 % of the bill once (Lei 8.078 art. 52 §1) and 12 % a year by the day; thirty days: 20.00 + 10.00."""
    terms = thousand(
        PenaltyTerms(annual_rate=Decimal("0.12"), base=PenaltyBase.BILL, late_fee_share=Decimal("0.02")),
    )
    assert penalty_on(terms, "2026-03-12") == 3_000


# two draws on one statement


def two_draws() -> tuple[LoanTerms, LoanTerms]:
    """6,000.00 drawn on 5 January in six level bills, 2,000.00 on 20 January in three of equal principal; both at
    0.05 % a day, due on the 10th, no grace, the penalty one and a half times the rate in its place."""
    line: dict[str, Any] = {
        "annual_rate": Decimal("0.18"),
        "day_count": DayCount.ACT_360,
        "penalty": PenaltyTerms(annual_rate=Decimal("0.27")),
    }
    a = loan(principal=600_000, disbursed_on=day("2026-01-05"), count=6, payment_rounding=Rounding.UP, **line)
    b = loan(principal=200_000, disbursed_on=day("2026-01-20"), count=3, method=Method.EQUAL_PRINCIPAL, **line)
    return a, b


def test_a_short_debit_shared_by_two_draws_and_the_rest_three_days_late() -> None:
    a, b = two_draws()
    due = day("2026-02-10")
    asked = [project(terms, [], due).bills[0].due for terms in (a, b)]
    assert asked == [Parts(94_792, 10_800), Parts(66_667, 2_100)]
    assert sum(parts.total for parts in asked) == 174_359
    shares = [round(Decimal(100_000) * parts.total / 174_359) for parts in asked]
    assert shares == [60_560, 39_440]
    debits = [repayment(1, "2026-02-10", share) for share in shares]
    part_paid = [project(terms, [debit], due).bills[0] for terms, debit in zip((a, b), debits, strict=True)]
    assert [bill.paid for bill in part_paid] == [Parts(49_760, 10_800), Parts(37_340, 2_100)]
    assert [bill.open for bill in part_paid] == [Parts(45_032), Parts(29_327)]
    next_day = [project(terms, [debit], day("2026-02-11")) for terms, debit in zip((a, b), debits, strict=True)]
    assert [standing(loan.bills[0], day("2026-02-11")) for loan in next_day] == [Standing.OVERDUE] * 2
    assert [bucket(days_past_due(loan.bills, day("2026-02-11"))) for loan in next_day] == ["M1", "M1"]

    paid_on = day("2026-02-13")
    late = [project(terms, [debit], paid_on) for terms, debit in zip((a, b), debits, strict=True)]
    assert [loan.bills[0].open for loan in late] == [Parts(45_032, penalty=101), Parts(29_327, penalty=66)]
    assert [days_past_due(loan.bills, paid_on) for loan in late] == [3, 3]
    by_hand = [repayment(2, "2026-02-13", loan.bills[0].open.total) for loan in late]
    assert sum(fact.amount for fact in by_hand) == 74_526
    for terms, debit, rest in zip((a, b), debits, by_hand, strict=True):
        bill = project(terms, [debit, rest], day("2026-03-01")).bills[0]
        assert (bill.open.total, bill.settled_on, standing(bill, day("2026-03-01"))) == (0, paid_on, Standing.PAID_LATE)


def test_a_payoff_while_late_asks_for_the_penalty() -> None:
    a, _ = two_draws()
    quote = payoff_quote(a, [], day("2026-02-20"))
    assert quote.penalty == 711  # 947.92 x 0.075 % x 10
    settled = project(a, [repayment(1, "2026-02-20", quote.total, apply_to=ApplyTo.PAYOFF)], day("2026-02-20"))
    assert (settled.settled_on, settled.bills[0].paid.penalty) == (day("2026-02-20"), 711)


def test_of_two_rates_of_one_day_the_later_one_is_what_the_penalty_comes_on_top_of() -> None:
    """Five days at 12 % + 6 %, five at 24 % + 6 %: 2.50 + 4.1667."""
    terms = thousand(PenaltyTerms(annual_rate=Decimal("0.06"), adds_on=True), annual_rate=Decimal("0.12"))
    rates = [
        RateChange(id=number, effective_on=day("2026-02-15"), annual_rate=Decimal(rate))
        for number, rate in enumerate(("0.48", "0.24"), start=1)
    ]
    assert penalty_on(terms, "2026-02-20", *rates) == 667


def test_the_next_change_of_a_compounding_penalty_looks_beyond_its_monthly_return() -> None:
    """0.15 at 0.1 % a day: half a cent after 34 days, on 16 March. On 10 April, after 59 days, 0.885 cents are there
    and one joins; 0.615 more at 0.016 a day take 39 days, to 19 May; on 0.15 alone it would be 100 days, 21 May."""
    compounds = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT, compounds=True), principal=15)
    simple = thousand(PenaltyTerms(annual_rate=A_TENTH_OF_A_PERCENT), principal=15)
    found = [
        [str(project(terms, [], day(on)).next_change_on) for on in ("2026-02-20", "2026-03-20")]
        for terms in (compounds, simple)
    ]
    assert found == [["2026-03-16", "2026-05-19"], ["2026-03-16", "2026-05-21"]]


@pytest.mark.parametrize(
    "terms, borne",
    [
        (PenaltyTerms(), False),
        (PenaltyTerms(grace_days=3), False),
        (PenaltyTerms(annual_rate=Decimal("0.18")), True),
        (PenaltyTerms(late_fee=5_000), True),
        (PenaltyTerms(late_fee_share=Decimal("0.05")), True),
        (PenaltyTerms(late_fee_floor=1_000), True),
    ],
)
def test_being_late_costs_something_where_a_rate_or_a_fee_is_agreed(terms: PenaltyTerms, borne: bool) -> None:
    assert terms.is_borne is borne
