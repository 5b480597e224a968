"""Debits of many households together end exactly as one by one would, and the usual case never goes one by one."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.loanmath.debiting import DebitLimits
from ledger.loanmath.debits import DebitRule
from ledger.loanmath.terms import Method, PenaltyTerms
from ledger.models import (
    AccountEntry,
    Allocation,
    AutoRepayAttempt,
    AutoRepayMandate,
    Bill,
    Fact,
    FundingAccount,
    Heartbeat,
    Loan,
)
from ledger.services import autorepay, debit_chunks
from ledger.services.debit_chunks import HouseholdRange, debit_chunk, debit_range, due_ranges
from ledger.services.debit_decisions import decide_debits
from ledger.services.debit_grounds import look
from ledger.services.mandates import Wishes, authorize_mandate
from ledger.services.recording import fingerprint
from ledger.tasks import tick
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import INSTALLMENT, JAN_20, attempts, loan_under_mandate, mandate, repayments

pytestmark = [pytest.mark.django_db, pytest.mark.service]

DEBIT = at("2026-02-10", 10)
LATE = at("2026-02-10", 16)  # both windows have come


def a_home(amount=10_000_000, **more):
    home = make.household()
    card = make.account(home)
    if amount is not None:
        make.balance(card, amount, date(2026, 2, 1), at("2026-02-01"))
    loans = [
        loan_under_mandate(
            home, card, name=f"Loan {method.value} {penalty.annual_rate}", method=method, penalty=penalty, **more
        )
        for method in (Method.LEVEL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY)
        for penalty in (PenaltyTerms(), PenaltyTerms(annual_rate=Decimal("0.18")))
    ]
    return home, loans


OF_ITS_OWN = {"id", "household_id", "loan_id"}


def books(home):
    """Everything recorded and stored of a household, without ids and keys."""
    bills = Bill.objects.filter(loan__household=home).order_by("loan", "number")
    names = [field.attname for field in Bill._meta.concrete_fields if field.attname not in OF_ITS_OWN]
    loan_names = [
        field.attname
        for field in Loan._meta.concrete_fields
        if field.attname not in {"id", "household_id", "lender_id", "mandate_id", "key", "fingerprint"}
    ]
    fact = ("effective_on", "amount", "bill_number", "apply_to", "source", "presumed", "recorded_at", "note")
    tried = ("number", "debit_on", "window_at", "recorded_at", "outcome", "reason", "requested", "debited", "missing")
    tries, entries = AutoRepayAttempt.objects.filter(household=home), AccountEntry.objects.filter(household=home)
    return {
        "bills": list(bills.values_list(*names)),
        "loans": list(Loan.objects.filter(household=home).order_by("pk").values_list(*loan_names)),
        "facts": list(Fact.objects.filter(household=home).order_by("loan", "effective_on").values_list(*fact)),
        "attempts": list(tries.order_by("bill", "number").values_list(*tried)),
        "entries": list(entries.order_by("fact__loan").values_list("amount", "entry_on", "booked_at")),
        "met": list(
            Allocation.objects.filter(loan__household=home)
            .order_by("loan", "bill")
            .values_list("principal", "interest", "fee", "penalty")
        ),
    }


@pytest.fixture
def never_one_by_one(monkeypatch):
    def fail(household, now, until):
        raise AssertionError(f"household {household} went one by one")

    monkeypatch.setattr(debit_chunks, "debit_household", fail)


@pytest.mark.parametrize("amount", [10_000_000, 250_000, 0, None])
@pytest.mark.parametrize("now", [DEBIT, LATE])
@pytest.mark.parametrize("more", [{}, {"count": 1}])
def test_together_and_one_by_one_end_alike(amount, now, more):
    together, _ = a_home(amount, **more)
    alone, _ = a_home(amount, **more)

    debit_chunk([together.pk], now)
    autorepay.debit_household(alone.pk, now)

    assert books(together) == books(alone)


def test_the_usual_case_never_goes_one_by_one(never_one_by_one):
    homes = [a_home() for _ in range(3)]

    assert debit_chunk([home.pk for home, _ in homes], DEBIT) == 18

    assert all(len(repayments(loan)) == 1 for _, loans in homes for loan in loans)


@pytest.mark.parametrize("amount", [10_000_000, None])
def test_what_is_recorded_together_says_the_same_as_one_by_one(amount, never_one_by_one):
    home, _ = a_home(amount)
    debit_chunk([home.pk], DEBIT)

    facts = list(Fact.objects.filter(household=home))

    assert [fact.fingerprint for fact in facts] == [fingerprint(fact) for fact in facts]
    assert {fact.key for fact in facts} == {f"auto:{bill.pk}:1" for bill in Bill.objects.filter(attempts__isnull=False)}


def test_a_chunk_costs_the_same_queries_for_one_household_and_for_five(never_one_by_one):
    few, many = [a_home()[0].pk], [a_home()[0].pk for _ in range(5)]
    with CaptureQueriesContext(connection) as first:
        debit_chunk(few, DEBIT)
    with CaptureQueriesContext(connection) as second:
        debit_chunk(many, DEBIT)
    assert len(second) == len(first) <= 30


def after_the_first_decision(monkeypatch, change):
    """Something happens between the moment at which debits are decided and that at which everything is held."""
    decide = debit_chunks.decide_debits
    decisions = []

    def overtaken(grounds, now):
        decisions.append(decide(grounds, now))
        if len(decisions) == 1:
            change()
        return decisions[-1]

    monkeypatch.setattr(debit_chunks, "decide_debits", overtaken)
    return decisions


def test_money_that_goes_before_the_debit_is_held_is_not_taken(monkeypatch, never_one_by_one):
    home, loans = a_home()
    card = FundingAccount.objects.get(household=home)
    decisions = after_the_first_decision(
        monkeypatch, lambda: make.balance(card, 1, date(2026, 2, 10), at("2026-02-10", 9))
    )

    debit_chunk([home.pk], DEBIT)

    assert len(decisions) == 2
    assert {row[3] for loan in loans for row in attempts(loan)} == {"insufficient"}
    assert not Fact.objects.filter(source="auto").exists()


def test_a_bill_paid_before_the_debit_is_held_is_not_paid_twice(monkeypatch, never_one_by_one):
    home, loans = a_home()
    decisions = after_the_first_decision(
        monkeypatch,
        lambda: make.repayment(loans[0], loans[0].bills.get(number=1).open.total, date(2026, 2, 9), at("2026-02-09")),
    )

    debit_chunk([home.pk], DEBIT)

    assert len(decisions) == 2
    assert Fact.objects.filter(loan=loans[0], source="auto").count() == 0
    assert Fact.objects.filter(source="auto").count() == len(loans) - 1


def test_a_loan_that_falls_due_once_the_others_are_held_is_left_to_the_next_sweep(monkeypatch, never_one_by_one):
    home, (late, *others) = a_home()
    Loan.objects.filter(pk=late.pk).update(auto_repay_at=LATE)
    card = FundingAccount.objects.get(household=home)

    def overtaken(households, now, **more):
        if more.get("hold"):
            make.balance(card, 9_000_000, date(2026, 2, 10), at("2026-02-10", 9))
        found = look(households, now, **more)
        if more.get("hold"):
            Loan.objects.filter(pk=late.pk).update(auto_repay_at=DEBIT)
        return found

    monkeypatch.setattr(debit_chunks, "look", overtaken)

    assert debit_chunk([home.pk], DEBIT) == len(others)

    assert repayments(late) == []
    assert all(len(repayments(loan)) == 1 for loan in others)


def test_a_mandate_over_another_account_given_before_the_debit_is_held_is_the_one_that_counts(monkeypatch):
    home, loans = a_home()
    other = make.account(home, name="Other", last4="")
    decisions = after_the_first_decision(monkeypatch, lambda: mandate(loans[0], other, now=at("2026-02-09")))

    assert debit_chunk([home.pk], DEBIT) == len(loans)

    assert len(decisions) == 2
    assert decisions[1].unusual == set()
    assert AutoRepayAttempt.objects.get(bill__loan=loans[0]).account == other


def test_a_mandate_that_comes_between_two_looks_is_left_to_the_general_way():
    home, loans = a_home()
    before = look([home.pk], DEBIT)
    mandate(loans[0], make.account(home, name="Other", last4=""), now=at("2026-02-09"))
    after = look([home.pk], DEBIT)

    decided = decide_debits(replace(before, mandates=after.mandates, sources=after.sources), DEBIT)

    assert (decided.rows, decided.unusual) == ([], {home.pk})


def test_households_that_are_gone_come_to_nothing():
    home, _ = a_home()
    seen = look([home.pk], DEBIT)
    for gone in (replace(seen, zones={}), replace(seen, zones={}, loans={})):
        assert decide_debits(gone, DEBIT).rows == []
    assert debit_chunk([home.pk + 1_000], DEBIT) == 0


def test_what_nobody_touches_is_decided_once(monkeypatch, never_one_by_one):
    home, _ = a_home()
    decisions = after_the_first_decision(monkeypatch, lambda: None)
    debit_chunk([home.pk], DEBIT)
    assert len(decisions) == 1


def test_an_unusual_household_goes_one_by_one_and_keeps_no_other_back(home, card):
    partial = make.loan(home, now=JAN_20)
    wishes = Wishes(rule=DebitRule(), limits=DebitLimits(partial=True))
    authorize_mandate(scope=partial, sources=[card], wishes=wishes, recording=make.recording(JAN_20))
    make.balance(card, 100_000, date(2026, 2, 1), at("2026-02-01"))
    usual, loans = a_home()

    assert debit_chunk([home.pk, usual.pk], DEBIT) == 7

    assert attempts(partial) == [(1, 1, "02-10 09:30", "insufficient", INSTALLMENT, 6_619)]
    assert AutoRepayAttempt.objects.get(bill__loan=partial).debited == 100_000
    assert all(len(repayments(loan)) == 1 for loan in loans)


def test_a_chunk_that_fails_is_done_one_by_one(home, card, monkeypatch, caplog):
    loan = loan_under_mandate(home, card)
    make.balance(card, 200_000, date(2026, 2, 1), at("2026-02-01"))
    monkeypatch.setattr(debit_chunks, "write_debits", lambda *_: 1 / 0)

    assert debit_chunk([home.pk], DEBIT) == 1

    assert attempts(loan) == [(1, 1, "02-10 09:30", "success", INSTALLMENT, 0)]
    assert "goes one by one" in caplog.text


def test_ranges_hold_whole_households_and_all_that_is_due():
    homes = [a_home()[0].pk for _ in range(5)]
    assert list(due_ranges(DEBIT, size=12)) == [
        HouseholdRange(homes[0], homes[1]),
        HouseholdRange(homes[2], homes[3]),
        HouseholdRange(homes[4], homes[4]),
    ]
    assert debit_range(HouseholdRange(homes[1], homes[3]), DEBIT) == 18
    assert list(due_ranges(DEBIT, size=12)) == [HouseholdRange(homes[0], homes[4])]


def test_a_tick_with_nothing_due_is_one_query(home, card, django_assert_num_queries):
    tick()
    make.loan(home, disbursed_on=date(2030, 1, 10), first_due_on=date(2030, 2, 10))
    with django_assert_num_queries(1):
        tick()
    row = Heartbeat.objects.get(job="ledger")
    assert row.started_at == row.finished_at


def test_failures_in_a_row_are_counted_in_a_chunk_too(never_one_by_one):
    home, (loan, *_) = a_home(amount=0)
    given = AutoRepayMandate.objects.filter(loan=loan)
    given.update(ask_after=1)

    debit_chunk([home.pk], DEBIT)

    assert given.get().asked_at == DEBIT


def failing_until_the_last():
    """A lender's mandate over three loans that one account has no money for, and a small one that it pays."""
    home = make.household()
    card = make.account(home)
    make.balance(card, 60_000, date(2026, 2, 1), at("2026-02-01"))
    loans = [make.loan(home, now=JAN_20, name=f"Loan {n}") for n in range(3)]
    small = make.loan(home, now=JAN_20, name="Small", principal=120_000)
    authorize_mandate(scope=small.lender, sources=[card], recording=make.recording(JAN_20))
    return home, [*loans, small]


