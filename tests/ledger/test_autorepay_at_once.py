"""Auto-repay while others act at the same moment: nothing twice, nothing lost, nobody waits for good."""

import time
from contextlib import suppress
from datetime import date
from threading import Barrier, Event, Thread

import pytest
from django.db import OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from ledger.loanmath.debiting import DebitLimits
from ledger.loanmath.debits import DebitRule
from ledger.models import AutoRepayAttempt, FundingAccount, Loan, Repayment
from ledger.selectors.balances import balance_on
from ledger.services import debit_chunks
from ledger.services.accounts import move_account
from ledger.services.alone import alone_with
from ledger.services.autorepay import debit_household
from ledger.services.debit_chunks import debit_chunk
from ledger.services.erasing import erase_household
from ledger.services.mandates import authorize_mandate, end_mandate, pause_mandate, resume_mandate
from ledger.services.projection import lock
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import INSTALLMENT, JAN_20, authorize, mandate, next_debit, repayments

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.service]

NOW = at("2026-02-10", 10)
on_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")


def at_once(*works):
    """What each piece of work comes to when all start together: its value, or the exception it ended with."""
    start = Barrier(len(works))
    results = [None] * len(works)

    def run(n, work):
        start.wait()
        try:
            results[n] = work()
        except Exception as error:
            results[n] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(n, work)) for n, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_four_workers_over_accounts_in_opposite_orders_debit_each_bill_once(home, card):
    wallet = make.account(home, name="Wallet", last4="")
    loans = []
    for n, sources in enumerate([[wallet, card], [card, wallet]] * 3):
        loan = make.loan(home, now=JAN_20, name=f"Loan {n}")
        authorize(loan, sources, limits=DebitLimits(partial=True))
        loans.append(loan)
    for account in (wallet, card):
        make.balance(account, 3 * INSTALLMENT, date(2026, 2, 1), at("2026-02-01"))

    done = at_once(*[lambda: debit_household(home.pk, NOW)] * 4)
    debit_household(home.pk, NOW)  # a loan that was busy is left to the next sweep

    assert [one for one in done if isinstance(one, Exception)] == []
    assert [sum(row[1] for row in repayments(loan)) for loan in loans] == [INSTALLMENT] * 6
    assert [balance_on(account, date(2026, 2, 10)).amount for account in (wallet, card)] == [0, 0]
    numbers = AutoRepayAttempt.objects.order_by("bill", "number").values_list("bill", "number")
    assert len(set(numbers)) == len(numbers)


def test_lenders_with_sources_in_opposite_orders_do_not_block_each_other(home, card):
    wallet = make.account(home, name="Wallet", last4="")
    loans = [make.loan(home, now=JAN_20, name=name) for name in ("One", "Two")]
    authorize(loans[0], [wallet, card])
    authorize(loans[1], [card, wallet])
    for account in (wallet, card):
        make.balance(account, 500_000, date(2026, 2, 1), at("2026-02-01"))
    due = [at(f"2026-{month:02}-10", 10) for month in range(2, 6)]

    for now in due:
        done = at_once(*[lambda now=now: debit_household(home.pk, now)] * 2)
        assert [one for one in done if isinstance(one, Exception)] == []

    debit_household(home.pk, due[-1])
    assert [len(repayments(loan)) for loan in loans] == [4, 4]


def held_up(loan, meanwhile, waiting):
    """Hold the loan, let `waiting` begin and wait for it, do `meanwhile` and let go; what `waiting` came to."""
    began, results = Event(), []

    def wait_for_it():
        began.set()
        try:
            results.append(waiting())
        finally:
            connection.close()

    thread = Thread(target=wait_for_it)
    with transaction.atomic():
        lock(loan)
        thread.start()
        began.wait()
        thread.join(1)  # long enough to come to the lock
        meanwhile()
    thread.join(60)
    return results[0]


@on_postgres
def test_erasing_a_household_waits_for_a_debit_holding_nothing_it_needs(home, card):
    loan = make.loan(home, now=JAN_20)
    mandate(loan, card)
    make.repayment(loan, 10_000, date(2026, 1, 26), at("2026-01-26"), account=card)

    def pay():
        list(FundingAccount.objects.select_for_update(no_key=True).filter(pk=card.pk))
        make.repayment(loan, 10_000, date(2026, 1, 27), at("2026-01-27"), account=card)

    assert held_up(loan, pay, lambda: erase_household(household=home)) is None
    assert not Repayment.objects.filter(loan=loan).exists()


