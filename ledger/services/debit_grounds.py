"""What the debits of many households rest on, read as plain values: loans, mandates, accounts and bills.

Days and moments are asked for as text and parsed here: many bills share few of them, and to parse each anew, as Django
does on SQLite, took a third of the time.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Exists, Expression, F, Min, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast, Least

from ledger.clock import zone
from ledger.loanmath.debits import DebitRule
from ledger.loanmath.funding import Balance
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, FundingAccount, Household, Loan
from ledger.selectors.balances import balances_on
from ledger.selectors.coming_debits import sources_of


class DueLoan(NamedTuple):
    """A loan that auto-repay has something to do for. Whatever changes its bills or its debits changes one of these."""

    household: int
    version: int
    auto_repay_at: str
    mandate: int | None


class Standing(NamedTuple):
    """What can change of a mandate that has not ended; as texts."""

    paused: str | None
    resumes: str | None
    authorized: str

    @property
    def paused_on(self) -> date | None:
        day: date | None = _day(self.paused)
        return day

    @property
    def resumes_on(self) -> date | None:
        day: date | None = _day(self.resumes)
        return day

    @property
    def authorized_at(self) -> datetime:
        return _moment(self.authorized)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the debits of some households rest on. Where it is the same as before, so is everything behind it: bills
    change with the version of their loan, which only grows, attempts move its next debit, and of a mandate nothing can
    change but what is here, from where it is read.
    """

    zones: dict[int, str]  # by household
    loans: dict[int, DueLoan]
    mandates: dict[int, Standing]
    sources: dict[int, list[int]]  # the accounts of a mandate
    is_open: dict[int, bool]  # by account
    balances: dict[int, Balance | None]  # of accounts that a due loan may be paid from, on their household's day


def look(
    households: Sequence[int], now: datetime, *, hold: bool = False, sources: dict[int, list[int]] | None = None
) -> Grounds:
    """What the debits due by `now` rest on; with `hold` accounts and due loans are held until the transaction ends.
    `sources` where they are known already: of a mandate they never change; those of one that is new are read.

    What is held is read once it is: see `projection.lock`. Locks are taken in this order everywhere: accounts, loans,
    each by id.
    """
    accounts = FundingAccount.objects.filter(household__in=households).order_by("pk")
    due = Loan.objects.to_debit(now).filter(household__in=households).order_by("pk")
    if hold:
        accounts = accounts.select_for_update(no_key=True)
    is_open = {pk: archived_at is None for pk, archived_at in accounts.values_list("pk", "archived_at")}
    found: Any = (due.select_for_update() if hold else due).annotate(next_at=_text("auto_repay_at"))
    found = found.values_list("pk", "household_id", "version", "next_at", "mandate_id")
    loans = {row[0]: DueLoan._make(row[1:]) for row in found}
    zones = dict(Household.objects.filter(pk__in=households).values_list("pk", "time_zone"))
    used = AutoRepayMandate.objects.filter(pk__in=due.order_by().values("mandate"))
    changing = {f"{name}_text": _text(name) for name in ("paused_on", "resumes_on", "authorized_at")}
    mandates = {row[0]: Standing._make(row[1:]) for row in used.annotate(**changing).values_list("pk", *changing)}
    if sources is None or not mandates.keys() <= sources.keys():
        sources = dict(sources_of(used))
    return Grounds(zones, loans, mandates, sources, is_open, _balances(zones, loans, sources, now))


def _text(what: str | Expression) -> Cast:
    return Cast(what, TextField())


def _balances(
    zones: dict[int, str], loans: dict[int, DueLoan], sources: dict[int, list[int]], now: datetime
) -> dict[int, Balance | None]:
    by_day: defaultdict[date, set[int]] = defaultdict(set)
    today = {name: now.astimezone(zone(name)).date() for name in set(zones.values())}
    for loan in loans.values():
        if loan.mandate is not None and loan.household in zones:
            by_day[today[zones[loan.household]]].update(sources.get(loan.mandate, []))
    found: dict[int, Balance | None] = {}
    for day, accounts in by_day.items():
        found |= balances_on(accounts, day)
    return found


# --- Bills


