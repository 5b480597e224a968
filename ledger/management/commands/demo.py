"""Builds the demo households: the same story in English and in Chinese, with days relative to today."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from ledger import clock
from ledger.demo import tell
from ledger.demo_words import HOUSEHOLDS, Words
from ledger.models import Household, User
from ledger.services.erasing import erase_household
from ledger.services.households import create_household

PASSWORD = "loantracker-demo"  # noqa: S105, printed for everyone to use


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="take the demo away first and build it anew")

    def handle(self, *args: Any, **options: Any) -> None:
        for email, (language, words) in HOUSEHOLDS.items():
            with transaction.atomic():
                if options["reset"]:
                    for household in Household.objects.filter(members__email=email):
                        erase_household(household=household)
                    User.objects.filter(email=email).delete()
                if not User.objects.filter(email=email).exists():
                    self._build(email, language, words)
            self.stdout.write(f"{words.household}: {email} / {PASSWORD}")

    def _build(self, email: str, language: str, words: Words) -> None:
        now = clock.now()
        owner = User.objects.create_user(email, PASSWORD, language=language, first_name=words.household)
        household = create_household(
            owner=owner,
            name=words.household,
            time_zone="Asia/Shanghai",
            currency="CNY",
            now=now - timedelta(days=500),
        )
        tell(owner, household, words, household.today(now))
