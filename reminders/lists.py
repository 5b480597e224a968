"""The messages of a household as pages show them: all of them, and those about one bill with what is still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.translation import gettext as _

from ledger.clock import local_day, zone
from ledger.models import Bill, Household, Loan
from ledger.selectors.paging import read_id
from reminders import rules
from reminders.models import ATTENTION, Reminder, State
from reminders.selectors import other_step_words, step_words, wishes
from reminders.selectors import what_words as what_words_of
from reminders.why import lines_why, told_of, way_words
from reminders.working_days import places, working_day_before

PAGE = 50
MOST_OF_A_BILL = 200
MOST_TO_COME = 8


@dataclass(frozen=True, slots=True)
class ReminderLine:
    """One message as the list shows it, in words; `is_open` while its recipient has to decide about it."""

    row: Reminder
    what: str
    state: str
    kind: str  # of the badge
    why: str
    to: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class ReminderFilter:
    """What the reader asked for in the URL; whatever is no such value is left out."""

    loan: int | None = None
    state: str = ""

    @property
    def is_narrow(self) -> bool:
        return self.loan is not None or bool(self.state)

    def query(self, before: int | None = None) -> str:
        values = {"loan": self.loan, "state": self.state, "before": before}
        return "?" + urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class ReminderPage:
    """A stretch of the list, newest first; `older` is where the next one begins."""

    lines: list[ReminderLine]
    older: int | None
    newer: bool
    open_count: int
    filter: ReminderFilter
    loans: Sequence[tuple[int, str]]


def read_filter(params: Mapping[str, str]) -> ReminderFilter:
    state = params.get("state", "")
    return ReminderFilter(read_id(params.get("loan", "")), state if state in State.values else "")


def reminder_page(
    household: Household, now: datetime, before: int | None = None, asked: ReminderFilter | None = None
) -> ReminderPage:
    """The household's messages whose moment is the latest, those before id `before` if it is given."""
    asked = asked or ReminderFilter()
    mine = Reminder.objects.filter(household=household)
    start = mine.filter(pk=before).first() if before is not None else None
    shown = mine.filter(_wanted(asked)).select_related(*_RELATED).order_by("-send_at", "-id")
    if start is not None:
        shown = shown.filter(Q(send_at__lt=start.send_at) | Q(send_at=start.send_at, pk__lt=start.pk))
    rows = list(shown[: PAGE + 1])
    return ReminderPage(
        lines=_lines(rows[:PAGE], now),
        older=rows[PAGE - 1].pk if len(rows) > PAGE else None,
        newer=start is not None,
        open_count=attention(household),
        filter=asked,
        loans=list(Loan.objects.filter(household=household).order_by("name", "pk").values_list("pk", "name")),
    )


_RELATED = ("household", "bill__loan__lender", "loan__lender", "account", "recipient", "destination")


def _wanted(asked: ReminderFilter) -> Q:
    wanted = Q(state=asked.state) if asked.state else Q()
    return wanted & told_of(asked.loan) if asked.loan is not None else wanted


def attention(household: Household) -> int:
    """How many messages failed or are uncertain, and want somebody to look."""
    return Reminder.objects.filter(household=household, state__in=ATTENTION).count()


_BADGES = {State.SENT: "ok", State.FAILED: "danger", State.UNCERTAIN: "warn", State.PLANNED: "accent"}


def _lines(rows: Sequence[Reminder], now: datetime) -> list[ReminderLine]:
    said = lines_why(rows, now)
    return [
        ReminderLine(
            row=row,
            what=what_words_of(row),
            state=str(State(row.state).label),
            kind=_BADGES.get(State(row.state), ""),
            why=said[row.pk],
            to=way_words(row),
            is_open=row.state in ATTENTION,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class ComingStep:
    """A step of the ladder that is not planned yet: what it is called and when it would be sent."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BillReminders:
    """All messages about one bill, the newest first; those that wait for their time, and the steps still to come, the
    next first; `quiet` says why none are."""

    bill: Bill
    lines: list[ReminderLine]
    waiting: list[ReminderLine]
    coming: list[ComingStep]
    quiet: str
    then_every: int  # days; 0: no more after those


def bill_reminders(bill: Bill, now: datetime) -> BillReminders:
    """What was told about `bill` (with its loan, lender and household at hand), what was not and why, what is to come.
    The same number of queries however many messages there are."""
    rows = Reminder.objects.filter(bill=bill).select_related(*_RELATED).order_by("-send_at", "-id")[:MOST_OF_A_BILL]
    lines = _lines(list(rows), now)
    home = bill.loan.household
    wanted = wishes([home.pk])
    is_presumed = bill.is_needed and bill.open.total <= 0 and bill.presumed > 0 and home.today(now) <= bill.payable_on
    only_second = is_presumed and home.pk in wanted.second
    policy = wanted.policy(bill.loan.household_id, bill.loan_id)
    quiet = "" if only_second else _why_quiet(bill, policy)
    waiting = [] if quiet else [line for line in reversed(lines) if line.row.state == State.PLANNED]
    written = {(line.row.about_on, line.row.step) for line in lines}
    if bill.loan.household_id not in wanted.second:
        written.add((bill.payable_on, rules.SECOND))
    return BillReminders(
        bill=bill,
        lines=[line for line in lines if line not in waiting],
        waiting=waiting,
        coming=[] if quiet else _coming(bill, policy, written, now, only_second=only_second),
        quiet=quiet,
        then_every=0 if quiet or only_second else policy.then_every,
    )


def _why_quiet(bill: Bill, policy: rules.Policy) -> str:
    """Why nothing more will be said about a bill; "" where something will."""
    if not bill.is_needed or bill.open.total <= 0:
        return _("Nothing is left to pay, so nothing more is sent.")
    if bill.loan.archived_at is not None:
        return _("The loan was put away, so nothing more is sent.")
    if not policy.is_on:
        return _("Reminders are switched off, so nothing more is sent.")
    return ""


def _coming(
    bill: Bill, policy: rules.Policy, written: set[tuple[date | None, str]], now: datetime, *, only_second: bool
) -> list[ComingStep]:
    """The next steps of the ladder that are not `written` down yet, the one for the second person among them."""
    home = bill.loan.household
    place = places({bill.loan_id}).get(bill.loan_id, "")
    days = rules.Days(
        bill.payable_on,
        bill.starts_on if bill.deferred_from is None else None,
        bill.loan.grace_days,
        working_day_before(bill.payable_on, place, home.time_zone),
    )
    local = zone(home.time_zone)
    horizon = max(home.today(now), bill.payable_on) + rules.ONE_DAY * rules.LATEST
    second = rules.Step(rules.SECOND, bill.payable_on, rules.SECOND_HOUR)
    steps = [(step, step.at(local)) for step in (*(() if only_second else rules.ladder(policy, days, horizon)), second)]
    since = local_day(bill.loan.opened_at, home.time_zone)
    left = [
        (step, at)
        for step, at in steps
        if at > now and (bill.payable_on, step.key) not in written and not rules.is_old(step, days, since)
    ]
    left.sort(key=lambda found: found[1])
    return [ComingStep(_step_words(step.key), at) for step, at in left[:MOST_TO_COME]]


def _step_words(key: str) -> str:
    return step_words(rules.step_of(key)) if rules.is_numbered(key) else other_step_words(key)
