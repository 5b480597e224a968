"""The product's whole story, with every process running: from signing up to a debit that was not covered."""

from __future__ import annotations

import sqlite3
import time

from playwright.sync_api import Page, expect

from tests.browser.conftest import Catcher, Product, wait_until
from tests.browser.reading import english_words, faults

ME = "wen@household.example"
PASSWORD = "a-long-walk-by-the-river"
SWEEPS = 4.5  # seconds in which beat and worker look for work at least twice
MEMORY = 300_000  # kB for all processes


def test_a_loan_lives_through_its_bills(page: Page, running: Product, catcher: tuple[Catcher, int]) -> None:
    mails = catcher[0]
    sign_up(page, running)
    name_the_household(page)
    add_the_loan(page)
    assert new_mails(mails, 2) == [
        "Confirm your e-mail address",
        "Lantern Pay: ¥1,020.07 due 8 Mar, in 7 days",
    ]

    record_part_of_the_bill(page)
    undo_it(page)
    add_an_account(page)
    state_its_balance(page, "1,500")
    switch_auto_repay_on(page)

    for moment, subjects in (
        ("2027-03-05 12:00", ["Lantern Pay will debit ¥1,020.07: 8 Mar, in 3 days"]),
        ("2027-03-07 12:00", ["Lantern Pay will debit ¥1,020.07: 8 Mar, tomorrow"]),
        ("2027-03-08 09:10", ["Lantern Pay will debit ¥1,020.07: 8 Mar, today"]),
        ("2027-03-08 09:40", ["¥1,020.07 was debited from Salary card ••6217 for Lantern Pay"]),
    ):
        running.move_clock(moment)
        assert new_mails(mails, len(subjects)) == subjects

    page.goto(running.url)
    page.get_by_role("link", name="Laptop").first.click()
    expect(page.get_by_text("¥1,020.07 debited from Salary card ••6217")).to_have_count(1)
    assert auto_repayments(running) == [("2027-03-08", 102_007)]
    fits_in_memory(running)

    running.move_clock("2027-04-01 12:00")  # the balance it was told is too old to judge the next debit
    assert new_mails(mails, 1) == ["Lantern Pay will debit ¥1,020.07: 8 Apr, in 7 days"]  # with the digest
    page.goto(running.url)
    state_its_balance(page, "480")

    for moment, subjects in (
        # The machine was off: three days before has been overtaken.
        ("2027-04-07 12:00", ["Salary card ••6217 short ¥540.07 by 8 Apr (1 bill)"]),
        ("2027-04-08 09:10", ["Salary card ••6217 is ¥540.07 short for Lantern Pay, ¥1,020.07 due 8 Apr, today"]),
        ("2027-04-08 09:40", ["Lantern Pay could not debit ¥1,020.07: ¥540.07 missing in Salary card ••6217"]),
    ):
        running.move_clock(moment)
        assert new_mails(mails, len(subjects)) == subjects
    assert auto_repayments(running) == [("2027-03-08", 102_007)]

    page.goto(running.url)
    state_its_balance(page, "1,100")
    running.move_clock("2027-04-08 15:40")
    assert new_mails(mails, 1) == ["¥1,020.07 was debited from Salary card ••6217 for Lantern Pay"]
    assert auto_repayments(running) == [("2027-03-08", 102_007), ("2027-04-08", 102_007)]

    switch_auto_repay_off(page, running)
    running.move_clock("2027-05-11 12:00")  # a month away, and back three days after the last due day
    assert new_mails(mails, 1) == ["Lantern Pay: ¥1,021.57 overdue by 3 days"]

    time.sleep(61)
    assert new_mails(mails, 0) == []
    assert {recipient for recipient, _ in mails.said()} == {ME}
    assert auto_repayments(running) == [("2027-03-08", 102_007), ("2027-04-08", 102_007)]
    checked = running.manage("check_ledger")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_chinese_household_reads_no_english(
    chinese_page: Page, running: Product, catcher: tuple[Catcher, int]
) -> None:
    page, mails = chinese_page, catcher[0]
    page.goto(f"{running.url}/account/signup/")
    sound(page, "注册账号")
    page.get_by_label("电子邮件").fill(ME)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="注册账号").click()
    page.wait_for_url("**/start/")
    sound(page, "欢迎")
    page.get_by_label("家庭名称").fill("文家")
    page.get_by_role("button", name="继续").click()
    sound(page, "添加第一笔贷款")
    page.get_by_role("link", name="先享后付").click()
    page.get_by_label("贷款机构").fill("灯笼先享")
    page.get_by_label("名称").fill("书桌")
    page.get_by_label("商品金额").fill("1,200")
    page.get_by_label("购买日").fill("2027-02-20")
    page.get_by_label("每月还款日").fill("8")
    page.get_by_label("期数").fill("6")
    expect(page.get_by_role("main")).to_contain_text("207.20")
    sound(page, "添加贷款")
    page.get_by_role("button", name="添加这笔贷款").click()
    sound(page, "书桌")
    page.goto(running.url)
    assert (faults(page), english_words(page)) == ([], [])

    assert new_mails(mails, 2) == ["请确认你的邮箱", "【还款提醒】灯笼先享本期应还¥207.20，还款日3月8日（7天后）"]


