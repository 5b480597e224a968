"""Amended terms and arrangements: a new version of the agreement as a fact, looked at, recorded once, undone."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import time_machine

from ledger.loanmath.money import Parts
from ledger.loanmath.standing import Standing
from ledger.loanmath.terms import ListedRow, Method, PenaltyTerms, PrepaymentFee, Unit
from ledger.models import Bill, Fact, Loan, TermsVersion
from ledger.selectors.loan import loan_page
from ledger.services.agreement import amend_terms, change_rate, extend_loan, record_arrangement
from ledger.services.projection import refresh_loan
from ledger.services.recording import Recorded
from ledger.services.refusal import Refusal
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.ledger.fact_pages import TODAY, errors, look, send, settle, url

pytestmark = [pytest.mark.django_db, pytest.mark.service]

DAY = date(2026, 3, 9)
BILL = 106_619
SAME = {"annual_rate": "12", "method": "level", "due_day": "10"}  # the agreement as it is
ANEW = {"annual_rate": "0", "method": "level", "first_due_on": "2026-04-10", "count": "24", "effect": ""}


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def loan(home):
    return make.loan(home, now=TODAY)


def asked():
    return [(bill.number, bill.due_on, bill.due.total) for bill in Bill.objects.filter(is_needed=True)]


def version(number=2):
    return TermsVersion.objects.get(number=number)


def test_the_form_begins_with_the_agreement_as_it_is(client, home):
    loan = make.loan(home, now=TODAY, bill_fee=500, penalty=PenaltyTerms(annual_rate=Decimal("0.18"), grace_days=3))
    form = client.get(url("amend_terms", loan)).context["form"]
    values = {name: form[name].value() for name in form.fields if name not in ("key", "seen")}
    assert values == {
        "effective_on": date(2026, 3, 9),
        "annual_rate": "12",
        "method": "level",
        "first_due_on": None,
        "count": None,
        "due_day": 10,
        "payment": None,
        "table": "",
        "bill_fee": "5.00",
        "penalty_rate": "18",
        "grace_days": 3,
        "late_fee": "0.00",
        "prepayment_fee": "0",
        "note": None,
    }
    assert form.fields["first_due_on"].help_text == "Empty: as it is, 10 Mar 2026."
    assert form.fields["count"].help_text == "Empty: as it is, 11."


def test_it_begins_with_the_rate_that_counts_now_and_the_bills_that_are_left(client, loan):
    change_rate(loan=loan, annual_rate=Decimal("0.06"), effective_on=DAY, recording=make.recording(TODAY))
    extend_loan(loan=loan, bills=6, agreed_on=DAY, recording=make.recording(TODAY))
    form = client.get(url("amend_terms", loan)).context["form"]
    assert (form["annual_rate"].value(), form.fields["count"].help_text) == ("6", "Empty: as it is, 17.")


def test_more_bills_are_seen_before_they_are_agreed(client, loan):
    """11,053.81 at 1 % over 24 bills: 520.34."""
    change = look(client, "amend_terms", loan, **SAME, count="24").context["change"]
    assert (change.new_payment, change.added, change.ends_after) == (52_034, 13, date(2028, 2, 10))
    assert (Fact.objects.count(), TermsVersion.objects.count()) == (0, 1)
    send(client, "amend_terms", loan, **SAME, count="24")
    assert asked()[:3] == [(1, date(2026, 2, 10), BILL), (2, date(2026, 3, 10), 52_034), (3, date(2026, 4, 10), 52_034)]
    assert (version().effective_on, version().count, version().principal) == (DAY, 24, 1_105_381)
    assert Fact.objects.get().terms_version == version()


@pytest.mark.parametrize(
    "said, expected",
    [  # what is left, 11,053.81, and its interest to 9 March, 98.12, over 11 bills
        ({"annual_rate": "0"}, {2: (date(2026, 3, 10), 101_381), 3: (date(2026, 4, 10), 101_381)}),
        ({"method": "equal_principal"}, {2: (date(2026, 3, 10), 111_543), 3: (date(2026, 4, 10), 110_538)}),
        ({"payment": "2,000"}, {2: (date(2026, 3, 10), 200_000), 3: (date(2026, 4, 10), 200_000)}),
        ({"due_day": "25"}, {2: (date(2026, 3, 25), 107_129), 3: (date(2026, 4, 25), 107_129)}),
        ({"first_due_on": "2026-04-10"}, {2: (date(2026, 4, 10), 107_674), 3: (date(2026, 5, 10), 107_674)}),
        ({"bill_fee": "5"}, {2: (date(2026, 3, 10), BILL + 500), 3: (date(2026, 4, 10), BILL + 500)}),
    ],
)
def test_each_term_can_be_amended_by_itself(client, loan, said, expected):
    assert send(client, "amend_terms", loan, **(SAME | said)).status_code == 302
    bills = {bill.number: (bill.due_on, bill.due.total) for bill in Bill.objects.all()}
    assert {number: bills[number] for number in expected} == expected
    assert bills[1] == (date(2026, 2, 10), BILL)
    assert Bill.objects.order_by("number").last().outstanding_after == 0


def test_lateness_can_be_amended_and_leaves_the_bills_alone(client, loan):
    before = asked()
    said = {"penalty_rate": "18", "grace_days": "40", "late_fee": "30", "prepayment_fee": "1"}
    send(client, "amend_terms", loan, **SAME, **said)
    assert asked() == before
    terms = version().value
    assert terms == replace(
        version(1).value,
        penalty=PenaltyTerms(annual_rate=Decimal("0.18"), grace_days=40, late_fee=3000),
        prepayment_fee=PrepaymentFee(fraction=Decimal("0.01")),
    )
    loan.refresh_from_db()
    assert loan.grace_days == 40


def test_nothing_is_asked_to_be_changed_before_the_form_is_touched(client, loan):
    assert "This is the agreement as it is" not in client.get(url("amend_terms", loan)).content.decode()


def test_nothing_amended_is_said_and_not_recorded(client, loan):
    response = send(client, "amend_terms", loan, **SAME)
    assert errors(response) == {"__all__": ["This is the agreement as it is. Change what was amended."]}
    assert TermsVersion.objects.count() == 1


def test_a_typing_mistake_in_the_first_terms_is_amended_from_the_first_day(client, loan):
    """The whole agreement is another one: 12,000.00 at 6 % over 12 bills is 1,032.80 each."""
    change = look(client, "amend_terms", loan, **(SAME | {"annual_rate": "6"}), effective_on="2026-01-10")
    assert change.context["change"].moved[0].after == 103_280
    send(client, "amend_terms", loan, **(SAME | {"annual_rate": "6"}), effective_on="2026-01-10")
    assert asked()[0] == (1, date(2026, 2, 10), 103_280)
    assert loan_page(Loan.objects.get(), DAY).cost.advertised == Decimal("0.06")


def test_the_lenders_own_table_replaces_the_bills_to_come(client, loan):
    """From 10 March, when bill 2 is due, so that the first row begins where that bill ends."""
    table = "2026-04-10\t5098.16\t100.98\n2026-05-10\t5000.00\t50.00\t2.00"
    said = SAME | {"method": "listed", "table": table, "effective_on": "2026-03-10"}
    assert send(client, "amend_terms", loan, **said).status_code == 302
    refresh_loan(loan, date(2026, 3, 10))
    assert [bill.due for bill in Bill.objects.filter(number__in=(3, 4))] == [
        Parts(509_816, 10_098),
        Parts(500_000, 5_000, 200),
    ]
    assert not Bill.objects.filter(number__gt=4, is_needed=True).exists()


def test_a_table_that_does_not_repay_what_is_owed_is_refused(client, loan):
    response = send(client, "amend_terms", loan, **(SAME | {"method": "listed", "table": "2026-04-10 5000 50"}))
    assert errors(response) == {
        "table": ["The principal in the rows comes to ¥5,000.00, but ¥11,053.81 is owed. Check the table."]
    }


@pytest.mark.parametrize(
    "said, field",
    [
        ({"annual_rate": "1001"}, "annual_rate"),
        ({"annual_rate": ""}, "annual_rate"),
        ({"method": "no-such"}, "method"),
        ({"method": "listed", "table": ""}, "table"),
        ({"method": "listed", "table": "2026-05-10 1 1\n2026-04-10 1 1"}, "table"),
        ({"method": "listed", "table": "2026-03-09 11053.81 1"}, "table"),
        ({"count": "601"}, "count"),
        ({"count": "0"}, "count"),
        ({"due_day": "32"}, "due_day"),
        ({"first_due_on": "2026-03-09"}, "first_due_on"),
        ({"first_due_on": "2036-03-09"}, "first_due_on"),
        ({"payment": "100"}, "payment"),
        ({"grace_days": "367"}, "grace_days"),
        ({"penalty_rate": "-1"}, "penalty_rate"),
        ({"prepayment_fee": "101"}, "prepayment_fee"),
        ({"effective_on": "2026-01-09"}, "effective_on"),
    ],
)
def test_terms_that_cannot_be_are_refused_at_their_field(client, loan, said, field):
    response = send(client, "amend_terms", loan, **(SAME | said))
    assert (response.status_code, list(errors(response))) == (422, [field])
    assert (Fact.objects.count(), TermsVersion.objects.count()) == (0, 1)


def test_a_payment_too_low_is_told_the_least_one(client, loan):
    response = send(client, "amend_terms", loan, **(SAME | {"payment": "110"}))
    assert errors(response) == {
        "payment": [
            "With this payment the loan would never be repaid: the interest is higher. It takes at least ¥110.55."
        ]
    }


def test_yearly_bills_have_no_due_day_of_the_month(client, home):
    loan = make.loan(home, now=TODAY, unit=Unit.YEAR, count=5, first_due_on=date(2026, 12, 20))
    assert "due_day" not in client.get(url("amend_terms", loan)).context["form"].fields
    assert send(client, "amend_terms", loan, annual_rate="6", method="level").status_code == 302


def test_a_flat_plan_may_stay_flat(client, home):
    loan = make.loan(home, now=TODAY, method=Method.FLAT, annual_rate=Decimal(0), flat_fee=12_000)
    said = {"annual_rate": "0", "method": "flat", "due_day": "10", "count": "22"}
    assert send(client, "amend_terms", loan, **said).status_code == 302
    assert version().value.flat_fee == 11_000
    assert [bill.due for bill in Bill.objects.filter(number__in=(1, 2))] == [
        Parts(100_000, fee=1000),
        Parts(50_000, fee=500),
    ]


def test_a_listed_plan_is_not_amended_by_a_rate_alone(client, home):
    rows = tuple(ListedRow(date(2026, month, 10), Parts(600_000, 6_000)) for month in (2, 4))
    loan = make.loan(home, now=TODAY, method=Method.LISTED, annual_rate=Decimal(0), count=2, listed=rows)
    said = {"annual_rate": "12", "method": "level", "due_day": "10", "count": "6"}
    assert send(client, "amend_terms", loan, **said).status_code == 302
    assert len(asked()) == 7


def test_an_amendment_sent_twice_is_recorded_once(client, loan):
    said = SAME | {"annual_rate": "6", "count": "20"}
    first, second = (send(client, "amend_terms", loan, **said) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert (Fact.objects.count(), TermsVersion.objects.count()) == (1, 2)


def test_the_same_key_with_other_terms_is_refused(client, loan):
    send(client, "amend_terms", loan, **(SAME | {"annual_rate": "6"}))
    response = send(client, "amend_terms", loan, **(SAME | {"annual_rate": "7"}))
    assert (response.status_code, Fact.objects.count(), TermsVersion.objects.count()) == (409, 1, 2)


def test_versions_are_numbered_kept_and_shown_with_what_holds(client, loan):
    send(client, "amend_terms", loan, **(SAME | {"annual_rate": "6"}))
    send(client, "amend_terms", loan, **(SAME | {"annual_rate": "3"}), key="second-key")
    reverse_fact(fact=Fact.objects.latest("pk"), recording=make.recording(TODAY))
    shown = loan_page(Loan.objects.get(), DAY).terms
    assert [(line.number, line.is_current, line.is_undone, line.terms.annual_rate) for line in shown] == [
        (3, False, True, Decimal("0.03")),
        (2, True, False, Decimal("0.06")),
        (1, False, False, Decimal("0.12")),
    ]
    page = " ".join(client.get(url("loan", loan)).content.decode().split())
    assert page.count("In force") == 1
    assert "Agreement amended, version 2: 6% a year, 11 bills from 10 Mar" in page
    assert "Undone: version 3 of the agreement" in page
    send(client, "amend_terms", loan, **(SAME | {"annual_rate": "4"}), key="fourth-key")
    assert list(TermsVersion.objects.values_list("number", flat=True)) == [1, 2, 3, 4]


def test_undoing_an_amendment_brings_the_bills_back_and_redoing_it_too(client, loan):
    before = asked()
    send(client, "amend_terms", loan, **SAME, count="24")
    amended = asked()
    undone = reverse_fact(fact=Fact.objects.get(), recording=make.recording(TODAY)).fact
    assert asked() == before
    reverse_fact(fact=undone, recording=make.recording(TODAY))
    assert asked() == amended


def test_an_arrangement_repays_everything_overdue_included(client, loan):
    """12,000.00 of principal, 120.00 of bill 1's interest and 27 days of 11,053.81 at 12 % / 365, 98.12: over 24 bills
    without interest 509.09 each."""
    change = look(client, "record_arrangement", loan, **ANEW).context["change"]
    assert (change.new_payment, change.ends_after, change.marks_removed) == (50_909, date(2028, 3, 10), 1)
    assert (Fact.objects.count(), TermsVersion.objects.count()) == (0, 1)
    send(client, "record_arrangement", loan, **ANEW)
    assert version().principal == 1_200_000 + 12_000 + 9_812
    assert sum(bill.due.principal for bill in Bill.objects.all()) == 1_221_812
    replaced = Bill.objects.get(number=1)
    assert (replaced.due, replaced.is_replaced, replaced.standing(DAY)) == (Parts(), True, Standing.REPLACED)
    shown = loan_page(Loan.objects.get(), DAY).terms[0]
    assert (shown.number, shown.is_current, shown.is_arrangement) == (2, True, True)


def test_what_is_forgiven_is_not_repaid_and_is_told(client, loan):
    said = ANEW | {"effect": "forgives"}
    assert look(client, "record_arrangement", loan, **said).context["change"].saves > 0
    send(client, "record_arrangement", loan, **said)
    assert (version().principal, version().count) == (1_200_000, 24)
    assert sum(bill.due.total for bill in Bill.objects.all()) == 1_200_000
    page = " ".join(client.get(url("loan", loan)).content.decode().split())
    assert "Arrangement: 24 bills from 10 Apr at 0% a year, unpaid interest and charges forgiven" in page


def test_an_arrangement_by_the_lenders_table(client, loan):
    table = "2026-04-10 6000 0\n2026-05-10 6000 0"
    said = ANEW | {"method": "listed", "table": table, "effect": "forgives", "first_due_on": "", "count": ""}
    assert send(client, "record_arrangement", loan, **said).status_code == 302
    assert asked()[1:] == [(2, date(2026, 4, 10), 600_000), (3, date(2026, 5, 10), 600_000)]


def test_undoing_an_arrangement_brings_the_overdue_bill_back(client, loan):
    before = asked()
    send(client, "record_arrangement", loan, **ANEW)
    client.post(f"/loans/{loan.pk}/facts/{Fact.objects.get().pk}/undo/", {"key": "another-key"})
    assert asked() == before
    assert Bill.objects.get(number=1).is_replaced is False
    assert "Undone: the arrangement of 9 Mar" in " ".join(client.get(url("loan", loan)).content.decode().split())


@pytest.mark.parametrize(
    "said, field",
    [
        ({"first_due_on": ""}, "first_due_on"),
        ({"first_due_on": "2026-03-09"}, "first_due_on"),
        ({"count": ""}, "count"),
        ({"effect": "no-such"}, "effect"),
        ({"method": "flat"}, "method"),
        ({"annual_rate": "12", "payment": "100"}, "payment"),
        ({"method": "listed", "table": "2026-04-10 6000 0"}, "table"),
    ],
)
def test_an_arrangement_that_cannot_be_is_refused_at_its_field(client, loan, said, field):
    response = send(client, "record_arrangement", loan, **(ANEW | said))
    assert (response.status_code, list(errors(response))) == (422, [field])
    assert (Fact.objects.count(), TermsVersion.objects.count()) == (0, 1)


def test_a_settled_loan_has_nothing_to_agree_on(client, loan):
    settle(loan)
    for name, said in (("amend_terms", SAME | {"annual_rate": "6"}), ("record_arrangement", ANEW)):
        response = send(client, name, loan, **said)
        assert errors(response) == {"__all__": ["This loan is settled: there is nothing left to agree on."]}


def test_services_say_the_same_as_the_pages(loan):
    terms = replace(make.terms(), count=11, first_due_on=date(2026, 3, 10), principal=1_105_381, annual_rate=Decimal(0))
    recording = make.recording(TODAY)
    first = amend_terms(loan=loan, terms=terms, effective_on=DAY, recording=recording)
    again = amend_terms(loan=loan, terms=terms, effective_on=DAY, recording=recording)
    other = amend_terms(loan=loan, terms=replace(terms, count=9), effective_on=DAY, recording=recording)
    assert (first, again) == (Recorded(first.fact), Recorded(first.fact, replayed=True))
    assert isinstance(other, Refusal)
    assert other.code == "key_conflict"
    dollars = record_arrangement(
        loan=loan, terms=replace(terms, currency="USD"), agreed_on=DAY, recording=make.recording(TODAY)
    )
    assert isinstance(dollars, Refusal)
    assert dollars.code == "currency"
