"""Will the money be there: each funding account's balance line, and whether it covers the bills to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet

from ledger.loanmath.funding import Balance, Funding, Move, Step, forecast
from ledger.loanmath.inflows import expected
from ledger.models import AccountEntry, FundingAccount, Household, Loan, StatedBalance
from ledger.selectors.balances import OF_A_BALANCE, balance_of, with_balance
from ledger.selectors.charts import BalanceChart, balance_chart
from ledger.selectors.coming_debits import AskedBills, ComingDebit, asked_bills, coming_debits, debits_of
from ledger.selectors.inflows import InflowRow, household_inflows, inflow_rows
from ledger.selectors.mandates import MandateRow, live_mandates, loans_without
from ledger.selectors.prepared import Prepared

HORIZON_DAYS = 60  # how far ahead each account's balance line reaches
WORSE = (Funding.COVERED, Funding.UNKNOWN, Funding.SHORT)


@dataclass(frozen=True, slots=True)
class BillCover:
    """One bill the lender is going to debit, and whether its account covers it.

    `amount` is what is taken from this `account`, the last of those the debit touches. `missing` is this bill's own
    part of what the account lacks, `short_by` all it lacks by `debit_at`, the bills debited before included; both zero
    unless `funding` is short. `leans_on` names the inflows without which it is not covered: `funding` is unknown then,
    since they are expected and not seen. A debit `above_cap` takes nothing, however much there is. `beside` are the
    other accounts that pay a part of the bill, where `covers_of` looked at it as a whole.
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
    above_cap: bool = False
    beside: tuple[FundingAccount, ...] = ()

    @property
    def paid_from(self) -> str:
        """The accounts in words: all that pay a part where they cover it together, else the one in question."""
        paying = (*self.beside, self.account) if self.funding is Funding.COVERED else (self.account,)
        return " + ".join(map(str, paying))


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
    planned. `place` is the account's among those in use, 0 the first; `chart` draws the line, where asked for.
    """

    account: FundingAccount
    balance: Balance | None
    fresh: bool
    steps: tuple[LineStep, ...]
    shortfall: BillCover | None
    inflows: tuple[InflowRow, ...] = ()
    place: int = 0
    chart: BalanceChart | None = None

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
    bill's id: whether the account covers it. Five queries, however many bills and accounts."""
    lines = account_lines(household, today, days)
    return covers_of(lines)


def covers_of(lines: Iterable[AccountLine]) -> dict[int, BillCover]:
    """By bill: whether it is covered as a whole. A debit of several accounts is as good as its worst part: short, else
    unknown, else covered."""
    parts: dict[int, list[BillCover]] = {}
    for line in lines:
        for step in line.steps:
            if step.cover is not None:
                parts.setdefault(step.cover.bill, []).append(step.cover)
    return {bill: _as_one(covers) for bill, covers in parts.items()}


def _as_one(covers: Sequence[BillCover]) -> BillCover:
    if len(covers) == 1:
        return covers[0]
    worst = max(covers, key=lambda cover: WORSE.index(cover.funding))
    return replace(worst, beside=tuple(cover.account for cover in covers if cover is not worst))


def account_lines(household: Household, today: date, days: int = HORIZON_DAYS) -> list[AccountLine]:
    """The balance line of each account in use, in five queries: accounts, bills under mandates, the mandates' sources,
    planned entries, planned inflows."""
    accounts = accounts_in_use(household, today)
    if not accounts:
        return []
    planned = _planned(household, today, today + timedelta(days=days))
    return lines_of(accounts, coming_debits(household, accounts, today, days), planned, today, days)


def accounts_in_use(household: Household, today: date) -> dict[int, FundingAccount]:
    """The accounts by their ids, in their order, with what `balance_of` reads."""
    names = [*_COLUMNS, *OF_A_BALANCE]
    found = {}
    for values in _ACCOUNTS(household=household.pk, day=today):
        account = FundingAccount(**dict(zip(_COLUMNS, values, strict=False)))
        account._state.adding, account._state.db = False, "default"
        for name, value in zip(names[len(_COLUMNS) :], values[len(_COLUMNS) :], strict=True):
            setattr(account, name, value)
        found[account.pk] = account
    return found


_COLUMNS = [field.attname for field in FundingAccount._meta.concrete_fields]


def _accounts(household: int, day: date) -> QuerySet[Any]:
    in_use = FundingAccount.objects.in_use().filter(household=household)
    return with_balance(in_use, day).values_list(*_COLUMNS, *OF_A_BALANCE)


