"""The demo household's story, told through the same services a user's clicks call, with days relative to today.

A mall's reserve credit with two draws, one debited on time each month and one whose last debit failed for lack of
money; a washing machine in twelve flat-fee installments, one of them with a coupon, and headphones of the same shop
due on the same days, so that one statement asks for both; a car, never debited on a holiday; a mortgage that follows
the LPR; a phone with one bill three days overdue; a study loan whose interest is paused; a loan that was repaid anew
under an arrangement; two loans of a bank that debits whatever is there, from one card and then another; a gym debited
from a card of which nobody said what is in it, so that the last debit is presumed; and a scooter paid off last week,
of whose settlement something is left to see to. A salary comes in on the 15th.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar

from dateutil.relativedelta import relativedelta

from ledger.clock import zone
from ledger.demo_words import Words
from ledger.loanmath.benchmarks import priced
from ledger.loanmath.credit_record import AgingRule
from ledger.loanmath.dates import due_date
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.debit_presets import BY_CODE
from ledger.loanmath.debiting import DebitLimits
from ledger.loanmath.debits import DebitRule
from ledger.loanmath.facts import ApplyTo, CouponKind
from ledger.loanmath.inflows import Repeats
from ledger.loanmath.presets import BASIS_POINT, NEW_YEAR
from ledger.loanmath.terms import Benchmark, HolidayRule, LoanTerms, Method, PenaltyBase, PenaltyTerms, Unit
from ledger.models import (
    Arrangement,
    AutoRepayMandate,
    Coupon,
    CreditLine,
    Fact,
    FundingAccount,
    Household,
    Lender,
    Loan,
    Pause,
    User,
)
from ledger.models.accounts import AccountKind
from ledger.models.facts import BY_THIRD_PARTY, FORGIVES
from ledger.models.paperwork import Deed, Item
from ledger.selectors.benchmarks import rates_known_to
from ledger.selectors.history import history
from ledger.selectors.preview import arranged_principal
from ledger.services.accounts import add_account, state_balance
from ledger.services.autorepay import debit_household
from ledger.services.changes import record_change
from ledger.services.households import update_credit_rules
from ledger.services.inflows import Rhythm, plan_inflow
from ledger.services.loans import open_loan
from ledger.services.mandates import Wishes, authorize_mandate
from ledger.services.projection import refresh
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment
from ledger.services.settlement import mark_item
from ledger.services.terms_versions import new_version

T = TypeVar("T")


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
        card = self.account(self.words.card, "6217", AccountKind.CARD, self.words.card_bank)
        wallet = self.account(self.words.wallet, "", AccountKind.WALLET)
        sofa, flights = self.reserve_credit()
        washer = self.open(self.words.bnpl, self.words.washer, self.flat_fee())
        headphones = self.open(self.words.bnpl, self.words.headphones, self.small_flat_fee())
        car = self.open(self.words.car_lender, self.words.car, self.car())
        home = self.mortgage()
        phone = self.open(self.words.phone_lender, self.words.phone, self.phone())
        self.authorize(sofa, card, ("09:30", "15:30"))
        self.authorize(flights, wallet, ("09:30", "15:30"))
        self.authorize(car, card, ("10:00", "17:00"))
        self.authorize(home, card, ("08:30", "16:30"))
        savings = self.account(self.words.savings, "4402", AccountKind.CARD)
        spare = self.account(self.words.spare, "8850", AccountKind.CARD)
        tutor, fridge = self.second_bank([savings, card])
        gym = self.gym(spare)
        balances = {card: (21_500_00, 137_20), wallet: (900_00, 11_30), savings: (340_00, 7_50)}
        self.live_through([sofa, flights, car, home, tutor, fridge, gym], balances, wallet)
        self.by_hand(washer, lead_days=1)
        self.by_hand(headphones, lead_days=1)
        self.coupon(washer)
        self.by_hand(phone, lead_days=0, skip=1)
        study = self.open(self.words.study_lender, self.words.study, self.study())
        self.by_hand(study, lead_days=2)
        self.pause(study)
        old = self.open(self.words.old_lender, self.words.old, self.old())
        self.by_hand(old, lead_days=0, skip=2)
        self.arrange(old)
        self.scooter()
        self.state(card, 23_186_40, self.today)
        self.state(savings, 212_60, self.today)
        self.salary(card)
        update_credit_rules(household=self.household, monthly_income=24_000_00, rule=AgingRule())
        refresh(self.household, self.at(self.today))

    def account(self, name: str, last4: str, kind: AccountKind, institution: str = "") -> FundingAccount:
        return given(
            add_account(
                household=self.household,
                name=name,
                institution=institution,
                last4=last4,
                kind=kind,
                currency="CNY",
            )
        )

    def salary(self, account: FundingAccount) -> None:
        """12,000.00 on the 15th of each month, or on the working day before."""
        rhythm = Rhythm(
            repeats=Repeats.MONTHLY,
            starts_on=self.months_before(self.today.replace(day=15), 3),
            shift=HolidayRule.PREVIOUS_WORKDAY,
            holiday_calendar="CN",
        )
        given(
            plan_inflow(
                account=account,
                name=self.words.salary,
                amount=12_000_00,
                rhythm=rhythm,
                recording=self.recording(self.today, 7),
            )
        )

    def state(self, account: FundingAccount, amount: int, day: date) -> None:
        given(state_balance(account=account, amount=amount, stated_on=day, recording=self.recording(day, 7)))

    def open(
        self,
        lender: str,
        name: str,
        terms: LoanTerms,
        line: CreditLine | None = None,
        under_way: date | None = None,
        is_secured: bool = False,
    ) -> Loan:
        """Add a loan when it was paid out, or later: the bills due before the day it is `under_way` were all paid."""
        opened = open_loan(
            household=self.household,
            lender_name=lender,
            name=name,
            terms=terms,
            credit_line=line,
            key=uuid.uuid4().hex,
            now=self.at(under_way or terms.disbursed_on),
            by=self.owner,
            paid_before=under_way,
            is_secured=is_secured,
        )
        return given(opened).loan

    def authorize(self, loan: Loan, account: FundingAccount, windows: Sequence[str]) -> AutoRepayMandate:
        day = self.since(loan)
        wishes = Wishes(rule=DebitRule(windows=tuple(windows)))
        return given(authorize_mandate(scope=loan, sources=[account], wishes=wishes, recording=self.recording(day, 13)))

    def second_bank(self, sources: list[FundingAccount]) -> tuple[Loan, Loan]:
        """Two loans of one bank, and one mandate for all it lends: in the evening, whatever is there."""
        tutor = self.open(self.words.second_bank, self.words.tutor, self.monthly(600_000, 5, paid=5))
        fridge = self.open(self.words.second_bank, self.words.fridge, self.monthly(480_000, -11, paid=4))
        wishes = Wishes(rule=BY_CODE["evening"].rule, limits=DebitLimits(partial=True))
        day = min(self.since(tutor), self.since(fridge))
        given(authorize_mandate(scope=tutor.lender, sources=sources, wishes=wishes, recording=self.recording(day, 13)))
        return tutor, fridge

    def gym(self, account: FundingAccount) -> Loan:
        """Debited two days ago, nobody knows whether there was the money; after 20 days it is believed."""
        gym = self.open(self.words.gym_lender, self.words.gym, self.monthly(240_000, 2, paid=3))
        wishes = Wishes(rule=BY_CODE["due_day"].rule, trust_days=20)
        recording = self.recording(self.since(gym), 13)
        given(authorize_mandate(scope=gym, sources=[account], wishes=wishes, recording=recording))
        return gym

    def scooter(self) -> Loan:
        """Six bills, one of them four days late, the last paid eight days ago: the proof of settlement is here, the
        insurance goes on, the title is not back yet."""
        terms = replace(self.monthly(240_000, 8, paid=5), count=6)
        scooter = self.open(self.words.scooter_lender, self.words.scooter, terms, is_secured=True)
        self.by_hand(scooter, lead_days=0, skip=4)
        self.by_hand(scooter, lead_days=-4, skip=3, first=3)
        self.by_hand(scooter, lead_days=0, first=4)
        day = self.today - timedelta(days=2)
        given(mark_item(loan=scooter, item=Item.PROOF, deed=Deed.DONE, recording=self.recording(day, 20)))
        given(mark_item(loan=scooter, item=Item.INSURANCE, deed=Deed.WAIVED, recording=self.recording(day, 20)))
        return scooter

    def monthly(self, principal: int, days_ago: int, paid: int) -> LoanTerms:
        """A year at 7.2 %; the bill after the first `paid` was due so many days ago."""
        due = self.today - timedelta(days=days_ago)
        first = self.months_before(due, paid)
        return LoanTerms(
            currency="CNY",
            principal=principal,
            disbursed_on=first - relativedelta(months=1),
            annual_rate=Decimal("0.072"),
            count=12,
            first_due_on=first,
            anchor_day=due.day,
        )

    def since(self, loan: Loan) -> date:
        """The day the household began to keep the loan here."""
        return loan.opened_at.astimezone(zone(self.household.time_zone)).date()

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

    def small_flat_fee(self) -> LoanTerms:
        """899.00 in 6 parts with a fee of 0.5 % each, due on the days of the washing machine."""
        return replace(
            self.flat_fee(),
            principal=89_900,
            disbursed_on=self.months_before(self.today + timedelta(days=9), 3),
            count=6,
            first_due_on=self.months_before(self.today + timedelta(days=9), 2),
            flat_fee=2_697,
        )

    def car(self) -> LoanTerms:
        """Three years; what falls due on a weekend or a holiday is debited on the next working day."""
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
            holiday_rule=HolidayRule.NEXT_WORKDAY,
            holiday_calendar="CN",
        )

    def mortgage(self) -> Loan:
        """25 years at the LPR less 30 basis points, another rate every 1 January; kept here since the second year."""
        due = self.today + timedelta(days=17)
        first = self.months_before(due, 25)
        disbursed_on = first - relativedelta(months=1)
        lpr = Benchmark(series="CN-LPR-5Y", spread=-30 * BASIS_POINT, every_months=12, repriced_on=NEW_YEAR)
        rate = priced(lpr, rates_known_to(self.household)[lpr.series], disbursed_on).annual_rate
        assert rate is not None, "the list begins long before"
        terms = LoanTerms(
            currency="CNY",
            principal=98_000_000,
            disbursed_on=disbursed_on,
            annual_rate=rate,
            count=300,
            first_due_on=first,
            anchor_day=due.day,
            benchmark=lpr,
        )
        return self.open(
            self.words.bank, self.words.mortgage, terms, under_way=self.months_before(due, 14) + timedelta(days=1)
        )

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

    def study(self) -> LoanTerms:
        """Two years of evening classes."""
        due = self.today + timedelta(days=6)
        first = self.months_before(due, 4)
        return LoanTerms(
            currency="CNY",
            principal=1_200_000,
            disbursed_on=first - relativedelta(months=1),
            annual_rate=Decimal("0.042"),
            count=24,
            first_due_on=first,
            anchor_day=due.day,
            day_count=DayCount.ACT_365F,
        )

    def old(self) -> LoanTerms:
        """A year and a half; after five bills it could not be kept."""
        due = self.today - timedelta(days=35)
        first = self.months_before(due, 6)
        return LoanTerms(
            currency="CNY",
            principal=900_000,
            disbursed_on=first - relativedelta(months=1),
            annual_rate=Decimal("0.156"),
            count=18,
            first_due_on=first,
            anchor_day=due.day,
            penalty=PenaltyTerms(annual_rate=Decimal("0.234"), year_days=360),
        )

    # --- What happened.

    def change(self, draft: Fact, day: date) -> None:
        given(record_change(draft=draft, recording=self.recording(day, 20)))

    def coupon(self, loan: Loan) -> None:
        """15.00 off the next bill, from the shop."""
        day = self.today - timedelta(days=2)
        bill = loan.bills.filter(due_on__gt=self.today).earliest("number")
        draft = Coupon(
            loan=loan,
            effective_on=day,
            amount=1_500,
            bill_number=bill.number,
            effect=CouponKind.AMOUNT.value,
            component=BY_THIRD_PARTY,
        )
        self.change(draft, day)

    def pause(self, loan: Loan) -> None:
        """Three weeks without interest, agreed ten days ago."""
        day = self.today - timedelta(days=10)
        self.change(Pause(loan=loan, effective_on=day, until=day + timedelta(days=20), note=self.words.pause), day)

    def arrange(self, loan: Loan) -> None:
        """What was owed three weeks ago, in 18 bills at a lower rate; interest and penalties are forgiven."""
        day = self.today - timedelta(days=21)
        past = history(loan)
        first = self.today + timedelta(days=20)
        agreed = replace(
            past.terms,
            annual_rate=Decimal("0.06"),
            count=18,
            first_due_on=first,
            anchor_day=first.day,
        )
        agreed = replace(agreed, principal=arranged_principal(past, agreed, day, forgives=True))
        draft = Arrangement(loan=loan, effective_on=day, effect=FORGIVES, terms_version=new_version(loan, agreed, day))
        self.change(draft, day)

    def live_through(
        self, loans: list[Loan], balances: dict[FundingAccount, tuple[int, int]], wallet: FundingAccount
    ) -> None:
        """State balances each month and let auto-repay do what was due, day by day, up to yesterday."""
        starts = min(self.since(loan) for loan in loans)
        day = starts
        while day < self.today:
            if day.day in (1, 15):
                for account, (least, more) in balances.items():
                    self.state(account, least + day.month * more, day)
            if day == self.today - timedelta(days=6):
                self.state(wallet, 268_55, day)
            opens = self.next_debit() or self.at(self.today)
            for moment in (self.at(day, 11), self.at(day, 18)):
                if moment < opens:
                    continue
                debit_household(self.household.pk, moment)
                opens = self.next_debit() or self.at(self.today)
            day += timedelta(days=1)

    def next_debit(self) -> datetime | None:
        """When a lender debits next; None when none ever will again."""
        loans = Loan.objects.filter(household=self.household, auto_repay_at__isnull=False)
        return loans.order_by("auto_repay_at").values_list("auto_repay_at", flat=True).first()

    def by_hand(self, loan: Loan, lead_days: int, skip: int = 0, first: int = 1) -> None:
        """Repay each past bill by hand, `lead_days` before it was due, from the `first` on and but for the last `skip`
        of them."""
        terms = loan.terms_versions.get(number=1).value
        dues = [due_date(terms.first_due_on, terms.anchor_day, terms.unit, terms.every, k) for k in range(terms.count)]
        past = [due for due in dues if due < self.today]
        for number, due in enumerate(past[first - 1 : len(past) - skip], start=first):
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
