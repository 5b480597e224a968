"""The words and spellings in which worked cases say a value, and what they mean to the engine."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import ApplyTo, RateEffect
from ledger.loanmath.money import Rounding, exponent, round_minor
from ledger.loanmath.terms import Component, Excess, LastRow, Method, MonthEnd, PaymentFit, Residue, Spread, Unit
from ledger.loanmath.tvm import quotient

Case = dict[str, Any]


class UntranslatedError(AssertionError):
    """A value for which there is no term yet."""


# Single values: numbers may be text, dates may carry a time, flags may be words.


def word(said: Any) -> str:
    """A name as the tables spell it: "Half-even" is half_even."""
    return re.sub(r"[\s\-]+", "_", str(said).strip().lower())


def pick(table: dict[Any, Any], said: Any, what: str) -> Any:
    key = said if said in table else word(said)
    if key not in table:
        raise UntranslatedError(f"{what}: {said!r}")
    return table[key]


def flag(said: Any) -> bool:
    return word(said) in {"true", "yes", "1", "y", "on"}


def day(text: Any) -> date:
    return date(*(int(part) for part in re.split(r"[-/.]", str(text).strip()[:10])))


def exact(said: Any) -> Fraction:
    """A number as cases write it: 12.5, 1,000.00, 0.08/12, 3/366+1/12."""
    return sum((_quotient(part) for part in str(said).replace(",", "").split("+")), Fraction(0))


def _quotient(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above.strip()) / Fraction(below.strip() or 1)


def percent(said: Any) -> Decimal:
    return decimal(exact(str(said).rstrip("% ")) / 100)


def decimal(value: Fraction) -> Decimal:
    return quotient(value.numerator, value.denominator)


def decimals(inputs: Case) -> int:
    return int(inputs.get("decimals", exponent(inputs.get("currency", "CNY"))))


def minor(said: Any, inputs: Case) -> int:
    return round_minor(exact(said) * 10 ** decimals(inputs))


def money(amount: int, inputs: Case) -> Fraction:
    return Fraction(amount, 10 ** decimals(inputs))


def all_of(*names: str, means: Any) -> dict[str, Any]:
    return dict.fromkeys(names, means)


# Names.

METHODS = (
    all_of("annuity", "level", "equal_instalment", "equal_instalments", "equal_installment", means=Method.LEVEL)
    | all_of("equal_installments", "equal_payment", "equal_payments", "level_payment", "emi", means=Method.LEVEL)
    | all_of("equal_principal", "equal_principal_payments", "linear", means=Method.EQUAL_PRINCIPAL)
    | all_of("interest_only", "interest_first", "bullet", means=Method.INTEREST_ONLY)
    | all_of("flat", "flat_fee", "flat_rate", means=Method.FLAT)
)
UNITS = (
    all_of("day", "days", "daily", "d", means=(Unit.DAY, 1))
    | all_of("week", "weeks", "weekly", "w", means=(Unit.WEEK, 1))
    | all_of("fortnight", "fortnights", "fortnightly", "biweekly", "bi_weekly", means=(Unit.WEEK, 2))
    | all_of("month", "months", "monthly", "m", means=(Unit.MONTH, 1))
    | all_of("bimonthly", "bi_monthly", "two_months", means=(Unit.MONTH, 2))
    | all_of("quarter", "quarters", "quarterly", "q", means=(Unit.MONTH, 3))
    | all_of("half_year", "half_years", "half_yearly", "semiyear", "semiannual", means=(Unit.MONTH, 6))
    | all_of("semi_annual", "semiannually", "semi_annually", means=(Unit.MONTH, 6))
    | all_of("year", "years", "yearly", "annual", "annually", "y", means=(Unit.YEAR, 1))
)
HALF_MONTHS = {"semimonth", "semimonths", "semimonthly", "halfmonth", "halfmonthly", "twiceamonth"}
ROUNDINGS = (
    {rounding.value: rounding for rounding in Rounding}
    | all_of("half_even", "halfeven", "bankers", "banker", means=Rounding.HALF_EVEN)
    | all_of("half_up", "halfup", "nearest", "round", means=Rounding.HALF_UP)
    | all_of("down", "floor", "truncate", "truncated", "trunc", means=Rounding.DOWN)
    | all_of("up", "ceil", "ceiling", means=Rounding.UP)
    | all_of("none", "never", "unrounded", "no", means=Rounding.NONE)
)
RESIDUES = {residue.value: residue for residue in Residue}
LAST_ROWS = {row.value: row for row in LastRow} | {"rest": LastRow.REST, "takes_the_rest": LastRow.REST}
FITS = {fit.value: fit for fit in PaymentFit} | {
    "lower": PaymentFit.LOWER_LAST,
    "higher": PaymentFit.HIGHER_LAST,
    "similar": PaymentFit.SIMILAR_LAST,
}
MONTH_ENDS = all_of("clamp", "last_day", "end_of_month", "eom", means=MonthEnd.CLAMP) | all_of(
    *("roll", "roll_forward", "roll_to_first", "roll_to_next_month", "roll_over", "overflow"),
    *("first_of_next", "first_of_next_month", "next_month", "next_month_first", "next_first"),
    means=MonthEnd.ROLL,
)
EFFECTS = (
    all_of("shorten_term", "shorten", "reduce_term", "reduce_number_of_installments", means=Excess.SHORTEN)
    | all_of("lower_instalment", "lower_installment", "lower_payment", "lower", means=Excess.LOWER)
    | all_of("reduce_instalment", "reduce_installment", "reduce_emi", "reduce_emi_amount", means=Excess.LOWER)
    | all_of("skip_next", "next", "next_bill", "reschedule_next_repayments", means=Excess.NEXT_BILL)
    | all_of("last", "last_bill", means=Excess.LAST_BILL)
    | all_of("equal_shares", "reamortization", means=Excess.EQUAL_SHARES)
    | all_of("hold", "credit", means=Excess.HOLD)
)
APPLY_TO = (
    all_of("none", "next", "next_instalment", "next_installment", means=ApplyTo.DUE)
    | all_of("last", "last_instalment", "last_installment", means=ApplyTo.LAST)
    | all_of("equal_shares", "reamortization", "shares", "spread", means=ApplyTo.SHARES)
    | all_of("hold", "credit", means=ApplyTo.HOLD)
    | all_of("shorten", "shorten_term", means=ApplyTo.SHORTEN)
    | all_of("lower", "lower_instalment", "lower_installment", means=ApplyTo.LOWER)
)
RATE_EFFECTS = {effect.value: effect for effect in RateEffect}
SPREADS = (
    {spread.value: spread for spread in Spread}
    | all_of("horizontal", "instalment_by_instalment", means=Spread.BILL_BY_BILL)
    | all_of("vertical", means=Spread.COMPONENT_BY_COMPONENT)
)
COMPONENTS = (
    all_of("penalty", "penalties", "late_fee", "penalty_charge", means=Component.PENALTY)
    | all_of("fee", "fees", "charge", "charges", means=Component.FEE)
    | {"interest": Component.INTEREST, "principal": Component.PRINCIPAL}
)


def components(said: Any) -> tuple[Component, ...]:
    """An order, as a list or as words with something between them."""
    names = re.split(r"[,>|;\s]+", said.strip()) if isinstance(said, str) else said
    return tuple(dict.fromkeys(pick(COMPONENTS, name, "component") for name in names))


# Day counts, spelled without spaces and with "act" for actual.

DAY_COUNTS = {rule.value: rule for rule in DayCount} | (
    all_of("permonth", "perperiod", "monthly", "rate/12permonth", "rate/12", means=DayCount.PERIODIC)
    | all_of("nominalrateperperiod", "nominal", "30/360", "360/30", means=DayCount.PERIODIC)
    | all_of("act/365", "act/365fixed", "act/365f", "365/act", "a/365", "english", means=DayCount.ACT_365F)
    | all_of("actdaysxdailyrate", "daily", "act/365(fixed)", means=DayCount.ACT_365F)
    | all_of("act/360", "360/act", "a/360", "french", means=DayCount.ACT_360)
    | all_of("act/364", "364/act", means=DayCount.ACT_364)
    | all_of("act/act", "act/actisda", "act/act(isda)", "act/365isda", means=DayCount.ACT_ACT)
    | all_of("30/360bond", "30/360bondbasis", "bondbasis", "30/360isda", "30a/360", means=DayCount.THIRTY_360_BOND)
    | all_of("30/360us", "30/360nasd", "30/360sia", "30us/360", "30/360psa", means=DayCount.THIRTY_360_US)
    | all_of("30e/360", "30/360e", "30/360european", "30/360eurobond", "eurobond", means=DayCount.THIRTY_E_360)
    | all_of("30u/360", "30/360u", means=DayCount.THIRTY_U_360)
)
YEAR_SPLITS = {
    "jan1": DayCount.ACT_ACT_DEC31,  # said of days that count when they end: 1 January begins on 31 December
    "dec31": DayCount.ACT_ACT_DEC31,
    "feb29_only": DayCount.ACT_ACT_FEB29,
    "feb29": DayCount.ACT_ACT_FEB29,
}


def day_count_key(said: Any) -> str:
    return re.sub(r"[\s_\-]+", "", str(said).lower()).replace("actual", "act").replace("actact", "act/act")


def day_count_named(said: Any, what: str) -> DayCount:
    found: DayCount = pick(DAY_COUNTS, said if said in DAY_COUNTS else day_count_key(said), what)
    return found


def unit_and_every(said: Case) -> tuple[Unit, int]:
    """The step between two due dates; a month where nothing is said."""
    unit, times = pick(UNITS, said.get("unit", "month"), "unit")
    return unit, times * int(said.get("every", 1))
