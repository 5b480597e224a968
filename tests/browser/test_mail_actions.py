"""The links of a letter, from the letter the worker sent: looking never acts, and each acts once.

A loan of 3,000.00 at 12 % a year in three monthly bills; the first, of 1,020.07, is payable on 8 March.
"""

from __future__ import annotations

import re
import sqlite3
import urllib.parse
import urllib.request
from email.message import EmailMessage
from html.parser import HTMLParser

from playwright.sync_api import Page, expect

from tests.browser.conftest import Catcher, Product, wait_until
from tests.browser.reading import english_words
from tests.browser.steps import ME, add_loan, choose_language, faults_in_all_looks, sign_up

LENDER, LOAN = "灯笼先享", "书桌"
ACTIONS = {"Paid": "paid", "Paid in part": "partly", "Remind me later": "snooze"}
TABLES = ("ledger_fact", "ledger_allocation", "reminders_snooze", "reminders_reminderchoice")


def test_each_link_of_a_letter_acts_once_and_looking_never_does(
    phone: Page, mail_program: Page, running: Product, catcher: tuple[Catcher, int]
) -> None:
    sign_up(phone, running, "文家")
    add_loan(phone, running, LENDER, LOAN, "08")
    letter = awaited(catcher[0], f"{LENDER}: ¥1,020.07 due 8 Mar, in 7 days")
    links = links_of(letter)

    look_three_times(mail_program, running, links)
    choose_language(phone, running, "简体中文")
    read_in_chinese(mail_program, links)
    choose_language(phone, running, "English")

    snooze(mail_program, running, links["Remind me later"])
    pay_in_part(mail_program, running, links["Paid in part"])
    pay_the_rest_from_the_letter(mail_program, running, letter)
    assert repayments(running) == [("2027-03-01", 50_000), ("2027-03-01", 52_007)]
    choose_language(phone, running, "简体中文")
    read_in_chinese(mail_program, links)
    choose_language(phone, running, "English")

    unsubscribe_in_one_click(mail_program, running, letter)
    choose_bills_again(phone, running)
    unsubscribe_by_hand(mail_program, running, letter)

    running.move_clock("2027-03-15 12:05")
    come_too_late(mail_program, running, links)
    checked = running.manage("check_ledger")
    assert (checked.returncode, checked.stderr) == (0, "")


# --- What the reader does.


def look_three_times(page: Page, running: Product, links: dict[str, str]) -> None:
    before = counted(running)
    for words, heading in (
        ("Paid", f"Did you pay {LENDER} today?"),
        ("Paid in part", f"How much did you pay {LENDER} today?"),
        ("Remind me later", f"Remind me later of {LENDER}"),
    ):
        for _ in range(3):
            page.goto(links[words])
            expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert (words, faults_in_all_looks(page)) == (words, [])
    assert counted(running) == before


def read_in_chinese(page: Page, links: dict[str, str]) -> None:
    for words, link in links.items():
        page.goto(link)
        assert page.locator("html").get_attribute("lang") == "zh-Hans"
        assert (words, english_words(page), faults_in_all_looks(page)) == (words, [], [])


def snooze(page: Page, running: Product, link: str) -> None:
    page.goto(link)
    page.get_by_label("4 Mar, in 3 days").check()
    page.get_by_role("button", name="Remind me then").click()
    said = "You hear nothing about this bill before 4 Mar, in 3 days. It stays payable on its day."
    for _ in range(2):
        expect(page.get_by_role("main")).to_contain_text(said)
        page.goto(link)
    with database(running) as books:
        assert books.execute("SELECT until FROM reminders_snooze").fetchall() == [("2027-03-04",)]


def pay_in_part(page: Page, running: Product, link: str) -> None:
    """What is no amount, or more than is open, is said next to the field; 500.00 is recorded once, from two tabs."""
    page.goto(link)
    other = page.context.new_page()
    other.goto(link)
    for typed, said in (
        ("some", "Enter an amount in figures, such as 1234.50."),
        ("1,020.08", "This bill has ¥1,020.07 left to pay. Enter at most that."),
    ):
        page.get_by_label("How much was paid").fill(typed)
        page.get_by_role("button", name="Record it").click()
        expect(page.get_by_role("main")).to_contain_text(said)
        expect(page.get_by_label("How much was paid")).to_have_value(typed)
    for tab in (page, other):
        tab.get_by_label("How much was paid").fill("500")
        tab.get_by_role("button", name="Record it").click()
        expect(tab.get_by_role("main")).to_contain_text("This link recorded that ¥500.00 was paid on 1 Mar, today.")
        expect(tab.locator("main form")).to_have_count(0)
        assert repayments(running) == [("2027-03-01", 50_000)]
    other.close()


