"""Will the money be there: each funding account's balance line, and whether it covers the bills to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, FilteredRelation, OuterRef, Q, Subquery

from ledger.clock import zone
from ledger.loanmath.debits import LAST_DAY, next_moment
from ledger.loanmath.funding import Balance, Funding, Move, Step, balance_line, first_shortfall
from ledger.loanmath.inflows import expected
from ledger.models import (
    AccountEntry,
    AutoRepayAttempt,
    Bill,
    FundingAccount,
    Household,
    Loan,
    PlannedInflow,
    StatedBalance,
)
from ledger.selectors.balances import balance_of, with_balance
from ledger.selectors.inflows import InflowRow, inflow_rows, live_inflows
from ledger.selectors.mandates import MandateRow, live_mandates, loans_without

HORIZON_DAYS = 60  # further ahead, too much happens that nobody has told us of


@dataclass(frozen=True, slots=True)
class BillCover:
    """One bill the lender is going to debit, and whether its account covers it.

    `missing` is this bill's own part of what the account lacks, `short_by` all it lacks by `debit_at`, the bills
    debited before included; both zero unless `funding` is short. `leans_on` names the inflows without which it is not
    covered: `funding` is unknown then, since they are expected and not seen.
    """

    bill: int
    number: int
    loan: int
    loan_name: str
    lender_name: str
    account: FundingAccount
    debit_at: datetime
    debit_on: date
    payable_on: date
    amount: int
    funding: Funding
    after: int | None = None
    missing: int = 0
    short_by: int = 0
    leans_on: str = ""


@dataclass(frozen=True, slots=True)
class LineStep:
    """One step of an account's balance line: `amount` leaves it for a bill (`cover`) or, without one, for a repayment
    planned by hand; or it comes in, as the name in `inflow` says.

    `after` counts what is expected as if it had come.
    """

    on: date
    amount: int
    after: int | None
    funding: Funding
    cover: BillCover | None
    inflow: str = ""

    @property
    def lacking(self) -> int:
        """How far below zero the account is then."""
        return max(0, -(self.after or 0))


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account with its balance today and the debits to come, earliest first.

    `fresh` is False where no balance was stated, or too long ago to say anything: the line is unknown then. Among the
    steps are the inflows expected since the balance was stated, those of past days first. `inflows` are all that are
    planned. `place` is the account's among those in use, 0 the first.
    """

    account: FundingAccount
    balance: Balance | None
    fresh: bool
    steps: tuple[LineStep, ...]
    shortfall: BillCover | None
    inflows: tuple[InflowRow, ...] = ()
    place: int = 0

    @property
    def place_before(self) -> int:
        return self.place - 1

    @property
    def place_after(self) -> int:
        return self.place + 1

    @property
    def asked(self) -> int:
        """All that is going to be taken on this line."""
        return sum(step.amount for step in self.steps if not step.inflow)


def coverage(household: Household, today: date, days: int = HORIZON_DAYS) -> dict[int, BillCover]:
    """For each bill a mandate will debit by `days` from today (overdue ones the lender still tries included), by the
    bill's id: whether the account covers it. Four queries, however many bills and accounts."""
    lines = account_lines(household, today, days)
    return {step.cover.bill: step.cover for line in lines for step in line.steps if step.cover is not None}


def account_lines(household: Household, today: date, days: int = HORIZON_DAYS) -> list[AccountLine]:
    """The balance line of each account in use, in four queries: accounts, bills under mandates, planned entries,
    planned inflows."""
    accounts = list(with_balance(FundingAccount.objects.in_use().filter(household=household), today))
    if not accounts:
        return []
    debits = _debits(household, today, days)
    planned: defaultdict[int, list[AccountEntry]] = defaultdict(list)
    upcoming = AccountEntry.objects.filter(
        account__in=accounts, entry_on__gt=today, entry_on__lte=today + timedelta(days=days)
    )
    for entry in upcoming.order_by("entry_on", "pk"):
        planned[entry.account_id].append(entry)
    inflows = live_inflows([account.pk for account in accounts])
    until = today + timedelta(days=days)
    return [
        replace(_line(one, debits[one.pk], planned[one.pk], inflows.get(one.pk, ()), today, until), place=place)
        for place, one in enumerate(accounts)
    ]


@dataclass(frozen=True, slots=True)
class _Debit:
    bill: Any
    at: datetime
    on: date


def _debits(household: Household, today: date, days: int) -> defaultdict[int, list[_Debit]]:
    """By account: every bill that is going to be debited, as the lender would get to them."""
    local = zone(household.time_zone)
    last_try = AutoRepayAttempt.objects.filter(bill=OuterRef("pk")).order_by("-window_at").values("window_at")
    bills = (
        Bill.objects.of_household(household)
        .open()
        .annotate(
            mandate=FilteredRelation("loan__mandates", condition=Q(loan__mandates__ended_at=None)),
            debited=F("mandate__account_id"),
            windows=F("mandate__windows"),
            authorized_at=F("mandate__authorized_at"),
            tried_at=Subquery(last_try[:1]),
        )
        .filter(
            debited__isnull=False,
            payable_on__gte=F("mandate__started_on"),
            payable_on__range=(today - timedelta(days=LAST_DAY), today + timedelta(days=days)),
        )
        .select_related("loan__lender")
    )
    found: defaultdict[int, list[_Debit]] = defaultdict(list)
    for bill in bills:
        at = _next_at(bill, local)
        if at is not None and bill.open.total > 0:
            found[bill.debited].append(_Debit(bill, at, max(today, at.date())))
    for debits in found.values():
        debits.sort(key=lambda debit: (debit.on, debit.at.time(), debit.bill.payable_on, debit.bill.pk))
    return found


