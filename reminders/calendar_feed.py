"""Bills and debits as a calendar (RFC 5545): what calendar programs subscribe to, and one loan as a file.

An event keeps its UID for good: a bill its loan and number (a bill that is moved moves its event), a debit its moment
besides. SEQUENCE is the loan's version, which every change of its bills raises and nothing lowers, and the number of
its edition, raised when its name, its lender's, the household's zone or the days of reminders are found to be others;
DTSTAMP and LAST-MODIFIED are the moment of the last of these changes. So a calendar in which nothing has changed is the
same to the byte, whenever it is asked for. What is paid or no longer needed stays as cancelled for `KEPT`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event

from ledger.clock import zone
from ledger.loanmath.debits import moments
from ledger.loanmath.money import said_amount
from ledger.models import Bill, Fact, FundingAccount, Household, Loan
from ledger.selectors.coming_debits import ComingDebit, coming_debits
from reminders import rules
from reminders.models import CalendarEdition
from reminders.selectors import Wishes, wishes
from reminders.services.calendar_editions import editions_of

KEPT = timedelta(days=60)  # how long what is paid stays, as cancelled
DEBITS_AHEAD = 400  # days
TAKES = timedelta(minutes=15)  # how long a debit is shown to last
ASK_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Books:
    """What the events are made of, of one household (or one loan of it)."""

    household: Household
    bills: list[Bill]
    debits: list[ComingDebit]
    wishes: Wishes
    changed: dict[int, datetime]  # when each loan last changed, by its id
    editions: dict[int, CalendarEdition]  # by loan
    local: ZoneInfo


def calendar_of(*, household: Household, language: str, now: datetime, loan: Loan | None = None) -> bytes:
    """The calendar of a household, or of one `loan` of it, in a language: every open bill on its payable day, every
    debit to come at its moment, and as cancelled what was paid within `KEPT`. The same queries however many loans."""
    books = _gather(household, now, loan)
    with translation.override(language):
        calendar = _frame(str(loan or household))
        for event in _events(books):
            calendar.add_component(event)
        if calendar.get_missing_tzids():
            oldest = min([bill.payable_on.year for bill in books.bills], default=now.year)
            calendar.add_missing_timezones(first_date=date(oldest - 1, 1, 1), last_date=date(now.year + 3, 1, 1))
        return bytes(calendar.to_ical())


def _gather(household: Household, now: datetime, loan: Loan | None) -> _Books:
    today = household.today(now)
    since = today - KEPT
    recent = Q(settled_on__gte=since) | Q(is_needed=False, payable_on__range=(since, today + KEPT))
    rows = Bill.objects.of_household(household).filter(Q(is_needed=True, settled_on=None) | recent)
    accounts = FundingAccount.objects.in_use().filter(household=household).values_list("pk", flat=True)
    debits = coming_debits(household, set(accounts), today, DEBITS_AHEAD)
    if loan is not None:
        rows = rows.filter(loan=loan)
        debits = [debit for debit in debits if debit.bill.loan_id == loan.pk]
    bills = list(rows.select_related("loan__lender", "loan__mandate").order_by("payable_on", "loan", "number"))
    local = zone(household.time_zone)
    loans = {bill.loan_id: bill.loan for bill in bills}
    wanted = wishes([household.pk])
    editions = editions_of({loan.pk: _said_of(household, loan, wanted) for loan in loans.values()}, now)
    return _Books(household, bills, debits, wanted, _changed(loans, editions, local), editions, local)


def _said_of(household: Household, loan: Loan, wanted: Wishes) -> object:
    """What the events of a loan say beside its bills."""
    triggers = _triggers(wanted.policy(household.pk, loan.pk))
    return loan.name, loan.lender.name, household.time_zone, loan.mandate_id, triggers


def _changed(loans: dict[int, Loan], editions: dict[int, CalendarEdition], local: ZoneInfo) -> dict[int, datetime]:
    """When each loan last changed: something was recorded of it, a day passed that changed its bills, or what else is
    said of it was found to be something new."""
    latest = Fact.objects.filter(loan__in=loans).order_by().values("loan").annotate(at=Max("recorded_at"))
    recorded = dict(latest.values_list("loan", "at"))
    found = {}
    for id, loan in loans.items():
        projected = datetime.combine(loan.projected_on, time(), local) if loan.projected_on else None
        dated = (loan.opened_at, recorded.get(id), projected, editions[id].changed_at)
        known = [at for at in dated if at is not None]
        found[id] = max(known).astimezone(UTC).replace(microsecond=0)
    return found


def _frame(name: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Loantracker//Bills and debits//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    said = _("Repayments: %(name)s") % {"name": name}
    calendar.add("name", said)
    calendar.add("x-wr-calname", said)
    calendar.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    return calendar


def _events(books: _Books) -> Iterable[Event]:
    for bill in books.bills:
        yield _bill_event(books, bill)
        cancelled = _moment(books, bill)
        if cancelled is not None:
            yield _debit_event(books, bill, cancelled, 0, is_cancelled=True)
    bills = {bill.pk: bill for bill in books.bills}
    for debit in books.debits:
        yield _debit_event(books, bills[debit.bill.pk], debit.at, debit.amount)


def _is_open(bill: Bill) -> bool:
    return bill.is_needed and bill.settled_on is None


def _moment(books: _Books, bill: Bill) -> datetime | None:
    """When a bill that is paid or no longer needed would have been debited first; None if it would not."""
    mandate = bill.loan.mandate
    if _is_open(bill) or mandate is None or bill.payable_on < mandate.started_on:
        return None
    return next((at for at in moments(bill.payable_on, mandate.rule, books.local)), None)


def _bill_event(books: _Books, bill: Bill) -> Event:
    loan = bill.loan
    amount = said_amount(bill.open.total if _is_open(bill) else bill.due.total, loan.currency)
    event = _event(books, bill, f"bill-{loan.pk}-{bill.number}", is_cancelled=not _is_open(bill))
    event.add("summary", _("%(amount)s to %(lender)s") % {"amount": amount, "lender": loan.lender.name})
    event.add("dtstart", bill.payable_on)
    event.add("dtend", bill.payable_on + timedelta(days=1))
    if _is_open(bill):
        for alarm in _alarms(books.wishes.policy(books.household.pk, loan.pk), str(event["summary"])):
            event.add_component(alarm)
    return event


def _debit_event(books: _Books, bill: Bill, at: datetime, amount: int, *, is_cancelled: bool = False) -> Event:
    loan = bill.loan
    local = at.astimezone(books.local)
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    event = _event(books, bill, f"debit-{loan.pk}-{bill.number}-{moment}", is_cancelled=is_cancelled)
    said = {"amount": said_amount(amount or bill.due.total, loan.currency), "lender": loan.lender.name}
    event.add("summary", _("%(lender)s debits %(amount)s") % said)
    event.add("dtstart", local)
    event.add("duration", TAKES)
    return event


def _event(books: _Books, bill: Bill, name: str, *, is_cancelled: bool) -> Event:
    """What all events have."""
    loan = bill.loan
    url = f"{settings.SITE_URL}{reverse('ledger:loan', args=[loan.pk])}#standing-{bill.pk}"
    event = Event()
    event.add("uid", f"{name}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}")
    for stamp in ("dtstamp", "last-modified"):
        event.add(stamp, books.changed[loan.pk])
    event.add("sequence", loan.version + books.editions[loan.pk].number)
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    event.add("class", "PRIVATE")
    said = {"number": bill.number, "loan": loan.name}
    event.add("description", _("Bill %(number)d of %(loan)s") % said + f"\n{url}")
    event.add("url", url)
    return event


def _alarms(policy: rules.Policy, text: str) -> Iterable[Alarm]:
    """An alarm at each of the policy's triggers."""
    for trigger in _triggers(policy):
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", text)
        alarm.add("trigger", trigger)
        yield alarm


def _triggers(policy: rules.Policy) -> list[timedelta]:
    """For each step of the ladder up to the payable day the hour reminders are sent, from the beginning of that day. It
    begins at midnight wherever its reader is, so 09:00 three days before is two days and 15 hours ahead of it."""
    if not policy.is_on:
        return []
    return [timedelta(days=days, hours=policy.hour) for days in sorted({step for step in policy.days if step <= 0})]
