"""Which of the bills to come an account covers: what the overview, the accounts page and reminders ask."""

from datetime import date

import pytest

from ledger.loanmath.debiting import AmountMode, DebitLimits
from ledger.loanmath.funding import Balance, Funding
from ledger.models import Bill
from ledger.selectors.accounts import account_lines, accounts_page, coverage, outlook
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate, end_mandate
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import authorize, next_debit

pytestmark = [pytest.mark.django_db, pytest.mark.service]

FEB_1 = at("2026-02-01")
TODAY = date(2026, 2, 1)
INSTALLMENT = 106_619


def under_mandate(home, card, **more):
    loan = make.loan(home, now=at("2026-01-20"), **more)
    authorize_mandate(scope=loan, sources=[card], recording=make.recording(at("2026-01-20")))
    return loan


def covers(home, today=TODAY, days=31):
    """(loan, number, debit day, funding, missing) of each bill, in the order of the debits."""
    return [
        (cover.loan_name, cover.number, cover.debit_on, str(cover.funding), cover.missing)
        for cover in coverage(home, today, days).values()
    ]


def test_of_two_bills_and_money_for_one_exactly_the_second_is_flagged(home, card):
    under_mandate(home, card, name="Phone", first_due_on=date(2026, 2, 12), count=12, annual_rate=0)
    under_mandate(home, card, name="Laptop")
    make.balance(card, 150_000, TODAY, FEB_1)

    assert covers(home, days=20) == [
        ("Laptop", 1, date(2026, 2, 10), "covered", 0),
        ("Phone", 1, date(2026, 2, 12), "short", 100_000 - (150_000 - INSTALLMENT)),
    ]

    make.balance(card, 206_619, TODAY, FEB_1)
    assert [row[3] for row in covers(home, days=20)] == ["covered", "covered"]


def test_bills_that_are_surely_covered_are_passed_over_unless_asked_for(home, card):
    """The overview's short way says what the whole one says: of the bills asked for, and of all that is in doubt."""
    full, low = make.account(home, name="Full"), make.account(home, name="Low")
    make.balance(full, 10_000_000, TODAY, FEB_1)
    make.balance(low, 150_000, TODAY, FEB_1)
    fixed = {"mode": AmountMode.FIXED, "fixed_amount": 50_000}
    mandates = {
        "Sure": ([full], {}),
        "Sure, asked for": ([full], {}),
        "Capped": ([full], {"limits": DebitLimits(cap=1_000)}),
        "In part": ([full], {"limits": DebitLimits(cap=1_000, partial=True)}),
        "Everything due": ([full], {"mode": AmountMode.FULL}),
        "Fixed": ([full], fixed),
        "Low": ([low], {}),
        "Low, then full": ([low, full], {}),
        "Not known": ([card], {}),
    }
    loans = {}
    for name, (sources, wishes) in mandates.items():
        loans[name] = make.loan(home, now=at("2026-01-20"), name=name)
        authorize(loans[name], sources, **wishes)
    asked = set(Bill.objects.filter(loan=loans["Sure, asked for"]).values_list("pk", flat=True))

    whole, short = coverage(home, TODAY, 60), outlook(home, TODAY, 60, asked)

    passed_over = {whole[bill].loan_name for bill in whole.keys() - short.covers.keys()}
    assert passed_over == {"Sure", "In part", "Everything due", "Fixed"}
    told = [_without_balance(short.covers[bill]) for bill in short.covers]
    assert sorted(told) == sorted(_without_balance(whole[bill]) for bill in short.covers)
    assert {line.account.name: line.shortfall and line.shortfall.loan_name for line in short.lines} == {
        line.account.name: line.shortfall and line.shortfall.loan_name for line in account_lines(home, TODAY, 60)
    }


def _without_balance(cover):
    return (cover.bill, cover.loan_name, cover.amount, str(cover.funding), cover.missing, cover.above_cap)


def test_an_unknown_or_old_balance_says_unknown(home, card):
    under_mandate(home, card)
    assert covers(home, days=20) == [("Laptop", 1, date(2026, 2, 10), "unknown", 0)]

    make.balance(card, 0, date(2026, 1, 1), FEB_1)
    assert covers(home, days=20) == [("Laptop", 1, date(2026, 2, 10), "unknown", 0)]


