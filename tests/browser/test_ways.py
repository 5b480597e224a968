"""The same story in other ways: by keyboard alone, without JavaScript, in two tabs, and back and forth.

A loan of 3,000.00 at 12 % a year in three monthly bills; the first, of 1,020.07, is payable on 8 March.
"""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import DESKTOP, Product, fresh_page
from tests.browser.reading import faults
from tests.browser.steps import add_loan, sign_up

MOST_TABS = 70
PRESUMED = """
from datetime import date
from ledger.clock import now
from ledger.models import Loan
from tests.builders import repayment
repayment(Loan.objects.get(), 10_000, date(2027, 3, 1), now(), presumed=True)
"""


def test_by_keyboard_alone_a_loan_is_added_recorded_undone_and_confirmed(page: Page, running: Product) -> None:
    sign_up(page, running)
    skip_to_the_content(page, running)
    add_it(page)
    record_it(page)
    undo_it(page)
    made = running.manage("shell", "-c", PRESUMED)
    assert (made.returncode, made.stderr) == (0, "")
    confirm_it(page, running)


def test_without_javascript_a_loan_is_added_recorded_and_undone(browser: Browser, running: Product) -> None:
    for page in fresh_page(browser, viewport=DESKTOP, java_script_enabled=False):
        sign_up(page, running)
        page.goto(f"{running.url}/loans/new/?kind=car")
        fill_in_the_loan(page)
        page.get_by_role("button", name="Show the schedule").click()
        expect(page.get_by_role("main")).to_contain_text("1,020.06")
        expect(page.get_by_label("Lender")).to_have_value("Lantern Pay")
        page.get_by_role("button", name="Add this loan").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Laptop")
        page.get_by_role("main").get_by_role("link", name="Record repayment").click()
        page.get_by_label("Amount", exact=True).fill("500")
        page.get_by_role("button", name="Show the effect").click()
        expect(page.locator("#preview")).to_contain_text("¥520.07 left to pay")
        page.get_by_role("button", name="Record this repayment").click()
        expect(page.get_by_role("main")).to_contain_text("Next: ¥520.07 on 8 Mar, in 7 days.")
        page.locator("#messages").get_by_role("link", name="Undo").click()
        page.get_by_role("button", name="Undo it").click()
        expect(page.get_by_role("main")).to_contain_text("Next: ¥1,020.07 on 8 Mar, in 7 days.")