# --- What the person does.


def sign_up(page: Page, running: Product) -> None:
    page.goto(f"{running.url}/account/signup/")
    page.get_by_label("Email").fill(ME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()


def name_the_household(page: Page) -> None:
    page.wait_for_url("**/start/")
    assert faults(page) == []
    page.get_by_label("Name of your household").fill("Wen and Mei")
    page.get_by_role("button", name="Continue").click()


def add_the_loan(page: Page) -> None:
    """3,000.00 at 12 % a year in three monthly bills of 1,020.07, 1,020.07 and 1,020.06."""
    expect(page.get_by_role("heading", name="Add your first loan")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Something else").click()
    page.get_by_role("link", name="Car loan").click()
    page.get_by_label("Lender").fill("Lantern Pay")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Amount borrowed").fill("3,000")
    page.get_by_label("Paid out on").fill("2027-02-08")
    page.get_by_label("First bill due on").fill("2027-03-08")
    page.get_by_label("Number of bills").fill("3")
    page.get_by_label("Interest rate").fill("12")
    expect(page.get_by_text("1,020.06")).to_be_visible()
    page.get_by_role("button", name="Add this loan").click()
    expect(page.get_by_role("heading", name="Laptop")).to_be_visible()


def record_part_of_the_bill(page: Page) -> None:
    page.get_by_role("main").get_by_role("link", name="Record repayment").click()
    page.get_by_label("Amount", exact=True).fill("500")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("¥520.07 left to pay")
    expect(preview).to_contain_text("principal 470.00, interest 30.00")
    page.get_by_role("button", name="Record this repayment").click()
    expect(page.locator("#messages")).to_contain_text("¥500.00")
    expect(page.get_by_role("main")).to_contain_text("Next: ¥520.07 on 8 Mar, in 7 days.")


def undo_it(page: Page) -> None:
    page.locator("#messages").get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_role("main")).to_contain_text("Next: ¥1,020.07 on 8 Mar, in 7 days.")


def add_an_account(page: Page) -> None:
    page.get_by_role("link", name="Accounts").first.click()
    page.get_by_role("link", name="Add an account").first.click()
    page.get_by_label("Name").fill("Salary card")
    page.get_by_label("Last four digits").fill("6217")
    page.get_by_role("button", name="Add it").click()


def state_its_balance(page: Page, amount: str) -> None:
    page.get_by_role("link", name="Accounts").first.click()
    page.get_by_role("link", name="State the balance").click()
    page.get_by_label("Balance").fill(amount)
    page.get_by_role("button", name="Save the balance").click()
    expect(page.get_by_role("main")).to_contain_text(f"¥{amount}.00")


def switch_auto_repay_on(page: Page) -> None:
    page.get_by_role("link", name="Overview").first.click()
    page.get_by_role("link", name="Laptop").first.click()
    page.get_by_role("link", name="Auto-repay").click()
    page.get_by_label("At 09:30 and 15:30, and again on the five days after").check()
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("main")).to_contain_text("Salary card ••6217")


def switch_auto_repay_off(page: Page, running: Product) -> None:
    page.goto(running.url)
    page.get_by_role("link", name="Laptop").first.click()
    page.get_by_role("link", name="Auto-repay").click()
    page.get_by_text("End it").first.click()
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_role("button", name="Switch it on")).to_be_visible()


# --- What is looked at.


def sound(page: Page, heading: str) -> None:
    """The page with this heading has come, and is Chinese and for everyone."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert (faults(page), english_words(page)) == ([], [])


def new_mails(catcher: Catcher, count: int) -> list[str]:
    """The subjects of the mails not asked for before: `count` are awaited, and any more that a few sweeps bring."""
    seen = catcher.told
    wait_until(lambda: len(catcher.mails) >= seen + count, 30, f"{count} mails more than {seen}: {catcher.said()}")
    time.sleep(SWEEPS)
    catcher.told = len(catcher.mails)
    return [subject for _, subject in catcher.said()[seen:]]


def auto_repayments(running: Product) -> list[tuple[str, int]]:
    """Day and amount of each repayment that auto-repay recorded, as the database holds them."""
    with sqlite3.connect(running.var / "loantracker.sqlite3") as database:
        return database.execute(
            "SELECT effective_on, amount FROM ledger_fact WHERE source = 'auto' ORDER BY id"
        ).fetchall()


def fits_in_memory(running: Product) -> None:
    memory = running.processes()
    print(f"{len(memory)} processes hold {sum(memory.values()) / 1000:.0f} MB")
    assert len(memory) == 6
    assert sum(memory.values()) < MEMORY
