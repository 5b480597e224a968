"""Will the money be there: each funding account's balance line, and whether it covers the bills to come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ledger.loanmath.funding import Balance, Funding, Move, Step, forecast
from ledger.models import AccountEntry, FundingAccount, Household, Loan, StatedBalance
from ledger.selectors.balances import balance_of, with_balance
from ledger.selectors.coming_debits import ComingDebit, coming_debits
from ledger.selectors.mandates import MandateRow, live_mandates, loans_without

HORIZON_DAYS = 60  # how far ahead each account's balance line reaches


@dataclass(frozen=True, slots=True)
class BillCover:
    """One bill the lender is going to debit, and whether its account covers it.

    `amount` is what is taken from this `account`, the last of those the debit touches. `missing` is this bill's own
    part of what the account lacks, `short_by` all it lacks by `debit_at`, the bills debited before included; both zero
    unless `funding` is short. A debit `above_cap` takes nothing, however much there is.
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
    above_cap: bool = False


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
    bill's id: whether the account covers it. Four queries, however many bills and accounts."""
    lines = account_lines(household, today, days)
    return {step.cover.bill: step.cover for line in lines for step in line.steps if step.cover is not None}


def account_lines(household: Household, today: date, days: int = HORIZON_DAYS) -> list[AccountLine]:
    """The balance line of each account in use, in four queries: accounts, bills under mandates, the mandates' sources,
    planned entries."""
    rows = FundingAccount.objects.filter(household=household, archived_at=None).order_by("name", "pk")
    accounts = {account.pk: account for account in with_balance(rows, today)}
    if not accounts:
        return []
    debits = coming_debits(household, accounts, today, days)
    planned = _planned(accounts, today, days)
    balances = {pk: balance_of(account) for pk, account in accounts.items()}
    moves = [_move(rank, debit) for rank, debit in enumerate(debits)]
    # What is planned by hand is taken off first on its day: the user means it to happen.
    moves += [
        Move(-1 - n, entry.entry_on, -entry.amount, -1, judged=False, sources=(entry.account_id,))
        for n, entry in enumerate(planned)
    ]
    steps = forecast(balances, moves, today)
    return [_line(account, balances[pk], steps[pk], debits, today) for pk, account in accounts.items()]


def _planned(accounts: Iterable[int], today: date, days: int) -> list[AccountEntry]:
    """Repayments planned by hand, earliest first."""
    until = today + timedelta(days=days)
    upcoming = AccountEntry.objects.filter(account__in=accounts, entry_on__gt=today, entry_on__lte=until)
    return list(upcoming.order_by("entry_on", "pk"))


def _move(rank: int, debit: ComingDebit) -> Move:
    return Move(
        rank, debit.on, 0 if debit.above_cap else debit.amount, rank, sources=debit.sources, partial=debit.partial
    )


def _line(
    account: FundingAccount, balance: Balance | None, steps: list[Step], debits: list[ComingDebit], today: date
) -> AccountLine:
    shown = [_step(account, step, debits) for step in steps]
    return AccountLine(
        account=account,
        balance=balance,
        fresh=balance is not None and balance.known_on(today),
        steps=tuple(shown),
        shortfall=next((step.cover for step in shown if step.cover and _is_short(step.cover)), None),
    )


def _is_short(cover: BillCover) -> bool:
    """Money lacks; a debit above its cap takes nothing, however much there is."""
    return cover.funding is Funding.SHORT and not cover.above_cap


def _step(account: FundingAccount, step: Step, debits: list[ComingDebit]) -> LineStep:
    cover = _cover(account, debits[step.move.id], step) if step.move.judged else None
    funding = cover.funding if cover else step.funding
    return LineStep(on=step.move.on, amount=step.amount, after=step.after, funding=funding, cover=cover)


def _cover(account: FundingAccount, debit: ComingDebit, step: Step) -> BillCover:
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
        amount=debit.amount if debit.above_cap else step.amount,
        funding=Funding.SHORT if debit.above_cap else step.funding,
        after=step.after,
        missing=step.missing,
        short_by=step.short_by,
        above_cap=debit.above_cap,
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
    """The page in eight queries, whatever the household holds."""
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
