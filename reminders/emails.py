"""What a mail says: the figures of the moment it is sent, in the language of its reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from ledger.clock import zone
from ledger.loanmath.funding import Funding
from ledger.models import AutoRepayMandate, Bill, Household, Membership
from ledger.selectors.accounts import HORIZON_DAYS, coverage
from ledger.selectors.history import history
from ledger.services.answer_links import LINK_LASTS, make_token
from reminders import rules
from reminders.mime import letter_id
from reminders.models import Kind, Reminder


@dataclass(frozen=True, slots=True)
class Debit:
    """What auto-repay will do about a bill. `next_at` is the next try, local, None while one is under way; `missing`
    is what the account lacks by then, for this bill and those debited before it."""

    account: str
    windows: str
    next_at: datetime | None
    funding: Funding
    leans_on: str  # the inflows without which it is not covered
    missing: int = 0
    above_cap: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail about a bill tells. Amounts in minor units of `currency`.

    `amount` is still open; for an attempt it is what was asked for, `debited` what was taken, `left` what is open
    now, `reason` why it took no more, `mandate` what it was made under. `pay_by` is the last day without a penalty,
    None where it is past. `penalty` is the part of `amount` that lateness cost so far, `waiting_costs` what one more
    day adds, `grace_until` the last day without a penalty of what is late already. `links` hold "yes" and "no" where
    the reader may answer a question with them, until `answer_by`.
    """

    lender: str
    loan: str
    number: int
    count: int
    currency: str
    amount: int
    paid: int
    payable_on: date
    today: date
    account: str
    debit: Debit | None
    penalty: int = 0
    waiting_costs: int = 0
    grace_until: date | None = None
    tried_at: datetime | None = None
    missing: int = 0
    debited: int = 0
    left: int = 0
    reason: str = ""
    pay_by: date | None = None
    mandate: AutoRepayMandate | None = None
    links: dict[str, str] = field(default_factory=dict)
    answer_by: date | None = None

    @property
    def days_left(self) -> int:
        return (self.payable_on - self.today).days

    @property
    def days_late(self) -> int:
        return -self.days_left

    @property
    def tried_on(self) -> date | None:
        return self.tried_at.date() if self.tried_at else None

    @property
    def next_try_on(self) -> date | None:
        return self.debit.next_at.date() if self.debit and self.debit.next_at else None

    @property
    def is_debited(self) -> bool:
        """Whether a debit is to come that its mandate allows."""
        return self.debit is not None and not self.debit.above_cap

    @property
    def is_short(self) -> bool:
        return self.debit is not None and self.is_debited and self.debit.funding is Funding.SHORT

    @property
    def is_covered(self) -> bool:
        return self.debit is not None and self.debit.funding is Funding.COVERED


def compose(rows: Sequence[Reminder], now: datetime) -> EmailMultiAlternatives:
    """One letter to one person of all that `rows` are about, as things stand `now`: plain text and HTML, with a
    Message-ID that depends on nothing but the rows. Never empty; all of one household, recipient and channel."""
    first, *others = (_about(row, now) for row in sorted(rows, key=lambda row: row.kind == Kind.STEP))
    for other in others:  # after the first in full, a line about each of the others
        first.body += f"\n{other.subject}\n"
    first.extra_headers["Message-ID"] = letter_id([row.message_id for row in rows])
    return first


def _about(row: Reminder, now: datetime) -> EmailMultiAlternatives:
    letter = gather(row, now) if row.bill is not None else None
    with translation.override(row.recipient.language), timezone.override(zone(row.household.time_zone)):
        return _message(row, _template(row, letter), {"letter": letter, **_around(row.household)}, now)


