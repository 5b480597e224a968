"""Reads a loan file (docs/loan-file.md) and prints its bills, allocations, totals, yearly cost and payoff."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand

from ledger import clock
from ledger.loanmath.checks import FIRST_DAY, LAST_DAY
from ledger.loanmath.explanation import Explanation, NoSuchCell
from ledger.loanmath.loan_file import LoanFile, read_loan_file
from ledger.loanmath.placed_json import LoanFileError
from ledger.loanmath.projection import Projection
from ledger.management import explained_text
from ledger.management.schedule_report import as_json, as_text, report


def a_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no day such as 2026-03-31") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ArgumentTypeError(f"choose a day from {FIRST_DAY} to {LAST_DAY}")
    return day


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="the loan file; standard input if left out or -")
        parser.add_argument("--as-of", type=a_day, metavar="DAY", help="the day asked about, such as 2026-03-31; today")
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
        parser.add_argument(
            "--explain",
            nargs="?",
            const="",
            metavar="AMOUNT",
            help="how an amount came about, such as bill-3-interest; all amounts of all bills if none is named",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        loan = self._read(options["file"])
        as_of = options["as_of"] or clock.local_day(clock.now(), settings.TIME_ZONE)
        found = report(loan, as_of)
        explained = self._explained(found.projection, options["explain"])
        if options["json"]:
            said = as_json(found)
            if options["explain"] is not None:
                said["explanations"] = [explained_text.as_json(one) for one in explained]
            self.stdout.write(json.dumps(said, indent=2, ensure_ascii=False))
        else:
            more = f"\n{explained_text.explained_text(explained)}" if explained else ""
            self.stdout.write(as_text(found) + more, ending="")

    def _explained(self, projection: Projection, name: str | None) -> list[Explanation]:
        if name is None:
            return []
        try:
            return explained_text.explanations(projection, name)
        except NoSuchCell:
            self._fail(f"--explain {name}", "there is no such amount; try bill-1-interest")

    def _read(self, path: str) -> LoanFile:
        try:
            return read_loan_file(sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes())
        except LoanFileError as error:
            self._fail(path, str(error))
        except OSError as error:
            self._fail(path, str(error.strerror))

    def _fail(self, path: str, message: str) -> NoReturn:
        self.stderr.write(f"{'standard input' if path == '-' else path}: {message}")
        sys.exit(2)
