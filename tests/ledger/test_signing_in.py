"""Signing in: straight to the answer, without a word about it."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from ledger.models import User

pytestmark = pytest.mark.django_db


def test_nobody_is_told_that_they_have_signed_in(visitor: Client) -> None:
    User.objects.create_user("wen@household.example", "a-long-walk-by-the-river")

    answer = visitor.post("/account/login/", {"login": "wen@household.example", "password": "a-long-walk-by-the-river"})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert [str(message) for message in get_messages(answer.wsgi_request)] == []


@pytest.mark.parametrize(
    "password, said",
    [
        ("river", "This password is too short: it takes at least 12 characters."),
        ("qwerty123456", "Many people use this password, so it is guessed at once. Choose another."),
        ("wen@household", "This password is too much like your e-mail address. Choose another."),
    ],
)
def test_a_weak_password_is_refused_in_our_own_words(visitor: Client, password: str, said: str) -> None:
    answer = visitor.post("/account/signup/", {"email": "wen@household.example", "password1": password})

    assert [error for error in answer.context["form"].errors["password1"] if error == said] == [said]
    assert not User.objects.exists()


def test_a_wrong_password_is_refused_with_what_to_do_next(visitor: Client) -> None:
    answer = visitor.post("/account/login/", {"login": "wen@household.example", "password": "a-long-walk"})

    assert "The e-mail address or the password is not right." in answer.content.decode()
