"""How any fact is added: once, under a lock, refused as a value, never changed afterwards."""

from datetime import date
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from ledger.loanmath.money import Parts
from ledger.models import AccountEntry, Allocation, Bill, Charge, Fact, Loan, Repayment, StatedBalance, TermsVersion
from ledger.services.charges import record_charge
from ledger.services.loans import Opened, open_loan
from ledger.services.recording import Recorded, fingerprint
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment
from ledger.services.reversals import reverse_fact
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]

DAY = date(2026, 3, 1)


def pay(loan, **more):
    values = {"amount": 50_000, "paid_on": DAY, "recording": make.recording()} | more
    return record_repayment(loan=loan, **values)


def state_of(loan):
    """Everything stored for a loan that a fact could have changed."""
    loan.refresh_from_db()
    return (
        loan.version,
        loan.outstanding_principal,
        loan.settled_on,
        list(Fact.objects.filter(loan=loan).order_by("pk").values()),
        list(Bill.objects.filter(loan=loan).order_by("number").values()),
        list(Allocation.objects.filter(loan=loan).order_by("pk").values()),
        list(AccountEntry.objects.filter(fact__loan=loan).order_by("pk").values()),
    )


def test_the_same_key_and_content_give_the_first_fact_and_write_nothing():
    loan = make.loan()
    recording = make.recording(key="once")
    first = pay(loan, recording=recording)
    before = state_of(loan)
    second = pay(loan, recording=make.recording(key="once", now=make.at("2026-03-02")))
    assert isinstance(first, Recorded)
    assert isinstance(second, Recorded)
    assert (first.fact.pk, second.fact.pk, first.replayed, second.replayed) == (
        first.fact.pk,
        first.fact.pk,
        False,
        True,
    )
    assert state_of(loan) == before


@pytest.mark.parametrize(
    "other", [{"amount": 50_001}, {"paid_on": date(2026, 2, 28)}, {"note": "another"}, {"apply_to": "shorten"}]
)
def test_the_same_key_with_other_content_is_refused_and_nothing_is_written(other):
    loan = make.loan()
    pay(loan, recording=make.recording(key="once"))
    before = state_of(loan)
    refused = pay(loan, recording=make.recording(key="once"), **other)
    assert isinstance(refused, Refusal)
    assert refused.code == "key_conflict"
    assert state_of(loan) == before


def test_a_key_used_on_one_loan_is_refused_on_another():
    home = make.household()
    first, second = make.loan(home), make.loan(home)
    pay(first, recording=make.recording(key="once"))
    refused = pay(second, recording=make.recording(key="once"))
    assert isinstance(refused, Refusal)
    assert (refused.code, Fact.objects.filter(loan=second).count()) == ("key_conflict", 0)


def test_a_key_used_for_a_repayment_is_refused_for_a_charge():
    loan = make.loan()
    pay(loan, recording=make.recording(key="once"))
    refused = record_charge(loan=loan, amount=50_000, charged_on=DAY, recording=make.recording(key="once"))
    assert isinstance(refused, Refusal)
    assert (refused.code, Charge.objects.count()) == ("key_conflict", 0)


def test_two_households_may_use_the_same_key():
    for loan in (make.loan(), make.loan()):
        assert isinstance(pay(loan, recording=make.recording(key="once")), Recorded)


def test_figures_seen_before_another_fact_are_stale():
    loan = make.loan()
    seen = Loan.objects.get().version
    pay(loan)
    before = state_of(loan)
    refused = pay(loan, recording=make.recording(seen=seen))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("stale", "")
    assert state_of(loan) == before
    assert isinstance(pay(loan, recording=make.recording(seen=Loan.objects.get().version)), Recorded)


def test_a_repeated_request_is_answered_even_though_its_figures_are_old():
    loan = make.loan()
    recording = make.recording(key="once", seen=Loan.objects.get().version)
    pay(loan, recording=recording)
    again = pay(loan, recording=recording)
    assert isinstance(again, Recorded)
    assert again.replayed


