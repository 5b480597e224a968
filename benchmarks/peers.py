"""The pages people look at most beside those of fava and hledger-web, on the same books, all timed in one run.

./run bench peers [--loans 1000] [--others BILLS] [--rounds N]

The household of `benchmarks.households` is written as a beancount file and an hledger journal (`benchmarks.journals`).
Fava is put into an environment of its own in a temporary folder; hledger-web is the system's, or Debian's package
unpacked beside it. Each serves on loopback, Loantracker by the very process the launcher starts, and is asked over HTTP
as a browser asks. A page of fava's is two requests, the page and the figures its script fetches; what a browser then
does with them is not counted, of nobody's.

Every page is asked for once before it counts. Then every round asks for each, the quick ones several times, so that a
busy machine is as hard on one as on the other; the best of all counts. What keeps its books in memory is also asked
after its file was written, as it is when a repayment was recorded; Loantracker reads its database for every page.
"""

from __future__ import annotations

import argparse
import gzip
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from urllib.parse import quote

import django

parser = argparse.ArgumentParser()
parser.add_argument("--loans", type=int, choices=[10, 100, 1_000], default=1_000)
parser.add_argument("--others", type=int, default=0, help="bills of other households in Loantracker's database")
parser.add_argument("--rounds", type=int, default=5)
OPTIONS = parser.parse_args()
TEMPORARY = tempfile.TemporaryDirectory(prefix="loantracker-benchmark-")
FOLDER = Path(TEMPORARY.name)
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
os.environ |= {
    "LOANTRACKER_VAR": str(FOLDER / "var"),
    "CLOCK_OFFSET_SECONDS": str(int((START - datetime.now(UTC)).total_seconds())),
    "DATABASE_URL": "",
    "HEARTBEAT_LATE_SECONDS": "100000",
    "DJANGO_SETTINGS_MODULE": "loantracker.settings",
    "LOG_LEVEL": "ERROR",
}
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from benchmarks.households import load  # noqa: E402
from benchmarks.journals import Borrowed, beancount, books, hledger  # noqa: E402
from benchmarks.peer_programs import (  # noqa: E402
    MissingError,
    ask,
    find_hledger_web,
    free_port,
    install_fava,
    said_version,
    serving,
)
from ledger.models import Household, Loan, User  # noqa: E402
from ledger.services import heartbeat  # noqa: E402
from loantracker.launch.ports import listen  # noqa: E402
from loantracker.launch.product import PROJECT, django_processes, environment  # noqa: E402

AT_MOST = 0.5  # seconds in which a round asks for a page again and again
NOTICED = 2.5  # seconds after which fava has heard that its file was written


@dataclass
class Page:
    """One page of one program: what it takes to be shown, its best time in seconds and its size in bytes as sent."""

    name: str
    addresses: Sequence[str]
    beside: str = "overview"  # the page of Loantracker's that answers the same question
    shows: str = ""  # has to be in what came last: a sign-in page is quick too
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    best: float = inf
    size: int = 0

    def warm(self) -> None:
        answers = [ask(address, self.headers) for address in self.addresses]
        assert self.shows in _text(answers[-1]), f"{self.name} does not show {self.shows}"
        self.size = sum(map(len, answers))

    def a_round(self) -> None:
        end = time.perf_counter() + AT_MOST
        self.once()
        while self.before is None and time.perf_counter() < end:
            self.once()

    def once(self) -> None:
        if self.before:
            self.before()
        started = time.perf_counter()
        for address in self.addresses:
            ask(address, self.headers)
        self.best = min(self.best, time.perf_counter() - started)


Pages = dict[str, list[Page]]  # by the program, its version with it


