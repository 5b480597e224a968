"""Planning: writing down which messages are to be sent, once each, a day ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from ledger.models import AutoRepayAttempt, User
from ledger.models.autorepay import Outcome
from ledger.models.autorepay import Reason as DebitReason
from reminders.models import Kind, Reminder
from reminders.selectors import recipients, writable_to
from reminders.services import occasions
from reminders.services.asking import any_of
from reminders.services.message_ids import message_id
from reminders.services.restoring import hold
from reminders.services.step_planning import plan_steps, to_plan

BATCH = 200
NEWS = timedelta(days=7)  # what happened longer ago is no longer worth a notice

_NOTICES = {
    Outcome.SUCCESS: Kind.ATTEMPT_DONE,
    Outcome.FAILED: Kind.ATTEMPT_FAILED,
    Outcome.PARTIAL: Kind.ATTEMPT_PARTIAL,
    Outcome.PRESUMED: Kind.CONFIRM,
}
# Of a debit spread over several accounts only a last part that fell short is news.
_IS_NEWS = ~Q(outcome=Outcome.PARTIAL) | Q(missing__gt=0) | Q(reason=DebitReason.CARD_LIMIT)


def plan(now: datetime) -> int:
    """Write down every message called for by `now` and a day ahead; counts those that were new or revived.

    Any number of these may run at once. With nothing to plan it asks one question of the database.
    """
    has_steps, has_news, has_occasions = any_of(to_plan(now), _news(now), occasions.to_plan(now))
    planned = (plan_steps(now) if has_steps else 0) + (plan_notices(now) if has_news else 0)
    return planned + (occasions.plan_occasions(now) if has_occasions else 0)


def plan_notices(now: datetime) -> int:
    """Plan the notices of debits that succeeded, failed or took a part, of those presumed that somebody has to confirm,
    and the question whether a mandate whose debits fail again and again is to go on: once each time it is asked."""
    asked = Reminder.objects.filter(
        kind=Kind.KEEP_ON, attempt__mandate=OuterRef("mandate"), created_at__gte=OuterRef("mandate__asked_at")
    )
    attempts = list(
        _news(now)
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


def _news(now: datetime) -> QuerySet[AutoRepayAttempt]:
    """Attempts that somebody is to be told of and nobody was."""
    told = Reminder.objects.filter(attempt=OuterRef("pk"))
    recent = AutoRepayAttempt.objects.filter(_IS_NEWS, outcome__in=list(_NOTICES), recorded_at__gt=now - NEWS)
    return recent.filter(~Exists(told), Exists(writable_to().filter(household=OuterRef("household"))))


def _insert(rows: list[Reminder]) -> int:
    """Write down those of `rows` that are not there yet; counts them, roughly where others do the same.

    What may have left before the books were restored is written down as uncertain. The question and the writing are
    one transaction: a restore comes before both or after both.
    """
    if not rows:
        return 0
    ids = [row.message_id for row in rows]
    with transaction.atomic():
        hold(rows)
        known = Reminder.objects.filter(message_id__in=ids).count()
        Reminder.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
    return len(rows) - known


def notice(attempt: AutoRepayAttempt, user: User, now: datetime, kind: Kind) -> Reminder:
    """The notice of one attempt for one person, not yet saved. The question whether to go on takes the place of the
    notice that the attempt failed; it is known by the moment since when it is asked."""
    subject: tuple[object, ...] = (attempt.bill.loan.key, attempt.bill.number, attempt.window_at)
    created = now
    if kind is Kind.KEEP_ON and attempt.mandate.asked_at is not None:
        created = max(now, attempt.mandate.asked_at)  # by it the question counts as put: ticks read clocks of their own
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
        created_at=created,
        send_at=attempt.recorded_at,
        next_at=now,
        message_id=message_id(kind, attempt.household_id, *subject, user.pk),
    )
