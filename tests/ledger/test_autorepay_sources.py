"""Auto-repay from several accounts, in part, and of a part: what each source gives, and what the next window takes."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger.loanmath.debiting import AmountMode, DebitLimits
from ledger.loanmath.debits import DebitRule
from ledger.loanmath.terms import PenaltyTerms
from ledger.models import AccountEntry, Bill, FundingAccount, Repayment
from ledger.selectors.balances import balance_on
from ledger.services.debit_chunks import debit_due
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import INSTALLMENT, JAN_20, authorize, mandate, next_debit, repayments, tries

pytestmark = [pytest.mark.django_db, pytest.mark.service]

FEB_1 = date(2026, 2, 1)
PARTIAL = DebitLimits(partial=True)


@pytest.fixture
def wallet(home):
    return make.account(home, name="Wallet", last4="")


@pytest.fixture
def fund(home):
    return make.account(home, name="Fund", last4="")


def hold(account, amount, day=FEB_1):
    make.balance(account, amount, day, at(day.isoformat(), 7))


def left(*accounts, day=date(2026, 12, 31)):
    return [balance_on(account, day).amount for account in accounts]


def test_the_first_source_that_covers_the_bill_pays_all_of_it(home, card, wallet):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [wallet, card])
    hold(wallet, INSTALLMENT - 1)
    hold(card, 200_000)

    debit_due(at("2026-02-10", 10))

    assert tries(loan) == [(1, 1, "02-10 09:30", "Salary card", "success", INSTALLMENT)]
    assert left(wallet, card) == [INSTALLMENT - 1, 200_000 - INSTALLMENT]


def test_a_partial_debit_books_one_repayment_and_one_entry_for_each_account(home, card, wallet, fund):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [wallet, card, fund], limits=PARTIAL)
    hold(wallet, 20_000)
    hold(card, 30_000)
    hold(fund, 500_000)

    assert debit_due(at("2026-02-10", 10)) == 3

    assert tries(loan) == [
        (1, 1, "02-10 09:30", "Wallet", "insufficient", 20_000),
        (1, 2, "02-10 09:30", "Salary card", "insufficient", 30_000),
        (1, 3, "02-10 09:30", "Fund", "success", INSTALLMENT - 50_000),
    ]
    assert left(wallet, card, fund) == [0, 0, 500_000 - (INSTALLMENT - 50_000)]
    entries = AccountEntry.objects.order_by("pk").values_list("account", "amount", "fact__key")
    bill = Bill.objects.get(loan=loan, number=1)
    assert list(entries) == [
        (wallet.pk, -20_000, f"auto:{bill.pk}:1"),
        (card.pk, -30_000, f"auto:{bill.pk}:2"),
        (fund.pk, -(INSTALLMENT - 50_000), f"auto:{bill.pk}:3"),
    ]
    assert (bill.settled_on, next_debit(loan)) == (date(2026, 2, 10), "03-10 09:30")


def test_the_next_window_takes_the_rest_of_a_bill(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], limits=PARTIAL)
    hold(card, 40_000)
    debit_due(at("2026-02-10", 10))
    assert next_debit(loan) == "02-10 15:30"
    debit_due(at("2026-02-10", 16))  # nothing there: it fails
    hold(card, 100_000, date(2026, 2, 11))

    debit_due(at("2026-02-11", 10))

    assert tries(loan) == [
        (1, 1, "02-10 09:30", "Salary card", "insufficient", 40_000),
        (1, 2, "02-10 15:30", "Salary card", "insufficient", 0),
        (1, 3, "02-11 09:30", "Salary card", "success", INSTALLMENT - 40_000),
    ]
    assert repayments(loan) == [
        (date(2026, 2, 10), 40_000, "auto", False),
        (date(2026, 2, 11), INSTALLMENT - 40_000, "auto", False),
    ]
    assert Bill.objects.get(loan=loan, number=1).settled_on == date(2026, 2, 11)


def test_an_unknown_account_after_a_known_one_is_presumed_to_give_the_rest(home, card, wallet):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [wallet, card], limits=PARTIAL)
    hold(wallet, 20_000)

    debit_due(at("2026-02-10", 10))

    assert [row[3:] for row in tries(loan)] == [
        ("Wallet", "insufficient", 20_000),
        ("Salary card", "presumed", INSTALLMENT - 20_000),
    ]
    assert [row[3] for row in repayments(loan)] == [False, True]


def test_a_capped_debit_takes_the_rest_at_the_next_windows(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], limits=DebitLimits(cap=50_000, partial=True))
    hold(card, 200_000)

    debit_due(at("2026-02-11", 10))

    assert tries(loan) == [
        (1, 1, "02-10 09:30", "Salary card", "card_limit", 50_000),
        (1, 2, "02-10 15:30", "Salary card", "card_limit", 50_000),
        (1, 3, "02-11 09:30", "Salary card", "success", INSTALLMENT - 100_000),
    ]


def test_a_bill_above_the_cap_fails_though_the_money_is_there(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], limits=DebitLimits(cap=50_000))
    hold(card, 200_000)

    debit_due(at("2026-02-10", 10))

    assert tries(loan) == [(1, 1, "02-10 09:30", "Salary card", "card_limit", 0)]
    assert next_debit(loan) == "02-10 15:30"


def test_a_closed_account_is_passed_over_and_alone_it_fails(home, card, wallet):
    both, one = make.loan(home, now=JAN_20, name="Both"), make.loan(home, now=JAN_20, name="One")
    authorize(both, [wallet, card])
    authorize(one, [wallet])
    hold(wallet, 500_000)
    hold(card, 500_000)
    FundingAccount.objects.filter(pk=wallet.pk).update(archived_at=at("2026-02-05"))

    debit_due(at("2026-02-10", 10))

    assert [row[3:5] for row in tries(both)] == [("Salary card", "success")]
    assert [row[3:5] for row in tries(one)] == [("Wallet", "card_closed")]


@pytest.mark.parametrize(
    "wishes, taken",
    [
        # A tenth of the principal of 94,619 is 9,461.9, with 12,000 of interest 21,462.
        ({"mode": AmountMode.MINIMUM}, 21_462),
        ({"mode": AmountMode.FIXED, "fixed_amount": 50_000}, 50_000),
    ],
)
def test_what_the_mode_allows_is_taken_once(home, card, wishes, taken):
    loan = make.loan(home, now=JAN_20, minimum_share=Decimal("0.1"))
    authorize(loan, [card], **wishes)
    hold(card, 500_000)

    for hour in (10, 16, 20):
        debit_due(at("2026-02-10", hour))
    debit_due(at("2026-02-16"))

    assert [row[:5] for row in tries(loan)] == [(1, 1, "02-10 09:30", "Salary card", "success")]
    assert repayments(loan) == [(date(2026, 2, 10), taken, "auto", False)]
    assert next_debit(loan) == "03-10 09:30"


def test_what_was_paid_by_hand_counts_towards_a_fixed_amount(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], mode=AmountMode.FIXED, fixed_amount=50_000)
    hold(card, 500_000)
    make.repayment(loan, 30_000, date(2026, 2, 9), at("2026-02-09"))

    debit_due(at("2026-02-10", 10))

    assert [row[5] for row in tries(loan)] == [20_000]


def test_downtime_asks_for_no_more_of_a_minimum_than_was_asked_for_on_its_day(home, card):
    """The penalty that the days of downtime brought is no part of the minimum of 10 February."""
    penalty = PenaltyTerms(annual_rate=Decimal("0.36"))
    loan = make.loan(home, now=JAN_20, minimum_share=Decimal("0.1"), penalty=penalty)
    authorize(loan, [card], mode=AmountMode.MINIMUM, rule=DebitRule(("09:30",), retry_days=()))
    hold(card, 500_000)

    debit_due(at("2026-02-20", 10))

    assert tries(loan) == [(1, 1, "02-10 09:30", "Salary card", "success", 21_462)]


def test_the_last_bill_can_be_debited_the_day_before_it_is_due(home, card):
    """Settling the loan that day would take a day's interest less; the lender takes the bill as it is."""
    loan = make.loan(home, now=JAN_20, count=1)
    authorize(loan, [card], rule=DebitRule(("09:30",), day_offset=-1, retry_days=(0,)))
    hold(card, 2_000_000)
    asked = Bill.objects.get(loan=loan).open.total
    assert next_debit(loan) == "02-09 09:30"

    debit_due(at("2026-02-09", 10))

    assert tries(loan) == [(1, 1, "02-09 09:30", "Salary card", "success", asked)]
    loan.refresh_from_db()
    assert (loan.settled_on, loan.outstanding_principal, loan.auto_repay_trouble) == (date(2026, 2, 9), 0, "")


