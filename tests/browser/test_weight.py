"""What a first visit and a swapped piece weigh, as they come over the wire, and that nothing comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, Product
from tests.browser.test_pages import sign_in

KB = 1000
SIGNED_OUT, CAR, MORTGAGE = "/account/login/", "/loans/4/", "/loans/5/"
# KB, where not 40: compression adds up to 100 bytes of noise an answer; charts, 300 bills, 400 time zones.
MOST = {"/": 41, CAR: 43, MORTGAGE: 56, "/settings/": 42}
PAGES = [
    *(SIGNED_OUT, "/", "/bills/", CAR, MORTGAGE, "/accounts/", "/activity/"),
    *("/loans/new/?kind=mortgage", "/settings/", "/reminders/"),
]
LOANS = {"en": 0, "zh": 12}  # where those of a household begin


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


@pytest.fixture(scope="module")
def known(browser: Browser, demo: Product) -> dict[str, Any]:
    """What a browser keeps of somebody signed in, in each language."""
    states = {}
    for language, email in (("en", "demo@loantracker.example"), ("zh", "demo-zh@loantracker.example")):
        context = browser.new_context()
        sign_in(context, demo, email)
        states[language] = context.storage_state()
        context.close()
    return states


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def page(browser: Browser, known: dict[str, Any], language: str) -> Iterator[Page]:
    """Of somebody signed in whose browser has kept nothing yet."""
    fresh = browser.new_context(locale="en-US", viewport=DESKTOP, storage_state=known[language])
    yield fresh.new_page()
    fresh.close()


def own(path: str, language: str) -> str:
    """The path of the same loan in the household of that language."""
    return re.sub(r"(?<=/loans/)\d+", lambda found: str(int(found[0]) + LOANS[language]), path)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_a_first_visit_is_light(page: Page, demo: Product, path: str, language: str) -> None:
    if path == SIGNED_OUT:
        page.context.clear_cookies()
    wire = Wire(page)
    page.goto(demo.url + own(path, language), wait_until="networkidle")
    total, styles, scripts = sum(wire.bytes.values()), wire.of("Stylesheet"), wire.of("Script")
    print(f"{path}: {len(wire.bytes)} requests, {total} bytes, of them styles {styles}, scripts {scripts}")

    assert [url for url in wire.kinds if not url.startswith(f"{demo.url}/")] == []
    assert len(wire.bytes) <= 6
    assert total < MOST.get(path, 40) * KB
    assert 0 < styles < 11 * KB
    assert 0 < scripts < 20 * KB


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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_fifty_rows_swapped_in_are_light(page: Page, demo: Product) -> None:
    """Of bills: the next page of those still open, those paid, all."""
    page.goto(f"{demo.url}/bills/")
    further, tabs = page.locator("a[rel=next]"), page.locator("#bills-page .tabs a")
    for link, address in ((further, "**after=**"), (tabs.nth(4), "**state=paid"), (tabs.last, "**state=all")):
        with page.expect_response(lambda answer: "/bills/" in answer.url) as answered:
            link.click()
        page.wait_for_url(address)
        expect(page.locator("#bills-page .rows > .row")).to_have_count(50)
        request, body = answered.value.request, answered.value.request.sizes()["responseBodySize"]
        print(f"50 bills swapped in: {body} bytes")
        asked = (request.headers.get("hx-target"), answered.value.headers["content-encoding"])
        assert asked == ("bills-page", "gzip")
        assert 0 < body < 4 * 1024
