"""Reading a page as its visitors do: those with a screen reader, and those who know no English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE

_AXE = Axe()
WIDTHS = (320, 390, 768, 1280, 1920)

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


# Wider than the screen, or cut off: text beyond its edges, or hidden by a box that cannot be scrolled.
_SIDEWAYS = """() => {
  const root = document.scrollingElement, found = [];
  if (root.scrollWidth > root.clientWidth) found.push(`${root.scrollWidth} pixels wide`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (!text.data.trim()) continue;
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    let left = 0, right = root.clientWidth, inside = text.parentElement;
    if (inside.closest(".visually-hidden, .skip, select, iframe, svg, [hidden]")) continue;
    for (; inside && inside !== document.body; inside = inside.parentElement) {
      const flow = getComputedStyle(inside).overflowX;
      if (flow === "auto" || flow === "scroll") break;
      if (flow === "visible") continue;
      const edge = inside.getBoundingClientRect();
      if (edge.width < 2 || edge.height < 2) break;  // for screen readers only
      left = Math.max(left, edge.left); right = Math.min(right, edge.right);
    }
    if (inside && inside !== document.body) continue;
    if (box.left < left - 1 || box.right > right + 1) found.push(`cut off: ${text.data.trim().slice(0, 40)}`);
  }
  return found;
}"""

# What a finger cannot hit: a square of 44 pixels around its middle does not belong to it. Links within a line of text
# and what is not shown are left out.
_SMALL_TARGETS = """() => {
  const all = "a[href], button, summary, input:not([type=hidden]), select, textarea", found = [];
  for (const one of document.querySelectorAll(all)) {
    if (one.closest("[hidden], .visually-hidden, .skip, dialog:not([open]), iframe, svg")) continue;
    if (!one.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
    const own = one.labels && one.labels.length ? [one, ...one.labels] : [one];
    const choice = one.matches("[type=checkbox], [type=radio]");
    const boxes = own.filter((part) => part === one || choice).map((part) => part.getBoundingClientRect());
    let width = Math.max(...boxes.map((b) => b.right)) - Math.min(...boxes.map((b) => b.left));
    let height = Math.max(...boxes.map((b) => b.bottom)) - Math.min(...boxes.map((b) => b.top));
    const after = getComputedStyle(one, "::after");
    if (after.content !== "none" && after.position === "absolute") {
      width = Math.max(width, parseFloat(after.width));
      height = Math.max(height, parseFloat(after.height));
    }
    if (width < 1) continue;
    const line = getComputedStyle(one).display === "inline" && [...one.parentElement.childNodes].some((node) =>
      node !== one && node.textContent.trim());
    const inText = one.closest("p, td, dd, dt, th, li:not(.row), figcaption, label, .help");
    if (line || (one.tagName === "A" && inText)) continue;
    if (width < 43.5 || height < 43.5)
      found.push(`${Math.round(width)}x${Math.round(height)} ${one.outerHTML.slice(0, 110)}`);
  }
  return found;
}"""


def faults(page: Page, piece: str | None = None) -> list[str]:
    """What axe has to say against the page as it stands, or against a piece of it, each with the first element it is
    about."""
    violations: list[dict[str, Any]] = _AXE.run(page, context=piece).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations]


def english_words(page: Page) -> list[str]:
    """English left in a Chinese page's main part: words of Latin letters that are no names, in order."""
    text = re.sub(r"\S+@\S+|https?://\S+|\./run\S*( --\w+)?|\b[A-Z]+_[A-Z_]+\b", " ", page.evaluate(_VISIBLE_TEXT))
    found = dict.fromkeys(re.findall(r"[A-Za-z]{2,}", text))
    return [word for word in found if word not in _NAMES]


def look(page: Page) -> list[str]:
    """What is wrong with the page as it stands, in light and dark and on screens of all widths. It is not loaded again
    for that, and stays in the last look."""
    found = []
    for scheme, size in (("light", DESKTOP), ("dark", PHONE)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size(size)
        found += [f"{scheme} {size['width']}: {fault}" for fault in faults(page)]
    found += [f"390: too small to touch: {one}" for one in page.evaluate(_SMALL_TARGETS)]
    return found + too_wide(page)


def too_wide(page: Page) -> list[str]:
    """What does not fit on screens of all widths; it is not loaded again for that."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width}: {one}" for one in page.evaluate(_SIDEWAYS)]
    return found


def pictures(page: Page, folder: Path, name: str) -> None:
    """The whole page at all widths, in light and dark, as `folder`/name-width-theme-language.png."""
    language = "zh" if page.locator("html").get_attribute("lang") == "zh-Hans" else "en"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=folder / f"{name}-{width}-{scheme}-{language}.png", full_page=True)