class DueBill(NamedTuple):
    """An open bill that a lender may debit by today, with its loan and mandate, as plain values."""

    bill: int
    number: int
    starts_on: date
    due_on: date
    payable_on: date
    deferred_from: date | None
    presumed: int
    changes_after: date | None
    principal_due: int
    interest_due: int
    fee_due: int
    penalty_due: int
    principal_paid: int
    interest_paid: int
    fee_paid: int
    penalty_paid: int
    principal_waived: int
    interest_waived: int
    fee_waived: int
    penalty_waived: int
    is_tried: bool
    loan: int
    household: int
    opened_at: datetime
    projected_on: date
    next_change_on: date | None
    settling: str
    outstanding_principal: int
    bears_penalty: bool
    failures: int
    mandate: int | None
    mandate_of: int | None  # the loan, where it is that loan's own
    mode: str
    cap: int | None
    partial: bool
    priority: int
    trust_days: int | None
    started_on: date
    expires_on: date | None
    day_offset: int
    daily: bool
    tries_a_day: int
    windows: str  # these as JSON
    retry_windows: str
    retry_days: str

    def lender(self, pause: Standing, local: ZoneInfo) -> Lender:
        return _lender(local, pause.paused_on, pause.resumes_on, *self[_RULE:])

    @property
    def asked(self) -> int:
        """What is open of the bill."""
        due = self.principal_due + self.interest_due + self.fee_due + self.penalty_due
        return due - self.waived - self.paid

    @property
    def paid(self) -> int:
        return self.principal_paid + self.interest_paid + self.fee_paid + self.penalty_paid

    @property
    def waived(self) -> int:
        return self.principal_waived + self.interest_waived + self.fee_waived + self.penalty_waived


_RULE = DueBill._fields.index("day_offset")


def _paths() -> Iterator[tuple[str, str]]:
    """Each field of a DueBill, and where it is found, seen from the bill."""
    of_loan, of_mandate = DueBill._fields.index("household"), DueBill._fields.index("mode")
    for place, name in enumerate(DueBill._fields):
        if place >= of_mandate:
            yield name, f"loan__mandate__{name}"
        elif place >= of_loan:
            yield name, _ELSEWHERE.get(name, f"loan__{name}")
        else:
            yield name, _ELSEWHERE.get(name, name)


_ELSEWHERE = {
    "bill": "pk",
    "loan": "loan_id",
    "household": "loan__household_id",
    "failures": "loan__auto_repay_failures",
    "mandate": "loan__mandate_id",
    "mandate_of": "loan__mandate__loan_id",
}
_DAYS = (
    *("starts_on", "due_on", "payable_on", "deferred_from", "changes_after", "projected_on", "next_change_on"),
    *("started_on", "expires_on"),
)
_MOMENTS = ("opened_at",)
_LISTS = ("windows", "retry_windows", "retry_days")


def due_bills(bills: QuerySet[Bill]) -> Iterator[DueBill]:
    """Bills with their loans and mandates."""
    columns = {f"column_{place}": _column(name, path) for place, (name, path) in enumerate(_paths())}
    return map(_parsed, bills.annotate(**columns).values_list(*columns))


def _column(name: str, path: str) -> Any:
    if name == "is_tried":
        return _IS_TRIED
    return _text(path) if name in (*_DAYS, *_MOMENTS, *_LISTS) else F(path)


def _parsed(values: Sequence[Any]) -> DueBill:
    plain = list(values)
    for place, parse in _PARSED:
        plain[place] = parse(plain[place])
    return DueBill._make(plain)


_IS_TRIED = Exists(AutoRepayAttempt.objects.filter(bill=OuterRef("pk")))


@dataclass(frozen=True, eq=False, slots=True)
class Lender:
    """When a lender debits, where the household is: one object for all bills with the same windows, so that what is
    kept by it is found at once."""

    rule: DebitRule
    local: ZoneInfo


@lru_cache(maxsize=4096)  # few lenders, few rules
def _lender(
    local: ZoneInfo,
    paused_on: date | None,
    resumes_on: date | None,
    day_offset: int,
    daily: bool,
    tries_a_day: int,
    windows: str,
    retry_windows: str,
    retry_days: str,
) -> Lender:
    at, again, days = (tuple(json.loads(text)) for text in (windows, retry_windows, retry_days))
    return Lender(DebitRule(at, day_offset, days, daily, again, tries_a_day, paused_on, resumes_on), local)


class Coming(NamedTuple):
    """When the first of a loan's other open bills is asked for, and when the first of them is payable."""

    asked_on: date
    payable_on: date


def first_later(bills: QuerySet[Bill]) -> dict[int, Coming]:
    """For each loan of these bills when the first of them is asked for, and when the first is payable."""
    asked_on, payable_on = _text(Min(Least("due_on", "payable_on"))), _text(Min("payable_on"))
    first: Any = bills.order_by().values_list("loan").annotate(asked_on=asked_on, first_payable_on=payable_on)
    return {loan: Coming(_day(asked_on), _day(payable_on)) for loan, asked_on, payable_on in first}


# --- Days and moments


@lru_cache(maxsize=4096)  # many bills, few days
def _day(text: Any) -> Any:
    return None if text is None else date.fromisoformat(text)


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    said = datetime.fromisoformat(text)
    return said if said.tzinfo else said.replace(tzinfo=UTC)  # SQLite keeps UTC without saying so


_PARSED = [
    (DueBill._fields.index(name), parse) for names, parse in ((_DAYS, _day), (_MOMENTS, _moment)) for name in names
]