def _entries(household: int, today: date, until: date) -> QuerySet[Any]:
    mine = AccountEntry.objects.filter(account__household=household, account__archived_at=None)
    upcoming = mine.filter(entry_on__gt=today, entry_on__lte=until).order_by("entry_on", "pk")
    return upcoming.values_list("account_id", "entry_on", "amount")


_ACCOUNTS, _ENTRIES = Prepared(_accounts), Prepared(_entries)


class Planned(NamedTuple):
    """A repayment planned by hand: what it takes from an account on a day to come, below zero."""

    account_id: int
    entry_on: date
    amount: int


def lines_of(
    accounts: Mapping[int, FundingAccount],
    debits: Sequence[ComingDebit],
    planned: Iterable[Planned],
    today: date,
    days: int,
) -> list[AccountLine]:
    """The balance lines of these `accounts_in_use` with these debits and repayments planned by hand; one query."""
    balances = {pk: balance_of(account) for pk, account in accounts.items()}
    until = today + timedelta(days=days)
    home = next(iter(accounts.values())).household_id
    inflows = {pk: inflow_rows(planned, today) for pk, planned in household_inflows(home).items() if pk in accounts}
    incoming = _incoming(inflows, balances, today, until, len(debits))
    moves = [_move(rank, debit) for rank, debit in enumerate(debits)]
    # What is planned by hand is taken off first on its day: the user means it to happen.
    moves += [
        Move(-1 - n, entry.entry_on, -entry.amount, -1, judged=False, sources=(entry.account_id,))
        for n, entry in enumerate(planned)
    ]
    steps = forecast(balances, [*moves, *incoming], today)
    return [
        AccountLine(
            account=account,
            balance=balances[pk],
            fresh=_is_fresh(balances[pk], today),
            steps=(shown := _shown(account, steps[pk], debits, incoming)),
            shortfall=next((one.cover for one in shown if one.cover and _is_short(one.cover)), None),
            inflows=inflows.get(pk, ()),
            place=place,
        )
        for place, (pk, account) in enumerate(accounts.items())
    ]


