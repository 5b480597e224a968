"""A clockwork that stands still is noticed: by a monitor, and on every page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from ledger import clock
from ledger.models import Heartbeat
from tests import builders

pytestmark = pytest.mark.django_db


def beat(job: str, minutes_ago: float) -> None:
    at = clock.now() - timedelta(minutes=minutes_ago)
    Heartbeat.objects.update_or_create(job=job, defaults={"started_at": at, "finished_at": at})


def page_for(member: object) -> str:
    client = Client()
    client.force_login(member)  # type: ignore[arg-type]
    return client.get("/accounts/").content.decode()


def test_healthz_is_503_before_the_first_tick() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"ok": False, "late": ["ledger", "reminders"], "seconds_since": {}},
    )


def test_healthz_is_200_while_both_ticks_are_recent() -> None:
    beat("ledger", 1)
    beat("reminders", 4.9)
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["late"]) == (200, [])


def test_healthz_names_the_job_that_is_late() -> None:
    beat("ledger", 1)
    beat("reminders", 5.1)
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["late"]) == (503, ["reminders"])


def test_a_tick_that_began_and_never_ended_well_is_late() -> None:
    beat("reminders", 1)
    Heartbeat.objects.create(job="ledger", started_at=clock.now(), finished_at=None)
    assert Client().get("/healthz").json()["late"] == ["ledger"]


def test_every_page_says_so_while_the_clockwork_stands_still() -> None:
    owner = builders.user()
    builders.household(owner)
    beat("ledger", 6)
    beat("reminders", 1)
    assert "standing still" in page_for(owner)
    beat("ledger", 1)
    assert "standing still" not in page_for(owner)
