"""Installed on a phone, and without a network: a page says so, and nothing of the books was kept."""

from __future__ import annotations

import json
import urllib.request
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PHONE, Product
from tests.browser.reading import english_words, look
from tests.browser.test_pages import sign_in

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const request of await (await caches.open(name)).keys()) found.push(new URL(request.url).pathname);
  return found.sort();
}"""


@pytest.mark.parametrize(
    ("person", "locale", "heading", "again"),
    [
        ("demo@loantracker.example", "en-US", "No connection", "Try again"),
        ("demo-zh@loantracker.example", "zh-CN", "没有网络连接", "重试"),
    ],
)
def test_without_a_network_a_page_says_so_and_leads_on_once_it_is_back(
    browser: Browser, demo: Product, person: str, locale: str, heading: str, again: str
) -> None:
    context = browser.new_context(locale=locale, viewport=PHONE, reduced_motion="reduce")
    page = sign_in(context, demo, person)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    language = "zh-hans" if locale == "zh-CN" else "en"
    kept = [f"/offline/{language}/", "/static/all.css"]
    assert page.evaluate(KEPT) == kept

    context.set_offline(True)
    page.goto(f"{demo.url}/bills/")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert (look(page), english_words(page) if locale == "zh-CN" else []) == ([], [])
    context.set_offline(False)
    page.get_by_role("link", name=again).click()
    expect(page.locator("h1")).not_to_have_text(heading)
    assert (page.url, page.evaluate(KEPT)) == (f"{demo.url}/bills/", kept)
    context.close()


def test_it_can_be_installed(browser: Browser, demo: Product) -> None:
    """A name, a start, a look of its own, and icons of the sizes they say, one of them to be cut round."""
    page = browser.new_context().new_page()
    page.goto(f"{demo.url}/account/login/")
    address = page.locator("link[rel=manifest]").evaluate("one => one.href")
    with urllib.request.urlopen(address) as answer:
        manifest = json.load(answer)
        assert answer.headers["Content-Type"] == "application/manifest+json"
    sizes = page.evaluate(
        """(icons) => Promise.all(icons.map(async (icon) => {
          const image = new Image();
          image.src = icon;
          await image.decode();
          return `${image.naturalWidth}x${image.naturalHeight}`;
        }))""",
        [urljoin(address, icon["src"]) for icon in manifest["icons"] if icon["sizes"] != "any"],
    )
    page.context.close()

    assert (manifest["name"], manifest["start_url"], manifest["scope"], manifest["display"]) == (
        "Loantracker",
        "/",
        "/",
        "standalone",
    )
    assert sizes == [icon["sizes"] for icon in manifest["icons"] if icon["sizes"] != "any"]
    assert {"192x192", "512x512"} <= set(sizes)
    assert "maskable" in {icon.get("purpose") for icon in manifest["icons"]}
