"""The ledger's tick: heartbeat, passing days and debits, through a real broker, many at once, killed midway."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.db import connection, connections
from kombu.exceptions import OperationalError

from ledger import clock, tasks
from ledger.loanmath.debits import DebitRule
from ledger.loanmath.terms import PenaltyTerms
from ledger.models import (
    AccountEntry,
    AutoRepayAttempt,
    Bill,
    Heartbeat,
    Loan,
    Repayment,
)
from ledger.services import heartbeat
from ledger.services.checking import find_problems
from ledger.services.debit_chunks import HouseholdRange, debit_due
from ledger.services.mandates import Wishes, authorize_mandate
from ledger.services.passing_days import refresh_overtaken
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment
from ledger.tasks import tick
from loantracker.celery import app
from tests import builders as make
from tests.builders import at
from tests.tampering import tamper

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.service]

JAN_20 = at("2026-01-20")
DEBIT = at("2026-02-10", 10)
INSTALLMENT = 106_619


@pytest.fixture
def home():
    return make.household()


@pytest.fixture
def card(home):
    account = make.account(home)
    make.balance(account, 10_000_000, date(2026, 2, 1), at("2026-02-01"))
    return account


def loan_under_mandate(home, card, now=JAN_20, **more):
    loan = make.loan(home, now=now, **more)
    authorize_mandate(scope=loan, sources=[card], recording=make.recording(now))
    return loan


def paid(loan):
    return [(row.paid_on, row.amount, row.source) for row in Repayment.objects.filter(loan=loan).order_by("pk")]


def at_once(*jobs):
    """Run the jobs in threads of their own, let go together; what they returned or raised."""
    gate = threading.Barrier(len(jobs))
    results = [None] * len(jobs)

    def run(n, job):
        gate.wait()
        try:
            results[n] = job()
        except Exception as error:  # shown by the assertion on the results
            results[n] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_tick_writes_its_heartbeat():
    before = clock.now()

    tick()

    row = Heartbeat.objects.get(job="ledger")
    assert before <= row.started_at <= row.finished_at <= clock.now()


def test_a_job_that_breaks_off_keeps_the_time_it_last_ended_well():
    heartbeat.started("ledger", at("2026-02-10", 10))
    heartbeat.finished("ledger", at("2026-02-10", 11))
    heartbeat.started("ledger", at("2026-02-10", 12))

    row = Heartbeat.objects.get(job="ledger")
    assert (row.started_at, row.finished_at) == (at("2026-02-10", 12), at("2026-02-10", 11))


def test_with_nothing_to_do_a_tick_asks_one_query_per_question(home, card, django_assert_num_queries):
    loan_under_mandate(home, card)
    with django_assert_num_queries(2):
        refresh_overtaken(at("2026-01-21"))
        debit_due(at("2026-01-21"))


def test_a_passing_day_brings_up_the_loans_it_has_overtaken_and_only_those():
    penalty = PenaltyTerms(annual_rate=Decimal("0.18"))
    east, west = make.household(time_zone="Pacific/Kiritimati"), make.household(time_zone="Pacific/Pago_Pago")
    loans = [make.loan(home, now=at("2026-02-10", 1), penalty=penalty) for home in (east, west)]
    calm = make.loan(east, now=at("2026-02-10", 1), first_due_on=date(2026, 3, 10))
    before = dict(Loan.objects.values_list("pk", "projected_on"))
    now = at("2026-02-11", 12)
    assert [home.today(now) for home in (east, west)] == [date(2026, 2, 11), date(2026, 2, 10)]

    assert refresh_overtaken(now) == 1

    after = dict(Loan.objects.values_list("pk", "projected_on"))
    assert after == before | {loans[0].pk: date(2026, 2, 11)}
    assert Loan.objects.get(pk=calm.pk).version == calm.version
    penalties = [Bill.objects.get(loan=loan, number=1).penalty_due for loan in loans]
    assert (penalties[0] > 0, penalties[1]) == (True, 0)
    assert refresh_overtaken(now) == 0


def test_two_ticks_and_a_repayment_by_hand_at_once_pay_each_bill_once(home, card):
    loans = [loan_under_mandate(home, card, name=f"Loan {n}") for n in range(3)]
    by_hand = loans[0]

    def hand():
        return record_repayment(
            loan=by_hand, amount=INSTALLMENT, paid_on=date(2026, 2, 10), recording=make.recording(DEBIT), bill_number=1
        )

    def sweep():
        return debit_due(DEBIT)

    results = at_once(sweep, hand, sweep, sweep)

    assert not [result for result in results if isinstance(result, Exception)]
    for loan in loans:
        bill = Bill.objects.get(loan=loan, number=1)
        assert bill.open.total == 0
        assert AutoRepayAttempt.objects.filter(bill=bill).count() <= 1
    assert [len(paid(loan)) for loan in loans[1:]] == [1, 1]
    rows = paid(by_hand)
    # Whoever came second saw it: auto-repay writes nothing; the person's goes on to the next bill, or is told.
    if isinstance(results[1], Refusal) or rows[0][2] == "manual":
        assert len(rows) == 1
    else:
        assert [source for _, _, source in rows] == ["auto", "manual"]
        assert Bill.objects.get(loan=by_hand, number=2).paid.total > 0
    entries = sum(AccountEntry.objects.filter(account=card).values_list("amount", flat=True))
    assert entries == -INSTALLMENT * sum(source == "auto" for loan in loans for _, _, source in paid(loan))


def test_the_same_debit_from_eight_workers_is_recorded_once(home, card):
    loan = loan_under_mandate(home, card)

    results = at_once(*[lambda: debit_due(DEBIT)] * 8)

    assert sorted(results) == [0] * 7 + [1]
    assert paid(loan) == [(date(2026, 2, 10), INSTALLMENT, "auto")]


def test_money_for_one_of_two_loans_is_not_spent_twice_by_two_workers(home):
    card = make.account(home, name="Thin card")
    make.balance(card, 150_000, date(2026, 2, 1), at("2026-02-01"))
    loans = [loan_under_mandate(home, card, name=f"Loan {n}") for n in range(2)]

    at_once(*[lambda: debit_due(DEBIT)] * 4)

    assert sorted(str(row.outcome) for row in AutoRepayAttempt.objects.all()) == ["failed", "success"]
    assert sum(len(paid(loan)) for loan in loans) == 1


def test_a_loan_with_bad_terms_stops_neither_the_day_nor_the_debits(home, card, caplog):
    poisoned = loan_under_mandate(home, card, name="Poisoned")
    healthy = loan_under_mandate(home, card, name="Healthy")
    tamper_with_terms(poisoned, '{"day_count": "lunar"}')
    Loan.objects.filter(pk__in=[poisoned.pk, healthy.pk]).update(next_change_on=date(2026, 2, 10))

    refresh_overtaken(DEBIT)
    debit_due(DEBIT)

    assert "could not be brought up" in caplog.text
    assert paid(healthy) == [(date(2026, 2, 10), INSTALLMENT, "auto")]
    assert paid(poisoned) == []
    poisoned.refresh_from_db()
    assert (poisoned.mandate.ended_at, poisoned.auto_repay_failures, poisoned.auto_repay_at > DEBIT) == (None, 1, True)
    assert poisoned.auto_repay_trouble
    named = [(problem.loan_id, problem.field) for problem in find_problems()]
    assert named == [(poisoned.pk, "terms")]

    tamper_with_terms(poisoned, "{}")
    debit_due(poisoned.auto_repay_at)
    assert paid(poisoned) == [(date(2026, 2, 10), INSTALLMENT, "auto")]


def tamper_with_terms(loan, conventions):
    tamper("UPDATE ledger_termsversion SET conventions = %s WHERE loan_id = %s", conventions, loan.pk)


def database_url():
    """The test database, as another process is told about it."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    user, password, host = (quote(given[name], safe="") for name in ("USER", "PASSWORD", "HOST"))
    return f"postgresql://{user}:{password}@localhost:{given['PORT']}/{given['NAME']}?host={host}"


