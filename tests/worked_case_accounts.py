"""Translates accounts that grow by the day, without planned bills, and compares them row by row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from ledger.loanmath.daily_account import Account, AccountTerms, Movement, account_on
from ledger.loanmath.day_count import DayCount, days
from tests.worked_case_compare import Figures, differences
from tests.worked_case_terms import daily_rate, event_type
from tests.worked_case_words import ROUNDINGS, Case, UntranslatedError, day, minor, money, percent, pick, word


def is_account(case: Case) -> bool:
    """No plan is made: nothing says how many bills there are, or when."""
    return not {"n", "plan", "due_dates", "first_due"} & set(case["inputs"]) and "rows" in case.get("expected", {})


def account_terms(inputs: Case) -> AccountTerms:
    cap = inputs.get("interest_cap_total_pct")
    return AccountTerms(
        principal=minor(inputs["principal"], inputs),
        opened_on=day(inputs["start"]),
        daily_rate=daily_rate(inputs),
        rounding=pick(ROUNDINGS, inputs.get("interest_rounding", "down"), "interest_rounding"),
        order=tuple(word(name) for name in inputs.get("order", ("charge", "interest", "principal"))),
        interest_cap=None if cap is None else percent(cap),
        daily_cap=percent(inputs["interest_cap_daily_pct"]) if "interest_cap_daily_pct" in inputs else None,
        free_days=int(inputs.get("free_if_settled_within_days", 0)),
        rates=tuple((day(one["from"]), day(one["to"]), daily_rate(one)) for one in inputs.get("rate_periods", ())),
    )


def movements(case: Case) -> Iterable[Movement]:
    for event in case["events"]:
        kind = event_type(event)
        if kind not in {"repay", "charge", "payoff", "disburse", "as_of"}:
            raise UntranslatedError(f"event: {event['type']}")
        if kind in {"disburse", "as_of"}:  # the account opens with its principal
            continue
        yield Movement(
            day(event["date"]),
            minor(event.get("amount", "0"), case["inputs"]),
            is_charge=kind == "charge",
            settles=kind == "payoff",
        )


def account_rows(case: Case, close: Fraction) -> Iterable[str]:
    terms, moved = account_terms(case["inputs"]), list(movements(case))
    before = Account(terms.opened_on, terms.principal)
    for printed in case["expected"]["rows"]:
        on = day(printed["date"])
        account = account_on(terms, moved, on)
        figures = row_figures(terms, moved, before, account, case["inputs"])
        yield from differences(printed, figures, close, f"{on} ")
        before = account


def row_figures(terms: AccountTerms, moved: list[Movement], before: Account, account: Account, inputs: Case) -> Figures:
    on: date = account.on
    repaid = [one for one in moved if one.on == on and not one.is_charge]
    paid = account.paid if repaid else {}
    earlier = [one for one in moved if one not in repaid]
    return {
        "date": on,
        "day": days(DayCount.ACT_365F, terms.opened_on, on),
        "interest_unrounded": (account.accrued - before.accrued) * money(1, inputs),
        **{name: money(paid.get(name, 0), inputs) for name in ("charge", "interest", "principal")},
        "paid": money(sum(paid.values()), inputs),
        "charge_balance": money(account.charges, inputs),
        "interest_balance": account.interest * money(1, inputs),
        "balance": money(account.principal, inputs),
        "settlement": money(account.settlement, inputs),
        "settlement_before": money(account_on(terms, earlier, on).settlement, inputs),
    }
