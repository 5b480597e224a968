"""Why somebody did or did not get a message: what became of each, in words, with the fact behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.db.models import Q
from django.utils.translation import gettext as _

from ledger.clock import local_day, zone
from ledger.models import Allocation, Fact
from ledger.models.facts import Kind as FactKind
from ledger.templatetags.days import short_day
from reminders import rules
from reminders.deliveries import reply_words
from reminders.models import OCCASIONS, RESTORED, Channel, Kind, Reason, Reminder, Snooze, State
from reminders.selectors import Wishes, what_words, wishes
from reminders.services.tries import MOST_ATTEMPTS, MOST_REFUSALS

Settling = tuple[FactKind, date, datetime]  # what paid or waived the last of a bill, for which day, and when recorded


@dataclass(frozen=True, slots=True)
class Known:
    """What explains some messages beside themselves, read in four queries however many they are."""

    now: datetime
    settled_by: Mapping[int, Settling]  # by bill
    later: Mapping[tuple[int | None, int, date | None], Sequence[Reminder]]  # steps by bill, recipient and payable day
    wishes: Wishes
    snoozes: Mapping[tuple[int, int], date]  # by bill and user


def known_of(rows: Sequence[Reminder], now: datetime) -> Known:
    """What explains `rows`, whose bills come with their loans."""
    settled = {row.bill for row in rows if row.bill is not None and row.reason == Reason.SETTLED}
    overtaken = {row.bill_id for row in rows if row.bill_id is not None and row.reason == Reason.OVERTAKEN}
    waiting = [row for row in rows if row.state == State.PLANNED]
    bills = {row.bill_id for row in waiting if row.bill_id is not None}
    snoozes = Snooze.objects.filter(bill__in=bills).order_by("pk")  # the last one holds
    return Known(
        now=now,
        settled_by=_settled_by({bill.pk: (bill.loan_id, bill.number) for bill in settled}),
        later=_steps_of(overtaken),
        wishes=wishes({row.household_id for row in waiting}),
        snoozes={(bill, user): until for bill, user, until in snoozes.values_list("bill_id", "user_id", "until")},
    )


def _settled_by(bills: Mapping[int, tuple[int, int]]) -> dict[int, Settling]:
    """By bill, given its loan and number, the last recorded of the repayments and waivers that met it and stand."""
    if not bills:
        return {}
    by_number = {place: bill for bill, place in bills.items()}
    paid = Allocation.objects.filter(bill__in=bills).values_list(
        "bill_id", "repayment__effective_on", "repayment__recorded_at"
    )
    found: list[tuple[int, Settling]] = [(bill, (FactKind.REPAYMENT, on, at)) for bill, on, at in paid if bill]
    waivers = Fact.objects.filter(kind=FactKind.WAIVER, loan__in={loan for loan, _number in bills.values()})
    standing = waivers.exclude(targeted_by__kind=FactKind.REVERSAL)
    for loan, number, on, at in standing.values_list("loan_id", "bill_number", "effective_on", "recorded_at"):
        if number is not None and (loan, number) in by_number:
            found.append((by_number[loan, number], (FactKind.WAIVER, on, at)))
    return dict(sorted(found, key=lambda one: one[1][2]))


def _steps_of(bills: Collection[int]) -> dict[tuple[int | None, int, date | None], list[Reminder]]:
    """The mailed steps of bills that nothing more urgent overtook, the earliest first."""
    if not bills:
        return {}
    steps = Reminder.objects.filter(kind=Kind.STEP, channel=Channel.EMAIL, bill__in=bills).exclude(step=rules.SECOND)
    left = steps.exclude(reason=Reason.OVERTAKEN).order_by("bill_id", "recipient_id", "about_on", "send_at", "pk")
    return {key: list(some) for key, some in groupby(left, key=_subject)}


def _subject(row: Reminder) -> tuple[int | None, int, date | None]:
    return row.bill_id, row.recipient_id, row.about_on


def why(row: Reminder, known: Known) -> str:
    """What there is to say about how a message stands; "" where its state says it all."""
    match State(row.state):
        case State.SENT:
            return _sent(row, known)
        case State.PLANNED:
            return _waits(row, known)
        case State.SUPERSEDED:
            return _not_sent(row, known)
        case State.FAILED:
            return _failed(row, known)
        case State.UNCERTAIN if row.error == RESTORED:
            return _("The books were restored from a backup, so it may have been sent before.")
        case State.UNCERTAIN:
            return _("The connection was lost at the last moment, so it may or may not have arrived.")
    return ""


def moment_words(at: datetime, row: Reminder, now: datetime) -> str:
    """A moment by the clock of the household: "10 Mar 08:59"."""
    local = at.astimezone(zone(row.household.time_zone))
    return f"{short_day(local.date(), row.household.today(now))} {local:%H:%M}"


def way_words(row: Reminder) -> str:
    """Whom it is to, and how: "ann@example.com", or the name of another channel."""
    if row.channel == Channel.EMAIL:
        return row.address or row.recipient.email
    return str(row.destination or row.address or Channel.PUSH.label)


def _sent(row: Reminder, known: Known) -> str:
    assert row.sent_at is not None  # reminder_sent_at_when_sent
    words = {"moment": moment_words(row.sent_at, row, known.now), "to": way_words(row), "reply": reply_words(row.error)}
    if not row.error:
        return _("Sent on %(moment)s to %(to)s.") % words
    return _("Sent on %(moment)s to %(to)s. The server said: %(reply)s") % words


def _failed(row: Reminder, known: Known) -> str:
    words = {"to": way_words(row), "reply": reply_words(row.error), "moment": moment_words(row.next_at, row, known.now)}
    if row.attempts < MOST_ATTEMPTS and row.refusals < MOST_REFUSALS:
        return _("Could not be sent to %(to)s: %(reply)s. The next try is on %(moment)s.") % words
    return _("Could not be sent to %(to)s: %(reply)s. It is not tried again by itself.") % words


def _waits(row: Reminder, known: Known) -> str:
    """When a planned message goes out, and what it waits for."""
    moment = moment_words(max(row.send_at, row.next_at), row, known.now)
    if row.attempts:
        return _("The server could not take it yet: %(reply)s. The next try is on %(moment)s.") % {
            "reply": reply_words(row.error),
            "moment": moment_words(row.next_at, row, known.now),
        }
    policy = known.wishes.policy(row.household_id, row.bill.loan_id if row.bill is not None else 0)
    local = zone(row.household.time_zone)
    start = max(row.send_at, known.now)
    snoozed = _snoozed_until(row, known)
    if snoozed is not None and snoozed > local_day(start, row.household.time_zone):
        until = rules.moment(snoozed, policy.hour, local)
        return _("Snoozed until %(moment)s.") % {"moment": moment_words(until, row, known.now)}
    is_due_today = row.kind == Kind.STEP and row.about_on == local_day(start, row.household.time_zone)
    verdict = rules.judge_moment(start, local, is_due_today=is_due_today, policy=policy)
    if row.kind != Kind.TEST and isinstance(verdict, rules.Wait):
        until_hour = f"{verdict.until.astimezone(local):%H:%M}"
        words = {"hour": until_hour, "moment": moment_words(verdict.until, row, known.now)}
        return _("Quiet hours until %(hour)s: it goes out on %(moment)s.") % words
    return _("Planned for %(moment)s, to %(to)s.") % {"moment": moment, "to": way_words(row)}


def _snoozed_until(row: Reminder, known: Known) -> date | None:
    """The day before which its recipient wants to hear nothing, never past the day it is payable."""
    if row.kind != Kind.STEP or row.bill is None or row.about_on is None or row.step == rules.SECOND:
        return None
    until = known.snoozes.get((row.bill.pk, row.recipient_id))
    return until and min(until, row.about_on)


def _not_sent(row: Reminder, known: Known) -> str:
    reason = Reason(row.reason)
    if reason is Reason.OVERTAKEN and (row.letter or row.error == RESTORED):
        return _("It may or may not have arrived; a later one was sent since.")
    words = ""
    if reason is Reason.SETTLED and row.bill is not None:
        words = _settled_words(row, known.settled_by.get(row.bill.pk), known.now)
    elif reason is Reason.MOVED and row.bill is not None and row.bill.payable_on != row.about_on:
        day = short_day(row.bill.payable_on, row.household.today(known.now))
        words = _("the bill moved to %(day)s") % {"day": day}
    elif reason is Reason.OVERTAKEN:
        words = _overtaken_words(row, known)
    return _("Not sent: %(reason)s.") % {"reason": words or str(reason.label)}


def _settled_words(row: Reminder, settling: Settling | None, now: datetime) -> str:
    """What settled the bill and when, as long as it is settled."""
    if settling is None or row.bill is None or row.bill.settled_on is None:
        return ""
    kind, on, recorded_at = settling
    words = {
        "day": short_day(on, row.household.today(now)),
        "moment": moment_words(recorded_at, row, now),
    }
    if kind is FactKind.WAIVER:
        return _("waived on %(moment)s") % words
    if on == local_day(recorded_at, row.household.time_zone):
        return _("paid on %(moment)s") % words
    return _("paid on %(day)s, recorded on %(moment)s") % words


def _overtaken_words(row: Reminder, known: Known) -> str:
    if row.step == rules.SECOND:
        return _("the due day was over")
    if row.kind in OCCASIONS:
        return ""
    if row.kind != Kind.STEP:
        return _("a later debit took its place")
    later = next((one for one in known.later.get(_subject(row), []) if one.send_at > row.send_at), None)
    return _("a later one took its place: %(step)s") % {"step": what_words(later)} if later is not None else ""


def told_of(loan: int) -> Q:
    """Messages about a loan, its bills or its debits."""
    return Q(bill__loan=loan) | Q(loan=loan)


def lines_why(rows: Iterable[Reminder], now: datetime) -> dict[int, str]:
    """By row, what there is to say about it."""
    found = list(rows)
    known = known_of(found, now)
    return {row.pk: why(row, known) for row in found}
