"""Every piece of a page that htmx swaps: sound once it is there, in light and dark; focus is where the change is, or
stays where somebody types; what changed is said; nothing takes the focus that came by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PROJECT, Product
from tests.browser.reading import faults
from tests.browser.test_pages import sign_in

# Keeps what is said in places that are read out.
LISTEN = """() => {
  window.said = [];
  const listen = () => new MutationObserver((changes) => changes.forEach(({ target }) => {
    const place = (target.nodeType === 1 ? target : target.parentElement).closest("#announcer, #messages, output");
    if (place && place.textContent.trim()) window.said.push(place.textContent.trim());
  })).observe(document.body, { subtree: true, childList: true, characterData: true });
  document.addEventListener("DOMContentLoaded", listen);
}"""
# Whether anything was said, or is within three seconds.
HEARD = """() => new Promise((tell) => {
  const end = Date.now() + 3000;
  const look = () => window.said.length || Date.now() > end ? tell(window.said.splice(0).length) : setTimeout(look, 20);
  look();
})"""
TEMPLATES = PROJECT / "templates"
# Loans of the demo, by their places in it.
WASHING_MACHINE, CAR = 3, 4


class Visit:
    """Somebody at a page at which pieces are swapped, and what was wrong with them."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site, self.found = page, site, list[str]()
        page.add_init_script(f"({LISTEN})()")
        page.goto(f"{site}/owed/")
        numbers = page.eval_on_selector_all(".row-main a[href^='/loans/']", "all => all.map((one) => one.pathname)")
        self.first = min(int(path.split("/")[2]) for path in numbers) - 1

    def open(self, path: str, loan: int = 0) -> Page:
        self.page.goto(self.site + path.format(loan=self.first + loan))
        return self.page

    def check(self, name: str, piece: str, *, focus: str, said: bool = True) -> None:
        """Looks at the page with a piece swapped in, and at the piece in the dark; focus is at what `focus` selects
        ("" for: nowhere in particular)."""
        if said and not self.page.evaluate(HEARD):
            self.found.append(f"{name}: nothing was said")
        if not self.page.evaluate("(goal) => document.activeElement.matches(goal || 'body')", focus):
            at = self.page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
            self.found.append(f"{name}: focus is at {at}")
        self.page.emulate_media(color_scheme="light")
        self.found += [f"{name}: {fault}" for fault in faults(self.page)]
        self.page.emulate_media(color_scheme="dark")
        self.found += [f"{name}, dark: {fault}" for fault in faults(self.page, piece)]


@pytest.fixture(params=["en", "zh"])
def visit(request: pytest.FixtureRequest, browser: Browser, demo: Product) -> Iterator[Visit]:
    chinese = request.param == "zh"
    context = browser.new_context(
        locale="zh-CN" if chinese else "en-US", viewport=DESKTOP, reduced_motion="reduce", service_workers="block"
    )
    page = sign_in(context, demo, "demo-zh@loantracker.example" if chinese else "demo@loantracker.example")
    yield Visit(page, demo.url)
    context.close()


def test_what_is_swapped_is_sound_focused_and_said(visit: Visit) -> None:
    for swap in SWAPS:
        swap(visit)

    assert visit.found == []


def lists(visit: Visit) -> None:
    """Bills: a state, the next page, a filter; and back."""
    page = visit.open("/bills/")
    page.locator("#bills-page .tabs a").nth(1).click()
    page.wait_for_url("**/bills/?state=overdue")
    visit.check("bills of a state", "#bills-page", focus="#bills-list")
    page.locator("#bills-page .tabs a").last.click()
    page.wait_for_url("**/bills/?state=all")
    page.locator("a[rel=next]").click()
    page.wait_for_url("**after=**")
    expect(page.locator("a[rel=prev]")).to_be_visible()
    visit.check("the next page of bills", "#bills-page", focus="#bills-list")
    page.locator("#q").fill("8")
    page.locator("#q").press("Enter")
    page.wait_for_url("**q=8**")
    visit.check("bills found", "#bills", focus="#q")
    assert "state=all" in page.url
    page.go_back()
    page.wait_for_url("**after=**")
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("a[rel=prev]")).to_be_visible()


def what_comes_later(visit: Visit) -> None:
    """The end of the overview; charts and the payoff of a loan, once one gets there."""
    page = visit.open("/")
    page.locator("#owed figure").wait_for()
    visit.check("what is owed", "#owed", focus="", said=False)
    page = visit.open("/loans/{loan}/", CAR)
    page.locator("#payoff").locator("..").scroll_into_view_if_needed()
    page.locator("#payoff dl").wait_for()
    page.locator("#charts").locator("..").scroll_into_view_if_needed()
    page.locator("#charts svg").first.wait_for()
    visit.check("charts and the payoff", "#charts", focus="", said=False)
    page.locator(".filters button").click()
    expect(page.locator("#payoff [data-focus]")).to_be_focused()
    visit.check("the payoff of a day", "#payoff", focus="#payoff [data-focus]", said=False)
    page.locator("#history-list a[hx-get]").click()
    page.locator("#history-list a[hx-get]").wait_for(state="detached")
    visit.check("the whole history", "#history-list", focus="#history-list .timeline")


