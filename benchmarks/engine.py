"""How long schedule and replay take, as ratios to a bare loop and to other packages, all timed in this run.

Run it from the project's root: ./run bench engine
(or python -m benchmarks.engine; packages that are not installed are left out.)
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dateutil.relativedelta import relativedelta

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import ApplyTo, Charge, Fact, RateChange, Repayment
from ledger.loanmath.interest import due_dates
from ledger.loanmath.payoff import payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.schedule import level_payment, schedule
from ledger.loanmath.terms import LoanTerms, PenaltyTerms

ROUNDS = 15
BILLS = 360
TERMS = LoanTerms(
    currency="CNY",
    principal=100_000_000,
    disbursed_on=date(2026, 1, 10),
    annual_rate=Decimal("0.033"),
    count=BILLS,
    first_due_on=date(2026, 2, 10),
    penalty=PenaltyTerms(annual_rate=Decimal("0.05")),
)
DAYS_COUNTED = replace(TERMS, day_count=DayCount.ACT_365F)
DUE_DATES = due_dates(TERMS)
LAST = DUE_DATES[-1]
PAYMENT = level_payment(TERMS)
Timed = tuple[str, float]


# The yardsticks: an amortization loop, and no more.


def decimal_loop() -> list[tuple[Decimal, Decimal, Decimal]]:
    cent = Decimal("0.01")
    rate = TERMS.annual_rate / 12
    balance = Decimal(TERMS.principal) / 100
    payment = (balance * rate / (1 - (1 + rate) ** -BILLS)).quantize(cent, ROUND_HALF_UP)
    rows = []
    for _ in range(BILLS):
        interest = (balance * rate).quantize(cent, ROUND_HALF_UP)
        principal = min(payment - interest, balance)
        balance -= principal
        rows.append((principal, interest, balance))
    return rows


def dated_decimal_loop() -> list[tuple[date, Decimal, Decimal, Decimal]]:
    """A schedule says when: the same loop with the due date of each row."""
    month = relativedelta(months=1)
    return [(TERMS.first_due_on + month * n, *row) for n, row in enumerate(decimal_loop())]


def integer_loop() -> list[tuple[int, int, int]]:
    up, down = TERMS.annual_rate.as_integer_ratio()
    balance, down, payment = TERMS.principal, down * 12, PAYMENT
    rows = []
    for _ in range(BILLS):
        interest = (2 * balance * up + down) // (2 * down)
        principal = min(payment - interest, balance)
        balance -= principal
        rows.append((principal, interest, balance))
    return rows


def repaid_loop() -> list[tuple[Decimal, Decimal, Decimal]]:
    """Each repayment split over what its bill asks for, interest first."""
    rows = []
    for principal, interest, _ in decimal_loop():
        paid = principal + interest
        met = min(paid, interest)
        rows.append((met, min(paid - met, principal), interest + principal - paid))
    return rows


# Other packages, over the same loan.


def numpy_financial() -> Callable[[], object]:
    npf = importlib.import_module("numpy_financial")
    rate, principal = float(TERMS.annual_rate) / 12, TERMS.principal / 100
    return lambda: [
        (npf.ipmt(rate, n, BILLS, principal), npf.ppmt(rate, n, BILLS, principal)) for n in range(1, BILLS + 1)
    ]


def amortization() -> Callable[[], object]:
    rows = importlib.import_module("amortization.schedule").amortization_schedule
    return lambda: list(rows(TERMS.principal / 100, float(TERMS.annual_rate), BILLS))


def mortgage() -> Callable[[], object]:
    loan = importlib.import_module("mortgage").Loan
    return lambda: loan(
        principal=TERMS.principal // 100, interest=float(TERMS.annual_rate), term=BILLS // 12
    ).schedule()


def pyloan() -> Callable[[], object]:
    loan = importlib.import_module("pyloan").Loan
    lent: dict[str, Any] = {
        "loan_amount": TERMS.principal / 100,
        "interest_rate": float(TERMS.annual_rate) * 100,
        "loan_term": BILLS // 12,
        "start_date": TERMS.disbursed_on.isoformat(),
        "payment_amount": None,
        "first_payment_date": TERMS.first_due_on.isoformat(),
    }
    return lambda: loan(**lent).get_payment_schedule()


OTHERS = (numpy_financial, amortization, mortgage, pyloan)


# Histories.


def repayments(amount: int, apply_to: ApplyTo = ApplyTo.DUE) -> list[Fact]:
    return [
        Repayment(id=n, effective_on=due_on, amount=amount, apply_to=apply_to)
        for n, due_on in enumerate(DUE_DATES, start=1)
    ]


def yearly_rates() -> list[Fact]:
    return [
        RateChange(id=1000 + n, effective_on=due_on, annual_rate=Decimal(330 + n % 7) / 10_000)
        for n, due_on in enumerate(DUE_DATES[11::12])
    ]


def many_facts(count: int) -> list[Fact]:
    """Small repayments and fees, a few days apart, from the first day on."""
    facts: list[Fact] = []
    for n in range(1, count + 1):
        on = TERMS.disbursed_on + timedelta(days=n * 5)
        charge = Charge(id=n, effective_on=on, amount=500)
        facts.append(charge if n % 7 == 0 else Repayment(id=n, effective_on=on, amount=71_000))
    return facts


# Timing.


def best_of(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def schedules() -> list[Timed]:
    found = [
        ("bare Decimal loop", best_of(decimal_loop)),
        ("bare Decimal loop with due dates", best_of(dated_decimal_loop)),
        ("bare integer loop", best_of(integer_loop)),
        ("schedule, plain monthly", best_of(lambda: schedule(TERMS))),
        ("schedule, days over 365", best_of(lambda: schedule(DAYS_COUNTED))),
        ("schedule, days over 365, rounded half even", best_of(lambda: schedule(rounded_otherwise()))),
    ]
    return found + [timed for package in OTHERS for timed in of_package(package)]


def of_package(package: Callable[[], Callable[[], object]]) -> list[Timed]:
    """What another package takes; nothing if it is not installed."""
    try:
        return [(package.__name__.replace("_", "-"), best_of(package(), 3))]
    except ModuleNotFoundError:
        return []


def rounded_otherwise() -> LoanTerms:
    """The same loan by the general way, which knows every convention."""
    return replace(DAYS_COUNTED, rounding=type(TERMS.rounding)("half_even"))


def replays() -> list[Timed]:
    payment = PAYMENT
    on_time, part_paid = repayments(payment), repayments(payment // 2)
    prepaid, rates = repayments(payment + 100_000, ApplyTo.SHORTEN), yearly_rates()
    one_more = [*on_time[:-1], Repayment(id=999, effective_on=LAST, amount=payment)]
    return [
        ("bare Decimal loop, each bill repaid", best_of(repaid_loop)),
        *of_package(numpy_financial),
        ("project, nothing paid", best_of(lambda: project(TERMS, [], DUE_DATES[0]))),
        ("project, 360 repayments on time", best_of(lambda: project(TERMS, on_time, LAST))),
        ("project, one more onto 359 paid bills", best_of(lambda: project(TERMS, one_more, LAST))),
        ("project, 360 part payments", best_of(lambda: project(TERMS, part_paid, LAST))),
        ("project, 360 prepayments", best_of(lambda: project(TERMS, prepaid, LAST))),
        ("project, 30 rate changes, all paid", best_of(lambda: project(TERMS, [*on_time, *rates], LAST))),
        ("payoff quote after 180 repayments", best_of(lambda: payoff_quote(TERMS, on_time[:180], DUE_DATES[180]))),
    ]


def growth(name: str, sizes: Sequence[int], work_of: Callable[[int], Callable[[], object]]) -> None:
    """How the time grows with the size: the exponent over all sizes, and that of the last doubling."""
    times = [best_of(work_of(size), 7) for size in sizes]
    points = [(math.log(size), math.log(seconds)) for size, seconds in zip(sizes, times, strict=True)]
    x, y = (sum(column) / len(points) for column in zip(*points, strict=True))
    slope = sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
    last = (points[-1][1] - points[-2][1]) / (points[-1][0] - points[-2][0])
    shown = ", ".join(f"{size}: {seconds * 1000:.2f} ms" for size, seconds in zip(sizes, times, strict=True))
    print(f"{name:<28} exponent {slope:.2f}, last step {last:.2f}   ({shown})")


def bills_of(count: int) -> LoanTerms:
    return replace(TERMS, count=count)


def paid_bills(count: int) -> Callable[[], object]:
    terms = bills_of(count)
    paid = [
        Repayment(id=n, effective_on=row.due_on, amount=row.payment) for n, row in enumerate(schedule(terms), start=1)
    ]
    return lambda: project(terms, paid, paid[-1].effective_on)


def facts_replayed(count: int) -> Callable[[], object]:
    facts = many_facts(count)
    return lambda: project(TERMS, facts, LAST)


def show(results: Sequence[Timed]) -> None:
    yardstick = results[0][1]
    for name, seconds in results:
        print(f"{name:<46} {seconds * 1000:8.2f} ms {seconds / yardstick:8.1f} x")


def main() -> None:
    show(schedules())
    print()
    show(replays())
    print()
    growth("schedule, by bills", (12, 60, 150, 300, 600), lambda count: lambda: schedule(bills_of(count)))
    growth(
        "project, by bills", (12, 60, 150, 300, 600), lambda count: lambda: project(bills_of(count), [], DUE_DATES[0])
    )
    growth("project, by bills, all paid", (12, 60, 150, 300, 600), paid_bills)
    growth("project, by facts", (125, 250, 500, 1000, 2000), facts_replayed)


if __name__ == "__main__":
    main()
