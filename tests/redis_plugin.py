"""A pytest plugin: before settings are read, a private folder and a private, real Redis per test process."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from loantracker.launch.redis_server import start_private

# What a developer may have set for a running Loantracker must not steer the tests. TZ is also set by Django itself,
# in the process that starts the workers of pytest-xdist.
NOT_FOR_TESTS = ("EMAIL_", "SITE_URL", "ALLOWED_HOSTS", "CLOCK_OFFSET", "SECRET_KEY", "DEBUG", "LOG_LEVEL", "TZ")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """Runs before pytest-django reads the settings. Each worker of pytest-xdist gets a server of its own."""
    for name in [name for name in os.environ if name.startswith(NOT_FOR_TESTS)]:
        del os.environ[name]
    # Short on purpose: sockets are made in there.
    folder = Path(tempfile.mkdtemp(prefix="loantracker-test-"))
    server, process = start_private(folder / "redis")
    _started.append((folder, process))
    os.environ["LOANTRACKER_VAR"] = str(folder)
    os.environ["REDIS_URL"] = server.url
    os.environ["SECRET_KEY"] = "only-for-tests-" + "x" * 40
    return (yield)


@atexit.register  # pytest_unconfigure is not called where the settings cannot be read
def pytest_unconfigure() -> None:
    """Stops the server and clears the folder."""
    while _started:
        folder, process = _started.pop()
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


_started: list[tuple[Path, subprocess.Popen[bytes]]] = []
