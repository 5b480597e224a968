"""Mails about an account: in our own words, with the link they are about."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client

from ledger.models import User

pytestmark = pytest.mark.django_db
Read = Callable[[], tuple[str, list[str]]]
ME = "wen@household.example"


@pytest.fixture
def subject_and_links() -> Read:
    def read() -> tuple[str, list[str]]:
        [sent] = mail.outbox
        mail.outbox.clear()
        links = re.findall(r"http://[^/\s]+(/\S+)", sent.body)
        return sent.subject, [re.sub(r"/key/.+", "/key/…", link) for link in links]

    return read


def test_signing_up_asks_to_confirm_the_address(visitor: Client, subject_and_links: Read) -> None:
    visitor.post("/account/signup/", {"email": ME, "password1": "a-long-walk-by-the-river"})

    subject, links = subject_and_links()
    assert subject == "Confirm your e-mail address"
    assert [link.startswith("/account/confirm-email/") for link in links] == [True]


def test_a_forgotten_password_is_chosen_anew_by_a_link(visitor: Client, subject_and_links: Read) -> None:
    User.objects.create_user(ME, "a-long-walk-by-the-river")

    visitor.post("/account/password/reset/", {"email": ME})

    assert subject_and_links() == ("A new password for Loantracker", ["/account/password/reset/key/…"])


def test_an_address_without_an_account_is_told_so(visitor: Client, subject_and_links: Read) -> None:
    visitor.post("/account/password/reset/", {"email": ME})

    assert subject_and_links() == ("No account with this address", ["/account/signup/"])


def test_the_mail_is_in_the_language_of_the_page(visitor: Client) -> None:
    given = {"email": "mei@household.example", "password1": "a-long-walk-by-the-river"}

    visitor.post("/account/signup/", given, headers={"accept-language": "zh-CN"})

    assert mail.outbox[0].subject == "请确认你的邮箱"
    assert not re.search(r"[A-Za-z]{2,}", re.sub(r"Loantracker|http://\S+", "", mail.outbox[0].body))
