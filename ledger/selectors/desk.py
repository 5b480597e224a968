"""What is at hand when a fact about a loan is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ledger.models import Bill, Loan
from ledger.selectors.history import History, history


@dataclass(frozen=True)
class FactDesk:
    """The loan, the bills a form lets choose from, the day, and the history once it is asked for."""

    loan: Loan
    bills: list[Bill]
    today: date

    @cached_property
    def past(self) -> History:
        return history(self.loan)
