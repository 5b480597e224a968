"""What each kind of message would say right now, by the books of one household: for the gallery.

Nothing is invented and nothing is written: a sample is made of the nearest real bill, debit or message of its kind, or
there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.clock import zone
from ledger.loanmath.money import Parts
from ledger.models import AutoRepayAttempt, Bill, Household, User
from ledger.models.autorepay import Outcome
from ledger.models.bills import PARTS
from ledger.querysets import BillQuerySet
from ledger.selectors.history import history
from reminders import rules
from reminders.emails.bills import SECOND
from reminders.emails.kinds import MAKERS
from reminders.models import Kind, Reminder

MORNING, SECOND_HOUR, EVENING_HOUR = rules.DEFAULT.hour, 18, 20
PAST_DUE = (30, 60, 90)
SEVERAL = 3  # bills in the sample of a letter about several


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows a letter would be about, not saved, and the moment of its figures: now, or the moment it would be sent,
    as things will stand then if nothing happens in between."""

    rows: Sequence[Reminder]
    at: datetime


@dataclass(frozen=True, slots=True)
class Books:
    """Whose books, who reads, and when."""

    household: Household
    reader: User
    now: datetime

    @property
    def today(self) -> date:
        return self.household.today(self.now)

    @property
    def bills(self) -> BillQuerySet[Bill]:
        mine = Bill.objects.of_household(self.household).open()
        related = mine.select_related("loan__household", "loan__mandate", "loan__lender")
        return related.order_by("payable_on", "pk")

    def at(self, day: date, hour: int) -> datetime:
        """That hour of that day, or now if it is past."""
        return max(self.now, rules.moment(day, hour, zone(self.household.time_zone)))

    def row(self, kind: Kind, bill: Bill, step: str = "", attempt: AutoRepayAttempt | None = None) -> Reminder:
        return Reminder(
            household=self.household,
            recipient=self.reader,
            kind=kind,
            bill=bill,
            attempt=attempt,
            about_on=bill.payable_on,
            step=step,
            message_id=f"<{kind}-{step}-{bill.pk}@preview>",
        )

    def step(self, bill: Bill, step: str, at: datetime) -> Sample:
        return Sample([self.row(Kind.STEP, _as_of(bill, self.household.today(at)), step)], at)


Find = Callable[[Books], Sample | None]


def _as_of(bill: Bill, day: date) -> Bill:
    """The bill as it will be on a later day if nothing happens, in memory only."""
    projected = next((one for one in history(bill.loan).project(day).bills if one.number == bill.number), None)
    if projected is not None:
        _set(bill, "due", projected.due)
        _set(bill, "paid", projected.paid)
        _set(bill, "waived", projected.waived)
    return bill


def _set(bill: Bill, suffix: str, parts: Parts) -> None:
    for name in PARTS:
        setattr(bill, f"{name}_{suffix}", getattr(parts, name))


def _coming(step: str, days: int, hour: int = MORNING, *, ahead: int = 0) -> Find:
    """The next bill payable at least `ahead` days from now, `days` before it is."""

    def find(books: Books) -> Sample | None:
        bill = books.bills.filter(payable_on__gte=books.today + timedelta(days=ahead)).first()
        if bill is None:
            return None
        return books.step(bill, step, books.at(bill.payable_on - timedelta(days=days), hour))

    return find


def _issued(books: Books) -> Sample | None:
    bill = books.bills.filter(payable_on__gt=books.today).first()
    return None if bill is None else books.step(bill, rules.Also.ISSUED, books.now)


def _working_day(books: Books) -> Sample | None:
    """The next bill payable on a day off, on the working day before it."""
    ahead = books.bills.filter(payable_on__gt=books.today, payable_on__lte=books.today + timedelta(days=400))
    for bill in ahead[: SEVERAL * 20]:
        calendar = history(bill.loan).calendar
        if calendar.is_working_day(bill.payable_on):
            continue
        days = (bill.payable_on - timedelta(days=back) for back in range(1, 15))
        before = next((day for day in days if calendar.is_working_day(day)), None)
        if before is not None and before >= books.today:
            return books.step(bill, rules.Also.WORKING_DAY, books.at(before, MORNING))
    return None


def _overdue(books: Books) -> Sample | None:
    bill = books.bills.overdue(books.today).first()
    return None if bill is None else books.step(bill, rules.step_key((books.today - bill.payable_on).days), books.now)


