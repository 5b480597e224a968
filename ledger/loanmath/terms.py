"""The loan agreement as frozen values: everything `project` needs to know that did not happen later.

Amounts are whole minor units of `currency`; rates are `Decimal` fractions a year (0.12 is 12 %).
Every convention in which lenders differ is a field here, with the default that suits a newcomer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Parts, Rounding


class Method(StrEnum):
    """How a loan's bills are made up from principal and interest."""

    LEVEL = "level"  # 等额本息: the payment is constant
    EQUAL_PRINCIPAL = "equal_principal"  # 等额本金: the principal part is constant
    INTEREST_ONLY = "interest_only"  # 先息后本: interest, and the principal with the last bill
    FLAT = "flat"  # 等本等息: interest (or fee) on the original principal, equal parts
    LISTED = "listed"  # the lender's own table, row by row


class Unit(StrEnum):
    """The step between two due dates is `every` units."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class MonthEnd(StrEnum):
    """Where a due date falls in a month that has no such day."""

    CLAMP = "clamp"  # on its last day
    ROLL = "roll"  # on the first of the next month


class Residue(StrEnum):
    """Which bill takes what rounding leaves over."""

    FIRST = "first"
    LAST = "last"


class Component(StrEnum):
    """What a cent of a bill is for."""

    PENALTY = "penalty"
    FEE = "fee"
    INTEREST = "interest"
    PRINCIPAL = "principal"


class Excess(StrEnum):
    """What happens to money beyond what is due when the borrower did not say what it is for."""

    NEXT_BILL = "next_bill"  # pays the next bills ahead
    SHORTEN = "shorten"  # prepays principal, payment kept
    LOWER = "lower"  # prepays principal, end date kept
    LAST_BILL = "last_bill"  # pays the last bills ahead, from the end
    EQUAL_SHARES = "equal_shares"  # shared equally over all bills to come
    HOLD = "hold"  # kept as credit


class Spread(StrEnum):
    """Which loop runs outside when one repayment meets several bills."""

    BILL_BY_BILL = "bill_by_bill"  # the oldest bill whole, then the next
    COMPONENT_BY_COMPONENT = "component_by_component"  # the first component of all of them, then the next


class LastRow(StrEnum):
    """What becomes of the cents that rounding leaves over in the last bill."""

    REST = "rest"  # the last bill takes them
    AS_IS = "as_is"  # the last payment is like the others; what is left stays unpaid
    SQUEEZE_INTEREST = "squeeze_interest"  # the last payment is like the others; its interest gives way


class PaymentFit(StrEnum):
    """How a worked-out level payment is corrected so that the last bill comes close to the others."""

    NONE = "none"
    REFIT = "refit"  # moved by a share of the last bill's difference while that shrinks, at most three times
    LOWER_LAST = "lower_last"  # the smallest payment whose last bill is not higher
    HIGHER_LAST = "higher_last"  # the largest payment whose last bill is not lower
    SIMILAR_LAST = "similar_last"  # the payment whose last bill differs least


class AheadInterest(StrEnum):
    """What interest a bill asks for that is paid before its due date."""

    PLANNED = "planned"  # all of it, as planned
    TO_DATE = "to_date"  # up to the day; the rest of it joins the bill after, and bills further ahead ask for none
    ON_BALANCE = "on_balance"  # day by day on what is owed: money paid early meets principal alone, as part of the bill
    # of its period, and what goes beyond that bill's principal does what `excess` says


class OverdueRest(StrEnum):
    """From when to when unpaid principal of bills past due bears interest, where it does (`overdue_accrues`)."""

    DAY = "day"  # from the due date up to the day looked at
    REPAYMENT = "repayment"  # from the last due date up to the day a repayment comes in
    PERIOD = "period"  # over the whole period in which a repayment comes in


class PenaltyBase(StrEnum):
    """What penalty interest, or a late fee that is a share, is counted on."""

    PRINCIPAL = "principal"
    PRINCIPAL_AND_INTEREST = "principal_and_interest"
    BILL = "bill"
    MINIMUM = "minimum"  # the unpaid part of the minimum payment (`LoanTerms.minimum_share`, `minimum_floor`)


@dataclass(frozen=True, slots=True)
class PenaltyTerms:
    """What lateness costs: interest a day on what is overdue, and a fee once per missed bill.

    `annual_rate` is counted on `base` for every day after the payable date on which it is unpaid, over
    `year_days`; the first `grace_days` days bear none (and, if `from_due`, are charged after all once the
    grace has passed). It stands in place of the loan's own rate, or, if it `adds_on`, comes on top of it. It is
    simple unless it `compounds`: then, on each monthly return of the payable date, what it has come to joins the
    base (复利). `cap` and `cap_share` (of what the bill asked for) are the most it can come to on one bill.

    When the grace has passed `late_fee` is added once, plus `late_fee_share` of what is then unpaid of
    `late_fee_base`, together at least `late_fee_floor` and at most `late_fee_cap` (None: no limit).
    """

    annual_rate: Decimal = Decimal(0)
    base: PenaltyBase = PenaltyBase.PRINCIPAL
    year_days: int = 360
    grace_days: int = 0
    from_due: bool = True
    adds_on: bool = False
    compounds: bool = False
    cap: int | None = None
    cap_share: Decimal | None = None
    late_fee: int = 0
    late_fee_share: Decimal = Decimal(0)
    late_fee_base: PenaltyBase = PenaltyBase.BILL
    late_fee_floor: int = 0
    late_fee_cap: int | None = None

    @property
    def is_borne(self) -> bool:
        """Whether being late costs anything."""
        return any((self.annual_rate, self.late_fee, self.late_fee_share, self.late_fee_floor))


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row of the lender's own table."""

    due_on: date
    parts: Parts