def test_a_bill_that_asks_for_nothing_is_not_debited(home, card):
    loan = make.loan(home, now=JAN_20, method="interest_only", interest_grace=1)
    mandate(loan, card)
    hold(card, 50_000)

    debit_due(at("2026-02-16"))

    assert tries(loan) == []
    assert next_debit(loan) == "03-10 09:30"


def test_everything_due_asks_for_an_old_bill_at_the_windows_of_the_next_one(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], mode=AmountMode.FULL, rule=DebitRule(("09:30",), retry_days=()))
    hold(card, 0)
    debit_due(at("2026-02-10", 10))
    hold(card, 500_000, date(2026, 3, 9))

    debit_due(at("2026-03-10", 10))

    assert [row[:5] for row in tries(loan)] == [
        (1, 1, "02-10 09:30", "Salary card", "insufficient"),
        (1, 2, "03-10 09:30", "Salary card", "success"),
        (2, 1, "03-10 09:30", "Salary card", "success"),
    ]


def test_at_one_moment_penalty_comes_first_then_the_due_day_then_the_priority(home, card):
    """Four bills of 100,000 and money for one each time."""
    windows = DebitRule(("09:30",))
    plain = {"now": JAN_20, "annual_rate": 0}
    costly = make.loan(
        home, name="Costly", penalty=PenaltyTerms(annual_rate=Decimal("0.1")), first_due_on=date(2026, 2, 12), **plain
    )
    second = make.loan(home, name="Second", first_due_on=date(2026, 2, 12), **plain)
    first = make.loan(home, name="First", first_due_on=date(2026, 2, 12), **plain)
    early = make.loan(home, name="Early", first_due_on=date(2026, 2, 11), **plain)
    for loan, priority in ((costly, 9), (second, 2), (first, 1), (early, 9)):
        authorize(loan, [card], rule=windows, priority=priority)
    hold(card, 0)
    debit_due(at("2026-02-11", 10))

    paid = []
    for day in (12, 13, 14, 15):
        hold(card, 100_000, date(2026, 2, day))
        debit_due(at(f"2026-02-{day}", 10))
        paid.append(Repayment.objects.order_by("-pk").first().loan.name)

    assert paid == ["Costly", "Early", "First", "Second"]


