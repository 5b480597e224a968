"""The debits to come: every open bill under a mandate, with when and how much the lender takes, and from where."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F, OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode, asked
from ledger.loanmath.debits import DebitRule, next_moment
from ledger.loanmath.money import Parts
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Household, Loan, MandateSource
from ledger.selectors.decided import fell_back_at, told_to_have_failed
from ledger.selectors.history import histories
from ledger.selectors.prepared import Prepared


class DebitedBill(NamedTuple):
    """An open bill under a mandate, with what is asked of both, as plain values: a household may have a thousand."""

    pk: int
    number: int
    loan_id: int
    payable_on: date
    principal_due: int
    interest_due: int
    fee_due: int
    penalty_due: int
    met: int
    tried_at: datetime | None
    loan_name: str
    lender_name: str
    bears_penalty: bool
    opened_at: datetime
    mandate_id: int
    is_wide: bool
    mode: str
    fixed_amount: int
    cap: int | None
    partial: bool
    priority: int
    authorized_at: datetime
    started_on: date
    expires_on: date | None
    rule: DebitRule

    @property
    def due(self) -> Parts:
        return Parts(self.principal_due, self.interest_due, self.fee_due, self.penalty_due)


@dataclass(frozen=True, slots=True)
class ComingDebit:
    """The next debit of one bill: the accounts it goes through, what it asks for. `on` is its day, today where its
    moment has passed unnoticed."""

    bill: DebitedBill
    at: datetime
    on: date
    amount: int
    sources: tuple[int, ...]
    partial: bool
    above_cap: bool


@dataclass(frozen=True, slots=True)
class AskedBills:
    """The bills that mandates ask for within the days ahead, as rows of `_bills`, and the accounts of each mandate."""

    rows: Sequence[tuple[Any, ...]]
    sources: Mapping[int, Sequence[int]]

    def most_taken(self) -> dict[int, int]:
        """By account: the most that all debits of these bills together may take from it."""
        of_mandate: defaultdict[int, int] = defaultdict(int)
        for row in self.rows:
            of_mandate[row[_MANDATE]] += _open(row)
        most: defaultdict[int, int] = defaultdict(int)
        for mandate, amount in of_mandate.items():
            for account in self.sources.get(mandate, ()):
                most[account] += amount
        return most

    def without_sure(self, ample: Collection[int], wanted: Collection[int]) -> AskedBills:
        """Only the bills worth a look: not those that are sure to be debited from an account of `ample`, unless they
        are `wanted`."""
        sure = {mandate for mandate, accounts in self.sources.items() if accounts and accounts[0] in ample}
        kept = [
            row
            for row in self.rows
            if row[_MANDATE] not in sure
            or row[0] in wanted
            or row[_MODE] != AmountMode.BILL
            or (row[_CAP] is not None and row[_CAP] < _open(row))
        ]
        return AskedBills(kept, self.sources)


def asked_bills(household: Household, today: date, days: int) -> AskedBills:
    """Those whose payable day is at most `days` ahead. Two queries."""
    rows = _BILLS(household=household.pk, until=today + timedelta(days=days))
    sources: defaultdict[int, list[int]] = defaultdict(list)
    for mandate, account in _SOURCES(household=household.pk) if rows else ():
        sources[mandate].append(account)
    return AskedBills(rows, sources)


def coming_debits(household: Household, accounts: Collection[int], today: date, days: int) -> list[ComingDebit]:
    """Every bill whose payable day is at most `days` ahead and that is going to be debited from any of `accounts`, as
    `debits_of` says, whose queries come to the two of `asked_bills`."""
    return debits_of(asked_bills(household, today, days), household, accounts, today)


def debits_of(asked_for: AskedBills, household: Household, accounts: Collection[int], today: date) -> list[ComingDebit]:
    """The debits of these bills from any of `accounts`, in the order the lender gets to them; of those of one moment as
    `services.autorepay.Debit` says. No query; three where a mandate takes the minimum payment only, two where a bill
    was tried or a mandate is of several loans."""
    local = zone(household.time_zone)
    bills = list(map(_bill, asked_for.rows))
    usable_of = {pk: tuple(one for one in found if one in accounts) for pk, found in asked_for.sources.items()}
    amounts = _amounts(bills)
    failed = told_to_have_failed({bill.loan_id for bill in bills if bill.tried_at})
    fell_back = _fell_back({bill.loan_id for bill in bills if bill.is_wide})
    found = []
    for bill, later in _with_later(bills):
        usable, amount = usable_of.get(bill.mandate_id, ()), amounts[bill.pk]
        if not usable or amount <= 0 or bill.payable_on < max(bill.started_on, _local_day(bill.opened_at, local)):
            continue
        known = (bill.authorized_at, bill.opened_at, bill.tried_at, failed.get(bill.pk), fell_back.get(bill.loan_id))
        at = _next_at(bill, later, local, max(moment for moment in known if moment is not None))
        if at is None or (bill.expires_on is not None and at.date() > bill.expires_on):
            continue
        above_cap = bill.cap is not None and amount > bill.cap
        if above_cap and bill.partial:
            amount, above_cap = bill.cap or 0, False
        found.append(ComingDebit(bill, at, max(today, at.date()), amount, usable, bill.partial, above_cap))
    return sorted(found, key=_order)


def _order(debit: ComingDebit) -> tuple[Any, ...]:
    bill = debit.bill
    return debit.on, debit.at.time(), not bill.bears_penalty, bill.payable_on, bill.priority, bill.pk


def _next_at(bill: DebitedBill, later: list[date], local: ZoneInfo, after: datetime) -> datetime | None:
    """The next moment at which the lender tries; of most bills the first there is."""
    first = _first_moment(bill.payable_on, bill.rule, local)
    if first is not None and after < first:
        return first
    return next_moment((bill.payable_on, *later), bill.rule, local, after)


@lru_cache(maxsize=4096)  # many bills, few days and rules
def _first_moment(payable_on: date, rule: DebitRule, local: ZoneInfo) -> datetime | None:
    return next_moment((payable_on,), rule, local)


@lru_cache(maxsize=4096)
def _local_day(moment: datetime, local: ZoneInfo) -> date:
    return moment.astimezone(local).date()


# --- Bills and mandates as plain values


def _text(path: str | Subquery) -> Cast:
    return Cast(path, TextField())


def _bills(household: int, until: date) -> QuerySet[Any]:
    last_try = AutoRepayAttempt.objects.filter(bill=OuterRef("pk")).order_by("-window_at").values("window_at")
    met = sum((F(f"{part}_paid") + F(f"{part}_waived") for part in ("interest", "fee", "penalty")), F("principal_paid"))
    return (
        Bill.objects.of_household(household)
        .open()
        .filter(loan__mandate__isnull=False, payable_on__gte=F("loan__mandate__started_on"), payable_on__lte=until)
        .order_by("loan", "payable_on", "number")
        .values_list(
            *("pk", "number", "loan_id", _text("payable_on")),
            *("principal_due", "interest_due", "fee_due", "penalty_due", met + F("principal_waived")),
            _text(Subquery(last_try[:1])),
            *("loan__name", "loan__lender__name", "loan__bears_penalty", _text("loan__opened_at"), "loan__mandate_id"),
            *(f"loan__mandate__{name}" for name in ("loan_id", "mode", "fixed_amount", "cap", "partial", "priority")),
            *(_text(f"loan__mandate__{name}") for name in ("authorized_at", "started_on", "expires_on")),
            *(_text(f"loan__mandate__{name}") for name in ("windows", "retry_windows", "retry_days")),
            *(f"loan__mandate__{name}" for name in ("day_offset", "daily", "tries_a_day")),
            *(_text(f"loan__mandate__{name}") for name in ("paused_on", "resumes_on")),
        )
    )


def _sources(household: int) -> QuerySet[Any]:
    live = MandateSource.objects.filter(mandate__household=household, mandate__ended_at=None)
    return live.order_by("mandate", "position").values_list("mandate_id", "account_id")


_BILLS, _SOURCES = Prepared(_bills), Prepared(_sources)


_MANDATE, _MODE, _CAP = 14, 16, 18  # where a row has them


def _open(row: tuple[Any, ...]) -> int:
    principal, interest, fee, penalty, met = row[4:9]
    left: int = principal + interest + fee + penalty - met
    return left


def _bill(row: tuple[Any, ...]) -> DebitedBill:
    pk, number, loan, payable_on, *due, met, tried_at, loan_name, lender, bears_penalty, opened_at, mandate = row[:15]
    mandate_of, mode, fixed, cap, partial, priority, authorized_at, started_on, expires_on = row[15:24]
    values: list[Any] = [pk, number, loan, _day(payable_on), *due, met, tried_at and _moment(tried_at)]
    values += [loan_name, lender, bears_penalty, _moment(opened_at)]
    values += [mandate, mandate_of is None, mode, fixed or 0, cap, partial, priority, _moment(authorized_at)]
    values += [_day(started_on), expires_on and _day(expires_on), _rule(*row[24:])]
    return DebitedBill._make(values)


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    return date.fromisoformat(text)


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    said = datetime.fromisoformat(text)
    return said if said.tzinfo else said.replace(tzinfo=UTC)  # SQLite keeps UTC without saying so


@lru_cache(maxsize=1024)  # few lenders, few rules
def _rule(
    windows: str,
    retry_windows: str,
    retry_days: str,
    day_offset: int,
    daily: bool,
    tries_a_day: int,
    paused_on: str | None,
    resumes_on: str | None,
) -> DebitRule:
    at, again, days = (tuple(json.loads(text)) for text in (windows, retry_windows, retry_days))
    pause = [text and _day(text) for text in (paused_on, resumes_on)]
    return DebitRule(at, day_offset, days, daily, again, tries_a_day, pause[0] or None, pause[1] or None)


def sources_of(mandates: Iterable[int] | QuerySet[AutoRepayMandate]) -> defaultdict[int, list[int]]:
    """The accounts of each mandate, by position."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    asked = mandates if isinstance(mandates, QuerySet) else set(mandates)
    rows = MandateSource.objects.filter(mandate__in=asked).order_by("mandate", "position")
    for mandate, account in rows.values_list("mandate_id", "account_id"):
        found[mandate].append(account)
    return found