@on_postgres
def test_a_repayment_that_waited_for_a_new_mandate_schedules_by_it(home, card):
    loan = make.loan(home, now=JAN_20)
    mandate(loan, card)
    held_up(
        loan,
        lambda: mandate(loan, card, now=at("2026-01-25"), windows=("12:00",)),
        lambda: make.repayment(loan, 10_000, date(2026, 1, 26), at("2026-01-26")),
    )
    assert Repayment.objects.filter(loan=loan).count() == 1
    assert next_debit(loan) == "02-10 12:00"


@on_postgres
def test_a_repayment_that_waited_for_a_pause_to_end_forgets_no_debit(home, card):
    loan = make.loan(home, now=JAN_20)
    given = mandate(loan, card)
    pause_mandate(mandate=given, recording=make.recording(at("2026-01-21")))
    held_up(
        loan,
        lambda: resume_mandate(mandate=given, recording=make.recording(at("2026-01-25"))),
        lambda: make.repayment(loan, 10_000, date(2026, 1, 26), at("2026-01-26")),
    )
    assert next_debit(loan) == "02-10 09:30"


@on_postgres
@pytest.mark.parametrize("what", ["ended", "paused", "replaced"])
def test_a_debit_that_waited_notices_what_happened_to_the_mandate(home, card, what):
    loan = make.loan(home, now=JAN_20)
    given = mandate(loan, card)
    other = make.account(home, name="Other")
    for account in (card, other):
        make.balance(account, 500_000, date(2026, 2, 1), at("2026-02-01"))
    changes = {
        "ended": lambda: end_mandate(scope=loan, recording=make.recording(NOW)),
        "paused": lambda: pause_mandate(mandate=given, recording=make.recording(NOW)),
        "replaced": lambda: authorize_mandate(scope=loan, sources=[other], recording=make.recording(NOW)),
    }

    done = held_up(loan, changes[what], lambda: debit_household(home.pk, NOW))

    assert (done, repayments(loan)) == (0, [])
    assert next_debit(loan) == {"ended": None, "paused": None, "replaced": "02-10 15:30"}[what]


def test_a_mandate_given_for_a_lender_covers_a_loan_opened_at_the_same_moment(home, card):
    lender = make.loan(home, now=JAN_20).lender
    for n in range(5):
        at_once(
            lambda n=n: authorize(lender, [card], rule=DebitRule((f"1{n}:00",))),
            lambda n=n: make.loan(home, now=JAN_20, name=f"New {n}"),
        )
    assert [loan.mandate.windows for loan in Loan.objects.select_related("mandate")] == [["14:00"]] * 6


@on_postgres
def test_accounts_are_moved_in_the_order_in_which_debits_hold_them(home):
    first, last = make.account(home, name="First"), make.account(home, name="Last")
    FundingAccount.objects.filter(pk=last.pk).update(priority=0)
    FundingAccount.objects.filter(pk=first.pk).update(priority=1)
    held = FundingAccount.objects.select_for_update(no_key=True, nowait=True)

    def move():
        try:
            move_account(account=first, place=0)
        finally:
            connection.close()

    with transaction.atomic():
        held.get(pk=first.pk)
        mover = Thread(target=move)
        mover.start()
        time.sleep(0.5)  # it waits for the first by now
        held.get(pk=last.pk)  # and holds no other meanwhile: else each would wait for the other
    mover.join(60)

    assert list(FundingAccount.objects.in_use().filter(household=home)) == [first, last]


@on_postgres
def test_a_household_somebody_else_is_busy_with_is_left_to_them_until_they_end_or_die(home, card, monkeypatch):
    loan = make.loan(home, now=JAN_20)
    mandate(loan, card)
    make.balance(card, 500_000, date(2026, 2, 1), at("2026-02-01"))
    monkeypatch.setattr(debit_chunks, "_debit_together", lambda households, now: (0, list(households)))
    busy, died = Event(), Event()

    def work_and_die():
        with alone_with(home.pk) as alone:
            assert alone
            busy.set()
            assert died.wait(30)
            with suppress(OperationalError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        connection.close()

    worker = Thread(target=work_and_die)
    worker.start()
    assert busy.wait(30)
    assert debit_chunk([home.pk], NOW) == 0
    died.set()
    worker.join(30)

    assert debit_chunk([home.pk], NOW) == 1
    assert len(repayments(loan)) == 1


def test_a_loan_is_held_within_a_transaction_or_not_at_all(loan):
    for _ in range(2):  # once the question is put into SQL, too
        with pytest.raises(TransactionManagementError):
            lock(loan)
