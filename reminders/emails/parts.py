"""What a letter is put together from: its parts, and what they have in common."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from functools import cached_property
from typing import Any

from django.db.models import Count
from django.template import Context, Engine

from ledger.clock import zone
from ledger.models import AutoRepayAttempt, Bill, Loan, Membership
from ledger.models.autorepay import Outcome
from ledger.selectors.accounts import HORIZON_DAYS, BillCover, coverage
from ledger.selectors.history import History, histories, history
from ledger.services import heartbeat
from reminders.models import Channel, Kind, Reminder

LATE = timedelta(minutes=30)  # what goes out so long after its time may have been kept back by a standstill
OLD_NEWS = timedelta(days=1)  # a standstill that ended longer ago is not spoken of


class Urgency(IntEnum):
    """What comes first in a letter: the lower, the sooner. Of the same urgency the earliest day comes first."""

    FAILED = 0  # a debit did not go as it should; of a bill that is late too it says more
    OVERDUE = 1
    TODAY = 2
    SHORT = 3  # an account will not cover what is to come
    COMING = 4
    QUESTION = 5
    NEWS = 6  # nothing to do


@dataclass(frozen=True, slots=True)
class Action:
    """Something the reader can do. The `is_main` one is a filled button; others are outlined (`is_button`) or links."""

    label: str
    url: str
    is_main: bool = False
    is_button: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the letter's table: whom and what it is about, the day, the amount in minor units (None: none), and what
    is to be said about it where the letter has several parts. Lines of one `key` (not "") are one: the most urgent
    part's is shown."""

    title: str
    subtitle: str
    day: date | None
    amount: int | None
    currency: str
    notes: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    key: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """What a part adds to the sum in the subject of several: what is open of a bill payable `on` a day, or what was
    debited for it."""

    bill: int
    amount: int
    currency: str
    on: date
    is_debited: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What a letter tells about one row; see the package for how one is made.

    `subject` is one line and `sentences` plain text, paragraphs parted by an empty line; both are escaped where they
    become HTML. `actions` stand below the sentences. `points` are a list to tick off. With `in_table` the sentences are
    left out of a letter of several parts, because the part's lines and their notes say it all.
    """

    urgency: Urgency
    on: date | None
    subject: str
    sentences: str
    lines: tuple[Line, ...] = ()
    actions: tuple[Action, ...] = ()
    points: tuple[str, ...] = ()
    counted: Counted | None = None
    in_table: bool = False


class Known:
    """What the letters about `rows` need alike, whoever they go to: each thing is asked for once for all of them, and
    only if one needs it."""

    def __init__(self, rows: Sequence[Reminder]) -> None:
        self.rows = rows

    @cached_property
    def bills(self) -> dict[int, int]:
        """How many bills each loan has that one of the rows is about."""
        loans = {row.bill.loan_id for row in self.rows if row.bill is not None}
        counted = Bill.objects.filter(loan__in=loans).needed().order_by().values_list("loan").annotate(n=Count("pk"))
        return dict(counted)

    @cached_property
    def debited(self) -> dict[tuple[int, datetime], list[AutoRepayAttempt]]:
        """By bill (its id) and moment, what was taken for it then, an attempt for each account; of the bills tried more
        than once."""
        bills = {row.attempt.bill_id for row in self.rows if row.attempt is not None and row.attempt.number > 1}
        taken = AutoRepayAttempt.objects.filter(bill__in=bills, outcome__in=[Outcome.SUCCESS, Outcome.PARTIAL])
        found: defaultdict[tuple[int, datetime], list[AutoRepayAttempt]] = defaultdict(list)
        for attempt in taken.select_related("account").order_by("number"):
            found[attempt.bill_id, attempt.window_at].append(attempt)
        return dict(found)

    @cached_property
    def writers(self) -> set[tuple[int, int]]:
        """Which recipients may change the books of which household (ids)."""
        members = Membership.objects.filter(household__in={row.household_id for row in self.rows})
        members = members.filter(user__in={row.recipient_id for row in self.rows})
        return {(member.household_id, member.user_id) for member in members if member.may_write}


class Around:
    """What the parts of one letter have in common; each thing is asked for once, and only if a part needs it.

    `rows` are all of one household and recipient; `now` is the moment the figures are of; `known` is what is known of
    these rows and those of other letters.
    """

    def __init__(self, rows: Sequence[Reminder], now: datetime, known: Known | None = None) -> None:
        self.rows = rows
        self.now = now
        self.known = known or Known(rows)
        self.household = rows[0].household
        self.recipient = rows[0].recipient
        self.zone = zone(self.household.time_zone)
        self.today = self.household.today(now)

    @cached_property
    def standstill(self) -> tuple[datetime, datetime] | None:
        """From when until when nothing ran, if that kept back any of the rows. Asked for only where one is late."""
        rows = [row for row in self.rows if row.pk is not None and row.kind != Kind.TEST]  # the others are samples
        late = [row.send_at for row in rows if self.now - row.send_at > LATE]
        found = heartbeat.last_standstill() if late else None
        if found is None or self.now - found[1] > OLD_NEWS or not any(found[0] < at < found[1] for at in late):
            return None
        return found

    @property
    def may_tap(self) -> bool:
        """Whether the letter carries links that act without signing in: not where a third party passes it on."""
        return self.rows[0].channel == Channel.EMAIL

    def cover(self, bill: Bill) -> BillCover | None:
        """What a debit will do about a bill, None where none is to come. A handful of queries for the first bill with
        auto-repay, none for the others."""
        return self._covers.get(bill.pk) if bill.loan.mandate_id is not None else None

    def bills_of(self, loan: int) -> int:
        """How many bills a loan has that one of the rows is about."""
        return self.known.bills.get(loan, 0)

    def parts_of(self, attempt: AutoRepayAttempt) -> list[AutoRepayAttempt]:
        """What was taken along with an attempt that took something, itself the last: one of each account."""
        together = self.known.debited.get((attempt.bill_id, attempt.window_at), [])
        parts = [one for one in together if one.number <= attempt.number]
        return parts if attempt in parts else [attempt]

    def history(self, loan: Loan) -> History:
        """What the engine needs to know of a loan; two queries for all overdue ones of the letter together."""
        return self._histories[loan.pk] if loan.pk in self._histories else history(loan)

    @property
    def may_write(self) -> bool:
        """Whether the recipient may change the books."""
        return (self.household.pk, self.recipient.pk) in self.known.writers

    @cached_property
    def _histories(self) -> dict[int, History]:
        bills = [row.bill for row in self.rows if row.bill is not None and row.bill.payable_on < self.today]
        return histories({bill.loan_id: bill.loan for bill in bills}.values())

    @cached_property
    def _covers(self) -> dict[int, BillCover]:
        last = max((row.bill.payable_on for row in self.rows if row.bill is not None), default=self.today)
        return coverage(self.household, self.today, max(HORIZON_DAYS, (last - self.today).days))


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # may stand in a name, and not in a header


Maker = Callable[[Reminder, Around], Part]


def said(name: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """The subject, on one line, and the sentences that the templates of this name say."""
    subject = _plain(f"reminders/email/{name}.subject.txt", context)
    sentences = _plain(f"reminders/email/_say/{name}.txt", context)
    return " ".join(_CONTROLS.sub(" ", subject).split()), sentences.strip()


def _plain(template: str, context: Mapping[str, Any]) -> str:
    """Nothing is escaped: it is plain text until the letter makes HTML of it."""
    return str(Engine.get_default().get_template(template).render(Context(dict(context), autoescape=False)))