def gather(row: Reminder, now: datetime) -> Letter:
    """The figures for a mail about a bill."""
    bill = row.bill
    assert bill is not None
    loan = bill.loan
    today = loan.household.today(now)
    late = bill.payable_on < today
    attempt = row.attempt
    debit = _debit(bill, today, now)
    return Letter(
        lender=loan.lender.name,
        loan=loan.name,
        number=bill.number,
        count=Bill.objects.filter(loan=loan).needed().count(),
        currency=loan.currency,
        amount=attempt.requested if attempt else bill.open.total,
        paid=bill.paid.total,
        payable_on=bill.payable_on,
        today=today,
        account=str(attempt.account) if attempt else (debit.account if debit else ""),
        debit=debit,
        penalty=bill.open.penalty,
        waiting_costs=_waiting_costs(bill, today) if late else 0,
        grace_until=_grace_until(bill, today) if late else None,
        tried_at=attempt.window_at.astimezone(zone(loan.household.time_zone)) if attempt else None,
        missing=attempt.missing if attempt else 0,
        debited=attempt.debited if attempt else 0,
        left=bill.open.total,
        reason=attempt.reason if attempt else "",
        pay_by=_pay_by(bill, today),
        mandate=attempt.mandate if attempt else None,
        links=_links(bill) | _answer_links(row, now),
        answer_by=loan.household.today(now + LINK_LASTS),
    )


def _debit(bill: Bill, today: date, now: datetime) -> Debit | None:
    """What auto-repay will do about this bill; None without a mandate, or where the lender no longer tries."""
    mandate = bill.loan.mandate
    if mandate is None:
        return None
    days = max(HORIZON_DAYS, (bill.payable_on - today).days)
    cover = coverage(bill.loan.household, today, days).get(bill.pk)
    if cover is None:
        return None
    return Debit(
        account=cover.paid_from,
        windows=" / ".join(mandate.windows),
        next_at=cover.debit_at.astimezone(zone(bill.loan.household.time_zone)) if cover.debit_at > now else None,
        funding=cover.funding,
        leans_on=cover.leans_on,
        missing=cover.short_by,
        above_cap=cover.above_cap,
    )


def _waiting_costs(bill: Bill, today: date) -> int:
    """What the bill grows by until tomorrow, if nothing is paid."""
    past = history(bill.loan)
    grown = {
        day: next((one.open.total for one in past.project(day).bills if one.number == bill.number), 0)
        for day in (today, today + timedelta(days=1))
    }
    return max(0, grown[today + timedelta(days=1)] - grown[today])


def _grace_until(bill: Bill, today: date) -> date | None:
    last = bill.payable_on + timedelta(days=bill.loan.grace_days)
    return last if bill.loan.grace_days and today <= last else None


def _pay_by(bill: Bill, today: date) -> date | None:
    last = bill.payable_on + timedelta(days=bill.loan.grace_days)
    return last if today <= last else None


def _links(bill: Bill) -> dict[str, str]:
    return {
        "loan": _url("ledger:loan", bill.loan_id),
        "mandate": _url("ledger:mandate", bill.loan_id),
        "pay": f"{_url('ledger:record_repayment', bill.loan_id)}?bill={bill.number}",
    }


def _answer_links(row: Reminder, now: datetime) -> dict[str, str]:
    """Where a question is answered without signing in; nothing for who may only look on. Both lead to the same page,
    which asks once more: programs that follow every link of a mail answer nothing."""
    if row.kind != Kind.CONFIRM or row.attempt is None or row.attempt.repayment_id is None:
        return {}
    member = Membership.objects.filter(household=row.household_id, user=row.recipient_id).first()
    if member is None or not member.may_write:
        return {}
    token = make_token(repayment=row.attempt.repayment_id, recipient=row.recipient_id, now=now)
    page = _url("ledger:answer_debit", token)
    return {"yes": f"{page}?say=yes", "no": f"{page}?say=no"}


def _url(name: str, *args: Any) -> str:
    return settings.SITE_URL + reverse(name, args=args)


def _around(household: Household) -> dict[str, str]:
    return {"household": household.name, "settings_url": _url("reminders:settings"), "site_url": settings.SITE_URL}


def _template(row: Reminder, letter: Letter | None) -> str:
    if row.kind != Kind.STEP or letter is None:
        return row.kind
    return rules.wording(letter.days_left, auto_repay=letter.is_debited, short=letter.is_short)


def _message(row: Reminder, kind: str, context: dict[str, Any], now: datetime) -> EmailMultiAlternatives:
    name = f"reminders/email/{kind}"
    subject = " ".join(render_to_string(f"{name}.subject.txt", context).split())
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"{name}.txt", context).strip() + "\n",
        to=[row.recipient.email],
        headers={
            "Message-ID": row.message_id,
            "Date": format_datetime(now),
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{context['settings_url']}>",
        },
    )
    message.attach_alternative(render_to_string(f"{name}.html", context | {"subject": subject}), "text/html")
    return message
