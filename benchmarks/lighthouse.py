"""What Lighthouse says of the main pages as a phone gets them: `./run bench lighthouse [--runs N] [--page NAME]`.

Starts the product with the demo's household in a folder of its own, signs in, and asks Lighthouse (its mobile preset: a
slow phone on a slow network, simulated). Needs node, whose npx fetches Lighthouse, and Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

PROJECT = Path(__file__).resolve().parents[1]
LIGHTHOUSE = os.environ.get("LIGHTHOUSE") or "npx --yes lighthouse@12"  # the newest that runs on node 20
TRIES = 3
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage"
PAGES = {
    "login": "/account/login/",
    "overview": "/",
    "bills": "/bills/",
    "loan": "/loans/5/",
    "mortgage": "/loans/6/",
    "repayment": "/loans/5/repayments/new/",
    "new loan": "/loans/new/?kind=mortgage",
}
METRICS = {
    "first-contentful-paint": "FCP",
    "largest-contentful-paint": "LCP",
    "total-blocking-time": "TBT",
    "cumulative-layout-shift": "CLS",
    "server-response-time": "server",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench lighthouse", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of each page; the median counts")
    parser.add_argument("--page", choices=PAGES, action="append", help="only this one")
    asked = parser.parse_args()
    if not shutil.which(LIGHTHOUSE.split()[0]):
        print("Lighthouse needs node (20 or newer, with npx): https://nodejs.org. Nothing was measured.")
        return 1
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    os.environ.setdefault("CHROME_PATH", os.environ.get("CHROMIUM") or chromium or "")
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder)) as site:
        cookie = sign_in(site)
        print(
            f"{'page':10} {'performance':>11} {'access.':>7}  " + "  ".join(f"{short:>7}" for short in METRICS.values())
        )
        for name in asked.page or PAGES:
            signed_in = {} if name == "login" else {"Cookie": cookie}
            show(name, [audit(site + PAGES[name], signed_in) for _ in range(asked.runs)])
    return 0


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The product with the demo's household, as it runs anywhere; where it is found."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        site = f"http://127.0.0.1:{probe.getsockname()[1]}"
    own = {"LOANTRACKER_VAR": str(folder), "PORT": site.rpartition(":")[2], "SITE_URL": site, "DATABASE_URL": ""}
    running = subprocess.Popen(
        [str(PROJECT / "run"), "--demo"], env=os.environ | own, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(f"{site}/healthz")
        yield site
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)


def wait_for(url: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    sys.exit("The product did not start.")


def sign_in(site: str) -> str:
    """The cookies of somebody of the demo's household, as a header's value."""
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{site}/account/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    who = {"login": "demo@loantracker.example", "password": "loantracker-demo", "csrfmiddlewaretoken": token[1]}
    browser.open(urllib.request.Request(f"{site}/account/login/", urlencode(who).encode(), {"Referer": f"{site}/"}))
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def audit(url: str, headers: dict[str, str]) -> dict[str, Any]:
    """Lighthouse's report on a page in a fresh browser; on a busy machine it loses sight of one at times."""
    asked = [
        *LIGHTHOUSE.split(),
        url,
        "--output=json",
        "--quiet",
        "--only-categories=performance,accessibility,best-practices",
        f"--chrome-flags={FLAGS}",
        f"--extra-headers={json.dumps(headers)}",
    ]
    for _ in range(TRIES):
        done = subprocess.run(asked, capture_output=True, text=True)
        if done.returncode == 0:
            found: dict[str, Any] = json.loads(done.stdout)
            return found
    sys.exit(f"Lighthouse did not answer for {url}: {done.stderr.strip()[-400:]}")


def show(name: str, reports: list[dict[str, Any]]) -> None:
    """One line of medians; the lowest accessibility of all; below it what cost points."""

    def middle(values: list[float]) -> float:
        return statistics.median(values)

    speed = middle([report["categories"]["performance"]["score"] * 100 for report in reports])
    access = min(report["categories"]["accessibility"]["score"] * 100 for report in reports)
    values = [middle([report["audits"][audit].get("numericValue") or 0 for report in reports]) for audit in METRICS]
    print(
        f"{name:10} {speed:11.0f} {access:7.0f}  "
        + "  ".join(f"{value:7.2f}" if value < 1 else f"{value:7.0f}" for value in values)
    )
    for category in ("accessibility", "best-practices"):
        for one in reports[0]["categories"][category]["auditRefs"]:
            found = reports[0]["audits"][one["id"]]
            if one["weight"] and found["score"] is not None and found["score"] < 1:
                print(f"    {category}: {found['title']}")


if __name__ == "__main__":
    sys.exit(main())
