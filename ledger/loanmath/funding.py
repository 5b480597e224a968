"""Will the money be there: what an account is thought to hold, and which of its debits it covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

STALE_AFTER_DAYS = 30  # a balance stated longer ago than this says nothing about a debit any more


class Funding(StrEnum):
    """Whether an account holds what a debit asks for. Unknown is never zero."""

    COVERED = "covered"
    SHORT = "short"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account should hold: the balance its owner stated on a day, plus everything booked since.

    `expected` is what was planned to come in since then and nobody has seen: it may make a debit possible, never sure.
    """

    amount: int
    stated_on: date
    expected: int = 0

    def known_on(self, day: date) -> bool:
        """False once the stated balance is too old to answer for `day`."""
        return (day - self.stated_on).days <= STALE_AFTER_DAYS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an account has to say to one debit; `missing` is what it lacks, above zero only where it is short."""

    funding: Funding
    missing: int = 0


def judge(balance: Balance | None, asked: int, payable_on: date) -> Verdict:
    """Whether `balance` pays for the debit of a bill payable on a day; not known where only money that is expected
    would make it do.

    Whether the balance is too old is asked for the bill's day, not for the day of a later try: what lacked
    money yesterday lacks it today, unless the owner has stated a balance since.
    """
    if balance is None or not balance.known_on(payable_on):
        return Verdict(Funding.UNKNOWN)
    if balance.amount >= asked:
        return Verdict(Funding.COVERED)
    if balance.amount + balance.expected >= asked:
        return Verdict(Funding.UNKNOWN)
    return Verdict(Funding.SHORT, asked - balance.amount - balance.expected)


@dataclass(frozen=True, slots=True)
class Move:
    """Money that is going to leave (`amount` above zero) or reach (below zero) an account on a day.

    A debit goes through its `sources` in their order: the first that covers it pays, or each gives what it holds where
    it may be `partial`. Moves of one day happen in the order of `rank`. `judged` is False for what is only passed on
    the way, such as a repayment planned by hand or a salary. What is only `expected` makes a debit possible, never
    sure.
    """

    id: int
    on: date
    amount: int
    rank: int = 0
    judged: bool = True
    sources: tuple[int, ...] = (0,)
    partial: bool = False
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One move on an account's balance line: what it takes there, the balance after it, and whether it was covered.

    `missing` is the part of this move that the account lacks; `short_by` all it lacks by then, for this move and
    those before it. Both are zero where the balance is unknown, and `after` is None. Where only expected money makes
    it do, `funding` is unknown although `after` is not.
    """

    move: Move
    amount: int
    funding: Funding
    after: int | None
    missing: int = 0
    short_by: int = 0


@dataclass(slots=True)
class _Left:
    """What is left in an account on the way: None where nobody knows."""

    sure: int | None
    expected: int = 0

    def lacks(self, amount: int) -> int:
        """How much is missing for `amount`, what is expected included; zero where the balance is unknown."""
        return 0 if self.sure is None else max(0, amount - self.sure - self.expected)

    def take(self, move: Move, amount: int) -> Step:
        """The step that takes `amount` (minor units; below zero, money comes in) for `move`, and what is left after it.
        What is expected is kept apart from what is sure: a debit that only expected money covers is of unknown
        funding, a short one lacks at most its own amount. Where the balance is unknown, nothing is taken off."""
        if self.sure is None:
            return Step(move, amount, Funding.UNKNOWN, None)
        if move.expected:
            self.expected -= amount
        else:
            self.sure -= amount
        after = self.sure + self.expected
        lacking = max(0, -after)
        missing = max(0, min(lacking, amount))
        if missing:
            return Step(move, amount, Funding.SHORT, after, missing, lacking)
        sure = self.sure >= 0 or amount <= 0
        return Step(move, amount, Funding.COVERED if sure else Funding.UNKNOWN, after, 0, lacking)


def forecast(balances: Mapping[int, Balance | None], moves: Iterable[Move], today: date) -> dict[int, list[Step]]:
    """The balance line of each account: the balance after each move, earliest first; unknown throughout where the
    balance is too old today.

    Every move is taken off, covered or not: a debit that failed is asked for again, so a shortage lasts until money
    comes. With money for one of two debits, the later one is short. A debit that no source covers is taken off where
    the least is missing (of partial debits: where the last of it would have come from).
    """
    left = {
        account: _Left(balance.amount, balance.expected) if balance and balance.known_on(today) else _Left(None)
        for account, balance in balances.items()
    }
    lines: dict[int, list[Step]] = {account: [] for account in balances}
    for move in sorted(moves, key=lambda move: (move.on, move.rank, move.id)):
        for account, amount in _shares(move, left):
            lines[account].append(left[account].take(move, amount))
    return lines


def _shares(move: Move, left: Mapping[int, _Left]) -> list[tuple[int, int]]:
    """How much of a move each of its sources gives."""
    if len(move.sources) == 1:
        return [(move.sources[0], move.amount)]
    if not move.partial:
        return [(min(move.sources, key=lambda account: left[account].lacks(move.amount)), move.amount)]
    shares: list[tuple[int, int]] = []
    rest = move.amount
    for account in move.sources:
        here = left[account]
        part = rest if here.lacks(rest) == 0 else min(rest, max(0, here.sure or 0))
        if part:
            shares.append((account, part))
            rest -= part
    if rest:
        last, given = shares.pop() if shares else (move.sources[-1], 0)
        shares.append((last, given + rest))
    return shares


def first_shortfall(steps: Iterable[Step]) -> Step | None:
    """The first debit the account does not cover."""
    return next((step for step in steps if step.move.judged and step.funding is Funding.SHORT), None)
