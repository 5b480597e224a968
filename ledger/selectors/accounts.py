"""Will the money be there: each funding account's balance line, and whether it covers the bills to come."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, FilteredRelation, OuterRef, Q, Subquery

from ledger.clock import zone
from ledger.loanmath.debits import LAST_DAY, next_moment
from ledger.loanmath.funding import Balance, Funding, Move, Step, balance_line, first_shortfall
from ledger.models import AccountEntry, AutoRepayAttempt, Bill, FundingAccount, Household, Loan, StatedBalance
from ledger.selectors.balances import balance_of, with_balance
from ledger.selectors.mandates import MandateRow, live_mandates, loans_without

HORIZON_DAYS = 30  # further ahead, money is still to come that nobody has told us of


@dataclass(frozen=True, slots=True)
class BillCover:
    """One bill the lender is going to debit, and whether its account covers it.

    `missing` is this bill's own part of what the account lacks, `short_by` all it lacks by `debit_at`, the bills
    debited before included; both zero unless `funding` is short.
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


@dataclass(frozen=True, slots=True)
class LineStep:
    """One step of an account's balance line; without a bill, a repayment planned by hand."""

    on: date
    amount: int
    after: int | None
    funding: Funding
    cover: BillCover | None

    @property
    def lacking(self) -> int:
        """How far below zero the account is then."""
        return max(0, -(self.after or 0))


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account with its balance today and the debits to come, earliest first.

    `fresh` is False where no balance was stated, or too long ago to say anything: the line is unknown then.
    """

    account: FundingAccount
    balance: Balance | None
    fresh: bool
    steps: tuple[LineStep, ...]
    shortfall: BillCover | None

    @property
    def asked(self) -> int:
        """All that is going to be taken on this line."""
        return sum(step.amount for step in self.steps)


def coverage(household: Household, today: date, days: int = HORIZON_DAYS) -> dict[int, BillCover]:
    """For each bill a mandate will debit by `days` from today (overdue ones the lender still tries included), by the
    bill's id: whether the account covers it. Three queries, however many bills and accounts."""
    lines = account_lines(household, today, days)
    return {step.cover.bill: step.cover for line in lines for step in line.steps if step.cover is not None}


def account_lines(household: Household, today: date, days: int = HORIZON_DAYS) -> list[AccountLine]:
    """The balance line of each account in use, in three queries: accounts, bills under mandates, planned entries."""
    rows = FundingAccount.objects.filter(household=household, archived_at=None).order_by("name", "pk")
    accounts = list(with_balance(rows, today))
    if not accounts:
        return []
    debits = _debits(household, today, days)
    planned: defaultdict[int, list[AccountEntry]] = defaultdict(list)
    upcoming = AccountEntry.objects.filter(
        account__in=accounts, entry_on__gt=today, entry_on__lte=today + timedelta(days=days)
    )
    for entry in upcoming.order_by("entry_on", "pk"):
        planned[entry.account_id].append(entry)
    return [_line(account, debits[account.pk], planned[account.pk], today) for account in accounts]


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


def _line(account: Any, debits: list[_Debit], planned: list[AccountEntry], today: date) -> AccountLine:
    balance = balance_of(account)
    moves = [Move(rank, debit.on, debit.bill.open.total, rank) for rank, debit in enumerate(debits)]
    # What is planned by hand is taken off first on its day: the user means it to happen.
    moves += [Move(-1 - n, entry.entry_on, -entry.amount, -1, judged=False) for n, entry in enumerate(planned)]
    steps = balance_line(balance, moves, today)
    shown = [_step(account, step, debits) for step in steps]
    short = first_shortfall(steps)
    return AccountLine(
        account=account,
        balance=balance,
        fresh=balance is not None and balance.known_on(today),
        steps=tuple(shown),
        shortfall=shown[steps.index(short)].cover if short else None,
    )


def _step(account: Any, step: Step, debits: list[_Debit]) -> LineStep:
    move = step.move
    return LineStep(
        on=move.on,
        amount=move.amount,
        after=step.after,
        funding=step.funding,
        cover=_cover(account, debits[move.id], step) if move.judged else None,
    )


def _cover(account: Any, debit: _Debit, step: Step) -> BillCover:
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
        funding=step.funding,
        after=step.after,
        missing=step.missing,
        short_by=step.short_by,
    )


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """What the accounts page shows. `shortfall` is the earliest of all accounts; `unknown` says that some debit
    has no fresh balance to be judged by."""

    lines: list[AccountLine]
    days: int
    mandates: list[MandateRow]
    without: list[Loan]
    shortfall: BillCover | None
    unknown: bool
    last_debit_on: date | None


def accounts_page(household: Household, today: date) -> AccountsPage:
    """The page in seven queries, whatever the household holds."""
    lines = sorted(account_lines(household, today), key=_most_urgent)
    covers = [step.cover for line in lines for step in line.steps if step.cover is not None]
    short = [line.shortfall for line in lines if line.shortfall is not None]
    return AccountsPage(
        lines=lines,
        days=HORIZON_DAYS,
        mandates=live_mandates(household),
        without=loans_without(household),
        shortfall=min(short, key=lambda cover: (cover.debit_on, cover.bill), default=None),
        unknown=any(cover.funding is Funding.UNKNOWN for cover in covers),
        last_debit_on=max((cover.debit_on for cover in covers), default=None),
    )


def _most_urgent(line: AccountLine) -> tuple[int, date]:
    """What is short comes first, the earlier the sooner; then what nobody knows; then the rest."""
    if line.shortfall is not None:
        return 0, line.shortfall.debit_on
    return 2 if line.fresh or not line.steps else 1, date.min


def latest_balances(account: FundingAccount, shown: int = 10) -> list[StatedBalance]:
    """What was stated last, newest first."""
    return list(StatedBalance.objects.filter(account=account).order_by("-stated_on", "-pk")[:shown])
