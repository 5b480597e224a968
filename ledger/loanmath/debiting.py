"""What one try of a lender takes, and from which of its sources: decided from what the accounts are thought to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from ledger.loanmath.funding import Balance, Funding, judge
from ledger.loanmath.minimum import minimum_due
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import LoanTerms


class AmountMode(StrEnum):
    """How much of a bill a mandate lets the lender take."""

    BILL = "bill"  # this bill, while its own windows last
    FULL = "full"  # everything overdue too: an older bill is asked for again with each later one
    MINIMUM = "minimum"  # the minimum payment of the bill
    FIXED = "fixed"  # a fixed amount of each bill, at most what is open


class DebitOutcome(StrEnum):
    """What a try came to."""

    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    PRESUMED = "presumed"


class FailureReason(StrEnum):
    """Why a debit took nothing, or less than it asked for."""

    INSUFFICIENT = "insufficient"
    CARD_LIMIT = "card_limit"
    CARD_CLOSED = "card_closed"
    MANDATE_EXPIRED = "mandate_expired"
    LENDER_OUTAGE = "lender_outage"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Source:
    """An account that a mandate names, as a debit finds it; `is_open` is False once it was put away."""

    account: int
    balance: Balance | None
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Try:
    """What happened at one source: `requested` was asked of it, `taken` taken, `missing` is what lacked in the end."""

    account: int
    requested: int
    taken: int
    outcome: DebitOutcome
    reason: FailureReason | None = None
    missing: int = 0


@dataclass(frozen=True, slots=True)
class DebitLimits:
    """The most one debit may take (`cap`, None: no limit), and whether it may take less than it asks for."""

    cap: int | None = None
    partial: bool = False


def asked(mode: AmountMode, due: Parts, met: int, terms: LoanTerms | None = None, fixed: int = 0) -> int:
    """What a debit asks for of a bill that asks for `due` and of which `met` has been paid or waived, in minor units;
    zero once the mode has been satisfied. MINIMUM needs the loan's `terms`."""
    left = due.total - met
    if mode is AmountMode.MINIMUM and terms is not None:
        left = min(left, minimum_due(due, terms) - met)
    if mode is AmountMode.FIXED:
        left = min(left, fixed - met)
    return max(0, left)


def decide(wanted: int, sources: Sequence[Source], payable_on: date, limits: DebitLimits) -> list[Try]:
    """What a debit of `wanted` (above zero) takes, source by source in their order; never empty.

    All or nothing: the first source that covers it, or whose balance is unknown (presumed then), pays all of it. With
    partial debits each source gives what it holds until there is enough. Where all lack money one failed try names
    the source that lacks the least (the last one, of partial debits) and how much that is.
    """
    usable = [source for source in sources if source.is_open]
    if not usable:
        return [Try(sources[0].account, wanted, 0, DebitOutcome.FAILED, FailureReason.CARD_CLOSED)]
    limit = wanted if limits.cap is None else min(wanted, limits.cap)
    if limit < wanted and not limits.partial:
        return [Try(usable[0].account, wanted, 0, DebitOutcome.FAILED, FailureReason.CARD_LIMIT)]
    if not limits.partial:
        return [_all_or_nothing(wanted, usable, payable_on)]
    tries = _what_is_there(limit, usable, payable_on)
    if limit < wanted and tries[-1].outcome is DebitOutcome.SUCCESS:
        tries[-1] = replace(tries[-1], outcome=DebitOutcome.PARTIAL, reason=FailureReason.CARD_LIMIT)
    return tries


def _all_or_nothing(wanted: int, sources: Sequence[Source], payable_on: date) -> Try:
    least: Try | None = None
    for source in sources:
        verdict = judge(source.balance, wanted, payable_on)
        if verdict.funding is not Funding.SHORT:
            sure = verdict.funding is Funding.COVERED
            return Try(source.account, wanted, wanted, DebitOutcome.SUCCESS if sure else DebitOutcome.PRESUMED)
        if least is None or verdict.missing < least.missing:
            least = _failed(source.account, wanted, verdict.missing)
    assert least is not None
    return least


def _what_is_there(wanted: int, sources: Sequence[Source], payable_on: date) -> list[Try]:
    tries: list[Try] = []
    left, missing, lacking = wanted, 0, 0
    for source in sources:
        verdict = judge(source.balance, left, payable_on)
        if verdict.funding is not Funding.SHORT:
            sure = verdict.funding is Funding.COVERED
            tries.append(Try(source.account, left, left, DebitOutcome.SUCCESS if sure else DebitOutcome.PRESUMED))
            return tries
        missing = verdict.missing  # more than is asked for where the account is overdrawn
        there = max(0, source.balance.amount) if source.balance else 0
        if there:
            tries.append(Try(source.account, left, there, DebitOutcome.PARTIAL, FailureReason.INSUFFICIENT))
            lacking = missing
            left -= there
    if not tries:
        return [_failed(sources[-1].account, wanted, missing)]
    tries[-1] = replace(tries[-1], missing=lacking)
    return tries


def _failed(account: int, wanted: int, missing: int) -> Try:
    return Try(account, wanted, 0, DebitOutcome.FAILED, FailureReason.INSUFFICIENT, missing)
