"""Messages to other channels against a real HTTP server: what arrives, and what an answer, or none, means."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from django.core.mail import EmailMessage

from reminders import wire
from reminders.deliveries import ENTER_AGAIN, NOT_ALLOWED, NOT_UNDERSTOOD, REMOVED, Delivery, Outcome
from reminders.models import Destination
from reminders.push import PushChannel
from reminders.push_urls import NotAnAddress, may_reach, service_of
from reminders.secrets import seal
from tests.builders import NOW
from tests.reminders.http_catcher import HttpCatcher, http_catcher

TOKEN = "Sec-ret_Topic9000"


@pytest.fixture
def server() -> Iterator[HttpCatcher]:
    with http_catcher() as found:
        yield found


def push(url: str, committing: Callable[[], bool] = lambda: True, **more: Any) -> Delivery:
    destination = Destination(kind="ntfy", secret=seal(url), created_at=NOW, **more)
    message = EmailMessage("CNY 1,031 to River Bank", "Due on 10 March.\n", to=["me@example.com"])
    return PushChannel(destination).deliver(message, committing)


def ntfy(server: HttpCatcher) -> str:
    return f"ntfy://127.0.0.1:{server.port}/{TOKEN}"


def test_what_ntfy_gets(server: HttpCatcher) -> None:
    assert push(ntfy(server)) == Delivery(Outcome.ACCEPTED, "HTTP 200")
    (arrived,) = server.arrived
    assert arrived.path == "/"
    assert arrived.body == {"topic": TOKEN, "title": "CNY 1,031 to River Bank", "message": "Due on 10 March."}


def test_what_gotify_gets(server: HttpCatcher) -> None:
    assert push(f"gotify://127.0.0.1:{server.port}/{TOKEN}").outcome is Outcome.ACCEPTED
    (arrived,) = server.arrived
    assert (arrived.path, arrived.headers["X-Gotify-Key"]) == ("/message", TOKEN)
    assert (arrived.body["title"], arrived.body["message"]) == ("CNY 1,031 to River Bank", "Due on 10 March.")


def test_what_a_webhook_gets(server: HttpCatcher) -> None:
    assert push(f"json://127.0.0.1:{server.port}/hooks/{TOKEN}?+X-Key=abc").outcome is Outcome.ACCEPTED
    (arrived,) = server.arrived
    assert (arrived.path, arrived.headers["X-Key"]) == (f"/hooks/{TOKEN}", "abc")
    assert (arrived.body["title"], arrived.body["message"]) == ("CNY 1,031 to River Bank", "Due on 10 March.")


@pytest.mark.parametrize(
    "status, outcome",
    [
        (301, Outcome.REFUSED),
        (400, Outcome.REFUSED),
        (401, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (408, Outcome.DELAYED),
        (429, Outcome.DELAYED),
        (500, Outcome.DELAYED),
        (503, Outcome.DELAYED),
        (504, Outcome.UNKNOWN),
    ],
)
def test_what_an_answer_means(server: HttpCatcher, status: int, outcome: Outcome) -> None:
    server.status = status
    assert push(ntfy(server)) == Delivery(outcome, f"HTTP {status}")
    assert len(server.arrived) == 1


def test_nothing_is_led_elsewhere(server: HttpCatcher) -> None:
    with http_catcher() as elsewhere:
        server.status, server.headers = 307, {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
        assert push(ntfy(server) + "?priority=high").outcome is Outcome.REFUSED
        assert elsewhere.arrived == []


def test_cut_off_after_the_request_nobody_knows(server: HttpCatcher) -> None:
    server.cut = True
    assert push(ntfy(server)) == Delivery(Outcome.UNKNOWN, "ConnectionError")


def test_a_server_that_keeps_silent_may_have_taken_it(server: HttpCatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "ANSWER_LASTS", 0.3)
    server.stall = True
    assert push(ntfy(server)) == Delivery(Outcome.UNKNOWN, "ReadTimeout")


def test_where_nobody_listens_nothing_was_sent() -> None:
    with http_catcher() as gone:
        pass
    committed: list[bool] = []
    delivery = push(ntfy(gone), lambda: bool(committed.append(True)) or True)
    assert (delivery, committed) == (Delivery(Outcome.DELAYED, "ConnectionError", is_down=True), [])


def test_nothing_leaves_once_somebody_else_took_over(server: HttpCatcher) -> None:
    assert push(ntfy(server), lambda: False) == Delivery(Outcome.FENCED)
    assert server.arrived == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_this_machine_is_out_of_reach_on_a_public_site(server: HttpCatcher, settings: Any, host: str) -> None:
    settings.ALLOW_PRIVATE_CHANNELS = False
    assert push(f"json://{host}:{server.port}/x").outcome in {Outcome.IMPOSSIBLE, Outcome.DELAYED}
    assert push(f"json://127.0.0.1:{server.port}/x") == Delivery(Outcome.IMPOSSIBLE, NOT_ALLOWED)
    assert server.arrived == []


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "100.100.100.200", "0.0.0.0", "[::ffff:169.254.169.254]"]
)
def test_what_hands_out_keys_is_never_asked(settings: Any, host: str) -> None:
    settings.ALLOW_PRIVATE_CHANNELS = True
    assert push(f"json://{host}/latest/meta-data") == Delivery(Outcome.IMPOSSIBLE, NOT_ALLOWED)


@pytest.mark.parametrize(
    "address",
    [
        *("64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:a9fe:a9fe::1", "2002:7f00:1::"),
        *("::7f00:1", "fec0::1", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"),
    ],
)
@pytest.mark.parametrize("private", [True, False])
def test_no_detour_leads_there(address: str, private: bool) -> None:
    assert not may_reach(address, private=private)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.168.1.5", "fd12::5", "10.0.0.9"])
def test_the_own_network_may_be_reached_where_it_is_allowed(address: str) -> None:
    assert (may_reach(address, private=True), may_reach(address, private=False)) == (True, False)


@pytest.mark.parametrize(
    "url",
    [
        "ntfy://127.0.0.1:1/topic9000?priority=1;attach=http://169.254.169.254/x;mode=cloud",
        "json://127.0.0.1:1/x?priority=1;method=PUT",
    ],
)
def test_no_word_slips_in_behind_a_semicolon(url: str) -> None:
    with pytest.raises(NotAnAddress):
        service_of(url)


@pytest.mark.parametrize("name", ["Host", "host", "Content-Length", "%2548ost", "Transfer-Encoding", " Connection"])
def test_no_webhook_says_what_the_request_itself_says(name: str) -> None:
    with pytest.raises(NotAnAddress):
        service_of(f"jsons://example.org/x?+{name}=internal")
    assert service_of("jsons://example.org/x?+X-Host=internal").name == "webhook"


def test_what_cannot_be_put_on_the_wire_is_given_up(server: HttpCatcher) -> None:
    delivery = push(f"json://127.0.0.1:{server.port}/x?+X-Name=%E6%8B%9B%E8%A1%8C")
    assert (delivery.outcome, delivery.reply, server.arrived) == (Outcome.IMPOSSIBLE, NOT_UNDERSTOOD, [])


def test_a_long_text_ends_at_the_end_of_a_line(server: HttpCatcher) -> None:
    destination = Destination(kind="ntfy", secret=seal(ntfy(server)), created_at=NOW)
    lines = "\n".join(f"https://loans.example/act/{number:050}" for number in range(40))
    PushChannel(destination).deliver(EmailMessage("Due", lines, to=["me@example.com"]), lambda: True)
    (arrived,) = server.arrived
    *whole, last = arrived.body["message"].split("\n")
    assert last == "…"
    assert len(whole) > 10
    assert whole == lines.split("\n")[: len(whole)]


def test_a_removed_or_unreadable_or_unknown_one_is_refused(settings: Any) -> None:
    assert push("ntfy://ntfy.sh/topic", removed_at=NOW) == Delivery(Outcome.IMPOSSIBLE, REMOVED)
    assert push("mailto://me:secret@example.com") == Delivery(Outcome.IMPOSSIBLE, NOT_UNDERSTOOD)
    destination = Destination(kind="ntfy", secret=seal("ntfy://ntfy.sh/topic"))
    settings.SECRET_KEY = "another-key-" * 5
    message = EmailMessage("Due", "Pay", to=["me@example.com"])
    assert PushChannel(destination).deliver(message, lambda: True) == Delivery(Outcome.IMPOSSIBLE, ENTER_AGAIN)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_no_log_holds_the_address(server: HttpCatcher, caplog: pytest.LogCaptureFixture, status: int) -> None:
    server.status = status
    with caplog.at_level(logging.DEBUG):
        push(ntfy(server))
        push(f"json://me:{TOKEN}@127.0.0.1:{server.port}/{TOKEN}")
        push(f"ntfy://127.0.0.1:9/{TOKEN}")
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "url, field, shown",
    [
        (
            f"tgram://123456789:{'A' * 35}/12345678",
            "text",
            "<b>Due</b>\r\nSmith &amp; Sons: a_b *c*\r\n\r\nhttp://h/act/d_e:1x__y/",
        ),
        (
            f"pushplus://{'a1b2' * 8}",
            "content",
            "Smith&nbsp;&amp;&nbsp;Sons:&nbsp;a_b&nbsp;*c*<br/><br/>http://h/act/d_e:1x__y/",
        ),
    ],
    ids=["telegram", "pushplus"],
)
def test_a_service_that_shows_html_is_given_plain_text_as_such(
    monkeypatch: pytest.MonkeyPatch, url: str, field: str, shown: str
) -> None:
    asked: list[dict[str, Any]] = []

    def answers(self: Any, method: str, to: str, **sent: Any) -> requests.Response:
        asked.append(json.loads(sent["data"]))
        response = requests.Response()
        response.status_code, response._content = 200, b'{"ok": true, "code": 200}'
        call = wire._CALL.get()
        call.begun = True
        call.codes.append(200)
        return response

    monkeypatch.setattr(wire._Wire, "request", answers)
    message = EmailMessage("Due", "Smith & Sons: a_b *c*\n\nhttp://h/act/d_e:1x__y/", to=["me@example.com"])
    destination = Destination(kind="x", secret=seal(url), created_at=NOW)
    assert PushChannel(destination).deliver(message, lambda: True).outcome is Outcome.ACCEPTED
    assert [one[field] for one in asked] == [shown]
