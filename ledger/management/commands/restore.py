"""Lets everything be as it was when a backup was made, while Loantracker runs or while it does not."""

from __future__ import annotations

import os
import sqlite3
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from loantracker.backup.archive import BackupError
from loantracker.backup.restoring import Restored, restore_backup


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that `backup` made")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        try:
            done = restore_backup(options["file"].absolute())
        except (BackupError, OSError, Error, sqlite3.Error) as error:
            self.stderr.write(f"Nothing was restored, and nothing was changed. {error}")
            sys.exit(1)
        for line in said(done):
            self.stdout.write(line)
        if done.trouble:
            self.stderr.write(f"The other files could not all be put back ({done.trouble}). Restore once more.")
            sys.exit(1)


def said(done: Restored) -> list[str]:
    """What the person has to know."""
    lines = [f"The books are those of {done.backup_at:%Y-%m-%d %H:%M:%S} UTC now."]
    if done.kept:
        lines.append(f"Those they replaced are in {done.kept}.")
    if done.held:
        lines.append(
            f"Messages that may have been sent since then are not sent again: {done.held} of them wait on the "
            "reminders page."
        )
    if done.key_to_set:
        lines.append(
            "SECRET_KEY is set here, and differs from the backup's: everybody has to sign in anew, unless you set "
            "the one you used then."
        )
    elif done.key_changed:
        lines.append("The secret key is the backup's again. Restart Loantracker if it runs; everybody signs in anew.")
    return lines
