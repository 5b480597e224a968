"""The frame of every page: language, theme, errors, and the account pages that stand in it."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client

from tests import builders

SIGNED_OUT = ["/account/login/", "/account/signup/", "/account/password/reset/", "/account/password/reset/done/"]
SIGNED_IN = ["/account/email/", "/account/password/change/", "/account/2fa/", "/account/logout/"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def somebody() -> None:
    """Somebody has an account already: where nobody has, signing in leads to making one."""
    builders.user()


def page(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def signed_in() -> Client:
    client = Client()
    owner = builders.user()
    builders.household(owner=owner)
    client.force_login(owner)
    return client


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("path", SIGNED_OUT)
def test_pages_before_signing_in_stand_in_our_frame(path: str) -> None:
    html = page(Client(), path)
    assert '<body class="entrance"' in html
    assert html.count("<h1>") == 1
    assert 'name="language" value="zh-hans"' in html


@pytest.mark.parametrize("path", SIGNED_IN)
def test_account_pages_stand_in_our_frame_with_the_navigation(path: str) -> None:
    html = page(signed_in(), path)
    assert '<body class="has-side has-tabbar"' in html
    assert html.count("<h1>") == 1
    assert html.count("<nav") >= 2


def test_whoever_comes_first_is_led_to_make_an_account() -> None:
    response = Client().get("/account/login/?next=/bills/")
    assert (response.status_code, response.headers["Location"]) == (302, "/account/signup/?next=%2Fbills%2F")
    builders.user()
    assert Client().get("/account/login/?next=/bills/").status_code == 200


@pytest.mark.usefixtures("somebody")
def test_a_page_names_its_language_for_screen_readers() -> None:
    assert '<html lang="en">' in page(Client(), "/account/login/", accept_language="en")
    chinese = page(Client(), "/account/login/", accept_language="zh-CN")
    assert '<html lang="zh-Hans">' in chinese
    assert "<h1>登录</h1>" in chinese


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize(
    "cookie, mark",
    [("dark", '<html lang="en" data-theme="dark">'), ("light", '<html lang="en" data-theme="light">')],
)
def test_a_chosen_theme_is_in_the_page_before_any_script_runs(cookie: str, mark: str) -> None:
    client = Client()
    client.cookies["theme"] = cookie
    assert mark in page(client, "/account/login/")


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("cookie", ["auto", '"><b>', ""])
def test_any_other_theme_leaves_it_to_the_device(cookie: str) -> None:
    client = Client()
    client.cookies["theme"] = cookie
    html = page(client, "/account/login/")
    assert '<html lang="en">' in html


def test_a_wrong_password_is_said_beside_the_form() -> None:
    form = {"login": "nobody@example.com", "password": "wrong horse battery"}
    response = Client().post("/account/login/", form)
    assert '<div class="alert alert-danger" role="alert"' in response.content.decode()


def test_an_unknown_address_says_so_in_our_words() -> None:
    response = signed_in().get("/no/such/page/")
    assert response.status_code == 404
    assert "<h1>There is nothing here</h1>" in response.content.decode()


@pytest.mark.parametrize("template", ["500.html", "403_csrf.html"])
def test_pages_of_last_resort_need_no_context(template: str) -> None:
    html = render_to_string(template)
    assert html.count("<h1>") == 1
    assert "/static/all.css" in html


def test_the_navigation_leads_nowhere_that_is_not_there() -> None:
    """The plan has its place in it, and no link before there is such a page."""
    client = signed_in()
    html = page(client, "/bills/")
    links = set(re.findall(r'href="(/[a-z/-]*)"', html.partition("<main")[0]))
    assert "/accounts/" in links
    assert [link for link in sorted(links) if client.get(link).status_code not in (200, 302)] == []
