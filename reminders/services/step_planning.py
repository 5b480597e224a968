"""Planning the steps of bills: many loans in a few statements, decided over plain values and written set-based."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import OperationalError, transaction
from django.db.models import CharField, F, Q, QuerySet

from ledger.clock import zone
from ledger.models import Bill, Loan
from ledger.services.bulk import Staged, as_stored
from reminders import rules
from reminders.models import RESTORED, Channel, Kind, LoanWatch, Reminder, State
from reminders.selectors import Wishes, wishes, writable_to
from reminders.services.message_ids import message_id
from reminders.services.restoring import last_restore
from reminders.working_days import places, working_day_before

logger = logging.getLogger(__name__)

CHUNK = 1_000  # loans planned in one transaction
BLOCK = 20_000  # loans looked up at once
LASTS = 30.0  # seconds after which planning leaves the rest to the next tick
LONGEST_SLEEP = timedelta(days=30)  # after which a loan with bills to come is looked at again in any case
RETRY = timedelta(minutes=30)
ONE_DAY = timedelta(days=1)

PLANNED = Staged(
    "planned_step",
    {
        "message_id": "varchar(200) NOT NULL",
        "household_id": "bigint NOT NULL",
        "recipient_id": "bigint NOT NULL",
        "bill_id": "bigint NOT NULL",
        "about_on": "date NOT NULL",
        "step": "varchar(12) NOT NULL",
        "send_at": "timestamptz NOT NULL",
        "state": "varchar(10) NOT NULL",
        "reason": "varchar(20) NOT NULL",
        "error": "varchar(500) NOT NULL",
    },
)
_TEXTS = [field for field in Reminder._meta.concrete_fields if isinstance(field, CharField) and field.blank]
_REMINDER: dict[str, str] = {
    **{field.attname: "''" for field in _TEXTS},  # what is to be said of it later
    **{name: name for name in PLANNED.columns},
    **{"kind": f"'{Kind.STEP.value}'", "channel": f"'{Channel.EMAIL.value}'"},
    **{"created_at": "%(now)s", "next_at": "send_at"},
    **{"attempts": "0", "refusals": "0", "lost_leases": "0"},
}
_AFRESH = {
    **{"state": "new.state", "error": "new.error", "reason": "''"},
    **{"attempts": "0", "refusals": "0", "lost_leases": "0", "next_at": "%(now)s"},
}
_GIVEN_UP = (  # for a reason that may no longer hold
    "new.reason = '' AND reminders_reminder.state = %(superseded)s AND reminders_reminder.reason <> %(overtaken)s"
)
_MOVED = {"send_at": "new.send_at", "next_at": "new.send_at"}
_TO_MOVE = (  # what waits, and has another moment since the hour or the time zone changed
    "new.state = %(planned)s AND reminders_reminder.state = %(planned)s AND reminders_reminder.attempts = 0"
    " AND reminders_reminder.send_at <> new.send_at"
)
WATCHED = Staged(
    "watched_loan",
    {
        "loan_id": "bigint NOT NULL",
        "version": "integer NOT NULL",
        "time_zone": "varchar(64) NOT NULL",
        "planned_on": "date NOT NULL",
        "next_at": "timestamptz",
    },
)
_WATCH = {name: name for name in WATCHED.columns}


def to_plan(now: datetime) -> QuerySet[Loan]:
    """Loans whose planned reminders may no longer be right."""
    return Loan.objects.current().filter(
        Q(watch=None)
        | ~Q(watch__version=F("version"))
        | Q(watch__next_at__lte=now)
        | ~Q(watch__time_zone=F("household__time_zone"))
    )


def plan_steps(now: datetime, lasts: float = LASTS) -> int:
    """Plan the steps of bills whose loans have changed or have a step coming into sight; counts the messages that were
    new or revived. What it has not got to in `lasts` seconds is left to the next tick."""
    until = monotonic() + lasts
    planned = 0
    for loans in _blocks(now):
        for first in range(0, len(loans), CHUNK):
            if monotonic() > until:
                return planned
            planned += _plan_or_leave(loans[first : first + CHUNK], now)
    return planned


def _plan_or_leave(loans: Sequence[int], now: datetime) -> int:
    """A chunk that fails leaves nothing behind, and is tried again by halves: one bad loan stops no other."""
    try:
        return plan_chunk(loans, now)
    except OperationalError as error:  # a busy or lost database: the next tick finds it all as it is
        logger.warning("The reminders of %s loans are left to the next tick: %s", len(loans), error)
        return 0
    except Exception:
        if len(loans) == 1:
            logger.exception("Could not plan the reminders of loan %s", loans[0])
            return 0
        half = len(loans) // 2
        return _plan_or_leave(loans[:half], now) + _plan_or_leave(loans[half:], now)


def _blocks(now: datetime) -> Iterator[list[int]]:
    """The ids of the loans to plan, each once."""
    last = 0
    while True:
        found = list(to_plan(now).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BLOCK])
        if found:
            yield found
        if len(found) < BLOCK:
            return
        last = found[-1]


class _Loan(NamedTuple):
    pk: int
    household: int
    time_zone: str
    version: int
    key: str
    opened_at: datetime
    settled_on: date | None
    grace_days: int
    planned_on: date | None


class _Bill(NamedTuple):
    loan: int
    pk: int
    number: int
    starts_on: date
    payable_on: date
    deferred_from: date | None
    settled_on: date | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read for a chunk, in a query each, after the versions of its loans: whatever moves on meanwhile shows."""

    bills: dict[int, list[_Bill]]
    wishes: Wishes
    people: dict[int, list[int]]
    places: dict[int, str]
    now: datetime
    restored_at: datetime | None