def _grace(books: Books) -> Sample | None:
    """A bill in grace, on the last day of it."""
    for bill in books.bills.overdue(books.today):
        last = bill.payable_on + timedelta(days=bill.loan.grace_days)
        if last >= books.today:
            return books.step(bill, rules.Also.GRACE, books.at(last, MORNING))
    return None


def _past_due(books: Books) -> Sample | None:
    """The bill longest overdue, on the day before the next of 30, 60, 90 days."""
    bill = books.bills.overdue(books.today).filter(payable_on__gt=books.today - timedelta(days=PAST_DUE[-1])).first()
    if bill is None:
        return None
    late = (books.today - bill.payable_on).days
    days = next(days for days in PAST_DUE if days > late)
    eve = bill.payable_on + timedelta(days=days - 1)
    return books.step(bill, f"{rules.Also.PAST_DUE}-{days}", books.at(eve, MORNING))


def _several(books: Books) -> Sample | None:
    """The next bills, each of another loan, in one letter."""
    found: dict[int, Bill] = {}
    for bill in books.bills[: SEVERAL * 20]:
        found.setdefault(bill.loan_id, bill)
    some = list(found.values())[:SEVERAL]
    if len(some) < 2:
        return None
    return Sample([books.row(Kind.STEP, _as_of(bill, books.today), "T-3") for bill in some], books.now)


def _attempt(kind: Kind, wanted: Q) -> Find:
    """The latest debit that came out like this."""

    def find(books: Books) -> Sample | None:
        attempts = AutoRepayAttempt.objects.filter(wanted, household=books.household).select_related(
            "account",
            *("mandate__loan", "mandate__credit_line", "mandate__lender"),
            *("bill__loan__household", "bill__loan__mandate", "bill__loan__lender"),
        )
        attempt = attempts.order_by("-window_at", "-pk").first()
        if attempt is None:
            return None
        return Sample([books.row(kind, attempt.bill, attempt=attempt)], books.now)

    return find


def _latest(kind: Kind) -> Find:
    """The latest message of a kind that was planned or sent, read by this member."""

    def find(books: Books) -> Sample | None:
        rows = Reminder.objects.filter(household=books.household, kind=kind).select_related("loan__lender", "account")
        row = rows.order_by("-send_at", "-pk").first()
        if row is None:
            return None
        row.household, row.recipient = books.household, books.reader
        return Sample([row], books.now)

    return find


def _test(books: Books) -> Sample | None:
    row = Reminder(household=books.household, recipient=books.reader, kind=Kind.TEST, message_id="<test@preview>")
    return Sample([row], books.now)


_STEPS: dict[str, tuple[object, Find]] = {
    "issued": (_("a new bill"), _issued),
    "ahead": (_("some days before"), _coming("T-3", 3, ahead=1)),
    "working-day": (_("last working day before"), _working_day),
    "due": (_("the due day"), _coming("T-0", 0)),
    "evening": (_("the evening of the due day"), _coming(rules.Also.EVENING, 0, EVENING_HOUR)),
    "second": (_("to the second person"), _coming(SECOND, 0, SECOND_HOUR)),
    "overdue": (_("overdue"), _overdue),
    "grace": (_("last day of grace"), _grace),
    "past-due": (_("long past due"), _past_due),
    "several": (_("several bills"), _several),
}
_OPEN = Q(bill__is_needed=True, bill__settled_on=None)  # of a bill paid since, the letter would not be sent
_ATTEMPTS: dict[Kind, Q] = {
    Kind.ATTEMPT_DONE: Q(outcome=Outcome.SUCCESS),
    Kind.ATTEMPT_FAILED: _OPEN & Q(outcome=Outcome.FAILED),
    Kind.ATTEMPT_PARTIAL: _OPEN & Q(outcome=Outcome.PARTIAL),
    Kind.CONFIRM: Q(outcome=Outcome.PRESUMED, bill__presumed__gt=0),
    Kind.KEEP_ON: _OPEN & Q(outcome=Outcome.FAILED, mandate__asked_at__isnull=False),
}


def _of_kind(kind: Kind) -> Find:
    if kind is Kind.TEST:
        return _test
    return _attempt(kind, _ATTEMPTS[kind]) if kind in _ATTEMPTS else _latest(kind)


SAMPLES: dict[str, tuple[object, Find]] = {
    **_STEPS,
    **{kind.value: (kind.label, _of_kind(kind)) for kind in Kind if kind in MAKERS and kind is not Kind.STEP},
}
FIRST = "ahead"
