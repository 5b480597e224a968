"""Reading a page as its visitors do: those with a screen reader, and those who know no English."""

from __future__ import annotations

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()

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
    "CSV",
    "HTML",
    *("PDF", "JPEG", "PNG", "WebP", "HEIC", "KB", "MB"),
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
