"""Planning what is no step of a bill: a household is looked at once a day, and when there is news in its books."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import OperationalError
from django.db.models import BigIntegerField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from ledger.clock import zone
from ledger.models import AutoRepayMandate, Fact, FundingAccount, Household, Loan, PlannedInflow, StatedBalance, User
from reminders import occasion_rules, rules
from reminders.models import CATEGORIES, OccasionWatch, Reminder, ReminderChoice, State
from reminders.occasions import Books, Occasion, occasions, read
from reminders.selectors import Wishes, recipients, wishes
from reminders.services.message_ids import message_id
from reminders.services.writing import write_down

logger = logging.getLogger(__name__)

MOST = 200  # households a tick; whoever has waited longest comes first
RETRY = timedelta(minutes=30)
ONE_DAY = timedelta(days=1)
_NEWS = (Fact, StatedBalance, AutoRepayMandate, PlannedInflow, Loan, FundingAccount)  # rows that are only added


def to_plan(now: datetime) -> QuerySet[Any]:
    """Households whose occasions may be others than those planned: a day has passed, or there is news in their books.

    `mark` tells how far the books go: the newest rows of each kind. What was begun earlier and is committed later does
    not move it on; it is seen on the next day at the latest.
    """
    with_loans = Exists(Loan.objects.filter(household=OuterRef("pk")))
    return (
        Household.objects.filter(with_loans)
        .annotate(mark=sum((_newest(model) for model in _NEWS), Value(0, output_field=BigIntegerField())))
        .filter(
            Q(occasion_watch=None)
            | Q(occasion_watch__next_at__lte=now)
            | ~Q(occasion_watch__seen=F("mark"))
            | ~Q(occasion_watch__time_zone=F("time_zone"))
        )
    )


def _newest(model: Any) -> Coalesce:
    rows = model.objects.filter(household=OuterRef("pk")).order_by().values("household").annotate(last=Max("pk"))
    return Coalesce(Subquery(rows.values("last")), 0, output_field=BigIntegerField())


def plan_occasions(now: datetime) -> int:
    """Write down the messages about occasions that are called for by `now` and tomorrow; counts those that were new or
    revived.

    Any number of these may run at once. With nothing to plan it asks one question of the database.
    """
    waiting = to_plan(now).select_related("occasion_watch")
    households = list(waiting.order_by(F("occasion_watch__next_at").asc(nulls_first=True), "pk")[:MOST])
    if not households:
        return 0
    return _plan_or_leave(households, now)


def _plan_or_leave(households: list[Any], now: datetime) -> int:
    """Plan them together; where that breaks, by halves, so that one household that breaks a rule does not stop the
    others: it is tried again later."""
    try:
        return _plan_together(households, now)
    except OperationalError:
        raise
    except Exception:
        if len(households) == 1:
            logger.exception("Could not plan the occasions of household %s", households[0].pk)
            _keep([_watch(households[0], now, now + RETRY)])
            return 0
    half = len(households) // 2
    return _plan_or_leave(households[:half], now) + _plan_or_leave(households[half:], now)


def _plan_together(households: list[Any], now: datetime) -> int:
    ids = [household.pk for household in households]
    known = _Known(read(ids, now), wishes(ids), recipients(ids), _muted(ids), now)
    draft = _Draft()
    for household in households:
        _plan(draft, household, known)
    came_later = _came_later(draft.past)
    done = write_down([row for row in draft.rows if row.message_id not in came_later], draft.wanted, now)
    _keep(draft.watches)
    return done


def _keep(watches: list[OccasionWatch]) -> None:
    OccasionWatch.objects.bulk_create(
        watches,
        update_conflicts=True,
        unique_fields=["household"],
        update_fields=["time_zone", "planned_on", "next_at", "seen"],
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read for all households, after their marks: whatever moves on meanwhile shows."""

    books: Books
    wishes: Wishes
    people: dict[int, list[User]]
    muted: Collection[tuple[int, int, str]]  # household, member, category
    now: datetime


@dataclass(slots=True)
class _Draft:
    """What planning comes to; `wanted` are the message ids of the rows to revive, should they have been given up, and
    `past` those of the messages about each thing that has happened already, one for each member."""

    rows: list[Reminder] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)
    past: list[list[str]] = field(default_factory=list)
    watches: list[OccasionWatch] = field(default_factory=list)


