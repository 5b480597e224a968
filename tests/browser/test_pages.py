"""Every page of the demo, as a visitor comes upon it: for all eyes, on all screens, in both languages."""

from __future__ import annotations

import base64
import hmac
import re
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import Product
from tests.browser.reading import english_words, look, pictures

PASSWORD = "loantracker-demo"
IMAGE = bytes.fromhex(  # one pixel, as PNG
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0000003010100c9fe92"
    "ef0000000049454e44ae426082"
)
AS_MANY = {"ledger:loan": 3, "reminders:message": 2}  # pages that differ much from one to the other
SIGNED_OUT = ["/account/login/", "/account/signup/", "/account/password/reset/", "/account/password/reset/done/"]
SIGNED_IN = [
    "/",
    "/owed/",
    "/account/password/change/",
    "/account/email/",
    "/account/2fa/",
    "/account/logout/",
    "/nowhere/",
]

# Nobody comes upon these by following links: they answer a post, or lead on from a mail, a second factor or the first
# start, and are looked at there.
NOT_BY_LINK = {
    "account_confirm_email",
    "account_confirm_login_code",
    "account_email_verification_sent",
    "account_inactive",
    "account_login",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_set_password",
    "account_signup",
    "healthz",
    "ledger:answer_debit",
    "ledger:answer_presumed",  # the demo has no presumed debit; test_auto_repay looks at it
    "ledger:archive_account",
    "ledger:change_mandate",
    "ledger:change_member",
    "ledger:choose_household",
    "ledger:confirm_repayment",
    "ledger:document",  # a file
    "ledger:end_inflow",
    "ledger:first_run",
    "ledger:move_account",
    "ledger:remove_document",  # the demo has no document; one is attached and removed below
    "mfa_authenticate",
    "mfa_deactivate_totp",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_reauthenticate",
    "mfa_view_recovery_codes",
    "offline",  # test_offline looks at it
    "reminders:act",
    "reminders:calendar",
    "reminders:change_channel",  # the demo has no channel
    "reminders:choose",
    "reminders:loan_calendar",  # a file
    "reminders:remove_channel",
    "reminders:send_again",
    "reminders:send_test",
    "reminders:test_channel",
    "reminders:unsubscribe",
    "service_worker",
    "set_language",
}


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> Path | None:
    """Where pictures are kept, if they are asked for."""
    folder = request.config.getoption("--shots")
    return Path(folder) if folder else None


@pytest.fixture
def english(browser: Browser, demo: Product) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", reduced_motion="reduce")
    yield sign_in(context, demo, "demo@loantracker.example")
    context.close()


@pytest.fixture
def chinese(browser: Browser, demo: Product) -> Iterator[Page]:
    context = browser.new_context(locale="zh-CN", reduced_motion="reduce")
    yield sign_in(context, demo, "demo-zh@loantracker.example")
    context.close()


def sign_in(context: BrowserContext, demo: Product, email: str, password: str = PASSWORD) -> Page:
    context.set_default_timeout(15_000)
    page = context.new_page()
    fill_in_the_login(page, demo, email, password)
    page.wait_for_url(f"{demo.url}/")
    return page


def fill_in_the_login(page: Page, demo: Product, email: str, password: str = PASSWORD) -> None:
    page.goto(f"{demo.url}/account/login/")
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator("main button[type=submit]").click()


def test_every_page_is_sound_in_english(english: Page, demo: Product, shots: Path | None) -> None:
    visited, found = look_at_all(english, demo, SIGNED_IN, shots)

    assert found == []
    assert sorted(all_names() - visited) == sorted(NOT_BY_LINK)


def test_every_page_is_sound_and_chinese_in_chinese(chinese: Page, demo: Product, shots: Path | None) -> None:
    _, found = look_at_all(chinese, demo, SIGNED_IN, shots, in_chinese=True)

    assert found == []


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_every_page_is_sound_to_those_who_are_not_signed_in(
    browser: Browser, demo: Product, shots: Path | None, locale: str
) -> None:
    context = browser.new_context(locale=locale, reduced_motion="reduce")
    page = context.new_page()

    _, found = look_at_all(page, demo, SIGNED_OUT, shots, in_chinese=locale == "zh-CN")

    assert found == []
    context.close()


