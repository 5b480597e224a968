"""Named sets of terms: what each kind of loan usually agrees, as values of `LoanTerms`.

They are where a form or a loan file begins; every one can be said otherwise. Sources: docs/loan-rules.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from ledger.loanmath.dates import due_date, first_due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.terms import (
    Benchmark,
    FirstDue,
    HolidayRule,
    LoanTerms,
    Method,
    PenaltyBase,
    PenaltyTerms,
    PrepaymentFee,
    PrepaymentTier,
    Residue,
    UnbilledFees,
    Unit,
)

NEW_YEAR = date(2020, 1, 1)  # repricing days are counted from it: each 1 January
DECEMBER_21 = date(2019, 12, 21)
BASIS_POINT = Decimal("0.0001")
HALF_MORE = Decimal("1.5")
STUDENT_LAST = (9, 20)  # 生源地助学贷款: the last bill is due on 20 September of its year


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of loan: its `terms` by the names of the fields of `LoanTerms`; `penalty_times` the loan's own rate is
    the penalty's. In the last year prepaying costs only `late_fraction`."""

    terms: Mapping[str, Any]
    penalty_times: Decimal = Decimal(0)
    late_fraction: Decimal | None = None
    first_due_on: Callable[[date], date] | None = None  # from the day of the disbursement, where no rule says it
    last_due: tuple[int, int] | None = None  # month and day on which the last bill is due, in the year of its own


_OWN = ("penalty_times", "late_fraction", "first_due_on", "last_due")


def next_december_20(day: date) -> date:
    """The first 20 December after `day`."""
    december = date(day.year, 12, 20)
    return december if december > day else date(day.year + 1, 12, 20)


def on_the_day(day: date) -> date:
    """The day itself."""
    return day


def _preset(**terms: Any) -> Preset:
    own = {name: terms.pop(name) for name in _OWN if name in terms}
    return Preset(MappingProxyType(terms), **own)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # 备用金: by the day, one due day for all draws of a month
        "reserve": _preset(
            day_count=DayCount.ACT_360, first_due=FirstDue.NEXT_MONTH, anchor_day=10, penalty_times=HALF_MORE
        ),
        # 花呗: equal parts with a flat fee, the odd cents in the first
        "bnpl": _preset(
            method=Method.FLAT,
            residue=Residue.FIRST,
            first_due=FirstDue.NEXT_MONTH,
            anchor_day=10,
            penalty=PenaltyTerms(annual_rate=Decimal("0.18")),
        ),
        # 账单分期: a flat fee, and all of it is due when the plan is paid off early
        "card": _preset(
            method=Method.FLAT,
            first_due=FirstDue.NEXT_MONTH,
            anchor_day=25,
            unbilled_fees=UnbilledFees.DUE,
            penalty=PenaltyTerms(annual_rate=Decimal("0.18")),
        ),
        # 借呗, 微粒贷: equal payments, interest by the day
        "online": _preset(day_count=DayCount.ACT_360, first_due=FirstDue.ONE_PERIOD, penalty_times=HALF_MORE),
        "car": _preset(
            first_due=FirstDue.ONE_PERIOD,
            penalty_times=HALF_MORE,
            prepayment_fee=PrepaymentFee(fraction=Decimal("0.03"), free_after_months=12),
        ),
        # 房贷: the LPR and a spread, repriced each 1 January
        "mortgage": _preset(
            first_due=FirstDue.MIN_GAP,
            first_due_gap=1,
            benchmark=Benchmark("CN-LPR-5Y", -30 * BASIS_POINT, 12, NEW_YEAR),
            penalty_times=HALF_MORE,
            prepayment_fee=PrepaymentFee(fraction=Decimal("0.01"), free_after_months=12),
        ),
        # 公积金贷款: the official rate, a change of it from the next 1 January on
        "fund": _preset(
            first_due=FirstDue.ONE_PERIOD,
            benchmark=Benchmark("CN-FUND-1ST-LONG", Decimal(0), 12, NEW_YEAR),
            penalty_times=HALF_MORE,
        ),
        # 国家助学贷款: once a year on 20 December, five years of interest alone
        "state_student": _preset(
            unit=Unit.YEAR,
            day_count=DayCount.ACT_360,
            principal_grace=5,
            benchmark=Benchmark("CN-LPR-5Y", -70 * BASIS_POINT, 12, DECEMBER_21),
            penalty_times=Decimal("1.3"),
            first_due_on=next_december_20,
            last_due=STUDENT_LAST,
        ),
        "student": _preset(first_due=FirstDue.ONE_PERIOD, penalty_times=HALF_MORE),
        # Simple interest by the day, a late fee after the grace
        "us": _preset(
            day_count=DayCount.ACT_365F,
            first_due=FirstDue.ONE_PERIOD,
            holiday_rule=HolidayRule.NEXT_WORKDAY,
            holiday_calendar="US",
            penalty=PenaltyTerms(year_days=365, grace_days=15, late_fee_share=Decimal("0.05")),
        ),
        # Compensation of at most 1 %, and 0.5 % in the last year (2008/48/EC art. 16, 2023/2225 art. 29)
        "eu": _preset(
            first_due=FirstDue.ONE_PERIOD,
            holiday_rule=HolidayRule.NEXT_WORKDAY,
            prepayment_fee=PrepaymentFee(fraction=Decimal("0.01")),
            late_fraction=Decimal("0.005"),
        ),
        # The first quarter on the day, the others every two weeks
        "pay_in_4": _preset(
            method=Method.FLAT, unit=Unit.WEEK, every=2, count=4, annual_rate=Decimal(0), first_due_on=on_the_day
        ),
        # Meses sin intereses: parts of a purchase on the card's bill
        "msi": _preset(
            method=Method.FLAT,
            annual_rate=Decimal(0),
            first_due=FirstDue.NEXT_MONTH,
            anchor_day=20,
            holiday_rule=HolidayRule.NEXT_WORKDAY,
            holiday_calendar="MX",
        ),
        # Parcelado sem juros; late: multa of 2 % and mora of 1 % a month (Lei 8.078 art. 52)
        "parcelado": _preset(
            method=Method.FLAT,
            annual_rate=Decimal(0),
            residue=Residue.FIRST,
            first_due=FirstDue.NEXT_MONTH,
            anchor_day=10,
            holiday_rule=HolidayRule.NEXT_WORKDAY,
            holiday_calendar="BR",
            penalty=PenaltyTerms(annual_rate=Decimal("0.12"), base=PenaltyBase.BILL, late_fee_share=Decimal("0.02")),
        ),
    }
)