KILLED_MIDWAY = """
import sys, time, django
django.setup()
from datetime import datetime
from django.db import transaction
from ledger.services.debit_chunks import debit_due
from ledger.models import Repayment
with transaction.atomic():
    debit_due(datetime.fromisoformat(sys.argv[1]))
    print(Repayment.objects.count(), flush=True)
    time.sleep(60)
"""


def test_a_worker_killed_before_it_commits_leaves_nothing_and_the_next_tick_does_it(home, card):
    loan = loan_under_mandate(home, card)
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "loantracker.settings",
        "PYTHONPATH": str(settings.BASE_DIR),
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED_MIDWAY, DEBIT.isoformat()], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout.readline() == "1\n"  # written, not committed
    worker.send_signal(signal.SIGKILL)
    worker.communicate()

    assert (paid(loan), AutoRepayAttempt.objects.count(), AccountEntry.objects.count()) == ([], 0, 0)

    assert debit_due(DEBIT) == 1
    assert paid(loan) == [(date(2026, 2, 10), INSTALLMENT, "auto")]


def test_a_tick_sent_through_redis_debits_what_is_due_today():
    home = make.household(time_zone="UTC")
    card = make.account(home)
    now = clock.now()
    today = now.date()
    make.balance(card, 10_000_000, today - timedelta(days=1), now - timedelta(days=1))
    loan = make.loan(home, now=now - timedelta(days=1), disbursed_on=today - timedelta(days=31), first_due_on=today)
    authorize_mandate(
        scope=loan,
        sources=[card],
        recording=make.recording(now - timedelta(days=1)),
        wishes=Wishes(rule=DebitRule(windows=("00:00",))),
    )
    asked = Bill.objects.get(loan=loan, number=1).open.total

    with start_worker(app, pool="solo", perform_ping_check=False):
        tick.delay()
        tick.delay()
        deadline = time.monotonic() + 20
        ended = Heartbeat.objects.filter(job="ledger", finished_at__isnull=False)
        while not ended.exists() and time.monotonic() < deadline:
            time.sleep(0.1)

    assert paid(loan) == [(today, asked, "auto")]
    assert set(Heartbeat.objects.values_list("job", flat=True)) <= {"ledger", "worker"}


def test_a_broker_that_is_away_is_asked_once_and_this_workers_own_share_is_done(monkeypatch, home, card, caplog):
    asked = []

    def away(args, **_):
        asked.append(args)
        raise OperationalError("away")

    ranges = [
        HouseholdRange(home.pk, home.pk),
        HouseholdRange(home.pk + 1, home.pk + 1),
        HouseholdRange(home.pk + 2, 99),
    ]
    done = []
    monkeypatch.setattr(tasks, "due_ranges", lambda now: iter(ranges))
    monkeypatch.setattr(tasks, "debit_range", lambda households, now: done.append(households))
    monkeypatch.setattr(tasks.heartbeat, "idle", lambda *_: False)
    monkeypatch.setattr(tasks.debit_households, "apply_async", away)

    tick()

    assert (asked, done) == ([ranges[1]], [ranges[0]])
    assert "wait for the next tick" in caplog.text
