"""What one try of a lender takes: each kind of lender by a hand-made example, then what holds whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.loanmath.debiting import (
    AmountMode,
    DebitLimits,
    DebitOutcome,
    FailureReason,
    Source,
    Try,
    asked,
    decide,
)
from ledger.loanmath.funding import Balance, Funding, Move, forecast
from ledger.loanmath.money import Parts
from tests import builders as make

STATED = date(2026, 7, 1)
DUE = date(2026, 7, 10)
ALL, PARTIAL = DebitLimits(), DebitLimits(partial=True)
INSUFFICIENT = FailureReason.INSUFFICIENT


def holds(account: int, amount: int | None, expected: int = 0, is_open: bool = True) -> Source:
    return Source(account, None if amount is None else Balance(amount, STATED, expected), is_open)


def took(account: int, amount: int, outcome: DebitOutcome = DebitOutcome.SUCCESS, of: int | None = None) -> Try:
    return Try(account, amount if of is None else of, amount, outcome)


def failed(account: int, wanted: int, missing: int, reason: FailureReason = INSUFFICIENT) -> Try:
    return Try(account, wanted, 0, DebitOutcome.FAILED, reason, missing)


# --- All or nothing


def test_the_first_source_that_covers_it_pays_all_of_it() -> None:
    assert decide(500, [holds(1, 499), holds(2, 500), holds(3, 900)], DUE, ALL) == [took(2, 500)]


def test_where_all_lack_money_the_one_that_lacks_the_least_is_named_the_first_of_equals() -> None:
    sources = [holds(1, 100), holds(2, 300), holds(3, 300)]
    assert decide(500, sources, DUE, ALL) == [failed(2, 500, 200)]


def test_an_unknown_source_is_presumed_and_the_known_one_after_it_is_not_asked() -> None:
    assert decide(500, [holds(1, 499), holds(2, None), holds(3, 900)], DUE, ALL) == [
        took(2, 500, DebitOutcome.PRESUMED)
    ]


def test_a_balance_too_old_for_the_bills_day_is_unknown() -> None:
    assert decide(500, [holds(1, 0)], STATED + timedelta(days=30), ALL) == [failed(1, 500, 500)]
    assert decide(500, [holds(1, 0)], STATED + timedelta(days=31), ALL) == [took(1, 500, DebitOutcome.PRESUMED)]


def test_money_that_is_expected_is_never_sure_and_never_short_when_it_would_do() -> None:
    assert decide(500, [holds(1, 300, expected=200)], DUE, ALL) == [took(1, 500, DebitOutcome.PRESUMED)]
    assert decide(500, [holds(1, 300, expected=199)], DUE, ALL) == [failed(1, 500, 1)]
    assert decide(500, [holds(1, 500, expected=200)], DUE, ALL) == [took(1, 500)]


def test_a_closed_account_is_passed_over_and_only_closed_ones_say_so() -> None:
    assert decide(500, [holds(1, 900, is_open=False), holds(2, 500)], DUE, ALL) == [took(2, 500)]
    closed = [holds(1, 900, is_open=False), holds(2, 900, is_open=False)]
    assert decide(500, closed, DUE, ALL) == [failed(1, 500, 0, FailureReason.CARD_CLOSED)]


# --- What is there


def test_partial_over_three_sources_takes_what_each_holds_until_there_is_enough() -> None:
    """Wallet 120.00, card 50.00, then 330.00 of the fund's 900.00."""
    assert decide(50_000, [holds(1, 12_000), holds(2, 5_000), holds(3, 90_000)], DUE, PARTIAL) == [
        Try(1, 50_000, 12_000, DebitOutcome.PARTIAL, INSUFFICIENT),
        Try(2, 38_000, 5_000, DebitOutcome.PARTIAL, INSUFFICIENT),
        took(3, 33_000),
    ]


def test_a_partial_debit_that_is_short_in_the_end_says_what_lacks_at_its_last_source() -> None:
    assert decide(500, [holds(1, 100), holds(2, 50), holds(3, 0)], DUE, PARTIAL) == [
        Try(1, 500, 100, DebitOutcome.PARTIAL, INSUFFICIENT),
        Try(2, 400, 50, DebitOutcome.PARTIAL, INSUFFICIENT, missing=350),
    ]


