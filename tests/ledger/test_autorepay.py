"""Auto-repay: every debit that should have happened is recorded once, under its own day."""

from datetime import date

import pytest

from ledger.loanmath.money import Parts
from ledger.models import AccountEntry, AutoRepayMandate, Bill, Repayment
from ledger.selectors.balances import balance_on
from ledger.services.debit_chunks import debit_due
from ledger.services.repayments import confirm_repayment
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import INSTALLMENT, JAN_20, attempts, loan_under_mandate, mandate, next_debit, repayments

pytestmark = [pytest.mark.django_db, pytest.mark.service]


def test_enough_money_records_attempt_repayment_and_entry_together(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 200_000, date(2026, 2, 1), at("2026-02-01"))

    assert debit_due(at("2026-02-10", 10)) == 1

    assert attempts(loan) == [(1, 1, "02-10 09:30", "success", INSTALLMENT, 0)]
    assert repayments(loan) == [(date(2026, 2, 10), INSTALLMENT, "auto", False)]
    fact = Repayment.objects.get(loan=loan)
    assert fact.key == f"auto:{Bill.objects.get(loan=loan, number=1).pk}:1"
    entry = AccountEntry.objects.get(account=card)
    assert (entry.fact_id, entry.amount, entry.entry_on) == (fact.pk, -INSTALLMENT, date(2026, 2, 10))
    bill = Bill.objects.get(loan=loan, number=1)
    assert (bill.open, bill.settled_on) == (Parts(), date(2026, 2, 10))
    assert next_debit(loan) == "03-10 09:30"


def test_nothing_happens_before_the_window(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 200_000, date(2026, 2, 1), at("2026-02-01"))

    assert debit_due(at("2026-02-10", 9)) == 0

    assert attempts(loan) == []
    assert repayments(loan) == []


def test_running_again_changes_nothing(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 200_000, date(2026, 2, 1), at("2026-02-01"))
    debit_due(at("2026-02-10", 10))
    first = (attempts(loan), repayments(loan))

    assert debit_due(at("2026-02-10", 10)) == 0
    assert debit_due(at("2026-02-10", 16)) == 0

    assert (attempts(loan), repayments(loan)) == first


def test_too_little_money_pays_nothing_and_says_how_much_is_missing(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 100_000, date(2026, 2, 1), at("2026-02-01"))

    debit_due(at("2026-02-10", 10))

    assert attempts(loan) == [(1, 1, "02-10 09:30", "insufficient", INSTALLMENT, 6_619)]
    assert repayments(loan) == []
    assert AutoRepayMandate.objects.get(loan=loan).ended_at is None
    assert next_debit(loan) == "02-10 15:30"


def test_a_top_up_makes_the_next_window_succeed(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 100_000, date(2026, 2, 1), at("2026-02-01"))
    debit_due(at("2026-02-10", 10))
    make.balance(card, 150_000, date(2026, 2, 10), at("2026-02-10", 12))

    debit_due(at("2026-02-10", 16))

    assert attempts(loan) == [
        (1, 1, "02-10 09:30", "insufficient", INSTALLMENT, 6_619),
        (1, 2, "02-10 15:30", "success", INSTALLMENT, 0),
    ]
    assert repayments(loan) == [(date(2026, 2, 10), INSTALLMENT, "auto", False)]
    assert balance_on(card, date(2026, 2, 10)).amount == 150_000 - INSTALLMENT


def test_without_money_every_window_of_six_days_is_tried_and_then_the_lender_gives_up(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 0, date(2026, 2, 10), at("2026-02-10", 8))

    for day in range(10, 18):
        for hour in (10, 16):
            debit_due(at(f"2026-02-{day}", hour))

    tried = attempts(loan)
    assert [row[2] for row in tried] == [f"02-{day} {time}" for day in range(10, 16) for time in ("09:30", "15:30")]
    assert {row[3] for row in tried} == {"insufficient"}
    assert next_debit(loan) == "03-10 09:30"


def test_an_unknown_balance_is_presumed_and_waits_for_yes_or_no(home, card):
    loan = loan_under_mandate(home, card)

    debit_due(at("2026-02-10", 10))

    assert attempts(loan) == [(1, 1, "02-10 09:30", "presumed", INSTALLMENT, 0)]
    assert repayments(loan) == [(date(2026, 2, 10), INSTALLMENT, "auto", True)]
    assert Bill.objects.get(loan=loan, number=1).presumed == INSTALLMENT


def test_a_balance_stated_more_than_thirty_days_before_is_unknown_and_never_zero(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 0, date(2026, 1, 10), JAN_20)

    debit_due(at("2026-02-10", 10))

    assert attempts(loan) == [(1, 1, "02-10 09:30", "presumed", INSTALLMENT, 0)]


def test_what_lacked_money_once_is_not_presumed_when_the_balance_ages(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 0, date(2026, 1, 11), JAN_20)  # thirty days before the bill

    debit_due(at("2026-02-10", 10))
    debit_due(at("2026-02-12", 10))

    assert [row[2:4] for row in attempts(loan)] == [("02-10 09:30", "insufficient"), ("02-12 09:30", "insufficient")]


def test_a_confirmed_debit_counts_as_paid(home, card):
    loan = loan_under_mandate(home, card)
    debit_due(at("2026-02-10", 10))

    confirm_repayment(repayment=Repayment.objects.get(loan=loan), recording=make.recording(at("2026-02-11")))

    assert Bill.objects.get(loan=loan, number=1).presumed == 0
    assert next_debit(loan) == "03-10 09:30"


