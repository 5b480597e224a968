"""Questions that are put into SQL once: the same answers as Django's own, and on PostgreSQL a plan that is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from ledger.models import Household, Loan
from ledger.selectors.prepared import Prepared

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.service]


def _of_name(household: int, name: str) -> QuerySet[Loan]:
    return Loan.objects.filter(household=household, name=name).select_related("lender")


def _ends(household: int, since: date, before: datetime) -> QuerySet[Any]:
    ends = Loan.objects.filter(household=household, ends_on__gte=since, opened_at__lt=before)
    return ends.order_by("pk").values_list("pk", "ends_on", "opened_at")


def test_texts_days_and_moments_are_filled_in(loan: Loan, home: Household) -> None:
    by_name = Prepared(_of_name)
    for name in (loan.name, "it's another", loan.name):
        found = by_name.objects(household=home.pk, name=name)
        assert found == list(_of_name(home.pk, name))
        assert [one.lender.name for one in found] == ([loan.lender.name] if name == loan.name else [])
    ends = Prepared(_ends)
    last = loan.ends_on
    assert last is not None
    for since in (last, date(9000, 1, 1), date(2000, 1, 1)):
        asked = {"household": home.pk, "since": since, "before": datetime(2100, 1, 1, tzinfo=UTC)}
        assert ends(**asked) == list(_ends(**asked))


def test_something_that_is_not_asked_with_is_refused(home: Household) -> None:
    asked = Prepared(lambda household, day: Loan.objects.filter(household=household).values_list("pk"))
    with pytest.raises(ValueError, match="day: not among what the query asks with"):
        asked(household=home.pk, day=NOW.date())


@pytest.mark.parametrize(("column", "is_wide"), [("note", False), ("fingerprint", True)])
def test_postgresql_keeps_the_plan_of_what_reads_little(home: Household, column: str, is_wide: bool) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps its statements by itself")
    asked = Prepared(
        lambda household: Loan.objects.filter(household=household, **{column: ""}).values_list(column), is_wide
    )
    for _ in range(4):
        assert asked(household=home.pk) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = [said for (said,) in cursor if said.startswith(f'SELECT "ledger_loan"."{column}" ')]
    assert len(kept) == (0 if is_wide else 1)
