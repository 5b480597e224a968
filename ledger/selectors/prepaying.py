"""What the lender allows of a repayment: a warning beside it, never a refusal, since what was paid was paid."""

from __future__ import annotations

from datetime import date

from ledger.loanmath import facts
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.prepayment import PrepaymentProblem, prepayment_problem
from ledger.selectors.history import History

EARLY = {ApplyTo.SHORTEN, ApplyTo.LOWER, ApplyTo.PAYOFF}


def not_allowed(
    past: History, repayment: facts.Repayment, principal: int, settles: bool, today: date
) -> PrepaymentProblem | None:
    """Why the agreement does not allow `principal`, the part of a repayment that is not yet due; None if it does, or
    if nothing is prepaid. One made before today was asked for on its day."""
    if repayment.apply_to not in EARLY or not principal:
        return None
    day = repayment.effective_on
    return prepayment_problem(past.terms_on(day), principal, day, asked_on=min(today, day), settles=settles)