def test_a_debit_that_failed_after_all_is_undone_as_of_its_day_and_tried_in_the_next_window(home, card):
    loan = loan_under_mandate(home, card)
    debit_due(at("2026-02-10", 10))
    presumed = Repayment.objects.get(loan=loan)

    reverse_fact(fact=presumed, recording=make.recording(at("2026-02-12", 12)))

    bill = Bill.objects.get(loan=loan, number=1)
    assert (bill.settled_on, bill.paid, bill.presumed) == (None, Parts(), 0)
    assert sum(AccountEntry.objects.filter(account=card).values_list("amount", flat=True)) == 0
    assert next_debit(loan) == "02-12 15:30"

    make.balance(card, 0, date(2026, 2, 12), at("2026-02-12", 13))
    debit_due(at("2026-02-12", 16))
    assert [row[2:4] for row in attempts(loan)] == [("02-10 09:30", "presumed"), ("02-12 15:30", "insufficient")]


def test_taking_back_that_it_failed_stops_the_tries(home, card):
    loan = loan_under_mandate(home, card)
    debit_due(at("2026-02-10", 10))
    said = reverse_fact(fact=Repayment.objects.get(loan=loan), recording=make.recording(at("2026-02-12", 12))).fact

    redone = reverse_fact(fact=said, recording=make.recording(at("2026-02-12", 13))).fact
    assert next_debit(loan) == "03-10 09:30"

    reverse_fact(fact=redone, recording=make.recording(at("2026-02-13", 13)))
    assert next_debit(loan) == "02-13 15:30"


def test_a_bill_paid_by_hand_is_not_debited(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    make.repayment(loan, INSTALLMENT, date(2026, 2, 9), at("2026-02-09"))

    assert debit_due(at("2026-02-10", 10)) == 0

    assert attempts(loan) == []
    assert len(repayments(loan)) == 1


def test_undoing_a_repayment_by_hand_brings_the_debit_back(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    before = next_debit(loan)
    by_hand = make.repayment(loan, INSTALLMENT, date(2026, 2, 9), at("2026-02-09"))
    assert next_debit(loan) == "03-10 09:30"

    reverse_fact(fact=by_hand, recording=make.recording(at("2026-02-09", 13)))

    assert next_debit(loan) == before == "02-10 09:30"
    debit_due(at("2026-02-10", 10))
    assert attempts(loan) == [(1, 1, "02-10 09:30", "success", INSTALLMENT, 0)]


def test_only_what_is_left_after_a_partial_repayment_is_debited(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    make.repayment(loan, 100_000, date(2026, 2, 10), at("2026-02-10", 8))

    debit_due(at("2026-02-10", 10))

    assert attempts(loan) == [(1, 1, "02-10 09:30", "success", 6_619, 0)]


def test_a_repayment_planned_for_the_due_day_counts_before_the_debit(home, card):
    loan = loan_under_mandate(home, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    make.repayment(loan, INSTALLMENT, date(2026, 2, 10), at("2026-02-01"))

    assert debit_due(at("2026-02-10", 10)) == 0

    assert Bill.objects.get(loan=loan, number=1).settled_on == date(2026, 2, 10)
    assert next_debit(loan) == "03-10 09:30"


def test_a_mandate_given_after_a_window_waits_for_the_next_one(home, card):
    loan = make.loan(home, now=JAN_20)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    mandate(loan, card, at("2026-02-10", 12))

    assert next_debit(loan) == "02-10 15:30"
    assert debit_due(at("2026-02-10", 13)) == 0
    debit_due(at("2026-02-10", 16))

    assert attempts(loan) == [(1, 1, "02-10 15:30", "success", INSTALLMENT, 0)]


def test_bills_payable_before_the_mandate_began_stay_by_hand(home, card):
    loan = make.loan(home, now=JAN_20)
    make.balance(card, 500_000, date(2026, 2, 11), at("2026-02-11"))
    mandate(loan, card, at("2026-02-11"))

    assert next_debit(loan) == "03-10 09:30"
    assert debit_due(at("2026-02-12")) == 0


def test_money_for_one_of_two_loans_pays_the_one_due_earlier(home, card):
    late = loan_under_mandate(home, card, name="Phone", first_due_on=date(2026, 2, 12))
    early = loan_under_mandate(home, card, name="Laptop")
    make.balance(card, 150_000, date(2026, 2, 1), at("2026-02-01"))

    debit_due(at("2026-02-12", 10))

    assert [row[3] for row in attempts(early)] == ["success"]
    assert [row[3] for row in attempts(late)] == ["insufficient"]
    asked = Bill.objects.get(loan=late, number=1).open.total
    assert attempts(late)[0][5] == asked - (150_000 - INSTALLMENT)


def test_the_household_decides_what_day_and_hour_it_is(card):
    honolulu = make.household(time_zone="Pacific/Honolulu")
    account = make.account(honolulu)
    loan = loan_under_mandate(honolulu, account)
    make.balance(account, 500_000, date(2026, 1, 19), JAN_20)

    assert debit_due(at("2026-02-11", 3)) == 0  # 09:00 on the 10th in Honolulu
    assert debit_due(at("2026-02-11", 4)) == 1

    assert repayments(loan) == [(date(2026, 2, 10), INSTALLMENT, "auto", False)]


def test_the_last_bill_ends_the_debits(home, card):
    loan = loan_under_mandate(home, card, count=1)
    make.balance(card, 2_000_000, date(2026, 2, 1), at("2026-02-01"))

    debit_due(at("2026-02-10", 10))

    assert next_debit(loan) is None
    loan.refresh_from_db()
    assert (loan.outstanding_principal, loan.settled_on) == (0, date(2026, 2, 10))


def test_with_nothing_to_do_one_query_is_asked(home, card, django_assert_num_queries):
    loan_under_mandate(home, card)
    with django_assert_num_queries(1):
        debit_due(at("2026-02-09"))
