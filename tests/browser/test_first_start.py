"""The first start as a newcomer sees it: one command, a page, and nothing left behind."""

from __future__ import annotations

import re
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Product, wait_until
from tests.launch.processes import is_running


def test_the_demo_is_there_within_a_minute_and_gone_when_stopped(tmp_path: Path, page: Page) -> None:
    product = Product(tmp_path, "2027-03-01 12:00")
    began = time.monotonic()
    product.start("--demo")
    try:
        page.goto(product.url)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        seconds = time.monotonic() - began
        said = (tmp_path / "launcher.log").read_text()
        processes = product.processes()
    finally:
        product.stop()

    print(f"From ./run --demo to the first page: {seconds:.1f} s")
    assert seconds < 60
    assert f"Loantracker is running: {product.url}" in said
    assert re.search(r"signs in as demo@loantracker\.example, .*; password loantracker-demo", said)
    assert len(processes) == 6
    wait_until(lambda: not any(is_running(pid) for pid in processes), 5, "every process to have ended")
    assert product.health() == {"status": 0}
