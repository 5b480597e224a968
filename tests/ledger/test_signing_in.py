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
