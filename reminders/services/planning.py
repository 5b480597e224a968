"""Planning: writing down which messages are to be sent, once each, a day ahead."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from ledger.clock import local_day, zone
from ledger.models import AutoRepayAttempt, Bill, Loan, User
from ledger.models.autorepay import Outcome
from ledger.models.autorepay import Reason as DebitReason
from reminders import rules
from reminders.models import RESTORED, Channel, Kind, LoanWatch, Reminder, State
from reminders.selectors import Wishes, recipients, wishes, writable_to
from reminders.services.destinations import beside
from reminders.services.restoring import hold, last_restore, may_have_left

logger = logging.getLogger(__name__)

BATCH = 200
BATCHES = 100
SIGHT = timedelta(days=100)  # how far ahead bills are read; past the earliest step and the longest sleep together
LONGEST_SLEEP = 30  # days after which a loan with bills to come is looked at again in any case
NEWS = timedelta(days=7)  # what happened longer ago is no longer worth a notice
RETRY = timedelta(minutes=30)

_NOTICES = {
    Outcome.FAILED: Kind.ATTEMPT_FAILED,
    Outcome.PARTIAL: Kind.ATTEMPT_PARTIAL,
    Outcome.PRESUMED: Kind.CONFIRM,
}
# Of a debit spread over several accounts only a last part that fell short is news.
_IS_NEWS = ~Q(outcome=Outcome.PARTIAL) | Q(missing__gt=0) | Q(reason=DebitReason.CARD_LIMIT)


def plan(now: datetime) -> int:
    """Write down every message called for by `now` and a day ahead; counts those that were new or revived.

    Any number of these may run at once. With nothing to plan it asks two questions of the database.
    """
    return plan_steps(now) + plan_notices(now)


def plan_steps(now: datetime) -> int:
    """Plan the steps of bills whose loans have changed or have a step coming into sight."""
    planned = 0
    for _ in range(BATCHES):
        loans = list(_to_plan(now)[:BATCH])
        if not loans:
            break
        planned += _plan_loans(loans, now)
    return planned


def plan_notices(now: datetime) -> int:
    """Plan the notices of debits that failed or took a part, of those presumed that somebody has to confirm, and the
    question whether a mandate whose debits fail again and again is to go on: once each time it is asked."""
    told = Reminder.objects.filter(attempt=OuterRef("pk"))
    asked = Reminder.objects.filter(
        kind=Kind.KEEP_ON, attempt__mandate=OuterRef("mandate"), created_at__gte=OuterRef("mandate__asked_at")
    )
    attempts = list(
        AutoRepayAttempt.objects.filter(_IS_NEWS, outcome__in=list(_NOTICES), recorded_at__gt=now - NEWS)
        .filter(~Exists(told), Exists(writable_to().filter(household=OuterRef("household"))))
        .annotate(asks=Q(outcome=Outcome.FAILED, mandate__asked_at__isnull=False) & ~Exists(asked))
        .select_related("bill__loan", "mandate")
        .order_by("-pk")[:BATCH]
    )
    if not attempts:
        return 0
    people = recipients({attempt.household_id for attempt in attempts})
    rows = []
    asking: set[int] = set()
    for attempt in attempts:  # the newest first: it is the one the question is put with
        asks = attempt.asks and attempt.mandate_id not in asking
        if asks:
            asking.add(attempt.mandate_id)
        kind = Kind.KEEP_ON if asks else _NOTICES[Outcome(attempt.outcome)]
        rows += [notice(attempt, user, now, kind) for user in people.get(attempt.household_id, [])]
    return _insert(rows)


def _to_plan(now: datetime) -> QuerySet[Loan]:
    """Loans whose planned reminders may no longer be right; their version is read before their bills are."""
    return (
        Loan.objects.current()
        .filter(
            Q(watch=None)
            | ~Q(watch__version=F("version"))
            | Q(watch__next_at__lte=now)
            | ~Q(watch__time_zone=F("household__time_zone"))
        )
        .select_related("household", "watch")
        .order_by("pk")
    )


@dataclass(slots=True)
class _Draft:
    """What planning some loans comes to."""

    rows: list[Reminder]
    called: list[Reminder]  # those of `rows` that are wanted now: revived, should they have been given up
    watches: list[LoanWatch]


def _plan_loans(loans: list[Loan], now: datetime) -> int:
    households = {loan.household_id for loan in loans}
    wanted, people = wishes(households), recipients(households)
    bills: dict[int, list[Bill]] = {loan.pk: [] for loan in loans}
    by_id = {loan.pk: loan for loan in loans}
    for bill in Bill.objects.filter(loan__in=loans, payable_on__lte=(now + SIGHT).date()).open().order_by("number"):
        bill.loan = by_id[bill.loan_id]
        bills[bill.loan_id].append(bill)
    draft = _Draft([], [], [])
    for loan in loans:
        try:
            _plan_loan(draft, loan, bills[loan.pk], wanted, people.get(loan.household_id, []), now)
        except Exception:  # one loan that breaks a rule does not stop the others
            logger.exception("Could not plan the reminders of loan %s", loan.pk)
            draft.watches.append(_watch(loan, now, now + RETRY))
    done = _insert(draft.rows) + _revive(draft.called, now)
    LoanWatch.objects.bulk_create(
        draft.watches,
        update_conflicts=True,
        unique_fields=["loan"],
        update_fields=["version", "time_zone", "planned_on", "next_at"],
    )
    return done


def _plan_loan(draft: _Draft, loan: Loan, bills: list[Bill], wanted: Wishes, people: list[User], now: datetime) -> None:
    policy = wanted.policy(loan.household_id, loan.pk)
    local = zone(loan.household.time_zone)
    today = loan.household.today(now)
    since = local_day(loan.opened_at, loan.household.time_zone)
    planned_on = loan.watch.planned_on if hasattr(loan, "watch") else today
    wake = [rules.moment(today + timedelta(days=LONGEST_SLEEP), 0, local)] if loan.settled_on is None else []
    for bill in bills:
        for user in people:
            for step, is_wanted in _steps(policy, bill.payable_on, today, since, planned_on):
                row = step_reminder(loan, bill, step, user, rules.send_at(policy, bill.payable_on, step, local), now)
                if not is_wanted:
                    row.state, row.reason = State.SUPERSEDED, rules.Reason.OVERTAKEN.value
                else:
                    draft.called.append(row)
                draft.rows.append(row)
        later = rules.following(policy, bill.payable_on, today + timedelta(days=1))
        if later is not None:
            wake.append(rules.moment(bill.payable_on + timedelta(days=later - 1), 0, local))
    draft.watches.append(_watch(loan, now, min(wake, default=None)))


def _steps(
    policy: rules.Policy, payable_on: date, today: date, since: date, planned_on: date
) -> Iterator[tuple[int, bool]]:
    """The steps to write down for a bill, each with whether it is wanted or was overtaken unsent."""
    for step in rules.overtaken(policy, payable_on, planned_on, today, since):
        yield step, False
    latest = rules.called(policy, payable_on, today, since)
    if latest is not None:
        yield latest, True
    tomorrow = rules.following(policy, payable_on, today)
    if tomorrow is not None and payable_on + timedelta(days=tomorrow) == today + timedelta(days=1):
        yield tomorrow, True


def _watch(loan: Loan, now: datetime, next_at: datetime | None) -> LoanWatch:
    return LoanWatch(
        loan=loan,
        version=loan.version,
        time_zone=loan.household.time_zone,
        planned_on=loan.household.today(now),
        next_at=next_at,
    )


def _insert(rows: list[Reminder]) -> int:
    """Write down those of `rows` that are not there yet; counts them, roughly where others do the same.

    What may have left before the books were restored is written down as uncertain. The question and the writing are
    one transaction: a restore comes before both or after both.
    """
    if not rows:
        return 0
    rows = beside(rows)
    ids = [row.message_id for row in rows]
    with transaction.atomic():
        hold(rows)
        known = Reminder.objects.filter(message_id__in=ids).count()
        Reminder.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
    return len(rows) - known


def _revive(rows: list[Reminder], now: datetime) -> int:
    """Plan again what was given up for a reason that no longer holds: a payment undone, a switch turned back on."""
    given_up = Reminder.objects.filter(message_id__in=[row.message_id for row in rows], state=State.SUPERSEDED).exclude(
        reason=rules.Reason.OVERTAKEN.value
    )
    if not given_up.exists():
        return 0
    with transaction.atomic():
        restored_at = last_restore()
        doubtful = [row.message_id for row in rows if restored_at is not None and may_have_left(row, restored_at)]
        afresh: dict[str, Any] = {"reason": "", "attempts": 0, "refusals": 0, "next_at": now}
        held = given_up.filter(message_id__in=doubtful).update(state=State.UNCERTAIN, error=RESTORED, **afresh)
        return held + given_up.update(state=State.PLANNED, error="", **afresh)


def step_reminder(loan: Loan, bill: Bill, step: int, user: User, send_at: datetime, now: datetime) -> Reminder:
    """The reminder of a step of a bill for one person, not yet saved."""
    key = rules.step_key(step)
    return Reminder(
        household=loan.household,
        recipient=user,
        kind=Kind.STEP,
        bill=bill,
        about_on=bill.payable_on,
        step=key,
        created_at=now,
        send_at=send_at,
        next_at=send_at,
        message_id=message_id(Kind.STEP, loan.household_id, loan.key, bill.number, bill.payable_on, key, user.pk),
    )


def notice(attempt: AutoRepayAttempt, user: User, now: datetime, kind: Kind) -> Reminder:
    """The notice of one attempt for one person, not yet saved. The question whether to go on takes the place of the
    notice that the attempt failed; it is known by the moment since when it is asked."""
    subject: tuple[object, ...] = (attempt.bill.loan.key, attempt.bill.number, attempt.window_at)
    if kind is Kind.KEEP_ON:
        subject = (attempt.mandate.key, attempt.mandate.asked_at)
    elif kind is Kind.ATTEMPT_PARTIAL:
        subject = (*subject, attempt.number)
    return Reminder(
        household_id=attempt.household_id,
        recipient=user,
        kind=kind,
        bill=attempt.bill,
        about_on=attempt.bill.payable_on,
        attempt=attempt,
        created_at=now,
        send_at=attempt.recorded_at,
        next_at=now,
        message_id=message_id(kind, attempt.household_id, *subject, user.pk),
    )


def message_id(*subject: object) -> str:
    """The Message-ID of a message about `subject`: the same whenever it is asked for."""
    said = "\n".join(map(str, (*subject, Channel.EMAIL, settings.SITE_URL)))
    digest = hashlib.sha256(said.encode()).hexdigest()[:32]
    return f"<{digest}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"
