"""Two households on the same day, and no limits on how often one may ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from tests import builders as make
from tests.security.world import Home, home


@pytest.fixture(autouse=True)
def the_first_of_march(settings: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    settings.EMAIL_FILE_PATH = tmp_path  # type: ignore[attr-defined]
    settings.VAR = tmp_path  # type: ignore[attr-defined]
    settings.ACCOUNT_RATE_LIMITS = False  # type: ignore[attr-defined]
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def mine(db: None) -> Home:
    return home("mine")


@pytest.fixture
def theirs(db: None) -> Home:
    return home("theirs")