def _with_later(bills: list[DebitedBill]) -> Iterator[tuple[DebitedBill, list[date]]]:
    """Each bill with the payable days on which it is asked for again: those of the loan's later bills, where the
    mandate takes everything due."""
    for _, group in groupby(bills, key=lambda bill: bill.loan_id):
        mine = list(group)
        for at, bill in enumerate(mine):
            yield bill, [later.payable_on for later in mine[at + 1 :]] if bill.mode == AmountMode.FULL else []


def _fell_back(loans: set[int]) -> dict[int, datetime]:
    return fell_back_at(Loan.objects.filter(pk__in=loans).select_related("mandate")) if loans else {}


def _amounts(bills: Iterable[DebitedBill]) -> dict[int, int]:
    """What a debit asks for of each bill, by its id."""
    bills = list(bills)
    least = {bill.loan_id for bill in bills if bill.mode == AmountMode.MINIMUM}
    past = histories(Loan.objects.filter(pk__in=least)) if least else {}
    found = {}
    for bill in bills:
        if bill.mode in (AmountMode.BILL, AmountMode.FULL):
            found[bill.pk] = bill.principal_due + bill.interest_due + bill.fee_due + bill.penalty_due - bill.met
            continue
        terms = past[bill.loan_id].terms_on(bill.payable_on) if bill.loan_id in past else None
        found[bill.pk] = asked(AmountMode(bill.mode), bill.due, bill.met, terms, bill.fixed_amount)
    return found
