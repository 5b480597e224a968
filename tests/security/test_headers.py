"""What every answer tells the browser: what to load, what not to frame, what not to guess or pass on."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client

from ledger.views import overview
from tests.security.world import ROUTES, Home, signed_in

pytestmark = pytest.mark.django_db

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)


def headers(answer: HttpResponse) -> dict[str, str | None]:
    names = (
        "Content-Security-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
        "Referrer-Policy",
        "Cross-Origin-Opener-Policy",
    )
    return {name: answer.headers.get(name) for name in names}


EVERYWHERE = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


MAILS_SHOWN = {"reminders:message", "reminders:preview"}  # a mail brings its own styles
FILES_SHOWN = {"ledger:document"}  # nothing in it runs; test_documents looks at it


@pytest.mark.parametrize("name", sorted(ROUTES.keys() - MAILS_SHOWN - FILES_SHOWN))
def test_every_page_says_so(name: str, mine: Home) -> None:
    answer = signed_in(mine.viewer).get(ROUTES[name].url(name, mine))
    assert headers(answer) == EVERYWHERE
    kept = "private, no-cache" if name == "reminders:calendar" else "no-store"  # a calendar asks whether it changed
    assert answer["Cache-Control"] == kept


@pytest.mark.parametrize(
    "url, status",
    [
        ("/no/such/page/", 404),
        ("/account/login/", 302),  # nobody has an account yet
        ("/account/signup/", 200),
        ("/healthz", 503),
        ("/static/css/tokens.css", 200),
        ("/accounts/", 302),
        ("/language/", 405),
    ],
)
def test_so_do_pages_for_everybody_and_pages_that_are_not_there(url: str, status: int) -> None:
    answer = Client().get(url)
    assert (answer.status_code, answer.headers.get("Content-Security-Policy")) == (status, POLICY)
    if not url.startswith("/static/"):
        assert headers(answer) == EVERYWHERE
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_so_does_the_page_of_a_fault_and_it_shows_nothing_of_it(mine: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(overview, "loans_of", broken)
    client = signed_in(mine.owner, raise_request_exception=False)
    answer = client.get("/")
    assert (answer.status_code, headers(answer)) == (500, EVERYWHERE)
    assert b"secret reason" not in answer.content


def test_a_mail_keeps_its_styles_and_may_do_no_more(mine: Home, tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["To"], mail["From"], mail["Subject"] = mine.owner.email, "bank@example.com", "Due soon"
    mail.set_content("Your bill")
    mail.add_alternative('<style>p { color: red }</style><script>alert("1")</script><p>Your bill</p>', subtype="html")
    (tmp_path / "one.eml").write_bytes(mail.as_bytes())
    answer = signed_in(mine.owner).get("/mailbox/one.eml/")
    policy = f"{POLICY}; style-src 'self' 'unsafe-inline'"
    assert headers(answer) == EVERYWHERE | {"Content-Security-Policy": policy}
    assert b'<iframe class="mail-html" sandbox title=' in answer.content
    assert b"<script>alert" not in answer.content


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace", "options"])
def test_a_method_nobody_uses_is_refused(method: str) -> None:
    answer = getattr(Client(), method)("/account/login/")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
