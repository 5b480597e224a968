"""The eyes of the fault tests see: books that are wrong are called wrong."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
import time_machine

from ledger.loanmath.facts import ApplyTo
from ledger.models import AccountEntry, FundingAccount, Loan, Repayment
from ledger.models.facts import Source
from ledger.services import heartbeat
from ledger.services.debit_chunks import debit_due
from ledger.services.recording import Recorded, Recording
from ledger.services.repayments import record_repayment
from tests import builders as make
from tests.builders import NOW
from tests.faults.invariants import Acknowledged, Count, broken, count_bills, out_of_order
from tests.faults.world import OPENING, Owed, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """Two households with three bills owed, all debited."""
    made = World(Random(1), NOW)
    made.settle_in(2)
    for home in made.homes:
        made.falling_due(home, home.household.today(NOW) - timedelta(days=2), home.household.today(NOW))
    made.arrive(1, most_due=1)
    debit_due(NOW)
    for job in heartbeat.JOBS:
        heartbeat.finished(job, NOW)
    return made


def paid_again(owed: Owed, *, source: Source) -> Recorded:
    recorded = record_repayment(
        loan=Loan.objects.get(pk=owed.loan),
        amount=100,
        paid_on=owed.on,
        recording=Recording("again", NOW),
        apply_to=ApplyTo.LOWER,
        bill_number=owed.bill,
        account=FundingAccount.objects.get(pk=owed.account),
        source=source,
    )
    assert isinstance(recorded, Recorded)
    return recorded


def test_books_that_are_right_are_called_right(world: World) -> None:
    assert broken(world, [], NOW) == []
    assert count_bills(world) == Count(due=3, lost=0, double=0)
    assert out_of_order(world) == []


def test_a_bill_nobody_paid_is_lost(world: World) -> None:
    home = world.homes[0]
    loan = world.by_hand(home, due=1)
    world.add_owed(home, loan)
    assert count_bills(world) == Count(due=4, lost=1, double=0)
    assert f"bill 1 of loan {loan.pk} is not settled" in broken(world, [], NOW)


def test_a_bill_paid_twice_is_double(world: World) -> None:
    owed = world.owed[0]
    paid_again(owed, source=Source.AUTO)
    assert count_bills(world) == Count(due=3, lost=0, double=1)
    first = (owed.amount, owed.on, owed.account)
    lines = broken(world, [], NOW)
    assert (
        f"bill {owed.bill} of loan {owed.loan}: paid {[first, (100, owed.on, owed.account)]}, owed {[first]}" in lines
    )


def test_an_entry_too_many_shows_in_the_balance(world: World) -> None:
    home, loan = world.homes[0], Loan.objects.get(pk=world.unfunded[0])
    paid = make.repayment(loan, 100, loan.bills.get(number=1).payable_on, NOW)
    AccountEntry(
        household=home.household, account=home.card, fact=paid, amount=-5, entry_on=NOW.date(), booked_at=NOW
    ).save()
    owed = sum(one.amount for one in world.owed if one.account == home.card.pk)
    lines = broken(world, [Acknowledged(paid.key, loan.pk, 100)], NOW)
    assert f"{home.card}: shows {OPENING - owed - 5}, should be {OPENING - owed}" in lines
    assert f"{home.card}: entries of {-owed - 5}, should be {-owed}" in lines


def test_forms_are_there_as_they_were_acknowledged(world: World) -> None:
    paid = paid_again(world.owed[0], source=Source.MANUAL).fact
    told = Acknowledged(paid.key, paid.loan_id, 100)
    never = Acknowledged("never written", paid.loan_id, 100)
    assert not [line for line in broken(world, [told], NOW) if "acknowledged" in line]
    assert f"recorded and never acknowledged: {('again', paid.loan_id, 100)} x 1" in broken(world, [], NOW)
    assert f"acknowledged and lost: {('never written', paid.loan_id, 100)} x 1" in broken(world, [told, never], NOW)


def test_ticks_that_stand_still_are_noticed(world: World) -> None:
    with time_machine.travel(NOW):
        assert broken(world, [], NOW + timedelta(hours=1)) == [
            f"the tick of {job} stands still" for job in heartbeat.JOBS
        ]
    assert Repayment.objects.count() == 3
