"""Opening a loan: its terms kept as agreed, its bills made, once under its key."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import ListedRow, Method, PenaltyTerms, Unit
from ledger.models import Bill, Lender, Loan, Repayment, TermsVersion
from ledger.selectors.history import history
from ledger.services.loans import Opened, open_loan
from ledger.services.refusal import Refusal
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]


def open_it(home, **more):
    values = {
        "lender_name": "Bank",
        "name": "Car",
        "terms": make.terms(),
        "key": make.unique(),
        "now": make.NOW,
    } | more
    return open_loan(household=home, **values)


def test_a_loan_is_opened_with_its_terms_and_bills():
    home = make.household()
    person = make.user()
    opened = open_it(home, by=person, note="blue")
    assert isinstance(opened, Opened)
    loan = opened.loan
    assert (loan.household, loan.lender.name, loan.currency, loan.opened_by, loan.opened_at, loan.note) == (
        home,
        "Bank",
        "CNY",
        person,
        make.NOW,
        "blue",
    )
    assert (loan.outstanding_principal, loan.projected_on, loan.settled_on) == (1_200_000, date(2026, 3, 1), None)
    assert Bill.objects.filter(loan=loan).count() == 12
    assert sum(Bill.objects.values_list("principal_due", flat=True)) == 1_200_000


@pytest.mark.parametrize(
    "terms",
    [
        make.terms(),
        make.terms(method=Method.FLAT, annual_rate=Decimal(0), flat_fee=7200),
        make.terms(unit=Unit.WEEK, day_count=DayCount.ACT_365F, first_due_on=date(2026, 1, 17)),
        make.terms(penalty=PenaltyTerms(annual_rate=Decimal("0.18"), grace_days=3, late_fee=1000)),
        make.terms(currency="KWD", principal=10**13, annual_rate=Decimal("0.0000000001")),
        make.terms(
            method=Method.LISTED,
            count=2,
            principal=300,
            annual_rate=Decimal(0),
            listed=(
                ListedRow(date(2026, 2, 10), Parts(principal=100, interest=5)),
                ListedRow(date(2026, 3, 10), Parts(principal=200, fee=1)),
            ),
        ),
    ],
)
def test_terms_are_read_back_as_they_were_agreed(terms):
    opened = open_it(make.household(), terms=terms)
    assert isinstance(opened, Opened)
    assert history(opened.loan).terms == terms


def test_the_same_key_and_agreement_open_one_loan():
    home = make.household()
    first, second = open_it(home, key="once"), open_it(home, key="once", now=make.at("2026-03-05"))
    assert (first.loan, second.loan, second.replayed, Loan.objects.count()) == (first.loan, first.loan, True, 1)


@pytest.mark.parametrize(
    "other", [{"name": "Bike"}, {"lender_name": "Other"}, {"note": "x"}, {"terms": make.terms(count=11)}]
)
def test_the_same_key_with_another_agreement_is_refused_and_nothing_is_written(other):
    home = make.household()
    open_it(home, key="once")
    refused = open_it(home, key="once", **other)
    assert isinstance(refused, Refusal)
    assert (refused.code, Loan.objects.count(), Lender.objects.count()) == ("key_conflict", 1, 1)


def test_terms_that_cannot_be_are_refused_and_nothing_is_written():
    home = make.household()
    refused = open_it(home, terms=make.terms(count=601))
    assert isinstance(refused, Refusal)
    assert (refused.code, Loan.objects.count(), Lender.objects.count()) == ("out_of_range", 0, 0)


def test_bills_long_past_can_be_entered_as_paid_on_their_days():
    opened = open_it(make.household(), paid_before=date(2026, 4, 10), now=make.at("2026-04-10"), key="once")
    assert isinstance(opened, Opened)
    paid = [(fact.amount, fact.effective_on, fact.bill_number) for fact in Repayment.objects.order_by("pk")]
    assert paid == [(106_619, date(2026, 2, 10), 1), (106_619, date(2026, 3, 10), 2)]
    settled = Bill.objects.exclude(settled_on=None).values_list("number", "settled_on")
    assert list(settled) == [(1, date(2026, 2, 10)), (2, date(2026, 3, 10))]
    again = open_it(opened.loan.household, paid_before=date(2026, 4, 10), now=make.at("2026-04-11"), key="once")
    assert (again.replayed, Repayment.objects.count()) == (True, 2)


def test_two_loans_of_one_lender_share_it():
    home = make.household()
    open_it(home)
    open_it(home)
    assert (Loan.objects.count(), Lender.objects.count()) == (2, 1)


def test_the_same_lender_in_two_households_is_two():
    open_it(make.household())
    open_it(make.household())
    assert Lender.objects.count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"principal": 0},
        {"annual_rate": Decimal("-0.1")},
        {"count": 601},
        {"count": 0},
        {"method": "guess"},
        {"first_due_on": date(2026, 1, 9)},
    ],
)
def test_the_database_itself_refuses_terms_that_cannot_be(wrong):
    loan = make.loan()
    version = TermsVersion.objects.get(loan=loan)
    values = {name: getattr(version, name) for name in TermsVersion.COLUMNS} | wrong
    row = TermsVersion(
        loan=loan,
        household_id=loan.household_id,
        number=2,
        effective_on=date(2026, 2, 1),
        recorded_at=make.NOW,
        **values,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
