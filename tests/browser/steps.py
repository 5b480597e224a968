"""What several of these tests do on their way, as a person does it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Product
from tests.browser.reading import look

ME = "wen@household.example"
PASSWORD = "a-long-walk-by-the-river"


def sign_up(page: Page, running: Product, household: str = "Wen and Mei") -> None:
    page.goto(f"{running.url}/account/signup/")
    page.get_by_label("Email").fill(ME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    page.wait_for_url("**/start/")
    page.get_by_label("Name of your household").fill(household)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Add your first loan")).to_be_visible()


def add_loan(page: Page, running: Product, lender: str, name: str, day: str) -> None:
    page.goto(f"{running.url}/loans/new/")
    page.get_by_role("link", name="Car loan").click()
    page.get_by_label("Lender").fill(lender)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Amount borrowed").fill("3,000")
    page.get_by_label("Paid out on").fill(f"2027-02-{day}")
    page.get_by_label("First bill due on").fill(f"2027-03-{day}")
    page.get_by_label("Number of bills").fill("3")
    page.get_by_label("Interest rate").fill("12")
    expect(page.get_by_text("1,020.06")).to_be_visible()  # the last bill
    page.get_by_role("button", name="Add this loan").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def choose_language(page: Page, running: Product, name: str) -> None:
    """By the settings; it is also the language of one's mails, and of the pages they lead to."""
    page.goto(f"{running.url}/settings/")
    page.get_by_label(name).check()
    page.locator("form:has(input[type=radio][name=language]) button[type=submit]").click()
    expect(page.locator("#messages .toast")).to_be_visible()


def faults_in_all_looks(page: Page) -> list[str]:
    """In light and in dark, on a desk and on a narrow phone; the page is a phone's again after it."""
    found = look(page)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    return found
