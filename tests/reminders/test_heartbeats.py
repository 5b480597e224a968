"""What the tick leaves behind: who is alive, and a word to a monitor elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine

from ledger import tasks as ledger_tasks
from ledger.models import Heartbeat
from ledger.selectors.banners import late_jobs
from ledger.services import heartbeat
from ledger.services.ping import failing, ping
from reminders import channels, tasks
from reminders.models import Reminder, State
from reminders.services import outbox
from reminders.tasks import run
from tests import builders
from tests.builders import at
from tests.reminders.smtp_catcher import Catcher

pytestmark = [pytest.mark.django_db, pytest.mark.service]

NINE = at("2026-03-09", 9)
MINUTE = timedelta(minutes=1)


def due_on_10_march() -> None:
    builders.loan(now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10))


def ends() -> dict[str, datetime | None]:
    return dict(Heartbeat.objects.values_list("job", "finished_at"))


def test_a_good_tick_is_heard_of_as_reminders_worker_and_mail_and_beat_by_its_own_time() -> None:
    run(NINE, NINE - timedelta(seconds=3))
    moments = {"reminders": NINE, "worker": NINE, "mail": NINE, "beat": NINE - timedelta(seconds=3)}
    assert ends() == moments
    run(NINE + MINUTE)  # sent by hand: of beat it says nothing
    assert ends() == dict.fromkeys(["reminders", "worker", "mail"], NINE + MINUTE) | {"beat": moments["beat"]}


def test_a_tick_that_breaks_off_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    run(NINE, NINE)
    monkeypatch.setattr(tasks.planning, "plan", broken)
    with pytest.raises(RuntimeError):
        run(NINE + MINUTE, NINE + MINUTE)
    assert ends()["reminders"] == NINE


def test_with_nothing_to_do_all_heartbeats_are_one_write(django_assert_num_queries: Any) -> None:
    due_on_10_march()
    for _ in range(2):
        run(at("2026-02-20"), at("2026-02-20"))
    with django_assert_num_queries(4 + 3):  # its questions; when it last ended, that it begins, that it has ended
        run(at("2026-02-20"), at("2026-02-20"))


def test_a_mail_server_that_is_away_is_late_until_it_answers_again(catcher: Catcher) -> None:
    due_on_10_march()
    run(NINE - MINUTE)
    for minutes in range(7):
        run(NINE + MINUTE * minutes, NINE + MINUTE * minutes)
    assert ends()["mail"] == NINE - MINUTE
    heartbeat.finished(heartbeat.LEDGER, NINE)
    assert late_jobs(NINE + MINUTE * 3) == []
    heartbeat.finished(heartbeat.LEDGER, NINE + MINUTE * 6)
    assert late_jobs(NINE + MINUTE * 6) == ["mail"]
    with catcher.up():
        run(NINE + MINUTE * 8)  # the next try is in half an hour, but the server is asked how it is
        assert ends()["mail"] == NINE + MINUTE * 8
    assert catcher.mails == []


def test_a_server_that_refuses_one_mail_is_there(listening: Catcher) -> None:
    due_on_10_march()
    listening.rcpt_replies = ["550 5.1.1 no such user"]
    run(NINE)
    assert ends()["mail"] == NINE


def test_a_letter_that_could_not_be_made_says_nothing_of_the_server(
    listening: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_on_10_march()
    run(NINE - MINUTE)
    heartbeat.failed(heartbeat.MAIL, NINE)
    listening.most_connections = 0
    monkeypatch.setattr(outbox, "compose", broken)
    run(NINE)
    assert ends()["mail"] == NINE - MINUTE


@pytest.mark.parametrize("host", [f"{'a' * 64}.example", "a..b"])
def test_a_server_with_an_impossible_name_is_away(settings: Any, host: str) -> None:
    due_on_10_march()
    run(NINE - MINUTE)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = host
    assert not channels.mail_answers()
    run(NINE)
    row = Reminder.objects.get(step="T-1")
    assert (row.state, row.attempts, ends()["mail"]) == (State.PLANNED, 1, NINE - MINUTE)


class Monitor:
    """What was asked of an HTTP server on loopback; it answers with `status`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.url = ""


@contextmanager
def monitor_up() -> Iterator[Monitor]:
    found = Monitor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(found.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/key"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def monitor(settings: Any) -> Iterator[Monitor]:
    with monitor_up() as found:
        settings.PING_URL = found.url
        yield found


def broken(*_: Any) -> None:
    raise RuntimeError


def test_no_address_no_ping(monitor: Monitor, settings: Any) -> None:
    settings.PING_URL = ""
    assert not ping(NINE, is_well=True)
    assert (monitor.asked, ends()) == ([], {})


def test_a_monitor_hears_of_it_once_a_minute(monitor: Monitor) -> None:
    for seconds in (0, 10, 59, 60, 119, 121):
        ping(NINE + timedelta(seconds=seconds), is_well=True)
    assert monitor.asked == ["/key"] * 3


def test_a_tick_that_broke_is_told_with_fail_behind_the_path(monitor: Monitor) -> None:
    ping(NINE, is_well=True)
    ping(NINE, is_well=False)
    assert monitor.asked == ["/key", "/key/fail"]
    assert failing("https://hc.example/a/?x=1") == "https://hc.example/a/fail?x=1"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_whatever_it_answers_is_followed_nowhere_and_stops_nothing(monitor: Monitor, status: int) -> None:
    monitor.status = status
    assert ping(NINE, is_well=True)
    assert monitor.asked == ["/key"]


def test_nobody_there_stops_nothing_and_the_address_stays_out_of_the_log(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PING_URL = "http://127.0.0.1:1/secret-key"
    assert ping(NINE, is_well=True)
    assert "could not be asked" in caplog.text
    assert "secret-key" not in caplog.text


def test_the_ticks_tell_the_monitor(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(NINE, tick=False):
        tasks.tick(NINE.isoformat())  # nothing was heard of auto-repay yet: no word either
        assert monitor.asked == []
        ledger_tasks.tick()
        tasks.tick(NINE.isoformat())
        assert monitor.asked == ["/key"]
        monkeypatch.setattr(tasks.planning, "plan", broken)
        with pytest.raises(RuntimeError):
            tasks.tick()
        assert monitor.asked == ["/key", "/key/fail"]
    monkeypatch.setattr(ledger_tasks.heartbeat, "idle", broken)
    with time_machine.travel(NINE + MINUTE, tick=False), pytest.raises(RuntimeError):
        ledger_tasks.tick()
    assert monitor.asked == ["/key", "/key/fail", "/key/fail"]
