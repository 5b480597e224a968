"""Works every loan out afresh, after something changed that no fact says: the holidays file, shipped rates."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from ledger import clock
from ledger.models import Loan
from ledger.services.projection import lock, rebuild


class Command(BaseCommand):
    help = "Work every loan out afresh from its facts, published rates and calendars, and keep what changed."

    def handle(self, *args: Any, **options: Any) -> None:
        now, changed, count = clock.now(), 0, 0
        for id in Loan.objects.order_by("pk").values_list("pk", flat=True):
            with transaction.atomic():
                loan = lock(Loan(pk=id))
                changed += rebuild(loan, loan.household.today(now))
            count += 1
        self.stdout.write(f"{count} loans worked out, {changed} changed.")
