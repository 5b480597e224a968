"""What is agreed for a later day shapes the bills to come, and leaves those before it alone."""

from datetime import date
from decimal import Decimal

import pytest

from ledger.models import Bill
from ledger.services.agreement import change_rate, pause_interest
from ledger.services.recording import Recorded
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

NOW = at("2026-03-01")


@pytest.fixture
def loan():
    return make.loan(now=NOW)


def interest(loan):
    return list(Bill.objects.filter(loan=loan).order_by("number").values_list("interest_due", flat=True))


def test_a_rate_change_announced_changes_the_bills_from_its_day_on(loan):
    before = interest(loan)
    announced = change_rate(
        loan=loan, annual_rate=Decimal("0.06"), effective_on=date(2026, 6, 10), recording=make.recording(NOW)
    )
    assert isinstance(announced, Recorded)
    after = interest(loan)
    assert after[:5] == before[:5]  # bills 1 to 5, the last due on 10 June
    assert (before[5], after[5]) == (7_173, 3_587)  # 1 % of what is owed then becomes 0.5 %
    reverse_fact(fact=announced.fact, recording=make.recording(NOW))
    assert interest(loan) == before


def test_a_pause_to_come_shows_in_its_bill(loan):
    before = interest(loan)
    paused = pause_interest(
        loan=loan, starts_on=date(2026, 6, 10), until=date(2026, 7, 9), recording=make.recording(NOW)
    )
    assert isinstance(paused, Recorded)
    after = interest(loan)
    assert (after[:5], after[5]) == (before[:5], 0)


def test_a_later_repayment_does_not_count_before_its_day(loan):
    before = interest(loan)
    make.repayment(loan, 300_000, date(2026, 6, 10), NOW, apply_to="lower")
    assert interest(loan) == before