def _muted(households: Collection[int]) -> set[tuple[int, int, str]]:
    choices = ReminderChoice.objects.filter(household__in=households).exclude(muted=[])
    return {(choice.household_id, choice.user_id, category) for choice in choices for category in choice.muted}


def _plan(draft: _Draft, household: Any, known: _Known) -> None:
    today = household.today(known.now)
    people = known.people.get(household.pk, [])
    found = occasions(household, known.books, today) if people else []
    planned_on = household.occasion_watch.planned_on if hasattr(household, "occasion_watch") else today
    rows: list[Reminder] = []
    wanted: set[str] = set()
    past: list[list[str]] = []
    for occasion in found:
        policy = known.wishes.policy(household.pk, occasion.loan.pk if occasion.loan else 0)
        for step, is_wanted in _steps(policy, occasion, today, planned_on):
            told = [_row(household, occasion, step, user, policy, known.now) for user in people]
            for row in told:
                if not is_wanted:
                    row.state, row.reason = State.SUPERSEDED, rules.Reason.OVERTAKEN.value
                elif (household.pk, row.recipient_id, CATEGORIES[occasion.kind]) not in known.muted:
                    wanted.add(row.message_id)
            if occasion.kind in occasion_rules.LASTS and len(told) > 1 and told[0].send_at <= known.now:
                past.append([row.message_id for row in told])
            rows += told
    draft.rows += rows
    draft.wanted |= wanted
    draft.past += past
    draft.watches.append(_watch(household, known.now, _next_at(household, known.books, today)))


def _came_later(past: list[list[str]]) -> set[str]:
    """Of the messages about things that have happened already, those to members who joined when the others had theirs:
    nobody is told of what was before them. One query, none where nothing has happened."""
    if not past:
        return set()
    ids = [id for some in past for id in some]
    known = set(Reminder.objects.filter(message_id__in=ids).values_list("message_id", flat=True))
    return {id for some in past if not known.isdisjoint(some) for id in some if id not in known}


def _steps(policy: rules.Policy, occasion: Occasion, today: date, planned_on: date) -> Iterator[tuple[int, bool]]:
    """The steps to write down for an occasion, each with whether it is wanted or was overtaken unsent."""
    if not policy.is_on:
        return
    for step in occasion_rules.overtaken(occasion.kind, occasion.on, planned_on, today):
        yield step, False
    latest = occasion_rules.called(occasion.kind, occasion.on, today)
    if latest is not None:
        yield latest, True
    tomorrow = occasion_rules.coming(occasion.kind, occasion.on, today)
    if tomorrow is not None:
        yield tomorrow, True


def _row(
    household: Household, occasion: Occasion, step: int, user: User, policy: rules.Policy, now: datetime
) -> Reminder:
    """The message about one step of an occasion for one person, not yet saved."""
    key = occasion_rules.step_key(occasion.kind, step)
    at = occasion_rules.send_at(policy, occasion.kind, occasion.on, step, zone(household.time_zone))
    return Reminder(
        household=household,
        recipient=user,
        kind=occasion.kind,
        loan=occasion.loan,
        account=occasion.account,
        about_on=occasion.on,
        step=key,
        created_at=now,
        send_at=at,
        next_at=at,
        message_id=message_id(occasion.kind, household.pk, *occasion.subject, occasion.on, key, user.pk),
    )


def _next_at(household: Household, books: Books, today: date) -> datetime | None:
    """The next midnight, while there is anything to come: a loan to repay, or one paid off that the digest tells of."""
    loans = books.loans.get(household.pk, ())
    recent = today - timedelta(days=occasion_rules.BEHIND)
    if all(loan.settled_on is not None and loan.settled_on < recent for loan in loans):
        return None
    return rules.moment(today + ONE_DAY, 0, zone(household.time_zone))


def _watch(household: Any, now: datetime, next_at: datetime | None) -> OccasionWatch:
    return OccasionWatch(
        household=household,
        time_zone=household.time_zone,
        planned_on=household.today(now),
        next_at=next_at,
        seen=household.mark,
    )