def test_each_fact_moves_the_version_on_by_one():
    loan = make.loan()
    start = Loan.objects.get().version
    for count in range(1, 4):
        pay(loan)
        assert Loan.objects.get().version == start + count


def test_facts_entries_balances_and_terms_are_never_changed_or_deleted():
    home = make.household()
    card = make.account(home)
    loan = make.loan(home)
    pay(loan, account=card)
    make.balance(card, 100, DAY)
    for model in (Fact, Repayment, AccountEntry, StatedBalance, TermsVersion):
        row = model.objects.get()
        with pytest.raises(TypeError, match="never changed"):
            row.save()
        with pytest.raises(TypeError, match="never deleted"):
            row.delete()
        with pytest.raises(TypeError, match="never changed"):
            model.objects.update(household=home)
        with pytest.raises(TypeError, match="never deleted"):
            model.objects.all().delete()


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"apply_to": "nothing"},
        {"source": ""},
        {"kind": "rumor"},
        {"kind": "charge", "component": "tip"},
        {"kind": "reversal"},
        {"kind": "deferral", "bill_number": 1},
    ],
)
def test_the_database_itself_refuses_facts_that_cannot_be(wrong):
    loan = make.loan()
    values = {
        "loan": loan,
        "household_id": loan.household_id,
        "kind": "repayment",
        "effective_on": DAY,
        "recorded_at": make.NOW,
        "key": "raw",
        "amount": 100,
        "apply_to": "due",
        "source": "manual",
    } | wrong
    with pytest.raises(IntegrityError), transaction.atomic():
        Fact(**values).save()


def test_the_fingerprint_tells_apart_what_a_fact_says():
    loan = make.loan()
    one = Repayment(loan=loan, amount=1, effective_on=DAY)
    same = Repayment(loan=loan, amount=1, effective_on=DAY)
    other = Repayment(loan=loan, amount=1, effective_on=DAY, presumed=True)
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


def at_once(action, times=4):
    """What `times` threads get from `action`, all let go at the same moment."""
    results, gate = [], Barrier(times)

    def run():
        gate.wait()
        try:
            results.append(action())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_the_same_form_sent_by_four_at_once_is_one_fact():
    loan = make.loan()
    results = at_once(lambda: pay(loan, recording=make.recording(key="once")))
    assert [type(result) for result in results] == [Recorded] * 4
    assert sorted(result.replayed for result in results) == [False, True, True, True]
    assert Repayment.objects.count() == 1
    assert Bill.objects.get(number=1).paid == Parts(principal=38_000, interest=12_000)


@pytest.mark.django_db(transaction=True)
def test_four_repayments_at_once_are_all_counted():
    loan = make.loan()
    results = at_once(lambda: pay(loan, amount=10_000))
    assert [type(result) for result in results] == [Recorded] * 4
    assert Bill.objects.get(number=1).paid.total == 40_000


@pytest.mark.django_db(transaction=True)
def test_of_four_who_saw_the_same_figures_one_is_served():
    loan = make.loan()
    seen = Loan.objects.get().version
    results = at_once(lambda: pay(loan, recording=make.recording(seen=seen)))
    codes = sorted(getattr(result, "code", "recorded") for result in results)
    assert codes == ["recorded", "stale", "stale", "stale"]
    assert Repayment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_fact_is_undone_once_however_many_press_undo():
    loan = make.loan()
    fact = pay(loan).fact
    results = at_once(lambda: reverse_fact(fact=fact, recording=make.recording()))
    codes = sorted(getattr(result, "code", "recorded") for result in results)
    assert codes == ["already_reversed"] * 3 + ["recorded"]


@pytest.mark.django_db(transaction=True)
def test_the_same_loan_opened_by_four_at_once_is_one_loan():
    home = make.household()

    def open_it():
        return open_loan(household=home, lender_name="Bank", name="Car", terms=make.terms(), key="once", now=make.NOW)

    results = at_once(open_it)
    assert [type(result) for result in results] == [Opened] * 4
    assert sorted(result.replayed for result in results) == [False, True, True, True]
    assert (Loan.objects.count(), Bill.objects.count()) == (1, 12)
