"""An amount opens what it is made of: in a dialog, or without JavaScript on a page of its own."""

from __future__ import annotations

import re
from decimal import Decimal

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Product
from tests.browser.reading import faults

INTEREST = "a[href='explain/bill-2-interest/']"
CUT = Decimal("0.001")  # what cutting a few terms after their fourth decimal may leave out


def sign_in(page: Page, demo: Product) -> None:
    page.goto(f"{demo.url}/account/login/")
    page.locator("[name=login]").fill("demo@loantracker.example")
    page.locator("[name=password]").fill("loantracker-demo")
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"{demo.url}/")


def open_the_loan(page: Page) -> Locator:
    """The interest of its second bill."""
    page.get_by_role("link", name="Family car").first.click()
    return page.locator(INTEREST)


def number(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.−]", "", text).replace("−", "-"))


def terms_and_sum(of: Locator) -> tuple[Decimal, Decimal]:
    """What the terms shown add up to, and the sum shown below them."""
    terms = of.locator("dl.facts > div:not(.facts-total) > dd:not(.facts-note)").all_inner_texts()
    return sum(map(number, terms), Decimal(0)), number(of.locator(".facts-total dd").inner_text())


def test_an_amount_opens_a_dialog_and_focus_comes_back(page: Page, demo: Product) -> None:
    sign_in(page, demo)
    amount = open_the_loan(page)
    amount.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Bill 2 · Interest")).to_be_focused()
    added, total = terms_and_sum(dialog)
    found = faults(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(amount).to_be_focused()

    assert total == number(amount.inner_text()) > 0
    assert abs(added - total) < CUT
    assert found == []


def test_a_sum_over_loans_leads_to_a_loans_own_amount_and_back(page: Page, demo: Product) -> None:
    sign_in(page, demo)
    page.locator("a[href^='/explain/sum/debt-']").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Outstanding principal")).to_be_focused()
    added, total = terms_and_sum(dialog)
    dialog.locator("dd a").first.click()
    expect(dialog.get_by_role("heading", name="Still to repay")).to_be_focused()
    dialog.get_by_role("link", name="Outstanding principal").click()
    expect(dialog.get_by_role("heading", name="Outstanding principal")).to_be_focused()

    assert added == total > 0


def test_without_javascript_an_amount_opens_a_page(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="en-US", java_script_enabled=False)
    page = context.new_page()
    sign_in(page, demo)
    page.get_by_role("link", name="What is owed, and until when").click()
    shown = open_the_loan(page).inner_text()
    page.locator(INTEREST).click()
    title = page.locator("h1").inner_text()
    added, total = terms_and_sum(page.locator("main"))
    context.close()

    assert title == "Where this comes from"
    assert total == number(shown) > 0
    assert abs(added - total) < CUT
