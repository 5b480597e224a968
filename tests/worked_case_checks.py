"""Compares what the engine returns with what a worked case prints; each difference as one line of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.loanmath import apr, tvm
from ledger.loanmath.day_count import DayCount, days, fraction
from ledger.loanmath.interest import due_dates
from ledger.loanmath.legal_apr import Flow, UnitPeriod, by_days, commonest_unit_period, effective_rate, us_apr
from ledger.loanmath.money import Rounding
from ledger.loanmath.schedule import (
    ScheduledRow,
    interest_before_rounding,
    level_payment,
    schedule,
    unrounded_interest,
)
from ledger.loanmath.settlement import penalty_on_bills, uk_rebate
from ledger.loanmath.terms import LoanTerms, Unit
from tests.worked_case_accounts import account_rows, is_account
from tests.worked_case_compare import Figures, differences
from tests.worked_case_rates import interval_value, rate_value, unit_period
from tests.worked_case_stories import checkpoints
from tests.worked_case_terms import loan_terms
from tests.worked_case_words import (
    Case,
    UntranslatedError,
    day,
    day_count_named,
    decimal,
    decimals,
    exact,
    minor,
    money,
    percent,
    word,
)

YEAR = Fraction(365)


def check(case: Case) -> list[str]:
    """What differs; nothing if the case is reproduced."""
    case = without_nothing(case)
    inputs, expected = case["inputs"], case.get("expected", {})
    close = exact(case.get("tolerance") or "0")
    if "checkpoints" in case:
        return list(checkpoints(case, close))
    if is_account(case) and "function" not in inputs:
        return list(account_rows(case, close))
    if case.get("events"):
        return list(checkpoints(case | {"checkpoints": [expected]}, close))
    for key, answer in ANSWERS:
        if key in inputs:
            return list(differences(expected, answer(inputs, expected), close))
    return list(_schedule(case, inputs, expected, close))


def without_nothing(case: Case) -> Case:
    """The case without inputs of which it says nothing."""
    inputs = {name: said for name, said in case["inputs"].items() if said is not None}
    return case | {"inputs": inputs}


# --- Single answers.


def function_value(inputs: Case, expected: Figures) -> Figures:
    name = str(inputs["function"]).upper()
    values: dict[str, Any] = {}
    for said_key, said in inputs["args"].items():
        key = ARGUMENTS.get(word(said_key), word(said_key))
        if said is None or key in {"lo", "hi", "guess"}:  # where the source began to search
            continue
        read: Callable[[Any], Any] = ARGUMENT_READERS.get(key, number)
        values[key] = read(said)
    plain = name.rstrip("0123456789")
    periods = Decimal(name.removeprefix(plain) or 1)  # RATE12 is a year's rate of twelve periods
    function: Callable[..., Decimal] | None = getattr(tvm, word(plain).replace("_", ""), None)
    if function is None:
        raise UntranslatedError(f"function: {name}")
    return {"value": function(**values) * periods}


def number(said: Any) -> Decimal:
    return decimal(exact(said))


ARGUMENT_READERS: dict[str, Callable[[Any], Any]] = {
    "flows": lambda said: [number(flow) for flow in said],
    "dates": lambda said: [day(text) for text in said],
    "day_count": lambda said: day_count_named(said, "day_count"),
    "when": lambda said: int(word(said) in {"1", "1.0", "true", "begin", "beginning", "start", "due"}),
}
ARGUMENTS = {  # other names the arguments go by
    **dict.fromkeys(("nper", "npery", "periods"), "n"),
    **dict.fromkeys(("per", "period"), "k"),
    **dict.fromkeys(("values", "cashflows", "cash_flows", "amounts"), "flows"),
    **dict.fromkeys(("start_period", "start"), "first"),
    **dict.fromkeys(("end_period", "end"), "last"),
    **dict.fromkeys(("type", "due", "payment_due"), "when"),
    **dict.fromkeys(("dates_day_count", "basis"), "day_count"),
    **dict.fromkeys(("nominal_rate", "effect_rate", "effective_rate", "interest_rate"), "rate"),
    **dict.fromkeys(("present_value", "principal"), "pv"),
    **dict.fromkeys(("future_value",), "fv"),
    **dict.fromkeys(("payment",), "pmt"),
    **dict.fromkeys(("finance", "financing_rate"), "finance_rate"),
    **dict.fromkeys(("reinvest", "reinvestment_rate"), "reinvest_rate"),
}


def day_count_value(inputs: Case, expected: Figures) -> Figures:
    rule = day_count_named(inputs["convention"], "convention")
    start, end = day(inputs["start"]), day(inputs["end"])
    return {"days": days(rule, start, end), "years": fraction(rule, start, end)}


def due_date_values(inputs: Case, expected: Figures) -> Figures:
    if unit_period(inputs).is_half_month:
        dates = unit_period(inputs).dates(day(inputs["first_due"]), int(inputs["n"]))
    else:
        dates = due_dates(loan_terms(inputs))
    texts = [found.isoformat() for found in dates]
    return {
        "dates": texts,
        "first": texts[0],
        "last": texts[-1],
        "some_dates": {k: texts[int(k) - 1] for k in expected.get("some_dates", {})},
    }


def penalty_value(inputs: Case, expected: Figures) -> Figures:
    overdue = [(day(row["due"]), minor(row["amount"], inputs)) for row in inputs["overdue"]]
    found = penalty_on_bills(
        overdue,
        day(inputs["as_of"]),
        percent(inputs["penalty_rate_pct"]),
        year_days=int(inputs.get("year_days", 365)),
        days_not_counted=int(inputs.get("days_not_counted", 0)),
    )
    return {"penalty": money(found, inputs)}


def rebate_value(inputs: Case, expected: Figures) -> Figures:
    found = uk_rebate(
        minor(inputs["principal"], inputs),
        minor(inputs["level_payment"], inputs),
        int(inputs["n"]),
        percent(inputs["apr_pct"]),
        int(inputs["settled_after_payments"]),
        exact(inputs.get("extra_month_fraction", "0")),
    )
    return {"rebate": money(found, inputs)}


def exact_payment_cost(inputs: Case, expected: Figures) -> Figures:
    """Level payments stated as an exact quotient, against a sum received."""
    payment, received = decimal(exact(inputs["payment_exact"])), number(inputs["principal"])
    count = int(inputs["n"])
    paid = [-payment] * count
    now, later = (paid[0], paid[1:]) if inputs.get("due_at_start") else (Decimal(0), paid)
    monthly = tvm.irr([received + now, *later])
    simple = monthly * 12
    return {"irr_month": monthly, "simple_pct": simple * 100, "compound_pct": tvm.effect(simple, Decimal(12)) * 100}


ANSWERS: list[tuple[str, Callable[[Case, Figures], Figures]]] = [
    ("function", function_value),
    ("convention", day_count_value),
    ("overdue", penalty_value),
    ("settled_after_payments", rebate_value),
    ("payment_exact", exact_payment_cost),
    ("advances", rate_value),
    ("advance", rate_value),
    ("end", interval_value),
]


# --- Schedules.


def _schedule(case: Case, inputs: Case, expected: Figures, close: Fraction) -> Iterable[str]:
    if "dates" in expected or "some_dates" in expected:
        yield from differences(expected, due_date_values(inputs, expected), close)
        return
    terms = loan_terms(inputs, case.get("engine", ""))
    rows = schedule(terms)
    rest = {name: value for name, value in expected.items() if name not in {"rows", "year_totals", "totals"}}
    yield from differences(rest, whole_figures(terms, rows, inputs, expected), close)
    for at, printed in enumerate(expected.get("rows", ()), start=1):
        number = int(printed.get("n", at))
        if number > len(rows):
            yield f"no row {number}"
        else:
            yield from differences(printed, row_figures(terms, rows, number - 1, inputs), close, f"row {number} ")
    if "totals" in expected:
        totals = total_figures(terms, rows, expected["totals"].get("basis", ""), inputs)
        yield from differences(expected["totals"], totals, close, "total ")
    for printed in expected.get("year_totals", ()):
        of_year = [row for row in rows if row.due_on.year == int(printed["year"])]
        found = {"year": int(printed["year"])} | sums(of_year, inputs)
        yield from differences(printed, found, close, f"{printed['year']} ")


def whole_figures(terms: LoanTerms, rows: tuple[ScheduledRow, ...], inputs: Case, expected: Figures) -> Figures:
    """What is printed once of a schedule."""
    level = money(level_payment(terms), inputs)
    found: Figures = {
        "level_payment": level,
        "payment": money(sum(row.payment for row in rows), inputs) / len(rows),
        "total_fee": money(terms.flat_fee, inputs),
        "n_payments": len(rows),
        "final_payment": money(rows[-1].payment, inputs),
        "total_interest": money(sum(row.interest for row in rows), inputs),
        "total_payment": money(sum(row.payment for row in rows), inputs),
    }
    cost = apr.annual_cost(terms)
    if cost is not None:
        found |= {"simple_pct": cost.simple * 100, "compound_pct": cost.compound * 100}
        found["irr_month"] = cost.simple / 12
    if "fee_rate_each_pct" in inputs:
        found["shortcut_pct"] = apr.shortcut_rate(number(inputs["fee_rate_each_pct"]), terms.count)
    return found | legal_rates(terms, rows, expected)


def legal_rates(terms: LoanTerms, rows: tuple[ScheduledRow, ...], expected: Figures) -> Figures:
    """The yearly rates a case prints, each by the method it names."""
    received = [(terms.disbursed_on, Decimal(terms.principal - terms.upfront_fee))]
    paid = [(row.due_on, Decimal(row.payment)) for row in rows]
    found: Figures = {}
    if "apr_us_pct" in expected:
        unit = UnitPeriod(terms.unit if terms.count > 1 else Unit.YEAR, terms.every)
        found["apr_us_pct"] = us_apr(received, paid, unit) * 100
    if "apr_pct" in expected:
        by_us = str(expected.get("apr_method", "")).lower().startswith("us")
        rate = us_rate(received, paid) if by_us else effective_rate(by_days([*received, *negated(paid)], YEAR))
        found["apr_pct"] = rate * 100
    return found


def us_rate(received: list[Flow], paid: list[Flow]) -> Decimal:
    return us_apr(received, paid, commonest_unit_period([when for when, _ in paid]))


def negated(flows: list[Flow]) -> list[Flow]:
    return [(when, -amount) for when, amount in flows]


def row_figures(terms: LoanTerms, rows: tuple[ScheduledRow, ...], index: int, inputs: Case) -> Figures:
    row = rows[index]
    found: Figures = {
        name: money(getattr(row, name), inputs) for name in ("principal", "interest", "fee", "payment", "balance")
    }
    if "flat_fee_as_interest" not in inputs and any(key.startswith("fee_") for key in inputs):
        found["interest"] = money(row.interest + row.fee, inputs)
    found["opening"] = money(row.balance + row.principal, inputs)
    found["interest_unrounded"] = interest_before_rounding(terms)[index] * money(1, inputs)
    return found | {
        "date": row.due_on,
        "due": found["payment"],
        "instalment": found["payment"],
        "day": days(DayCount.ACT_365F, terms.disbursed_on, row.due_on),
    }


def sums(rows: Iterable[ScheduledRow], inputs: Case) -> Figures:
    rows = list(rows)
    return {
        "payment": money(sum(row.payment for row in rows), inputs),
        "interest": money(sum(row.interest + row.fee for row in rows), inputs),
        "principal": money(sum(row.principal for row in rows), inputs),
    }


def total_figures(terms: LoanTerms, rows: tuple[ScheduledRow, ...], basis: str, inputs: Case) -> Figures:
    """Totals as the case says they were made: the sum of rows, the unrounded sum, or the payment times n."""
    if basis == "unrounded":
        interest = Fraction(unrounded_interest(terms)) / 10 ** decimals(inputs)
    elif basis == "rounded level payment x n":
        interest = money(level_payment(terms) * terms.count - terms.opening, inputs)
    elif Rounding.NONE in (terms.interest_rounding, terms.rounding) and not basis:
        interest = money(sum(row.interest for row in rows), inputs)
    else:
        return sums(rows, inputs)
    opening = money(terms.opening, inputs)
    return {"interest": interest, "payment": interest + opening, "principal": opening}