def main() -> None:
    call_command("migrate", verbosity=0)
    owner = load(OPTIONS.others)[OPTIONS.loans]
    kept = books(Household.objects.get(members=owner))
    owed = str(sum(loan.outstanding for loan in kept) // 100)
    repayments = sum(len(loan.payments) for loan in kept)
    print(f"{len(kept):,} loans, {repayments:,} repayments, owed {owed} CNY", flush=True)
    with ExitStack() as running:
        pages = running.enter_context(loantracker(owner, owed))
        for peer in (fava, hledger_web):
            try:
                pages |= running.enter_context(peer(kept, owed))
            except MissingError as missing:
                print(f"{peer.__name__.replace('_', '-')} is left out: {missing}", flush=True)
        take_turns(pages)
    report(pages)


def take_turns(pages: Pages) -> None:
    everything = [page for some in pages.values() for page in some]
    for page in everything:
        page.warm()
    for _ in range(OPTIONS.rounds):
        for page in everything:
            page.a_round()


def report(pages: Pages) -> None:
    ours = {page.name: page.best for page in next(iter(pages.values()))}
    for program, some in pages.items():
        print(program)
        for page in some:
            ratio = "" if page.name in ours else f"{page.best / ours[page.beside]:>8.1f} x {page.beside}"
            print(f"  {page.name:44}{page.best * 1000:>10,.1f} ms {page.size / 1000:>9,.1f} kB{ratio}", flush=True)


# ---- who is asked


@contextmanager
def loantracker(owner: User, owed: str) -> Iterator[Pages]:
    """The launcher's web process, and the owner signed in. Worker and beat would repay in the meantime, so they do not
    run; their heartbeats are there, or every page would say so."""
    for job in heartbeat.JOBS:
        heartbeat.finished(job, START)
    client = Client()
    client.force_login(owner)
    name = settings.SESSION_COOKIE_NAME
    signed_in = {"Cookie": f"{name}={client.cookies[name].value}"}
    loan = Loan.objects.filter(household__members=owner).order_by("pk")[5]
    with listen("127.0.0.1", 0) as listener:
        site = f"http://127.0.0.1:{listener.getsockname()[1]}"
        [web] = (spec for spec in django_processes(listener) if spec.name == "web")
        given = environment(os.environ, FOLDER / "var") | {"SITE_URL": site}
        with serving(web.command, site, env=given, cwd=PROJECT, pass_fds=web.pass_fds):
            piece = signed_in | {"HX-Request": "true", "HX-Target": "owed"}
            yield {
                "Loantracker": [
                    Page("overview", [f"{site}/"], shows="/loans/", headers=signed_in),
                    Page("what the overview fetches later", [f"{site}/owed/"], shows=owed, headers=piece),
                    Page("bills", [f"{site}/bills/"], shows="/loans/", headers=signed_in),
                    Page("loan", [f"{site}/loans/{loan.pk}/"], shows=loan.name, headers=signed_in),
                ]
            }


@contextmanager
def fava(kept: list[Borrowed], owed: str) -> Iterator[Pages]:
    """Fava from PyPI. Its front page is of income and expenses; what is owed stands in the balance sheet and, quicker,
    in the trial balance."""
    program = install_fava(FOLDER / "fava")
    ledger = FOLDER / "books.beancount"
    ledger.write_text(beancount(kept))
    port = free_port()
    site, account = f"http://127.0.0.1:{port}/beancount", quote(kept[5].account)
    sheet, trial = f"{site}/api/balance_sheet", f"{site}/api/trial_balance"
    of_one = [f"{site}/account/{account}/", f"{site}/api/account_report?a={account}"]
    with serving([str(program), "--host", "127.0.0.1", "--port", str(port), str(ledger)], site):
        yield {
            f"fava {said_version(program)}": [
                Page("balance sheet", [f"{site}/balance_sheet/", sheet], shows=owed),
                Page("balance sheet, its figures alone", [sheet], shows=owed),
                Page("trial balance", [f"{site}/trial_balance/", trial], shows=owed),
                Page("trial balance, its figures alone", [trial], shows=owed),
                Page("trial balance, books just written", [f"{site}/trial_balance/", trial], before=_writes(ledger)),
                Page("account of one loan", of_one, "loan"),
            ]
        }


@contextmanager
def hledger_web(kept: list[Borrowed], owed: str) -> Iterator[Pages]:
    """hledger-web from Debian. Its front page is the whole journal, in one piece; every account with its balance stands
    beside every page, so the form for a transaction, which shows no other, is the quickest that says what is owed."""
    program = find_hledger_web(FOLDER / "hledger-web")
    journal = FOLDER / "books.journal"
    journal.write_text(hledger(kept))
    port = free_port()
    site, account = f"http://127.0.0.1:{port}", quote(kept[5].account)
    command = [str(program), "--serve", "--host=127.0.0.1", f"--port={port}", f"--file={journal}"]
    with serving(command, f"{site}/add"):
        yield {
            f"hledger-web {said_version(program)}": [
                Page("journal", [f"{site}/journal"], shows=owed),
                Page("form for a transaction", [f"{site}/add"], shows=owed),
                Page("form, books just written", [f"{site}/add"], before=_writes(journal)),
                Page("account of one loan", [f"{site}/register?q=inacct:{account}"], "loan"),
            ]
        }


def _writes(file: Path) -> Callable[[], None]:
    """The same books once more, and time for its program to hear of it."""

    def write() -> None:
        file.write_text(file.read_text())
        time.sleep(NOTICED)

    return write


def _text(answer: bytes) -> str:
    """The text of an answer, amounts without their separators."""
    return (gzip.decompress(answer) if answer.startswith(b"\x1f\x8b") else answer).decode().replace(",", "")


if __name__ == "__main__":
    main()
