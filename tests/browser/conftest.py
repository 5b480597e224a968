"""The whole product for browser tests: all processes under the launcher, a real mail catcher, a real browser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
HOME = ZoneInfo("Asia/Shanghai")  # where the households of these tests live
NOON = "2027-03-01 12:00"  # when they begin, by the clock there
DESKTOP, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shots", metavar="DIR", help="take pictures of every page instead of looking for its faults")


def until_then(moment: str) -> int:
    """Seconds from now to a local moment, such as "2027-03-01 12:00": what the app's clock has to be moved by."""
    then = datetime.fromisoformat(moment).replace(tzinfo=HOME)
    return round((then - datetime.now(UTC)).total_seconds())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Catcher:
    """Keeps every mail it is given, as an SMTP server; answers with the `refusals` first, and keeps nothing then."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.told = 0  # how many of them a test has looked at
        self.refusals: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refusals:
            return self.refusals.pop(0)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 kept"

    def said(self) -> list[tuple[str, str]]:
        """To whom, and what about, in the order in which they came."""
        return [(str(mail["To"]), str(mail["Subject"]).strip()) for mail in self.mails]


class Product:
    """Loantracker's own processes, started by the launcher on a data folder of their own, at a moment of their own."""

    def __init__(self, var: Path, moment: str, smtp_port: int = 0, **environment: str) -> None:
        self.var, self.port, self.offset = var, free_port(), until_then(moment)
        self.settings = {
            "LOANTRACKER_VAR": str(var),
            "PORT": str(self.port),
            "SITE_URL": f"http://127.0.0.1:{self.port}",
            "EMAIL_HOST": "127.0.0.1" if smtp_port else "",
            "EMAIL_PORT": str(smtp_port),
            "SWEEP_SECONDS": "2",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.settings["SITE_URL"]

    def _environment(self) -> dict[str, str]:
        own = {"REDIS_URL", "SECRET_KEY", "DATABASE_URL", "TZ"}
        inherited = {name: value for name, value in os.environ.items() if name not in own}
        return inherited | self.settings | {"CLOCK_OFFSET_SECONDS": str(self.offset)}

    def start(self, *arguments: str) -> None:
        log = (self.var / "launcher.log").open("ab")
        self.process = subprocess.Popen(
            [str(PROJECT / "run"), *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        wait_until(self.healthy, 90, "the product to be healthy")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def move_clock(self, moment: str) -> None:
        """Stop everything, and start it again at a later local moment."""
        self.stop()
        self.offset = until_then(moment)
        self.start()

    def processes(self) -> dict[int, int]:
        """The launcher and all that came of it, with the memory each holds, in kB."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in task.read_text().split()]
        return {pid: _resident(pid) for pid in found}

    def health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return {"status": answer.status, **json.load(answer)}
        except urllib.error.HTTPError as error:
            return {"status": error.code, **json.load(error)}
        except OSError:
            return {"status": 0}

    def healthy(self) -> bool:
        return self.health()["status"] == 200

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROJECT / "run"), *arguments], env=self._environment(), capture_output=True, text=True, timeout=120
        )


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def wait_until(true: Callable[[], Any], seconds: float, what: str) -> None:
    """Ask again and again until it is so; fail with what was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.2)
    pytest.fail(f"Waited {seconds} s in vain for {what}.")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )


@pytest.fixture
def catcher() -> Iterator[tuple[Catcher, int]]:
    """A mail server that keeps what it gets, and its port."""
    kept = Catcher()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield kept, controller.port
    controller.stop()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product with the demo households in it; mail is kept in its mailbox."""
    made = Product(tmp_path_factory.mktemp("var"), NOON)
    made.start("--demo")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def unused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a product that was started once: its key and its tables are made."""
    made = Product(tmp_path_factory.mktemp("unused"), NOON)
    made.start()
    made.stop()
    return made.var


@pytest.fixture
def running(tmp_path: Path, unused: Path, catcher: tuple[Catcher, int]) -> Iterator[Product]:
    """A running product with nothing in it, at noon on 1 March 2027."""
    for kept in ("secret_key", "loantracker.sqlite3"):
        shutil.copy2(unused / kept, tmp_path)
    made = Product(tmp_path, NOON, catcher[1])
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    yield from fresh_page(browser, viewport=DESKTOP)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    yield from fresh_page(browser, viewport=PHONE, has_touch=True, reduced_motion="reduce")


@pytest.fixture
def mail_program(browser: Browser) -> Iterator[Page]:
    """Where links of mails open: nobody is signed in there."""
    yield from fresh_page(browser, viewport=PHONE, has_touch=True, reduced_motion="reduce")


@pytest.fixture
def chinese_page(browser: Browser) -> Iterator[Page]:
    yield from fresh_page(browser, locale="zh-CN", viewport=PHONE)


def fresh_page(browser: Browser, *, locale: str = "en-US", **looks: Any) -> Iterator[Page]:
    """A page of somebody who has not been here before; what could not be fetched is printed."""
    context = browser.new_context(locale=locale, timezone_id=str(HOME), **looks)
    context.set_default_timeout(20_000)
    context.on("requestfailed", lambda request: print(request.method, request.url, request.failure))
    yield context.new_page()
    context.close()
