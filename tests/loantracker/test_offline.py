"""The page shown without a network, and the script that keeps it: nobody's in particular."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from loantracker import offline
from tests.builders import household, signed_in, user

pytestmark = pytest.mark.django_db


def script(client: Client, language: str = "en") -> str:
    return client.get(reverse("service_worker", args=[language])).content.decode()


def kept(text: str) -> list[str]:
    found = re.search(r"const kept = (\[.*\]);", text)
    assert found is not None
    return list(json.loads(found[1]))


def test_the_page_is_nobodys_in_particular() -> None:
    reader = user("reader@example.com", language="zh-hans")
    household(reader, name="Wen and Mei")
    page = signed_in(reader).get(reverse("offline", args=["en"])).content.decode()
    assert page == Client().get(reverse("offline", args=["en"])).content.decode()
    assert ('<html lang="en"' in page, "No connection" in page, "csrf" in page.lower()) == (True, True, False)
    assert '<html lang="zh-Hans"' in Client().get(reverse("offline", args=["zh-hans"])).content.decode()


def test_the_script_may_serve_all_pages_and_is_looked_at_again_each_time() -> None:
    answer = Client().get(reverse("service_worker", args=["en"]))
    assert (answer["Content-Type"], answer["Service-Worker-Allowed"]) == ("text/javascript", "/")
    assert answer["Cache-Control"] == "no-cache"


def test_it_keeps_the_page_and_its_styles_only() -> None:
    page, styles = kept(script(Client(), "zh-hans"))
    assert (page, re.sub(r"\?v=\w+$", "", styles)) == ("/offline/zh-hans/", "/static/all.css")
    assert all(Client().get(one).status_code == 200 for one in [page, styles])


def test_another_page_makes_it_another_script(monkeypatch: pytest.MonkeyPatch) -> None:
    before = script(Client())
    assert script(Client()) == before
    monkeypatch.setattr(offline, "render_to_string", lambda name, context: json.dumps(context, default=str))
    assert script(Client()) != before


@pytest.mark.parametrize("name", ["offline", "service_worker"])
def test_there_is_none_in_a_language_nobody_speaks_here(name: str) -> None:
    assert Client().get(reverse(name, args=["tlh"])).status_code == 404


def test_a_page_asks_for_the_script_once_somebody_is_signed_in() -> None:
    reader = user("reader@example.com", language="zh-hans")
    household(reader)
    assert 'data-worker="/offline/zh-hans/worker.js"' in signed_in(reader).get("/settings/").content.decode()
    assert "data-worker" not in Client().get(reverse("account_login")).content.decode()