def test_failures_before_a_success_in_one_chunk_are_asked_about_too():
    together, loans = failing_until_the_last()
    alone, _ = failing_until_the_last()

    debit_chunk([together.pk], DEBIT)
    autorepay.debit_household(alone.pk, DEBIT)

    assert [str(AutoRepayAttempt.objects.get(bill__loan=loan).outcome) for loan in loans] == [
        *["failed"] * 3,
        "success",
    ]
    assert books(together) == books(alone)
    asked = dict(AutoRepayMandate.objects.values_list("household", "asked_at"))
    assert asked == {together.pk: DEBIT, alone.pk: DEBIT}


def test_a_household_debited_one_by_one_stops_when_the_sweeps_time_is_up_and_loses_nothing(home, card):
    loans = [loan_under_mandate(home, card, name=f"Loan {n}") for n in range(3)]

    assert autorepay.debit_household(home.pk, DEBIT, until=0.0) == 1
    assert [len(repayments(loan)) for loan in loans] == [1, 0, 0]

    assert debit_chunk([home.pk], DEBIT) == 2
    assert [len(repayments(loan)) for loan in loans] == [1, 1, 1]


def test_a_rest_that_cannot_be_looked_at_puts_its_loan_aside_and_stops_no_other(home, card, monkeypatch):
    loans = [loan_under_mandate(home, card, name=f"Loan {n}") for n in range(2)]
    monkeypatch.setattr(autorepay, "_rest", lambda *_: 1 / 0)

    autorepay.debit_household(home.pk, DEBIT)

    assert [len(repayments(loan)) for loan in loans] == [1, 1]
    troubles = [Loan.objects.get(pk=loan.pk).auto_repay_trouble for loan in loans]
    assert troubles == ["ZeroDivisionError: division by zero"] * 2
