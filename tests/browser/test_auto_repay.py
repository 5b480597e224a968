"""Auto-repay as a borrower lives it on a phone: the forecast, the top-up, the debit, and the answers to those presumed.

Three loans of 3,000.00 at 12 % a year in three monthly bills: 30.00 of interest and 990.07 of principal make 1,020.07.
"""

from __future__ import annotations

import re
import sqlite3
from email.message import EmailMessage

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Catcher, Product, wait_until
from tests.browser.steps import add_loan, faults_in_all_looks, sign_up

CARD, WALLET = "Salary card ••6217", "Pocket wallet"
BILL = 102_007
TABLES = ("ledger_fact", "ledger_autorepayattempt", "ledger_accountentry", "reminders_reminder")


def test_auto_repay_warns_debits_and_takes_answers(
    phone: Page, mail_program: Page, running: Product, catcher: tuple[Catcher, int]
) -> None:
    page, mails = phone, catcher[0]
    sign_up(page, running)
    add_loan(page, running, "Lantern Pay", "Laptop", "03")
    add_loan(page, running, "Harbor Bank", "Bicycle", "04")
    add_loan(page, running, "Maple Credit", "Sofa", "03")
    add_account(page, running, "Salary card", "6217", "1,500")
    add_account(page, running, WALLET, "", "")
    for loan, account in (("Laptop", CARD), ("Bicycle", CARD), ("Sofa", WALLET)):
        switch_auto_repay_on(page, running, loan, account)

    see_the_second_loan_short(page, running)
    top_up(page, running)
    look_at_the_pages_of_an_account(page, running)

    running.move_clock("2027-03-03 09:40")
    see_the_first_bill_debited(page, running)
    see_the_unknown_one_presumed(page, running)
    confirm_by_mail(mail_program, running, asking(mails, "Maple Credit"))

    running.move_clock("2027-04-03 09:40")  # what was in the card a month ago tells nothing now
    say_that_it_failed(page, running)
    checked = running.manage("check_ledger")
    assert (checked.returncode, checked.stderr) == (0, "")


# --- What the person does.


def add_account(page: Page, running: Product, name: str, last4: str, balance: str) -> None:
    open_accounts(page, running)
    page.get_by_role("link", name="Add an account").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Last four digits").fill(last4)
    page.get_by_label("What is in it today").fill(balance)
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def switch_auto_repay_on(page: Page, running: Product, loan: str, account: str) -> None:
    open_loan(page, running, loan)
    page.get_by_role("link", name="Auto-repay").first.click()
    page.get_by_label("Account", exact=True).select_option(label=account)
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Auto-repay is on")).to_be_visible()


def top_up(page: Page, running: Product) -> None:
    """4,080.28 are debited from the card until 4 April, in four bills."""
    open_accounts(page, running)
    page.get_by_role("link", name=f"State the balance {CARD}").click()
    page.get_by_label("Balance").fill("4,500")
    page.get_by_role("button", name="Save the balance").click()
    expect(account_card(page, CARD)).to_contain_text("¥4,500.00")
    open_accounts(page, running)
    expect(account_card(page, CARD)).to_contain_text("Leaves ¥419.72.")
    expect(page.get_by_role("main")).not_to_contain_text(re.compile("Short by|[0-9] short|will be missing"))


def confirm_by_mail(page: Page, running: Product, mail: EmailMessage) -> None:
    """By a link looked at three times, and pressed in two tabs; going back leads to no third press."""
    link = answer_link(mail, "Yes, debited")
    before = counted(running)
    for _ in range(3):
        page.goto(link)
        expect(page.get_by_role("heading", level=1)).to_have_text("Did Maple Credit debit this on 3 Mar, today?")
    assert (counted(running), faults_in_all_looks(page)) == (before, [])
    other = page.context.new_page()
    other.goto(link)

    confirmed = before | {"ledger_fact": before["ledger_fact"] + 1}
    for tab in (page, other):
        tab.get_by_role("button", name="Yes, debited").click()
        expect(tab.get_by_role("heading", name="Confirmed: it was debited.")).to_be_visible()
        assert counted(running) == confirmed
    page.go_back()
    expect(page.get_by_role("heading", name="Confirmed: it was debited.")).to_be_visible()
    expect(page.get_by_role("button", name="Yes, debited")).to_have_count(0)
    assert (counted(running), faults_in_all_looks(page)) == (confirmed, [])
    assert debits(running) == [("Laptop", "2027-03-03", BILL, 0), ("Sofa", "2027-03-03", BILL, 1)]


