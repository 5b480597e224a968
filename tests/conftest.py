"""What all tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from django.test import TransactionTestCase
from django.test.utils import override_settings
from django.utils import timezone, translation
from hypothesis import settings

from ledger.services.checking import find_problems
from ledger.services.erasing import erasing

# Properties look for new examples on every run at home, and at the same ones in CI, where nobody can look on.
settings.register_profile("home", deadline=None, print_blob=True)
settings.register_profile("every run alike", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("every run alike" if os.environ.get("CI") == "true" else "home")


def pytest_collection_finish() -> None:
    """What has been imported and collected stays to the end: looking through it for garbage takes a tenth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 takes its time on purpose, a tenth of a second for each user a test makes."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def emptied_as_an_erasure() -> Iterator[None]:
    """After a test with transactions of its own every table is emptied, which the database refuses otherwise."""
    empty = TransactionTestCase._fixture_teardown

    def empty_in_an_erasure(case: TransactionTestCase) -> None:
        with erasing():
            empty(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_in_an_erasure)
        yield


@pytest.fixture(autouse=True)
def nothing_left_behind() -> None:
    """A page leaves its reader's language and time zone active in the thread that made it."""
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def ledger_agrees_with_its_facts(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that writes through services: what is stored is what follows from the facts."""
    if request.node.get_closest_marker("service") is None:
        yield
        return
    request.getfixturevalue("db")
    yield
    assert list(find_problems()) == []
