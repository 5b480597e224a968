"""Named questions to the database, beginning with: whose is it?"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NoReturn, Self, TypeVar

from django.db import models
from django.db.models import F

_M = TypeVar("_M", bound=models.Model, covariant=True)


class HouseholdQuerySet(models.QuerySet[_M]):
    """Rows that carry `household`."""

    def for_user(self, user: Any) -> Self:
        """Rows of the households `user` is a member of; a stranger's are not there."""
        return self.filter(household__memberships__user=user)


class AccountQuerySet(HouseholdQuerySet[_M]):
    def in_use(self) -> Self:
        """Accounts not put away, in the order in which their owner wants them listed and offered."""
        return self.filter(archived_at=None).order_by("priority", "name", "pk")


class InflowQuerySet(HouseholdQuerySet[_M]):
    def live(self) -> Self:
        """Inflows their owner still expects; one that is past is among them."""
        return self.filter(ended_at=None)


class DocumentQuerySet(HouseholdQuerySet[_M]):
    def kept(self) -> Self:
        """Documents nobody has removed."""
        return self.filter(removed_at=None)


class AppendOnlyQuerySet(HouseholdQuerySet[_M]):
    """Rows that are only added: no update, no delete in bulk either."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{self.model.__name__} rows are never changed: add a reversal.")

    def delete(self) -> NoReturn:
        raise TypeError(f"{self.model.__name__} rows are never deleted: add a reversal.")


class LoanQuerySet(HouseholdQuerySet[_M]):
    def current(self) -> Self:
        """Loans not put away."""
        return self.filter(archived_at=None)

    def outdated(self, as_of: date) -> Self:
        """Loans whose stored bills a passing day has overtaken: a penalty grew, a planned fact counts now."""
        return self.filter(next_change_on__lte=as_of)

    def to_debit(self, now: datetime) -> Self:
        """Loans for which auto-repay has something to do by `now`."""
        return self.filter(auto_repay_at__lte=now)


class BillQuerySet(models.QuerySet[_M]):
    def for_user(self, user: Any) -> Self:
        return self.filter(household__memberships__user=user)

    def of_household(self, household: Any) -> Self:
        return self.filter(household=household, loan__archived_at=None)

    def to_sum(self, household: Any) -> Self:
        """The same, for sums: the household is asked of the loans too, or PostgreSQL reads those of all households to
        join them."""
        return self.of_household(household).filter(loan__household=household)

    def needed(self) -> Self:
        """Bills that a payoff or a prepayment has not made unnecessary."""
        return self.filter(is_needed=True)

    def open(self) -> Self:
        """Bills with something left to pay."""
        return self.filter(is_needed=True, settled_on=None)

    def overdue(self, as_of: date) -> Self:
        """Open bills whose payable date is past."""
        return self.open().filter(payable_on__lt=as_of)

    def due_between(self, first: date, last: date) -> Self:
        """Bills payable from `first` to `last`, both included."""
        return self.needed().filter(payable_on__range=(first, last))

    def with_open_amount(self) -> Self:
        """Adds `open_amount`: what is left to pay, in minor units."""
        left = sum(
            (F(f"{part}_due") - F(f"{part}_paid") - F(f"{part}_waived") for part in ("interest", "fee", "penalty")),
            F("principal_due") - F("principal_paid") - F("principal_waived"),
        )
        return self.annotate(open_amount=left)


class MandateQuerySet(HouseholdQuerySet[_M]):
    def live(self) -> Self:
        return self.filter(ended_at=None)


class FactQuerySet(AppendOnlyQuerySet[_M]):
    def in_order(self) -> Self:
        """As the engine replays them: by day, then as recorded."""
        return self.order_by("effective_on", "id")