def explanations(visit: Visit) -> None:
    page = visit.open("/loans/{loan}/", CAR)
    page.locator("a[href='explain/bill-2-total/']").click()
    expect(page.locator("#explanation-title")).to_be_focused()
    visit.check("an explanation", "#explain", focus="#explanation-title", said=False)
    page.locator("#explanation dd a").first.click()
    page.locator("#explanation .crumb").wait_for()
    visit.check("an explanation from another", "#explain", focus="#explanation-title", said=False)


def repayments(visit: Visit) -> None:
    page = visit.open("/loans/{loan}/repayments/new/", WASHING_MACHINE)
    with page.expect_response(re.compile("repayments/new")):
        page.locator("[name=amount]").fill("100")
    page.locator("#preview .facts").wait_for()
    visit.check("what a repayment does", "#preview", focus="[name=amount]")
    with page.expect_response(re.compile("repayments/new")):
        page.locator("[name=apply_to][value=shorten]").check()
        page.locator("[name=amount]").fill("999999")
    page.locator("#preview .alert button").first.wait_for()
    visit.check("a repayment of too much", "#preview", focus="[name=amount]")
    page.locator("#preview .alert button").first.click()
    page.locator("#preview .facts").wait_for()
    visit.check("settling instead", "#repayment", focus="[name=amount]")
    with page.expect_response(re.compile("repayments/new")):
        page.locator("[name=suggest]").first.click()
    visit.check("a suggested amount", "#repayment", focus="[name=suggest]")


def facts(visit: Visit) -> None:
    page = visit.open("/loans/{loan}/charges/new/", WASHING_MACHINE)
    with page.expect_response(re.compile("charges/new")):
        page.locator("[name=amount]").fill("12.34")
    expect(page.locator("#preview")).to_contain_text("12.34")
    visit.check("what a charge does", "#preview", focus="[name=amount]")


def statements(visit: Visit) -> None:
    page = visit.open("/statements/")
    page.locator("main .row-title").first.click()
    page.locator("[name=pays]").last.check()
    with page.expect_response(re.compile("/statements/")):
        page.locator("main form [type=checkbox]").first.check()
    page.locator("#preview .facts").wait_for()
    visit.check("what a statement's repayment does", "#preview", focus="[type=checkbox]")


def new_loans(visit: Visit) -> None:
    page = visit.open("/loans/new/?kind=mortgage")
    page.locator("[name=lender]").fill("Lantern Bank")
    page.locator("[name=amount]").fill("1200000")
    page.locator("[name=count]").fill("360")
    page.locator("[name=rate]").fill("3.5")
    expect(page.locator("#schedule table")).to_be_visible()
    visit.check("the schedule of a new loan", "#schedule", focus="[name=rate]")
    with page.expect_response(re.compile("loans/new")):
        page.locator("[name=rate]").fill("-3")
    visit.check("a schedule that cannot be", "#schedule", focus="[name=rate]")


def auto_repay(visit: Visit) -> None:
    page = visit.open("/loans/{loan}/auto-repay/", WASHING_MACHINE)
    before = page.locator("#mandate-form select").count()
    page.locator("[name=more]").click()
    expect(page.locator("#mandate-form select")).to_have_count(before + 1)
    visit.check("another account", "#mandate-form", focus="#mandate-form select", said=False)


def tried_reminders(visit: Visit) -> None:
    page = visit.open("/settings/reminders/")
    page.locator("form[action$='/test/'] button").click()
    page.locator("#last-test:not([hx-get])").wait_for()
    visit.check("what became of a test", "#last-test", focus="")


def answers(visit: Visit) -> None:
    page = visit.open("/")
    page.locator("[id^=answer-needs] form button").click()
    page.locator("[id^=answer-needs] .is-ok").wait_for()
    visit.check("an answer", "main", focus="[id^=answer-needs]")
    page.locator("[id^=answer-needs] a").click()  # undone again: others look at this page, too
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(re.compile(r"/(loans/\d+/)?$"))


SWAPS = (
    *(lists, what_comes_later, explanations, repayments, facts),
    *(statements, new_loans, auto_repay, tried_reminders, answers),
)


def test_no_piece_is_swapped_that_is_not_looked_at_here() -> None:
    """The templates that ask for pieces, and how often: another one belongs into a visit above."""
    asks = re.compile(r"hx-(?:get|post|boost)=")
    found = {
        path.relative_to(TEMPLATES).as_posix(): len(asks.findall(path.read_text()))
        for path in TEMPLATES.rglob("*.html")
    }
    assert {name: times for name, times in found.items() if times} == {
        "ledger/_answer.html": 1,
        "ledger/_bills.html": 1,
        "ledger/_bills_page.html": 2,
        "ledger/_charts.html": 1,
        "ledger/_fact_preview.html": 1,
        "ledger/_history.html": 1,
        "ledger/_mandate_form.html": 1,
        "ledger/_repayment_form.html": 1,
        "ledger/_repayment_preview.html": 3,
        "ledger/_schedule.html": 1,
        "ledger/_statement_preview.html": 1,
        "ledger/loan.html": 2,
        "ledger/overview.html": 1,
        "reminders/_last_message.html": 1,
    }