@dataclass(slots=True)
class _Draft:
    """What planning comes to: rows of `PLANNED` and `WATCHED`."""

    steps: list[tuple[Any, ...]] = field(default_factory=list)
    watches: list[tuple[Any, ...]] = field(default_factory=list)


def plan_chunk(loans: Sequence[int], now: datetime) -> int:
    """Plan the steps of some loans, in one transaction; counts the messages that were new or revived.

    What may have left before the books were restored is written down as uncertain: a restore comes before the whole
    transaction or after it.
    """
    with transaction.atomic():
        rows = _hold(loans)
        known = _known(rows, now)
        draft = _Draft()
        for loan in rows:
            _plan_loan(draft, loan, known)
        return _write(draft, now)


def _hold(loans: Sequence[int]) -> list[_Loan]:
    """The loans, nobody else planning them until the transaction ends, nor asking for it: who does so waits, and is
    heard by the next tick. Those that somebody holds already are left out."""
    watches = LoanWatch.objects.filter(loan__in=loans).order_by("pk").select_for_update(skip_locked=True)
    held = dict(watches.values_list("loan_id", "planned_on"))
    found = Loan.objects.filter(pk__in=loans).order_by("pk").values_list(*_LOAN_COLUMNS)
    return [loan for loan in map(_Loan._make, found) if loan.planned_on is None or loan.pk in held]


_LOAN_COLUMNS = (
    "pk",
    "household_id",
    "household__time_zone",
    "version",
    "key",
    "opened_at",
    "settled_on",
    "grace_days",
    "watch__planned_on",
)
_BILL_COLUMNS = ("loan_id", "pk", "number", "starts_on", "payable_on", "deferred_from", "settled_on")


def _known(loans: list[_Loan], now: datetime) -> _Known:
    ids, homes = [loan.pk for loan in loans], {loan.household for loan in loans}
    bills: defaultdict[int, list[_Bill]] = defaultdict(list)
    wanted = wishes(homes)
    in_sight = now.date() + 2 * ONE_DAY + LONGEST_SLEEP + _reach(wanted)
    furthest_west = now.date() - ONE_DAY
    asked = Q(settled_on=None) | Q(presumed__gt=0, payable_on__gte=furthest_west)
    found = Bill.objects.filter(asked, loan__in=ids, is_needed=True, payable_on__lte=in_sight)
    for values in found.order_by("loan_id", "number").values_list(*_BILL_COLUMNS):
        bills[values[0]].append(_Bill._make(values))
    people: defaultdict[int, list[int]] = defaultdict(list)
    members = writable_to().filter(household__in=homes).order_by("pk")
    for household, user in members.values_list("household_id", "user_id"):
        people[household].append(user)
    return _Known(bills, wanted, people, places(ids), now, last_restore())


def _reach(wanted: Wishes) -> timedelta:
    """How long before a bill is payable its first step may come, whatever policy holds for it."""
    try:
        return max(map(rules.reach, wanted.policies()))
    except TypeError:  # bad data, which the loan it is about will stumble over
        return timedelta(days=-rules.EARLIEST)