class PrepaymentBase(StrEnum):
    """What the fraction of a prepayment fee is taken of."""

    PREPAID = "prepaid"  # the principal prepaid
    REMAINING = "remaining"  # all principal not yet due before the prepayment


@dataclass(frozen=True, slots=True)
class PrepaymentTier:
    """Until so many months after the disbursement (not included), `fraction` is asked."""

    until_months: int
    fraction: Decimal


@dataclass(frozen=True, slots=True)
class PrepaymentFee:
    """What prepaying costs, and when it may be done.

    A `fraction` of the `base`; other fractions while the loan is young (`tiers`, youngest first); `months_of_interest`
    on the principal prepaid; at least `least`; nothing from `free_after_months` on. Before `lock_in_months` nothing may
    be prepaid; a prepayment is at least `least_amount`, a multiple of `multiple_of`, announced `notice_days` before.
    """

    fraction: Decimal = Decimal(0)
    free_after_months: int | None = None
    base: PrepaymentBase = PrepaymentBase.PREPAID
    tiers: tuple[PrepaymentTier, ...] = ()
    months_of_interest: Decimal = Decimal(0)
    least: int = 0
    lock_in_months: int = 0
    least_amount: int = 0
    multiple_of: int = 0
    notice_days: int = 0


class UnbilledFees(StrEnum):
    """What becomes of the fees of bills to come when the loan is paid off early."""

    WAIVED = "waived"  # none is asked
    DUE = "due"  # all are asked at once
    ONE_PERIOD = "one_period"  # that of the next bill is asked
    SHARE = "share"  # `LoanTerms.unbilled_fee_share` of them is asked


class HolidayRule(StrEnum):
    """When a bill is payable whose due date is no working day."""

    SAME_DAY = "same_day"
    NEXT_WORKDAY = "next_workday"
    PREVIOUS_WORKDAY = "previous_workday"
    NEXT_DUE_DATE = "next_due_date"  # together with the bill after it


