"""Compares everything stored for speed with what follows from the facts; ends with 1 if anything differs."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from ledger.models import Loan
from ledger.services.checking import find_problems


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for mismatch in find_problems():
            found += 1
            self.stdout.write(str(mismatch))
        if found:
            self.stderr.write(f"{found} values differ from the facts.")
            sys.exit(1)
        self.stdout.write(f"{Loan.objects.count()} loans agree with their facts.")
