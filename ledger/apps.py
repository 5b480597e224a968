"""The ledger app: loans, and the money that moves on them."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"