def _next_at(bill: Any, local: ZoneInfo) -> datetime | None:
    after = max(bill.authorized_at, bill.tried_at or bill.authorized_at)
    return next_moment(bill.payable_on, bill.windows, local, after)


def _line(
    account: Any,
    debits: list[_Debit],
    planned: list[AccountEntry],
    inflows: Sequence[PlannedInflow],
    today: date,
    until: date,
) -> AccountLine:
    balance = balance_of(account)
    moves = [Move(rank, debit.on, debit.bill.open.total, rank) for rank, debit in enumerate(debits)]
    # What is planned by hand is taken off first on its day: the user means it to happen.
    moves += [Move(-1 - n, entry.entry_on, -entry.amount, -1, judged=False) for n, entry in enumerate(planned)]
    rows = inflow_rows(inflows, today)
    incoming = _incoming(rows, balance.stated_on if balance else today, until, len(debits))
    steps = balance_line(balance, [*moves, *incoming], today)
    certain = {step.move for step in balance_line(balance, moves, today) if step.funding is Funding.COVERED}
    shown: list[LineStep] = []
    names: list[str] = []  # of the inflows passed so far
    for step in steps:
        if step.move in incoming:
            names = list(dict.fromkeys([*names, incoming[step.move]]))
        leans = step.funding is Funding.COVERED and step.move.judged and step.move not in certain
        shown.append(_step(account, step, debits, incoming.get(step.move, ""), ", ".join(names) if leans else ""))
    short = first_shortfall(steps)
    return AccountLine(
        account=account,
        balance=balance,
        fresh=balance is not None and balance.known_on(today),
        steps=tuple(shown),
        shortfall=shown[steps.index(short)].cover if short else None,
        inflows=rows,
    )


def _incoming(rows: Sequence[InflowRow], after: date, until: date, rank: int) -> dict[Move, str]:
    """By move: the name of the inflow that is expected. It comes last on its day, after the debits: salaries arrive
    during the day, and lenders are early."""
    names = {row.id: row.name for row in rows}
    arrivals = expected([row.plan for row in rows], after, until).arrivals
    return {
        Move(rank + n, arrival.on, -arrival.amount, rank, judged=False): names[arrival.id]
        for n, arrival in enumerate(arrivals)
    }


def _step(account: Any, step: Step, debits: list[_Debit], inflow: str, leans_on: str) -> LineStep:
    move = step.move
    cover = _cover(account, debits[move.id], step, leans_on) if move.judged else None
    return LineStep(
        on=move.on,
        amount=abs(move.amount),
        after=step.after,
        funding=cover.funding if cover else step.funding,
        cover=cover,
        inflow=inflow,
    )


def _cover(account: Any, debit: _Debit, step: Step, leans_on: str) -> BillCover:
    bill = debit.bill
    return BillCover(
        bill=bill.pk,
        number=bill.number,
        loan=bill.loan_id,
        loan_name=bill.loan.name,
        lender_name=bill.loan.lender.name,
        account=account,
        debit_at=debit.at,
        debit_on=debit.on,
        payable_on=bill.payable_on,
        amount=step.move.amount,
        funding=Funding.UNKNOWN if leans_on else step.funding,
        after=step.after,
        missing=step.missing,
        short_by=step.short_by,
        leans_on=leans_on,
    )


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """What the accounts page shows. `shortfall` is the earliest of all accounts; `unknown` says that some debit
    has no fresh balance to be judged by; `leaning` is the first debit that is covered only if an inflow comes.
    `archived` are the accounts put away."""

    lines: list[AccountLine]
    days: int
    mandates: list[MandateRow]
    without: list[Loan]
    archived: list[FundingAccount]
    shortfall: BillCover | None
    unknown: bool
    leaning: BillCover | None
    last_debit_on: date | None


def accounts_page(household: Household, today: date) -> AccountsPage:
    """The page in nine queries, whatever the household holds."""
    lines = account_lines(household, today)
    archived = FundingAccount.objects.filter(household=household, archived_at__isnull=False)
    covers = [step.cover for line in lines for step in line.steps if step.cover is not None]
    short = [line.shortfall for line in lines if line.shortfall is not None]
    return AccountsPage(
        lines=lines,
        days=HORIZON_DAYS,
        mandates=live_mandates(household),
        without=loans_without(household),
        archived=list(archived.order_by("name", "pk")),
        shortfall=min(short, key=lambda cover: (cover.debit_on, cover.bill), default=None),
        unknown=any(cover.funding is Funding.UNKNOWN and not cover.leans_on for cover in covers),
        leaning=min(
            (cover for cover in covers if cover.leans_on),
            key=lambda cover: (cover.debit_on, cover.bill),
            default=None,
        ),
        last_debit_on=max((cover.debit_on for cover in covers), default=None),
    )


def latest_balances(account: FundingAccount, shown: int = 10) -> list[StatedBalance]:
    """What was stated last, newest first."""
    return list(StatedBalance.objects.filter(account=account).order_by("-stated_on", "-pk")[:shown])
