"""Recording repayments: what they meet, what is refused, planned days, confirmation, the account they came from."""

from datetime import date

import pytest

from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.money import Parts
from ledger.models import AccountEntry, Allocation, Bill, Fact, Loan
from ledger.selectors.history import history
from ledger.services.recording import Recorded
from ledger.services.refusal import Refusal
from ledger.services.repayments import confirm_repayment, record_repayment
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

BILL = 106_619
FEB_10, MAR_10 = date(2026, 2, 10), date(2026, 3, 10)
NOW = at("2026-03-10")


@pytest.fixture
def loan():
    return make.loan(now=NOW)


def pay(loan, amount, paid_on=MAR_10, now=NOW, **more):
    return record_repayment(loan=loan, amount=amount, paid_on=paid_on, recording=make.recording(now), **more)


def refusal(result):
    assert isinstance(result, Refusal), result
    return result.code, result.field


def allocations(fact):
    rows = Allocation.objects.filter(repayment=fact).select_related("bill").order_by("bill__number")
    return [(row.bill.number if row.bill else None, row.parts) for row in rows]


def test_the_oldest_bill_is_met_first_interest_before_principal(loan):
    fact = pay(loan, 40_000).fact
    assert allocations(fact) == [(1, Parts(principal=28_000, interest=12_000))]
    assert Bill.objects.get(number=1).open == Parts(principal=66_619)


def test_money_over_two_bills_pays_both(loan):
    fact = pay(loan, 2 * BILL).fact
    assert [(number, parts.total) for number, parts in allocations(fact)] == [(1, BILL), (2, BILL)]


def test_a_named_bill_is_paid_though_an_older_one_is_open(loan):
    fact = pay(loan, BILL, apply_to=ApplyTo.BILL, bill_number=2).fact
    assert [number for number, _parts in allocations(fact)] == [2]
    assert Bill.objects.get(number=1).settled_on is None


def test_a_back_dated_repayment_counts_from_its_day(loan):
    pay(loan, BILL, FEB_10)
    assert Bill.objects.get(number=1).settled_on == FEB_10


def test_the_order_in_which_repayments_are_typed_does_not_matter():
    first, second = make.loan(now=NOW), make.loan(now=NOW)
    days = [(30_000, FEB_10), (80_000, date(2026, 2, 20)), (5_000, MAR_10)]
    for amount, day in days:
        pay(first, amount, day)
    for amount, day in reversed(days):
        pay(second, amount, day)

    def bills(loan):
        return [(bill.due, bill.paid, bill.settled_on) for bill in Bill.objects.filter(loan=loan).order_by("number")]

    assert bills(first) == bills(second)


def test_a_planned_repayment_reduces_nothing_before_its_day(loan):
    pay(loan, BILL, date(2026, 3, 20))
    loan = Loan.objects.get()
    assert (loan.outstanding_principal, loan.next_change_on) == (1_200_000, date(2026, 3, 20))
    assert Allocation.objects.count() == 0


@pytest.mark.parametrize(
    "amount, more, answer",
    [
        (0, {}, ("not_positive", "amount")),
        (-5, {}, ("not_positive", "amount")),
        (1_223_055, {}, ("above_payoff", "amount")),
        (10**13, {}, ("above_payoff", "amount")),
        (2_000_000, {"paid_on": date(2026, 4, 1)}, ("above_payoff", "amount")),
        (1_223_053, {"apply_to": ApplyTo.PAYOFF}, ("below_payoff", "amount")),
        (BILL + 1, {"apply_to": ApplyTo.BILL, "bill_number": 2}, ("above_bill", "amount")),
        (BILL, {"apply_to": ApplyTo.BILL, "bill_number": 13}, ("no_such_bill", "bill")),
        (BILL, {"apply_to": ApplyTo.BILL}, ("no_such_bill", "bill")),
        (BILL, {"paid_on": date(2026, 1, 9)}, ("before_disbursement", "paid_on")),
        (BILL, {"paid_on": date(2027, 3, 12)}, ("too_far_ahead", "paid_on")),
    ],
)
def test_what_cannot_be_paid_is_refused_with_its_field(loan, amount, more, answer):
    assert refusal(pay(loan, amount, **more)) == answer
    assert Fact.objects.count() == 0


def test_an_account_in_another_currency_is_refused(loan):
    dollars = make.account(loan.household, currency="USD")
    assert refusal(pay(loan, BILL, account=dollars)) == ("currency", "account")
    assert AccountEntry.objects.count() == 0


def test_another_households_account_is_refused(loan):
    assert refusal(pay(loan, BILL, account=make.account(make.household()))) == ("no_such_account", "account")


def test_exactly_the_payoff_settles_the_loan_and_drops_later_bills(loan):
    assert isinstance(pay(loan, 1_223_054, apply_to=ApplyTo.PAYOFF), Recorded)
    loan.refresh_from_db()
    assert (loan.settled_on, loan.outstanding_principal, loan.credit) == (MAR_10, 0, 0)
    assert Bill.objects.needed().filter(settled_on=None).count() == 0
    assert refusal(pay(loan, 1)) == ("above_payoff", "amount")


def test_a_repayment_from_an_account_takes_it_from_there(loan):
    card = make.account(loan.household)
    fact = pay(loan, BILL, account=card).fact
    entry = AccountEntry.objects.get()
    assert (entry.account, entry.fact_id, entry.amount, entry.entry_on, entry.booked_at) == (
        card,
        fact.pk,
        -BILL,
        MAR_10,
        NOW,
    )


def test_a_presumed_debit_is_confirmed_once(loan):
    fact = pay(loan, BILL, presumed=True).fact
    assert Bill.objects.get(number=1).presumed == BILL
    assert isinstance(confirm_repayment(repayment=fact, recording=make.recording(NOW)), Recorded)
    assert Bill.objects.get(number=1).presumed == 0
    assert refusal(confirm_repayment(repayment=fact, recording=make.recording(NOW))) == ("not_presumed", "")


def test_what_needs_no_confirmation_is_not_confirmed(loan):
    fact = pay(loan, BILL).fact
    assert refusal(confirm_repayment(repayment=fact, recording=make.recording(NOW))) == ("not_presumed", "")


def test_an_undone_debit_is_not_confirmed(loan):
    fact = pay(loan, BILL, presumed=True).fact
    reverse_fact(fact=fact, recording=make.recording(NOW))
    assert refusal(confirm_repayment(repayment=fact, recording=make.recording(NOW))) == ("not_presumed", "")


def test_only_this_loans_rows_are_touched():
    home = make.household()
    loan, other = make.loan(home, now=NOW), make.loan(home, now=NOW)
    before = list(Bill.objects.filter(loan=other).values()), other.version
    pay(loan, BILL)
    other.refresh_from_db()
    assert (list(Bill.objects.filter(loan=other).values()), other.version) == before


def test_the_engine_reads_back_what_was_recorded(loan):
    pay(loan, BILL, apply_to=ApplyTo.SHORTEN, presumed=True)
    [fact] = history(loan).facts
    assert (fact.amount, fact.effective_on, fact.apply_to, fact.presumed) == (BILL, MAR_10, ApplyTo.SHORTEN, True)


def test_recording_costs_a_fixed_number_of_queries_however_long_the_loan(django_assert_num_queries):
    for count in (12, 360):
        loan = make.loan(now=NOW, count=count)
        with django_assert_num_queries(13):
            pay(loan, 1000)
