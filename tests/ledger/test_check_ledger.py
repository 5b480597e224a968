"""check_ledger: finds nothing after anything that went through services, and everything that did not."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from random import Random

import pytest
from django.core.management import call_command

from ledger.loanmath.facts import ApplyTo, CouponKind, DeferralTreatment, RateEffect
from ledger.loanmath.in_force import agreement_from
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import Component, Excess, Method, PenaltyTerms
from ledger.models import AccountEntry, Allocation, Bill, Fact, Loan
from ledger.selectors.history import history
from ledger.services.agreement import (
    amend_terms,
    change_rate,
    defer_bill,
    extend_loan,
    move_due_date,
    pause_interest,
    record_arrangement,
    record_drawdown,
)
from ledger.services.charges import (
    record_charge,
    record_coupon,
    record_refund,
    state_lender_figure,
    waive_charge,
)
from ledger.services.checking import find_problems
from ledger.services.repayments import record_repayment
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.tampering import tamper

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
    tamper("UPDATE ledger_fact SET amount = 39999")
    fields = {field for field, _stored, _computed in found()}
    assert {"outstanding_principal", "bill 1 principal_paid"} <= fields


def test_a_missing_account_entry_is_named(loan):
    fact = Fact.objects.get()
    tamper("DELETE FROM ledger_accountentry")
    assert found() == [(f"account entry of repayment {fact.pk}", None, (fact.account_id, -40_000))]


def test_an_account_entry_of_another_amount_is_named(loan):
    fact = Fact.objects.get()
    tamper("UPDATE ledger_accountentry SET amount = -1")
    assert found() == [(f"account entry of repayment {fact.pk}", (fact.account_id, -1), (fact.account_id, -40_000))]


def test_an_undoing_that_gave_nothing_back_is_named(loan):
    undone = reverse_fact(fact=Fact.objects.get(), recording=make.recording()).fact
    tamper("DELETE FROM ledger_accountentry WHERE amount > 0")
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
    return random.choice(WHAT)(random, day, card, common)


def amount(random):
    return random.choice([1, 12_000, 106_619, random.randrange(1, 1_300_000)])


def number(random):
    return random.randrange(1, 14)


def later(random, day):
    return day + timedelta(days=random.randrange(90))


def repays(random, day, card, common):
    return record_repayment(
        amount=amount(random),
        paid_on=day,
        apply_to=random.choice(list(ApplyTo)),
        bill_number=number(random),
        account=random.choice([None, card]),
        **common,
    )


def charges(random, day, card, common):
    return record_charge(
        amount=amount(random),
        charged_on=day,
        component=random.choice([Component.FEE, Component.PENALTY]),
        **random.choice([{}, {"bill_number": number(random)}, {"asked_from": later(random, day)}]),
        **common,
    )


def waives(random, day, card, common):
    component = random.choice(list(Component))
    return waive_charge(amount=500, component=component, bill_number=number(random), waived_on=day, **common)


def changes_rate(random, day, card, common):
    rate = random.choice([Decimal(0), Decimal("0.03"), Decimal("0.5"), Decimal(10)])
    return change_rate(annual_rate=rate, effective_on=day, effect=random.choice(list(RateEffect)), **common)


def defers(random, day, card, common):
    treatment = random.choice(list(DeferralTreatment))
    return defer_bill(
        bill_number=number(random), moved_to=later(random, day), agreed_on=day, treatment=treatment, **common
    )


def states_figure(random, day, card, common):
    parts = Parts(principal=random.randrange(200_000), interest=random.randrange(20_000))
    return state_lender_figure(bill_number=number(random), parts=parts, stated_on=day, **common)


def draws(random, day, card, common):
    return record_drawdown(amount=amount(random), drawn_on=day, **common)


def moves_due_date(random, day, card, common):
    return move_due_date(bill_number=number(random), moved_to=later(random, day), agreed_on=day, **common)


def pauses(random, day, card, common):
    return pause_interest(starts_on=day, until=later(random, day), **common)


def extends(random, day, card, common):
    return extend_loan(bills=random.choice([1, 6, 24]), agreed_on=day, **common)


def refunds(random, day, card, common):
    return record_refund(amount=amount(random), refunded_on=day, **common)


def uses_coupon(random, day, card, common):
    return record_coupon(
        kind=random.choice(list(CouponKind)),
        used_on=day,
        amount=random.choice([1, 5000]),
        fraction=random.choice([Decimal("0.01"), Decimal("0.5"), Decimal(1)]),
        count=random.choice([1, 3, 30]),
        bill_number=random.choice([None, number(random)]),
        until=random.choice([None, later(random, day)]),
        cap=random.choice([None, 3000]),
        by_third_party=random.random() < 0.5,
        **common,
    )


def other_terms(random, day, common):
    """What a form would make of a few figures: the agreement as it is, with some of them changed."""
    past = history(common["loan"])
    return replace(
        agreement_from(past.terms, past.facts, day),
        annual_rate=random.choice([Decimal(0), Decimal("0.06"), Decimal("0.3")]),
        method=random.choice([Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY]),
        first_due_on=later(random, day) + timedelta(days=1),
        count=random.choice([1, 5, 18]),
        due_dates=(),
        penalty=PenaltyTerms(annual_rate=Decimal("0.2"), grace_days=random.choice([0, 5])),
    )


def amends(random, day, card, common):
    return amend_terms(terms=other_terms(random, day, common), effective_on=day, **common)


def arranges(random, day, card, common):
    terms = other_terms(random, day, common)
    return record_arrangement(terms=terms, agreed_on=day, forgives=random.random() < 0.5, **common)


WHAT = [
    *(repays, repays, repays, repays, charges, waives, changes_rate, defers, defers, states_figure, draws),
    *(moves_due_date, pauses, extends, refunds, uses_coupon, uses_coupon, amends, arranges),
]


@pytest.mark.service
@pytest.mark.parametrize("seed", range(24))
def test_whatever_is_recorded_or_undone_the_books_agree(seed):
    random = Random(seed)
    home = make.household()
    loan = make.loan(
        home,
        method=random.choice([Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY, Method.FLAT]),
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