def preset_terms(code: str, **said: Any) -> LoanTerms:
    """The terms of kind `code`, with everything `said` by the names of the fields of `LoanTerms` in place of what is
    usual. The first due date follows from the disbursement where it is not said. Raises KeyError for an unknown kind,
    TypeError where a figure is missing."""
    preset = PRESETS[code]
    values = {**preset.terms, **said}
    if "first_due_on" not in values:
        values["first_due_on"] = first_due_on(code, values)
        if values.get("unit", Unit.MONTH) is Unit.MONTH:
            values.setdefault("anchor_day", values["disbursed_on"].day)  # the 31st comes back after February
    if preset.penalty_times and "penalty" not in said:
        values["penalty"] = PenaltyTerms(annual_rate=values["annual_rate"] * preset.penalty_times)
    terms = LoanTerms(**values)
    if preset.late_fraction is not None and "prepayment_fee" not in said:
        terms = replace(terms, prepayment_fee=with_last_year(terms, preset.late_fraction))
    if preset.last_due is not None and "last_due_on" not in said:
        terms = replace(terms, last_due_on=last_due_on(terms, preset.last_due))
    return terms


def first_due_on(code: str, values: Mapping[str, Any]) -> date:
    """When the first bill of a loan of this kind is due, by its rule and the day of its disbursement."""
    kind, disbursed_on = PRESETS.get(code), values["disbursed_on"]
    if kind is not None and kind.first_due_on is not None:
        return kind.first_due_on(disbursed_on)
    return first_due_date(
        values.get("first_due", FirstDue.ONE_PERIOD),
        disbursed_on,
        values.get("anchor_day"),
        values.get("unit", Unit.MONTH),
        values.get("every", 1),
        values.get("first_due_gap", 0),
    )


def last_due_on(terms: LoanTerms, month_and_day: tuple[int, int]) -> date | None:
    """The day in the year of the last bill on which it is due instead; None where that would be later, or not after
    the bill before it."""
    regular = due_date(terms.first_due_on, terms.anchor_day, terms.unit, terms.every, terms.count - 1)
    day = date(regular.year, *month_and_day)
    before = terms.disbursed_on
    if terms.count > 1:
        before = due_date(terms.first_due_on, terms.anchor_day, terms.unit, terms.every, terms.count - 2)
    return day if before < day < regular else None


def with_last_year(terms: LoanTerms, late_fraction: Decimal) -> PrepaymentFee:
    """The prepayment fee of `terms` until a year before the end of a monthly loan, then `late_fraction`."""
    fee, early = terms.prepayment_fee, terms.count - 12
    if early <= 0:
        return replace(fee, fraction=late_fraction)
    return replace(fee, fraction=late_fraction, tiers=(PrepaymentTier(early, fee.fraction),))
