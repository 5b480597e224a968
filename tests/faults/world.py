"""Households whose bills come due while things break, and what has to be in their books in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import TypeVar

from dateutil.relativedelta import relativedelta
from django.db import DatabaseError, InterfaceError, connection

from ledger.loanmath.debits import DebitRule
from ledger.loanmath.terms import LoanTerms
from ledger.models import AutoRepayMandate, Bill, FundingAccount, Household, Loan, Membership, Repayment, Role, User
from ledger.models.facts import Source
from ledger.services.accounts import add_account, state_balance
from ledger.services.households import create_household
from ledger.services.loans import Opened, open_loan
from ledger.services.mandates import Wishes, authorize_mandate
from ledger.services.recording import Recording

ZONES = ("Asia/Shanghai", "America/New_York", "UTC", "Pacific/Kiritimati")
OPENING = 10**12  # minor units in the account of each household: more than all its bills
STATED_BEFORE = 20  # days: bills from before the balance was stated are presumed paid, later ones are known to be
PATIENCE = 90.0  # seconds for which a database that is away is asked again

T = TypeVar("T")


def patiently(ask: Callable[[], T]) -> T:
    """What `ask` answers, asking again while the database is away or held by somebody."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except (DatabaseError, InterfaceError):
            if time.monotonic() > give_up:
                raise
            connection.close()
            time.sleep(0.2)


@dataclass(frozen=True)
class Home:
    """A household of two who may both write, an account with money and one without."""

    household: Household
    people: tuple[User, User]
    card: FundingAccount
    empty: FundingAccount
    stated_on: date


@dataclass(frozen=True)
class Owed:
    """A bill that auto-repay has to pay: the whole of it, once, under this day."""

    loan: int
    bill: int
    account: int
    amount: int
    on: date


@dataclass
class World:
    """What was set up so far. `owed` is what must be paid in the end, `unfunded` the loans of which nothing may be."""

    random: Random
    now: datetime
    homes: list[Home] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    unfunded: list[int] = field(default_factory=list)
    _keys: Iterator[int] = field(default_factory=lambda: count(1))

    def key(self) -> str:
        return f"faults-{next(self._keys)}"

    def settle_in(self, households: int, *, unfunded: bool = True) -> None:
        """Make the households, each in another time zone, and for each, if `unfunded`, a loan with a bill due whose
        account has no money."""
        for number in range(households):
            home = self._home(ZONES[number % len(ZONES)])
            self.homes.append(home)
            if unfunded:
                self.unfunded.append(self._loan(home, home.empty, due=1, last=self._today(home) - timedelta(days=1)).pk)

    def move_in(self, zone: str) -> Home:
        """One more household, of which nothing is looked at but what the caller does with it."""
        return self._home(zone)

    def arrive(self, loans: int, most_due: int = 4) -> None:
        """Open loans under mandates since their first day, with one to `most_due` bills due by yesterday."""
        for _ in range(loans):
            home = self.random.choice(self.homes)
            last = self._today(home) - timedelta(days=self.random.randint(1, 4))
            self.add_owed(home, self._loan(home, home.card, due=self.random.randint(1, most_due), last=last))

    def falling_due(self, home: Home, on: date, until: date) -> None:
        """Open a loan under a mandate whose first bill comes due on a day to come; owed is what is by `until`."""
        self.add_owed(home, self._loan(home, home.card, due=1, last=on), until)

    def by_hand(self, home: Home, due: int = 6) -> Loan:
        """Open a loan without a mandate, with bills due that nobody has paid."""
        return self._loan(home, None, due=due, last=self._today(home) - timedelta(days=2))

    def one_bill(self, home: Home, *, mandate: bool) -> Loan:
        """Open a loan with one bill due, under a mandate or not; owed is nothing yet, as it may be paid by hand."""
        return self._loan(home, home.card if mandate else None, due=1, last=self._today(home) - timedelta(days=1))

    def add_owed(self, home: Home, loan: Loan, until: date | None = None) -> None:
        """From now on the bills of the loan payable before today (or by `until`) are owed, as they were agreed."""
        last = until or self._today(home) - timedelta(days=1)
        bills = patiently(lambda: list(Bill.objects.filter(loan=loan, payable_on__lte=last).order_by("number")))
        self.owed += [Owed(loan.pk, bill.number, home.card.pk, bill.due.total, bill.payable_on) for bill in bills]

    def waiting(self) -> int:
        """How many of the bills owed are not paid yet."""
        return len(self.owed) - patiently(
            Repayment.objects.filter(source=Source.AUTO, loan__in={one.loan for one in self.owed}).count
        )

    def _today(self, home: Home) -> date:
        return home.household.today(self.now)

    def _home(self, zone: str) -> Home:
        number = self.key()
        people = [User.objects.create_user(f"{number}-{who}@example.com", None) for who in ("a", "b")]
        household = create_household(
            owner=people[0], name=f"Home {number}", time_zone=zone, currency="CNY", now=self.now
        )
        Membership.objects.create(household=household, user=people[1], role=Role.EDITOR)
        stated_on = household.today(self.now) - timedelta(days=STATED_BEFORE)
        accounts = []
        for name, amount in (("Card", OPENING), ("Empty", 0)):
            account = add_account(household=household, name=name, currency="CNY")
            assert isinstance(account, FundingAccount)
            recording = Recording(self.key(), _noon(stated_on))
            state_balance(account=account, amount=amount, stated_on=stated_on, recording=recording)
            accounts.append(account)
        return Home(household, (people[0], people[1]), accounts[0], accounts[1], stated_on)

    def _loan(self, home: Home, account: FundingAccount | None, *, due: int, last: date) -> Loan:
        """A loan of which `due` monthly bills, or one fewer where months are short, are due by `last`."""
        first = last - relativedelta(months=due - 1)
        terms = LoanTerms(
            currency="CNY",
            principal=self.random.randint(10_000, 9_999_999),
            disbursed_on=first - relativedelta(months=1),
            annual_rate=Decimal("0.12"),
            count=due + 2,
            first_due_on=first,
        )
        key, mandate_key = self.key(), self.key()
        then = _noon(terms.disbursed_on)

        def opened() -> Loan:
            loan = open_loan(
                household=home.household, lender_name="Bank of Faults", name=key, terms=terms, key=key, now=then
            )
            assert isinstance(loan, Opened), loan
            if account is not None:
                put_under_mandate(loan.loan, account, mandate_key, then)
            return loan.loan

        return patiently(opened)


def put_under_mandate(loan: Loan, account: FundingAccount, key: str, now: datetime) -> None:
    """The lender may debit the account for this loan's bills from `now` on."""
    wishes = Wishes(rule=DebitRule(windows=("00:30", "09:30", "15:30")))
    given = authorize_mandate(scope=loan, sources=[account], recording=Recording(key, now), wishes=wishes)
    assert isinstance(given, AutoRepayMandate), given


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