def pay_the_rest_from_the_letter(page: Page, running: Product, letter: EmailMessage) -> None:
    """By the button of the letter as a mail program shows it; then pressed again, reloaded, gone back to."""
    page.set_content(part(letter, "html"))
    page.get_by_role("link", name="Paid", exact=True).click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("This records that ¥520.07 was paid today, 1 Mar. It moves no money.")
    link, other = page.url, page.context.new_page()
    other.goto(link)
    paid = "This link recorded that ¥520.07 was paid on 1 Mar, today."
    for tab in (page, other):
        tab.get_by_role("button", name="Yes, paid").click()
        expect(tab.get_by_role("main")).to_contain_text(paid)
        assert len(repayments(running)) == 2
    other.close()
    page.reload()
    expect(main).to_contain_text(paid)
    page.go_back()
    page.goto(link)
    expect(main).to_contain_text(paid)
    expect(page.locator("main form")).to_have_count(0)


def unsubscribe_in_one_click(page: Page, running: Product, letter: EmailMessage) -> None:
    """As a mail program does it, without cookies and without a look (RFC 8058); it is offered that only over https."""
    assert letter["List-Unsubscribe-Post"] is None
    body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
    with urllib.request.urlopen(urllib.request.Request(unsubscribe_link(letter), body), timeout=20) as answer:
        assert (answer.status, answer.headers["Set-Cookie"]) == (200, None)
    assert muted(running) == '["bills"]'
    page.goto(unsubscribe_link(letter))
    expect(page.get_by_role("main")).to_contain_text("It is switched off for you.")
    assert faults_in_all_looks(page) == []


def choose_bills_again(page: Page, running: Product) -> None:
    page.goto(f"{running.url}/settings/reminders/")
    page.get_by_label("Bills", exact=False).first.check()
    page.locator("form[action$='/mine/'] button").click()
    expect(page.locator("#messages")).to_contain_text("Your choice is saved.")
    assert muted(running) == "[]"


def unsubscribe_by_hand(page: Page, running: Product, letter: EmailMessage) -> None:
    for _ in range(3):
        page.goto(unsubscribe_link(letter))
        expect(page.get_by_role("heading", level=1)).to_have_text("No more mail about this?")
    assert (muted(running), faults_in_all_looks(page)) == ("[]", [])
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No more mail about this")
    assert muted(running) == '["bills"]'


def come_too_late(page: Page, running: Product, links: dict[str, str]) -> None:
    """Two weeks later a link does nothing any more, says so, and leads to where it can still be done."""
    before = counted(running)
    for link in links.values():
        answer = page.goto(link)
        assert answer is not None
        assert answer.status == 410
    expect(page.get_by_role("heading", level=1)).to_have_text("This link has expired")
    expect(page.get_by_role("main")).to_contain_text("The same can still be done on the loan’s page, after signing in.")
    assert faults_in_all_looks(page) == []
    page.get_by_role("link", name="To the loan").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert counted(running) == before


# --- What is looked at.


def awaited(catcher: Catcher, subject: str) -> EmailMessage:
    wait_until(lambda: (ME, subject) in catcher.said(), 30, f"a letter about {subject}: {catcher.said()}")
    [letter] = [mail for mail in catcher.mails if str(mail["Subject"]) == subject]
    return letter


def links_of(letter: EmailMessage) -> dict[str, str]:
    """The one-tap links by their words, the same in the letter's text as in its HTML."""
    text = {
        words: found[1]
        for words in ACTIONS
        if (found := re.search(rf"^\s*{words}: (\S+)\s*$", part(letter, "plain"), re.M))
    }
    html = _Links(part(letter, "html")).found
    assert text == {words: html[words] for words in ACTIONS}
    return text


class _Links(HTMLParser):
    """Where the links of an HTML letter lead, by their words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._href = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._href = dict(attrs).get("href") or ""

    def handle_data(self, data: str) -> None:
        if self._href and data.strip():
            self.found.setdefault(data.strip(), self._href)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._href = ""


def part(letter: EmailMessage, kind: str) -> str:
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def unsubscribe_link(letter: EmailMessage) -> str:
    return str(letter["List-Unsubscribe"]).strip("<>")


def database(running: Product) -> sqlite3.Connection:
    return sqlite3.connect(running.var / "loantracker.sqlite3")


def counted(running: Product) -> dict[str, int]:
    """How many rows there are of what a link might write."""
    with database(running) as books:
        return {table: books.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


def repayments(running: Product) -> list[tuple[str, int]]:
    """Day and amount of each repayment that stands in the books."""
    with database(running) as books:
        return books.execute(
            "SELECT effective_on, amount FROM ledger_fact WHERE kind = 'repayment' ORDER BY id"
        ).fetchall()


def muted(running: Product) -> str:
    """Of what the reader wants to hear nothing, as the database holds it."""
    with database(running) as books:
        return str(books.execute("SELECT muted FROM reminders_reminderchoice").fetchone()[0])
