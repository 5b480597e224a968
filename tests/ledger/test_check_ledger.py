"""check_ledger: finds nothing after anything that went through services, and everything that did not."""

from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from random import Random

import pytest
from django.core.management import call_command
from django.db import connection

from ledger.loanmath.facts import ApplyTo, DeferralTreatment, RateEffect
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import Component, Excess, Method, PenaltyTerms
from ledger.models import AccountEntry, Allocation, Bill, Fact, Loan
from ledger.services.agreement import change_rate, defer_bill
from ledger.services.charges import record_charge, state_lender_figure, waive_charge
from ledger.services.checking import find_problems
from ledger.services.repayments import record_repayment
from ledger.services.reversals import reverse_fact
from tests import builders as make

pytestmark = pytest.mark.django_db

FIRST_DAY = date(2026, 1, 10)


@pytest.fixture
def loan():
    home = make.household()
    loan = make.loan(home)
    make.repayment(loan, 40_000, date(2026, 2, 20), account=make.account(home))
    return loan


def check():
    """What the command prints, and the status it ends with."""
    out, err = StringIO(), StringIO()
    try:
        call_command("check_ledger", stdout=out, stderr=err)
    except SystemExit as end:
        return end.code, [*out.getvalue().splitlines(), *err.getvalue().splitlines()]
    return 0, out.getvalue().splitlines()


def raw(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def found():
    return [(one.field, one.stored, one.computed) for one in find_problems()]


def test_books_kept_by_the_services_agree(loan):
    make.loan(loan.household)
    assert check() == (0, ["2 loans agree with their facts."])


def test_empty_books_agree():
    assert check() == (0, ["0 loans agree with their facts."])


def test_a_changed_bill_is_named_with_both_values(loan):
    Bill.objects.filter(loan=loan, number=3).update(interest_due=1)
    code, lines = check()
    assert (code, lines) == (
        1,
        [
            f"loan {loan.pk} (Laptop): bill 3 interest_due: stored 1, computed 10098",
            "1 values differ from the facts.",
        ],
    )


def test_a_changed_loan_is_named(loan):
    Loan.objects.filter(pk=loan.pk).update(outstanding_principal=5, settled_on=FIRST_DAY)
    assert sorted(found(), key=str) == [
        ("outstanding_principal", 5, 1_172_000),
        ("settled_on", FIRST_DAY, None),
    ]


def test_a_missing_bill_and_one_too_many_are_named(loan):
    Bill.objects.filter(loan=loan, number=12).update(number=13)
    fields = {field for field, _stored, _computed in found()}
    assert {"bill 12", "bill 13 is_needed", "bill 13 principal_due"} <= fields


def test_a_changed_allocation_is_named(loan):
    fact = Fact.objects.get()
    Allocation.objects.update(interest=11_999)
    assert found() == [
        (
            f"allocation of repayment {fact.pk} to bill 1",
            Parts(principal=28_000, interest=11_999),
            Parts(principal=28_000, interest=12_000),
        )
    ]


def test_a_missing_allocation_is_named(loan):
    Allocation.objects.all().delete()
    assert [(stored, computed.total) for _field, stored, computed in found()] == [(None, 40_000)]


def test_a_changed_fact_shows_in_everything_that_follows_from_it(loan):
    raw("UPDATE ledger_fact SET amount = 39999")
    fields = {field for field, _stored, _computed in found()}
    assert {"outstanding_principal", "bill 1 principal_paid"} <= fields


def test_a_missing_account_entry_is_named(loan):
    fact = Fact.objects.get()
    raw("DELETE FROM ledger_accountentry")
    assert found() == [(f"account entry of repayment {fact.pk}", None, (fact.account_id, -40_000))]


def test_an_account_entry_of_another_amount_is_named(loan):
    fact = Fact.objects.get()
    raw("UPDATE ledger_accountentry SET amount = -1")
    assert found() == [(f"account entry of repayment {fact.pk}", (fact.account_id, -1), (fact.account_id, -40_000))]


def test_an_undoing_that_gave_nothing_back_is_named(loan):
    undone = reverse_fact(fact=Fact.objects.get(), recording=make.recording()).fact
    raw("DELETE FROM ledger_accountentry WHERE amount > 0")
    assert [field for field, _stored, _computed in found()] == [f"account entry of reversal {undone.pk}"]
    assert AccountEntry.objects.count() == 1


def test_a_loan_of_another_currency_than_its_terms_is_named(loan):
    Loan.objects.update(currency="USD")
    assert found() == [("currency", "USD", "CNY")]


def test_only_the_loans_asked_for_are_looked_at(loan):
    other = make.loan(loan.household)
    Loan.objects.filter(pk=loan.pk).update(credit=7)
    assert (list(find_problems([other])), len(list(find_problems([loan])))) == ([], 1)


def test_checking_costs_the_same_queries_for_one_loan_and_for_three(loan, django_assert_num_queries):
    with django_assert_num_queries(8):
        list(find_problems())
    make.loan(loan.household)
    make.loan()
    with django_assert_num_queries(8):
        list(find_problems())


def anything(random, loan, card):
    """One service call with values that may or may not make sense."""
    day = FIRST_DAY + timedelta(days=random.randrange(200))
    now = make.at((FIRST_DAY + timedelta(days=random.randrange(220))).isoformat())
    common = {"loan": loan, "recording": make.recording(now)}
    number = random.randrange(1, 14)
    amount = random.choice([1, 12_000, 106_619, random.randrange(1, 1_300_000)])
    what = random.randrange(8)
    if what < 3:
        return record_repayment(
            amount=amount,
            paid_on=day,
            apply_to=random.choice(list(ApplyTo)),
            bill_number=number,
            account=random.choice([None, card]),
            **common,
        )
    if what == 3:
        component = random.choice([Component.FEE, Component.PENALTY])
        return record_charge(amount=amount, charged_on=day, component=component, bill_number=number, **common)
    if what == 4:
        component = random.choice(list(Component))
        return waive_charge(amount=500, component=component, bill_number=number, waived_on=day, **common)
    if what == 5:
        rate = random.choice([Decimal(0), Decimal("0.03"), Decimal("0.5"), Decimal(10)])
        return change_rate(annual_rate=rate, effective_on=day, effect=random.choice(list(RateEffect)), **common)
    if what == 6:
        treatment = random.choice(list(DeferralTreatment))
        later = day + timedelta(days=random.randrange(90))
        return defer_bill(bill_number=number, moved_to=later, agreed_on=day, treatment=treatment, **common)
    parts = Parts(principal=random.randrange(200_000), interest=random.randrange(20_000))
    return state_lender_figure(bill_number=number, parts=parts, stated_on=day, **common)


@pytest.mark.service
@pytest.mark.parametrize("seed", range(16))
def test_whatever_is_recorded_or_undone_the_books_agree(seed):
    random = Random(seed)
    home = make.household()
    loan = make.loan(
        home,
        method=random.choice([Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY]),
        count=random.choice([1, 3, 12]),
        penalty=PenaltyTerms(annual_rate=Decimal("0.3"), grace_days=3, late_fee=500),
        excess=random.choice(list(Excess)),
    )
    card = make.account(home)
    for _ in range(10):
        loan.refresh_from_db()
        anything(random, loan, card)
        facts = list(Fact.objects.filter(loan=loan))
        if facts and random.random() < 0.3:
            reverse_fact(fact=random.choice(facts), recording=make.recording())
        assert list(find_problems([loan])) == []
