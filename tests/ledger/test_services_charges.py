"""Charges, waivers, rate changes, deferrals and lender's figures: what they change and what is refused."""

from datetime import date
from decimal import Decimal

import pytest

from ledger.loanmath.facts import DeferralTreatment, RateEffect
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import Component, Method
from ledger.models import Bill, Fact
from ledger.services.agreement import change_rate, defer_bill
from ledger.services.charges import record_charge, state_lender_figure, waive_charge
from ledger.services.recording import Recorded
from ledger.services.refusal import Refusal
from tests import builders as make
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

DAY = date(2026, 3, 1)
NOW = at("2026-03-01")


@pytest.fixture
def loan():
    return make.loan(now=NOW)


def bill(number):
    return Bill.objects.get(number=number)


def given(result):
    assert isinstance(result, Recorded), result
    return result.fact


def refusal(result):
    assert isinstance(result, Refusal), result
    assert Fact.objects.count() == 0
    return result.code, result.field


def charge(loan, **more):
    values = {"amount": 500, "charged_on": DAY, "recording": make.recording(NOW)} | more
    return record_charge(loan=loan, **values)


def waive(loan, **more):
    values = {"amount": 500, "component": Component.INTEREST, "bill_number": 1, "waived_on": DAY}
    return waive_charge(loan=loan, **({"recording": make.recording(NOW)} | values | more))


def rate(loan, **more):
    values = {"annual_rate": Decimal("0.06"), "effective_on": DAY, "recording": make.recording(NOW)} | more
    return change_rate(loan=loan, **values)


def defer(loan, **more):
    values = {"bill_number": 2, "moved_to": date(2026, 3, 25), "agreed_on": DAY, "recording": make.recording(NOW)}
    return defer_bill(loan=loan, **(values | more))


def figure(loan, parts, **more):
    values = {"bill_number": 2, "stated_on": DAY, "recording": make.recording(NOW)} | more
    return state_lender_figure(loan=loan, parts=parts, **values)


def test_a_fee_joins_the_next_bill_and_a_penalty_its_own(loan):
    given(charge(loan))
    given(charge(loan, component=Component.PENALTY, bill_number=1, amount=700))
    assert (bill(2).fee_due, bill(1).penalty_due) == (500, 700)


@pytest.mark.parametrize(
    "more, answer",
    [
        ({"amount": 0}, ("not_positive", "amount")),
        ({"amount": -1}, ("not_positive", "amount")),
        ({"amount": 10**13 + 1}, ("too_large", "amount")),
        ({"component": Component.INTEREST}, ("component", "component")),
        ({"bill_number": 13}, ("no_such_bill", "bill")),
        ({"charged_on": date(2026, 1, 9)}, ("before_disbursement", "effective_on")),
    ],
)
def test_a_charge_that_cannot_be_is_refused(loan, more, answer):
    assert refusal(charge(loan, **more)) == answer


def test_a_waiver_is_taken_off_the_part_it_names(loan):
    given(waive(loan))
    assert (bill(1).waived, bill(1).open.interest) == (Parts(interest=500), 11_500)


@pytest.mark.parametrize(
    "more, answer",
    [
        ({"amount": 12_001}, ("above_open", "amount")),
        ({"component": Component.PENALTY}, ("above_open", "amount")),
        ({"amount": 0}, ("not_positive", "amount")),
        ({"bill_number": 0}, ("no_such_bill", "bill")),
    ],
)
def test_a_waiver_that_cannot_be_is_refused(loan, more, answer):
    assert refusal(waive(loan, **more)) == answer


def test_a_waiver_of_all_that_is_left_settles_the_bill(loan):
    make.repayment(loan, 12_000, DAY, NOW)
    given(waive(loan, component=Component.PRINCIPAL, amount=94_619))
    assert (bill(1).settled_on, bill(1).open) == (DAY, Parts())


def test_a_rate_change_keeps_the_term_or_the_payment():
    kept_term, kept_payment = make.loan(now=NOW), make.loan(now=NOW)
    given(rate(kept_term))
    given(rate(kept_payment, effect=RateEffect.KEEP_PAYMENT))
    term, payment = (Bill.objects.filter(loan=loan).needed().order_by("number") for loan in (kept_term, kept_payment))
    assert (len(term), term[5].due.total < 106_619) == (12, True)
    assert payment[5].due.total == 106_619
    assert payment.last().due.total < term.last().due.total


