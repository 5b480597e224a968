"""Who and what most of the ledger's tests are about: an owner, signed in, their household, an account and a loan."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from ledger.models import FundingAccount, Household, Loan, User
from tests import builders as make


@pytest.fixture
def frozen() -> Iterator[None]:
    """Noon on 1 March 2026 in Shanghai, however long the test takes."""
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def owner() -> User:
    return make.user("owner@example.com")


@pytest.fixture
def home(owner: User) -> Household:
    return make.household(owner)


@pytest.fixture
def card(home: Household) -> FundingAccount:
    return make.account(home)


@pytest.fixture
def loan(home: Household) -> Loan:
    """Opened on 20 January 2026, before its first bill of 10 February."""
    return make.loan(home, now=make.at("2026-01-20"))


@pytest.fixture
def client(owner: User, home: Household) -> Client:
    """The owner's browser, signed in."""
    return make.signed_in(owner)


@pytest.fixture
def visitor() -> Client:
    """The browser of somebody who is not signed in."""
    return Client()