def test_a_repayment_is_recorded_and_undone_without_javascript(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="en-US", java_script_enabled=False)
    page = sign_in(context, demo, "demo@loantracker.example")
    page.get_by_role("link", name="What is owed, and until when").click()
    page.get_by_role("link", name="Washing machine").first.click()
    page.get_by_role("link", name="Record repayment").last.click()
    page.get_by_label("Amount", exact=True).fill("100")
    page.get_by_role("button", name="Show the effect").click()
    preview = page.locator("#preview").inner_text()
    page.get_by_role("button", name="Record this repayment").click()
    recorded = page.locator("#messages").inner_text()
    page.get_by_role("link", name="Undo").first.click()
    page.get_by_role("button", name="Undo it").click()
    undone = page.locator("#messages").inner_text()
    context.close()

    assert "¥100.00" in preview
    assert "¥100.00" in recorded
    assert "undone" in undone.lower()


def test_without_javascript_no_room_is_kept_for_what_javascript_would_fetch(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="en-US", java_script_enabled=False)
    page = sign_in(context, demo, "demo@loantracker.example")
    owed = page.locator("#owed").bounding_box()
    page.get_by_role("link", name="What is owed, and until when").click()
    page.get_by_role("link", name="Washing machine").first.click()
    boxes = [page.locator(one).bounding_box() for one in ("#payoff", "#charts")]
    page.get_by_role("button", name="Show the quote").click()
    quote = page.locator("#payoff").inner_text()
    context.close()

    heights = [box["height"] for box in (owed, *boxes) if box is not None]
    assert [height < 60 for height in heights] == [True] * 3
    assert "settles the loan on" in quote


def test_a_receipt_is_attached_shown_and_removed(english: Page, demo: Product) -> None:
    english.get_by_role("link", name="Washing machine").first.click()
    english.get_by_role("link", name="Documents").click()
    papers = urlsplit(english.url).path
    written = {"name": "page.html", "mimeType": "image/png", "buffer": b"<script>document.title = 'run'</script>"}
    image = {
        "name": "还款凭证.png",
        "mimeType": "text/html",
        "buffer": IMAGE + b"<script>document.title = 'run'</script>",
    }

    english.get_by_label("File").set_input_files(written)
    english.get_by_role("button", name="Attach").click()
    refused = english.locator(".errorlist").inner_text()
    found = look(english)
    english.get_by_label("What it is").select_option("contract")
    english.get_by_label("File").set_input_files(image)
    english.get_by_role("button", name="Attach").click()
    kept = english.locator(".rows").inner_text()
    found += look(english)
    answer = english.goto(demo.url + (english.locator(".rows .row-title").get_attribute("href") or ""))
    assert answer is not None
    shown, title = answer.headers["content-type"], english.title()
    english.goto(demo.url + papers)
    english.get_by_role("link", name="Remove").click()
    found += look(english)
    english.get_by_role("button", name="Remove it").click()
    removed = english.locator("#messages").inner_text()

    assert refused == "This is no PDF, JPEG, PNG, WebP or HEIC file. Export it as one of these."
    assert "还款凭证.png" in kept
    assert "Contract · PNG" in kept
    assert (shown, title == "run") == ("image/png", False)
    assert removed == "还款凭证.png is removed."
    assert found == []
    assert [path for path in (demo.var / "documents").rglob("*") if path.is_file()] == []


def test_a_settlement_is_ticked_off_without_javascript(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="en-US", java_script_enabled=False)
    page = sign_in(context, demo, "demo@loantracker.example")
    page.get_by_role("link", name="To the checklist").click()
    page.get_by_role("button", name=re.compile("^Done.*Collateral released")).click()
    page.get_by_role("button", name=re.compile("^Not needed.*Credit report checked")).click()
    seen_to = page.locator("main").inner_text()
    page.goto(demo.url)
    overview = page.locator("main").inner_text()
    context.close()

    assert "Everything is seen to." in seen_to
    assert "Scooter is paid off" not in overview


def test_pages_of_the_second_factor_are_sound(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="zh-CN", reduced_motion="reduce")
    page = sign_in(context, demo, "demo-zh@loantracker.example")
    page.goto(f"{demo.url}/account/2fa/totp/activate/")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main form .btn-primary").click()
    secret = page.locator("#totp-key").text_content() or ""
    page.locator("[name=code]").fill(code_of_the_moment(secret))
    page.locator("main form .btn-primary").click()
    page.wait_for_url("**/recovery-codes/**")

    found = [*look(page), *english_words(page)]
    for path in ("", "totp/deactivate/", "recovery-codes/", "recovery-codes/generate/"):
        page.goto(f"{demo.url}/account/2fa/{path}")
        found += [*look(page), *english_words(page)]
    other = browser.new_context(locale="zh-CN", reduced_motion="reduce").new_page()
    fill_in_the_login(other, demo, "demo-zh@loantracker.example")
    other.wait_for_url("**/2fa/authenticate/**")
    found += [*look(other), *english_words(other)]
    other.context.close()
    page.goto(f"{demo.url}/account/2fa/totp/deactivate/")
    page.locator("main form .btn-danger").click()
    page.wait_for_url("**/2fa/")
    context.close()

    assert found == []


