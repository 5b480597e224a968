"""Will the money be there: what an account is thought to hold, and which of its debits it covers."""

from __future__ import annotations

from collections.abc import Iterable
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
    """What an account should hold: the balance its owner stated on a day, plus everything booked since."""

    amount: int
    stated_on: date

    def known_on(self, day: date) -> bool:
        """False once the stated balance is too old to answer for `day`."""
        return (day - self.stated_on).days <= STALE_AFTER_DAYS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an account has to say to one debit; `missing` is what it lacks, above zero only where it is short."""

    funding: Funding
    missing: int = 0


def judge(balance: Balance | None, asked: int, payable_on: date) -> Verdict:
    """Whether `balance` pays for the debit of a bill payable on a day.

    Whether the balance is too old is asked for the bill's day, not for the day of a later try: what lacked
    money yesterday lacks it today, unless the owner has stated a balance since.
    """
    if balance is None or not balance.known_on(payable_on):
        return Verdict(Funding.UNKNOWN)
    if balance.amount >= asked:
        return Verdict(Funding.COVERED)
    return Verdict(Funding.SHORT, asked - balance.amount)


@dataclass(frozen=True, slots=True)
class Move:
    """Money that is going to leave (`amount` above zero) or reach (below zero) an account on a day.

    Moves of one day happen in the order of `rank`. `judged` is False for what is only passed on the way, such as
    a repayment planned by hand.
    """

    id: int
    on: date
    amount: int
    rank: int = 0
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One move on an account's balance line: the balance after it, and whether it was covered.

    `missing` is the part of this move that the account lacks; `short_by` all it lacks by then, for this move and
    those before it. Both are zero where the balance is unknown, and `after` is None.
    """

    move: Move
    funding: Funding
    after: int | None
    missing: int = 0
    short_by: int = 0


def balance_line(balance: Balance | None, moves: Iterable[Move], today: date) -> list[Step]:
    """The balance after each move, earliest first; unknown throughout where the balance is too old today.

    Every move is taken off, covered or not: a debit that failed is asked for again, so a shortage lasts until money
    comes. With money for one of two debits, the later one is short.
    """
    ordered = sorted(moves, key=lambda move: (move.on, move.rank, move.id))
    if balance is None or not balance.known_on(today):
        return [Step(move, Funding.UNKNOWN, None) for move in ordered]
    steps: list[Step] = []
    left = balance.amount
    for move in ordered:
        left -= move.amount
        lacking = max(0, -left)
        missing = max(0, min(lacking, move.amount))
        steps.append(Step(move, Funding.SHORT if missing else Funding.COVERED, left, missing, lacking))
    return steps


def first_shortfall(steps: Iterable[Step]) -> Step | None:
    """The first debit the account does not cover."""
    return next((step for step in steps if step.move.judged and step.funding is Funding.SHORT), None)