def test_an_unknown_source_in_the_middle_is_presumed_to_give_the_rest() -> None:
    assert decide(500, [holds(1, 100), holds(2, None), holds(3, 900)], DUE, PARTIAL) == [
        Try(1, 500, 100, DebitOutcome.PARTIAL, INSUFFICIENT),
        took(2, 400, DebitOutcome.PRESUMED),
    ]


def test_partial_debits_take_no_money_that_is_only_expected() -> None:
    assert decide(500, [holds(1, 100, expected=200)], DUE, PARTIAL) == [
        Try(1, 500, 100, DebitOutcome.PARTIAL, INSUFFICIENT, missing=200)
    ]


def test_with_nothing_anywhere_the_last_source_fails_and_an_overdraft_has_to_be_filled_first() -> None:
    assert decide(500, [holds(1, 0), holds(2, 0)], DUE, PARTIAL) == [failed(2, 500, 500)]
    assert decide(500, [holds(1, -200)], DUE, PARTIAL) == decide(500, [holds(1, -200)], DUE, ALL)
    assert decide(500, [holds(1, -200)], DUE, PARTIAL) == [failed(1, 500, 700)]


# --- The most one debit may take


def test_a_bill_above_the_cap_fails_where_it_is_all_or_nothing() -> None:
    cap = DebitLimits(cap=499)
    assert decide(500, [holds(1, 900)], DUE, cap) == [failed(1, 500, 0, FailureReason.CARD_LIMIT)]
    assert decide(499, [holds(1, 900)], DUE, cap) == [took(1, 499)]


def test_a_partial_debit_takes_as_much_as_the_cap_and_says_why_not_more() -> None:
    cap = DebitLimits(cap=300, partial=True)
    assert decide(500, [holds(1, 900)], DUE, cap) == [Try(1, 300, 300, DebitOutcome.PARTIAL, FailureReason.CARD_LIMIT)]
    assert decide(500, [holds(1, None)], DUE, cap) == [took(1, 300, DebitOutcome.PRESUMED)]
    assert decide(500, [holds(1, 200)], DUE, cap) == [Try(1, 300, 200, DebitOutcome.PARTIAL, INSUFFICIENT, missing=100)]


# --- How much is asked for


BILL = Parts(principal=100_000, interest=12_000)
TENTH = make.terms(minimum_share=Decimal("0.1"))


@pytest.mark.parametrize(
    ("mode", "met", "terms", "fixed", "left"),
    [
        (AmountMode.BILL, 0, None, 0, 112_000),
        (AmountMode.FULL, 30_000, None, 0, 82_000),
        (AmountMode.BILL, 112_000, None, 0, 0),
        (AmountMode.MINIMUM, 0, TENTH, 0, 22_000),  # 10,000 of the principal and all 12,000 of interest
        (AmountMode.MINIMUM, 20_000, TENTH, 0, 2_000),
        (AmountMode.MINIMUM, 22_000, TENTH, 0, 0),
        (AmountMode.MINIMUM, 0, replace(TENTH, minimum_floor=50_000), 0, 50_000),
        (AmountMode.MINIMUM, 0, replace(TENTH, minimum_floor=500_000), 0, 112_000),  # never more than the bill
        (AmountMode.FIXED, 0, None, 40_000, 40_000),
        (AmountMode.FIXED, 15_000, None, 40_000, 25_000),
        (AmountMode.FIXED, 60_000, None, 40_000, 0),
        (AmountMode.FIXED, 0, None, 900_000, 112_000),
    ],
)
def test_how_much_each_mode_asks_for(mode, met, terms, fixed, left) -> None:
    assert asked(mode, BILL, met, terms, fixed) == left


# --- Whatever happens

AMOUNTS = st.integers(-1_000, 3_000)
BALANCES = st.one_of(st.none(), st.builds(Balance, AMOUNTS, st.just(STATED), st.integers(0, 1_000)))
SOURCES = st.lists(st.tuples(BALANCES, st.booleans()), min_size=1, max_size=5).map(
    lambda rows: [Source(n, balance, is_open) for n, (balance, is_open) in enumerate(rows)]
)
LIMITS = st.builds(DebitLimits, st.one_of(st.none(), st.integers(1, 3_000)), st.booleans())


