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
from ledger.loanmath.terms import Component, LoanTerms


class ApplyTo(StrEnum):
    """What the borrower said a repayment is for."""

    DUE = "due"  # past due first, then due; the rest as the agreement says (`LoanTerms.excess`)
    BILL = "bill"  # the bill named by `bill`
    NEXT = "next"  # what is due first; the rest pays the next bills ahead
    LAST = "last"  # what is due first; the rest pays the last bills ahead, from the end
    SHARES = "shares"  # what is due first; the rest is shared equally over all bills to come
    HOLD = "hold"  # what is due first; the rest is kept as credit
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
    INTEREST_ONLY = "interest_only"  # this bill asks for its interest only, on its day; the others repay its principal
    ADD_TO_END = "add_to_end"  # nothing is asked for on its day; one more bill follows the last
    WAIVE = "waive"  # all bills move on as with SHIFT, and the days it moves by bear no interest


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
    """Money the borrower paid on `effective_on`; `presumed` until someone confirms the debit happened."""

    amount: int
    apply_to: ApplyTo = ApplyTo.DUE
    bill: int | None = None
    presumed: bool = False


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
    after `due_on` if it is asked for later than it is known. It counts before the repayments of its day, unless it was
    added `after_repayments`."""

    amount: int
    component: Component = Component.FEE
    bill: int | None = None
    due_on: date | None = None
    after_repayments: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(Fact):
    """A charge or interest forgiven, or a coupon used: never a repayment."""

    amount: int
    component: Component
    bill: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral(Fact):
    """An agreed later date for a bill: `due_on`, or None for one regular step later. INTEREST_ONLY and ADD_TO_END move
    no date and need none."""

    bill: int
    due_on: date | None = None
    treatment: DeferralTreatment = DeferralTreatment.MOVE


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDateMove(Fact):
    """The due day itself is another one from bill `bill` on: that bill is due on `due_on`, earlier or later than
    before, and those after it follow step by step. The payment is kept; nothing counts as deferred."""

    bill: int
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Fact):
    """No interest is counted from `effective_on` through `until`, both days included; the payment is kept."""

    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension(Fact):
    """So many more bills; the payment is worked out again for those to come."""

    bills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Fact):
    """A purchase given back, in whole or in part: it makes the bills to come smaller, then pays what is open; what is
    beyond that is credit. No repayment, and no prepayment fee is asked."""

    amount: int


class CouponKind(StrEnum):
    """What a coupon or a subsidy takes off. What it takes off is waived, never repaid."""

    AMOUNT = "amount"  # `amount` off bill `bill`: its fee and interest first, then principal
    SHARE = "share"  # `fraction` of the interest and fees of the bills it covers
    FREE_BILLS = "free_bills"  # interest and fees of the first `count` bills it covers
    FREE_DAYS = "free_days"  # the interest of `count` days from `effective_on` on
    RATE = "rate"  # `fraction` a year off the rate (a subsidy of one percentage point: 0.01) on the bills it covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon(Fact):
    """A coupon used, or a subsidy a third party pays. It covers the bills due from its day through `until`, bill
    `bill` alone if that is named; together it takes off at most `cap`."""

    kind: CouponKind
    amount: int = 0
    fraction: Decimal = Decimal(0)
    count: int = 0
    bill: int | None = None
    until: date | None = None
    cap: int | None = None
    by_third_party: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement(Fact):
    """An arrangement with the lender that replaces the schedule (协商还款): from its day on everything owed, what is
    overdue included, is repaid under `terms` (whose `principal` does not count). Unpaid interest, fees and penalty join
    the principal, or are forgiven if it `forgives`. The bills it replaces ask for no more than they were paid."""

    terms: LoanTerms
    forgives: bool = False


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