def test_what_was_already_debited_is_off_the_balance_and_off_the_list(home, card):
    under_mandate(home, card)
    make.balance(card, 250_000, TODAY, FEB_1)
    debit_due(at("2026-02-10", 10))

    (line,) = account_lines(home, date(2026, 2, 11), days=30)

    assert line.balance == Balance(250_000 - INSTALLMENT, TODAY)
    assert [(step.on, step.amount, step.after) for step in line.steps] == [
        (date(2026, 3, 10), INSTALLMENT, 250_000 - 2 * INSTALLMENT)
    ]
    assert line.shortfall is None


def test_a_debit_that_failed_is_expected_at_the_next_window(home, card):
    under_mandate(home, card)
    make.balance(card, 0, date(2026, 2, 9), at("2026-02-09"))
    debit_due(at("2026-02-10", 16))

    assert covers(home, date(2026, 2, 10), days=5) == [("Laptop", 1, date(2026, 2, 11), "short", INSTALLMENT)]
    debit_due(at("2026-02-16"))
    assert covers(home, date(2026, 2, 16), days=5) == []  # the lender has given up


def test_a_repayment_planned_by_hand_is_taken_off_on_its_day(home, card):
    under_mandate(home, card)
    other = make.loan(home, now=at("2026-01-20"), name="By hand")
    make.balance(card, 150_000, TODAY, FEB_1)
    make.repayment(other, 100_000, date(2026, 2, 9), FEB_1, account=card)

    (line,) = account_lines(home, TODAY, days=20)

    assert [(step.on, step.after, step.funding, step.cover is None) for step in line.steps] == [
        (date(2026, 2, 9), 50_000, Funding.COVERED, True),
        (date(2026, 2, 10), 50_000 - INSTALLMENT, Funding.SHORT, False),
    ]
    assert line.shortfall.short_by == INSTALLMENT - 50_000


def test_bills_without_a_live_mandate_are_not_listed(home, card):
    ended = under_mandate(home, card)
    end_mandate(scope=ended, recording=make.recording(FEB_1))
    make.loan(home, now=at("2026-01-20"), name="Never")
    assert Bill.objects.filter(loan=ended).exists()

    assert covers(home) == []


def test_another_household_changes_nothing(home, card):
    under_mandate(home, card)
    stranger = make.household()
    under_mandate(stranger, make.account(stranger), name="Not mine")

    assert [row[0] for row in covers(home, days=20)] == ["Laptop"]


@pytest.mark.parametrize("loans", [1, 3])
def test_one_loan_or_three_cost_five_queries(home, loans, django_assert_num_queries):
    for n in range(loans):
        card = make.account(home, name=f"Card {n}")
        under_mandate(home, card, name=f"Loan {n}")
        make.balance(card, 1, TODAY, FEB_1)
    with django_assert_num_queries(5):
        assert len(coverage(home, TODAY, 20)) == loans


def in_parts(home, card, in_wallet, in_card):
    """A loan debited in parts from the wallet, then the card, and what is said of its first bill as a whole."""
    wallet = make.account(home, name="Wallet", last4="")
    loan = make.loan(home, now=at("2026-01-20"))
    authorize(loan, [wallet, card], limits=DebitLimits(partial=True))
    make.balance(wallet, in_wallet, TODAY, FEB_1)
    make.balance(card, in_card, TODAY, FEB_1)
    (cover,) = coverage(home, TODAY, 20).values()
    return cover


def test_accounts_that_cover_a_bill_together_are_both_named(home, card):
    cover = in_parts(home, card, 20_000, INSTALLMENT - 20_000)

    assert cover.funding is Funding.COVERED
    assert set(cover.paid_from.split(" + ")) == {"Wallet", str(card)}


def test_a_bill_whose_parts_do_not_reach_is_short_whichever_account_comes_first(home, card):
    cover = in_parts(home, card, 20_000, 30_000)

    assert (cover.funding, cover.missing) == (Funding.SHORT, INSTALLMENT - 50_000)
    assert cover.paid_from == str(cover.account)


def test_the_day_a_presumed_debit_is_trusted_is_no_debit(home, card):
    loan = make.loan(home, now=at("2026-01-20"))
    authorize(loan, [card], trust_days=3)
    debit_due(at("2026-02-10", 10))

    (row,) = accounts_page(home, date(2026, 2, 11)).mandates

    assert next_debit(loan) == "02-13 00:00"
    assert row.next_debit_on == date(2026, 3, 10)
