"""What households expect to come: the planned inflows of accounts, and what they bring in a span of days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from ledger.loanmath.inflows import Expected, InflowPlan, Repeats, expected
from ledger.loanmath.terms import HolidayRule
from ledger.models import PlannedInflow
from ledger.selectors.calendars import calendar_of
from ledger.selectors.prepared import Prepared


@dataclass(frozen=True, slots=True)
class InflowRow:
    """A planned inflow as it stands beside its account; `next_on` is None once it is past."""

    id: int
    name: str
    plan: InflowPlan
    next_on: date | None


def expected_inflow(stated: Mapping[int, date], until: date) -> dict[int, Expected]:
    """By account: what is expected after its day in `stated`, that of its last stated balance, up to `until` included;
    nothing where nothing is planned. One query, however many accounts.

    It is expected, not seen. For a debit on a day, `until` is the day before: an inflow counts from the end of its
    day.
    """
    planned = live_inflows(stated)
    return {account: expected(map(plan_of, planned.get(account, ())), stated[account], until) for account in stated}


def live_inflows(accounts: Iterable[int]) -> Mapping[int, list[PlannedInflow]]:
    """By account: the inflows its owner still expects, past ones among them, as they were planned; one query."""
    return _by_account(PlannedInflow.objects.live().filter(account__in=list(accounts)).order_by("pk"))


def _live(household: int) -> QuerySet[PlannedInflow]:
    return PlannedInflow.objects.live().filter(household=household).order_by("pk")


_LIVE = Prepared(_live)


def household_inflows(household: int) -> Mapping[int, list[PlannedInflow]]:
    """The same for all accounts of a household."""
    return _by_account(_LIVE.objects(household=household))


def _by_account(inflows: Iterable[PlannedInflow]) -> Mapping[int, list[PlannedInflow]]:
    found: defaultdict[int, list[PlannedInflow]] = defaultdict(list)
    for inflow in inflows:
        found[inflow.account_id].append(inflow)
    return found


def inflow_rows(inflows: Iterable[PlannedInflow], today: date) -> tuple[InflowRow, ...]:
    """The inflows with the day each comes next, today included; what comes first stands first, what is past last."""
    plans = [(inflow, plan_of(inflow)) for inflow in inflows]
    rows = [InflowRow(inflow.pk, inflow.name, plan, plan.next_from(today)) for inflow, plan in plans]
    return tuple(sorted(rows, key=lambda row: (row.next_on or date.max, row.id)))


def plan_of(inflow: PlannedInflow) -> InflowPlan:
    """The rule of a planned inflow, with the working days of its place."""
    return InflowPlan(
        amount=inflow.amount,
        repeats=Repeats(inflow.repeats),
        starts_on=inflow.starts_on,
        day=inflow.day,
        until=inflow.until,
        shift=HolidayRule(inflow.shift),
        calendar=calendar_of(inflow.holiday_calendar),
        id=inflow.pk,
    )