@given(st.integers(1, 3_000), SOURCES, LIMITS)
def test_never_more_is_taken_than_wanted_allowed_and_there(wanted, sources, limits) -> None:
    tries = decide(wanted, sources, DUE, limits)
    balances = {source.account: source.balance for source in sources if source.is_open}

    taken = sum(one.taken for one in tries)
    assert 0 <= taken <= min(wanted, limits.cap or wanted)
    assert limits.partial or taken in (0, wanted)
    assert len({one.account for one in tries}) == len(tries)
    for one in tries:
        assert 0 <= one.taken <= one.requested <= wanted
        assert (one.taken == 0) == (one.outcome is DebitOutcome.FAILED)
        assert (one.reason is None) == (one.outcome in (DebitOutcome.SUCCESS, DebitOutcome.PRESUMED))
        assert one.missing >= 0
        if one.taken:
            balance = balances[one.account]
            sure = balance is not None and one.taken <= balance.amount
            assert sure == (one.outcome is not DebitOutcome.PRESUMED)
    assert all(one.missing == 0 for one in tries[:-1])


@given(st.integers(1, 3_000), SOURCES)
def test_topping_up_by_what_is_missing_makes_it_succeed_or_leaves_it_to_expected_money(wanted, sources) -> None:
    for limits in (ALL, PARTIAL):
        last = decide(wanted, sources, DUE, limits)[-1]
        if last.reason is not INSUFFICIENT:
            continue
        richer = [
            replace(one, balance=replace(one.balance, amount=one.balance.amount + last.missing))
            if one.account == last.account and one.balance
            else one
            for one in sources
        ]
        again = decide(wanted, richer, DUE, limits)
        assert again[-1].outcome in (DebitOutcome.SUCCESS, DebitOutcome.PRESUMED)
        assert sum(one.taken for one in again) == wanted


DEBITS = st.lists(
    st.tuples(
        st.integers(0, 20), st.integers(1, 1_500), st.lists(st.integers(0, 2), min_size=1, unique=True), st.booleans()
    ),
    max_size=12,
)


@given(st.lists(BALANCES, min_size=3, max_size=3), DEBITS)
def test_up_to_the_first_shortage_the_forecast_says_what_each_debit_will_come_to(amounts, debits) -> None:
    """After one, the forecast keeps what a failed debit asks for out of the others' reach until money comes."""
    balances = dict(enumerate(amounts))
    moves = [
        Move(n, STATED + timedelta(days=day), amount, sources=tuple(sources), partial=partial)
        for n, (day, amount, sources, partial) in enumerate(debits)
    ]
    lines = forecast(balances, moves, STATED)
    for move in sorted(moves, key=lambda move: (move.on, move.rank, move.id)):
        steps = {account: step for account, line in lines.items() for step in line if step.move == move}
        sources = [Source(account, balances[account]) for account in move.sources]
        tries = decide(move.amount, sources, move.on, DebitLimits(partial=move.partial))
        said = {step.funding for step in steps.values()}
        if Funding.SHORT in said:
            assert tries[-1].reason is INSUFFICIENT
            assert tries[-1].missing == steps[tries[-1].account].short_by
            return
        assert {one.account: one.taken for one in tries} == {account: step.amount for account, step in steps.items()}
        assert (tries[-1].outcome is DebitOutcome.PRESUMED) == (Funding.UNKNOWN in said)
        for one in tries:
            before = balances[one.account]
            balances[one.account] = before and replace(before, amount=before.amount - one.taken)


@given(st.integers(0, 3_000), st.lists(st.tuples(st.integers(0, 20), st.integers(1, 1_500)), max_size=12))
def test_of_one_account_every_debit_forecast_as_covered_succeeds(amount, debits) -> None:
    moves = [Move(n, STATED + timedelta(days=day), asked_for) for n, (day, asked_for) in enumerate(debits)]
    left = amount
    for step in forecast({0: Balance(amount, STATED)}, moves, STATED)[0]:
        (one,) = decide(step.amount, [holds(0, left)], step.move.on, ALL)
        if step.funding is Funding.COVERED:
            assert one.outcome is DebitOutcome.SUCCESS
        left -= one.taken
