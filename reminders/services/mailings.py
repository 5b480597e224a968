"""What goes out together: taking what is due, and looking at each message again before it is sent."""

from __future__ import annotations

import logging
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from ledger.models import Loan
from ledger.selectors.banners import late_jobs
from ledger.services import heartbeat
from ledger.services.projection import refresh_loan
from reminders import rules
from reminders.channels import Outcome
from reminders.deliveries import NOT_JUDGED
from reminders.mime import letter_id
from reminders.models import Channel, Kind, Reminder, ReminderQuerySet, State
from reminders.selectors import circumstances, judge_in
from reminders.services.tries import ROW_ALONE, after_failure

logger = logging.getLogger(__name__)

_RELATED = (
    "household",
    "recipient",
    "destination",
    "attempt__account",
    "attempt__mandate__loan",
    "attempt__mandate__credit_line",
    "attempt__mandate__lender",
    "bill__loan__household",
    "bill__loan__mandate",
    "bill__loan__lender",
    "loan__lender",
    "account",
)


@dataclass(frozen=True, slots=True)
class Mailing:
    """Messages that go out as one letter, all to one person of one household on one channel, and that were taken with
    one `token`. `letter` is the letter's Message-ID; `is_again` if it may have been sent before. `overtaking` are those
    whose earlier ones nobody knows whether they arrived."""

    rows: tuple[Reminder, ...]
    token: str
    letter: str
    is_again: bool = False
    overtaking: tuple[Reminder, ...] = ()

    @property
    def first(self) -> Reminder:
        return self.rows[0]

    @property
    def mine(self) -> ReminderQuerySet:
        """The rows as the database has them, as long as nobody else has taken over."""
        return Reminder.objects.filter(pk__in=[row.pk for row in self.rows], token=self.token)

    def of(self, rows: Iterable[Reminder]) -> Mailing:
        """The same with only some of its rows. A letter that may have been sent before keeps its name."""
        kept = tuple(rows)
        letter = self.letter if self.is_again else letter_id([row.message_id for row in kept])
        return replace(self, rows=kept, letter=letter, overtaking=tuple(r for r in self.overtaking if r in kept))


def take(due: ReminderQuerySet, households: Collection[int], now: datetime) -> list[Mailing]:
    """Claim all of `due` of some households, and make letters of it; empty if others were quicker.

    By households, so that what is due to one person is never torn apart by two workers.
    """
    token = secrets.token_hex(16)
    lease = now + timedelta(seconds=settings.MAIL_LEASE_SECONDS)
    with transaction.atomic():  # locked in one order, so that no two wait for each other
        wanted = due.filter(household__in=households).select_for_update().order_by("pk")
        ids = list(wanted.values_list("pk", flat=True))
        Reminder.objects.filter(pk__in=ids, state=State.PLANNED).update(
            state=State.SENDING, token=token, lease_until=lease
        )
    if not ids:
        return []
    rows = Reminder.objects.filter(pk__in=ids, token=token).select_related(*_RELATED)
    return _together(rows.order_by("next_at", "pk"), token)


def _together(rows: Iterable[Reminder], token: str) -> list[Mailing]:
    """One letter per person, household and channel; a test and a letter sent again stand alone."""
    letters: defaultdict[tuple[object, ...], list[Reminder]] = defaultdict(list)
    for row in rows:
        person = (row.household_id, row.recipient_id, row.channel, row.destination_id)
        letters[(*person, row.letter, row.pk if row.kind == Kind.TEST else None)].append(row)
    return [
        Mailing(
            rows=tuple(some),
            token=token,
            letter=some[0].letter or letter_id([row.message_id for row in some]),
            is_again=bool(some[0].letter),
        )
        for some in letters.values()
    ]


def next_up(due: ReminderQuerySet, seen: Collection[int], most: int) -> tuple[ReminderQuerySet, set[int]] | None:
    """What of `due` is taken next, with its households: all of those among the first `most` that are not `seen` yet.

    Over whichever of them a worker was lost is taken last and letter by letter, then row by row, so that one that kills
    its worker takes no other along for long.
    """
    columns = ("pk", "household_id", "lost_leases", "recipient_id", "destination_id")
    waiting = [row for row in due.values_list(*columns)[:most] if row[0] not in seen]
    sound = {home for _id, home, lost, *_ in waiting if not lost}
    if sound or not waiting:
        return (due.filter(lost_leases=0), sound) if sound else None
    id, home, lost, recipient, destination = waiting[0]
    if lost >= ROW_ALONE:
        return due.filter(pk=id), {home}
    letter = due.filter(recipient=recipient, destination=destination)
    return letter.filter(lost_leases__gt=0, lost_leases__lt=ROW_ALONE), {home}


def put_back(mailings: Iterable[Mailing]) -> None:
    """Leave to the next one what was taken and not begun."""
    for token, ids in _by_token(mailings).items():
        mine = Reminder.objects.filter(pk__in=ids, token=token, state=State.SENDING)
        mine.update(state=State.PLANNED, token="", lease_until=None)


def _by_token(mailings: Iterable[Mailing]) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for mailing in mailings:
        found[mailing.token] += [row.pk for row in mailing.rows]
    return found


def look_again(mailings: Sequence[Mailing], now: datetime) -> list[Mailing]:
    """What of it is still owed, still wanted, still the most urgent; of the rest it is written down why or when."""
    rows = [row for mailing in mailings for row in mailing.rows]
    verdicts = _verdicts(rows, now)
    _write_down(mailings, verdicts, now)
    wanted = {row.pk for row in rows if isinstance(verdicts.get(row.pk), rules.Send)}
    lost = _uncertain_before([row for row in rows if row.pk in wanted])
    found = []
    for mailing in mailings:
        kept = [row for row in mailing.rows if row.pk in wanted]
        if kept:
            overtaking = tuple(row for row in kept if _place(row) in lost)
            found.append(replace(mailing.of(kept), overtaking=overtaking))
    return found


