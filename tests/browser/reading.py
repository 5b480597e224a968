"""Reading a page as its visitors do: those with a screen reader, and those who know no English."""

from __future__ import annotations

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import DESKTOP, PHONE

_AXE = Axe()
_LOOKS = (("light", DESKTOP), ("dark", PHONE))
_NARROW = ViewportSize(width=320, height=640)

# Said in Latin letters in Chinese too: names, currencies, file formats, settings of the server.
_NAMES = {
    "UPI",
    *("ntfy", "Telegram", "ServerChan", "PushPlus", "Gotify", "Pushover", "Discord", "Slack", "Webhook"),
    "Google",
    "Outlook",
    "Thunderbird",
    "AutoPay",
    "Loantracker",
    "English",
    "CNY",
    "USD",
    "EUR",
    "APR",
    "IRR",
    "LPR",
    "EURIBOR",
    "SOFR",
    "URL",
    "HTTP",
    "CSV",
    "HTML",
    "TOTP",
    "QR",
    "SMTP",
}

_VISIBLE_TEXT = """() => {
  const main = document.querySelector("main").cloneNode(true);
  main.querySelectorAll("select, code, kbd, iframe, svg, script, style, textarea, [translate=no], [lang=en]")
    .forEach((node) => node.remove());
  document.body.append(main);
  const said = [main.innerText, document.title.split(" · ")[0]];
  main.querySelectorAll("[aria-label], [placeholder], [title]").forEach((node) =>
    ["aria-label", "placeholder", "title"].forEach((name) => said.push(node.getAttribute(name) || "")));
  main.remove();
  return said.join("\\n");
}"""


def faults(page: Page) -> list[str]:
    """What axe has to say against the page as it stands, each with the first element it is about."""
    violations: list[dict[str, Any]] = _AXE.run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations]


def english_words(page: Page) -> list[str]:
    """English left in a Chinese page's main part: words of Latin letters that are no names, in order."""
    text = re.sub(r"\S+@\S+|https?://\S+|\./run\S*( --\w+)?|\b[A-Z]+_[A-Z_]+\b", " ", page.evaluate(_VISIBLE_TEXT))
    found = dict.fromkeys(re.findall(r"[A-Za-z]{2,}", text))
    return [word for word in found if word not in _NAMES]


def look(page: Page) -> list[str]:
    """What is wrong with the page in each look, and on the narrowest phone."""
    found = []
    for scheme, size in _LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{scheme} {size['width']}: {fault}" for fault in faults(page)]
    page.set_viewport_size(_NARROW)
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > _NARROW["width"]:
        found.append(f"{wide} pixels wide on a screen of {_NARROW['width']}")
    return found