def test_pages_that_a_mail_leads_to_are_sound(browser: Browser, demo: Product) -> None:
    context = browser.new_context(locale="en-US", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{demo.url}/account/password/reset/")
    page.locator("[name=email]").fill("demo@loantracker.example")
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/reset/done/")
    [mail] = [text for file in (demo.var / "mail").glob("*.eml") if "/reset/key/" in (text := file.read_text())]
    link = re.search(r"\S+/reset/key/\S+", mail)
    assert link is not None

    page.goto(link.group())
    found = look(page)
    page.goto(f"{demo.url}/account/password/reset/key/1-nothing/")
    found += look(page)
    context.close()

    assert found == []


def code_of_the_moment(secret: str) -> str:
    """What an authenticator app shows for a key (RFC 6238: SHA-1, six digits, thirty seconds)."""
    digest = hmac.digest(base64.b32decode(secret.strip()), struct.pack(">Q", int(time.time()) // 30), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def look_at_all(
    page: Page,
    demo: Product,
    start: list[str],
    shots: Path | None = None,
    *,
    in_chinese: bool = False,
    faults_of: Callable[[Page], list[str]] = look,
) -> tuple[set[str], list[tuple[str, str]]]:
    """Follow every link from `start`, once for each page and each set of parameters it knows; the names of the
    pages seen, and what is wrong with them. With `shots`, take pictures of them instead."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    seen: dict[tuple[str, frozenset[str]], int] = {}
    visited: set[str] = set()
    found: list[tuple[str, str]] = []
    waiting = list(start)
    while waiting:
        path = waiting.pop(0)
        kind = kind_of(path)
        if path in visited or seen.get(kind, 0) >= (1 if kind[1] else AS_MANY.get(kind[0], 1)):
            continue
        visited.add(path)
        seen[kind] = seen.get(kind, 0) + 1
        complaints.clear()
        answer = page.goto(demo.url + path)
        assert answer is not None
        here = urlsplit(page.url).path
        if answer.status != (404 if path == "/nowhere/" else 200):
            found.append((here, f"status {answer.status}"))
        waiting += links(page, demo.url)
        if shots is not None:
            pictures(page, shots, picture_name(page.url, seen[kind]))
            continue
        found += [(here, fault) for fault in [*faults_of(page), *(complaints if path != "/nowhere/" else [])]]
        if in_chinese and not here.startswith("/mailbox/"):
            found += [(here, f"English: {' '.join(words)}") for words in [english_words(page)] if words]
    return {name for name, _ in seen}, found


def picture_name(url: str, number: int) -> str:
    """The name of the page at `url`, with the parameters it was asked with, and which of its kind it is."""
    name, parameters = kind_of(url)
    return "-".join([name.rpartition(":")[2], *sorted(parameters), *([str(number)] if number > 1 else [])])


def links(page: Page, site: str) -> list[str]:
    hrefs: list[str] = page.eval_on_selector_all("a[href]", "all => all.map((one) => one.href)")
    paths = [href.removeprefix(site).partition("#")[0] for href in hrefs if href.startswith(f"{site}/")]
    return [path for path in paths if not path.startswith("/static/") and kind_of(path)[0] not in NOT_BY_LINK]


def kind_of(path: str) -> tuple[str, frozenset[str]]:
    """The name of the page, and which parameters it is asked with."""
    parts = urlsplit(path)
    if parts.path == "/nowhere/":
        return "nowhere", frozenset()
    return resolve(parts.path).view_name, frozenset(name for name, _ in parse_qsl(parts.query))


def all_names(resolver: URLResolver | None = None, space: str = "") -> set[str]:
    """The names of all pages there are."""
    names: set[str] = set()
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            names |= all_names(one, f"{one.namespace}:" if one.namespace else space)
        elif isinstance(one, URLPattern) and one.name:
            names.add(space + one.name)
    return names
