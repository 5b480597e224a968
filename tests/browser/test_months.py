"""The month on a phone and for a screen reader, a statement without JavaScript, and the page for an emergency on
paper."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Product
from tests.browser.test_pages import sign_in

ENGLISH = "demo@loantracker.example"


@pytest.fixture
def phone(browser: Browser, demo: Product) -> Page:
    context = browser.new_context(locale="en-US", viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    return sign_in(context, demo, ENGLISH)


def test_on_a_phone_the_month_is_a_list_of_days_and_still_a_table(phone: Page, demo: Product) -> None:
    phone.goto(f"{demo.url}/bills/calendar/")
    busy = phone.locator("td.is-busy").first.bounding_box()
    card = phone.locator("table.month").bounding_box()
    heads = phone.get_by_role("columnheader").all_text_contents()
    cells = phone.get_by_role("cell").count()
    small = phone.eval_on_selector_all(
        ".month-date", "all => all.filter((one) => one.getBoundingClientRect().height < 44).length"
    )
    wide = phone.evaluate("document.documentElement.scrollWidth")
    phone.context.close()

    assert (busy or {}).get("width") == (card or {}).get("width") != 0
    assert (len(heads), 28 <= cells <= 31, small, wide) == (7, True, 0, 320)
    assert heads[0].endswith("Sunday")


def test_the_month_is_left_and_a_day_opened_by_keyboard(phone: Page, demo: Product) -> None:
    phone.goto(f"{demo.url}/bills/calendar/?month=2026-10")
    phone.locator("a[rel=next]").press("Enter")
    phone.wait_for_url("**/?month=2026-11")
    phone.locator(".month-date").nth(9).press("Enter")
    phone.wait_for_url("**/?month=2026-11&day=2026-11-10#day")
    shown = phone.locator("#day").inner_text()
    phone.get_by_role("link", name="Today", exact=True).click()
    phone.wait_for_url(f"{demo.url}/bills/calendar/")
    phone.context.close()

    assert "Tue 10 Nov" in shown


def test_a_statement_is_repaid_and_undone_without_javascript(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="en-US", java_script_enabled=False)
    page = sign_in(context, demo, ENGLISH)
    page.goto(f"{demo.url}/statements/?q=washing")
    page.locator("ol.rows a.row-title").first.click()
    page.get_by_label("Chosen bills").check()
    page.get_by_label("Pay Washing machine").check()
    page.get_by_label("Amount for Washing machine").fill("100000")
    page.get_by_role("button", name="Record this repayment").click()
    refused = page.locator(".errorlist").inner_text()
    kept = page.get_by_label("Amount for Washing machine").input_value()
    page.get_by_label("Amount for Washing machine").fill("100")
    page.get_by_role("button", name="Show the effect").click()
    preview = page.locator("#preview").inner_text()
    page.get_by_role("button", name="Record this repayment").click()
    recorded = page.locator("#messages").inner_text()
    page.get_by_role("link", name="Undo").first.click()
    page.get_by_role("button", name="Undo it").click()
    undone = page.locator("#messages").inner_text()
    context.close()

    assert "left to pay. Enter at most that." in refused
    assert kept == "100000"
    assert "In all, for 1 bill" in preview
    assert "¥100.00 to" in recorded
    assert "undone" in undone.lower()


def test_choosing_bills_asks_for_their_amounts_and_shows_what_they_do(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="en-US", viewport={"width": 390, "height": 844})
    page = sign_in(context, demo, ENGLISH)
    page.goto(f"{demo.url}/statements/?q=washing")
    page.locator("ol.rows a.row-title").first.click()
    amount = page.get_by_label("Amount for Washing machine")
    hidden = amount.is_visible()
    page.get_by_label("Chosen bills").check()
    page.get_by_label("Pay Washing machine").check()
    amount.fill("12.34")
    page.locator("#preview .facts-total", has_text="12.34").wait_for()
    shown = amount.is_visible()
    context.close()

    assert (hidden, shown) == (False, True)


def test_all_obligations_fit_on_one_page_of_paper_black_on_white(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="en-US", color_scheme="dark")
    page = sign_in(context, demo, ENGLISH)
    page.get_by_role("link", name="All my obligations").click()
    page.wait_for_url("**/obligations/")
    page.emulate_media(media="print")
    paper, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('h1')).color]"
    )
    printed = page.locator("main").inner_text()
    pages = re.findall(rb"/Count (\d+)", page.pdf(format="A4", prefer_css_page_size=True))
    context.close()

    assert (pages, paper, ink) == ([b"1"], "rgb(255, 255, 255)", "rgb(0, 0, 0)")
    assert "••6217" in printed
    assert not re.search(r"\d{12,}", printed)