def _is_fresh(balance: Balance | None, today: date) -> bool:
    return balance is not None and balance.known_on(today)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether the money will be there in the days ahead: the cover of the bills asked for and of those above their
    cap, by the bill's id, and the accounts' lines without what is beyond doubt."""

    covers: dict[int, BillCover]
    lines: list[AccountLine]


def outlook(household: Household, today: date, days: int, bills: Collection[int]) -> Outlook:
    """As `account_lines` and `covers_of` say, but of a debit whose first account holds more than all that is ever taken
    from it only if it is among `bills`: it is covered, and worth no line. Five queries."""
    accounts = accounts_in_use(household, today)
    asked = asked_bills(household, today, days) if accounts else AskedBills((), {})
    planned = _planned(household, today, today + timedelta(days=days)) if asked.rows else []
    ample = _ample(accounts, asked, planned, today)
    debits = debits_of(asked.without_sure(ample, bills), household, accounts, today)
    open_ = [debit for debit in debits if debit.sources[0] not in ample or debit.above_cap]
    covers = {
        debit.bill.pk: _sure_cover(accounts[debit.sources[0]], debit)
        for debit in debits
        if debit.bill.pk in bills and debit.sources[0] in ample
    }
    lines = lines_of(accounts, open_, planned, today, days) if open_ else []
    return Outlook(covers | covers_of(lines), lines)


def _ample(
    accounts: Mapping[int, FundingAccount], asked: AskedBills, planned: Iterable[Planned], today: date
) -> set[int]:
    """The accounts that hold more for sure than all debits that may touch them, and all that is planned by hand."""
    most = defaultdict(int, asked.most_taken())
    for entry in planned:
        most[entry.account_id] += max(-entry.amount, 0)
    balances = {pk: balance_of(account) for pk, account in accounts.items()}
    return {
        pk
        for pk, balance in balances.items()
        if balance is not None and balance.known_on(today) and balance.amount >= most[pk]
    }


def _sure_cover(account: FundingAccount, debit: ComingDebit) -> BillCover:
    return _cover(account, debit, Step(_move(0, debit), debit.amount, Funding.COVERED, None), "")


def _planned(household: Household, today: date, until: date) -> list[Planned]:
    """Repayments planned by hand, earliest first."""
    return [Planned(*row) for row in _ENTRIES(household=household.pk, today=today, until=until)]


def _move(rank: int, debit: ComingDebit) -> Move:
    amount = 0 if debit.above_cap else debit.amount
    return Move(rank, debit.on, amount, rank, sources=debit.sources, partial=debit.partial)


def _incoming(
    inflows: Mapping[int, Sequence[InflowRow]],
    balances: Mapping[int, Balance | None],
    today: date,
    until: date,
    rank: int,
) -> dict[Move, str]:
    """By move: the name of the inflow that is expected. It comes last on its day, after the debits: salaries arrive
    during the day, and lenders are early."""
    found: dict[Move, str] = {}
    for account, rows in inflows.items():
        balance = balances[account]
        names = {row.id: row.name for row in rows}
        arrivals = expected([row.plan for row in rows], balance.stated_on if balance else today, until).arrivals
        for arrival in arrivals:
            nth = rank + len(found)
            move = Move(nth, arrival.on, -arrival.amount, nth, judged=False, sources=(account,), expected=True)
            found[move] = names[arrival.id]
    return found


def _shown(
    account: FundingAccount, steps: Sequence[Step], debits: Sequence[ComingDebit], incoming: Mapping[Move, str]
) -> tuple[LineStep, ...]:
    shown: list[LineStep] = []
    names: list[str] = []  # of the inflows passed so far
    for step in steps:
        inflow = incoming.get(step.move, "")
        if inflow:
            names = list(dict.fromkeys([*names, inflow]))
        leans = step.funding is Funding.UNKNOWN and step.after is not None
        leans_on = ", ".join(names) if leans else ""
        cover = _cover(account, debits[step.move.id], step, leans_on) if step.move.judged else None
        shown.append(
            LineStep(
                on=step.move.on,
                amount=abs(step.amount),
                after=step.after,
                funding=cover.funding if cover else step.funding,
                cover=cover,
                inflow=inflow,
            )
        )
    return tuple(shown)


def _is_short(cover: BillCover) -> bool:
    """Money lacks; a debit above its cap takes nothing, however much there is."""
    return cover.funding is Funding.SHORT and not cover.above_cap


def _cover(account: FundingAccount, debit: ComingDebit, step: Step, leans_on: str) -> BillCover:
    bill = debit.bill
    return BillCover(
        bill=bill.pk,
        number=bill.number,
        loan=bill.loan_id,
        loan_name=bill.loan_name,
        lender_name=bill.lender_name,
        account=account,
        debit_at=debit.at,
        debit_on=debit.on,
        payable_on=bill.payable_on,
        amount=debit.amount if debit.above_cap else step.amount,
        funding=Funding.SHORT if debit.above_cap else step.funding,
        after=step.after,
        missing=step.missing,
        short_by=step.short_by,
        leans_on=leans_on,
        above_cap=debit.above_cap,
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
    """The page in ten queries, whatever the household holds."""
    lines = [replace(line, chart=_chart(line, today)) for line in account_lines(household, today)]
    archived = FundingAccount.objects.filter(household=household, archived_at__isnull=False)
    covers = [step.cover for line in lines for step in line.steps if step.cover is not None]
    short = [line.shortfall for line in lines if line.shortfall is not None]
    return AccountsPage(
        lines=lines,
        days=HORIZON_DAYS,
        mandates=[_with_next_debit(row, covers) for row in live_mandates(household)],
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


def _chart(line: AccountLine, today: date) -> BalanceChart | None:
    """The balance from today on; None where nobody knows it."""
    if line.balance is None or not line.fresh:
        return None
    points, last = [(today, line.balance.amount)], today + timedelta(days=HORIZON_DAYS)
    for step in line.steps:
        if step.after is None or step.on > last:  # a bill in sight may be debited later
            continue
        if step.on < today:  # an inflow of a day gone by
            points = [(today, step.after)]
        else:
            points.append((step.on, step.after))
    return balance_chart(points, last)


def _with_next_debit(row: MandateRow, covers: Iterable[BillCover]) -> MandateRow:
    """The row with the loan's first debit to come, as the balance lines show it. Auto-repay may look at a loan earlier,
    to trust what was presumed."""
    coming = [cover for cover in covers if cover.loan == row.loan.pk]
    first = min(coming, key=lambda cover: (cover.debit_on, cover.debit_at), default=None)
    if first is not None:
        return replace(row, next_debit_at=first.debit_at, next_debit_on=first.debit_on)
    return replace(row, next_debit_at=None, next_debit_on=None) if row.mandate.trust_days is not None else row


def latest_balances(account: FundingAccount, shown: int = 10) -> list[StatedBalance]:
    """What was stated last, newest first."""
    return list(StatedBalance.objects.filter(account=account).order_by("-stated_on", "-pk")[:shown])
