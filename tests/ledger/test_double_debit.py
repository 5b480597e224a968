"""The warning that a bill may be paid twice: by hand, and by the lender's debit of that day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import time_machine

from ledger.models import Fact
from ledger.models.facts import Kind
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import Wishes, authorize_mandate, pause_mandate
from ledger.services.repayments import confirm_repayment
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import mandate

pytestmark = [pytest.mark.django_db, pytest.mark.service]

WARNING = "It may be paid twice"
OPEN = "Bank of Tests may be debiting this bill right now, from 09:30 to 10:30."
PLANNED = "Bank of Tests debits this bill on 10 Feb, today, at 09:30."


def page(client, loan, moment: datetime, **data: str) -> str:
    with time_machine.travel(moment, tick=False):
        url = f"/loans/{loan.pk}/repayments/new/?bill=1"
        if data:
            said = {"amount": "1066.19", "paid_on": "2026-02-10", "apply_to": "bill", "bill": "1"} | data
            answer = client.post(url, said, headers={"HX-Request": "true", "HX-Target": "preview"})
        else:
            answer = client.get(url)
    return " ".join(answer.content.decode().split())


def minutes(hour: int, minute: int, second: int = 0) -> datetime:
    return at("2026-02-10", hour) + timedelta(minutes=minute, seconds=second)


@pytest.mark.parametrize(
    "moment, said",
    [
        (minutes(9, 29, 59), PLANNED),
        (minutes(9, 30), OPEN),
        (minutes(10, 30), OPEN),
        (minutes(10, 30, 1), "debits this bill on 10 Feb, today, at 15:30."),
        (minutes(16, 30), "right now, from 15:30 to 16:30."),
    ],
)
def test_the_page_warns_around_the_debit_windows(client, loan, card, moment, said):
    mandate(loan, card)
    html = page(client, loan, moment)
    assert html.index(WARNING) < html.index("What this payment will do")
    assert said in html


def test_after_the_last_window_and_without_a_mandate_nothing_is_said(client, loan, card):
    assert WARNING not in page(client, loan, minutes(9, 30))
    mandate(loan, card)
    assert WARNING not in page(client, loan, minutes(16, 30, 1))


def test_the_preview_follows_the_day_in_the_form(client, loan, card):
    mandate(loan, card)
    assert PLANNED.replace("today", "tomorrow") in page(client, loan, at("2026-02-09"), paid_on="2026-02-10")
    assert WARNING not in page(client, loan, at("2026-02-09"), paid_on="2026-02-09")
    assert WARNING not in page(client, loan, at("2026-02-09"), paid_on="2026-02-10", bill="2")


def test_it_warns_and_does_not_forbid(client, loan, card):
    mandate(loan, card)
    with time_machine.travel(minutes(9, 45), tick=False):
        said = {"key": "by-hand-now", "amount": "1066.19", "paid_on": "2026-02-10", "apply_to": "due"}
        answer = client.post(f"/loans/{loan.pk}/repayments/new/", said | {"seen": loan.version})
    assert answer.status_code == 302
    assert Fact.objects.filter(loan=loan, key="by-hand-now").count() == 1


def test_a_debit_of_that_day_is_named_while_it_stands(client, loan, card):
    mandate(loan, card)
    debit_due(minutes(9, 31))
    fact = Fact.objects.get(loan=loan, kind=Kind.REPAYMENT)
    said = {"bill": "2", "amount": "100"}
    moment = minutes(17, 0)
    assert "A debit of ¥1,066.19 for bill 1 is presumed for 10 Feb, today, at 09:30." in page(
        client, loan, moment, **said
    )

    confirmed = confirm_repayment(repayment=fact, recording=make.recording(moment))
    assert "¥1,066.19 for bill 1 was already debited on 10 Feb, today, at 09:30." in page(client, loan, moment, **said)

    for one in (confirmed.fact, fact):
        reverse_fact(fact=one, recording=make.recording(moment))
    assert WARNING not in page(client, loan, moment, **said)


def test_a_paused_or_expired_mandate_debits_nothing(client, home, loan, card):
    given = mandate(loan, card)
    pause_mandate(mandate=given, recording=make.recording(at("2026-02-09")))
    assert WARNING not in page(client, loan, minutes(9, 30))

    other = make.loan(home, now=at("2026-01-20"), name="Other")
    wishes = Wishes(expires_on=date(2026, 2, 9))
    authorize_mandate(scope=other, sources=[card], wishes=wishes, recording=make.recording(at("2026-01-20")))
    assert WARNING not in page(client, other, minutes(9, 30))
