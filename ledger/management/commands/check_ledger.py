"""Compares everything stored for speed with what follows from the facts, and looks whether the database guards them;
ends with 1 if anything differs or a guard is missing."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from ledger.models import Loan, unguarded
from ledger.services.checking import find_problems


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for mismatch in find_problems():
            found += 1
            self.stdout.write(str(mismatch))
        bare = unguarded(connection)
        for table in bare:
            self.stderr.write(f"{table}: its rows could be changed or deleted. `./run migrate` guards them again.")
        if found:
            self.stderr.write(f"{found} values differ from the facts.")
        if found or bare:
            sys.exit(1)
        self.stdout.write(f"{Loan.objects.count()} loans agree with their facts.")
