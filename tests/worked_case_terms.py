"""Translates what a worked case says of an agreement into `LoanTerms`; no arithmetic of its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ledger.loanmath.apr import PERIODS_A_YEAR
from ledger.loanmath.dates import due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Parts, round_minor
from ledger.loanmath.terms import (
    AheadInterest,
    Excess,
    ListedRow,
    LoanTerms,
    Method,
    MonthEnd,
    OverdueRest,
    PaymentFit,
    Unit,
)
from tests.worked_case_words import (
    EFFECTS,
    FITS,
    LAST_ROWS,
    METHODS,
    MONTH_ENDS,
    RESIDUES,
    ROUNDINGS,
    SPREADS,
    YEAR_SPLITS,
    Case,
    components,
    day,
    day_count_named,
    decimals,
    exact,
    flag,
    minor,
    percent,
    pick,
    unit_and_every,
    word,
)


def anchor_day(inputs: Case) -> int | None:
    """The day of the month bills are due on; that of the first day where no due date is said."""
    said = inputs.get("anchor_day")
    if said is None and "start" in inputs and not {"first_due", "due_dates"} & set(inputs):
        return day(inputs["start"]).day
    return 31 if word(said) in {"eom", "last", "last_day", "end_of_month"} else said and int(said)


def month_end(inputs: Case) -> MonthEnd:
    found: MonthEnd = pick(MONTH_ENDS, inputs.get("month_end_rule", "clamp"), "month_end_rule")
    return found


def day_count(inputs: Case) -> DayCount:
    said = inputs.get("day_count", "per_period")
    if isinstance(said, dict):
        if "year_split" in said and day_count_named(said["name"], "day_count") is DayCount.ACT_ACT:
            split: DayCount = pick(YEAR_SPLITS, said["year_split"], "year_split")
            return split
        said = said["name"]
    if word(inputs.get("period_interest", "")) in {"nominal_rate_per_period", "nominal"}:
        return DayCount.PERIODIC
    found = day_count_named(said, "day_count")
    counts_days = unit_and_every(inputs)[0] in (Unit.DAY, Unit.WEEK)
    if found is DayCount.PERIODIC and "360" in str(said) and counts_days:  # only a month has 30 days
        return DayCount.ACT_360
    return found


def daily_rate(said: Case) -> Decimal:
    return percent(said["daily_rate_pct"]) if "daily_rate_pct" in said else annual_rate(said) / 365


def annual_rate(inputs: Case) -> Decimal:
    if "daily_rate_pct" in inputs:
        return percent(inputs["daily_rate_pct"]) * 365
    if "monthly_rate_pct" in inputs:
        return percent(inputs["monthly_rate_pct"]) * 12
    rate = percent(inputs.get("annual_rate_pct", "0"))
    if word(inputs.get("day_count", "")) == "per_period":  # the rate is said for one period
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
    drawn = [event for event in events if event_type(event) == "disburse"]
    start = day(inputs.get("start", drawn[0]["date"] if drawn else "2025-01-01"))
    if drawn and not {"plan", "first_due", "due_dates"} & set(inputs):
        start = day(drawn[0]["date"])
    unit, every = unit_and_every(inputs)
    count = int(inputs["n"])
    listed_days = tuple(day(text) for text in inputs.get("due_dates", ()))
    if "first_due" in inputs:
        first_due = day(inputs["first_due"])
    else:
        first_due = listed_days[0] if listed_days else due_date(start, start.day, unit, every, 1)
    method = pick(METHODS, inputs.get("method", "annuity"), "method")
    if word(inputs.get("interest_on", "")) == "flat":
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
        "first_day_free": flag(inputs.get("first_day_free", False)),
        "odd_period_whole": word(inputs.get("irregular_period", "")) == "counts_as_one",
        "residue": pick(RESIDUES, inputs.get("residue", "last"), "residue"),
        "rate_from_payments": flag(inputs.get("rate_resolved_from_payments", False)),
        "last_row": pick(LAST_ROWS, inputs.get("last_row", "rest"), "last_row"),
    }
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
        values["weights"] = tuple(Decimal(str(weight)) for weight in inputs["weights"])
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
    return {"flat_fee": round_minor(total * 10 ** decimals(inputs))}


def _roundings(inputs: Case) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in ("payment_rounding", "interest_rounding"):
        if word(inputs.get(name, "")) == "per_sub_period":
            values["round_parts"] = True
        elif name in inputs:
            values[name] = pick(ROUNDINGS, inputs[name], name)
    if "payment_decimals" in inputs:
        values["payment_unit"] = 10 ** (decimals(inputs) - int(inputs["payment_decimals"]))
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


def _late_and_early(inputs: Case) -> dict[str, Any]:
    """What being late and paying early do."""
    recalculates = flag(inputs.get("recalculate_interest", False))
    values: dict[str, Any] = {
        "overdue_accrues": recalculates and flag(inputs.get("overdue_accrual", False)),
        "payoff_to_period_end": word(inputs.get("payoff_interest", "to_date")) in {"to_period_end", "period_end"},
        "principal_grace": int(inputs.get("grace_principal", 0)),
        "interest_grace": int(inputs.get("interest_deferred_periods", 0)),
    }
    if recalculates and "prepayment_effect" not in inputs:
        values["ahead_interest"] = AheadInterest.TO_DATE
    if "prepayment_effect" in inputs:
        values["excess"] = pick(EFFECTS, inputs["prepayment_effect"], "prepayment_effect")
        if recalculates:
            values |= RESTS["period" if word(inputs.get("recalculation_rest", "day")) == "period" else "day"]
            values["overdue_compounds"] = COMPOUNDS in str(inputs.get("product_name_in_source", ""))
    return values


def _order(inputs: Case) -> dict[str, Any]:
    said = inputs.get("allocation")
    if said is None:
        return {}
    if not isinstance(said, dict):
        return {"order": components(said)}
    return {
        "order": components(said["due"]),
        "order_ahead": components(said.get("early", said["due"])),
        "spread": pick(SPREADS, said.get("processing", "horizontal"), "processing"),
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


def event_type(event: Case) -> str:
    """What happened, by the name this adapter knows it under."""
    said = word(event["type"])
    return EVENT_TYPES.get(said, said)


EVENT_TYPES = {
    **dict.fromkeys(("repayment", "payment", "pay", "prepay", "prepayment"), "repay"),
    **dict.fromkeys(("disbursement", "disbursal", "drawdown", "advance"), "disburse"),
    **dict.fromkeys(("pay_off", "settle", "settlement", "preclose", "pre_close"), "payoff"),
    **dict.fromkeys(("reverse", "reversal", "undo_repayment"), "undo"),
    **dict.fromkeys(("pause",), "interest_pause"),
    **dict.fromkeys(("interest_rate_change", "change_rate"), "rate_change"),
    **dict.fromkeys(("move_due_date", "due_date_change"), "move_due"),
    **dict.fromkeys(("extension", "extend_term", "extra_terms"), "extend"),
    **dict.fromkeys(("fee", "penalty", "add_charge"), "charge"),
    **dict.fromkeys(("merchant_issued_refund", "refund"), "merchant_refund"),
    **dict.fromkeys(("business_date", "business_day", "date"), "as_of"),
}
