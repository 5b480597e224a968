"""Which debits an account covers, by hand-made examples."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ledger.loanmath.funding import (
    Balance,
    Funding,
    Move,
    Step,
    Verdict,
    first_shortfall,
    forecast,
    judge,
)

STATED = date(2026, 7, 1)
JULY_6, JULY_8 = date(2026, 7, 6), date(2026, 7, 8)


def balance_line(balance, moves, today):
    """The line of the one account there is."""
    return forecast({0: balance}, moves, today)[0]


def test_a_balance_that_reaches_exactly_covers_the_debit():
    assert judge(Balance(50_000, STATED), 50_000, JULY_8) == Verdict(Funding.COVERED)


def test_a_cent_too_little_is_a_cent_missing():
    assert judge(Balance(49_999, STATED), 50_000, JULY_8) == Verdict(Funding.SHORT, 1)


def test_an_overdrawn_account_lacks_more_than_the_debit():
    assert judge(Balance(-10_000, STATED), 50_000, JULY_8) == Verdict(Funding.SHORT, 60_000)


def test_no_balance_is_unknown_and_not_zero():
    assert judge(None, 50_000, JULY_8) == Verdict(Funding.UNKNOWN)


def test_a_balance_answers_for_thirty_days():
    balance = Balance(50_000, STATED)
    assert judge(balance, 50_000, date(2026, 7, 31)) == Verdict(Funding.COVERED)
    assert judge(balance, 50_000, date(2026, 8, 1)) == Verdict(Funding.UNKNOWN)


def test_with_money_for_one_of_two_debits_the_later_one_is_short():
    early, late = Move(2, JULY_6, 50_000), Move(1, JULY_8, 40_000)
    steps = balance_line(Balance(58_760, STATED), [late, early], STATED)
    assert steps == [
        Step(early, early.amount, Funding.COVERED, 8_760),
        Step(late, late.amount, Funding.SHORT, -31_240, missing=31_240, short_by=31_240),
    ]
    assert first_shortfall(steps) == steps[1]


def test_topping_up_what_is_missing_covers_both():
    moves = [Move(1, JULY_8, 40_000), Move(2, JULY_6, 50_000)]
    assert first_shortfall(balance_line(Balance(58_760 + 31_240, STATED), moves, STATED)) is None


def test_a_shortage_lasts_until_money_comes():
    first, second, inflow, third = (
        Move(1, JULY_6, 50_000),
        Move(2, JULY_8, 10_000),
        Move(3, date(2026, 7, 15), -100_000, judged=False),
        Move(4, date(2026, 7, 20), 50_000),
    )
    assert balance_line(Balance(30_000, STATED), [first, second, inflow, third], STATED) == [
        Step(first, first.amount, Funding.SHORT, -20_000, missing=20_000, short_by=20_000),
        Step(second, second.amount, Funding.SHORT, -30_000, missing=10_000, short_by=30_000),
        Step(inflow, inflow.amount, Funding.COVERED, 70_000),
        Step(third, third.amount, Funding.COVERED, 20_000),
    ]


def test_debits_of_one_day_go_by_rank():
    penalized, plain = Move(9, JULY_8, 30_000, rank=0), Move(1, JULY_8, 30_000, rank=1)
    steps = balance_line(Balance(30_000, STATED), [plain, penalized], STATED)
    assert [(step.move.id, step.funding) for step in steps] == [(9, Funding.COVERED), (1, Funding.SHORT)]


def test_a_balance_too_old_today_says_nothing_about_any_debit():
    move = Move(1, date(2026, 8, 8), 30_000)
    balance = Balance(100_000, STATED)
    assert balance_line(balance, [move], date(2026, 7, 31)) == [Step(move, move.amount, Funding.COVERED, 70_000)]
    assert balance_line(balance, [move], date(2026, 8, 1)) == [Step(move, move.amount, Funding.UNKNOWN, None)]


def test_without_a_balance_every_debit_is_unknown():
    assert balance_line(None, [Move(1, JULY_8, 1)], STATED) == [Step(Move(1, JULY_8, 1), 1, Funding.UNKNOWN, None)]


@given(
    st.integers(0, 10**9),
    st.lists(st.tuples(st.integers(0, 28), st.integers(1, 10**6)), max_size=20),
)
def test_the_parts_that_are_missing_sum_to_what_is_short_in_the_end(amount, debits):
    moves = [Move(n, date(2026, 7, 1 + day), asked) for n, (day, asked) in enumerate(debits)]
    steps = balance_line(Balance(amount, STATED), moves, STATED)
    assert sum(step.missing for step in steps) == max(0, sum(move.amount for move in moves) - amount)


def test_money_that_is_expected_makes_a_debit_possible_and_not_sure():
    inflow, debit = Move(1, JULY_6, -20_000, judged=False, expected=True), Move(2, JULY_8, 50_000)
    assert balance_line(Balance(30_000, STATED), [inflow, debit], STATED)[1] == Step(
        debit, 50_000, Funding.UNKNOWN, 0, 0, 0
    )


def test_what_no_source_holds_is_missing_at_the_last_that_gave():
    debit = Move(1, JULY_8, 1_000, sources=(7, 8), partial=True)
    lines = forecast({7: Balance(300, STATED), 8: Balance(200, STATED)}, [debit], STATED)
    assert lines == {
        7: [Step(debit, 300, Funding.COVERED, 0)],
        8: [Step(debit, 700, Funding.SHORT, -500, missing=500, short_by=500)],
    }


def test_where_no_source_holds_anything_all_of_it_is_missing_at_the_last():
    debit = Move(1, JULY_8, 1_000, sources=(7, 8), partial=True)
    lines = forecast({7: Balance(0, STATED), 8: Balance(0, STATED)}, [debit], STATED)
    assert lines == {7: [], 8: [Step(debit, 1_000, Funding.SHORT, -1_000, missing=1_000, short_by=1_000)]}


def test_a_debit_in_parts_is_covered_by_what_its_sources_hold_together():
    debit = Move(1, JULY_8, 1_000, sources=(7, 8), partial=True)
    lines = forecast({7: Balance(300, STATED), 8: Balance(900, STATED)}, [debit], STATED)
    assert lines == {7: [Step(debit, 300, Funding.COVERED, 0)], 8: [Step(debit, 700, Funding.COVERED, 200)]}


def test_a_debit_all_at_once_that_no_source_covers_is_taken_where_the_least_is_missing():
    debit = Move(1, JULY_8, 1_000, sources=(7, 8, 9))
    lines = forecast({7: Balance(300, STATED), 8: Balance(900, STATED), 9: Balance(0, STATED)}, [debit], STATED)
    assert lines == {7: [], 8: [Step(debit, 1_000, Funding.SHORT, -100, missing=100, short_by=100)], 9: []}
