"""Much and nothing: names as long as they may be, amounts of thirteen digits, forty loans; and no loan at all."""

from __future__ import annotations

from playwright.sync_api import Browser, Page

from tests.browser import extremes
from tests.browser.conftest import Product
from tests.browser.reading import faults, too_wide
from tests.browser.steps import sign_up
from tests.browser.test_pages import SIGNED_IN, look_at_all, sign_in


def test_nothing_is_cut_off_where_there_is_much(browser: Browser, running: Product) -> None:
    made = running.manage("shell", "-c", "from tests.browser.extremes import build; build()")
    assert (made.returncode, made.stderr) == (0, "")
    context = browser.new_context(locale="en-US", reduced_motion="reduce")
    page = sign_in(context, running, extremes.EMAIL, extremes.PASSWORD)

    _, found = look_at_all(page, running, SIGNED_IN, faults_of=too_wide)

    assert found == []
    context.close()


def test_pages_of_a_household_without_a_loan_are_sound(page: Page, running: Product) -> None:
    sign_up(page, running)

    _, found = look_at_all(page, running, SIGNED_IN, faults_of=lambda one: [*faults(one), *too_wide(one)])

    assert found == []
