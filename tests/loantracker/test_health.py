"""A clockwork that stands still is noticed: by a monitor, and on every page."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from ledger import clock
from ledger.models import Heartbeat
from ledger.selectors.banners import late_jobs, standing_still
from ledger.services.heartbeat import JOBS, STANDSTILL
from loantracker.beat import app
from loantracker.celery import worker_lives
from tests import builders

pytestmark = pytest.mark.django_db


def beat(job: str, minutes_ago: float) -> None:
    at = clock.now() - timedelta(minutes=minutes_ago)
    Heartbeat.objects.update_or_create(job=job, defaults={"started_at": at, "finished_at": at})


def page_for(member: object) -> str:
    client = Client()
    client.force_login(member)  # type: ignore[arg-type]
    return client.get("/accounts/").content.decode()


def all_beat(minutes_ago: float = 1) -> None:
    for job in JOBS:
        beat(job, minutes_ago)


def test_healthz_is_503_before_the_first_tick() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"ok": False, "late": ["ledger", "reminders", "worker", "beat", "mail"], "seconds_since": {}},
    )


def test_healthz_is_200_while_all_were_heard_of_lately() -> None:
    all_beat(4.9)
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["late"]) == (200, [])


@pytest.mark.parametrize("job", JOBS)
def test_healthz_names_the_one_that_is_late(job: str) -> None:
    all_beat()
    beat(job, 5.1)
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["late"]) == (503, [job])


def test_healthz_speaks_of_jobs_alone() -> None:
    all_beat()
    beat(STANDSTILL, 6000)
    answer = Client().get("/healthz")
    assert (answer.status_code, set(answer.json()["seconds_since"])) == (200, set(JOBS))


def test_a_tick_that_began_and_never_ended_well_is_late() -> None:
    all_beat()
    Heartbeat.objects.filter(job="ledger").update(started_at=clock.now(), finished_at=None)
    assert Client().get("/healthz").json()["late"] == ["ledger"]


def test_every_page_says_so_while_the_clockwork_stands_still() -> None:
    owner = builders.user()
    builders.household(owner)
    all_beat()
    beat("ledger", 6)
    assert "Auto-repay is standing still: its tick breaks off" in page_for(owner)
    beat("ledger", 1)
    assert "standing still" not in page_for(owner)


SAID = [
    (["ledger", "reminders", "worker", "beat", "mail"], "no worker process has been heard of. Start it"),
    (
        ["ledger", "reminders", "beat", "mail"],
        "a worker runs, but no tick comes. Check that the beat process",
    ),
    (["ledger", "reminders"], "Auto-repay and reminders are standing still: their ticks break off."),
    (["reminders", "mail"], "Reminders are standing still: their tick breaks off"),
    (["mail"], "The mail server cannot be reached, so no mail goes out. Check EMAIL_HOST"),
]


@pytest.mark.parametrize("late, words", SAID)
def test_the_banner_names_what_stands_still_and_what_to_do(late: list[str], words: str) -> None:
    assert words in standing_still(late)


def test_a_worker_says_that_it_lives_although_no_tick_comes() -> None:
    worker_lives()
    assert set(JOBS) - set(late_jobs(clock.now())) == {"worker"}


def test_beat_sends_the_moment_along() -> None:
    kwargs = app.conf.beat_schedule["reminders-tick"]["kwargs"]
    sent_at = datetime.fromisoformat(kwargs["beaten_at"]())
    assert timedelta(0) <= clock.now() - sent_at < timedelta(minutes=1)


def test_the_launcher_does_not_mind_a_mail_server_that_is_away() -> None:
    all_beat()
    beat("mail", 6)
    assert (Client().get("/healthz").status_code, Client().get("/healthz?ticks").status_code) == (503, 200)
    beat("beat", 6)
    assert Client().get("/healthz?ticks").json()["late"] == ["beat"]
