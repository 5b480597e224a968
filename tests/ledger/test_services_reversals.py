"""Undoing: everything is as if the fact had never been recorded, and undoing the undoing brings it back."""

from datetime import date

import pytest

from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.terms import Component
from ledger.models import AccountEntry, Allocation, Bill, Fact, Loan
from ledger.services.agreement import change_rate, defer_bill
from ledger.services.charges import record_charge, waive_charge
from ledger.services.recording import Recorded
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

DAY = date(2026, 3, 10)
NOW = at("2026-03-10")


@pytest.fixture
def loan():
    return make.loan(now=NOW)


def state_of(loan):
    """The computed columns, bills and allocations of a loan, apart from its version."""
    row = Loan.objects.filter(pk=loan.pk).values().get()
    row.pop("version")
    return (
        row,
        list(Bill.objects.filter(loan=loan).order_by("number").values()),
        list(Allocation.objects.filter(loan=loan).order_by("repayment", "bill").values_list("repayment", "bill")),
    )


def record(kind, loan):
    """One fact of a kind."""
    recording = make.recording(NOW)
    if kind == "charge":
        return record_charge(loan=loan, amount=500, charged_on=DAY, recording=recording).fact
    if kind == "waiver":
        return waive_charge(
            loan=loan, amount=500, component=Component.INTEREST, bill_number=1, waived_on=DAY, recording=recording
        ).fact
    if kind == "rate":
        return change_rate(loan=loan, annual_rate=0, effective_on=DAY, recording=recording).fact
    if kind == "deferral":
        return defer_bill(loan=loan, bill_number=2, moved_to=date(2026, 3, 25), agreed_on=DAY, recording=recording).fact
    amount = {"payoff": 1_223_054}.get(kind, 300_000)
    return record_repayment(loan=loan, amount=amount, paid_on=DAY, apply_to=ApplyTo(kind), recording=recording).fact


KINDS = ["due", "shorten", "lower", "payoff", "charge", "waiver", "rate", "deferral"]


@pytest.mark.parametrize("kind", KINDS)
def test_recording_and_undoing_leaves_everything_as_it_was(loan, kind):
    before = state_of(loan)
    fact = record(kind, loan)
    assert state_of(loan) != before
    assert isinstance(reverse_fact(fact=fact, recording=make.recording(NOW)), Recorded)
    assert state_of(loan) == before


@pytest.mark.parametrize("kind", KINDS)
def test_undoing_the_undoing_brings_the_fact_back(loan, kind):
    fact = record(kind, loan)
    after = state_of(loan)
    undone = reverse_fact(fact=fact, recording=make.recording(NOW)).fact
    assert isinstance(reverse_fact(fact=undone, recording=make.recording(NOW)), Recorded)
    assert state_of(loan) == after


def test_a_fact_is_undone_once(loan):
    fact = record("due", loan)
    reverse_fact(fact=fact, recording=make.recording(NOW))
    refused = reverse_fact(fact=fact, recording=make.recording(NOW))
    assert isinstance(refused, Refusal)
    assert (refused.code, Fact.objects.count()) == ("already_reversed", 2)


def test_the_same_key_undoes_once_and_says_so(loan):
    fact = record("due", loan)
    first = reverse_fact(fact=fact, recording=make.recording(NOW, key="once"))
    second = reverse_fact(fact=fact, recording=make.recording(NOW, key="once"))
    assert (first.fact.pk, second.replayed) == (second.fact.pk, True)


def test_a_reversal_counts_from_the_day_of_what_it_undoes(loan):
    fact = record("due", loan)
    assert reverse_fact(fact=fact, recording=make.recording(at("2026-04-01"))).fact.effective_on == DAY


def test_the_account_gets_back_what_an_undone_repayment_took(loan):
    card = make.account(loan.household)
    paid = record_repayment(loan=loan, amount=500, paid_on=DAY, account=card, recording=make.recording(NOW)).fact
    undone = reverse_fact(fact=paid, recording=make.recording(at("2026-03-12"))).fact
    reverse_fact(fact=undone, recording=make.recording(at("2026-03-13")))
    entries = AccountEntry.objects.order_by("pk").values_list("amount", "entry_on", "booked_at")
    assert list(entries) == [(-500, DAY, NOW), (500, DAY, NOW), (-500, DAY, NOW)]


def test_undoing_an_early_repayment_lets_later_ones_move_up(loan):
    early = record_repayment(loan=loan, amount=106_619, paid_on=date(2026, 2, 10), recording=make.recording(NOW)).fact
    record_repayment(loan=loan, amount=106_619, paid_on=DAY, recording=make.recording(NOW))
    reverse_fact(fact=early, recording=make.recording(NOW))
    assert [(bill.number, bill.settled_on) for bill in Bill.objects.order_by("number")[:2]] == [(1, DAY), (2, None)]