def _plan_loan(draft: _Draft, loan: _Loan, known: _Known) -> None:
    local = zone(loan.time_zone)
    today = known.now.astimezone(local).date()
    next_at: datetime | None
    try:
        steps, next_on = _steps(loan, known, local, today)
        next_at = rules.moment(next_on - ONE_DAY, 0, local) if next_on is not None else None
    except Exception:  # one loan that breaks a rule does not stop the others
        logger.exception("Could not plan the reminders of loan %s", loan.pk)
        steps, next_at = [], known.now + RETRY
    draft.steps += steps
    draft.watches.append((loan.pk, loan.version, loan.time_zone, today, as_stored(next_at)))


def _steps(loan: _Loan, known: _Known, local: ZoneInfo, today: date) -> tuple[list[tuple[Any, ...]], date | None]:
    """The rows of `PLANNED` for a loan, and the day of its next step after tomorrow."""
    policy = known.wishes.policy(loan.household, loan.pk)
    since = loan.opened_at.astimezone(local).date()
    place = known.places.get(loan.pk, "")
    people = known.people.get(loan.household, [])
    rows: list[tuple[Any, ...]] = []
    later = [] if loan.settled_on is not None else [today + LONGEST_SLEEP + ONE_DAY]
    for bill in known.bills.get(loan.pk, ()):
        if bill.settled_on is None:
            works_on = working_day_before(bill.payable_on, place, loan.time_zone)
            starts_on = bill.starts_on if bill.deferred_from is None else None
            days = rules.Days(bill.payable_on, starts_on, loan.grace_days, works_on)
            calls = rules.calls(policy, days, known.now, local, since, loan.planned_on or today)
            for user in people:
                rows += [_row(loan, bill, step, user, known, local, is_wanted=False) for step in calls.overtaken]
                rows += [_row(loan, bill, step, user, known, local) for step in calls.wanted]
            later += [calls.next_on] if calls.next_on is not None else []
        second = known.wishes.second.get(loan.household) if policy.is_on else None
        if second in people and bill.payable_on >= today:
            step = rules.Step(rules.SECOND, bill.payable_on, rules.SECOND_HOUR)
            if bill.payable_on > today + ONE_DAY:
                later.append(bill.payable_on)
            else:
                rows.append(_row(loan, bill, step, second, known, local))
    return rows, min(later, default=None)


def _row(
    loan: _Loan, bill: _Bill, step: rules.Step, user: int, known: _Known, local: ZoneInfo, *, is_wanted: bool = True
) -> tuple[Any, ...]:
    send_at = step.at(local)
    state, reason, error = State.PLANNED.value, "", ""
    if not is_wanted:
        state, reason = State.SUPERSEDED.value, rules.Reason.OVERTAKEN.value
    elif _may_have_left(loan, send_at, known.restored_at, local):
        state, error = State.UNCERTAIN.value, RESTORED
    id = message_id(Kind.STEP, loan.household, loan.key, bill.number, bill.payable_on, step.key, user)
    about = (loan.household, user, bill.pk, bill.payable_on, step.key)
    return id, *about, as_stored(send_at), state, reason, error


def _may_have_left(loan: _Loan, send_at: datetime, restored_at: datetime | None, local: ZoneInfo) -> bool:
    """Whether a step may have been sent out of the books that were replaced; see `services.restoring`."""
    if restored_at is None or loan.opened_at > restored_at:
        return False
    return rules.earliest(send_at, local) <= restored_at


def _write(draft: _Draft, now: datetime) -> int:
    """Write down what is not there yet, and plan again what was given up for a reason that no longer holds: a payment
    undone, a switch turned back on."""
    given = {
        "now": as_stored(now),
        "planned": State.PLANNED.value,
        "superseded": State.SUPERSEDED.value,
        "overtaken": rules.Reason.OVERTAKEN.value,
    }
    done = 0
    if draft.steps:
        with PLANNED.holding(draft.steps) as staged:
            done = staged.insert_new(Reminder, _REMINDER, given)
            if done < len(draft.steps):
                done += staged.update(Reminder, "message_id", _AFRESH, _GIVEN_UP, given, key="message_id")
                staged.update(Reminder, "message_id", _MOVED, _TO_MOVE, given, key="message_id")
    with WATCHED.holding(draft.watches) as staged:
        staged.merge(LoanWatch, "loan_id", _WATCH)
    return done
