""" "Send a test", of a channel and of the mail: what becomes of it comes to the page, by the real worker's hands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Catcher, Product
from tests.browser.reading import english_words
from tests.browser.steps import ME, choose_language, faults_in_all_looks, sign_up
from tests.reminders.http_catcher import HttpCatcher, http_catcher

SOON = 30_000  # milliseconds for beat, worker and page to get there
NAME = "厨房的屏幕"


@pytest.fixture
def server() -> Iterator[HttpCatcher]:
    """The channel's own server, on this machine."""
    with http_catcher() as found:
        yield found


def test_a_test_is_sent_once_and_what_became_of_it_is_told(
    phone: Page, running: Product, catcher: tuple[Catcher, int], server: HttpCatcher
) -> None:
    sign_up(phone, running, "文家")
    try_the_mail(phone, running, catcher[0])
    name_a_channel(phone, server)
    try_the_channel(phone, server)
    try_it_while_it_fails(phone, running, server)
    try_it_once_it_is_back(phone, server)


def try_the_mail(page: Page, running: Product, mails: Catcher) -> None:
    mails.refusals = ["451 4.3.2 the post office is closed"]
    page.goto(f"{running.url}/settings/reminders/")
    page.get_by_role("button", name="Send test mail").click()
    last = page.locator("#last-test")
    said = "The server could not take it yet: 451 4.3.2 the post office is closed. The next try is on 1 Mar 12:0"
    expect(last).to_contain_text(said, timeout=SOON)
    page.get_by_role("button", name="Send test mail").click()  # it does not wait for its next try
    expect(last).to_contain_text(f"to {ME}. The server said: 250 kept", timeout=SOON)
    assert [said for said in mails.said() if "test mail" in said[1]] == [(ME, "A test mail from Loantracker")]
    assert faults_in_all_looks(page) == []


def name_a_channel(page: Page, server: HttpCatcher) -> None:
    page.get_by_role("link", name="Hear of bills on your phone too").click()
    page.get_by_label("Address").fill(f"json://127.0.0.1:{server.port}/bells/7")
    page.get_by_label("What you call it").fill(NAME)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("The channel is added.")


def try_the_channel(page: Page, server: HttpCatcher) -> None:
    page.get_by_role("button", name=f"Send a test {NAME}").click()
    expect(told(page)).to_contain_text(re.compile(rf"Sent on 1 Mar 12:\d\d to {NAME}\."), timeout=SOON)
    [only] = server.arrived
    assert (only.path, only.body["title"]) == ("/bells/7", "A test mail from Loantracker")
    assert faults_in_all_looks(page) == []


def try_it_while_it_fails(page: Page, running: Product, server: HttpCatcher) -> None:
    server.status = 500
    page.get_by_role("button", name=f"Send a test {NAME}").click()
    said = "The server could not take it yet: it has a fault of its own (HTTP 500). The next try is on 1 Mar 12:0"
    expect(told(page)).to_contain_text(said, timeout=SOON)
    assert (len(server.arrived), faults_in_all_looks(page)) == (2, [])
    choose_language(page, running, "简体中文")
    page.goto(f"{running.url}/settings/reminders/channels/")
    expect(told(page)).to_contain_text("HTTP 500")
    assert (english_words(page), faults_in_all_looks(page)) == ([], [])


def try_it_once_it_is_back(page: Page, server: HttpCatcher) -> None:
    server.status = 200
    page.get_by_role("button", name=f"发测试消息 {NAME}").click()
    expect(told(page)).to_contain_text("发送给", timeout=SOON)
    assert (len(server.arrived), english_words(page), faults_in_all_looks(page)) == (3, [], [])


def told(page: Page) -> Locator:
    """What became of the last message to the one channel there is."""
    return page.get_by_role("listitem").filter(has_text=NAME).locator(".row-note")