@pytest.mark.parametrize("partial", [True, False])
def test_45_days_down_over_a_month_end_end_like_a_tick_each_hour(partial):
    days = [date(2026, 2, 1) + timedelta(days=n) for n in range(46)]
    told = {0: (30_000, 60_000), 10: (20_000, 50_000), 20: (70_000, 0), 28: (40_000, 90_000), 38: (150_000, 150_000)}
    homes = []
    for steady in (True, False):
        home = make.household()
        wallet, card = make.account(home, name="Wallet"), make.account(home)
        loans = [
            make.loan(home, now=JAN_20, name="Laptop", penalty=PenaltyTerms(annual_rate=Decimal("0.18"))),
            make.loan(home, now=JAN_20, name="Phone", first_due_on=date(2026, 2, 12), annual_rate=0, count=24),
        ]
        limits = DebitLimits(partial=partial)
        authorize(loans[0], [wallet, card], limits=limits, rule=DebitRule(retry_days=(), daily=True))
        authorize(loans[1], [card, wallet], limits=limits, mode=AmountMode.FULL)
        for n, day in enumerate(days):
            for account, amount in zip((wallet, card), told.get(n, ()), strict=False):
                make.balance(account, amount, day, at(day.isoformat(), 7))
            for hour in (8, 10, 16):
                if steady or (n, hour) == (45, 16):
                    debit_due(at(day.isoformat(), hour))
        debit_due(at("2026-03-18", 17))
        taken = [[row[0:1] + row[2:] for row in tries(loan) if row[5]] for loan in loans]
        homes.append((taken, [repayments(loan) for loan in loans], left(wallet, card), [next_debit(x) for x in loans]))

    assert homes[0] == homes[1]
    assert len(homes[0][0][0]) >= 2


@pytest.mark.parametrize(
    "limits, taken",
    [
        (
            PARTIAL,
            [
                ("02-10 17:00", "Wallet", "insufficient", 20_000),
                ("02-10 17:00", "Salary card", "insufficient", 50_000),
                ("02-10 23:59", "Salary card", "insufficient", 0),
                ("02-13 08:00", "Salary card", "success", 32_007),
            ],
        ),
        (
            DebitLimits(),
            [
                ("02-10 17:00", "Salary card", "insufficient", 0),
                ("02-10 23:59", "Salary card", "insufficient", 0),
                ("02-13 08:00", "Salary card", "insufficient", 0),
            ],
        ),
        (
            DebitLimits(cap=60_000, partial=True),
            [
                ("02-10 17:00", "Wallet", "insufficient", 20_000),
                ("02-10 17:00", "Salary card", "card_limit", 40_000),
                ("02-10 23:59", "Salary card", "insufficient", 10_000),
                ("02-13 08:00", "Salary card", "success", 32_007),
            ],
        ),
    ],
)
def test_the_worked_example_of_the_loan_rules(home, card, wallet, limits, taken):
    loan = make.loan(home, now=JAN_20, principal=300_000, count=3)
    evening = DebitRule(("17:00-24:00",), retry_days=(3,), retry_windows=("08:00",))
    authorize(loan, [wallet, card], rule=evening, limits=limits)
    hold(wallet, 20_000)
    hold(card, 50_000)
    for moment in (at("2026-02-10", 18), at("2026-02-11", 0)):
        debit_due(moment)
    there = balance_on(card, date(2026, 2, 11)).amount
    hold(card, there + 40_000, date(2026, 2, 12))
    debit_due(at("2026-02-13", 9))

    assert [row[2:] for row in tries(loan)] == taken
