"""What happened to a loan, as frozen values: dated facts that are only ever added.

A fact has the `id` under which it was recorded (its order among facts of one day) and `effective_on`, the
day from which it counts. A reversal names the fact it undoes; reversing a reversal brings the fact back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ledger.loanmath.money import Parts
from ledger.loanmath.terms import Component, Excess, LoanTerms


class ApplyTo(StrEnum):
    """What the borrower said a repayment is for."""

    DUE = "due"  # past due first, then due; the rest as the agreement says (`LoanTerms.excess`)
    BILL = "bill"  # the bill named by `bill`
    SHORTEN = "shorten"  # what is overdue or due today first; the rest prepays principal, payment kept
    LOWER = "lower"  # likewise, end date kept and payment lowered
    PAYOFF = "payoff"  # settles the loan on that day


class RateEffect(StrEnum):
    """What a rate change keeps."""

    KEEP_TERM = "keep_term"
    KEEP_PAYMENT = "keep_payment"


class DeferralTreatment(StrEnum):
    """What becomes of a deferred bill's interest and of the bills after it."""

    MOVE = "move"  # this bill alone is due later, nothing added
    SHIFT = "shift"  # this and all later bills move by one step, interest goes on
    CAPITALIZE = "capitalize"  # likewise, and interest to the old date joins the principal; payment worked out anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    id: int
    effective_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsVersion(Fact):
    """New terms from `effective_on` on; the first version is given to `project` by itself. Bills due after the day
    are planned anew for what is then owed (`terms.principal` does not count again); a version that counts from the
    disbursement or before replaces the first one altogether."""

    terms: LoanTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment(Fact):
    """Money the borrower paid on `effective_on`; `presumed` until someone confirms the debit happened. `excess` says
    what becomes of more than is due, where it is not as agreed."""

    amount: int
    apply_to: ApplyTo = ApplyTo.DUE
    bill: int | None = None
    presumed: bool = False
    excess: Excess | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown(Fact):
    """More money lent under the same agreement; the payment is worked out again for the bills to come."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChange(Fact):
    """The yearly rate from the start of `effective_on` on."""

    annual_rate: Decimal
    effect: RateEffect = RateEffect.KEEP_TERM


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(Fact):
    """A fee or penalty the lender added; on bill `bill`, else on the first bill due on or after the day, or on or
    after `due_on` if it is asked for later than it is known."""

    amount: int
    component: Component = Component.FEE
    bill: int | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(Fact):
    """A charge or interest forgiven, or a coupon used: never a repayment."""

    amount: int
    component: Component
    bill: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral(Fact):
    """An agreed later date for a bill."""

    bill: int
    due_on: date
    treatment: DeferralTreatment = DeferralTreatment.MOVE


@dataclass(frozen=True, slots=True, kw_only=True)
class LenderFigure(Fact):
    """What the lender says a bill is; replaces ours from then on, and the difference shows."""

    bill: int
    parts: Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation(Fact):
    """The debit recorded as repayment `of` (a fact id) really happened."""

    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Fact):
    """Undoes fact `of`, wherever it stands in time, as if it had never been recorded."""

    of: int
