"""Mail servers for the tests of what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.reminders.smtp_catcher import Catcher, free_port


@pytest.fixture
def catcher(settings: Any) -> Catcher:
    """A catcher the settings point at; not up yet."""
    found = Catcher(free_port())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = found.port
    settings.EMAIL_TIMEOUT = 5
    return found


@pytest.fixture
def listening(catcher: Catcher) -> Iterator[Catcher]:
    with catcher.up():
        yield catcher
