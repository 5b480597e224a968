"""The demo household's story, told through the same services a user's clicks call, with days relative to today.

A mall's reserve credit with two draws, one debited on time each month and one whose last debit failed for lack of
money; a washing machine in twelve flat-fee installments; a car; a mortgage whose rate came down; and a phone with
one bill three days overdue.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar

from dateutil.relativedelta import relativedelta

from ledger.clock import zone
from ledger.loanmath.dates import due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.terms import LoanTerms, Method, PenaltyBase, PenaltyTerms, Unit
from ledger.models import AutoRepayMandate, CreditLine, FundingAccount, Household, Lender, Loan, User
from ledger.models.accounts import AccountKind
from ledger.services.accounts import add_account, state_balance
from ledger.services.agreement import change_rate
from ledger.services.autorepay import debit_account
from ledger.services.loans import open_loan
from ledger.services.mandates import authorize_mandate
from ledger.services.projection import refresh
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Words:
    """The names of one telling of the story."""

    household: str
    mall: str
    line: str
    sofa: str
    flights: str
    bnpl: str
    washer: str
    car_lender: str
    car: str
    bank: str
    mortgage: str
    phone_lender: str
    phone: str
    card: str
    wallet: str


ENGLISH = Words(
    household="The Lins",
    mall="Starlight Mall",
    line="Reserve credit",
    sofa="Sofa",
    flights="Flights home",
    bnpl="Lantern Pay",
    washer="Washing machine",
    car_lender="Harbor Auto Finance",
    car="Family car",
    bank="Riverside Bank",
    mortgage="Apartment",
    phone_lender="Cedar Card",
    phone="Phone installments",
    card="Salary card",
    wallet="Wallet",
)
CHINESE = Words(
    household="林家",
    mall="星光商城",
    line="备用金",
    sofa="沙发",
    flights="回家机票",
    bnpl="灯笼先享",
    washer="洗衣机",
    car_lender="海港汽车金融",
    car="家用车",
    bank="江畔银行",
    mortgage="自住房",
    phone_lender="雪松信用卡",
    phone="手机分期",
    card="工资卡",
    wallet="零钱",
)


def tell(owner: User, household: Household, words: Words, today: date) -> None:
    """Live through the story from its first day to `today`, oldest first."""
    Story(owner, household, words, today).run()


class Story:
    """The household's loans, and the days on which something happened to them."""

    def __init__(self, owner: User, household: Household, words: Words, today: date) -> None:
        self.owner, self.household, self.words, self.today = owner, household, words, today

    def at(self, day: date, hour: int = 12) -> datetime:
        """A moment at a local hour of `day`, in UTC."""
        return datetime.combine(day, time(hour), tzinfo=zone(self.household.time_zone)).astimezone(UTC)

    def recording(self, day: date, hour: int = 12) -> Recording:
        return Recording(key=uuid.uuid4().hex, now=self.at(day, hour), by=self.owner)

    def run(self) -> None:
        card = self.account(self.words.card, "6217", AccountKind.CARD)
        wallet = self.account(self.words.wallet, "", AccountKind.WALLET)
        sofa, flights = self.reserve_credit()
        washer = self.open(self.words.bnpl, self.words.washer, self.flat_fee())
        car = self.open(self.words.car_lender, self.words.car, self.car())
        home = self.mortgage()
        phone = self.open(self.words.phone_lender, self.words.phone, self.phone())
        self.authorize(sofa, card, ("09:30", "15:30"))
        self.authorize(flights, wallet, ("09:30", "15:30"))
        self.authorize(car, card, ("10:00", "17:00"))
        self.authorize(home, card, ("08:30", "16:30"))
        self.live_through([sofa, flights, car, home], card, wallet)
        self.by_hand(washer, lead_days=1)
        self.by_hand(phone, lead_days=0, skip_last=True)
        self.state(card, 23_186_40, self.today)
        refresh(self.household, self.at(self.today))

    def account(self, name: str, last4: str, kind: AccountKind) -> FundingAccount:
        return given(add_account(household=self.household, name=name, last4=last4, kind=kind, currency="CNY"))

    def state(self, account: FundingAccount, amount: int, day: date) -> None:
        given(state_balance(account=account, amount=amount, stated_on=day, recording=self.recording(day, 7)))

    def open(self, lender: str, name: str, terms: LoanTerms, line: CreditLine | None = None) -> Loan:
        opened = open_loan(
            household=self.household,
            lender_name=lender,
            name=name,
            terms=terms,
            credit_line=line,
            key=uuid.uuid4().hex,
            now=self.at(terms.disbursed_on),
            by=self.owner,
        )
        return given(opened).loan

    def authorize(self, loan: Loan, account: FundingAccount, windows: Sequence[str]) -> AutoRepayMandate:
        day = loan.terms_versions.get(number=1).disbursed_on
        return given(authorize_mandate(loan=loan, account=account, windows=windows, recording=self.recording(day, 13)))

    # --- The agreements.

    def months_before(self, due: date, months: int) -> date:
        day: date = due - relativedelta(months=months)
        return day

    def reserve_credit(self) -> tuple[Loan, Loan]:
        """Two draws on one line, by days at 0.05 % a day: one due in two days, one due yesterday."""
        lender = Lender.objects.create(household=self.household, name=self.words.mall)
        line = CreditLine.objects.create(
            household=self.household, lender=lender, name=self.words.line, currency="CNY", limit=2_000_000
        )
        penalty = PenaltyTerms(annual_rate=Decimal("0.27"), base=PenaltyBase.PRINCIPAL, year_days=360)

        def draw(principal: int, next_due: date, paid: int, count: int) -> LoanTerms:
            first = self.months_before(next_due, paid)
            return LoanTerms(
                currency="CNY",
                principal=principal,
                disbursed_on=first - timedelta(days=36),
                annual_rate=Decimal("0.18"),
                count=count,
                first_due_on=first,
                anchor_day=next_due.day,
                day_count=DayCount.ACT_360,
                penalty=penalty,
            )

        sofa = draw(600_000, self.today + timedelta(days=2), paid=4, count=6)
        flights = draw(320_000, self.today - timedelta(days=1), paid=3, count=6)
        return (
            self.open(self.words.mall, self.words.sofa, sofa, line),
            self.open(self.words.mall, self.words.flights, flights, line),
        )

    def flat_fee(self) -> LoanTerms:
        """4,200.00 in 12 parts with a fee of 0.6 % each."""
        due = self.today + timedelta(days=9)
        first = self.months_before(due, 5)
        return LoanTerms(
            currency="CNY",
            principal=420_000,
            disbursed_on=first - relativedelta(months=1),
            annual_rate=Decimal(0),
            count=12,
            first_due_on=first,
            anchor_day=due.day,
            method=Method.FLAT,
            flat_fee=30_240,
        )

    def car(self) -> LoanTerms:
        due = self.today + timedelta(days=12)
        first = self.months_before(due, 12)
        return LoanTerms(
            currency="CNY",
            principal=8_600_000,
            disbursed_on=first - relativedelta(months=1),
            annual_rate=Decimal("0.0499"),
            count=36,
            first_due_on=first,
            anchor_day=due.day,
        )

    def mortgage(self) -> Loan:
        """25 years; the yearly rate came down on 1 January."""
        due = self.today + timedelta(days=17)
        first = self.months_before(due, 13)
        terms = LoanTerms(
            currency="CNY",
            principal=98_000_000,
            disbursed_on=first - relativedelta(months=1),
            annual_rate=Decimal("0.036"),
            count=300,
            first_due_on=first,
            anchor_day=due.day,
        )
        loan = self.open(self.words.bank, self.words.mortgage, terms)
        day = date(self.today.year, 1, 1)
        if day <= terms.disbursed_on:
            day = self.today - timedelta(days=100)
        given(change_rate(loan=loan, annual_rate=Decimal("0.033"), effective_on=day, recording=self.recording(day)))
        return loan

    def phone(self) -> LoanTerms:
        """A card's installments, repaid by hand; the last due date was three days ago."""
        due = self.today - timedelta(days=3)
        first = self.months_before(due, 5)
        return LoanTerms(
            currency="CNY",
            principal=719_900,
            disbursed_on=first - relativedelta(months=1),
            annual_rate=Decimal("0.1302"),
            count=12,
            first_due_on=first,
            anchor_day=due.day,
            unit=Unit.MONTH,
            penalty=PenaltyTerms(annual_rate=Decimal("0.1825"), year_days=365, base=PenaltyBase.BILL),
        )

    # --- What happened.

    def live_through(self, loans: list[Loan], card: FundingAccount, wallet: FundingAccount) -> None:
        """State balances each month and let auto-repay do what was due, day by day, up to yesterday."""
        starts = min(loan.terms_versions.get(number=1).disbursed_on for loan in loans)
        day = starts
        while day < self.today:
            if day.day in (1, 15):
                self.state(card, 21_500_00 + day.month * 137_20, day)
                self.state(wallet, 900_00 + day.month * 11_30, day)
            if day == self.today - timedelta(days=6):
                self.state(wallet, 268_55, day)
            opens = self.next_debit() or self.at(self.today)
            for moment in (self.at(day, 11), self.at(day, 18)):
                if moment < opens:
                    continue
                for account in (card, wallet):
                    debit_account(account.pk, moment)
                opens = self.next_debit() or self.at(self.today)
            day += timedelta(days=1)

    def next_debit(self) -> datetime | None:
        """When a lender debits next; None when none ever will again."""
        mandates = AutoRepayMandate.objects.filter(loan__household=self.household, next_debit_at__isnull=False)
        return mandates.order_by("next_debit_at").values_list("next_debit_at", flat=True).first()

    def by_hand(self, loan: Loan, lead_days: int, skip_last: bool = False) -> None:
        """Repay each past bill by hand, `lead_days` before it was due."""
        terms = loan.terms_versions.get(number=1).value
        dues = [due_date(terms.first_due_on, terms.anchor_day, terms.unit, terms.every, k) for k in range(terms.count)]
        past = [due for due in dues if due < self.today]
        for number, due in enumerate(past[:-1] if skip_last else past, start=1):
            bill = loan.bills.get(number=number)
            paid_on = due - timedelta(days=lead_days)
            given(
                record_repayment(
                    loan=loan,
                    amount=bill.open.total,
                    paid_on=paid_on,
                    apply_to=ApplyTo.BILL,
                    bill_number=number,
                    recording=self.recording(paid_on, 20),
                )
            )


def given(result: T | Refusal) -> T:
    """What a service made; the story allows no refusal."""
    if isinstance(result, Refusal):
        raise ValueError(f"The story does not hold: {result.code}, {result.message}")
    return result