def test_two_tabs_and_the_way_back_record_nothing_twice(page: Page, running: Product) -> None:
    sign_up(page, running)
    add_loan(page, running, "Lantern Pay", "Laptop", "08")
    loan = page.url
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"{loan}repayments/new/")
        tab.get_by_label("Amount", exact=True).fill("500")
        expect(tab.locator("#preview")).to_contain_text("¥520.07 left to pay")
    page.get_by_role("button", name="Record this repayment").click()
    expect(page.get_by_role("main")).to_contain_text("Next: ¥520.07 on 8 Mar, in 7 days.")

    other.get_by_role("button", name="Record this repayment").click()
    expect(other.get_by_role("main")).to_contain_text("changed since you saw them")
    expect(other.get_by_label("Amount", exact=True)).to_have_value("500")
    expect(other.locator("#preview")).to_contain_text("¥20.07 left to pay")
    other.close()

    page.go_back()  # to a form that knows what is left now
    expect(page.get_by_label("Amount", exact=True)).to_have_value("520.07")
    page.go_forward()
    expect(page.get_by_text("Repaid ¥500.00")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("Next: ¥520.07 on 8 Mar, in 7 days.")


def test_what_was_asked_for_is_in_the_address(page: Page, running: Product) -> None:
    sign_up(page, running)
    add_loan(page, running, "Lantern Pay", "Laptop", "08")
    add_loan(page, running, "Harbor Bank", "Bicycle", "09")
    page.goto(f"{running.url}/bills/")
    page.get_by_label("Lender").select_option(label="Harbor Bank")
    page.get_by_label("Month").fill("2027-04")
    page.get_by_role("button", name="Filter").click()
    rows = page.locator("main .rows > li.row")
    expect(rows).to_have_count(1)
    bookmark = page.url
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Clear").click()
    expect(rows).to_have_count(6)
    page.go_back()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Month")).to_have_value("2027-04")
    other = page.context.new_page()
    other.goto(bookmark)
    expect(other.locator("main .rows > li.row")).to_have_count(1)
    expect(other.get_by_label("Lender").locator("option:checked")).to_have_text("Harbor Bank")


# --- By keyboard.


def skip_to_the_content(page: Page, running: Product) -> None:
    page.goto(f"{running.url}/loans/new/?kind=car")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def add_it(page: Page) -> None:
    for label, typed in (
        ("Lender", "Lantern Pay"),
        ("Name", "Laptop"),
        ("Amount borrowed", "3000"),
        ("Paid out on", "02082027"),
        ("First bill due on", "03082027"),
        ("Number of bills", "3"),
        ("Interest rate", "12"),
    ):
        tab_to(page, page.get_by_label(label))
        if not typed.isdigit() or len(typed) < 8:
            page.keyboard.press("Control+a")
        page.keyboard.type(typed)
    expect(page.locator("#schedule")).to_contain_text("1,020.06")
    expect(page.locator("#announcer")).to_contain_text("3 bills, the first ¥1,020.07")
    expect(page.get_by_label("Interest rate")).to_be_focused()  # a swap beside it does not take it away
    enter(page, page.get_by_role("button", name="Add this loan"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Laptop")


def record_it(page: Page) -> None:
    enter(page, page.get_by_role("main").get_by_role("link", name="Record repayment"))
    amount = page.get_by_label("Amount", exact=True)
    tab_to(page, amount)
    page.keyboard.press("Control+a")
    page.keyboard.type("500")
    expect(page.locator("#preview")).to_contain_text("¥520.07 left to pay")
    expect(page.locator("#announcer")).to_contain_text("Afterwards ¥2,530.00 of principal is still owed.")
    expect(amount).to_be_focused()
    assert faults(page) == []
    enter(page, page.get_by_role("button", name="Record this repayment"))
    expect(page.locator("#messages")).to_contain_text("¥500.00")
    expect(page.get_by_role("main")).to_contain_text("Next: ¥520.07 on 8 Mar, in 7 days.")


def undo_it(page: Page) -> None:
    enter(page, page.locator("#messages").get_by_role("link", name="Undo"))
    enter(page, page.get_by_role("button", name="Undo it"))
    expect(page.locator("#messages")).to_contain_text(re.compile("undone", re.I))
    expect(page.get_by_role("main")).to_contain_text("Next: ¥1,020.07 on 8 Mar, in 7 days.")


def confirm_it(page: Page, running: Product) -> None:
    """Answered in place: focus stays where the button was, and the answer is told."""
    page.goto(running.url)
    enter(page, page.get_by_role("button", name="Yes, debited").first)
    expect(page.locator("#announcer")).to_have_text("Confirmed.")
    focused = page.locator(":focus")
    expect(focused).to_contain_text("Confirmed.")
    assert faults(page) == []
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Undo")


def enter(page: Page, goal: Locator) -> None:
    tab_to(page, goal)
    page.keyboard.press("Enter")


def tab_to(page: Page, goal: Locator) -> None:
    """Press Tab until it is the goal's turn; it can be seen that it is."""
    expect(goal).to_be_visible()
    for _ in range(MOST_TABS):
        if goal.evaluate("one => one === document.activeElement"):
            shown = goal.evaluate("one => { const s = getComputedStyle(one); return [s.outlineStyle, s.boxShadow]; }")
            assert shown != ["none", "none"], f"nobody sees that the focus is on {goal}"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{MOST_TABS} times Tab do not lead to {goal}")


# --- By hand.


def fill_in_the_loan(page: Page) -> None:
    for label, typed in (
        ("Lender", "Lantern Pay"),
        ("Name", "Laptop"),
        ("Amount borrowed", "3,000"),
        ("Paid out on", "2027-02-08"),
        ("First bill due on", "2027-03-08"),
        ("Number of bills", "3"),
        ("Interest rate", "12"),
    ):
        page.get_by_label(label).fill(typed)
