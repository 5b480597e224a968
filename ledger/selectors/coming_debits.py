"""The debits to come: every open bill under a mandate, with when and how much the lender takes, and from where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode, asked
from ledger.loanmath.debits import next_moment
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Household, MandateSource
from ledger.selectors.decided import covered_from, fell_back_at, told_to_have_failed
from ledger.selectors.history import histories


@dataclass(frozen=True, slots=True)
class ComingDebit:
    """The next debit of one bill (with its loan and lender at hand): the accounts it goes through, what it asks for.
    `on` is its day, today where its moment has passed unnoticed."""

    bill: Any
    at: datetime
    on: date
    amount: int
    sources: tuple[int, ...]
    partial: bool
    above_cap: bool


def coming_debits(household: Household, accounts: Collection[int], today: date, days: int) -> list[ComingDebit]:
    """Every bill whose payable day is at most `days` ahead and that is going to be debited from any of `accounts`, in
    the order the lender gets to them; of those of one moment as `services.autorepay.Debit` says. Two queries; two more
    where a mandate takes the minimum payment only, or where a bill was tried, one where a mandate is of several
    loans."""
    bills = _bills(household, today + timedelta(days=days))
    sources = sources_of({bill.loan.mandate_id for bill in bills})
    amounts = _amounts(bills)
    local = zone(household.time_zone)
    failed = told_to_have_failed({bill.loan_id for bill in bills if bill.tried_at})
    fell_back = fell_back_at({bill.loan_id: bill.loan for bill in bills}.values())
    found = []
    for bill, later in _with_later(bills):
        mandate = bill.loan.mandate
        usable = tuple(account for account in sources[mandate.pk] if account in accounts)
        known = [mandate.authorized_at, bill.loan.opened_at, bill.tried_at]
        after = max(at for at in (*known, failed.get(bill.pk), fell_back.get(bill.loan_id)) if at is not None)
        at = next_moment((bill.payable_on, *later), mandate.rule, local, after)
        if at is None or not usable or amounts[bill.pk] <= 0 or _is_expired(mandate, at):
            continue
        if bill.payable_on < covered_from(bill.loan, household.time_zone):
            continue
        amount, above_cap = amounts[bill.pk], mandate.cap is not None and amounts[bill.pk] > mandate.cap
        if above_cap and mandate.partial:
            amount, above_cap = mandate.cap, False
        found.append(ComingDebit(bill, at, max(today, at.date()), amount, usable, mandate.partial, above_cap))
    return sorted(found, key=_order)


def _is_expired(mandate: AutoRepayMandate, at: datetime) -> bool:
    return mandate.expires_on is not None and at.date() > mandate.expires_on


def _order(debit: ComingDebit) -> tuple[Any, ...]:
    bill = debit.bill
    harmless, priority = not bill.loan.bears_penalty, bill.loan.mandate.priority
    return debit.on, debit.at.time(), harmless, bill.payable_on, priority, bill.pk


def _bills(household: Household, until: date) -> list[Any]:
    last_try = AutoRepayAttempt.objects.filter(bill=OuterRef("pk")).order_by("-window_at").values("window_at")
    bills = (
        Bill.objects.of_household(household)
        .open()
        .filter(loan__mandate__isnull=False, payable_on__gte=F("loan__mandate__started_on"), payable_on__lte=until)
        .annotate(tried_at=Subquery(last_try[:1]))
        .select_related("loan__lender", "loan__mandate")
        .order_by("loan", "payable_on", "number")
    )
    return list(bills)


def sources_of(mandates: Iterable[int] | QuerySet[AutoRepayMandate]) -> defaultdict[int, list[int]]:
    """The accounts of each mandate, by position."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    asked = mandates if isinstance(mandates, QuerySet) else set(mandates)
    rows = MandateSource.objects.filter(mandate__in=asked).order_by("mandate", "position")
    for mandate, account in rows.values_list("mandate_id", "account_id"):
        found[mandate].append(account)
    return found


def _with_later(bills: list[Any]) -> Iterator[tuple[Any, list[date]]]:
    """Each bill with the payable days on which it is asked for again: those of the loan's later bills, where the
    mandate takes everything due."""
    for _, group in groupby(bills, key=lambda bill: bill.loan_id):
        mine = list(group)
        for at, bill in enumerate(mine):
            takes_all = bill.loan.mandate.mode == AmountMode.FULL
            yield bill, [later.payable_on for later in mine[at + 1 :]] if takes_all else []


def _amounts(bills: Iterable[Any]) -> dict[int, int]:
    """What a debit asks for of each bill, by its id."""
    bills = list(bills)
    least = [bill.loan for bill in bills if bill.loan.mandate.mode == AmountMode.MINIMUM]
    past = histories(least) if least else {}
    return {bill.pk: _amount(bill, past) for bill in bills}


def _amount(bill: Any, past: Any) -> int:
    mandate = bill.loan.mandate
    met = bill.paid.total + bill.waived.total
    terms = past[bill.loan_id].terms_on(bill.payable_on) if bill.loan_id in past else None
    return asked(AmountMode(mandate.mode), bill.due, met, terms, mandate.fixed_amount or 0)
