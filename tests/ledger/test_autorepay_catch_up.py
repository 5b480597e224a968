"""Auto-repay after downtime, and when others act at the same moment: all of it, once, oldest first."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.loanmath.terms import PenaltyTerms
from ledger.models import AutoRepayMandate, Bill, Loan
from ledger.selectors.balances import balance_on
from ledger.selectors.history import history
from ledger.services.autorepay import debit_bill, due_debits
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import end_mandate
from ledger.services.projection import refresh
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import INSTALLMENT, attempts, loan_under_mandate, next_debit, repayments

pytestmark = [pytest.mark.django_db, pytest.mark.service]


def test_45_days_down_are_caught_up_under_their_own_days(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    make.balance(card, 400_000, date(2026, 3, 1), at("2026-03-01"))

    assert debit_due(at("2026-03-20")) == 2

    assert attempts(loan) == [
        (1, 1, "02-10 09:30", "success", INSTALLMENT, 0),
        (2, 1, "03-10 09:30", "success", INSTALLMENT, 0),
    ]
    assert [row[0] for row in repayments(loan)] == [date(2026, 2, 10), date(2026, 3, 10)]
    assert not Bill.objects.filter(loan=loan).overdue(date(2026, 3, 20)).exists()
    # The balance stated on 1 March was looked up after the February debit; only March's is taken off.
    assert balance_on(card, date(2026, 3, 20)).amount == 400_000 - INSTALLMENT


def test_a_bill_missed_by_six_days_without_money_gets_one_attempt_at_its_last_window(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 100_000, date(2026, 2, 1), at("2026-02-01"))

    debit_due(at("2026-02-20"))

    assert attempts(loan) == [(1, 1, "02-15 15:30", "insufficient", INSTALLMENT, 6_619)]
    assert next_debit(loan) == "03-10 09:30"


def test_a_top_up_during_the_downtime_counts_from_its_day(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 100_000, date(2026, 2, 1), at("2026-02-01"))
    make.balance(card, 150_000, date(2026, 2, 12), at("2026-02-12"))

    debit_due(at("2026-02-20"))

    assert attempts(loan) == [(1, 1, "02-12 09:30", "success", INSTALLMENT, 0)]
    assert repayments(loan) == [(date(2026, 2, 12), INSTALLMENT, "auto", False)]


def test_a_partial_repayment_by_hand_during_the_downtime_is_not_paid_twice(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    make.repayment(loan, 100_000, date(2026, 2, 12), at("2026-02-12"))

    debit_due(at("2026-02-20"))

    assert attempts(loan) == [(1, 1, "02-12 09:30", "success", 6_619, 0)]


def test_after_a_long_downtime_the_debits_of_one_account_are_decided_in_order_of_time(home, card):
    first = loan_under_mandate(home, card, name="Laptop")  # 10 February, 10 March
    other = loan_under_mandate(home, card, name="Phone", first_due_on=date(2026, 2, 20))
    make.balance(card, 250_000, date(2026, 2, 8), at("2026-02-08"))

    debit_due(at("2026-03-13"))

    assert [row[2:4] for row in attempts(first)] == [("02-10 09:30", "success"), ("03-13 09:30", "insufficient")]
    assert [row[2:4] for row in attempts(other)] == [("02-20 09:30", "success")]


def test_one_with_bad_data_stops_no_other(home, card, caplog):
    poisoned = loan_under_mandate(home, card, name="Poisoned")
    healthy = loan_under_mandate(home, card, name="Healthy")
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    AutoRepayMandate.objects.filter(loan=poisoned).update(windows=["25:61"])
    now = at("2026-02-10", 10)

    debit_due(now)

    assert [row[3] for row in attempts(healthy)] == ["success"]
    assert attempts(poisoned) == []
    row = Loan.objects.get(pk=poisoned.pk)
    assert (row.mandate.ended_at, row.auto_repay_failures) == (None, 1)
    assert row.auto_repay_trouble.startswith("ValueError")
    assert (row.auto_repay_at - now).total_seconds() == 300
    assert "broke off" in caplog.text

    debit_due(row.auto_repay_at)
    again = Loan.objects.get(pk=poisoned.pk)
    assert (again.auto_repay_failures, (again.auto_repay_at - row.auto_repay_at).total_seconds()) == (2, 600)

    AutoRepayMandate.objects.filter(loan=poisoned).update(windows=["09:30"])
    debit_due(again.auto_repay_at)
    healed = Loan.objects.get(pk=poisoned.pk)
    assert [row[3] for row in attempts(poisoned)] == ["success"]
    assert (healed.auto_repay_failures, healed.auto_repay_trouble) == (0, "")


def test_auto_repay_switched_off_between_looking_and_locking_debits_nothing(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    now = at("2026-02-10", 10)
    (debit,) = due_debits([Loan.objects.get(pk=loan.pk)], now)
    end_mandate(scope=loan, recording=make.recording(now))

    assert debit_bill(debit, now) == []

    assert repayments(loan) == []


def test_a_bill_paid_by_hand_between_looking_and_locking_is_not_debited(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    now = at("2026-02-10", 10)
    (debit,) = due_debits([Loan.objects.get(pk=loan.pk)], now)
    make.repayment(loan, INSTALLMENT, date(2026, 2, 10), now)

    assert debit_bill(debit, now) == []

    assert [row[2] for row in repayments(loan)] == ["manual"]


@pytest.mark.parametrize("money", [1_000_000, 150_000, None])
def test_a_tick_each_hour_and_one_tick_after_two_months_end_alike(money):
    days = [date(2026, 2, 1) + timedelta(days=n) for n in range(50)]
    told = {date(2026, 2, 1): money, date(2026, 3, 1): money and money - 80_000}
    loans = []
    for steady in (True, False):
        home = make.household()
        card = make.account(home)
        loan = loan_under_mandate(home, card, penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
        loans.append(loan)
        for day in days:
            if told.get(day) is not None:
                make.balance(card, told[day], day, at(day.isoformat(), 7))
            for hour in (8, 10, 16):
                if steady or (day, hour) == (days[-1], 16):
                    debit_due(at(day.isoformat(), hour))

    first, second = loans
    assert repayments(first) == repayments(second)
    assert [row for row in attempts(first) if row[3] != "insufficient"] == [
        row for row in attempts(second) if row[3] != "insufficient"
    ]
    today = date(2026, 3, 22)
    for loan in loans:
        refresh(loan.household, at("2026-03-22", 16))
        projected = history(loan).project(today).bills
        stored = Bill.objects.filter(loan=loan).needed()
        assert {bill.number: (bill.due, bill.paid, bill.settled_on) for bill in stored} == {
            bill.number: (bill.due, bill.paid, bill.settled_on) for bill in projected
        }


def test_what_a_household_has_to_catch_up_with_is_found_by_the_same_queries_for_any_number_of_loans(home, card):
    make.balance(card, 100_000_000, date(2026, 2, 1), at("2026-02-01"))
    loans = [loan_under_mandate(home, card, name=f"Loan {number}") for number in range(6)]
    whole = [Loan.objects.select_related("household", "mandate").get(pk=loan.pk) for loan in loans]
    now = at("2026-04-10", 10)

    with CaptureQueriesContext(connection) as one:
        assert len(due_debits(whole[:1], now)) == 3
    with CaptureQueriesContext(connection) as six:
        assert len(due_debits(whole, now)) == 18

    assert len(one) == len(six)
