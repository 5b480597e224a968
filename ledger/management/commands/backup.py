"""Writes everything that is not code into one file, while Loantracker runs: books, documents, secret key."""

from __future__ import annotations

import os
import sqlite3
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from ledger import clock
from loantracker.backup.archive import BackupError
from loantracker.backup.making import make_backup


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a new file, or a folder that gets one named after the moment")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        try:
            made = make_backup(options["file"].absolute(), clock.now())
        except (BackupError, OSError, Error, sqlite3.Error) as error:
            self.stderr.write(f"No backup was made. {error}")
            sys.exit(1)
        self.stdout.write(f"Backed up to {made.path} ({made.size:,} bytes).")
        self.stdout.write("Keep it as you keep a key: whoever has it can read everything.")