class FirstDue(StrEnum):
    """How the first due date follows from the day of the disbursement; see `dates.first_due_date`."""

    EXPLICIT = "explicit"  # as stated
    ONE_PERIOD = "one_period"  # one period after the disbursement
    NEXT_MONTH = "next_month"  # the due day of the next calendar month
    MIN_GAP = "min_gap"  # the first due day at least `first_due_gap` days later
    SKIP_ONE = "skip_one"  # the due day after the next one


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A rate that follows a published series: its value on the repricing day plus `spread` (a fraction; -0.003 is
    30 basis points below). Repriced every `every_months` from `repriced_on` on (None: the anniversary of the
    disbursement); in between the rate stays. `annual_rate` of the terms holds until the first repricing day."""

    series: str
    spread: Decimal = Decimal(0)
    every_months: int = 12
    repriced_on: date | None = None


DEFAULT_ORDER = (Component.PENALTY, Component.FEE, Component.INTEREST, Component.PRINCIPAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanTerms:
    """One version of a loan agreement.

    A loan entered in mid-life states what was still owed on `disbursed_on` as `principal` and counts the
    bills still to come: earlier repayments are history and are never subtracted.
    """

    currency: str
    principal: int
    disbursed_on: date
    annual_rate: Decimal
    count: int
    first_due_on: date
    method: Method = Method.LEVEL
    unit: Unit = Unit.MONTH
    every: int = 1
    anchor_day: int | None = None  # 1-31; None: the day of first_due_on
    month_end: MonthEnd = MonthEnd.CLAMP
    day_count: DayCount = DayCount.PERIODIC
    rounding: Rounding = Rounding.HALF_UP
    residue: Residue = Residue.LAST
    payment: int | None = None  # the level payment the lender states; None: worked out
    flat_fee: int = 0  # FLAT: total fee over all bills, shared out equally
    upfront_fee: int = 0  # taken from the proceeds or paid beside them on disbursed_on; enters the APR
    bill_fee: int = 0  # added to each bill
    listed: tuple[ListedRow, ...] = ()
    order: tuple[Component, ...] = DEFAULT_ORDER
    order_ahead: tuple[Component, ...] = ()  # of money for bills not yet due; (): as `order`
    excess: Excess = Excess.NEXT_BILL
    spread: Spread = Spread.BILL_BY_BILL
    penalty: PenaltyTerms = PenaltyTerms()
    prepayment_fee: PrepaymentFee = PrepaymentFee()
    payment_rounding: Rounding | None = None  # of the level payment or the equal part; None: as `rounding`
    interest_rounding: Rounding | None = None  # of each bill's interest; None: as `rounding`
    round_parts: bool = False  # interest is rounded whenever balance or rate change, not once a bill
    payment_unit: int = 1  # the payment is rounded to a multiple of this many minor units
    payment_fit: PaymentFit = PaymentFit.NONE
    last_row: LastRow = LastRow.REST
    due_dates: tuple[date, ...] = ()  # an agreed list of due dates; replaces first_due_on, unit and every
    opening_balance: int | None = None  # what interest starts on (a financed fee included); None: principal
    principal_part: int | None = None  # EQUAL_PRINCIPAL: the stated part; None: shared out equally
    balloon: int = 0  # principal left for the last bill, on top of its regular share
    principal_grace: int = 0  # LEVEL, EQUAL_PRINCIPAL: that many bills ask for interest only
    interest_grace: int = 0  # that many bills ask for no interest; the next one asks for theirs as well
    overdue_accrues: bool = False  # unpaid principal goes on bearing interest, asked for with the next bill
    overdue_rest: OverdueRest = OverdueRest.DAY
    overdue_compounds: bool = False  # unpaid interest of those bills bears interest as well
    ahead_interest: AheadInterest = AheadInterest.PLANNED
    payoff_to_period_end: bool = False  # a payoff asks for the interest of the running period to its end, but not on
    # what is overdue and paid by it
    thirty_day_payment: bool = False  # LEVEL: the payment is worked out as if every month had 30 days
    extra_payment: int = 0  # principal paid on top of every bill, by agreement
    weights: tuple[Decimal, ...] = ()  # LEVEL: each bill's share of the full payment; 0 skips a payment
    rate_from_payments: bool = False  # LEVEL: interest at the rate at which the rounded payments repay exactly
    first_day_free: bool = False  # the day of the disbursement bears no interest
    odd_period_whole: bool = False  # PERIODIC: a longer or shorter period counts as one whole period
    part_period: DayCount = DayCount.ACT_365F  # PERIODIC: how interest up to a day inside a period is counted;
    # PERIODIC here means by days over the days of that period
    first_due: FirstDue = FirstDue.EXPLICIT  # how first_due_on came about; first_due_on itself is what counts
    first_due_gap: int = 0  # days, of FirstDue.MIN_GAP
    holiday_rule: HolidayRule = HolidayRule.SAME_DAY
    holiday_calendar: str = ""  # which working days count: a country code such as CN; "": weekends alone
    last_due_on: date | None = None  # the last bill is due on this day instead of its regular one
    down_payment: int = 0  # part of the principal asked for on the day of the disbursement, as a bill of its own
    bill_fee_rate: Decimal = Decimal(0)  # of the principal lent, added to each bill as a fee
    interest_free_days: int = 0  # the first days after the disbursement that bear no interest
    minimum_share: Decimal = Decimal(1)  # of a bill's principal in its minimum payment, beside all else it asks for
    minimum_floor: int = 0  # the least the minimum payment is, or the whole bill where that is less
    unbilled_fees: UnbilledFees = UnbilledFees.WAIVED
    unbilled_fee_share: Decimal = Decimal(1)
    benchmark: Benchmark | None = None

    @property
    def opening(self) -> int:
        """What is owed on `disbursed_on`, a financed fee included: the sum of all bills' principal."""
        return self.principal if self.opening_balance is None else self.opening_balance
