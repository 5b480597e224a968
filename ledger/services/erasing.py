"""Taking a household's books away for good: the one place where recorded rows are deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from ledger.models import Household
from ledger.models.guards import deleting_allowed
from ledger.services.document_files import forget_household


@contextmanager
def erasing() -> Iterator[None]:
    """A transaction in which the database lets recorded rows be deleted; changed they are not, here either."""
    with transaction.atomic(), deleting_allowed(connection):
        yield


def erase_household(*, household: Household) -> None:
    """Delete a household with everything that belongs to it, what was recorded and its documents included. Its members
    stay."""
    erased = household.pk
    with erasing():
        household.delete()
        transaction.on_commit(lambda: forget_household(erased))
