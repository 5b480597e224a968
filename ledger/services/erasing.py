"""Taking a household's books away for good: the one place where recorded rows are deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from ledger.models import FundingAccount, Household, Loan
from ledger.models.guards import deleting_allowed
from ledger.services.document_files import forget_household


@contextmanager
def erasing() -> Iterator[None]:
    """A transaction in which the database lets recorded rows be deleted; changed they are not, here either."""
    with transaction.atomic(), deleting_allowed(connection):
        yield


def erase_household(*, household: Household) -> None:
    """Delete a household with everything that belongs to it, what was recorded and its documents included. Its members
    stay.

    Its rows are held in the order in which writers of money hold them: so it waits for those at work, holding nothing
    that they wait for, and nobody begins anew.
    """
    erased = household.pk
    with erasing():
        for held in (Loan, FundingAccount):
            list(held.objects.filter(household=household).select_for_update().order_by("pk").values_list("pk"))
        Household.objects.select_for_update().filter(pk=household.pk).first()
        household.delete()
        transaction.on_commit(lambda: forget_household(erased))
