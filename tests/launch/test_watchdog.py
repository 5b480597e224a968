"""When worker and beat are restarted although they run, and how the launcher asks after them."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator

import pytest

from loantracker.launch.child import restart_time
from loantracker.launch.probe import Probe
from loantracker.launch.watchdog import Watchdog


def test_it_asks_after_a_minute_and_then_each_half_minute() -> None:
    watchdog = Watchdog(0)
    assert [now for now in range(0, 200, 10) if watchdog.asks(now)] == [60, 90, 120, 150, 180]


def test_two_unwell_answers_in_a_row_restart() -> None:
    watchdog = Watchdog(0)
    answers = [(60, 503), (90, 200), (120, 503), (150, 503), (180, 503)]
    assert [now for now, status in answers if watchdog.restarts(status, now)] == [150]


def test_a_restart_that_does_not_help_is_repeated_after_ten_minutes() -> None:
    watchdog = Watchdog(0)
    assert [now for now in range(60, 1800, 30) if watchdog.restarts(503, now)] == [90, 690, 1290]


def test_other_answers_do_not_restart() -> None:
    watchdog = Watchdog(0)
    assert not any(watchdog.restarts(status, now) for now, status in enumerate([200, 404, 500, 500, 500]))


def test_the_sixth_restart_waits_until_a_minute_after_the_first_of_five() -> None:
    assert restart_time([], 100) == 100
    assert restart_time([10, 20, 30, 40], 41) == 41
    assert restart_time([10, 20, 30, 40, 50], 51) == 70
    assert restart_time([10, 20, 30, 40, 50], 80) == 80
    assert restart_time([10, 20, 30, 40, 50, 70], 71) == 80


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_probe_reads_the_status_and_does_not_wait_for_it(listener: socket.socket) -> None:
    answers: list[int] = []
    with selectors.DefaultSelector() as selector:
        probe = Probe(listener.getsockname(), site="loans.example.org", selector=selector, answered=answers.append)
        probe.ask("/healthz")
        probe.ask("/healthz")
        assert selector.select(0) == []
        client, _ = listener.accept()
        with client:
            assert client.recv(1000) == b"GET /healthz HTTP/1.0\r\nHost: loans.example.org\r\n\r\n"
            client.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
            ((key, _),) = selector.select(1)
            key.data()
    assert answers == [503]


def test_a_probe_that_was_cut_off_asks_again(listener: socket.socket) -> None:
    answers: list[int] = []
    with selectors.DefaultSelector() as selector:
        probe = Probe(listener.getsockname(), site="localhost", selector=selector, answered=answers.append)
        for reply in [b"", b"HTTP/1.1 200 OK\r\n\r\n"]:
            probe.ask("/")
            client, _ = listener.accept()
            with client:
                client.recv(1000)
                client.sendall(reply)
            ((key, _),) = selector.select(1)
            key.data()
    assert answers == [200]
