"""What was said on the form, as parts of an agreement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.loanmath.benchmarks import priced
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import round_minor
from ledger.loanmath.presets import BASIS_POINT, DECEMBER_21, NEW_YEAR
from ledger.loanmath.terms import (
    Benchmark,
    FirstDue,
    HolidayRule,
    PenaltyBase,
    PenaltyTerms,
    PrepaymentFee,
    UnbilledFees,
)
from ledger.selectors.benchmarks import Series

Said = Mapping[str, Any]
REPRICED_ON: dict[str, date] = {"new_year": NEW_YEAR, "december": DECEMBER_21}
WHOLE_YEAR_DAYS = (DayCount.ACT_365F, DayCount.ACT_ACT)


def year_days(said: Said) -> int:
    """The days of a year where a rate a day becomes one a year."""
    return 365 if said.get("day_count") in WHOLE_YEAR_DAYS else 360


def annual_rate(said: Said, rates: Series) -> Decimal | None:
    """The yearly rate; where none is stated that of the benchmark on the day of the disbursement. None if neither is
    known."""
    rate, per = said.get("rate"), said.get("rate_per")
    if rate is None:
        followed = benchmark(said)
        if followed is None:
            return None
        return priced(followed, rates.get(followed.series, ()), said["disbursed_on"]).annual_rate
    return Decimal(rate * {"month": 12, "day": year_days(said)}.get(str(per), 1))


def benchmark(said: Said) -> Benchmark | None:
    """The series that the rate follows, if any."""
    if not said.get("series"):
        return None
    return Benchmark(
        series=said["series"],
        spread=(said.get("spread") or Decimal(0)) * BASIS_POINT,
        every_months=int(said.get("cycle") or 12),
        repriced_on=REPRICED_ON.get(said.get("repricing") or ""),
    )


def flat_fee(said: Said) -> int:
    """The fee of a plan over all its bills."""
    if said.get("fee_rate") is None:
        return 0
    times = said["count"] if said.get("fee_per") == "month" else 1
    return round_minor(said["amount"] * said["fee_rate"] * times)


def penalty(said: Said, rate: Decimal) -> PenaltyTerms:
    """What lateness costs; `rate` is the loan's own, a year."""
    own, per = said.get("penalty") or Decimal(0), said.get("penalty_per")
    if per == "times":
        own = own * 100 * rate
    elif per == "day":
        own = own * year_days(said)
    return PenaltyTerms(
        annual_rate=own,
        base=PenaltyBase(said.get("penalty_base") or PenaltyBase.PRINCIPAL),
        year_days=year_days(said),
        grace_days=said.get("grace_days") or 0,
        adds_on=bool(said.get("adds_on")),
        cap=said.get("penalty_cap") or None,
        late_fee=said.get("late_fee") or 0,
        late_fee_share=said.get("late_fee_share") or Decimal(0),
        late_fee_floor=said.get("late_fee_floor") or 0,
    )


def prepayment_fee(said: Said) -> PrepaymentFee:
    """What prepaying costs, without what becomes of it in the last year."""
    return PrepaymentFee(
        fraction=said.get("prepay_share") or Decimal(0),
        free_after_months=said.get("prepay_free_after") or None,
        lock_in_months=said.get("prepay_lock_in") or 0,
    )


def extras(said: Said) -> dict[str, Any]:
    """Conventions beyond amount, rate and days, by the names of the fields of `LoanTerms`."""
    share = said.get("minimum_share")
    return {
        "upfront_fee": said.get("upfront_fee") or 0,
        "bill_fee": said.get("bill_fee") or 0,
        "bill_fee_rate": said.get("bill_fee_rate") or Decimal(0),
        "unbilled_fees": UnbilledFees(said.get("unbilled_fees") or UnbilledFees.WAIVED),
        "balloon": said.get("balloon") or 0,
        "down_payment": said.get("down_payment") or 0,
        "principal_grace": said.get("principal_grace") or 0,
        "interest_grace": said.get("interest_grace") or 0,
        "interest_free_days": said.get("interest_free_days") or 0,
        "last_due_on": said.get("last_due_on"),
        "holiday_rule": HolidayRule(said.get("holiday_rule") or HolidayRule.SAME_DAY),
        "holiday_calendar": said.get("holiday_calendar") or "",
        "minimum_share": Decimal(1) if share is None else share,
        "minimum_floor": said.get("minimum_floor") or 0,
        "prepayment_fee": prepayment_fee(said),
        "benchmark": benchmark(said),
    }


def first_due_rule(said: Said) -> FirstDue:
    """By what rule the first due date follows, where it is not stated."""
    if said.get("first_due"):
        return FirstDue(said["first_due"])
    return FirstDue.NEXT_MONTH if said.get("due_day") else FirstDue.ONE_PERIOD