def _verdicts(rows: Sequence[Reminder], now: datetime) -> dict[int, rules.Verdict]:
    """By row. What cannot be judged has none: it is put off, and stops no other."""
    try:
        return _judged(rows, now)
    except Exception:
        if len(rows) > 1:
            return {id: verdict for row in rows for id, verdict in _verdicts([row], now).items()}
        logger.exception("Could not judge reminder %s", rows[0].pk)
        return {}


def _judged(rows: Sequence[Reminder], now: datetime) -> dict[int, rules.Verdict]:
    _refresh(rows, now)
    around = circumstances(rows, now)
    debited = _being_debited({row.bill.loan_id for row in rows if row.bill is not None}, now)
    wait = rules.Wait(now + timedelta(seconds=settings.SWEEP_SECONDS))
    verdicts: dict[int, rules.Verdict] = {}
    for row in rows:
        verdict = judge_in(around, row, now)
        if isinstance(verdict, rules.Send) and row.channel == Channel.PUSH and _is_gone(row):
            verdict = rules.Drop(rules.Reason.SWITCHED_OFF)
        if isinstance(verdict, rules.Send) and row.bill is not None and row.bill.loan_id in debited:
            verdict = wait
        verdicts[row.pk] = verdict
    return verdicts


def _refresh(rows: Sequence[Reminder], now: datetime) -> None:
    """Bills as of today, where a day has passed that changes them."""
    fresh: set[int] = set()
    for row in rows:
        if row.bill is None:
            continue
        loan = row.bill.loan
        today = loan.household.today(now)
        if loan.next_change_on is not None and loan.next_change_on <= today:
            if loan.pk not in fresh:
                refresh_loan(loan, today)
                fresh.add(loan.pk)
            row.bill.refresh_from_db()


def _being_debited(loans: set[int], now: datetime) -> set[int]:
    """Loans whose debit moment has come while auto-repay, which is at work, has not decided it yet: in a minute they
    may be paid."""
    if not loans:
        return set()
    decided_soon = set(Loan.objects.filter(pk__in=loans).to_debit(now).values_list("pk", flat=True))
    return decided_soon if decided_soon and heartbeat.LEDGER not in late_jobs(now) else set()


def _is_gone(row: Reminder) -> bool:
    return row.destination is None or row.destination.removed_at is not None


def _write_down(mailings: Sequence[Mailing], verdicts: dict[int, rules.Verdict], now: datetime) -> None:
    """Give up what is not called for any more, and put off what is to wait or could not be judged."""
    given_up: defaultdict[tuple[str, rules.Reason], list[int]] = defaultdict(list)
    waiting: defaultdict[tuple[str, datetime], list[int]] = defaultdict(list)
    for mailing in mailings:
        for row in mailing.rows:
            match verdicts.get(row.pk):
                case rules.Drop(reason):
                    given_up[mailing.token, reason].append(row.pk)
                case rules.Wait(until):
                    waiting[mailing.token, until].append(row.pk)
                case None:
                    put_off(replace(mailing, rows=(row,)), Outcome.DELAYED, NOT_JUDGED, now)
    for (token, reason), ids in given_up.items():
        mine = Reminder.objects.filter(pk__in=ids, token=token, state=State.SENDING)
        mine.update(state=State.SUPERSEDED, reason=reason.value, token="", lease_until=None)
    for (token, until), ids in waiting.items():
        mine = Reminder.objects.filter(pk__in=ids, token=token, state=State.SENDING)
        mine.update(state=State.PLANNED, next_at=until, token="", lease_until=None)


# An answer that comes after the sweep has called the letter uncertain still proves that it was not sent.
_STILL_OURS = [State.SENDING, State.INFLIGHT, State.UNCERTAIN]


def put_off(mailing: Mailing, outcome: Outcome, said: str, now: datetime) -> list[Reminder]:
    """Write down a try that surely failed; the messages that are now given up as failed."""
    failed: list[Reminder] = []
    alike: defaultdict[tuple[int, int], list[Reminder]] = defaultdict(list)
    for row in mailing.rows:
        alike[row.attempts, row.refusals].append(row)
    for (attempts, refusals), rows in alike.items():
        then = after_failure(outcome, attempts, refusals, now)
        mine = mailing.mine.filter(pk__in=[row.pk for row in rows], state__in=_STILL_OURS)
        changed = mine.update(
            state=then.state,
            next_at=then.next_at,
            attempts=then.attempts,
            refusals=then.refusals,
            token="",
            lease_until=None,
            error=said,
            letter=mailing.letter if mailing.is_again else "",
        )
        if changed and then.state is State.FAILED:
            failed += rows
    return failed


def _place(row: Reminder) -> tuple[int | None, int, int | None]:
    """Of what it tells whom, and where: the mail, or which other channel."""
    return row.bill_id, row.recipient_id, row.destination_id


def _uncertain_before(rows: Sequence[Reminder]) -> set[tuple[int | None, int, int | None]]:
    """The places of steps of which an earlier one may or may not have arrived."""
    steps = [row for row in rows if row.kind == Kind.STEP]
    if not steps:
        return set()
    lost = Reminder.objects.filter(
        kind=Kind.STEP, state=State.UNCERTAIN, bill__in={row.bill_id for row in steps if row.bill_id is not None}
    )
    return set(lost.values_list("bill_id", "recipient_id", "destination_id"))
