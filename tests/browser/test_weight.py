"""What a first visit and a swapped piece weigh, as they come over the wire, and that nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, Product
from tests.browser.test_pages import sign_in

KB = 1000
PAGES = ["/", "/bills/", "/accounts/", "/activity/", "/loans/new/?kind=mortgage", "/settings/", "/reminders/"]


class Wire:
    """What a page asked the network for: the kind of each request and the bytes of its answer, headers included, by
    address; what the browser had already is left out."""

    def __init__(self, page: Page) -> None:
        self.kinds: dict[str, str] = {}
        self.bytes: dict[str, int] = {}
        self._urls: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.responseReceived", self._answered)
        session.on("Network.requestServedFromCache", lambda event: self._urls.pop(event["requestId"], None))
        session.on("Network.loadingFinished", self._finished)

    def _answered(self, event: dict[str, Any]) -> None:
        answer = event["response"]
        had = answer.get("fromDiskCache") or answer.get("fromServiceWorker") or answer.get("fromPrefetchCache")
        if had or answer["url"].startswith("data:") or "/offline/" in answer["url"]:  # which comes once all is there
            return
        self._urls[event["requestId"]] = answer["url"]
        self.kinds[answer["url"]] = event["type"]

    def _finished(self, event: dict[str, Any]) -> None:
        url = self._urls.pop(event["requestId"], None)
        if url is not None:
            self.bytes[url] = self.bytes.get(url, 0) + event["encodedDataLength"]

    def of(self, kind: str) -> int:
        return sum(self.bytes[url] for url, is_kind in self.kinds.items() if is_kind == kind and url in self.bytes)


@pytest.fixture
def page(browser: Browser, demo: Product) -> Iterator[Page]:
    """Of somebody signed in whose browser has kept nothing yet."""
    known = browser.new_context()
    sign_in(known, demo, "demo@loantracker.example")
    fresh = browser.new_context(locale="en-US", viewport=DESKTOP, storage_state=known.storage_state())
    known.close()
    yield fresh.new_page()
    fresh.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_first_visit_is_light(page: Page, demo: Product, path: str) -> None:
    wire = Wire(page)
    page.goto(demo.url + path, wait_until="networkidle")
    total, styles, scripts = sum(wire.bytes.values()), wire.of("Stylesheet"), wire.of("Script")
    print(f"{path}: {len(wire.bytes)} requests, {total} bytes, of them styles {styles}, scripts {scripts}")

    assert [url for url in wire.kinds if not url.startswith(f"{demo.url}/")] == []
    assert len(wire.bytes) <= 8
    assert total < 60 * KB
    assert 0 < styles < 20 * KB
    assert 0 < scripts < 25 * KB


def test_a_second_visit_asks_for_the_page_alone(page: Page, demo: Product) -> None:
    page.goto(f"{demo.url}/", wait_until="networkidle")
    wire = Wire(page)
    page.goto(f"{demo.url}/bills/", wait_until="networkidle")
    print(f"Again: {wire.bytes}")

    assert {url for url, size in wire.bytes.items() if size} <= {f"{demo.url}/bills/"}


def test_a_long_schedule_swapped_in_is_light(page: Page, demo: Product) -> None:
    page.goto(f"{demo.url}/loans/new/?kind=mortgage")
    wire = Wire(page)
    page.get_by_label("Lender").fill("Lantern Bank")
    page.get_by_label("Amount borrowed").fill("1,200,000")
    page.get_by_label("Number of bills").fill("360")
    page.get_by_label("Interest rate").fill("3.5")
    expect(page.locator("#schedule")).to_contain_text("360")
    page.wait_for_load_state("networkidle")
    print(f"A schedule of 360 bills: {wire.bytes}")

    assert 0 < wire.of("XHR") < 4 * KB
