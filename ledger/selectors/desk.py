"""What is at hand when a fact about a loan is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ledger.models import Bill, Fact, Loan
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

    def past_of(self, key: str | None) -> History:
        """The history as it was before the fact recorded under `key`, so that a form sent again says the same as the
        first time; all of it where there is none."""
        recorded = Fact.objects.filter(household=self.loan.household_id, key=key or "").values_list("pk", flat=True)
        first = recorded.first()
        return self.past if first is None else self.past.before(first)
