"""The gallery of messages in a browser: switched by links alone, the mail's layout sealed in its frame."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Product
from tests.browser.test_pages import sign_in


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_gallery_shows_each_letter_without_javascript(browser: Browser, demo: Product, scheme: str) -> None:
    context = browser.new_context(locale="en-US", java_script_enabled=False, color_scheme=scheme)  # type: ignore[arg-type]
    page = sign_in(context, demo, "demo@loantracker.example")
    page.goto(f"{demo.url}/settings/reminders/")
    page.get_by_role("link", name="See what the messages say").click()
    page.get_by_role("link", name="several bills").click()

    letter = page.frame_locator("iframe")

    assert letter.locator("h1").inner_text() == page.locator("h2").first.inner_text()
    assert letter.locator("tbody th").count() == 3
    assert letter.locator("a.button").inner_text() == "See everything that is due"
    context.close()
