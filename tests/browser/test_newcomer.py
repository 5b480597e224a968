"""A newcomer's minute: from the first page to a first loan that is right, with its reminders on, in a few inputs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import HOME, Catcher, Product

MOST_INPUTS = 12
MOST_SECONDS = 60


@dataclass
class Hand:
    """What a person does on a page, counted: a field filled in is one input, so is a tap."""

    page: Page
    inputs: int = 0

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label).first.fill(value)
        self.inputs += 1

    def press(self, role: str, name: str) -> None:
        self.page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]
        self.inputs += 1


@pytest.fixture
def running(tmp_path: Path, catcher: tuple[Catcher, int]) -> Iterator[Product]:
    """A product with nothing in it."""
    made = Product(tmp_path, "2027-03-01 12:00", catcher[1])
    made.start()
    yield made
    made.stop()


@pytest.fixture
def hand(browser: Browser) -> Iterator[Hand]:
    context = browser.new_context(locale="en-US", timezone_id=str(HOME), viewport={"width": 390, "height": 844})
    context.set_default_timeout(15_000)
    yield Hand(context.new_page())
    context.close()


def test_a_newcomer_has_a_right_first_loan_with_reminders_within_a_minute(hand: Hand, running: Product) -> None:
    page = hand.page
    began = time.monotonic()
    page.goto(running.url)
    hand.fill("Email", "lin@household.example")
    hand.fill("Password", "a-long-walk-by-the-river")
    hand.press("button", "Make an account")
    hand.press("button", "Continue")
    hand.press("link", "Cash line")
    hand.fill("Lender", "Mall Pay")
    hand.fill("Amount borrowed", "12,000")
    hand.fill("Monthly due day", "10")
    hand.press("button", "Add this loan")
    expect(page.get_by_text("Cash line is added, with 12 bills.")).to_be_visible()
    seconds = time.monotonic() - began
    print(f"A newcomer's first loan: {hand.inputs} inputs, {seconds:.1f} s")
    assert hand.inputs <= MOST_INPUTS
    assert seconds < MOST_SECONDS

    # Interest of 40 days at 0.05 % a day on 12,000.00; twelve payments of 1,107.07 clear it, the last a cent less.
    first = page.get_by_role("row").filter(has_text="10 Apr").first
    assert first.inner_text().split()[-5:] == ["1,107.07", "867.07", "240.00", "—", "11,132.93"]
    last = page.get_by_role("row").filter(has_text="10 Mar 2028").first
    assert last.inner_text().split()[-5:] == ["1,107.06", "1,091.24", "15.82", "—", "0.00"]

    page.get_by_role("link", name="Reminders", exact=True).first.click()
    to_come = page.get_by_role("region", name="Still to come")
    expect(to_come.get_by_role("listitem").first).to_contain_text("20 Mar 09:00")
    expect(to_come.get_by_role("listitem").nth(1)).to_contain_text("3 Apr 09:00")
