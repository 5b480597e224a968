"""How long a projection takes, as a ratio to the same loop in bare `Decimal`, both timed in this run.

Run it from the project's root: python -m benchmarks.engine
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ledger.loanmath.facts import ApplyTo, Fact, RateChange, Repayment
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
DUE_DATES = due_dates(TERMS)
LAST = DUE_DATES[-1]


def bare_loop() -> list[tuple[Decimal, Decimal, Decimal]]:
    """The yardstick: the amortization loop of 360 months, and one repayment split for each, and no more."""
    cent = Decimal("0.01")
    rate = TERMS.annual_rate / 12
    balance = Decimal(TERMS.principal) / 100
    payment = (balance * rate / (1 - (1 + rate) ** -BILLS)).quantize(cent, ROUND_HALF_UP)
    rows = []
    for _ in range(BILLS):
        interest = (balance * rate).quantize(cent, ROUND_HALF_UP)
        principal = min(payment - interest, balance)
        met = min(payment, interest)
        rows.append((principal, interest, payment - met))
        balance -= principal
    return rows


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


def best_of(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def measure() -> Sequence[tuple[str, float]]:
    payment = level_payment(TERMS)
    on_time, part_paid = repayments(payment), repayments(payment // 2)
    prepaid = repayments(payment + 100_000, ApplyTo.SHORTEN)
    rates = yearly_rates()
    return [
        ("bare Decimal loop", best_of(bare_loop)),
        ("schedule", best_of(lambda: schedule(TERMS))),
        ("project, nothing paid", best_of(lambda: project(TERMS, [], DUE_DATES[0]))),
        ("project, 360 repayments on time", best_of(lambda: project(TERMS, on_time, LAST))),
        ("project, 360 part payments", best_of(lambda: project(TERMS, part_paid, LAST))),
        ("project, 360 prepayments", best_of(lambda: project(TERMS, prepaid, LAST))),
        ("project, 30 rate changes, all paid", best_of(lambda: project(TERMS, [*on_time, *rates], LAST))),
        ("payoff quote after 180 repayments", best_of(lambda: payoff_quote(TERMS, on_time[:180], DUE_DATES[180]))),
    ]


def main() -> None:
    results = measure()
    yardstick = results[0][1]
    for name, seconds in results:
        print(f"{name:<36} {seconds * 1000:8.2f} ms {seconds / yardstick:8.1f} x")


if __name__ == "__main__":
    main()
