"""The demo's mailbox: a question that can be answered at once, whatever the hour."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.test import Client

from ledger.models import Fact
from ledger.models.facts import Kind
from reminders.management.commands.demo_mail import last_waking
from reminders.models import Reminder
from reminders.tasks import run
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

QUESTION = {
    "demo@loantracker.example": "Did Summit Fitness debit ¥207.89 from Spare card ••8850 on 22 Nov?",
    "demo-zh@loantracker.example": "【扣款待确认】山顶健身在11月22日从备用卡 ••8850扣了¥207.89吗？",
}


@pytest.mark.parametrize(
    "now, waking",
    [
        (at("2026-11-24", 8), at("2026-11-24", 8)),
        (at("2026-11-24", 21) + timedelta(minutes=59), at("2026-11-24", 21) + timedelta(minutes=59)),
        (at("2026-11-24", 22), at("2026-11-24", 21)),
        (at("2026-11-24", 0), at("2026-11-23", 21)),
        (at("2026-11-24", 7), at("2026-11-23", 21)),
    ],
)
def test_in_quiet_hours_it_is_the_evening_before(now: datetime, waking: datetime) -> None:
    assert last_waking(now, ZoneInfo("Asia/Shanghai")) == waking


@pytest.mark.parametrize("hour", [3, 12, 23])
def test_the_mailbox_asks_at_any_hour_and_the_link_answers(hour: int, settings: Any) -> None:
    settings.MAIL_KEPT_LOCALLY = True
    now = at("2026-11-24", hour)
    with time_machine.travel(now, tick=False):
        for _ in range(2):
            call_command("demo")
            call_command("demo_mail")
        run(now)
        asked = [message for message in mail.outbox if "/answers/" in message.body]
        assert {message.to[0] for message in asked} == set(QUESTION)
        assert all(QUESTION[message.to[0]] in message.body for message in asked)
        assert len(asked) == 2
        for message in asked:
            yes, no = re.findall(r"http://[^/]+(/answers/\S+)", str(message.body))
            assert (Client().get(yes).status_code, Client().get(no).status_code) == (200, 200)
            assert Client().post(yes, {"answer": "yes"}).status_code == 302
        assert Fact.objects.filter(kind=Kind.CONFIRMATION).count() >= 2


def test_where_mail_leaves_the_house_nobody_is_woken(settings: Any) -> None:
    settings.MAIL_KEPT_LOCALLY = False
    with time_machine.travel(at("2026-11-24", 3), tick=False):
        call_command("demo")
        call_command("demo_mail")
    assert (mail.outbox, Reminder.objects.count()) == ([], 0)