def say_that_it_failed(page: Page, running: Product) -> None:
    page.goto(running.url)
    waiting = needs_you(page, "Did Lantern Pay debit this on 3 Apr, today?")
    expect(waiting).to_contain_text("1,020.07")
    waiting.get_by_role("link", name="No, it failed").click()
    assert faults_in_all_looks(page) == []
    page.get_by_label("If it failed: why?").select_option(label="The card is closed or lost")
    page.get_by_role("button", name="No, it failed").click()
    expect(page.get_by_role("heading", name="It failed: nothing was paid.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Reason: The card is closed or lost.")
    assert faults_in_all_looks(page) == []


# --- What is looked at.


def open_accounts(page: Page, running: Product) -> None:
    page.goto(running.url)
    page.get_by_role("link", name="Accounts").first.click()
    page.wait_for_url("**/accounts/")


def open_loan(page: Page, running: Product, name: str) -> None:
    page.goto(running.url)
    page.get_by_role("main").get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def account_card(page: Page, account: str) -> Locator:
    return page.get_by_role("region", name=account)


def needs_you(page: Page, question: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=question)


def see_the_second_loan_short(page: Page, running: Product) -> None:
    """1,500.00 pay Lantern Pay and leave 479.93; Harbor Bank asks 1,020.07 the day after."""
    open_accounts(page, running)
    main = page.get_by_role("main")
    expect(main).to_contain_text("Short by 4 Mar")
    expect(main).to_contain_text("540.14")
    expect(main).to_contain_text(
        f"Harbor Bank (Bicycle) debits ¥1,020.07 from {CARD} in 3 days, and it is not all there."
    )
    card = account_card(page, CARD)
    expect(card.get_by_role("listitem").filter(has_text="Laptop, bill 1")).to_contain_text("Leaves ¥479.93.")
    expect(card.get_by_role("listitem").filter(has_text="Bicycle, bill 1")).to_contain_text("¥540.14 short")
    expect(account_card(page, WALLET)).to_contain_text("Balance unknown")
    assert faults_in_all_looks(page) == []


def look_at_the_pages_of_an_account(page: Page, running: Product) -> None:
    for link in (f"Add expected money {CARD}", f"Edit {CARD}", f"State the balance {CARD}"):
        open_accounts(page, running)
        assert faults_in_all_looks(page) == []
        page.get_by_role("link", name=link).click()
        expect(page.get_by_role("button", name=re.compile("^(Save|Add)"))).to_be_visible()
        assert (link, faults_in_all_looks(page)) == (link, [])


def see_the_first_bill_debited(page: Page, running: Product) -> None:
    wait_until(lambda: len(debits(running)) == 2, 30, f"two debits: {debits(running)}")
    assert debits(running) == [("Laptop", "2027-03-03", BILL, 0), ("Sofa", "2027-03-03", BILL, 1)]
    open_accounts(page, running)
    expect(account_card(page, CARD)).to_contain_text("3,479.93")
    open_loan(page, running, "Laptop")
    expect(page.get_by_text(f"¥1,020.07 debited from {CARD}")).to_have_count(1)


def see_the_unknown_one_presumed(page: Page, running: Product) -> None:
    page.goto(running.url)
    waiting = needs_you(page, "Did Maple Credit debit this on 3 Mar, today?")
    expect(waiting).to_contain_text("1,020.07")
    expect(waiting.get_by_role("button", name="Yes, debited")).to_be_visible()
    assert faults_in_all_looks(page) == []


def asking(catcher: Catcher, lender: str) -> EmailMessage:
    """The mail that asks whether a lender's debit happened; it is awaited."""
    asks = f"Did {lender} debit ¥1,020.07 from "
    wait_until(lambda: any(asks in subject for _, subject in catcher.said()), 30, f"a mail that asks: {asks}")
    [mail] = [mail for mail in catcher.mails if asks in str(mail["Subject"])]
    return mail


def answer_link(mail: EmailMessage, words: str) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    link = re.search(rf"{words}: (\S+)", body.get_content())
    assert link is not None
    return link[1]


def debits(running: Product) -> list[tuple[str, str, int, int]]:
    """Loan, day, amount and whether it is presumed, of each repayment that auto-repay recorded."""
    with sqlite3.connect(running.var / "loantracker.sqlite3") as database:
        return database.execute(
            "SELECT loan.name, effective_on, amount, presumed FROM ledger_fact fact JOIN ledger_loan loan"
            " ON loan.id = fact.loan_id WHERE fact.source = 'auto' ORDER BY loan.id, fact.id"
        ).fetchall()


def counted(running: Product) -> dict[str, int]:
    """How many rows the ledger's tables hold that an answer might write to."""
    with sqlite3.connect(running.var / "loantracker.sqlite3") as database:
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
