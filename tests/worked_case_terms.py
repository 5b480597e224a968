"""Translates what a worked case says of an agreement into `LoanTerms`; no arithmetic of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.loanmath.apr import PERIODS_A_YEAR
from ledger.loanmath.dates import due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Parts, Rounding, round_minor
from ledger.loanmath.terms import (
    AheadInterest,
    Component,
    Excess,
    LastRow,
    ListedRow,
    LoanTerms,
    Method,
    MonthEnd,
    OverdueRest,
    PaymentFit,
    Residue,
    Spread,
    Unit,
)
from ledger.loanmath.tvm import quotient

Case = dict[str, Any]


class UntranslatedError(AssertionError):
    """A value for which there is no term yet."""


def day_count_named(text: str, what: str) -> DayCount:
    found: DayCount = pick(DAY_COUNTS, text.lower(), what)
    return found


def pick(table: dict[Any, Any], value: Any, what: str) -> Any:
    if value not in table:
        raise UntranslatedError(f"{what}: {value!r}")
    return table[value]


def day(text: str) -> date:
    return date.fromisoformat(text)


def exact(text: str) -> Fraction:
    """A number as cases write it: 12.5, 0.08/12, 3/366+1/12."""
    return sum((_quotient(part) for part in str(text).split("+")), Fraction(0))


def _quotient(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or 1)


def minor(text: str, inputs: Case) -> int:
    return round_minor(exact(text) * 10 ** int(inputs.get("decimals", 2)))


def money(amount: int, inputs: Case) -> Fraction:
    return Fraction(amount, 10 ** int(inputs.get("decimals", 2)))


def decimal(value: Fraction) -> Decimal:
    return quotient(value.numerator, value.denominator)


METHODS = {
    "annuity": Method.LEVEL,
    "equal_principal": Method.EQUAL_PRINCIPAL,
    "interest_only": Method.INTEREST_ONLY,
    "flat": Method.FLAT,
    **dict.fromkeys(("level", "equal_instalment", "equal_installment"), Method.LEVEL),
    **dict.fromkeys(("bullet", "interest_first"), Method.INTEREST_ONLY),
}
UNITS = {unit.value: unit for unit in Unit}
LONGER_UNITS = {
    "fortnight": (Unit.WEEK, 2),
    "quarter": (Unit.MONTH, 3),
    "half_year": (Unit.MONTH, 6),
    "semiyear": (Unit.MONTH, 6),
}
ROUNDINGS = {rounding.value: rounding for rounding in Rounding}
RESIDUES = {residue.value: residue for residue in Residue}
LAST_ROWS = {row.value: row for row in LastRow} | {"rest": LastRow.REST}
FITS = {"lower": PaymentFit.LOWER_LAST, "similar": PaymentFit.SIMILAR_LAST}
MONTH_ENDS = dict.fromkeys(("clamp", "last_day"), MonthEnd.CLAMP) | dict.fromkeys(
    (
        *("roll", "roll_forward", "roll_to_first", "roll_to_next_month", "roll_over", "overflow"),
        *("first_of_next", "first_of_next_month", "next_month", "next_month_first", "next_first"),
    ),
    MonthEnd.ROLL,
)
DAY_COUNTS = {rule.value: rule for rule in DayCount} | {
    "per_month": DayCount.PERIODIC,
    "per_period": DayCount.PERIODIC,
    "rate/12 per month": DayCount.PERIODIC,
    "nominal_rate_per_period": DayCount.PERIODIC,
    "30/360": DayCount.PERIODIC,
    "act/365": DayCount.ACT_365F,
    "act/365 fixed": DayCount.ACT_365F,
    "actual/365": DayCount.ACT_365F,
    "actual/360": DayCount.ACT_360,
    "actual/actual": DayCount.ACT_ACT,
    "act/act isda": DayCount.ACT_ACT,
    "30/360 bond": DayCount.THIRTY_360_BOND,
    "30/360 isda": DayCount.THIRTY_360_BOND,
    "30a/360": DayCount.THIRTY_360_BOND,
    "30/360 us": DayCount.THIRTY_360_US,
    "30/360 nasd": DayCount.THIRTY_360_US,
    "30/360 european": DayCount.THIRTY_E_360,
    "actual days x daily rate": DayCount.ACT_365F,
}
YEAR_SPLITS = {
    "jan1": DayCount.ACT_ACT_DEC31,  # said of days that count when they end: 1 January begins on 31 December
    "dec31": DayCount.ACT_ACT_DEC31,
    "feb29_only": DayCount.ACT_ACT_FEB29,
}
# What a case may say: read here, or of no consequence for the figures.
SPOKEN_OF = set(
    """
    currency decimals principal opening_balance annual_rate_pct daily_rate_pct start first_due n unit every anchor_day
    due_dates method interest_on day_count period_interest rounding payment_rounding interest_rounding payment_decimals
    instalment_multiple level_payment extra_each part weights last_row first_day_free fee_each fee_rate_total_pct
    fee_rate_each_pct irregular_period month_end_rule allocation recalculate_interest rate_resolved_from_payments
    weighted_payment_rounding prepaid_charge plan final_payment_rule financed_fee_pct balance_column recalculation_rest
    overdue_accrual payoff_interest down_payment_pct down_payment_auto grace_principal prepayment_effect balloon
    residue bill_fee interest_deferred_periods
    """.split()  # noqa: SIM905
)


def is_remark(name: str) -> bool:
    return name.endswith(("_note", "_in_source")) or name in {"note", "title", "remark"}


def unit_and_every(said: Case) -> tuple[Unit, int]:
    """The step between two due dates; a month where nothing is said."""
    name, every = str(said.get("unit", "month")).lower(), int(said.get("every", 1))
    if name in LONGER_UNITS:
        unit, times = LONGER_UNITS[name]
        return unit, times * every
    return pick(UNITS, name.removesuffix("s"), "unit"), every


def anchor_day(inputs: Case) -> int | None:
    """The day of the month bills are due on; that of the first day where no due date is said."""
    said = inputs.get("anchor_day")
    if said is None and "start" in inputs and not {"first_due", "due_dates"} & set(inputs):
        return day(inputs["start"]).day
    return 31 if str(said).lower() in {"eom", "last", "end_of_month"} else said and int(said)


def month_end(inputs: Case) -> MonthEnd:
    found: MonthEnd = pick(MONTH_ENDS, str(inputs.get("month_end_rule", "clamp")).lower(), "month_end_rule")
    return found


def day_count(inputs: Case) -> DayCount:
    said = inputs.get("day_count", "per_period")
    if isinstance(said, dict):
        if "year_split" in said and said["name"].lower().startswith("act/act"):
            split: DayCount = pick(YEAR_SPLITS, said["year_split"], "year_split")
            return split
        said = said["name"]
    if inputs.get("period_interest") == "nominal_rate_per_period":
        return DayCount.PERIODIC
    if said == "30/360" and unit_and_every(inputs)[0] in (Unit.DAY, Unit.WEEK):  # only a month has 30 days
        return DayCount.ACT_360
    return day_count_named(str(said), "day_count")


def daily_rate(said: Case) -> Decimal:
    return Decimal(said["daily_rate_pct"]) / 100 if "daily_rate_pct" in said else annual_rate(said) / 365


def annual_rate(inputs: Case) -> Decimal:
    if "daily_rate_pct" in inputs:
        return Decimal(inputs["daily_rate_pct"]) * 365 / 100
    rate = Decimal(inputs.get("annual_rate_pct", "0")) / 100
    if inputs.get("day_count") == "per_period":  # the rate is said for one period
        unit, every = unit_and_every(inputs)
        return rate * PERIODS_A_YEAR[unit] / every
    return rate


# How lenders of one family work, where their cases do not repeat it.
FAMILIES: dict[str, dict[str, Any]] = {
    "progressive": {"payment_fit": PaymentFit.REFIT, "part_period": DayCount.PERIODIC},
    "cumulative": {"thirty_day_payment": True},
}


def loan_terms(inputs: Case, family: str = "", events: Sequence[Case] = ()) -> LoanTerms:
    """The agreement a case describes; dates that it leaves open are a regular monthly loan's. Of several drawdowns
    the first is in the agreement."""
    unknown = {name for name in inputs if not is_remark(name)} - SPOKEN_OF
    if unknown:
        raise UntranslatedError(f"inputs: {', '.join(sorted(unknown))}")
    start = day(inputs.get("start", "2025-01-01"))
    unit, every = unit_and_every(inputs)
    count = int(inputs["n"])
    listed_days = tuple(day(text) for text in inputs.get("due_dates", ()))
    if "first_due" in inputs:
        first_due = day(inputs["first_due"])
    else:
        first_due = listed_days[0] if listed_days else due_date(start, start.day, unit, every, 1)
    method = pick(METHODS, inputs.get("method", "annuity"), "method")
    if inputs.get("interest_on") == "flat":
        method = Method.FLAT
    rounding = pick(ROUNDINGS, inputs.get("rounding", "half_up"), "rounding")
    values: dict[str, Any] = {
        "currency": inputs.get("currency", "CNY"),
        "principal": minor(inputs.get("principal", "1200000"), inputs),
        "disbursed_on": start,
        "annual_rate": annual_rate(inputs),
        "count": count,
        "first_due_on": first_due,
        "method": method,
        "unit": unit,
        "every": every,
        "anchor_day": anchor_day(inputs),
        "month_end": month_end(inputs),
        "day_count": day_count(inputs),
        "rounding": rounding,
        "due_dates": listed_days,
        "first_day_free": bool(inputs.get("first_day_free", False)),
        "odd_period_whole": inputs.get("irregular_period") == "counts_as_one",
        "residue": pick(RESIDUES, inputs.get("residue", "last"), "residue"),
        "rate_from_payments": bool(inputs.get("rate_resolved_from_payments", False)),
        "last_row": pick(LAST_ROWS, inputs.get("last_row", "rest"), "last_row"),
    }
    drawn = [event for event in events if event["type"] == "disburse"]
    if drawn:
        values["principal"] = minor(drawn[0]["amount"], inputs)
    more = _amounts(inputs) | _roundings(inputs) | _order(inputs) | _late_and_early(inputs) | _listed(inputs)
    return LoanTerms(**(values | FAMILIES.get(family.rpartition("_")[2], {}) | more))


def _amounts(inputs: Case) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for said, term in (
        ("opening_balance", "opening_balance"),
        ("level_payment", "payment"),
        ("extra_each", "extra_payment"),
        ("part", "principal_part"),
        ("prepaid_charge", "upfront_fee"),
        ("balloon", "balloon"),
        ("bill_fee", "bill_fee"),
    ):
        if said in inputs:
            values[term] = minor(inputs[said], inputs)
    if "weights" in inputs:
        values["weights"] = tuple(Decimal(weight) for weight in inputs["weights"])
    values |= _flat_fee(inputs)
    return values


def _flat_fee(inputs: Case) -> dict[str, Any]:
    """The whole fee of a plan whose fee is said as a share of the principal, or as an amount a bill."""
    principal = exact(inputs.get("principal", "1200000"))
    if "fee_each" in inputs:
        total = exact(inputs["fee_each"]) * int(inputs["n"])
    elif "fee_rate_total_pct" in inputs:
        total = principal * exact(inputs["fee_rate_total_pct"]) / 100
    elif "fee_rate_each_pct" in inputs:
        total = principal * exact(inputs["fee_rate_each_pct"]) * int(inputs["n"]) / 100
    else:
        return {}
    return {"flat_fee": round_minor(total * 10 ** int(inputs.get("decimals", 2)))}


def _roundings(inputs: Case) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in ("payment_rounding", "interest_rounding"):
        if inputs.get(name) == "per_sub_period":
            values["round_parts"] = True
        elif name in inputs:
            values[name] = pick(ROUNDINGS, inputs[name], name)
    decimals = int(inputs.get("decimals", 2))
    if "payment_decimals" in inputs:
        values["payment_unit"] = 10 ** (decimals - int(inputs["payment_decimals"]))
    if inputs.get("instalment_multiple"):
        values["payment_unit"] = minor(str(inputs["instalment_multiple"]), inputs)
    if "final_payment_rule" in inputs:
        values["payment_fit"] = pick(FITS, inputs["final_payment_rule"], "final_payment_rule")
    return values


RESTS: dict[str, dict[str, Any]] = {  # from when on interest counts what was paid early or late
    "day": {
        "ahead_interest": AheadInterest.ON_BALANCE,
        "overdue_accrues": True,
        "overdue_rest": OverdueRest.REPAYMENT,
        "round_parts": True,
    },
    "period": {
        "excess": Excess.NEXT_BILL,
        "overdue_accrues": True,
        "overdue_rest": OverdueRest.PERIOD,
    },
}
COMPOUNDS = "COMPOUNDING_MONTHLY"  # said in the name of the product alone
EFFECTS = {"shorten_term": Excess.SHORTEN, "lower_instalment": Excess.LOWER, "skip_next": Excess.NEXT_BILL}


def _late_and_early(inputs: Case) -> dict[str, Any]:
    """What being late and paying early do."""
    values: dict[str, Any] = {
        "overdue_accrues": bool(inputs.get("overdue_accrual") and inputs.get("recalculate_interest")),
        "principal_grace": int(inputs.get("grace_principal", 0)),
        "interest_grace": int(inputs.get("interest_deferred_periods", 0)),
    }
    if inputs.get("recalculate_interest") and "prepayment_effect" not in inputs:
        values["ahead_interest"] = AheadInterest.TO_DATE
    if "prepayment_effect" in inputs:
        values["excess"] = pick(EFFECTS, inputs["prepayment_effect"], "prepayment_effect")
        if inputs.get("recalculate_interest"):
            values |= RESTS["period" if inputs.get("recalculation_rest") == "period" else "day"]
            values["overdue_compounds"] = COMPOUNDS in str(inputs.get("product_name_in_source", ""))
    return values


def _order(inputs: Case) -> dict[str, Any]:
    said = inputs.get("allocation")
    if said is None:
        return {}
    if isinstance(said, list):
        return {"order": tuple(Component(name) for name in said)}
    spreads = {"horizontal": Spread.BILL_BY_BILL, "vertical": Spread.COMPONENT_BY_COMPONENT}
    return {
        "order": tuple(Component(name) for name in said["due"]),
        "order_ahead": tuple(Component(name) for name in said["early"]),
        "spread": pick(spreads, said["processing"], "processing"),
    }


def _listed(inputs: Case) -> dict[str, Any]:
    if "plan" not in inputs:
        return {}
    rows = tuple(
        ListedRow(
            day(row["date"]),
            Parts(*(minor(row.get(part, "0"), inputs) for part in ("principal", "interest", "fee", "penalty"))),
        )
        for row in inputs["plan"]
    )
    return {"method": Method.LISTED, "listed": rows, "count": len(rows), "first_due_on": rows[0].due_on}