def test_bills_already_due_keep_their_figures_when_the_rate_changes(loan):
    before = bill(1).due
    given(rate(loan))
    assert bill(1).due == before


@pytest.mark.parametrize(
    "more, answer",
    [
        ({"annual_rate": Decimal("10.01")}, ("rate", "annual_rate")),
        ({"annual_rate": Decimal("-0.01")}, ("rate", "annual_rate")),
        ({"effective_on": date(2026, 1, 9)}, ("before_disbursement", "effective_on")),
    ],
)
def test_a_rate_that_cannot_be_is_refused(loan, more, answer):
    assert refusal(rate(loan, **more)) == answer


def test_a_plan_with_a_flat_fee_has_no_rate_to_change():
    plan = make.loan(now=NOW, method=Method.FLAT, annual_rate=Decimal(0), flat_fee=600)
    assert refusal(rate(plan)) == ("no_rate", "")


def test_a_deferred_bill_moves_alone_or_with_those_after_it():
    alone, all_of_them = make.loan(now=NOW), make.loan(now=NOW)
    given(defer(alone))
    given(defer(all_of_them, moved_to=date(2026, 4, 10), treatment=DeferralTreatment.SHIFT))
    days = [
        [one.payable_on for one in Bill.objects.filter(loan=loan).order_by("number")[1:3]]
        for loan in (alone, all_of_them)
    ]
    assert days == [[date(2026, 3, 25), date(2026, 4, 10)], [date(2026, 4, 10), date(2026, 5, 10)]]


@pytest.mark.parametrize(
    "more, answer",
    [
        ({"moved_to": date(2026, 3, 10)}, ("not_later", "moved_to")),
        ({"bill_number": 13}, ("no_such_bill", "bill")),
        ({"agreed_on": date(2026, 1, 1)}, ("before_disbursement", "effective_on")),
    ],
)
def test_a_deferral_that_cannot_be_is_refused(loan, more, answer):
    assert refusal(defer(loan, **more)) == answer


def test_a_paid_bill_is_not_deferred(loan):
    make.repayment(loan, 106_619, DAY, NOW)
    result = defer(loan, bill_number=1)
    assert isinstance(result, Refusal)
    assert (result.code, result.field) == ("settled", "bill")


def test_the_lenders_figure_replaces_ours_and_ours_is_kept(loan):
    given(figure(loan, Parts(principal=95_565, interest=11_100)))
    assert (bill(2).due, bill(2).computed) == (
        Parts(principal=95_565, interest=11_100),
        Parts(principal=95_565, interest=11_054),
    )


def test_a_figure_below_what_was_already_paid_breaks_nothing(loan):
    make.repayment(loan, 106_619, DAY, NOW)
    given(figure(loan, Parts(principal=90_000, interest=10_000), bill_number=1))
    assert bill(1).open.total == 0


@pytest.mark.parametrize(
    "parts, more, answer",
    [
        (Parts(), {}, ("nothing", "principal")),
        (Parts(principal=1_105_382), {}, ("above_principal", "principal")),
        (Parts(interest=-1), {}, ("not_an_amount", "interest")),
        (Parts(fee=10**13 + 1), {}, ("not_an_amount", "fee")),
        (Parts(interest=1), {"bill_number": 13}, ("no_such_bill", "bill")),
    ],
)
def test_a_figure_that_cannot_be_is_refused(loan, parts, more, answer):
    assert refusal(figure(loan, parts, **more)) == answer


@pytest.mark.parametrize(
    "record",
    [
        charge,
        waive,
        rate,
        defer,
        lambda loan, **more: figure(loan, Parts(principal=1, interest=1), **more),
    ],
)
def test_each_is_recorded_once_under_its_key(loan, record):
    first = record(loan, recording=make.recording(NOW, key="once"))
    second = record(loan, recording=make.recording(NOW, key="once"))
    other = record(loan, recording=make.recording(NOW, key="once"), note="another")
    assert (given(first).pk, second.replayed, other.code) == (given(second).pk, True, "key_conflict")
    assert Fact.objects.count() == 1
