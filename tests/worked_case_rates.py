"""Translates the flows of a worked case and asks the engine for their yearly rate; no arithmetic of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.loanmath import legal_apr, tvm
from ledger.loanmath.legal_apr import HALF_MONTH, UnitPeriod
from ledger.loanmath.terms import Unit
from tests.worked_case_compare import Figures
from tests.worked_case_words import (
    DAY_COUNTS,
    HALF_MONTHS,
    Case,
    UntranslatedError,
    day,
    day_count_key,
    day_count_named,
    decimal,
    exact,
    unit_and_every,
    word,
)

Flow = tuple[Any, Decimal]  # when (a day, or years from now), amount


def interval_value(inputs: Case, expected: Figures) -> Figures:
    unit, every = unit_and_every(inputs)
    if every != 1:
        raise UntranslatedError(f"unit: {inputs['unit']}")
    return {"years": legal_apr.eu_interval(day(inputs["start"]), day(inputs["end"]), unit)}


def rate_value(inputs: Case, expected: Figures) -> Figures:
    """The yearly rate of stated flows, as the method of the case counts time."""
    received = list(flows(inputs, "advances", "advance"))
    paid = [*flows(inputs, "charges", "charge"), *flows(inputs, "payments", "payment")]
    rate = yearly_rate(inputs, received, paid)
    return dict.fromkeys(("apr_pct", "aprc_pct", "effective_pct", "rate_pct"), rate * 100)


def yearly_rate(inputs: Case, received: list[Flow], paid: list[Flow]) -> Decimal:
    method = word(inputs.get("method", "time in years"))
    if method.startswith(("us", "reg_z", "actuarial")):
        on = [when for when, _ in paid]
        return legal_apr.us_apr(received, paid, unit_period(inputs, on if len(on) > 1 else [received[0][0], *on]))
    if method.startswith("eu"):
        return legal_apr.eu_apr(received, paid, unit_period(inputs).unit)
    both = [*received, *((when, -amount) for when, amount in paid)]
    if day_count_key(method) in DAY_COUNTS:
        dates, amounts = zip(*both, strict=True)
        return tvm.xirr(dates, amounts, day_count_named(method, "method"))
    if method.startswith("days/"):
        return legal_apr.effective_rate(legal_apr.by_days(both, exact(method.removeprefix("days/"))))
    if "year" in method:
        return legal_apr.effective_rate(both)
    raise UntranslatedError(f"method: {inputs['method']}")


def unit_period(inputs: Case, dates: Sequence[date] = ()) -> UnitPeriod:
    """The unit period the case names, or the commonest one of its payments."""
    if dates and not {"unit_period", "unit"} & set(inputs):
        return legal_apr.commonest_unit_period(dates)
    said = inputs.get("unit_period", {"unit": inputs.get("unit", "month"), "every": inputs.get("every", 1)})
    divisor = inputs.get("odd_day_divisor")
    said = {"unit": said} if isinstance(said, str) else said
    if word(said["unit"]).replace("_", "") in HALF_MONTHS:
        return UnitPeriod(Unit.DAY, HALF_MONTH, divisor and int(divisor))
    unit, every = unit_and_every(said)
    return UnitPeriod(unit, every, divisor and int(divisor))


def flows(inputs: Case, *names: str) -> Iterator[Flow]:
    for name in names:
        said = inputs.get(name, [])
        for entry in said if isinstance(said, list) else [said]:
            yield from _flow(entry, inputs)


def _flow(entry: Case, inputs: Case) -> Iterator[Flow]:
    if "rule_payments" in entry:
        yield from _by_rule(entry["rule_payments"])
        return
    count = int(entry.get("count", 1))
    growth = decimal(exact(entry.get("growth_pct", "0")) / 100)
    every = int(entry.get("growth_every", 1))
    first, step = _first_and_step(entry)
    if isinstance(first, date):
        times: list[Any] = unit_period(inputs | entry).dates(first, count)
    else:
        times = [when for when, _ in legal_apr.repeated(first, step, count, Decimal(0))]
    amounts = entry.get("amounts")
    if amounts is None:
        grown = legal_apr.repeated(Fraction(0), Fraction(0), count, decimal(exact(entry["amount"])), growth, every)
        yield from zip(times, (amount for _, amount in grown), strict=True)
    else:
        yield from zip(times, (decimal(exact(amount)) for amount in amounts), strict=True)


def _first_and_step(entry: Case) -> tuple[date | Fraction, Fraction]:
    for name in ("date", "first_date"):
        if name in entry:
            return day(entry[name]), Fraction(0)
    for name in ("t", "first_t", "day", "first_day"):
        if name in entry:
            step = entry.get("step_day", "0") if "day" in name else entry.get("step_t", "0")
            return exact(entry[name]), exact(step)
    raise UntranslatedError(f"flow: {entry}")


def _by_rule(rule: Case) -> Iterator[Flow]:
    """Monthly payments that a rule makes from what is owed."""
    principal, name = decimal(exact(rule["principal"])), rule["rule"]
    if "effective_rate_pct" in rule:
        monthly = tvm.nominal(decimal(exact(rule["effective_rate_pct"]) / 100), Decimal(12)) / 12
    else:
        monthly = decimal(exact(rule["monthly_rate_pct"]) / 100)
    balloon_at = int(rule["balloon_at"]) if "balloon_at" in rule else None
    if name == "fixed_principal":
        share, least = Decimal(0), decimal(exact(rule["part"]))
    elif name == "percent_min_principal":
        share, least = decimal(exact(rule["percent"]) / 100), decimal(exact(rule["minimum"]))
    elif name == "equal_principal":
        share, least = Decimal(0), decimal(exact(f"{rule['principal']}/{rule['n']}"))
    else:
        raise UntranslatedError(f"rule: {name}")
    paid = legal_apr.declining_payments(principal, share, least, monthly, balloon_at)
    first = Fraction(int(rule.get("start_month", 0)) + 1, 12)
    times = legal_apr.repeated(first, Fraction(1, 12), len(paid), Decimal(0))
    yield from zip((when for when, _ in times), paid, strict=True)
